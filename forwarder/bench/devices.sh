#!/bin/sh
# Weft's plain L3 beside testpmd's macswap on the same in-memory load, A B A B: prints one line "Mpps macswap / Weft / ratio" per round.
# usage: devices.sh ROUNDS SECONDS HUGEPAGES(0|1); needs root, dpdk-testpmd, and 2 MB hugepages when HUGEPAGES is 1.
set -eu
rounds=${1:-3} seconds=${2:-4} huge=${3:-0}
here=$(CDPATH= cd -- "$(dirname -- "$0")/.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
preload=$here/build/load_preload.so
cpu=$(($(nproc) - 1))
[ "$huge" = 1 ] && memory=--in-memory || memory="--no-huge --file-prefix=weftbench"

mpps() { sed -n 's/.*"sent": \([0-9]*\), "seconds": \([0-9.]*\).*/\1 \2/p' "$1" | awk '{printf "%.2f", $1 / $2 / 1e6}'; }

macswap() {
	(sleep "$((seconds + 1))"; echo quit) | env LD_PRELOAD="$preload" LOAD_REPORT="$work/macswap" dpdk-testpmd $memory -m 256 --no-pci \
		-l 0,$cpu --main-lcore=0 --no-telemetry --vdev net_null0 --vdev net_null1 -- -i --auto-start --nb-cores=1 --forward-mode=macswap \
		--burst=32 --total-num-mbufs=16384 >/dev/null 2>&1
	mpps "$work/macswap"
}

weft() {
	env LD_PRELOAD="$preload" LOAD_REPORT="$work/weft" "$here/build/bench-devices" "$work/state" "$seconds" "$cpu" "$huge" >/dev/null 2>"$work/log" ||
		{ cat "$work/log" >&2; exit 1; }
	mpps "$work/weft"
}

round=0
while [ "$round" -lt "$rounds" ]; do
	a=$(macswap) b=$(weft)
	echo "$a $b" | awk '{printf "macswap %.2f Mpps, weft %.2f Mpps, ratio %.1f %%\n", $1, $2, 100 * $2 / $1}'
	round=$((round + 1))
done
