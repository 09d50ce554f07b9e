#!/usr/bin/env bash
# Eight writers at once, fifteen operations each. The full run, 64 by 200: tests/crash/writers.
set -eu
exec "$(dirname "$0")/../crash/writers" --writers 8 --operations 15
