# shellcheck shell=bash
# What the end-to-end scripts share: a place to work in, running the program, and saying what was checked.
#
# SMG names the program, BUILD_DIR (if given) the build directory. Every script works in $T, which is removed at the end
# (KEEP=1 keeps it), with its store in $T/home.

set -u
export LC_ALL=C.UTF-8 TZ=UTC
unset NO_COLOR ENKRYPT_GATEWAY_KEY SECURE_MCP_GATEWAY_STORE XDG_DATA_HOME

SMG=$(realpath "${SMG:?names the program to test}") || exit 2
export SMG
[ -z "${BUILD_DIR:-}" ] || BUILD_DIR=$(realpath "$BUILD_DIR") || exit 2
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
root=$(cd "$here/../.." && pwd)
export here root
T=$(realpath "$(mktemp -d -t smg-e2e-XXXXXX)")
export T
export HOME=$T/user SECURE_MCP_GATEWAY_HOME=$T/home
mkdir "$HOME"
cd "$T" || exit 2

# Scripts that mount or start something name the undoing with `at_end`; the last named is done first.
undo=()
at_end() { undo=("$*" "${undo[@]}"); }
finish_up() {
    local status=$? step
    for step in "${undo[@]}"; do eval "$step"; done
    cd /
    if [ "${KEEP:-}" ]; then echo "kept $T"; else rm -rf "$T"; fi
    exit "$status"
}
trap finish_up EXIT
trap 'exit 130' INT TERM

passed=0 failed=0 skipped=0
pass() {
    passed=$((passed + 1))
    echo "ok   $*"
}
fail() {
    failed=$((failed + 1))
    echo "FAIL $*"
}
skip() {
    skipped=$((skipped + 1))
    echo "SKIP $*"
}

# The closing line, and the exit status: a script that checked nothing has failed.
summary() {
    echo "$passed passed, $failed failed, $skipped skipped"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
    exit
}

# smg ARGS...: runs the program; its stdout is in $T/out, its stderr in $T/err, its status in $rc. Every stderr is also
# kept in $T/stderr.all. Standard input is the caller's.
rc=0
smg() {
    rc=0
    "$SMG" "$@" >"$T/out" 2>"$T/err" || rc=$?
    cat "$T/err" >>"$T/stderr.all"
    if [ "$rc" -gt 2 ] || grep -q -E 'ERROR: [A-Za-z]+Sanitizer|runtime error:' "$T/err"; then
        fail "status $rc of: $(shown "$@")"
        show
    fi
    return "$rc"
}

# shown ARGS...: a command line for a message; keys cut to their public part.
shown() {
    local text
    printf -v text '%q ' "$@"
    sed -E 's/(smg_[A-Za-z0-9_-]{16})[A-Za-z0-9_-]{28}/\1.../g' <<<"${text:0:300}"
}
show() {
    sed 's/^/     stdout: /' "$T/out" | head -n 20
    sed 's/^/     stderr: /' "$T/err" | head -n 20
}

# Check a condition: check TEXT COMMAND...
check() {
    local text=$1
    shift
    if "$@" >"$T/check" 2>&1; then
        pass "$text"
    else
        fail "$text"
        sed 's/^/     /' "$T/check" | head -n 20
    fi
}
# same TEXT WANT GOT
same() {
    if [ "$2" = "$3" ]; then
        pass "$1"
    else
        fail "$1"
        printf '     wanted: %s\n     got:    %s\n' "$2" "$3"
    fi
}

# The last `smg` failed cleanly: status $2, nothing on stdout, one "error: " line, the rest hints. refused TEXT STATUS
refused() {
    local text=$1 want=$2 errors others
    errors=$(grep -c '^error: ' "$T/err")
    others=$(grep -v -c -E '^(error|hint): ' "$T/err")
    if [ "$rc" = "$want" ] && [ "$errors" = 1 ] && [ "$others" = 0 ] && [ ! -s "$T/out" ]; then
        pass "$text: $(head -n 1 "$T/err")"
    else
        fail "$text: wanted status $want, one error line, hints and no output; got status $rc"
        show
    fi
}

# A setup step: when it fails, nothing after it means anything.
must() {
    if ! "$@"; then
        echo "FAIL setup: $(shown "$@")"
        show
        exit 1
    fi
}

# new_key EMAIL PROJECT: makes both where needed, and a key, in $KEY.
new_key() {
    smg user get --email "$1" || must smg user create --email "$1"
    smg project get --project-name "$2" || must smg project create --project-name "$2"
    must smg project add-user --project-name "$2" --email "$1"
    must smg user generate-api-key --email "$1" --project-name "$2"
    # shellcheck disable=SC2034 # for the caller
    KEY=$(jq -r .api_key "$T/out")
}

# quietly ARGS...: runs a command, whatever its status, and keeps what it prints in $T/quiet: outputs in which no secret
# may be found. $quiet counts them.
quiet=0
quietly() {
    smg "$@"
    quiet=$((quiet + 1))
    mkdir -p "$T/quiet"
    cp "$T/out" "$T/quiet/$quiet.out"
    cp "$T/err" "$T/quiet/$quiet.err"
}

# hold: somebody else takes the lock of the store, so that a command that changes something has read its arguments and
# waits, until release.
hold() {
    coproc HOLDER { exec sqlite3 -batch "$SECURE_MCP_GATEWAY_HOME/store.db"; }
    echo "BEGIN IMMEDIATE; SELECT 'held';" >&"${HOLDER[1]}"
    local word=
    read -r -t 10 word <&"${HOLDER[0]}"
    [ "$word" = held ] || { fail 'cannot hold the lock of the store'; summary; }
}
release() {
    echo 'ROLLBACK;' >&"${HOLDER[1]}"
    echo '.quit' >&"${HOLDER[1]}"
    # shellcheck disable=SC2154 # set by coproc
    wait "$HOLDER_PID" 2>/dev/null
}

as_root() { [ "$(id -u)" = 0 ]; }
