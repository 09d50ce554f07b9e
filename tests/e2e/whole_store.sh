#!/usr/bin/env bash
# The store as a whole: a backup brings back exactly what was, whoever works meanwhile, and a file that is no good backup
# touches nothing; reset and the exchange of master.key lose nothing.
# label: slow
# shellcheck source=tests/e2e/lib.sh
# shellcheck disable=SC2030,SC2031,SC2094 # homes of subshells; the cut name is a number
. "$(dirname "$0")/lib.sh"

home=$SECURE_MCP_GATEWAY_HOME
keys=$T/keys.txt # every key that was ever shown, a line each
flip_every=1000 kill_every=5
[ -z "${SMG_SANITIZE:-}" ] || flip_every=10000 kill_every=40 # a sanitized program starts ten times slower

# holdings: all that an administrator can see but the audit; looking at it leaves no record
holdings() {
    "$SMG" user list -o jsonl
    "$SMG" project list -o jsonl
    "$SMG" config list -o jsonl
    "$SMG" user list-all-api-keys -o jsonl
    for project in Alpha "Team Project"; do "$SMG" project list-users --project-name "$project" -o jsonl; done
}
chain() { "$SMG" audit list -o jsonl; }
full_keys() {
    for user in alice bob; do "$SMG" user list-api-keys --email "$user@example.com" | jq -r '.[].api_key'; done
}
asides() { find "$home" -name 'store.db.before-restore-*' | sort; }
# sound TEXT: the store is healthy, its audit chain whole, nothing is lying about
sound() {
    smg system health-check
    same "$1: healthy, without warnings" '["healthy",[],[]]' "$(jq -c '[.status, .issues, .warnings]' out)"
    smg audit verify
    same "$1: the audit chain is whole" 0 "$rc"
    same "$1: nothing is left over" '' "$(find "$home" -name '*.snapshot*' -o -name '*.aside*' -o -name '*.next*' -o -name '*.new')"
    same "$1: nothing can be read by others" '' "$(find "$home" -perm /077)"
}

echo '# Backup and restore'
for user in alice bob; do
    for project in Alpha "Team Project"; do
        new_key "$user@example.com" "$project"
        printf '%s\n' "$KEY" >>"$keys"
    done
done
mapfile -t made <"$keys"
must smg user disable-api-key --api-key "${made[1]}"
must smg config add --config-name canary-config
must smg project assign-config --project-name Alpha --config-name canary-config
holdings >holdings.then
must smg system backup --output-file good.smgbackup
same 'it says what is in it' '[2,2,1,4]' "$(jq -c '[.total_users,.total_projects,.total_configs,.total_api_keys]' out)"
digest=$(jq -r .digest out)
created=$(jq -r .created_at out)
same 'the file is for its owner alone' 600 "$(stat -c %a good.smgbackup)"
same 'the backup is recorded' '["system.backup","done"]' "$(chain | tail -n 1 | jq -c '[.action,.outcome]')"
same 'with its digest' "$digest" "$(chain | tail -n 1 | jq -r .detail.digest)"
check 'no secret is in it' "$here/scan_secrets" "$keys" -k "$home/index.key" -k "$home/master.key" good.smgbackup
check 'nor an address, a name or a masked key' test "$(grep -c -a -F -e example.com -e alice -e 'Team Project' -e canary -e "${made[0]:0:20}" good.smgbackup)" = 0
chain | head -n -1 >chain.then

must smg user delete --email alice@example.com --force
must smg user rotate-api-key --api-key "${made[2]}"
later=$(jq -r .new_api_key out)
must smg user create --email later@example.com
must smg project rename --project-name Alpha --new-name Omega
holdings >holdings.later 2>/dev/null
chain >chain.later

must smg system restore --input-file good.smgbackup --dry-run
same 'a rehearsal says so' true "$(jq .dry_run out)"
holdings >holdings.now 2>/dev/null
check 'and changes nothing' cmp holdings.later holdings.now
same 'and keeps nothing aside' '' "$(asides)"

must smg system restore --input-file good.smgbackup
same 'restore says what it restored' "$created" "$(jq -r .backup_created_at out)"
aside=$(jq -r .kept_aside out)
holdings >holdings.now
check 'everything is as it was' cmp holdings.then holdings.now
chain >chain.now
check 'the audit chain is as it was' cmp chain.then <(head -n -1 chain.now)
same 'and goes on with the restore' "[\"system.restore\",\"done\",\"$created\",\"$aside\"]" \
    "$(tail -n 1 chain.now | jq -c '[.action,.outcome,.detail.backup_created_at,.detail.kept_aside]')"
