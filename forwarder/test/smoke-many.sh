#!/bin/bash
# A thousand live ports and traffic through each; what they cost. Needs root. smoke-many.sh DRIVER [COUNT]
set -u
id=wt-m$$
state=$(mktemp)
for n in 1 2 3 4; do
	ip netns add "$id-$n"
	# What 512 interfaces say of themselves reaches 1,023 others each: no measure of idleness.
	ip netns exec "$id-$n" sysctl -qw net.ipv6.conf.default.disable_ipv6=1
done
trap 'for n in 1 2 3 4; do ip netns del "$id-$n"; done; rm -f "$state"' EXIT
"$1" "$state" "${2:-1024}" "$id-1" "$id-2" "$id-3" "$id-4"
