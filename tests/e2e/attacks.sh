#!/usr/bin/env bash
# Attacks and accidents that worked once, each with what must happen instead.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"
sql() { sqlite3 "$SECURE_MCP_GATEWAY_HOME/store.db" "$@"; }

# Runs the program; its streams go to out and err, its status to rc.
run() { rc=0; "$SMG" "$@" >out 2>err || rc=$?; }

# fresh NAME: a new home with a user, a project, a config and a key.
fresh() {
    echo "# $1"
    export SECURE_MCP_GATEWAY_HOME=$T/$1
    must smg user create --email a@x.co
    must smg project create --project-name P
    must smg project add-user --project-name P --email a@x.co
    must smg config add --config-name c
    must smg project assign-config --project-name P --config-name c
    key=$("$SMG" user generate-api-key --email a@x.co --project-name P | jq -r .api_key)
    id=$("$SMG" user list-all-api-keys | jq -r '.[0].key_id')
}
# shellcheck disable=SC2317 # called through check
healthy() { "$SMG" system health-check >/dev/null 2>&1; }
# shellcheck disable=SC2317
unhealthy() { ! healthy; }
status_of() { "$SMG" user list-all-api-keys | jq -r --arg id "$1" '.[] | select(.key_id == $id).status'; }

fresh 'a result over the store'
ln -s "$SECURE_MCP_GATEWAY_HOME/master.key" link
for file in "$SECURE_MCP_GATEWAY_HOME"/{store.db,store.db-wal,store.db-shm,store.db-journal,index.key,master.key} \
    "$SECURE_MCP_GATEWAY_HOME/../a result over the store/store.db" link; do
    run audit export --output-file "$file"
    same "refused: ${file##*/}" 2 "$rc"
done
for file in index.key store.db store.db-wal store.db-journal; do
    run install --client cursor --config-file "$SECURE_MCP_GATEWAY_HOME/$file"
    same "not for install: $file" 2 "$rc"
done
must smg system rotate-master-key
run audit export --output-file "$(echo "$SECURE_MCP_GATEWAY_HOME"/master.key.previous-*)"
same 'nor a key file of the past' 2 "$rc"
check 'the store is untouched' healthy

fresh 'dates of another type'
for edit in "expires_at = ''" 'expires_at = 0' "disabled_at = x'31'" 'created_at = created_at + 0.5' "name = ''"; do
    sql "CREATE TABLE kept AS SELECT * FROM api_keys; UPDATE api_keys SET $edit"
    same "tampered: $edit" tampered "$(status_of "$id")"
    sql 'DELETE FROM api_keys; INSERT INTO api_keys SELECT * FROM kept; DROP TABLE kept'
done
check 'put back, all is well' healthy
sql 'PRAGMA user_version = 0'
run user list
check 'a store without the number of its format is damaged' grep -q 'without the number of its format' err

