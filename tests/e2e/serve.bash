# shellcheck shell=bash
# What the scripts share that run gateways in front of bad_upstream; to be read after lib.sh.

tools=${BUILD_DIR:?is the build folder}/tests

# await SECONDS COMMAND...: until it succeeds, or the time is over.
await() {
    local end=$((SECONDS + $1 + 1))
    shift
    until "$@" >"$T/await" 2>&1; do
        ((SECONDS < end)) || return 1
        sleep 0.05
    done
}

# end_process PID...: gently, then not.
end_process() {
    local pid
    kill "$@" 2>"$T/ending"
    for pid; do
        await 15 gone "$pid" || kill -9 "$pid" 2>"$T/ending"
        wait "$pid" 2>"$T/ending"
    done
}
gone() { ! kill -0 "$1" 2>"$T/gone"; }

# upstream_starts OPTIONS...: bad_upstream over HTTP; its port is $PORT, its process $UPSTREAM.
upstreams=0
upstream_starts() {
    upstreams=$((upstreams + 1))
    "$tools/bad_upstream" --http 0 "$@" >"$T/upstream.$upstreams" &
    UPSTREAM=$!
    at_end "end_process $UPSTREAM"
    await 10 test -s "$T/upstream.$upstreams" || exit 1
    # shellcheck disable=SC2034 # for the caller
    PORT=$(<"$T/upstream.$upstreams")
}

# gateway_starts NAME OPTIONS...: $GATEWAY is where, $gateway its process, NAME.log its journal.
gateway_starts() {
    local log=$T/$1.log
    shift
    : >"$log"
    "$SMG" serve --listen 127.0.0.1:0 "$@" 2>>"$log" &
    gateway=$!
    at_end "end_process $gateway"
    if ! await 20 grep -q '"listening"' "$log"; then
        echo "FAIL setup: the gateway does not start"
        tail -n 20 "$log"
        exit 1
    fi
    # shellcheck disable=SC2034 # for the caller
    GATEWAY=http://127.0.0.1:$(sed -nE '/"listening"/s/.*127\.0\.0\.1:([0-9]+).*/\1/p' "$log" | head -n 1)
}
# gateway_ends NAME PID: gently; it must have left nothing but its journal.
gateway_ends() {
    kill "$2"
    wait "$2"
    same "$1 ends with status 0" 0 "$?"
    if grep -n -E 'Sanitizer|runtime error:|^[^{]' "$T/$1.log" >"$T/check"; then
        fail "the stderr of $1 is a journal"
        head -n 20 "$T/check"
    else
        pass "the stderr of $1 is a journal"
    fi
}

# resident PID: KiB
resident() { awk '/^VmRSS/ { print $2 }' "/proc/$1/status"; }
