#!/usr/bin/env bash
# Programs that people reach servers with: the Inspector, mcp-remote, a desktop client that starts the gateway itself, and the
# habits of others with GET; then a key that is disabled while it is in use.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/servers_lib.sh"
# shellcheck disable=SC2119
gateway_starts

inspector() { # inspector PATH METHOD OPTION...
    mcp-inspector-cli --cli "$GATEWAY$1" --transport http --header "Authorization: Bearer $KEY" --method "${@:2}" >inspector.json 2>inspector.err
}
not() { ! "$@"; }
PATH=$modules/.bin:$PATH
# printed FILTER: what the Inspector printed fits the filter of jq
printed() { jq -e "$1" inspector.json || { cat inspector.json inspector.err; false; }; }

check 'Inspector: tools of one server' inspector /mcp/everything tools/list
check 'Inspector: under their own names' printed '[.tools[].name] | index("echo")'
check 'Inspector: a call' inspector /mcp/everything tools/call --tool-name echo --tool-arg message=inspected
check 'Inspector: its result' printed '.content[0].text | contains("inspected")'
check 'Inspector: tools of all servers' inspector /mcp tools/list
check 'Inspector: under prefixed names' printed '[.tools[].name] | index("memory__create_entities")'
check 'Inspector: a call with a prefix' inspector /mcp tools/call --tool-name everything__get-sum --tool-arg a=20 --tool-arg b=22
check 'Inspector: its result' printed '.content[0].text | contains("42")'
check 'Inspector: resources' inspector /mcp/everything-web resources/list
check 'Inspector: prompts' inspector /mcp/everything-web prompts/list
right=$KEY
KEY=smg_nobody
check 'Inspector: without a good key nothing' not inspector /mcp tools/list
KEY=$right

counted script clients.mjs
gateway_ends
summary
