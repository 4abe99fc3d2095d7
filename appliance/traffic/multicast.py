"""One datagram to a group, or the first one that comes to it.

multicast.py send GROUP PORT INTERFACE TEXT
multicast.py recv GROUP PORT INTERFACE SECONDS   prints the text, or nothing when the time is over
"""

import socket
import struct
import sys

mode, group, port, interface, last = sys.argv[1:6]
family = socket.AF_INET6 if ":" in group else socket.AF_INET
index = socket.if_nametoindex(interface)
sock = socket.socket(family, socket.SOCK_DGRAM)

if mode == "send":
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_IF, index)
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_MULTICAST_HOPS, 255)
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_IF, struct.pack("4s4si", b"\0" * 4, b"\0" * 4, index))
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_MULTICAST_TTL, 255)
    sock.sendto(last.encode(), (group, int(port)))
else:
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind((group, int(port), 0, index) if family == socket.AF_INET6 else (group, int(port)))
    address = socket.inet_pton(family, group)
    if family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_JOIN_GROUP, address + struct.pack("@I", index))
    else:
        sock.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, address + b"\0" * 4 + struct.pack("@i", index))
    print("listening", flush=True)
    sock.settimeout(float(last))
    try:
        print(sock.recv(2048).decode(), flush=True)
    except TimeoutError:
        pass
