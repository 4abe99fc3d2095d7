#!/bin/bash
# An uplink on an interface that the host goes on using, through the real packet thread. A namespace stands for the host,
# another for its router and the world. Needs root. smoke-uplink.sh DRIVER [VLAN]
set -u
driver=$1
vlan=${2:-0}
id=wt-u$$
work=$(mktemp -d)
failed=0
. "$(dirname "$0")/smoke-checks.sh"

host() { ip netns exec "$id-host" "$@"; }
world() { ip netns exec "$id-world" "$@"; }
vm() { ip netns exec "$id-vm" "$@"; }
start() {
	rm -f "$work/control"
	mkfifo "$work/control"
	ip netns exec "$id-host" "$driver" "$work/state" up0 "$vlan" "$id-vm" <"$work/control" >"$work/log" 2>&1 &
	pid=$!
	exec 3>"$work/control"
	wait_for grep -q ready "$work/log" || { cat "$work/log"; exit 1; }
	table=weft_$(sed -n 's/^ready //p' "$work/log")
}
stop() {
	exec 3>&-
	[ -z "${pid:-}" ] || wait "$pid" 2>/dev/null
	pid=
}
cleanup() {
	stop
	kill ${servers:-} 2>/dev/null
	for n in host world vm; do ip netns del "$id-$n" 2>/dev/null; done
	rm -rf "$work"
}
trap cleanup EXIT

# Answers each connection or datagram with the asker's address and port, then echoes; also holds ports.
cat >"$work/server.py" <<'END'
import socket, sys, threading
address, port = sys.argv[1], int(sys.argv[2])
tcp = socket.create_server((address, port))
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind((address, port))
def datagrams():
    while True:
        data, peer = udp.recvfrom(65535)
        udp.sendto(('%s %d\n' % peer).encode(), peer)
def serve(s, peer):
    try:
        s.sendall(('%s %d\n' % peer).encode())
        while data := s.recv(65536): s.sendall(data)
    except OSError: pass
threading.Thread(target=datagrams, daemon=True).start()
while True:
    threading.Thread(target=serve, args=tcp.accept(), daemon=True).start()
END
# ask.py ADDRESS PORT [BYTES|hold|udp]: prints what the server says; sends BYTES and wants them back; hold: one byte more for
# each line of stdin.
cat >"$work/ask.py" <<'END'
import socket, sys
how = sys.argv[3] if len(sys.argv) > 3 else '0'
at = (sys.argv[1], int(sys.argv[2]))
if how == 'udp':
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.settimeout(2)
    s.connect(at)
    s.send(b'x')
    print(s.recv(100).decode().strip())
    sys.exit()
s = socket.create_connection(at, 3)
line = b''
while not line.endswith(b'\n'): line += s.recv(1)
print(line.decode().strip(), flush=True)
if how == 'hold':
    for _ in sys.stdin:
        s.sendall(b'x')
        if s.recv(1) != b'x': sys.exit(1)
        print('alive', flush=True)
else:
    import threading
    data = b'y' * int(how)
    threading.Thread(target=s.sendall, args=(data,), daemon=True).start()
    left = len(data)
    while left > 0: left -= len(s.recv(65536))
END
# Ephemeral ports of the host: of 300 outgoing connections, all at once.
cat >"$work/many.py" <<'END'
import socket, sys
held = [socket.create_connection((sys.argv[1], int(sys.argv[2])), 3) for _ in range(300)]
print(*(s.getsockname()[1] for s in held))
END

for n in host world vm; do ip netns add "$id-$n"; ip -n "$id-$n" link set lo up; done
ip -n "$id-host" link add up0 type veth peer name up0 netns "$id-world"
for n in host world; do
	at=up0
	ip -n "$id-$n" link set up0 up
	if [ "$vlan" != 0 ]; then
		at=up0.$vlan
		ip -n "$id-$n" link add link up0 name "$at" type vlan id "$vlan"
		ip -n "$id-$n" link set "$at" up
	fi
