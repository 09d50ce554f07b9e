#!/usr/bin/env bash
# Every changing command is killed, cut off and made to fail at a sample of the places where it can be.
# All places, in some minutes: tests/crash/run.
set -eu
sample=60
[ -z "${SMG_SANITIZE:-}" ] || sample=160 # a sanitized program starts ten times slower
exec "$(dirname "$0")/../crash/run" --sample "$sample"