fresh 'the database goes, its log stays'
rm "$SECURE_MCP_GATEWAY_HOME/store.db"
run user list
same 'refused' 1 "$rc"
check 'and said why' grep -q 'still there: .*/store.db-wal, .*/index.key, .*/master.key$' err
rm "$SECURE_MCP_GATEWAY_HOME"/store.db-*
run user list
same 'without the log, too' 1 "$rc"
check 'and named the key files' grep -q 'still there: .*/index.key, .*/master.key$' err
mkdir "$T/old keys"
mv "$SECURE_MCP_GATEWAY_HOME"/*.key "$T/old keys"
run user list
same 'without the key files it is a new store' '[]' "$(cat out)"

fresh 'planted triggers'
sql "CREATE TRIGGER z BEFORE UPDATE ON api_keys BEGIN SELECT raise(ignore); END;
     CREATE TRIGGER y BEFORE DELETE ON api_keys BEGIN SELECT raise(ignore); END;
     CREATE TRIGGER x BEFORE INSERT ON users BEGIN SELECT raise(ignore); END"
check 'health-check sees them' unhealthy
must smg user disable-api-key --api-key "$key"
same 'disabling works all the same' disabled "$(status_of "$id")"
must smg user create --email b@x.co
same 'so does creating' 2 "$("$SMG" user list | jq length)"
run user delete-all-api-keys --email a@x.co
same 'so does deleting' 0 "$rc"
same 'nothing is left' 0 "$("$SMG" user list-all-api-keys | jq length)"

fresh 'an audit record from the end of time'
sql "INSERT INTO audit SELECT 9223372036854775807, at, actor, action, command, outcome, user_id, project_id,
     config_id, key_id, detail, mac FROM audit WHERE seq = 1;
     INSERT INTO audit SELECT -5, at, actor, action, command, outcome, user_id, project_id,
     config_id, key_id, detail, mac FROM audit WHERE seq = 1"
must smg user disable-api-key --api-key "$key"
must smg user enable-api-key --api-key "$key"
run audit verify
same 'verify sees it' 1 "$rc"

fresh 'audit records that hide'
sql 'CREATE TABLE kept AS SELECT * FROM audit'
for hiding in "at = -1, actor = 'nobody'" 'actor = CAST(actor AS BLOB)' 'at = -1' 'detail = CAST(detail AS BLOB)'; do
    sql "UPDATE audit SET $hiding"
    run audit verify
    same "verify sees it: $hiding" 1 "$rc"
    check 'so does health-check' unhealthy
    sql 'DELETE FROM audit; INSERT INTO audit SELECT * FROM kept'
done
sql 'DROP TABLE kept'
check 'put back, all is well' healthy
sql 'UPDATE api_keys SET key_id = CAST(key_id AS BLOB)'
check 'a key that hides is seen, too' unhealthy

fresh 'a field too long'
sql "UPDATE api_keys SET masked = printf('%.*c', 400, 'x'), mac = x'00'"
same 'the key is tampered' tampered "$(status_of "$id")"
check 'health-check names it' grep -q "$id" <("$SMG" system health-check)
must smg user delete-api-key --api-key "$id"

fresh 'an older row, hidden behind a tampered one'
must smg user generate-api-key --email a@x.co --project-name P --name second
second=$("$SMG" user list-all-api-keys | jq -r '.[1].key_id')
sql "CREATE TABLE kept AS SELECT * FROM api_keys WHERE key_id = '$id'"
must smg user disable-api-key --api-key "$id"
sql "UPDATE api_keys SET (disabled_at, mac) = (SELECT disabled_at, mac FROM kept) WHERE key_id = '$id';
     UPDATE api_keys SET mac = zeroblob(32) WHERE key_id = '$second'; DROP TABLE kept"
must smg user delete-api-key --api-key "$second"
check 'deleting the tampered one does not clear it' unhealthy
must smg user disable-api-key --api-key "$id"
must smg system accept-keys
check 'accepting the keys does, on the record' healthy
check 'there is a record' grep -q accept_keys <("$SMG" audit list --action system.accept_keys)

fresh 'a rotated key is not brought back'
must smg user rotate-api-key --api-key "$key" --grace 1h
run user update-api-key --api-key "$key" --expires-in never
same 'refused' 1 "$rc"
check 'the successor is named' grep -q 'its successor is' err

fresh 'many keys of one user'
for _ in $(seq 20); do must smg user generate-api-key --email a@x.co --project-name P; done
sql "EXPLAIN QUERY PLAN SELECT * FROM api_keys WHERE user = 1 AND n > 3 ORDER BY n" >plan
check 'are read in order, without sorting' grep -qv 'TEMP B-TREE' plan
must smg user rotate-all-api-keys --email a@x.co
same 'all are rotated' 21 "$("$SMG" user list-all-api-keys | jq length)"

fresh 'a database with a strange name'
(cd "$T" && run --store 'sqlite:file:zz.db' user list && same 'is only a name' 0 "$rc" && test -f file:zz.db)
(cd "$T" && run --store 'sqlite::memory:' user list && same 'is only a name, too' 0 "$rc")

echo '# two homes, one database'
for round in 1 2 3; do
    for home in one two; do
        SECURE_MCP_GATEWAY_HOME=$T/$home$round "$SMG" --store "sqlite:$T/shared$round.db" user list >"$home.out" 2>"$home.err" &
    done
    wait
    same "round $round: one wins" 1 "$(cat one.out two.out | grep -c '\[\]')"
    same 'the other is told why' 1 "$(cat one.err two.err | grep -c 'index.key')"
done
summary
