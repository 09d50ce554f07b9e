#!/bin/bash
# The self-test of run_case: each property that the golden cases lean on, shown with a small stub program.
set -u
here=$(cd "$(dirname "$0")" && pwd)
run_case=$here/run_case
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT
pass=0
fail=0

cat >"$dir/stub" <<'STUB'
#!/bin/bash
uuid=6469a670-1d64-4da5-b2b3-79${RANDOM:0:1}de21ac72$((RANDOM % 10))
case ${1:-} in
ids) echo "$uuid 3c09f06c-1f0d-4153-9ac5-366397937641 $uuid" ;;
echo) shift; printf '%s\n' "$@" ;;
raw) printf '%b' "$2" ;;
warn) shift; printf '%s\n' "$@" >&2 ;;
home) echo "$SECURE_MCP_GATEWAY_HOME $PWD" ;;
crash) kill -SEGV $$ ;;
*) exit "${2:-2}" ;;
esac
STUB
chmod +x "$dir/stub"
export SMG=$dir/stub

# check DESCRIPTION STATUS: run_case on standard input as the case must exit with STATUS
check() {
    local what=$1 want=$2 got
    cat >"$dir/t.case"
    "$run_case" "$dir/t.case" >"$dir/out" 2>&1
    got=$?
    verdict "$what" "$want" "$got"
}
verdict() {
    if [ "$2" = "$3" ]; then
        pass=$((pass + 1))
        echo "ok   $1"
    else
        fail=$((fail + 1))
        echo "FAIL $1: wanted $2, got $3"
        sed 's/^/     /' "$dir/out"
    fi
}

check 'plain output' 0 <<'EOT'
# a comment

$ smg echo one 'two words'
one
two words
EOT
check 'wrong output fails' 1 <<'EOT'
$ smg echo one
two
EOT
check 'missing output fails' 1 <<'EOT'
$ smg echo one
EOT
check 'expected but not printed fails' 1 <<'EOT'
$ smg echo one
one
two
EOT
check 'a case without commands fails' 1 <<'EOT'
# only talk
EOT
check 'an empty case fails' 1 </dev/null
check 'output before the first command fails' 1 <<'EOT'
hello
$ smg echo hello
hello
EOT
check 'exit status is compared' 0 <<'EOT'
$ smg exit 3
[3]
EOT
check 'an unexpected exit status fails' 1 <<'EOT'
$ smg exit 3
EOT
check 'an expected status that did not come fails' 1 <<'EOT'
$ smg echo x
x
[1]
EOT
check 'stderr is compared' 0 <<'EOT'
$ smg warn 'error: no' 'hint: yes'
2| error: no
2| hint: yes
EOT
check 'unexpected stderr fails' 1 <<'EOT'
$ smg warn 'error: no'
EOT
check 'stdout is not stderr' 1 <<'EOT'
$ smg warn x
x
EOT
check 'variables and directory last' 0 <<'EOT'
$ X=$(smg echo kept); cd /
$ smg echo "$X"; pwd
kept
/
EOT
check 'continuation lines' 0 <<'EOT'
$ cat <<E
> a
>  b
>
> E
a
 b
