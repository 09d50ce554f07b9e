#!/bin/bash
# offboard_user.sh: all access of a leaving user ends, step by step.
#
#   ./offboard_user.sh EMAIL
#
# It can be run again after an interruption. `secure-mcp-gateway user offboard --email EMAIL` does the same in one
# transaction; the steps are worth having where other systems are to be told between them.
set -euo pipefail

if [ $# -ne 1 ]; then
    echo "usage: $0 EMAIL" >&2
    exit 2
fi
email=$1

echo "Offboarding user: $email"

# 1. What the user has, for the record. `user get` shows keys masked; `user list-api-keys` would print them in full.
secure-mcp-gateway user get --email "$email"

# 2. Delete all API keys first: from here on nothing authenticates.
echo "Deleting all API keys..."
secure-mcp-gateway user delete-all-api-keys --email "$email"

# 3. and 4. Remove from all projects. One name a line, read whole: a `for` over $(...) would make two words of
# "Team Project". Names have no line breaks in them. The list is taken before the first removal.
mapfile -t projects < <(secure-mcp-gateway user list-projects --email "$email" | jq -r '.[].project_name')
for project in "${projects[@]}"; do
    echo "Removing from project: $project"
    secure-mcp-gateway project remove-user --project-name "$project" --email "$email"
done

# 5. Delete the user. Without --force: should a key have been made meanwhile, this stops and says so.
echo "Deleting user account..."
secure-mcp-gateway user delete --email "$email"

echo "Offboarding complete for $email"
