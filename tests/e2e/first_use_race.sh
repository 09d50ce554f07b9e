#!/usr/bin/env bash
# Twelve first commands at once on a machine that has no store yet: one of them makes it, all succeed.
set -eu
rounds=8 crowd=12
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
failed=0
for round in $(seq "$rounds"); do
    export SECURE_MCP_GATEWAY_HOME=$work/home.$round
    pids=()
    for n in $(seq "$crowd"); do
        "$SMG" user create --email "user$n@example.com" >/dev/null 2>"$work/error.$n" &
        pids+=($!)
    done
    n=0
    for pid in "${pids[@]}"; do
        n=$((n + 1))
        if ! wait "$pid"; then
            echo "round $round: $(<"$work/error.$n")" >&2
            failed=$((failed + 1))
        fi
    done
    found=$("$SMG" user list -o jsonl | wc -l)
    if [ "$found" -ne "$crowd" ]; then
        echo "round $round: $found users" >&2
        failed=$((failed + 1))
    fi
    "$SMG" system health-check >"$work/health" || {
        cat "$work/health" >&2
        failed=$((failed + 1))
    }
done
echo "$((rounds * crowd)) first commands, $failed failures"
[ "$failed" -eq 0 ]
