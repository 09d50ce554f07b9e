#!/bin/bash
# The five workflows of the request, as printed there apart from the damage of saving the page (blanks around `=`, inside
# `$(...)`, `${...}` and quotes; line breaks; hidden addresses), run by bash with jq.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

# The name that the workflows call: it runs the program and writes status and arguments to calls.log.
mkdir bin
cat >bin/secure-mcp-gateway <<'END'
#!/bin/bash
"$SMG" "$@"
rc=$?
printf '%s' "$rc" >>"$T/calls.log"
printf ' [%s]' "$@" >>"$T/calls.log"
echo >>"$T/calls.log"
exit "$rc"
END
chmod +x bin/secure-mcp-gateway
PATH=$T/bin:$PATH

# workflow NAME: runs the script NAME.sh; output in NAME.out and NAME.err, calls in calls.log
workflow() {
    : >calls.log
    bash "./$1.sh" >"$1.out" 2>"$1.err"
}
failures() { grep -v -c '^0 ' calls.log; }

cat >onboarding.sh <<'END'
# 1. Create user
secure-mcp-gateway user create --email "newuser@example.com"
# 2. Add to projects
secure-mcp-gateway project add-user \
--project-name "Team Project" \
--email "newuser@example.com"
# 3. Generate API keys
secure-mcp-gateway user generate-api-key \
--email "newuser@example.com" \
--project-name "Team Project"
# 4. Verify setup
secure-mcp-gateway user get --email "newuser@example.com"
END
cat >rotate_user_keys.sh <<'END'
#!/bin/bash
# rotate_user_keys.sh
EMAIL="newuser@example.com"
# Get all API keys
KEYS=$(secure-mcp-gateway user list-api-keys --email "$EMAIL" | jq -r '.[].api_key')
# Rotate each key
for KEY in $KEYS; do
echo "Rotating key: ${KEY:0:20}..."
secure-mcp-gateway user rotate-api-key --api-key "$KEY"
done
echo "All keys rotated for $EMAIL"
END
cat >emergency.sh <<'END'
# If a key is compromised:
# 1. Immediately disable the key
secure-mcp-gateway user disable-api-key --api-key "COMPROMISED_KEY"
# 2. Generate new key
secure-mcp-gateway user generate-api-key \
--email "newuser@example.com" \
--project-name "Team Project"
# 3. Update application with new key
# (Manual step)
# 4. Delete old key
secure-mcp-gateway user delete-api-key --api-key "COMPROMISED_KEY"
# 5. Document incident
echo "Key revoked at $(date)" >> security_log.txt
END
cat >offboard_user.sh <<'END'
#!/bin/bash
# offboard_user.sh
EMAIL="newuser@example.com"
echo "Offboarding user: $EMAIL"
# 1. List user's projects and keys
echo "User's projects:"
secure-mcp-gateway user list-projects --email "$EMAIL"
echo "User's API keys:"
secure-mcp-gateway user list-api-keys --email "$EMAIL"
# 2. Delete all API keys
echo "Deleting all API keys..."
secure-mcp-gateway user delete-all-api-keys --email "$EMAIL"
# 3. Get project list
PROJECTS=$(secure-mcp-gateway user list-projects --email "$EMAIL" | jq -r '.[].project_name')
# 4. Remove from all projects
for PROJECT in $PROJECTS; do
echo "Removing from project: $PROJECT"
secure-mcp-gateway project remove-user \
--project-name "$PROJECT" \
--email "$EMAIL"
done
# 5. Delete user
echo "Deleting user account..."
secure-mcp-gateway user delete --email "$EMAIL" --force
echo "Offboarding complete for $EMAIL"
END
cat >audit_users.sh <<'END'
#!/bin/bash
# audit_users.sh
echo "User Access Audit - $(date)"
echo "================================"
# Get all users
USERS=$(secure-mcp-gateway user list | jq -r '.[].email')
for EMAIL in $USERS; do
echo ""
echo "User: $EMAIL"
echo "---"
# Count projects
PROJECT_COUNT=$(secure-mcp-gateway user list-projects --email "$EMAIL" | jq 'length')
echo "Projects: $PROJECT_COUNT"
# Count API keys
KEY_COUNT=$(secure-mcp-gateway user list-api-keys --email "$EMAIL" | jq 'length')
echo "API Keys: $KEY_COUNT"
# List projects
echo "Project memberships:"
secure-mcp-gateway user list-projects --email "$EMAIL" | jq -r '.[].project_name' | sed 's/^/ - /'
done
END

