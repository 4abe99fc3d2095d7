#!/bin/bash
# Ports with real links that come and go; times, and nothing left over. Needs root. smoke-churn.sh DRIVER [COUNT [CYCLES]]
set -u
id=wt-c$$
state=$(mktemp)
for n in 1 2 3 4; do ip netns add "$id-$n"; done
trap 'for n in 1 2 3 4; do ip netns del "$id-$n"; done; rm -f "$state"' EXIT
"$1" "$state" "${2:-256}" "${3:-50}" "$id-1" "$id-2" "$id-3" "$id-4"
