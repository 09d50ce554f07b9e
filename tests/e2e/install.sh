#!/usr/bin/env bash
# `install` and `uninstall` on files as users of each client have them: only the entry changes, a copy is kept, and
# uninstalling gives the file back byte for byte.
# shellcheck source-path=SCRIPTDIR source=lib.sh
. "$(dirname "${BASH_SOURCE[0]}")/lib.sh"
unset XDG_CONFIG_HOME APPDATA USERPROFILE CLAUDE_CONFIG_DIR

key=imported-key-of-another-shape
mkdir samples
sample() { cat >"samples/$1"; }

sample claude-desktop.usual <<'END'
{
  "mcpServers": {
    "filesystem": {
      "command": "npx",
      "args": [
        "-y",
        "@modelcontextprotocol/server-filesystem",
        "/Users/alice/Desktop"
      ]
    }
  },
  "globalShortcut": "Ctrl+Space"
}
END
sample claude-desktop.preferences_only <<'END'
{
  "scale": 0,
  "locale": "en-US",
  "userThemeMode": "system"
}
END
sample cursor.comments <<'END'
// MCP servers, see the wiki
{
    "mcpServers": {
        // issues
        "github": {
            "url": "https://api.example.com/mcp/",
            "headers": { "Authorization": "Bearer ${env:GITHUB_TOKEN}" }, /* not a key */
        }, // keep last
    },
}
END
printf '{"mcpServers":{"a":{"command":"uvx","args":["x"]}}}' >samples/cursor.one_line
printf '{\n\t"mcpServers": {\n\t\t"a": {\n\t\t\t"url": "http://localhost:1/"\n\t\t}\n\t}\n}' >samples/cursor.tabs
printf '\n\n  {   "mcpServers"  :{ "a" :\n   { "url":"http://localhost:1/" }   }\n}  \n\n' >samples/cursor.odd_blanks
jq -n '{numStartups: 7, projects: {"/home/alice/p": {allowedTools: [], mcpServers: {"secure-mcp-gateway": {command: "x"}},
    history: [range(2000) | {display: "line \(.) \"{}[],\" // no comment"}]}}, userID: "u", mcpServers: {}}' \
    >samples/claude-code.projects
jq -n '{numStartups: 7, "oauthAccount": {"emailAddress": "alice@example.com"}}' >samples/claude-code.no_servers
sample vscode.inputs <<'END'
{
	"inputs": [
		{
			"type": "promptString",
			"id": "other",
			"description": "Other",
			"password": true
		}
	],
	"servers": {
		"other": {
			"type": "http",
			"url": "https://example.com/mcp",
			"headers": { "X-Key": "${input:other}" }
		}
	}
}
END
printf '\xef\xbb\xbf{\r\n\t// servers\r\n\t"servers": {\r\n\t\t"a": { "command": "a" },\r\n\t},\r\n\t"inputs": []\r\n}' \
    >samples/vscode.crlf_bom
for client in claude-desktop cursor claude-code vscode; do
    printf '{}' >"samples/$client.empty_object"
    printf '' >"samples/$client.empty"
    printf '{"mcpServers": {}, "servers": {\n}}\n' >"samples/$client.empty_servers"
    printf '{ /* nothing yet */ }\n' >"samples/$client.comment"
done

run() { # run COMMAND CLIENT FILE [ARG...]
    local command=$1 client=$2 file=$3
    shift 3
    if [ "$command $client" = 'install claude-desktop' ]; then set -- --api-key "$key" --allow-clear-key "$@"; fi
    smg "$command" --client "$client" --config-file "$file" "$@"
}

# Comments and trailing commas gone, for jq.
plain() { perl -0777 -pe 's/\A\xef\xbb\xbf//; s{("(?:[^"\\]|\\.)*")|//[^\r\n]*|/\*.*?\*/}{$1 // ""}gse; s/,(\s*[\]}])/$1/g' "$1"; }
# Every line of the first file that is not in the second, in order: a comma may have come to its end.
# shellcheck disable=SC2317 # called by check
none_lost() { ! diff <(sed 's/,\?\r\?$//' "$1") <(sed 's/,\?\r\?$//' "$2") | grep '^<'; }

