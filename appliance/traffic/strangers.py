#!/usr/bin/env python3
"""Random frames from every port of many tenants, through one VLAN trunk: does anything reach a stranger?

usage: strangers.py INTERFACE PORTS.json FRAMES SEED

PORTS.json: [{"tenant": "t1", "vlan": 101, "mac": "02:..", "ip": "10.1.0.11", "gateway": "10.1.0.1", "hostname": "t1-1"}, ...]
Sends FRAMES frames, each from a random port: UDP to a random address (by the gateway's MAC, a random port's MAC, broadcast or a made-up MAC),
ARP, DHCP DISCOVER, DNS queries for everybody's names, plain junk. Every frame carries its tenant's name. Prints one JSON object:
  sent, received   frames
  leaks            frames (or names, or leases) that reached another tenant; each described in "examples"
  delivered        frames that reached a port of the same tenant
  offers, answers  DHCP offers and DNS answers with an address, all of them checked
"""
import json
import random
import select
import socket
import struct
import sys
import time

ETH_P_ALL, SOL_PACKET, PACKET_AUXDATA, PACKET_IGNORE_OUTGOING = 3, 263, 8, 23
GATEWAY_MAC = bytes.fromhex("00005e000100")
MARK = b"weft-tenant="


def mac(text):
    return bytes.fromhex(text.replace(":", ""))


def checksum(data):
    if len(data) % 2:
        data += b"\0"
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def ipv4(source, target, payload, protocol=17):
    head = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(payload), random.getrandbits(16), 0, 64, protocol, 0,
                       socket.inet_aton(source), socket.inet_aton(target))
    return head[:10] + struct.pack("!H", checksum(head)) + head[12:] + payload


def udp(source_port, target_port, payload):
    return struct.pack("!HHHH", source_port, target_port, 8 + len(payload), 0) + payload


def discover(port, xid):
    head = struct.pack("!BBBBIHH", 1, 1, 6, 0, xid, 0, 0x8000) + bytes(16) + mac(port["mac"]) + bytes(10 + 192)
    return head + b"\x63\x82\x53\x63" + b"\x35\x01\x01" + b"\x37\x03\x01\x03\x0c" + b"\xff"


def query(name, ident):
    labels = b"".join(bytes([len(part)]) + part.encode() for part in name.split(".") if part)
    return struct.pack("!HHHHHH", ident, 0x0100, 1, 0, 0, 0) + labels + b"\0" + struct.pack("!HH", 1, 1)