check 'all keys are shown again' cmp <(sort "$keys") <(full_keys | sort)
must smg user check-api-key --api-key "${made[0]}"
smg user check-api-key --api-key "$later"
same 'a key made since is unknown' 1 "$rc"
same 'the file kept aside is for its owner alone' 600 "$(stat -c %a "$aside")"
cp "$aside" aside.db
"$SMG" --store "sqlite:$T/aside.db" audit list -o jsonl >chain.aside
check 'it is the store as it was before the restore' cmp chain.later <(head -n "$(wc -l <chain.later)" chain.aside)
must smg user create --email afterwards@example.com
sound 'after the restore'

echo '# A file that is no good backup'
holdings >holdings.then
count=$(asides | wc -l)
n=0 clean=0
# rejected TEXT PATTERN FILE [OPTION...]: one clear error that matches, and nothing is touched
rejected() {
    local text=$1 pattern=$2 file=$3
    smg system restore --input-file "$file" "${@:4}"
    refused "$text" "$([ "${want:-1}" = 2 ] && echo 2 || echo 1)"
    check "$text: the error says why" grep -q -E "$pattern" err
    holdings >holdings.now
    check "$text: nothing is touched" cmp holdings.then holdings.now
    same "$text: nothing is kept aside" "$count" "$(asides | wc -l)"
}
size=$(stat -c %s good.smgbackup)
: >empty
rejected 'an empty file' 'no backup' empty
printf s >one
rejected 'one byte' 'no backup' one
mkdir folder
want=2 rejected 'a directory' 'not a regular file' folder
rejected 'a file that is not there' 'No such file' missing
cp "$home/store.db" plain
rejected 'a database' 'no backup' plain
head -c 26 good.smgbackup >magic
rejected 'only the first line' 'damaged' magic
for cut in 100 300 "$((size / 2))" "$((size - 1))"; do
    head -c "$cut" good.smgbackup >cut.smgbackup
    rejected "the first $cut bytes" 'damaged' cut.smgbackup
done
# After whole chunks: nothing is torn, only the end is missing.
header=$(head -n 2 good.smgbackup | wc -c)
head -c $((header + 96 + 65536 + 17)) good.smgbackup >cut.smgbackup
rejected 'one whole chunk' 'damaged' cut.smgbackup
{ cat good.smgbackup && printf x; } >long
rejected 'a byte too many' 'damaged' long
{ cat good.smgbackup good.smgbackup; } >twice
rejected 'the file twice' 'damaged' twice
sed '2s/"format":1/"format":2/' good.smgbackup >future
rejected 'a format from the future' 'newer version' future
sed -E '2s/"schema_version":[0-9]+/"schema_version":999/' good.smgbackup >future
rejected 'a store from the future' 'newer version' future
sed -E '2s/"users":2/"users":3/' good.smgbackup >edited
rejected 'another manifest' 'damaged' edited
(
    export SECURE_MCP_GATEWAY_HOME=$T/stranger
    "$SMG" user create --email stranger@example.com && "$SMG" system backup --output-file stranger.smgbackup
) >/dev/null
rejected "another store's backup" 'another index.key' stranger.smgbackup
cp "$home/master.key" master.good
cp "$T/stranger/master.key" "$home/master.key"
rejected 'with another master.key' 'another master key' good.smgbackup
rm "$home/master.key"
rejected 'without master.key' 'master.key is missing' good.smgbackup
cp master.good "$home/master.key"
rejected 'with another key file' 'another master key' good.smgbackup --master-key-file "$T/stranger/master.key"
rejected 'with a key file that is not there' 'missing' good.smgbackup --master-key-file nowhere
same 'each refusal is recorded' refused "$(chain | tail -n 1 | jq -r .outcome)"

for ((at = 0; at < size; at += flip_every)); do
    cp good.smgbackup flipped
    byte=$(od -An -tu1 -j "$at" -N 1 good.smgbackup)
    # shellcheck disable=SC2059 # the format is the byte
    printf "\\x$(printf %x $((byte ^ (1 << (at / flip_every % 8)))))" | dd of=flipped bs=1 seek="$at" conv=notrunc status=none
    n=$((n + 1))
    rc=0
    "$SMG" system restore --input-file flipped >out 2>err || rc=$?
    if [ "$rc" = 1 ] && [ ! -s out ] && [ "$(grep -c '^error: ' err)" = 1 ]; then
        clean=$((clean + 1))
    else
        fail "byte $at flipped: status $rc"
        show
    fi