for file in samples/*; do
    name=${file#samples/} client=${file#samples/}
    client=${client%%.*}
    cp -p "$file" file.json
    chmod 640 file.json
    run install "$client" file.json --dry-run
    cp out would_be
    check "$name: a dry run changes nothing" cmp "$file" file.json
    if ! run install "$client" file.json || [ "$(jq -r .changed out)" != true ]; then
        fail "$name: install"
        show
        continue
    fi
    check "$name: the file is what the dry run said" cmp would_be file.json
    backup=$(jq -r .backup_file out)
    check "$name: the copy is the file as it was" cmp "$file" "$backup"
    member=mcpServers
    [ "$client" = vscode ] && member=servers
    same "$name: the entry is there" "$SMG" \
        "$(plain file.json | jq -r --arg m $member '.[$m]["secure-mcp-gateway"].command')"
    same "$name: all else means the same" \
        "$( (plain "$file" | grep . || echo '{}') | jq -S --arg m $member '.[$m] //= {} | if $m == "servers" then .inputs //= [] else . end')" \
        "$(plain file.json | jq -S --arg m $member 'del(.[$m]["secure-mcp-gateway"])
            | if $m == "servers" then .inputs |= map(select(.id != "secure-mcp-gateway-key")) else . end')"
    if [ "$client" = claude-desktop ]; then
        same "$name: a file with a key in it is the owner's" 600 "$(stat -c %a file.json)"
    else
        same "$name: the mode is kept" 640 "$(stat -c %a file.json)"
        check "$name: no key is in it" bash -c "! grep -F '$key' file.json"
    fi
    same "$name: the mode of the copy" 640 "$(stat -c %a "$backup")"
    cp file.json installed
    run install "$client" file.json
    same "$name: again changes nothing" 'false null' "$(jq -r '"\(.changed) \(.backup_file)"' out)"
    check "$name: not a byte" cmp installed file.json

    run uninstall "$client" file.json
    check "$name: uninstall gives it back byte for byte" cmp "$file" file.json
    # Without the copy, too, where nothing had to be made.
    rm -f file.json.backup-*
    cp installed file.json
    run uninstall "$client" file.json
    # Which file install has made, an empty one without a copy looks the same as.
    if [ "${name##*.}" = empty ]; then
        check "$name: without the copy the file goes" test ! -e file.json
        continue
    fi
    same "$name: without the copy the entry goes" null \
        "$(plain file.json | jq -r --arg m $member '.[$m]["secure-mcp-gateway"]')"
    case $name in *.usual | *.comments | *.one_line | *.tabs | *.odd_blanks | *.projects | *.inputs)
        check "$name: and all else is as it was" cmp "$file" file.json
;;
    esac
    case $name in *.usual | *.tabs | *.inputs)
        check "$name: no line was lost" none_lost "$file" installed ;;
    esac
    rm -f file.json*
done

echo '-- refusals leave everything alone'
untouched() { # untouched TEXT STATUS FILE CLIENT ARG...
    local text=$1 status=$2 file=$3 client=$4
    shift 4
    cp -a "$file" before
    run install "$client" "$file" "$@"
    refused "$text" "$status"
    check "$text: file untouched" cmp before "$file"
    same "$text: no copy" 0 "$(find . -maxdepth 1 -name "$(basename "$file").backup-*" | wc -l)"
}
bad() { printf '%b' "$1" >bad.json; }
bad 'not JSON' && untouched 'no JSON' 2 bad.json cursor
bad '[]' && untouched 'an array' 2 bad.json cursor
bad '{"mcpServers": []}' && untouched 'servers are an array' 2 bad.json cursor
bad '{"mcpServers": {}, "mcpServers": {}}' && untouched 'servers twice' 2 bad.json cursor
bad '{"mcpServers": {' && untouched 'cut off' 2 bad.json cursor
bad '{"a": "\xff"}' && untouched 'not UTF-8' 2 bad.json cursor
bad '{"servers": {}, "inputs": {}}' && untouched 'inputs are an object' 2 bad.json vscode
bad '{"mcpServers": {"secure-mcp-gateway": {"command": "other"}}}' && untouched 'another entry' 1 bad.json cursor
run install cursor bad.json --force
same 'replaced with --force' "$SMG" "$(jq -r '.mcpServers["secure-mcp-gateway"].command' bad.json)"
run uninstall cursor bad.json
same 'uninstall brings back what --force replaced' '{"mcpServers": {"secure-mcp-gateway": {"command": "other"}}}' "$(cat bad.json)"
run install cursor bad.json --force
jq '.further = 1' bad.json >changed.json && cat changed.json >bad.json
run uninstall cursor bad.json
same 'also when the file was changed since' '{"mcpServers":{"secure-mcp-gateway":{"command":"other"}},"further":1}' "$(jq -c . bad.json)"
run uninstall cursor bad.json
refused 'an entry that install did not make stays' 1
run uninstall cursor bad.json --force
same 'uninstall --force takes it out' '{"mcpServers":{},"further":1}' "$(jq -c . bad.json)"
rm -f bad.json*
bad '{"inputs":[{"id":"secure-mcp-gateway-key","type":"promptString","description":"mine"}]}'
run install vscode bad.json
rm -f bad.json.backup-*
run uninstall vscode bad.json
same "the user's own input stays" '["mine"]' "$(jq -c '[.inputs[].description]' bad.json)"
head -c 17000000 /dev/zero | tr '\0' ' ' >large.json && untouched 'too large' 2 large.json cursor
rm -f bad.json*
bad '{}' && chmod 444 bad.json && untouched 'read-only file' 1 bad.json cursor
same 'read-only file: mode' 444 "$(stat -c %a bad.json)"
mkdir folder && run install cursor folder
refused 'a folder' 2
mkfifo pipe && run install cursor pipe
refused 'a pipe' 2
if as_root; then
    skip 'read-only folder: root may write there'
else
    mkdir locked && printf '{}' >locked/mcp.json && chmod 555 locked
    run install cursor locked/mcp.json
    refused 'read-only folder' 1
    same 'read-only folder: nothing new in it' mcp.json "$(ls -A locked)"
    run install cursor locked/new/mcp.json
    refused 'missing folder in a read-only one' 1
    chmod 755 locked
fi

echo '-- links, folders, places'
mkdir real && printf '{"mcpServers":{"a":{}}}' >real/mcp.json && ln -s real/mcp.json link.json
run install cursor link.json
check 'a link stays a link' test -L link.json
check 'the file behind it has the entry' jq -e '.mcpServers["secure-mcp-gateway"]' real/mcp.json
same 'the copy lies beside the file' 1 "$(find real -name 'mcp.json.backup-*' | wc -l)"
ln -s nowhere.json dangling.json && run install cursor dangling.json
refused 'a link to nothing' 1

for client in cursor claude-code vscode; do
    for platform in linux macos; do
        rm -rf "$HOME" && mkdir "$HOME"
        must smg install --client $client --platform $platform
        same "$client, $platform: one file, readable by its owner" 600 "$(find "$HOME" -type f -exec stat -c %a {} +)"
        must smg uninstall --client $client --platform $platform
        same "$client, $platform: the file that install made is gone" 0 "$(find "$HOME" -type f | wc -l)"
        same "$client, $platform: and its folder" 0 "$(find "$HOME" -mindepth 1 -name '.cursor' -o -name Code | wc -l)"
    done
done
export USERPROFILE=$T/c/Users/alice APPDATA=$T/c/Users/alice/AppData/Roaming
must smg install --client vscode --platform windows
check 'vscode, windows' test -f "$APPDATA/Code/User/mcp.json"
must smg install --client claude-code --platform windows
check 'claude-code, windows' test -f "$USERPROFILE/.claude.json"
XDG_CONFIG_HOME=$T/cfg must smg install --client vscode
check 'vscode, XDG_CONFIG_HOME' test -f "$T/cfg/Code/User/mcp.json"

echo '-- two names, one input each'
must smg install --client vscode --name one --config-file two.json
must smg install --client vscode --name two --config-file two.json
same 'two inputs' '["one-key","two-key"]' "$(jq -c '[.inputs[].id]' two.json)"
rm -f two.json.backup-*
must smg uninstall --client vscode --name one --config-file two.json
same 'one stays' '["two-key"] ["two"]' "$(jq -r '"\([.inputs[].id]) \(.servers | keys)"' two.json)"

echo '-- many at once'
printf '{"mcpServers": {"mine": {"command": "a"}}}' >many.json
for i in $(seq 20); do
    smg install --client cursor --name "n$i" --config-file many.json >/dev/null &
done
wait
same 'no entry is lost' 21 "$(jq '.mcpServers | length' many.json)"

echo '-- the store that the environment names'
SECURE_MCP_GATEWAY_HOME=some/where must smg install --client cursor --config-file env.json
same 'is in the entry' "$PWD/some/where" "$(jq -r '.mcpServers["secure-mcp-gateway"].args[3]' env.json)"

check 'no store was made' test ! -e "$SECURE_MCP_GATEWAY_HOME"
summary