class Strangers:
    def __init__(self, ports):
        self.ports = ports
        self.by_vlan = {port["vlan"]: port for port in ports}
        self.tenants = sorted({port["tenant"] for port in ports})
        self.counts = dict(sent=0, received=0, delivered=0, leaks=0, offers=0, answers=0)
        self.examples = []

    def frame(self):
        """One random frame: (port, bytes without tag)."""
        port = random.choice(self.ports)
        other = random.choice(self.ports)
        mark = MARK + port["tenant"].encode() + b";"
        kind = random.random()
        source = mac(port["mac"])
        if kind < 0.05:
            return port, b"\xff" * 6 + source + b"\x08\x00" + ipv4("0.0.0.0", "255.255.255.255", udp(68, 67, discover(port, random.getrandbits(32))))
        if kind < 0.15:
            packet = ipv4(port["ip"], port["gateway"], udp(random.randint(1024, 65535), 53, query(other["hostname"], random.getrandbits(16))))
            return port, GATEWAY_MAC + source + b"\x08\x00" + packet
        if kind < 0.20:
            arp = struct.pack("!HHBBH6s4s6s4s", 1, 0x0800, 6, 4, 1, source, socket.inet_aton(port["ip"]), bytes(6), socket.inet_aton(other["ip"]))
            return port, b"\xff" * 6 + source + b"\x08\x06" + arp + mark
        if kind < 0.25:
            return port, random.choice([b"\xff" * 6, mac(other["mac"]), bytes(random.getrandbits(8) & 0xFE for _ in range(6))]) + source + \
                struct.pack("!H", random.choice([0x0800, 0x86DD, 0x88CC, 0x1234])) + bytes(random.getrandbits(8) for _ in range(random.randint(0, 60))) + mark
        target = random.choice([GATEWAY_MAC, mac(other["mac"]), b"\xff" * 6, b"\x01\x00\x5e\x00\x00\xfb", bytes([2, *(random.getrandbits(8) for _ in range(5))])])
        address = random.choice([other["ip"], other["ip"], "10.1.0.%d" % random.randint(0, 255), "%d.%d.%d.%d" % tuple(random.getrandbits(8) for _ in range(4))])
        body = ipv4(port["ip"], address, udp(random.randint(1, 65535), random.randint(1, 65535), mark + bytes(random.randint(0, 100))))
        return port, target + source + b"\x08\x00" + body

    def leak(self, text):
        self.counts["leaks"] += 1
        if len(self.examples) < 10:
            self.examples.append(text)

    def check(self, vlan, data):
        self.counts["received"] += 1
        port = self.by_vlan.get(vlan)
        if port is None:
            self.leak("frame on unknown VLAN %s: %s" % (vlan, data[:40].hex()))
            return
        at = data.find(MARK)
        if at >= 0:
            tenant = data[at + len(MARK):data.find(b";", at)].decode(errors="replace")
            if tenant == port["tenant"]:
                self.counts["delivered"] += 1
            else:
                self.leak("frame of %s reached %s" % (tenant, port["hostname"]))
        elif data[12:14] == b"\x08\x00" and len(data) >= 42 and data[23] == 17:
            self.check_service(port, data[34:36], data[42:])

    def check_service(self, port, source_port, body):
        if source_port == b"\x00\x43" and b"\x63\x82\x53\x63" in body:
            self.counts["offers"] += 1
            if body[16:20] != socket.inet_aton(port["ip"]) or port["hostname"].encode() not in body[240:]:
                self.leak("lease of a stranger at %s: %s" % (port["hostname"], body[:20].hex()))
        elif source_port == b"\x00\x35" and len(body) > 12:
            answers = struct.unpack("!H", body[6:8])[0]
            name = body[13:13 + body[12]].decode(errors="replace")
            self.counts["answers"] += 1 if answers else 0
            owner = next((p["tenant"] for p in self.ports if p["hostname"] == name), None)
            if answers and owner != port["tenant"]:
                self.leak("%s resolved %s of %s" % (port["hostname"], name, owner))


def drain(sock, strangers, wait):
    while select.select([sock], [], [], wait)[0]:
        data, control, _, _ = sock.recvmsg(2048, 256)
        vlan = None
        for level, kind, value in control:
            if level == SOL_PACKET and kind == PACKET_AUXDATA:
                status, _, _, _, _, tci, _ = struct.unpack("IIIHHHH", value[:20])
                if status & 0x10:
                    vlan = tci & 0xFFF
        if vlan is None and data[12:14] == b"\x81\x00":
            vlan = struct.unpack("!H", data[14:16])[0] & 0xFFF
            data = data[:12] + data[16:]
        strangers.check(vlan, data)


def main():
    interface, ports_file, frames, seed = sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])
    random.seed(seed)
    with open(ports_file) as file:
        strangers = Strangers(json.load(file))
    sock = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    sock.setsockopt(SOL_PACKET, PACKET_AUXDATA, 1)
    sock.setsockopt(SOL_PACKET, PACKET_IGNORE_OUTGOING, 1)
    sock.setsockopt(socket.SOL_SOCKET, 33, 32 << 20)  # SO_RCVBUFFORCE
    sock.bind((interface, 0))
    for number in range(frames):
        port, data = strangers.frame()
        sock.send(data[:12] + struct.pack("!HH", 0x8100, port["vlan"]) + data[12:])
        strangers.counts["sent"] += 1
        if number % 16 == 15:
            drain(sock, strangers, 0)
            time.sleep(0.001)
    drain(sock, strangers, 2)
    print(json.dumps({**strangers.counts, "examples": strangers.examples}))


if __name__ == "__main__":
    main()