1|
EOT
check 'lines that look like markup' 0 <<'EOT'
$ smg echo '# x' '$ y' '' '[4]' '2| z' '[]' '{'
1| # x
1| $ y
1|
1| [4]
1| 2| z
[]
{
EOT
check 'a missing final newline is seen' 0 <<'EOT'
$ smg raw 'x'
x
1%
EOT
check 'a missing final newline that is not told fails' 1 <<'EOT'
$ smg raw 'x'
x
EOT
check 'ids are named in order of appearance' 0 <<'EOT'
$ smg ids | sed 's/ .*//'; smg echo 3c09f06c-1f0d-4153-9ac5-366397937641
<UUID-1>
<UUID-2>
$ smg echo 3c09f06c-1f0d-4153-9ac5-366397937641
<UUID-2>
EOT
check 'another id is another name' 1 <<'EOT'
$ smg echo 3c09f06c-1f0d-4153-9ac5-366397937641
<UUID-1>
$ smg echo 3c09f06c-1f0d-4153-9ac5-366397937642
<UUID-1>
EOT
check 'upper case and other versions are no ids' 0 <<'EOT'
$ smg echo 3C09F06C-1F0D-4153-9AC5-366397937641 3c09f06c-1f0d-1153-9ac5-366397937641
3C09F06C-1F0D-4153-9AC5-366397937641
3c09f06c-1f0d-1153-9ac5-366397937641
EOT
check 'keys and their masked form' 0 <<'EOT'
$ smg echo smg_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA smg_BBBBBBBBBBBBBBBB... smg_AAAAAAAAAAAAAAAA...
<KEY-1>
<KEY-2>...
<KEY-1>...
$ smg echo smg_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB smg_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB
<KEY-2>
smg_BBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBBB
EOT
check 'times, homes, hashes' 0 <<'EOT'
$ smg echo 2025-07-16T17:02:00.406902 2025-07-16T17:02:00Z 2025-07-16T17:02:00.4069020
<TIME>
2025-07-16T17:02:00Z
2025-07-16T17:02:00.4069020
$ smg home
<HOME> <DIR>
$ smg echo "uid:$(id -u)" uid:99999
uid:<UID>
uid:99999
$ smg echo 0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef
<HASH-1>
EOT
check 'a crash is a status' 0 <<'EOT'
$ (smg crash) 2>/dev/null
[139]
EOT
check 'a command that ends the shell fails' 1 <<'EOT'
$ exit 0
$ smg echo x
x
EOT
check 'a syntax error does not pass' 1 <<'EOT'
$ smg echo x )
EOT
check 'the environment is clean' 0 <<'EOT'
$ smg echo "${NO_COLOR-unset}" "$LC_ALL" "${ENKRYPT_GATEWAY_KEY-unset}"
unset
C.UTF-8
unset
EOT
export NO_COLOR=1 ENKRYPT_GATEWAY_KEY=x
check 'and does not depend on the caller' 0 <<'EOT'
$ smg echo "${NO_COLOR-unset}" "${ENKRYPT_GATEWAY_KEY-unset}"
unset
unset
EOT
unset NO_COLOR ENKRYPT_GATEWAY_KEY

export CASE_TIMEOUT=1
check 'a command that hangs fails' 1 <<'EOT'
$ sleep 20
EOT
unset CASE_TIMEOUT

cat >"$dir/t.case" <<'EOT'
# kept

$ smg echo 'now this' ''
before

# kept too
$ smg exit 4
EOT
"$run_case" --update "$dir/t.case" >"$dir/out" 2>&1
verdict '--update succeeds' 0 $?
cat >"$dir/want" <<'EOT'
# kept

$ smg echo 'now this' ''
now this
1|

# kept too
$ smg exit 4
[4]
EOT
diff "$dir/want" "$dir/t.case" >"$dir/out"
verdict '--update rewrites expectations and keeps the rest' 0 $?
"$run_case" "$dir/t.case" >"$dir/out" 2>&1
verdict 'what --update wrote passes' 0 $?
printf '# nothing\n' >"$dir/t.case"
"$run_case" --update "$dir/t.case" >"$dir/out" 2>&1
verdict '--update of a case without commands fails' 1 $?
"$run_case" "$dir/none.case" >"$dir/out" 2>&1
verdict 'a missing file is wrong use' 2 $?
SMG='' "$run_case" "$dir/t.case" >"$dir/out" 2>&1
verdict 'a missing program is wrong use' 2 $?
"$run_case" >"$dir/out" 2>&1
verdict 'no file is wrong use' 2 $?

{
    for _ in $(seq 200); do printf '$ :\n'; done
} >"$dir/t.case"
start=${EPOCHREALTIME/./}
"$run_case" "$dir/t.case" >"$dir/out" 2>&1
verdict '200 commands run' 0 $?
ms=$(((${EPOCHREALTIME/./} - start) / 1000))
[ "$ms" -lt 2000 ]
verdict "200 empty commands within 2 s ($ms ms)" 0 $?

echo "$pass passed, $fail failed"
[ "$fail" -eq 0 ]