echo '# New User Onboarding'
must smg project create --project-name "Team Project"
workflow onboarding
same 'every step succeeds' 0 "$(failures)"
check 'nothing on stderr but what the contract allows: no error' test "$(grep -c '^error' onboarding.err)" = 0
check 'it creates the user' grep -q -E '^user_id: [0-9a-f-]{36}$' onboarding.out
smg user get --email newuser@example.com
same 'the user is in the project with one key' '["Team Project",1]' "$(jq -c '[.projects[0].project_name, (.api_keys | length)]' out)"
key=$(grep -o -E 'smg_[A-Za-z0-9_-]{44}' onboarding.out)
check 'it prints one full key' test "${#key}" = 48
same 'and the masked form of it' 1 "$(grep -c -F "\"${key:0:20}...\"" onboarding.out)"

echo '# Rotate All Keys for a User'
must smg project create --project-name Other
must smg project add-user --project-name Other --email newuser@example.com
must smg user generate-api-key --email newuser@example.com --project-name Other
active() { "$SMG" user list-api-keys --email newuser@example.com | jq -r '.[] | select(.status == "active") | .api_key' | sort; }
active >before
workflow rotate_user_keys
same 'every step succeeds' 0 "$(failures)"
same 'one line per key, cut to 20 characters' "$(cut -c 1-20 before | sed 's/^/Rotating key: /; s/$/.../' | sort)" "$(grep '^Rotating key: ' rotate_user_keys.out | sort)"
active >after
same 'as many active keys as before' "$(wc -l <before)" "$(wc -l <after)"
same 'none of them an old one' '' "$(comm -12 before after)"
same 'the new keys are printed in full' "$(cat after)" "$(grep -o -E '"new_api_key": "[^"]*"' rotate_user_keys.out | cut -d '"' -f 4 | sort)"
same 'the last line' 'All keys rotated for newuser@example.com' "$(tail -n 1 rotate_user_keys.out)"
active >before
workflow rotate_user_keys
same 'the script run a second time succeeds at every step' 0 "$(failures)"
active >after
same 'and again as many active keys' "$(wc -l <before)" "$(wc -l <after)"
same 'none of them an old one' '' "$(comm -12 before after)"

echo '# Emergency Key Revocation'
compromised=$("$SMG" user list-api-keys --email newuser@example.com --project-name "Team Project" | jq -r '.[] | select(.status == "active") | .api_key')
sed -i "s/COMPROMISED_KEY/$compromised/" emergency.sh
workflow emergency
same 'every step succeeds' 0 "$(failures)"
smg user get-api-key --api-key "$compromised"
refused 'the compromised key is gone' 1
same 'the incident is documented' 1 "$(grep -c '^Key revoked at ' security_log.txt)"
fresh=$(grep -o -E '"api_key": "smg_[A-Za-z0-9_-]{44}"' emergency.out | cut -d '"' -f 4)
smg user get-api-key --api-key "$fresh"
same 'the new one is active' active "$(jq -r .status out)"

echo '# Audit User Access'
must smg user create --email other@example.com
keys=$("$SMG" user list-api-keys --email newuser@example.com | jq length)
memberships=$("$SMG" user list-projects --email newuser@example.com | jq -r '.[] | " - " + .project_name')
same 'both projects' ' - Other, - Team Project' "$(sort <<<"$memberships" | paste -sd ,)"
workflow audit_users
same 'every step succeeds' 0 "$(failures)"
check 'the heading' grep -q '^User Access Audit - ' audit_users.out
same 'the report' "================================

User: newuser@example.com
---
Projects: 2
API Keys: $keys
Project memberships:
$memberships

User: other@example.com
---
Projects: 0
API Keys: 0
Project memberships:" "$(tail -n +2 audit_users.out)"

echo '# User Offboarding'
workflow offboard_user
# As printed, `for PROJECT in $PROJECTS` makes "Team" and "Project" of "Team Project".
same 'two calls fail, for the two halves of a name' '[Team] [Project]' \
    "$(grep -v '^0 ' calls.log | grep -o -E '\[(Team|Project)\]' | paste -sd ' ')"
same 'each with status 1' '1 1' "$(grep -v '^0 ' calls.log | cut -d ' ' -f 1 | paste -sd ' ')"
same 'each saying that there is no such project' 2 "$(grep -c -i '^error: project not found' offboard_user.err)"
same 'and nothing else goes wrong' 2 "$(grep -c '^error' offboard_user.err)"
check 'deleting with --force finishes the job' grep -q -E '^0 \[user\] \[delete\]' calls.log
same 'the last line' 'Offboarding complete for newuser@example.com' "$(tail -n 1 offboard_user.out)"
smg user get --email newuser@example.com
refused 'the user is gone' 1
smg user get-api-key --api-key "$fresh"
refused 'and the keys' 1
for project in Other 'Team Project'; do
    smg project list-users --project-name "$project"
    same "and the membership in $project" '[]' "$(jq -c . out)"
done
must smg system health-check
must smg audit verify
pass 'the store is healthy and the audit chain whole'
summary