done
same "a flipped bit is refused wherever it is ($n places)" "$n" "$clean"
holdings >holdings.now
check 'and nothing is touched' cmp holdings.then holdings.now
same 'and nothing kept aside' "$count" "$(asides | wc -l)"
sound 'after all that'

want=1
smg system backup --output-file "$home/store.db"
refused 'a backup does not overwrite the store' 2
smg system backup --output-file "$home/master.key"
refused 'nor a key file' 2
working='store.db.snapshot store.db.aside store.db.new store.db.snapshot-wal store.db.aside-journal store.db.new-shm master.key.next'
for name in $working; do
    smg system backup --output-file "$home/$name"
    refused "nor does it take a working file's name, $name" 2
    smg system reset --confirm --output-file "$home/$name"
    refused "nor does that of a reset, $name" 2
done
holdings >holdings.now
check 'nothing was reset' cmp holdings.then holdings.now
for name in store.db.snapshot store.db.aside store.db.new; do
    cp good.smgbackup "$home/$name"
    smg system restore --input-file "$home/$name"
    refused "a restore does not read $name, which it would remove" 2
    check 'and leaves it' cmp good.smgbackup "$home/$name"
    rm "$home/$name"
done
smg system backup --output-file -
refused 'nor does it go to the terminal' 2
smg system backup --output-file "$T/nowhere/file"
refused 'nor into a folder that is not there' 1

echo '# A store that is damaged'
must smg system restore --input-file good.smgbackup
holdings >holdings.then
rm -rf away
cp -a "$home" away
# mended TEXT: the store is of no use; restore makes it as it was
mended() {
    local text=$1
    smg system restore --input-file good.smgbackup
    same "$text: restored" 0 "$rc"
    [ "$rc" = 0 ] || show
    holdings >holdings.now 2>&1
    check "$text: everything is as it was" cmp holdings.then holdings.now
    sound "$text"
    rm -rf "$home"
    cp -a away "$home"
}
head -c 100 /dev/urandom | dd of="$home/store.db" conv=notrunc status=none
cp "$home/store.db" broken.db
smg system restore --input-file empty
refused 'a bad backup for a damaged store' 1
check 'leaves it alone' cmp broken.db "$home/store.db"
smg system restore --input-file good.smgbackup --dry-run
same 'a rehearsal on a damaged store' 0 "$rc"
check 'leaves it alone, too' cmp broken.db "$home/store.db"
mended 'a header of random bytes'
truncate -s 0 "$home/store.db"
mended 'an empty file'
truncate -s 5000 "$home/store.db"
mended 'a file cut short'
head -c 65536 /dev/urandom | dd of="$home/store.db" bs=4096 seek=1 conv=notrunc status=none
mended 'random pages'
rm "$home/store.db" "$home/store.db-wal" "$home/store.db-shm"
mended 'no file at all'
cp "$T/stranger/store.db" "$home/store.db"
rm -f "$home/store.db-wal" "$home/store.db-shm"
mended "another store's file"
sqlite3 "$home/store.db" 'PRAGMA user_version = 999' >/dev/null
mended 'a store from the future'

echo '# Killed while it replaces a file that is no database'
head -c 100 /dev/urandom | dd of="$home/store.db" conv=notrunc status=none
rm -rf broken
cp -a "$home" broken
total=$("$BUILD_DIR/tests/killat" --count --skip-loader -- "$SMG" system restore --input-file good.smgbackup 2>&1 >/dev/null | grep -o -E '[0-9]+' | tail -n 1)
n=0 old=0 new=0
for ((at = 1; at <= total; at += kill_every)); do
    rm -rf "$home"
    cp -a broken "$home"
    "$BUILD_DIR/tests/killat" --skip-loader --kill "$at" -- "$SMG" system restore --input-file good.smgbackup >/dev/null 2>&1
    n=$((n + 1))
    if cmp -s broken/store.db "$home/store.db"; then
        old=$((old + 1))
    elif holdings >holdings.now 2>&1 && cmp -s holdings.then holdings.now; then
        new=$((new + 1))
    else
        fail "killed at $at of $total: neither the old file nor the restored store"
    fi
    # Whatever was left, the next restore does it.
    if ! "$SMG" system restore --input-file good.smgbackup >/dev/null 2>err || ! holdings >holdings.now || ! cmp -s holdings.then holdings.now; then
        fail "killed at $at of $total: not restored afterwards: $(head -n 1 err)"
    fi