done
ip -n "$id-host" address add 192.0.2.1/24 dev "$at"
ip -n "$id-host" route add default via 192.0.2.254
host sysctl -qw net.ipv4.ip_forward=1
ip -n "$id-world" address add 192.0.2.254/24 dev "$at"
ip -n "$id-world" address add 198.51.100.7/32 dev lo
ip -n "$id-world" route add 10.9.0.0/24 via 192.0.2.1
serve() { ip netns exec "$id-$1" python3 "$work/server.py" "$2" "$3" >"$work/server" 2>&1 & servers="${servers:-} $!"; }
serve host 192.0.2.1 22
serve host 192.0.2.1 65500
serve world 198.51.100.7 80
ask() { python3 "$work/ask.py" "$@"; }
export -f ask host world vm in_vm
export id work
wait_for host python3 "$work/ask.py" 192.0.2.1 65500
wait_for world python3 "$work/ask.py" 192.0.2.1 22
wait_for world python3 "$work/ask.py" 198.51.100.7 80
start
wait_for ip -n "$id-vm" link show eth0
for last in 11 12; do ip -n "$id-vm" address add "10.1.0.$last/24" dev eth0; done
ip -n "$id-vm" route add default via 10.1.0.1 src 10.1.0.11

report() {
	local lines=$(grep -c reported "$work/log")
	printf r >&3
	wait_for bash -c "[ \$(grep -c reported $work/log) -gt $lines ]"
}
mac=$(host cat "/sys/class/net/up0/address")
is_up() { report; grep -q "^port 40 state 1 mac $1" "$work/log"; }
check "the uplink is up, with the interface's MAC address" wait_for is_up "$mac"
host_works() {
	check "$1: the host answers ping" world ping -c 3 -i 0.1 -W 1 192.0.2.1
	check "$1: without duplicates" bash -c "! world ping -c 3 -i 0.1 -W 1 192.0.2.1 | grep DUP"
	check "$1: the host serves TCP" world python3 "$work/ask.py" 192.0.2.1 22
	check "$1: a megabyte there and back" world python3 "$work/ask.py" 192.0.2.1 22 1000000
	check "$1: the host reaches the world" host python3 "$work/ask.py" 198.51.100.7 80 1000000
	check "$1: a closed port of the host refuses" grep refused <(world python3 "$work/ask.py" 192.0.2.1 23 2>&1)
}
host_works "shared"
rules() { host /usr/sbin/nft list table inet "$table"; }
check "addresses that are Weft's are kept from the host" bash -c "ip netns exec $id-host /usr/sbin/nft list table inet $table | grep -q 192.0.2.10"
check "  also floating ones" grep -q 192.0.2.20 <(rules)
check "  and subnets that are routed natively" wait_for bash -c "ip netns exec $id-host /usr/sbin/nft list table inet $table | grep -q 10.9.0.0/24"
check "  not the host's own" bash -c "! ip netns exec $id-host /usr/sbin/nft list table inet $table | grep -q '192.0.2.1[ ,]*}'"
check "a packet for such a subnet is not sent back by the host" bash -c "! world ping -c 1 -W 1 10.9.0.5 | grep -qi -e redirect -e exceeded"

many_bound() { [ "$(host bash -c "ls /proc/$pid/fd | wc -l")" -gt 1000 ]; }
check "ports of the host's address are bound ahead" wait_for many_bound
check "and kept from the host" wait_for bash -c "ip netns exec $id-host /usr/sbin/nft list set inet $table u40_port4 | grep -q '192.0.2.1 . 65'"
check "but not the one that a socket of the host has" bash -c "ip netns exec $id-host /usr/sbin/nft list set inet $table u40_port4 | grep -q -e '-65499' && ! ip netns exec $id-host /usr/sbin/nft list set inet $table u40_port4 | grep -q -e '65500'"
check "  which still serves" world python3 "$work/ask.py" 192.0.2.1 65500
held=$(host /usr/sbin/nft list set inet "$table" u40_port4 | grep -o '192.0.2.1 \. [0-9]*-[0-9]*' | head -1 | sed 's/.* \([0-9]*\)-.*/\1/')
check "nobody of the host can bind what is held" bash -c "! ip netns exec $id-host python3 -c \"import socket; socket.create_server(('', $held))\" 2>$work/bind.err && grep -q 'in use' $work/bind.err"

