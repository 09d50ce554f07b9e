#!/usr/bin/env bash
# The files that commands are given: one that comes slowly keeps nobody waiting for the store, and long or strange paths are
# written down as they are.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

must smg config add --config-name c
must smg config add-server --config-name c --server-name s --server-command sh

echo '# A policy that comes slowly'
mkfifo slow
for option in policy input-policy output-policy; do
    "$SMG" config update-server-guardrails --config-name c --server-name s "--$option-file" slow >"$option.out" 2>&1 &
    exec 7>slow
    timeout 5 "$SMG" user create --email "$option@example.com" >/dev/null 2>err
    same "--$option-file keeps nobody waiting" 0 "$?"
    printf '{"policy_name":"%s"}' "$option" >&7
    exec 7>&-
    wait "$!"
    same "and arrives" 0 "$?"
    check 'as it was written' grep -q "\"policy_name\": \"$option\"" "$option.out"
done
smg config update-server-guardrails --config-name c --server-name s --policy-file - <<<'{"policy_name":"stdin"}'
same '- is standard input' '["stdin","stdin"]' "$(jq -c '[.input_guardrails_policy.policy_name,.output_guardrails_policy.policy_name]' out)"
smg config update-server-guardrails --config-name c --server-name s --policy-file - <<<'{'
refused 'a policy that is no JSON' 2

echo '# A path of which every byte takes six in the audit'
part=$(printf '\001%.0s' {1..200})
folder=$T
for _ in 1 2 3 4 5; do folder=$folder/$part; done
mkdir -p "$folder"
smg system backup --output-file "$folder/b"
same 'a backup goes there' 0 "$rc"
check 'and is there' test -s "$folder/b"
same 'the audit has the path' "$folder/b" "$("$SMG" audit list | jq -r '.[-1].detail.file')"
smg system reset --confirm --output-file "$folder/r"
same 'a reset, too' 0 "$rc"
smg audit verify
same 'the chain is whole' 0 "$rc"
summary