done
same "the old file or the restored store ($n kills: $old old, $new new)" "$n" $((old + new))
check 'there were some' test "$n" -gt 5
rm -rf "$home"
cp -a away "$home"

echo '# Writers meanwhile'
# writer NUMBER: makes users wNUMBER-COUNT-PHASE until told to stop; notes each that was acknowledged
phase=0
writer() {
    local number=$1 at=0
    while [ ! -e stop ]; do
        at=$((at + 1))
        "$SMG" user create --email "w$number-$at-$phase@example.com" >/dev/null 2>>writers.err &&
            echo "w$number-$at-$phase@example.com" >>"acknowledged.$number"
    done
}
start_writers() {
    local number
    phase=$((phase + 1))
    rm -f stop acknowledged.* writers.err
    pids=()
    for ((number = 1; number <= 8; number++)); do
        writer "$number" &
        pids+=($!)
    done
    sleep 0.5
}
stop_writers() {
    sleep 0.5
    touch stop
    wait "${pids[@]}"
    cat acknowledged.* >acknowledged
}
emails() { "$SMG" "$@" user list -o jsonl | jq -r .email; }

start_writers
for n in 1 2 3; do
    cat acknowledged.* >"before.$n"
    must smg system backup --output-file "busy.$n"
done
stop_writers
for n in 1 2 3; do
    rm -rf second
    mkdir -m 700 second
    cp "$home/index.key" "$home/master.key" second
    (
        export SECURE_MCP_GATEWAY_HOME=$T/second
        "$SMG" system restore --input-file "busy.$n" >/dev/null 2>err && "$SMG" system health-check >health && "$SMG" audit verify >/dev/null
        emails | grep '^w' >restored
    )
    same "backup $n under eight writers is healthy in another home" healthy "$(jq -r .status health)"
    # Of each writer there are the first so many, without a gap.
    gaps=$(sed -E 's/w([0-9])-([0-9]+)-.*/\1 \2/' restored | sort -k1,1n -k2,2n | awk '$1 != w { w = $1; n = 0 } $2 != ++n { print }')
    same "and of one moment ($(wc -l <restored) users)" '' "$gaps"
    same "after what was acknowledged before it began ($(wc -l <"before.$n") users)" '' "$(sort "before.$n" | comm -23 - <(sort restored))"
done
same 'the writers were not disturbed' '' "$(sort writers.err | uniq -c | head -n 5)"

start_writers
cat acknowledged.* >before
must smg system restore --input-file good.smgbackup
aside=$(jq -r .kept_aside out)
stop_writers
cp "$aside" aside.db
same "the file kept aside has what was acknowledged before the restore began ($(wc -l <before) changes)" '' "$(sort before | comm -23 - <(emails --store "sqlite:$T/aside.db" | sort))"
{ emails && emails --store "sqlite:$T/aside.db"; } | sort -u >there
same "what was acknowledged is in the store or in the file kept aside ($(wc -l <acknowledged) changes)" '' "$(sort -u acknowledged | comm -23 - there)"
same 'the writers were not disturbed' '' "$(sort writers.err | uniq -c | head -n 5)"
check 'they went on in the restored store' test "$(emails | grep -c '^w')" -gt 0
sound 'after a restore under eight writers'

start_writers
cat acknowledged.* >before
must smg system reset --confirm
backup=$(jq -r .backup_file out)
stop_writers
emails >there
rm -rf second
mkdir -m 700 second
cp "$home/index.key" "$home/master.key" second
SECURE_MCP_GATEWAY_HOME=$T/second "$SMG" system restore --input-file "$backup" >/dev/null 2>err || cat err
SECURE_MCP_GATEWAY_HOME=$T/second emails | sort >restored
cat restored >>there
same "the backup of the reset has what was acknowledged before it began ($(wc -l <before) changes)" '' "$(sort before | comm -23 - restored)"
same "what was acknowledged is in the store or in the backup of the reset ($(wc -l <acknowledged) changes)" '' "$(sort -u acknowledged | comm -23 - <(sort -u there))"
same 'the writers were not disturbed' '' "$(sort writers.err | uniq -c | head -n 5)"
sound 'after a reset under eight writers'

echo '# Reset'
must smg system restore --input-file good.smgbackup
holdings >holdings.then
chain >chain.then
for words in 'system reset' 'system reset --output-file x'; do
    read -r -a line <<<"$words"
    smg "${line[@]}"
    refused "$words: without consent" 2
