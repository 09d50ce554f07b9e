#!/bin/bash
# What is wrong with the disk, the store or the key files is said in one sentence with a hint and exit 1; nothing is
# changed by the attempt, and with the fault removed the store works as before.
# label: slow
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/lib.sh"

# One good store is made and copied for each fault.
good=$T/good
export SECURE_MCP_GATEWAY_HOME=$good
new_key alice@example.com "Team Project"
must smg config add --config-name conf
must smg project assign-config --project-name "Team Project" --config-name conf
for i in $(seq 40); do must smg user create --email "user$i@example.com"; done
stranger=$T/stranger
SECURE_MCP_GATEWAY_HOME=$stranger
must smg user create --email stranger@example.com
must smg project create --project-name P
must smg project add-user --project-name P --email stranger@example.com
must smg user generate-api-key --email stranger@example.com --project-name P
SECURE_MCP_GATEWAY_HOME=$good
# Everything is in the database file itself, so that a copy of that one file is a copy of all.
for home in "$good" "$stranger"; do
    sqlite3 -batch "$home/store.db" 'PRAGMA wal_checkpoint(TRUNCATE);' >/dev/null
    rm -f "$home/store.db-wal" "$home/store.db-shm"
done

# What the store holds, as the program tells it.
contents() {
    local command
    for command in 'user list' 'user list-all-api-keys --reveal' 'project list' 'config list'; do
        # shellcheck disable=SC2086 # words on purpose
        "$SMG" $command 2>&1 || echo "status $?"
    done
}
contents >contents.good
check 'the good store has something in it' grep -q 'user40@example.com' contents.good

