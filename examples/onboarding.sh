#!/bin/bash
# onboarding.sh: a new user, the projects they work in, and one API key for each.
#
#   ./onboarding.sh EMAIL PROJECT [PROJECT...] >keys.json
#
# Prints one JSON object per key, {"project_name", "api_key"}, and nothing else, so that the result can go straight into
# a secret store. It can be run again: a user who exists already is kept, and so is a membership; a project in which the
# user holds a key already gets no second one.
set -euo pipefail

if [ $# -lt 2 ]; then
    echo "usage: $0 EMAIL PROJECT [PROJECT...]" >&2
    exit 2
fi
email=$1
shift

# What is redirected from here on is for the owner's eyes only. (The file that the caller's shell opens for `>keys.json`
# is made before this line: use `umask 077` there too.)
umask 077

# Progress goes to stderr, so that stdout stays data.
say() { printf '%s\n' "$*" >&2; }

# 1. Create the user, unless there is one.
if secure-mcp-gateway user get --email "$email" >/dev/null 2>&1; then
    say "User $email exists already"
else
    say "Creating user $email"
    secure-mcp-gateway user create --email "$email" >&2
fi

for project in "$@"; do
    # 2. Add the user to the project. Doing so twice is no error. The quotes keep "Team Project" one word.
    say "Adding to project: $project"
    secure-mcp-gateway project add-user --project-name "$project" --email "$email" >/dev/null

    # 3. Generate a key for this project alone, so that it can be revoked alone.
    #    `user get` lists keys masked: enough to see whether there is one.
    held=$(secure-mcp-gateway user get --email "$email" |
        jq --arg project "$project" '[.api_keys[] | select(.project_name == $project)] | length')
    if [ "$held" -gt 0 ]; then
        say "Holds $held key(s) for $project already: none made"
        continue
    fi
    # The key goes from pipe to pipe: it is in no variable, no file and no argument list.
    secure-mcp-gateway user generate-api-key --email "$email" --project-name "$project" --name onboarding |
        jq --arg project "$project" '{project_name: $project, api_key}'
done

# 4. Verify the setup.
say "Done:"
secure-mcp-gateway user get --email "$email" >&2
