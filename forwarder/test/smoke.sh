#!/bin/bash
# Two VMs on one network and one on another, as namespaces, through the real packet thread. Needs root. smoke.sh DRIVER
set -u
driver=$1
id=wt-$$
trunk=wt$$t
tap=wt$$p
work=$(mktemp -d)
failed=0
. "$(dirname "$0")/smoke-checks.sh"

start() {
	rm -f "$work/control"
	mkfifo "$work/control"
	"$driver" "$work/state" "$id-1" "$id-2" "$id-3" "$trunk" "$tap" 1500 <"$work/control" >"$work/log" 2>&1 &
	pid=$!
	exec 3>"$work/control"
	wait_for grep -q ready "$work/log" || { cat "$work/log"; exit 1; }
}
address() { ip -n "$id-$1" address add "$2/24" dev eth0 && ip -n "$id-$1" route add default via "$3"; }
cleanup() {
	exec 3>&-
	wait "${pid:-}" 2>/dev/null
	ip link del "$trunk" 2>/dev/null
	ip link del "$trunk-o" 2>/dev/null
	ip link del "$tap" 2>/dev/null
	for n in 1 2 3 4; do ip netns del "$id-$n" 2>/dev/null; done
	rm -rf "$work"
}
trap cleanup EXIT

for n in 1 2 4; do ip netns add "$id-$n"; done
ip link add "$trunk" type veth peer name trunk netns "$id-4"
ip -n "$id-4" link set trunk up
# Asks for the gateway's address on a VLAN; prints the VLAN of the answer, or nothing.
cat >"$work/ask.py" <<'END'
import socket, struct, sys
vlan = int(sys.argv[1])
s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3))
s.bind(('trunk', 0))
s.setsockopt(263, 8, 1)  # PACKET_AUXDATA: the kernel takes tags off
s.settimeout(1)
mac = b'\2\0\0\0\0\5'
arp = struct.pack('!HHBBH', 1, 0x800, 6, 4, 1) + mac + bytes([10, 1, 0, 15]) + bytes(6) + bytes([10, 1, 0, 1])
s.send(b'\xff' * 6 + mac + struct.pack('!HHH', 0x8100, vlan, 0x806) + arp)
while True:
    frame, extra, _, _ = s.recvmsg(2048, 256)
    if frame[:6] == mac and frame[12:14] == b'\x08\x06':
        print(struct.unpack('IIIHHHH', extra[0][2][:20])[5])
        break
END
start
check "port 3 waits for its namespace, port 1 is there" wait_for ip -n "$id-1" link show eth0
ip netns add "$id-3"
check "port 3 appears when its namespace does" wait_for ip -n "$id-3" link show eth0
address 1 10.1.0.11 10.1.0.1
address 2 10.1.0.12 10.1.0.1
address 3 10.2.0.11 10.2.0.1
check "ping within the network" ip netns exec "$id-1" ping -c 3 -i 0.2 -W 1 10.1.0.12
check "ping the gateway" ip netns exec "$id-1" ping -c 3 -i 0.2 -W 1 10.1.0.1
check "ping the other network" ip netns exec "$id-1" ping -c 3 -i 0.2 -W 1 10.2.0.11
check "ping the other network's gateway" ip netns exec "$id-1" ping -c 3 -i 0.2 -W 1 10.2.0.1
check "full-size packets, unfragmented" ip netns exec "$id-1" ping -c 2 -i 0.2 -W 1 -M do -s 1472 10.2.0.11
check "offloads are on in the VM" bash -c "ip netns exec $id-1 ethtool -k eth0 | grep -q 'tx-tcp-segmentation: on'"
check "but not those that nobody can tell of" bash -c "ip netns exec $id-1 ethtool -k eth0 | grep -q 'tx-udp_tnl-segmentation: off'"

check "a VLAN of the trunk is on its network" bash -c "ip netns exec $id-4 python3 $work/ask.py 101 | grep -qx 101"
check "another VLAN is nowhere" bash -c "! ip netns exec $id-4 python3 $work/ask.py 102 2>/dev/null"

ip -n "$id-4" link set trunk down
sleep 0.3
printf r >&3
check "a VLAN is down with its trunk" wait_for grep -q '^port 5 .*trunk port 4 is down' "$work/log"
check "an interface serves one port" wait_for grep -q '^port [47] .*is used by port' "$work/log"
ip -n "$id-4" link set trunk up

before=$(ip -n "$id-1" -o link show eth0 | cut -d: -f1)
# Our end of a machine's link.
ours() { ip -o link | sed -n "s/^$(ip netns exec "$1" cat /sys/class/net/eth0/iflink): \([^@]*\)@.*/\1/p"; }
first=$(ours "$id-1") second=$(ours "$id-2")
kill -9 "$pid"
wait "$pid" 2>/dev/null
exec 3>&-
# As if it was killed when it made the second link, and when it removed a third.
ip link set "$second" down
ip -n "$id-2" link set eth0 down
ip link add "${first%1}99" type veth peer name "$trunk-o"
begin=$(date +%s%N)
start
check "after kill -9 it forwards again" wait_for ip netns exec "$id-1" ping -c 1 -W 1 10.2.0.11
say "  from exec to the first reply" "$((($(date +%s%N) - begin) / 1000000)) ms"
check "a link that was half made is finished" wait_for ip netns exec "$id-1" ping -c 1 -W 1 10.1.0.12
check "a link whose port is gone is removed" bash -c "! ip link show $trunk-o"
check "the VM kept its interface and address" bash -c "ip -n $id-1 -o link show eth0 | grep -q '^$before:' && ip -n $id-1 addr show eth0 | grep -q 10.1.0.11"

ticks() { awk '{print $14 + $15}' "/proc/$pid/stat"; }
a=$(ticks); sleep 2; b=$(ticks)
say "CPU while idle, hundredths of a second in 2 s" "$((b - a))"

ip netns del "$id-2"
ip netns add "$id-2"
check "a namespace made anew gets its link again" wait_for ip -n "$id-2" link show eth0
printf r >&3
sleep 0.3
check "ledgers hold" bash -c "grep -q 'ledger holds' $work/log && ! grep BROKEN $work/log"
cat "$work/log"
printf c >&3
check "links go with their rows" wait_for bash -c "! ip -n $id-1 link show eth0"
exit $failed
