#!/bin/bash
# Whoever edits the database by hand is found out: health-check and audit verify fail and name what was touched, and a key
# that was switched on by hand does not come alive.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

good=$T/good
export SECURE_MCP_GATEWAY_HOME=$good
new_key alice@example.com "Team Project"
alice=$KEY
new_key bob@example.com Other
bob=$KEY
must smg config add --config-name conf
for project in "Team Project" Other; do must smg project assign-config --project-name "$project" --config-name conf; done
must smg user check-api-key --api-key "$alice"
must smg user check-api-key --api-key "$bob"
must smg user disable-api-key --api-key "$alice"
must smg user generate-api-key --email alice@example.com --project-name "Team Project" --expires-in 1h
id_of() { "$SMG" user get-api-key --api-key "$1" --details | jq -r "${2:-.key_id}"; }
alice_id=$(id_of "$alice")
bob_id=$(id_of "$bob")
must smg system health-check
must smg audit verify

db() { sqlite3 -batch "$SECURE_MCP_GATEWAY_HOME/store.db" "$@"; }
fresh() {
    echo "# $1"
    SECURE_MCP_GATEWAY_HOME=$T/case
    rm -rf "$T/case"
    cp -a "$good" "$T/case"
}
# edit SQL: exactly this, and it must have changed something
edit() {
    local changed
    changed=$(db "$1; SELECT changes();" 2>edit.err | tail -n 1)
    if [ "${changed:-0}" -gt 0 ]; then pass "edited: $1"; else fail "the edit did nothing: $1 $(cat edit.err)"; fi
}
# named TEXT WORD: the last command ended with 1 and said WORD
named() {
    same "$1 ends with 1" 1 "$rc"
    if grep -q -w -F -e "$2" out err; then pass "and names $2"; else
        fail "and does not name $2"
        show
    fi
}
columns() { db "SELECT name FROM pragma_table_info('$1')"; }

fresh 'the test itself'
smg system health-check
same 'an untouched copy is healthy' 0 "$rc"
same 'and says so' healthy "$(jq -r .status out)"
smg audit verify
same 'and its chain whole' 0 "$rc"

fresh 'a disabled key is enabled by hand'
edit "UPDATE api_keys SET disabled_at = NULL WHERE disabled_at IS NOT NULL"
smg system health-check
named 'health-check' "$alice_id"
check 'it says so in issues' jq -e '.status != "healthy" and (.issues | length) > 0' out
smg user get-api-key --api-key "$alice"
check 'the key is not active' test "$rc" = 1 -o "$(jq -r .status out 2>/dev/null)" != active
smg user check-api-key --api-key "$alice"
check 'nor usable' test "$rc" = 1

fresh 'an active key is disabled by hand'
edit "UPDATE api_keys SET disabled_at = (SELECT max(disabled_at) FROM api_keys) WHERE disabled_at IS NULL"
smg system health-check
named 'health-check' "$bob_id"

for column in $(columns api_keys); do
    case $column in
    n | last_used_at | use_count) continue ;; # what the gateway writes, and no matter of trust
    key_id) value="'00000000-0000-4000-8000-000000000000'" ;;
    user | project) value="(SELECT $column FROM api_keys k WHERE k.$column <> api_keys.$column LIMIT 1)" ;;
    digest | mac) value="zeroblob(32)" ;;
    sealed) value="zeroblob(length(sealed))" ;;
    created_at | expires_at | disabled_at) value="coalesce($column + 1, 1)" ;;
    *) value="'00000000-0000-4000-8000-000000000000'" ;;
    esac
    fresh "$column of a key is edited"
    edit "PRAGMA foreign_keys = OFF; UPDATE api_keys SET $column = $value WHERE n = (SELECT max(n) FROM api_keys)"
    smg system health-check
    same 'health-check ends with 1' 1 "$rc"
    check 'and has an issue' jq -e '.issues | length > 0' out
done

fresh 'a key that ends lives on'
edit "UPDATE api_keys SET expires_at = NULL WHERE expires_at IS NOT NULL"
smg system health-check
same 'health-check ends with 1' 1 "$rc"

fresh 'a deleted key is brought back'
must smg user list-all-api-keys
db "CREATE TABLE kept AS SELECT * FROM api_keys"
must smg user delete-api-key --api-key "$bob_id"
edit "INSERT INTO api_keys SELECT * FROM kept WHERE key_id = '$bob_id'; DROP TABLE kept"
smg user check-api-key --api-key "$bob"
check 'it is not usable' test "$rc" = 1
smg system health-check
same 'health-check ends with 1' 1 "$rc"

fresh 'keys change their owners'
edit "PRAGMA foreign_keys = OFF; UPDATE api_keys SET (user, project) = (SELECT user, project FROM api_keys k WHERE k.user <> api_keys.user LIMIT 1)"
smg system health-check
same 'health-check ends with 1' 1 "$rc"

