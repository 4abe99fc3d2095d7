#!/bin/bash
# Offloads and jumbo frames between Linux peers through the real packet thread: iperf3 over TCP and UDP, IPv4 and IPv6,
# with each combination of checksum and segmentation offload in the sender; taps. Needs root. smoke-offload.sh DRIVER
set -u
driver=$1
id=wt-o$$
trunk=wo$$t
tap=wo$$p
work=$(mktemp -d)
failed=0
. "$(dirname "$0")/smoke-checks.sh"

start() {
	rm -f "$work/control"
	mkfifo "$work/control"
	"$driver" "$work/state" "$id-1" "$id-2" "$id-3" "$trunk" "$tap" 9000 <"$work/control" >"$work/log" 2>&1 &
	pid=$!
	exec 3>"$work/control"
	wait_for grep -q ready "$work/log" || { cat "$work/log"; exit 1; }
}
cleanup() {
	exec 3>&-
	wait "${pid:-}" 2>/dev/null
	for s in ${servers:-}; do kill "$s" 2>/dev/null; done
	ip link del "$trunk" 2>/dev/null
	ip link del "$tap" 2>/dev/null
	for n in 1 2 3 4; do ip netns del "$id-$n" 2>/dev/null; done
	rm -rf "$work"
}
trap cleanup EXIT
# vm NUMBER SECOND LAST
addresses() {
	wait_for ip -n "$id-$1" link show eth0
	ip -n "$id-$1" address add "10.$2.0.$3/24" dev eth0
	ip -n "$id-$1" address add "fd00:$2::$3/64" dev eth0 nodad
	ip -n "$id-$1" route add default via "10.$2.0.1"
	ip -n "$id-$1" route add default via "fd00:$2::1"
}
# Bits per second that arrived.
rate() { python3 -c "import json,sys; print(int(json.load(open('$work/json'))['end']['$1']['bits_per_second'] / 1e6))"; }
# stream NAME LEAST_MBITS RECORD ARGUMENTS: iperf3 from VM 1; fails below the rate or when a counter of errors rose.
stream() {
	local name=$1 least=$2 record=$3
	shift 3
	in_vm 1 timeout 5 iperf3 -J -t 1 "$@" >"$work/json" 2>&1
	local got
	got=$(rate "$record" 2>/dev/null)
	if [ "${got:-0}" -ge "$least" ]; then say "$name" "ok, $got Mbit/s"; else
		say "$name" "FAILED, ${got:-nothing} Mbit/s"
		tail -3 "$work/json"
		failed=1
	fi
}
errors() { in_vm "$1" nstat -asz | awk '/CsumErrors/ {n += $2} END {print n + 0}'; }
offloads() { in_vm "$1" ethtool -K eth0 tx "$2" sg "$2" tso "$3" tx-udp-segmentation "$3" >/dev/null 2>&1; }

for n in 1 2 3 4; do ip netns add "$id-$n"; done
ip link add "$trunk" mtu 9000 type veth peer name trunk mtu 9000 netns "$id-4"
ip -n "$id-4" link set trunk up
start
addresses 1 1 11
addresses 2 1 12
addresses 3 2 11
check "ping, IPv4" wait_for in_vm 1 ping -c 1 -W 1 10.1.0.12
check "ping routed, IPv6" wait_for in_vm 1 ping -c 1 -W 1 fd00:2::11
check "jumbo ping, bridged" in_vm 1 ping -c 2 -i 0.2 -W 1 -M do -s 8972 10.1.0.12
check "jumbo ping, routed" in_vm 1 ping -c 2 -i 0.2 -W 1 -M do -s 8972 10.2.0.11
check "jumbo ping, IPv6" in_vm 1 ping -c 2 -i 0.2 -W 1 -M do -s 8952 fd00:2::11
servers=
for n in 2 3; do
	in_vm "$n" iperf3 -s >/dev/null 2>&1 &
	servers="$servers $!"
done
sleep 0.5

