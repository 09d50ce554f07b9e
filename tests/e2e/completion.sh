#!/usr/bin/env bash
# Completion as it is typed: groups, verbs, options, addresses, names with blanks and quotes, key ids; never keys.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

PATH=$(dirname "$SMG"):$PATH
cat >users.csv <<'END'
email,project_name
alice@example.com,Team Project
o'brien@example.com,"It's ""quoted"""
Zoe@example.org,Zeta $HOME
END
must smg user import --input-file users.csv --create-projects --output csv
cut -d, -f6 out | grep smg_ >keys
key=$(head -n 1 keys)
key_id=$(smg user get-api-key --api-key "$key" --details && jq -r .key_id out)
must smg config add --config-name 'Main config'
must smg config add --config-name Other
config_id=$(smg config get --config-name Other && jq -r .mcp_config_id out)
for server in github 'git lab' search; do
    must smg config add-server --config-name 'Main config' --server-name "$server" --server-command sh
done
must smg config add-server --config-name Other --server-name gitea --server-command sh

# candidates WORD...: what the program offers for the last of the words
candidates() { "$SMG" __complete "$@" | tr '\n' ' '; }
same "groups" "user " "$(candidates us)"
same "verbs" "list list-projects list-api-keys list-all-api-keys " "$(candidates user list)"
same "verbs behind help" "create " "$(candidates help project cr)"
same "options" "--new-email " "$(candidates user update --new)"
same "options after others" "--force " "$(candidates user delete --email alice@example.com --f)"
same "formats" "json jsonl " "$(candidates user list -o js)"
same "formats behind =" "--output=table " "$(candidates user list --output=t)"
same "addresses" "alice@example.com " "$(candidates user get --email al)"
same "addresses in any case" "Zoe@example.org " "$(candidates user get --email zO)"
same "addresses behind =" "--email=alice@example.com " "$(candidates user get --email=al)"
same "addresses behind a = of its own" "alice@example.com " "$(candidates user get --email = al)"
same "the first of them behind a =" 3 "$(candidates user get --email = | wc -w)"
same "projects" "Team Project " "$(candidates project get --project-name Te)"
same "configs" "Main config " "$(candidates config get --config-name M)"
same "servers of the config" "git lab github " "$(candidates config get-server --config-name 'Main config' --server-name g)"
same "servers of the config, by id" "gitea " "$(candidates config get-server --config-id="$config_id" --server-name g)"
same "servers, the config being named later" "" "$(candidates config get-server --server-name g)"
same "servers behind =" "--server-name=gitea " "$(candidates config get-server --config-name = Other --server-name=g)"
same "no servers of a config that is none" "" "$(candidates config get-server --config-name none --server-name g)"
same "on and off" "true " "$(candidates config update-server --enable-server-info-validation t)"
same "key ids" "$key_id " "$(candidates user get-api-key --api-key "${key_id:0:9}")"
same "statuses" "disabled " "$(candidates user list-all-api-keys --status d)"
same "nothing for a command that is none" "" "$(candidates usr )"
same "another home when it is named" "" "$(candidates user get --home "$T/none" --email al)"
check "no store is made by asking" [ ! -e "$T/none" ]

"$SMG" __complete user get-api-key --api-key '' >offered
same "all key ids are offered" 3 "$(wc -l <offered)"
same "no key is offered" "" "$(grep -F -f keys offered)"
same "a key typed in full is no prefix of anything" "" "$(candidates user get-api-key --api-key "$key")"
same "a key typed earlier does not disturb" "--details " "$(candidates user get-api-key --api-key "$key" --de)"

# bash alone, by its function
reply() {
    COMP_WORDS=(secure-mcp-gateway "$@") COMP_CWORD=$#
    _secure_mcp_gateway
    printf '%s\n' "${COMPREPLY[@]}"
}
# shellcheck source=/dev/null
. <("$SMG" completion bash)
same "bash: a word for the shell" 'Team\ Project' "$(reply project get --project-name Te)"
same "bash: a word with a backslash" 'Team\ Project' "$(reply project get --project-name 'Team\ Pr')"
same "bash: in double quotes" "It's \\\"quoted\\\"\"" "$(reply project get --project-name '"It')"
same "bash: in single quotes" "It'\\''s \"quoted\"" "$(reply project get --project-name "'It")"
same "bash: dollars in double quotes" "Zeta \\\$HOME" "$(reply project get --project-name '"Ze')"
same "bash: a name before, with a backslash" 'git\ lab' "$(reply config get-server --config-name 'Main\ config' --server-name 'git\ l')"
same "bash: a name before, in double quotes" 'search' "$(reply config get-server --config-name '"Main config"' --server-name s)"
same "bash: a name before, in single quotes" 'search' "$(reply config get-server --config-name "'Main config'" --server-name s)"
same "bash: a quote in an address" "o\\'brien@example.com" "$(reply user get --email o)"

# the three shells, typed into: what the command gets after TAB and ENTER
# shellcheck disable=SC2016 # the dollar is what is typed
typed=(
    'secure-mcp-gateway us' '<user>'
    'secure-mcp-gateway project get --project-n' '<project><get><--project-name>'
    'secure-mcp-gateway user get --email al' '<user><get><--email><alice@example.com>'
    'secure-mcp-gateway user get --email=al' '<user><get><--email=alice@example.com>'
    'secure-mcp-gateway user get --email o' "<user><get><--email><o'brien@example.com>"
    'secure-mcp-gateway user get --email zo' '<user><get><--email><Zoe@example.org>'
    'secure-mcp-gateway project get --project-name Te' '<project><get><--project-name><Team Project>'
    'secure-mcp-gateway project get --project-name Team\ P' '<project><get><--project-name><Team Project>'
    'secure-mcp-gateway project get --project-name "Te' '<project><get><--project-name><Team Project>'
    "secure-mcp-gateway project get --project-name 'Te" '<project><get><--project-name><Team Project>'
    'secure-mcp-gateway project get --project-name=Te' '<project><get><--project-name=Team Project>'
    'secure-mcp-gateway project get --project-name It' "<project><get><--project-name><It's \"quoted\">"
    'secure-mcp-gateway project get --project-name "It' "<project><get><--project-name><It's \"quoted\">"
    'secure-mcp-gateway project get --project-name "Ze' '<project><get><--project-name><Zeta $HOME>'
    "secure-mcp-gateway user get-api-key --api-key ${key_id:0:9}" "<user><get-api-key><--api-key><$key_id>"
    'secure-mcp-gateway config get-server --config-name "Main config" --server-name se' '<config><get-server><--config-name><Main config><--server-name><search>'
    'secure-mcp-gateway config get-server --config-name Main\ config --server-name "git ' '<config><get-server><--config-name><Main config><--server-name><git lab>'
    'secure-mcp-gateway user import --input-file users' '<user><import><--input-file><users.csv>'
)
texts=() wanted=()
for ((i = 0; i < ${#typed[@]}; i += 2)); do
    texts+=("${typed[i]}") wanted+=("${typed[i + 1]}")
done
for shell in bash zsh fish; do
    if ! command -v zsh >/dev/null || ! command -v "$shell" >/dev/null; then
        skip "typing into $shell: it needs $shell, and zsh to type"
        continue
    fi
    mapfile -t got < <("$here/type_into.zsh" "$shell" "$HOME" "${texts[@]}" </dev/null)
    for i in "${!texts[@]}"; do
        same "$shell: ${texts[i]#* }" "${wanted[i]}" "${got[i]:-}"
    done
done
summary
