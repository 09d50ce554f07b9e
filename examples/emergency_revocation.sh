#!/bin/bash
# emergency_revocation.sh: what to do, in which order, when a key has leaked.
#
#   ./emergency_revocation.sh revoke <compromised_key.txt >new_key.json     # now
#   ./emergency_revocation.sh finish KEY_ID                                 # once the application has the new key
#
# `revoke` reads the compromised key from stdin, never from the command line, where every user of the machine could read
# it with `ps` and where the shell would keep it in its history. It disables the key, makes a new one for the same user
# and project, and prints that as JSON. `finish` deletes the disabled key; until then it stays for the investigation.
# Both write a line to security_log.txt in the current directory, with the masked key only.
set -euo pipefail
umask 077

log() { printf '%s %s\n' "$(date -u +%Y-%m-%dT%H:%M:%SZ)" "$*" >>security_log.txt; }

revoke() {
    local key disabled key_id owner user_id project_id
    IFS= read -r key || [ -n "$key" ] || { echo "$0: no key on stdin" >&2; exit 2; }

    # 1. Immediately disable the key. printf is part of the shell: no process gets the key as an argument.
    disabled=$(printf '%s\n' "$key" | secure-mcp-gateway user disable-api-key --api-key -)
    unset key
    key_id=$(jq -r .key_id <<<"$disabled")
    log "disabled $(jq -r .api_key <<<"$disabled") ($key_id)"
    echo "Disabled: $key_id" >&2

    # 2. Generate a new key for the same user and project. The id names the key from here on.
    owner=$(secure-mcp-gateway user list-all-api-keys | jq --arg key_id "$key_id" '.[] | select(.key_id == $key_id)')
    user_id=$(jq -r .user_id <<<"$owner")
    project_id=$(jq -r .project_id <<<"$owner")
    secure-mcp-gateway user generate-api-key --user-id "$user_id" --project-id "$project_id"
    log "replaced $key_id"

    # 3. Update the application: a manual step.
    echo "Give the new key to the application of $(jq -r .email <<<"$owner"), then: $0 finish $key_id" >&2
}

finish() {
    # 4. Delete the old key.
    secure-mcp-gateway user delete-api-key --api-key "$1" >&2
    # 5. Document the incident.
    log "deleted $1"
}

case "${1-} $#" in
'revoke 1') revoke ;;
'finish 2') finish "$2" ;;
*)
    echo "usage: $0 revoke <KEY_FILE | $0 finish KEY_ID" >&2
    exit 2
    ;;
esac
