#!/bin/bash
# rotate_user_keys.sh: a new key in place of each active key of a user.
#
#   ./rotate_user_keys.sh EMAIL NEW_KEYS_FILE [GRACE]
#
# Writes one JSON object per key to NEW_KEYS_FILE (mode 0600; must not exist yet): the old key masked, the new key in
# full. With GRACE (such as 24h) the old keys live on for that long; without it they die at once.
#
# `secure-mcp-gateway user rotate-all-api-keys --email EMAIL` does the same in one transaction: all keys or none.
set -euo pipefail

if [ $# -lt 2 ] || [ $# -gt 3 ]; then
    echo "usage: $0 EMAIL NEW_KEYS_FILE [GRACE]" >&2
    exit 2
fi
email=$1
new_keys=$2
grace=(${3:+--grace "$3"})

# An address may be written in any case; the id is always the same.
user_id=$(secure-mcp-gateway user get --email "$email" | jq -r .user_id)

# The file is made before the first key is rotated: a new key that could not be written down would be lost.
umask 077
set -o noclobber
: >"$new_keys"
set +o noclobber

# Keys are named by their ids here. So no key stands in a variable or in an argument list, where `ps` shows it.
# All ids are read before the first rotation, so that no key is rotated twice.
mapfile -t key_ids < <(secure-mcp-gateway user list-all-api-keys --status active |
    jq -r --arg user_id "$user_id" '.[] | select(.user_id == $user_id) | .key_id')

for key_id in "${key_ids[@]}"; do
    echo "Rotating key: $key_id"
    secure-mcp-gateway user rotate-api-key --api-key "$key_id" "${grace[@]}" >>"$new_keys"
done

echo "${#key_ids[@]} keys rotated for $email; the new ones are in $new_keys"