ports() { for _ in $(seq 40); do vm python3 "$work/ask.py" 198.51.100.7 80; done; }
check "the VM reaches the world" wait_for vm python3 "$work/ask.py" 198.51.100.7 80
check "  a megabyte there and back" vm python3 "$work/ask.py" 198.51.100.7 80 1000000
check "  UDP" vm python3 "$work/ask.py" 198.51.100.7 80 udp
ports >"$work/ports" 2>&1
check "no connection of the VM gets a port of the host's sockets" bash -c "[ \$(grep -c '^192.0.2.1 ' $work/ports) = 40 ] && ! grep -q ' 65500$' $work/ports"
host python3 "$work/many.py" 198.51.100.7 80 | tr ' ' '\n' | sort >"$work/ephemeral"
check "ephemeral ports of the host are others" bash -c "[ \$(wc -l <$work/ephemeral) = 300 ] && ! sed 's/.* //' $work/ports | sort -u | grep -qxFf - $work/ephemeral"

coproc HOLD { vm python3 "$work/ask.py" 198.51.100.7 80 hold; }
hold_pid=$HOLD_PID
read -r -t 5 first <&"${HOLD[0]}"
alive() { echo >&"${HOLD[1]}"; local line; read -r -t "${1:-5}" line <&"${HOLD[0]}" && [ "$line" = alive ]; }
check "a connection of the VM lasts ($first)" alive
kill -9 "$pid"
wait "$pid" 2>/dev/null
exec 3>&-
check "the rules stay when the forwarder is killed" rules
host_works "forwarder dead"
start
check "after kill -9 the connection goes on" alive 10
check "  and new ones begin" wait_for vm python3 "$work/ask.py" 198.51.100.7 80
host_works "forwarder back"

host /usr/sbin/nft flush ruleset
check "rules that somebody flushes come back" wait_for bash -c "ip netns exec $id-host /usr/sbin/nft list table inet $table | grep -q 192.0.2.20"
ip -n "$id-host" address add 192.0.2.2/24 dev "$at"
check "a new address of the host is the host's" wait_for world ping -c 1 -W 1 192.0.2.2
ip -n "$id-host" address add 192.0.2.10/24 dev "$at"
check "an address that was Weft's and becomes the host's is not kept from it" wait_for bash -c "! ip netns exec $id-host /usr/sbin/nft list set inet $table u40_address4 | grep -q '192.0.2.10[ ,]'"
ip -n "$id-host" address del 192.0.2.10/24 dev "$at"
check "  and again when the host gives it up" wait_for bash -c "ip netns exec $id-host /usr/sbin/nft list set inet $table u40_address4 | grep -q '192.0.2.10[ ,]'"
if [ "$vlan" = 0 ]; then
	ip -n "$id-host" link set up0 address 02:00:00:00:77:77
	check "another MAC address of the interface is followed" wait_for is_up 02:00:00:00:77:77
	ip -n "$id-world" neighbor flush all
fi
cat "$work/log" >&2
printf c >&3
check "without rows the table goes" wait_for bash -c "! ip netns exec $id-host /usr/sbin/nft list table inet $table"
stop
start
check "the table is there again" wait_for rules
stop
check "and goes when the forwarder stops" bash -c "! ip netns exec $id-host /usr/sbin/nft list table inet $table"
host_works "forwarder stopped"
exit $failed
