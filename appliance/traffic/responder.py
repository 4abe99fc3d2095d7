"""Something to talk to, and somebody who keeps talking.

responder.py serve TCP,TCP,… UDP,UDP,…    answers on these ports, both families, until it is stopped; says "serving"
responder.py talk tcp|udp|push ADDRESS PORT SECONDS
    one short message every 20 ms; prints the time of each that comes back, in milliseconds since 1970.
    push: over TCP, and the other side alone sends

A server sends back what it gets. A web client is answered as such, and who sends PUSH is sent a line every 20 ms.
"""

import select
import socket
import sys
import threading
import time

interval = 0.02


def push(connection):
    while True:
        connection.sendall(b"pushed\n")
        time.sleep(interval)


def converse(connection):
    try:
        while data := connection.recv(4096):
            if data.startswith(b"GET "):
                connection.sendall(b"HTTP/1.0 200 OK\r\nContent-Length: 6\r\n\r\nserved")
                break
            if data.startswith(b"PUSH"):
                push(connection)
            connection.sendall(data)
    except OSError:
        pass
    finally:
        connection.close()


def listen(kind, port):
    sock = socket.socket(socket.AF_INET6, kind)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
    sock.bind(("::", port))
    if kind == socket.SOCK_STREAM:
        sock.listen(128)
    return sock


def serve(tcp, udp):
    streams = [listen(socket.SOCK_STREAM, port) for port in tcp]
    datagrams = [listen(socket.SOCK_DGRAM, port) for port in udp]
    print("serving", flush=True)
    while True:
        for sock in select.select(streams + datagrams, [], [])[0]:
            if sock in datagrams:
                data, peer = sock.recvfrom(4096)
                sock.sendto(data, peer)
            else:
                threading.Thread(target=converse, args=(sock.accept()[0],), daemon=True).start()


def talk(how, address, port, seconds):
    kind = socket.SOCK_DGRAM if how == "udp" else socket.SOCK_STREAM
    sock = socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, kind)
    sock.settimeout(5)
    sock.connect((address, port))
    if how == "push":
        sock.sendall(b"PUSH\n")
    sock.setblocking(False)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        try:
            if how != "push":
                sock.send(b"talk\n")
            if select.select([sock], [], [], interval)[0] and sock.recv(65536):
                print(round(time.time() * 1000), flush=True)
        except OSError:
            pass
        time.sleep(interval)


if sys.argv[1] == "serve":
    serve(*([int(port) for port in ports.split(",")] for ports in sys.argv[2:4]))
else:
    talk(sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5]))
