#!/usr/bin/env bash
# The golden cases under valgrind: every command must be free of errors and leaks. The gate takes the
# cases named here; VALGRIND_ALL=1 takes all of them (about ten minutes).
# label: slow
set -uo pipefail
here=$(cd "$(dirname "$0")/.." && pwd)
[ -z "${SMG_SANITIZE:-}" ] || { echo 'SKIP valgrind: a sanitizer is watching already'; exit 0; }
command -v valgrind >/dev/null || { echo 'valgrind is missing: scripts/install-packages test' >&2; exit 1; }
if [ -n "${VALGRIND_ALL:-}" ]; then
    cases=("$here"/golden/*.case)
else
    cases=("$here"/golden/{seed,audit}.case)
fi

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
SMG=$(realpath "$SMG")
cat >"$work/watched" <<END
#!/bin/sh
# What valgrind finds goes into the log, so that the case still sees what the program prints.
exec valgrind --quiet --leak-check=full --show-leak-kinds=all --error-exitcode=99 \\
    --log-file="$work/log.%p" "$SMG" "\$@"
END
chmod +x "$work/watched"

failed=0
for case in "${cases[@]}"; do
    CASE_TIMEOUT=900 SMG=$work/watched "$here/golden/run_case" "$case" || failed=1
done
runs=$(find "$work" -name 'log.*' | wc -l)
findings=$(find "$work" -name 'log.*' -size +0)
echo "$runs commands under valgrind, $(printf '%s' "$findings" | grep -c .) with findings"
if [ -n "$findings" ] || [ "$failed" != 0 ] || [ "$runs" = 0 ]; then
    # shellcheck disable=SC2086 # names of our own making, without blanks
    [ -z "$findings" ] || cat $findings
    exit 1
fi