for combination in "on on" "on off" "off off"; do
	read -r sum cut <<<"$combination"
	offloads 1 "$sum" "$cut"
	for target in 10.1.0.12 fd00:1::12 10.2.0.11 fd00:2::11; do
		stream "TCP to $target, tx $sum, tso $cut" 200 sum_received -c "$target"
	done
	stream "UDP to 10.2.0.11, tx $sum, tso $cut" 90 sum -u -b 100M -l 1400 -c 10.2.0.11
	stream "UDP to fd00:1::12, tx $sum, tso $cut" 90 sum -u -b 100M -l 1400 -c fd00:1::12
done
offloads 1 on on
offloads 2 off off
stream "TCP to a receiver without offloads" 200 sum_received -c 10.1.0.12
stream "TCP back from a sender without" 200 sum_received -R -c 10.1.0.12
in_vm 1 ethtool -K eth0 gro on
stream "TCP, GRO at the receiver" 200 sum_received -R -c 10.2.0.11
in_vm 1 ethtool -K eth0 gro off

# Datagrams that one send hands over for the device to cut (UDP_SEGMENT), counted and compared by the receiver.
cat >"$work/gso.py" <<'END_PY'
import socket, sys
family = socket.AF_INET6 if ':' in sys.argv[2] else socket.AF_INET
s = socket.socket(family, socket.SOCK_DGRAM)
if sys.argv[1] == 'receive':
    s.bind((sys.argv[2], 7777))
    s.settimeout(5)
    got = b''
    while len(got) < 40000:
        piece = s.recv(65535)
        assert len(piece) in (1200, 400), len(piece)
        got += piece
    assert got == bytes(i % 251 for i in range(40000))
else:
    s.setsockopt(socket.IPPROTO_UDP, 103, 1200)
    s.sendto(bytes(i % 251 for i in range(40000)), (sys.argv[2], 7777))
END_PY
udp_gso() {
	in_vm "$1" python3 "$work/gso.py" receive "$2" &
	local receiver=$!
	sleep 0.3
	in_vm 1 python3 "$work/gso.py" send "$2"
	wait $receiver
}
check "UDP segmentation, bridged IPv4" udp_gso 2 10.1.0.12
check "UDP segmentation, routed IPv6" udp_gso 3 fd00:2::11
check "no checksum was wrong" [ "$(errors 1) $(errors 2) $(errors 3)" = "0 0 0" ]

check "the tap is there with MTU and MAC" bash -c "ip link show $tap | grep -q 'mtu 9000' && ip link show $tap | grep -q 02:00:00:00:00:06"
ip address add 10.1.0.16/32 dev "$tap"
check "ping through the tap" wait_for ping -c 1 -W 1 -I "$tap" 10.1.0.12
check "jumbo ping through the tap" ping -c 2 -i 0.2 -W 1 -M do -s 8972 -I "$tap" 10.1.0.12
in_vm 2 timeout 20 iperf3 -s -1 -p 5999 >/dev/null 2>&1 &
sleep 0.3
timeout 5 iperf3 -J -t 1 -p 5999 -B 10.1.0.16 --bind-dev "$tap" -c 10.1.0.12 >"$work/json" 2>&1
got=$(rate sum_received 2>/dev/null)
[ "${got:-0}" -ge 200 ] && say "TCP from the tap" "ok, $got Mbit/s" || { say "TCP from the tap" FAILED; tail -3 "$work/json"; failed=1; }

index=$(cat "/sys/class/net/$tap/ifindex")
kill -9 "$pid"
wait "$pid" 2>/dev/null
exec 3>&-
check "the tap outlives the forwarder" ip link show "$tap"
start
check "a restarted forwarder takes the same tap again" wait_for ping -c 1 -W 1 -I "$tap" 10.1.0.12
check "  with the same index" [ "$index" = "$(cat "/sys/class/net/$tap/ifindex")" ]
printf r >&3
sleep 0.3
check "ledgers hold" bash -c "grep -q 'ledger holds' $work/log && ! grep BROKEN $work/log"
grep dropped "$work/log" | grep -v ledger
printf c >&3
check "the tap goes with its row" wait_for bash -c "! ip link show $tap"
exit $failed
