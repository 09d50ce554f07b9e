#!/usr/bin/env bash
# The official SDK's client through the gateway, with public servers behind it.
# shellcheck source-path=SCRIPTDIR
. "$(dirname "$0")/servers_lib.sh"
# shellcheck disable=SC2119
gateway_starts
counted script sdk.mjs
gateway_ends
summary
