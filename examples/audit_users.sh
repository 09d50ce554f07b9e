#!/bin/bash
# audit_users.sh: who can reach what.
#
#   ./audit_users.sh [SEARCH_TERM]
#
# For each user, or those whose address or project matches SEARCH_TERM: the projects and the number of keys. Reads the
# store once per user and never asks for a full key. `secure-mcp-gateway user audit` prints the same as table, CSV or
# JSON.
set -euo pipefail

if [ $# -gt 1 ]; then
    echo "usage: $0 [SEARCH_TERM]" >&2
    exit 2
fi

echo "User Access Audit - $(date -u +%Y-%m-%dT%H:%M:%SZ)"
echo "================================"

if [ $# -eq 1 ]; then
    users=$(secure-mcp-gateway user search --search-term "$1")
else
    users=$(secure-mcp-gateway user list)
fi

# Line by line, so that whatever an address may contain stays one word. The ids need no quoting at all, and a user
# renamed meanwhile is still found.
jq -r '.[].user_id' <<<"$users" | while IFS= read -r user_id; do
    # One record holds it all: address, projects, masked keys. jq does the counting and the layout.
    secure-mcp-gateway user get --user-id "$user_id" | jq -r '
        "",
        "User: \(.email)",
        "---",
        "Projects: \(.projects | length)",
        "API Keys: \(.api_keys | length)",
        "Project memberships:",
        (.projects[] | " - \(.project_name)")'
done