done
must smg system reset --dry-run
same 'a rehearsal says what would go' '[2,2,1,4,true]' "$(jq -c '[.deleted_users,.deleted_projects,.deleted_configs,.deleted_api_keys,.dry_run]' out)"
holdings >holdings.now
check 'and changes nothing' cmp holdings.then holdings.now
rm -rf "$home/backups"
mv "$home/master.key" master.away
smg system reset --dry-run
refused 'a rehearsal tells what would stop the backup' 1
mv master.away "$home/master.key"
must smg system reset --dry-run
check 'and makes no folder' test ! -e "$home/backups"
must smg system reset --confirm </dev/null
backup=$(jq -r .backup_file out)
same 'the backup is for its owner alone' 600 "$(stat -c %a "$backup")"
same 'and so is its folder' 700 "$(stat -c %a "$home/backups")"
kept='audit audit_head keyring meta retired_keys'
same 'no table but those of the store itself holds anything' '' "$(
    for table in $(sqlite3 "$home/store.db" "SELECT name FROM sqlite_schema WHERE type = 'table' AND name NOT LIKE 'sqlite_%'"); do
        [[ " $kept " == *" $table "* ]] || sqlite3 "$home/store.db" "SELECT '$table' FROM $table LIMIT 1"
    done
)"
check 'the audit chain goes on' cmp chain.then <(chain | head -n -1)
same 'and says so' system.reset "$(chain | tail -n 1 | jq -r .action)"
smg user check-api-key --api-key "${made[0]}"
same 'a key of before is refused' 1 "$rc"
sound 'after the reset'
must smg user create --email first@example.com
must smg system restore --input-file "$backup"
holdings >holdings.now
check 'its backup brings everything back' cmp holdings.then holdings.now
must smg system reset --confirm --output-file chosen.smgbackup
same 'the backup goes where it is told to' "$T" "$(cd "$(dirname "$(jq -r .backup_file out)")" && pwd)"
must smg system restore --input-file chosen.smgbackup --dry-run
must smg system restore --input-file "$backup"

echo '# Another master key'
cp "$home/master.key" master.old
must smg system rotate-master-key
previous=$(jq -r .previous_master_key out)
check 'the old key file is kept' cmp master.old "$previous"
same 'for its owner alone' 600 "$(stat -c %a "$previous")"
check 'the key file is another' test "$(cmp -s master.old "$home/master.key" || echo other)"
check 'the same keys are shown' cmp <(sort "$keys") <(full_keys | sort)
sound 'after the exchange'
cp "$home/master.key" master.new
cp master.old "$home/master.key"
smg user list-api-keys --email alice@example.com
refused 'the old key file opens nothing any more' 1
cp master.new "$home/master.key"
holdings >holdings.then
count=$(asides | wc -l)
rejected 'an old backup needs the old key file' 'another master key' good.smgbackup
check 'the hint says how' grep -q -e '--master-key-file' err
must smg system restore --input-file good.smgbackup --master-key-file "$previous"
check 'with it the keys are shown again' cmp <(sort "$keys") <(full_keys | sort)
check 'and the key file is the new one' cmp master.new "$home/master.key"
must smg user generate-api-key --email alice@example.com --project-name Alpha
sound 'after the restore of an old backup'

rm -f stop readings reader.err
(
    while [ ! -e stop ]; do
        if "$SMG" user list-api-keys --email bob@example.com >/dev/null 2>>reader.err; then echo >>readings; else echo failed >>reader.err; fi
    done
) &
reader=$!
for _ in 1 2 3 4 5; do must smg system rotate-master-key; done
touch stop
wait "$reader"
check "keys are shown all through five exchanges ($(wc -l <readings) times)" test -s readings -a ! -s reader.err
sound 'after five exchanges'

echo '# Two at a time'
flock "$home" sh -c 'sleep 1; date -u +%Y-%m-%dT%H:%M:%S.%6N >waited' &
sleep 0.3
must smg system backup --output-file late.smgbackup
wait "$!"
check 'a backup is of the moment at which its turn came' test "$(jq -r .created_at out)" '>' "$(cat waited)"
"$SMG" system backup --output-file first 2>first.err >/dev/null &
first=$!
must smg system backup --output-file second.smgbackup
wait "$first"
same 'both backups are made' 0 "$?"
must smg system restore --input-file first --dry-run
must smg system restore --input-file second.smgbackup --dry-run
sound 'at the end'
summary
