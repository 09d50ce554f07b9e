# shellcheck shell=bash
# What the scripts share that need a running gateway and npm's clients and servers; lib.sh is part of it.
#
# $PACKAGES is npm's folder; node is one that can run what is there. A .mjs file finds the packages when it is run by `script`.

files=$(cd "$(dirname "$0")" && pwd) || exit # of the caller
# Before lib.sh, which sets another HOME: npm has its settings in ours.
PACKAGES=$("$(dirname "${BASH_SOURCE[0]}")/../conformance/packages") || exit 1
# shellcheck source-path=SCRIPTDIR source-path=SCRIPTDIR/../e2e source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"

export PACKAGES PATH=$PACKAGES/bin:$PATH
ln -s "$PACKAGES/node_modules" "$T/node_modules"
# shellcheck disable=SC2034 # for the caller: servers are given it by its full name, since they do not get our PATH
NODE=$(realpath "$PACKAGES/bin/node")

# script FILE ARGS...: runs a .mjs of the caller's folder with the packages in reach.
script() {
    cp "$files"/*.mjs "$T"
    node "$T/$1" "${@:2}"
}

# start LOG PATTERN COMMAND...: runs a program in the background with its stderr in LOG and waits for a line that has PATTERN. Its
# process is $started; it is ended with the script, if not before.
start() {
    local log=$1 pattern=$2 turns
    shift 2
    "$@" 2>"$log" >/dev/null &
    started=$!
    at_end "stop $started"
    for ((turns = 0; turns < 300; turns++)); do
        grep -q -- "$pattern" "$log" && return
        kill -0 "$started" 2>"$T/check" || break
        sleep 0.1
    done
    echo "FAIL setup: no '$pattern' from $1"
    sed 's/^/     /' "$log" | tail -n 20
    exit 1
}
# stop PROCESS: ends it gently and waits until it has gone; its status is $stopped.
stop() {
    kill "$1" 2>"$T/check"
    wait "$1" 2>"$T/check"
    stopped=$?
}

# free_ports N: N ports that nothing listens on, a line each.
free_ports() {
    node -e 'const net = require("net"); for (let i = 0; i < process.argv[1]; i++) {
        const s = net.createServer().listen(0, "127.0.0.1", () => { console.log(s.address().port); setTimeout(() => s.close(), 50); }); }' "$1"
}

# gateway_starts [OPTION...]: starts it on a free port: $GATEWAY is where, $gateway its process, gateway.log its journal.
# shellcheck disable=SC2120
gateway_starts() {
    start gateway.log '"listening"' "$SMG" serve --listen 127.0.0.1:0 "$@"
    gateway=$started
    GATEWAY=http://127.0.0.1:$(sed -nE '/"listening"/s/.*127\.0\.0\.1:([0-9]+).*/\1/p' gateway.log | head -n 1)
    export GATEWAY
}

# After the gateway's end: what it left on stderr must be its journal and nothing of a sanitizer.
gateway_ends() {
    stop "$gateway"
    same 'the gateway ends with status 0' 0 "$stopped"
    if grep -n -E 'ERROR: [A-Za-z]+Sanitizer|runtime error:|^[^{]' gateway.log >"$T/check"; then
        fail 'its stderr is a journal'
        head -n 20 "$T/check"
    else
        pass 'its stderr is a journal'
    fi
}
