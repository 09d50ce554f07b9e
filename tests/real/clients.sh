#!/usr/bin/env bash
# Programs that people reach servers with: the Inspector, mcp-remote, a desktop client that starts the gateway itself, and the
# habits of others with GET; then a key that is disabled while it is in use.
# shellcheck disable=SC2317 # what `check` calls
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/servers_lib.sh"
# shellcheck disable=SC2119
gateway_starts

# inspector FILTER PATH METHOD OPTION...: what the Inspector prints fits the filter of jq. (It looks for its package from where it is run.)
inspector() {
    (cd "$modules/@modelcontextprotocol/inspector-cli/build" &&
        node cli.js --cli "$GATEWAY$2" --transport http --header "Authorization: Bearer $KEY" --method "${@:3}") >inspector.json 2>inspector.err &&
        jq -e "$1" inspector.json && return
    cat inspector.json inspector.err
    false
}
not() { ! "$@"; }

check 'Inspector: tools of one server' inspector '[.tools[].name] | index("echo")' /mcp/everything tools/list
check 'Inspector: a call' inspector '.content[0].text | contains("inspected")' \
    /mcp/everything tools/call --tool-name echo --tool-arg message=inspected
check 'Inspector: tools of all servers' inspector '[.tools[].name] | index("memory__create_entities")' /mcp tools/list
check 'Inspector: a call with a prefix' inspector '.content[0].text | contains("42")' \
    /mcp tools/call --tool-name everything__get-sum --tool-arg a=20 --tool-arg b=22
check 'Inspector: resources' inspector '.resources[0].uri' /mcp/everything-web resources/list
check 'Inspector: prompts' inspector '.prompts[0].name' /mcp/everything-web prompts/list
right=$KEY
KEY=smg_nobody
check 'Inspector: without a good key nothing' not inspector . /mcp tools/list
KEY=$right

counted script clients.mjs
gateway_ends
summary
