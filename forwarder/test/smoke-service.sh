#!/bin/bash
# VMs that talk to servers behind a service port, through the real packet thread. Needs root. smoke-service.sh DRIVER
set -u
driver=$1
id=wt-s$$
trunk=ws$$t
tap=ws$$p
work=$(mktemp -d)
failed=0
. "$(dirname "$0")/smoke-checks.sh"

start() {
	rm -f "$work/control"
	mkfifo "$work/control"
	"$driver" "$work/state" "$id-1" "$id-2" "$id-3" "$trunk" "$tap" 1500 "$id-5" <"$work/control" >"$work/log" 2>&1 &
	pid=$!
	exec 3>"$work/control"
	wait_for grep -q ready "$work/log" || { cat "$work/log"; exit 1; }
}
cleanup() {
	exec 3>&-
	wait "${pid:-}" 2>/dev/null
	kill ${server:-} 2>/dev/null
	ip link del "$trunk" 2>/dev/null
	for n in 1 2 3 5; do ip netns del "$id-$n" 2>/dev/null; done
	rm -rf "$work"
}
trap cleanup EXIT

# Says who asks (TCP: and whom), and fills up to as many bytes as it is asked for: TCP 80 (100 more), UDP 123.
cat >"$work/server.py" <<'END'
import socket, threading
tcp = socket.create_server(('::', 80), family=socket.AF_INET6, dualstack_ipv6=True)
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind(('169.254.169.254', 123))
def datagrams():
    while True:
        data, peer = udp.recvfrom(65535)
        udp.sendto(peer[0].encode().ljust(int(data), b'.'), peer)
def serve(s, peer):
    while True:
        count = s.recv(64)
        if not count: return
        s.sendall((peer[0] + ' ' + s.getsockname()[0]).encode().ljust(100) + b'x' * int(count))
threading.Thread(target=datagrams, daemon=True).start()
while True:
    threading.Thread(target=serve, args=tcp.accept(), daemon=True).start()
END
cat >"$work/ask.py" <<'END'
import socket, sys
s = socket.create_connection((sys.argv[1], 80), 3)
for count in map(int, sys.argv[2:] or [0]):
    s.sendall(str(count).encode())
    got = b''
    while len(got) < 100 + count: got += s.recv(65536)
    if sys.stdin.readable() and count == 1: sys.stdout.write('half\n'); sys.stdout.flush(); sys.stdin.readline()
print(got[:100].decode())
END
cat >"$work/udp.py" <<'END'
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.settimeout(3)
s.connect(('169.254.169.254', 123))
s.send(sys.argv[1].encode())
print(s.recv(65535).decode().rstrip('.'))
END

for n in 1 2 3 5; do ip netns add "$id-$n"; done
ip link add "$trunk" type veth peer name "$trunk-o"
start
for n in 1 3; do
	second=$((n == 1 ? 1 : 2))
	wait_for ip -n "$id-$n" link show eth0
	ip -n "$id-$n" address add "10.$second.0.11/24" dev eth0
	ip -n "$id-$n" route add default via "10.$second.0.1"
	ip -n "$id-$n" neighbor add fe80::a9fe:a9fe lladdr 00:00:5e:00:01:00 dev eth0
done
wait_for ip -n "$id-5" link show service0
check "the server's addresses" wait_for ip -n "$id-5" route show table local 240.0.0.0/5
ip netns exec "$id-5" python3 "$work/server.py" &
server=$!
wait_for in_vm 1 python3 "$work/ask.py" 169.254.169.254
ask() { in_vm "$1" python3 "$work/ask.py" "${@:2}"; }
metadata6=fe80::a9fe:a9fe%eth0
check "TCP, IPv4" ask 1 169.254.169.254
read -r first asked < <(ask 1 169.254.169.254)
read -r again _ < <(ask 1 169.254.169.254)
read -r other _ < <(ask 3 169.254.169.254)
check "  the server sees the address that was asked for" [ "$asked" = ::ffff:169.254.169.254 ]
check "  a second connection has the same identity" [ "$again" = "$first" ]
check "  another VM has another" [ "$other" != "$first" ]
check "TCP from a link-local address, IPv6" wait_for ask 1 "$metadata6"
check "  the server sees an identity" grep -q '^100::' <(ask 1 "$metadata6")
check "10 MB, IPv4" ask 1 169.254.169.254 10000000
check "10 MB, IPv6" ask 1 "$metadata6" 10000000
check "UDP has the same identity" [ "::ffff:$(in_vm 1 python3 "$work/udp.py" 10)" = "$first" ]
check "UDP, a long answer in fragments" in_vm 1 python3 "$work/udp.py" 4000

mkfifo "$work/go"
ip netns exec "$id-1" python3 "$work/ask.py" 169.254.169.254 1 1000 <"$work/go" >"$work/long" 2>&1 &
asker=$!
exec 4>"$work/go"
wait_for grep -q half "$work/long"
kill -9 "$pid"
wait "$pid" 2>/dev/null
exec 3>&-
start
echo >&4
exec 4>&-
check "a connection outlives the forwarder's kill -9" wait $asker
kill "$server"
wait "$server" 2>/dev/null
server=
check "without a server a connection is refused" grep refused <(ask 1 169.254.169.254 2>&1)
check "  and who sends a datagram is told" grep refused <(in_vm 1 python3 "$work/udp.py" 10 2>&1)
printf r >&3
sleep 0.3
check "ledgers hold" bash -c "grep -q 'ledger holds' $work/log && ! grep BROKEN $work/log"
grep dropped "$work/log" | grep -v ledger
printf c >&3
check "the link goes with its row" wait_for bash -c "! ip -n $id-5 link show service0"
exit $failed