fresh 'a row is taken from another store'
stranger=$T/stranger
SECURE_MCP_GATEWAY_HOME=$stranger
new_key mallory@example.com "Team Project"
mallory=$KEY
SECURE_MCP_GATEWAY_HOME=$T/case
list=$(columns api_keys | paste -sd ,)
db "ATTACH '$stranger/store.db' AS s; PRAGMA foreign_keys = OFF; INSERT INTO api_keys ($list) SELECT $list FROM s.api_keys" 2>edit.err ||
    db "ATTACH '$stranger/store.db' AS s; PRAGMA foreign_keys = OFF;
        DELETE FROM api_keys; INSERT INTO api_keys ($list) SELECT $list FROM s.api_keys" 2>edit.err
check 'the row is in' test "$(db "ATTACH '$stranger/store.db' AS s; SELECT count(*) FROM api_keys JOIN s.api_keys USING (key_id)")" -gt 0
smg user check-api-key --api-key "$mallory"
check 'the stranger is not let in' test "$rc" != 0
smg system health-check
same 'health-check ends with 1' 1 "$rc"

echo '# audit records'
seqs=$(SECURE_MCP_GATEWAY_HOME=$good db 'SELECT seq FROM audit ORDER BY seq')
last=$(tail -n 1 <<<"$seqs")
middle=$(sed -n "$(($(wc -l <<<"$seqs") / 2))p" <<<"$seqs")
check 'there are records enough' test "$(wc -l <<<"$seqs")" -gt 5

# Every column of a record, of any kind.
SECURE_MCP_GATEWAY_HOME=$good
audit_columns=$(columns audit)
for column in $audit_columns; do
    [ "$column" = seq ] && continue
    fresh "$column of audit record $middle is edited"
    type=$(db "SELECT typeof($column) FROM audit WHERE seq = $middle")
    case $type in
    integer | real) edit "UPDATE audit SET $column = $column + 1 WHERE seq = $middle" ;;
    text) edit "UPDATE audit SET $column = $column || 'x' WHERE seq = $middle" ;;
    blob) edit "UPDATE audit SET $column = CAST(zeroblob(length($column)) AS BLOB) WHERE seq = $middle" ;;
    null) edit "UPDATE audit SET $column = 'x' WHERE seq = $middle" ;;
    esac
    smg audit verify
    named 'audit verify' "$middle"
    smg system health-check
    same 'health-check ends with 1' 1 "$rc"
done

fresh "audit record $middle is deleted"
edit "DELETE FROM audit WHERE seq = $middle"
smg audit verify
same 'audit verify ends with 1' 1 "$rc"
check "and names $middle or the one after" grep -q -w -E "$middle|$((middle + 1))" out err
smg system health-check
same 'health-check ends with 1' 1 "$rc"

fresh 'the last audit record is deleted'
edit "DELETE FROM audit WHERE seq = $last"
smg audit verify
same 'audit verify ends with 1' 1 "$rc"
check "and names $last or the one before" grep -q -w -E "$last|$((last - 1))" out err
smg system health-check
same 'health-check ends with 1' 1 "$rc"

fresh 'the last audit record is deleted, and the counter set back'
edit "DELETE FROM audit WHERE seq = $last"
db "UPDATE sqlite_sequence SET seq = seq - 1 WHERE name = 'audit'" 2>/dev/null
smg user create --email next@example.com
smg audit verify
same 'a record written over it does not heal the chain' 1 "$rc"

fresh 'the first audit record is deleted'
edit "DELETE FROM audit WHERE seq = (SELECT min(seq) FROM audit)"
smg audit verify
same 'audit verify ends with 1' 1 "$rc"

fresh 'all audit records are deleted'
edit "DELETE FROM audit"
smg audit verify
same 'audit verify ends with 1' 1 "$rc"
smg system health-check
same 'health-check ends with 1' 1 "$rc"

fresh 'two audit records are exchanged'
others=$(grep -v -x seq <<<"$audit_columns" | paste -sd ,)
edit "PRAGMA foreign_keys = OFF; CREATE TEMP TABLE t AS SELECT * FROM audit WHERE seq IN ($middle, $((middle + 1)));
    DELETE FROM audit WHERE seq IN ($middle, $((middle + 1)));
    INSERT INTO audit (seq, $others) SELECT 2 * $middle + 1 - seq, $others FROM t"
smg audit verify
same 'audit verify ends with 1' 1 "$rc"

fresh 'an audit record is invented'
edit "INSERT INTO audit (seq, $others) SELECT seq + 1, $others FROM audit WHERE seq = $last"
smg audit verify
named 'audit verify' "$((last + 1))"

echo '# the good store'
SECURE_MCP_GATEWAY_HOME=$good
smg system health-check
same 'is still healthy' 0 "$rc"
smg audit verify
same 'and its chain whole' 0 "$rc"
summary
