# shellcheck shell=bash
# A gateway with the public servers behind it: server-everything over stdio and over HTTP, the filesystem, memory and thinking
# servers, and the fixture; a key for them in $KEY.
# shellcheck source-path=SCRIPTDIR/../e2e source=gateway_lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/../e2e/gateway_lib.sh"

modules=$PACKAGES/node_modules
export FILES=$T/files
mkdir "$FILES"

add() { must smg config add-server --config-name servers --server-name "$@"; }
npm_server() { echo "$modules/@modelcontextprotocol/server-$1/dist/index.js"; }

must smg config add --config-name servers
# A session of its own for each client, for its tools depend on what the client can be asked.
add everything --server-command "$NODE" --args "$(npm_server everything),stdio" --isolation session
add filesystem --server-command "$NODE" --args "$(npm_server filesystem),$FILES"
add memory --server-command "$NODE" --args "$(npm_server memory)" --env "{\"MEMORY_FILE_PATH\":\"$T/memory.jsonl\"}"
add thinking --server-command "$NODE" --args "$(npm_server sequential-thinking)"
add fixture --server-command "$NODE" --args "$root/tests/conformance/fixture.mjs,--stdio"
port=$(free_ports 1)
PORT=$port start everything.log 'listening on port' node "$(npm_server everything)" streamableHttp
add everything-web --url "http://127.0.0.1:$port/mcp" --allow-private-addresses
port=$(free_ports 1)
start fixture.log 'http://' node "$root/tests/conformance/fixture.mjs" --http "$port"
add fixture-web --url "http://127.0.0.1:$port/mcp" --allow-private-addresses

must smg project create --project-name servers
must smg project assign-config --project-name servers --config-name servers
new_key ada@example.com servers
export KEY

# counted COMMAND...: its lines `ok ...` and `FAIL ...` count; a failure without such a line counts, too.
counted() {
    local failed_before=$failed line status
    while IFS= read -r line; do
        case $line in
        'ok   '*) pass "${line#ok   }" ;;
        'FAIL '*) fail "${line#FAIL }" ;;
        'status '*) status=${line#status } ;;
        *) echo "     $line" ;;
        esac
    done < <("$@" 2>&1; echo "status $?")
    ((status == 0 || failed > failed_before)) || fail "status $status of $*"
}
