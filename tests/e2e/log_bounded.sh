#!/usr/bin/env bash
# The write-ahead log stays short however many commands there have been: every command reads it whole,
# so a log that only grows makes all of them slower and slower.
# shellcheck source=tests/e2e/lib.sh
. "$(dirname "$0")/lib.sh"

most=$((4 * 1024 * 1024)) # four times what 256 pages take
must smg user create --email bob@example.com
id=$(sed -n 's/^user_id: //p' "$T/out")
for n in $(seq 400); do
    "$SMG" user update --user-id "$id" --new-email "bob$((n % 2))@example.com" >/dev/null ||
        fail "update $n"
done
size=$(stat -c %s "$SECURE_MCP_GATEWAY_HOME/store.db-wal")
check "after 400 changes the log has at most $most bytes (it has $size)" [ "$size" -le "$most" ]
must smg system health-check
summary
