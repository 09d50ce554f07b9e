#!/bin/bash
# The scripts in examples/ do what they say: with blanks in names, twice in a row, and without a key in an argument list.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

# The name that the examples call: it writes its arguments to calls.log and runs the program.
mkdir bin
cat >bin/secure-mcp-gateway <<'END'
#!/bin/bash
printf '[%s]' "$@" >>"$T/calls.log"
echo >>"$T/calls.log"
exec "$SMG" "$@"
END
chmod +x bin/secure-mcp-gateway
PATH=$T/bin:$PATH
: >calls.log

# example NAME ARGS...: status in $rc, output in $T/out and $T/err
example() {
    rc=0
    bash "$root/examples/$1.sh" "${@:2}" >"$T/out" 2>"$T/err" || rc=$?
}

for project in "Team Project" "O'Neil & Söhne" "-dash"; do must smg project create --project-name "$project"; done

echo '# onboarding.sh'
example onboarding
same 'no arguments: wrong use' 2 "$rc"
example onboarding new.user+1@example.com "Team Project" "O'Neil & Söhne" "-dash"
same 'succeeds' 0 "$rc"
same 'prints one key per project' '["Team Project","O'\''Neil & Söhne","-dash"]' "$(jq -s -c 'map(select(.api_key | length == 48).project_name)' out)"
example onboarding new.user+1@example.com "Team Project" "O'Neil & Söhne" "-dash"
same 'again: succeeds' 0 "$rc"
same 'and makes no further key' '' "$(cat out)"
example onboarding new.user+1@example.com "No Such Project"
check 'an unknown project: fails' test "$rc" -ne 0
same 'and prints nothing' '' "$(cat out)"

echo '# rotate_user_keys.sh'
keys() { "$SMG" user list-api-keys --email new.user+1@example.com | jq -r '.[] | select(.status == "active") | .api_key' | sort; }
keys >before
example rotate_user_keys NEW.USER+1@example.com new_keys.json
same 'succeeds' 0 "$rc"
keys >after
same 'as many active keys as before' "$(wc -l <before)" "$(wc -l <after)"
same 'none of them an old one' '' "$(comm -12 before after)"
same 'the file has the new keys' "$(cat after)" "$(jq -r .new_api_key new_keys.json | sort)"
same 'and is for the owner only' 600 "$(stat -c %a new_keys.json)"
check 'no full key on the terminal' test "$(cat out err | grep -c -E 'smg_[A-Za-z0-9_-]{44}')" = 0
keys >before
example rotate_user_keys new.user+1@example.com new_keys.json
check 'an existing file: refused' test "$rc" -ne 0
keys >after
check 'and no key rotated' cmp before after
example rotate_user_keys new.user+1@example.com graceful.json 24h
same 'with grace: succeeds' 0 "$rc"
same 'says until when the old keys live' 3 "$(jq -r .old_key_expires_at graceful.json | grep -c -E '^[0-9T:.-]{26}$')"
old=$(head -n 1 before)
same 'and they do' active "$("$SMG" user get-api-key --api-key "$old" | jq -r .status)"
example rotate_user_keys nobody@example.com nobody.json
check 'an unknown user: fails' test "$rc" -ne 0
check 'and leaves no file' test ! -e nobody.json

echo '# emergency_revocation.sh'
leaked=$(jq -r 'select(.new_api_key).new_api_key' graceful.json | head -n 1)
printf '%s\n' "$leaked" >leaked.txt
example emergency_revocation revoke <leaked.txt
same 'revoke succeeds' 0 "$rc"
same 'the leaked key is disabled' disabled "$("$SMG" user get-api-key --api-key "$leaked" | jq -r .status)"
fresh=$(jq -r .api_key out)
same 'the new key is active' active "$("$SMG" user get-api-key --api-key "$fresh" | jq -r .status)"
same 'for the same user and project' "$("$SMG" user get-api-key --api-key "$leaked" | jq -c '[.user_id, .project_id]')" \
    "$("$SMG" user get-api-key --api-key "$fresh" | jq -c '[.user_id, .project_id]')"
key_id=$(grep -o -E 'finish [0-9a-f-]{36}' err | cut -d ' ' -f 2)
example emergency_revocation finish "$key_id"
same 'finish succeeds' 0 "$rc"
smg user get-api-key --api-key "$leaked"
refused 'the leaked key is gone' 1
same 'three lines in the log' 3 "$(wc -l <security_log.txt)"
check 'no key in the log' test "$(grep -c -F -e "${leaked:20}" -e "${fresh:20}" security_log.txt)" = 0
printf 'smg_nonsense\n' >nonsense.txt
example emergency_revocation revoke <nonsense.txt
check 'an unknown key: fails' test "$rc" -ne 0
same 'and prints nothing' '' "$(cat out)"
example emergency_revocation
same 'no arguments: wrong use' 2 "$rc"

echo '# audit_users.sh'
must smg user create --email zoe@example.com
example audit_users
same 'succeeds' 0 "$rc"
same 'names every user' 'User: new.user+1@example.com
User: zoe@example.com' "$(grep '^User: ' out | sort)"
same 'and every project of a user, whole' " - -dash
 - O'Neil & Söhne
 - Team Project" "$(grep '^ - ' out | LC_ALL=C sort)"
check 'no full key in it' test "$(grep -c -E 'smg_[A-Za-z0-9_-]{44}' out)" = 0
example audit_users ZOE
same 'of those who match' 'User: zoe@example.com' "$(grep '^User: ' out)"

echo '# offboard_user.sh'
example offboard_user new.user+1@example.com
same 'succeeds' 0 "$rc"
same 'three removals' 3 "$(grep -c '^Removing from project: ' out)"
smg user get --email new.user+1@example.com
refused 'the user is gone' 1
smg user get-api-key --api-key "$fresh"
refused 'and the keys' 1
example offboard_user new.user+1@example.com
check 'again: fails, there is nobody' test "$rc" -ne 0

same 'no argument list held a key' 0 "$(grep -c -E 'smg_[A-Za-z0-9_-]{44}' calls.log)"
check 'and there were argument lists' test "$(wc -l <calls.log)" -gt 20
summary