# fresh NAME: a copy of the good store to break
fresh() {
    echo "# $1"
    SECURE_MCP_GATEWAY_HOME=$T/case
    rm -rf "$T/case"
    cp -a "$good" "$T/case"
}
# trouble TEXT HINT ARGS...: the command fails cleanly, with a hint that matches HINT (- : none is asked for)
trouble() {
    local text=$1 hint=$2
    smg "${@:3}"
    refused "$text" 1
    if [ "$hint" != - ] && ! grep -q -i -E "^hint: .*($hint)" err; then
        fail "$text: no hint about /$hint/"
        show
    fi
}
# works_again: the fault is removed
works_again() {
    contents >contents.now
    check 'afterwards the store is as it was' cmp contents.good contents.now
    smg user create --email after@example.com
    same 'and takes a change' 0 "$rc"
    smg system health-check
    same 'and is healthy' 0 "$rc"
    [ "$rc" = 0 ] || show
    smg audit verify
    same 'and its audit chain is whole' 0 "$rc"
    [ "$rc" = 0 ] || show
}
db() { sqlite3 -batch "$SECURE_MCP_GATEWAY_HOME/store.db" "$@"; }
file() { printf '%s/%s' "$SECURE_MCP_GATEWAY_HOME" "$1"; }
# What the store holds, as SQLite tells it, without the audit log (a refused attempt is a record there); and the key files.
holdings() {
    for table in users projects members configs api_keys keyring meta; do db ".dump $table"; done
    (cd "$SECURE_MCP_GATEWAY_HOME" && sha256sum ./*.key)
}
# The database, with what is not yet folded into it, and the key files.
sums() {
    (cd "$SECURE_MCP_GATEWAY_HOME" && sha256sum ./*.key ./*.db && if [ -s store.db-wal ]; then sha256sum store.db-wal; fi)
}

fresh 'no fault: the test itself'
sums >sums.before
works_again
check 'a change changes the file' test "$(sums | cmp -s - sums.before || echo changed)"

# ---- key files

for key in index.key master.key; do
    # What needs which key: finding needs index.key, showing needs master.key.
    if [ "$key" = index.key ]; then commands='user list'; else commands='user list-api-keys --email alice@example.com'; fi
    read -r -a words <<<"$commands"

    fresh "$key is missing"
    mv "$(file $key)" away
    holdings >holdings.before
    trouble "$commands" 'restore|backup|copy' "${words[@]}"
    trouble 'a new key' 'restore|backup|copy' user generate-api-key --email alice@example.com --project-name "Team Project"
    check 'no other key file is made in its place' test ! -e "$(file $key)"
    holdings >holdings.after
    check 'the store is untouched' cmp holdings.before holdings.after
    smg system health-check
    same 'health-check is not content' 1 "$rc"
    check "and names $key" grep -q -F "$key" out err
    mv away "$(file $key)"
    works_again

    fresh "$key is of another store"
    cp "$(file $key)" away
    cp "$stranger/$key" "$(file $key)"
    holdings >holdings.before
    trouble "$commands" 'restore|backup|copy|belong' "${words[@]}"
    trouble 'a new key' 'restore|backup|copy|belong' user generate-api-key --email alice@example.com --project-name "Team Project"
    holdings >holdings.after
    check 'the store is untouched' cmp holdings.before holdings.after
    smg system health-check
    same 'health-check is not content' 1 "$rc"
    check "and names $key" grep -q -F "$key" out err
    cp away "$(file $key)"
    works_again

    for mode in 644 640 660 602; do
        fresh "$key has mode 0$mode"
        chmod "$mode" "$(file $key)"
        trouble "$commands" 'chmod' "${words[@]}"
        same 'its mode is left as it is' "$mode" "$(stat -c %a "$(file $key)")"
        chmod 600 "$(file $key)"
        works_again
    done

    fresh "$key is empty"
    cp "$(file $key)" away
    : >"$(file $key)"
    trouble "$commands" 'restore|backup|copy' "${words[@]}"
    same 'it is left empty' 0 "$(stat -c %s "$(file $key)")"
    cp away "$(file $key)"
    works_again

    fresh "$key is cut short"
    cp "$(file $key)" away
    truncate -s -1 "$(file $key)"
    trouble "$commands" 'restore|backup|copy' "${words[@]}"
    cp away "$(file $key)"
    works_again

    fresh "$key is a directory"
    mv "$(file $key)" away.file
    mkdir -m 700 "$(file $key)"
    trouble "$commands" - "${words[@]}"
    rmdir "$(file $key)"
    mv away.file "$(file $key)"
    works_again
done

fresh 'without master.key keys are still found: only showing is lost'
mv "$(file master.key)" away
key_id=$(SECURE_MCP_GATEWAY_HOME=$good "$SMG" user list-all-api-keys | jq -r '.[0].key_id')
smg user list
same 'user list' 0 "$rc"
[ "$rc" = 0 ] || show
smg user disable-api-key --api-key "$key_id"
same 'disabling a key by its id' 0 "$rc"
[ "$rc" = 0 ] || show
smg user enable-api-key --api-key "$KEY"
same 'enabling it by the key itself' 0 "$rc"
[ "$rc" = 0 ] || show
mv away "$(file master.key)"
works_again

# ---- the database file

# broken TEXT: the file is of no use; no command changes it
broken() {
    local text=$1
    sha256sum "$(file store.db)" >sums.before
    trouble "$text, reading" 'restore|backup|health-check' user list
    trouble "$text, writing" 'restore|backup|health-check' user create --email new@example.com
    sha256sum "$(file store.db)" >sums.after
    check 'the file is untouched' cmp sums.before sums.after
    smg system health-check
    same 'health-check is not content' 1 "$rc"
    smg audit verify
    same 'nor is audit verify' 1 "$rc"
    cp "$good/store.db" "$(file store.db)"
    rm -f "$(file store.db-wal)" "$(file store.db-shm)"
    works_again
}
size=$(stat -c %s "$good/store.db")

fresh 'random bytes in the header'
head -c 100 /dev/urandom | dd of="$(file store.db)" conv=notrunc status=none
broken 'header'

fresh 'another magic'
printf 'SQLite format 2' | dd of="$(file store.db)" conv=notrunc status=none
broken 'magic'

fresh 'random bytes everywhere but in the first page'
head -c $((size - 4096)) /dev/urandom | dd of="$(file store.db)" bs=4096 seek=1 conv=notrunc status=none
broken 'all pages but one'

fresh 'cut to half'
truncate -s $((size / 2)) "$(file store.db)"
broken 'half'

fresh 'cut to 100 bytes'
truncate -s 100 "$(file store.db)"
broken '100 bytes'

fresh 'an empty file'
truncate -s 0 "$(file store.db)"
broken 'empty'

fresh 'a text file'
printf 'this is no database, however long it may be %s\n' {1..500} >"$(file store.db)"
broken 'text'

fresh 'a database of another program'
rm "$(file store.db)"
db 'CREATE TABLE users (name TEXT); INSERT INTO users VALUES (1);'
chmod 600 "$(file store.db)"
broken 'another program'

# One page after the other gets random bytes: some commands may not meet it, but none crashes, and health-check tells.
fresh 'random bytes in one page'
clean=0 told=0 pages=0
for ((page = 1; page < size / 4096; page++)); do
    cp "$good/store.db" "$(file store.db)"
    rm -f "$(file store.db-wal)" "$(file store.db-shm)"
    head -c 4096 /dev/urandom | dd of="$(file store.db)" bs=4096 seek="$page" conv=notrunc status=none
    cmp -s "$good/store.db" "$(file store.db)" && continue
    pages=$((pages + 1))
    fine=1
    for words in 'user list' 'user list-api-keys --email alice@example.com' 'user create --email x@example.com' 'audit verify' \
        'system health-check'; do
        read -r -a words <<<"$words"
        smg "${words[@]}"
        if [ "$rc" -gt 1 ] || { [ "$rc" = 1 ] && [ ! -s out ] && [ "$(grep -c '^error: ' err)" != 1 ]; }; then
            fine=0
            fail "page $page: ${words[*]}: status $rc"
            show
        fi
    done
    clean=$((clean + fine))
    [ "$rc" = 1 ] && told=$((told + 1)) || echo "     page $page: health-check is content"
done
same 'each command ends with 0 or with 1 and a sentence, for every page' "$pages" "$clean"
same 'health-check tells for every page in use' "$pages" "$told"
check 'there were pages' test "$pages" -gt 5
cp "$good/store.db" "$(file store.db)"
rm -f "$(file store.db-wal)" "$(file store.db-shm)"
works_again

fresh 'a store from the future'
now=$(db 'PRAGMA user_version;')
db 'PRAGMA user_version = 999999;'
sums >sums.before
trouble 'reading' 'newer|upgrade|update|version' user list
trouble 'writing' 'newer|upgrade|update|version' user create --email new@example.com
sums >sums.after
check 'the store is untouched' cmp sums.before sums.after
smg system health-check
same 'health-check is not content' 1 "$rc"
db "PRAGMA user_version = $now;"
works_again

fresh 'a negative version'
db 'PRAGMA user_version = -1;'
trouble 'reading' - user list
db "PRAGMA user_version = $now;"
works_again

fresh 'the database is a directory'
mv "$(file store.db)" away
mkdir -m 700 "$(file store.db)"
trouble 'reading' - user list
rmdir "$(file store.db)"
mv away "$(file store.db)"
works_again

fresh 'the home is a file'
mv "$T/case" "$T/case.away"
echo x >"$T/case"
trouble 'reading' - user list
rm "$T/case"
mv "$T/case.away" "$T/case"
works_again

fresh 'the home is open to others'
chmod 777 "$T/case"
smg system health-check
check "health-check says so" jq -e '[.issues[], .warnings[]] | any(test("mode 0?777"))' out
chmod 700 "$T/case"
works_again

fresh 'somebody else holds the lock for good'
coproc HOLDER { exec sqlite3 -batch "$(file store.db)"; }
echo "BEGIN IMMEDIATE; SELECT 'held';" >&"${HOLDER[1]}"
read -r -t 10 _ <&"${HOLDER[0]}"
smg user list
same 'reading goes on' 0 "$rc"
trouble 'a change ends within the busy timeout' 'again|running|lock' user create --email new@example.com
echo 'ROLLBACK;' >&"${HOLDER[1]}"
echo '.quit' >&"${HOLDER[1]}"
# shellcheck disable=SC2154 # set by coproc
wait "$HOLDER_PID" 2>/dev/null
works_again

# ---- the disk

echo '# output that cannot be written'
SECURE_MCP_GATEWAY_HOME=$good
rc=0
"$SMG" user list >/dev/full 2>err || rc=$?
: >out
refused 'user list to a full device' 1
rc=0
"$SMG" user list 2>err >&- || rc=$?
: >out
refused 'user list to a closed stdout' 1
smg audit export --output-file /dev/full
check 'audit export to a full device fails' test "$rc" != 0
refused 'and says so' "$rc"
(
    set -o pipefail
    "$SMG" user list 2>err | head -c 1 >out
)
check 'a reader that goes away is no crash' test "$(grep -c -i -E 'sanitizer|signal|abort' err)" = 0

# on DIRECTORY: a file system of its own, with a copy of the good store
mounted() {
    mkdir -p "$T/disk"
    mount -t tmpfs -o "size=$1,mode=700" tmpfs "$T/disk" 2>/dev/null || return 1
    at_end "mountpoint -q '$T/disk' && umount '$T/disk'"
}
fresh 'a limit on the size of files'
rc=0
(ulimit -f 0 && "$SMG" user create --email limited@example.com >/dev/null 2>/dev/null) || rc=$?
same 'is an error and no signal' 1 "$rc"
works_again

if as_root && mounted 2m; then
    echo '# the disk is full'
    cp -a "$good" "$T/disk/home"
    SECURE_MCP_GATEWAY_HOME=$T/disk/home
    contents >contents.now
    check 'the store works there' cmp contents.good contents.now
    dd if=/dev/zero of="$T/disk/filler" bs=4096 count=1024 status=none 2>/dev/null
    trouble 'a change' 'space|full|disk' user create --email new@example.com
    trouble 'a new key' 'space|full|disk' user generate-api-key --email alice@example.com --project-name "Team Project"
    smg user list
    if [ "$rc" = 0 ]; then pass 'reading still works'; else refused 'reading' 1; fi
    # A little space, too little somewhere: each amount ends in a change or in a clean refusal.
    clean=0
    for free in 1 2 4 8 12 16 24 32 40 48 56 64; do
        truncate -s "-$((free * 1024))" "$T/disk/filler"
        smg user create --email "free$free@example.com"
        if [ "$rc" = 0 ] || { [ "$rc" = 1 ] && [ "$(grep -c '^error: ' err)" = 1 ]; }; then clean=$((clean + 1)); else show; fi
        if [ "$rc" = 0 ]; then smg user delete --email "free$free@example.com"; fi
        dd if=/dev/zero of="$T/disk/filler2" bs=512 count=8192 status=none 2>/dev/null
        cat "$T/disk/filler2" >>"$T/disk/filler" 2>/dev/null
        rm -f "$T/disk/filler2"
    done
    same 'with a little space each attempt is done or refused' 12 "$clean"
    rm -f "$T/disk/filler" "$T/disk/filler2"
    for free in 1 2 4 8 12 16 24 32 40 48 56 64; do smg user delete --email "free$free@example.com"; done
    works_again
    umount "$T/disk"

    echo '# a full disk on first use'
    mounted 256k || exit 1
    clean=0
    for free in 0 4 8 12 16 20 24 28 32 36 40 48 56 64 80 96 128; do
        rm -rf "$T/disk/"*
        SECURE_MCP_GATEWAY_HOME=$T/disk/new
        head -c $(((256 - free) * 1024)) /dev/zero >"$T/disk/filler" 2>/dev/null
        smg user create --email first@example.com
        if [ "$rc" = 0 ] || { [ "$rc" = 1 ] && [ "$(grep -c '^error: ' err)" = 1 ]; }; then :; else
            fail "$free KiB: status $rc"
            show
            continue
        fi
        first=$rc
        rm -f "$T/disk/filler"
        smg user create --email second@example.com
        if [ "$rc" != 0 ]; then
            fail "$free KiB: a store half made is not taken up again (first use ended with $first)"
            show
            continue
        fi
        smg user list
        want='["second@example.com"]'
        [ "$first" = 0 ] && want='["first@example.com","second@example.com"]'
        [ "$(jq -c 'map(.email) | sort' out)" = "$want" ] || {
            fail "$free KiB: wrong contents afterwards"
            show
            continue
        }
        smg system health-check
        [ "$rc" = 0 ] || {
            fail "$free KiB: not healthy afterwards"
            show
            continue
        }
        clean=$((clean + 1))
    done
    same 'first use with any amount of space is done, or refused and done later' 17 "$clean"
    umount "$T/disk"

    echo '# a read-only file system'
    mounted 8m
    cp -a "$good" "$T/disk/home"
    SECURE_MCP_GATEWAY_HOME=$T/disk/home
    mount -o remount,ro "$T/disk"
    trouble 'a change' 'read-only|writ|mount|permission' user create --email new@example.com
    smg user list
    if [ "$rc" = 0 ]; then pass 'reading still works'; else refused 'reading' 1; fi
    SECURE_MCP_GATEWAY_HOME=$T/disk/none
    smg user list
    refused 'first use' 1
    SECURE_MCP_GATEWAY_HOME=$T/disk/home
    mount -o remount,rw "$T/disk"
    works_again
    umount "$T/disk"
else
    skip 'a full disk and a read-only one: only root can make them'
fi

# ---- permission

# The program, where another user can run it.
cp "$SMG" "$T/program"
chmod 755 "$T" "$T/program"
if as_root && command -v setpriv >/dev/null && setpriv --reuid 65534 --regid 65534 --clear-groups "$T/program" --version >/dev/null 2>&1; then
    as_nobody() { setpriv --reuid 65534 --regid 65534 --clear-groups "$@"; }
    nobody_smg() {
        rc=0
        as_nobody env SECURE_MCP_GATEWAY_HOME="$SECURE_MCP_GATEWAY_HOME" "$T/program" "$@" >out 2>err || rc=$?
        cat err >>stderr.all
    }
    fresh 'a home of somebody else'
    sums >sums.before
    for words in 'user list' 'user create --email new@example.com' 'system health-check'; do
        read -r -a words <<<"$words"
        nobody_smg "${words[@]}"
        refused "${words[*]}" 1
        check 'with a hint' grep -q '^hint: ' err
    done
    sums >sums.after
    check 'the store is untouched' cmp sums.before sums.after
    works_again

    fresh 'a home that cannot be made'
    SECURE_MCP_GATEWAY_HOME=$T/nowhere/home
    mkdir "$T/nowhere"
    nobody_smg user list
    refused 'first use' 1

    fresh 'a database that cannot be written'
    chown -R 65534:65534 "$T/case"
    chown root:root "$(file store.db)"
    chmod 644 "$(file store.db)"
    nobody_smg user create --email new@example.com
    refused 'a change' 1
    chown -R root:root "$T/case"
    chmod 600 "$(file store.db)"
    works_again

    fresh 'a key file that cannot be read'
    chown -R 65534:65534 "$T/case"
    chown root:root "$(file index.key)"
    nobody_smg user list
    refused 'reading' 1
    check 'with a hint' grep -q '^hint: ' err
    chown -R root:root "$T/case"
    works_again
else
    skip 'no permission: only root can become another user'
fi
summary
