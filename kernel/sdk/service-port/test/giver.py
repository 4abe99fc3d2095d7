# Gives sockets as the forwarder does: a ticket "tcp PORT" or "udp ADDRESS PORT" at a UNIX socket is answered with a descriptor.
import array, os, socket, sys

listener = socket.socket(socket.AF_UNIX)
listener.bind(sys.argv[1])
listener.listen()
print('ready', flush=True)


def opened(kind, *rest):
    if kind == 'tcp':
        return socket.create_server(('::', int(rest[0])), family=socket.AF_INET6, dualstack_ipv6=True)
    family, _, _, _, address = socket.getaddrinfo(rest[0], rest[1], type=socket.SOCK_DGRAM)[0]
    s = socket.socket(family, socket.SOCK_DGRAM)
    s.bind(address)
    return s


while True:
    connection = listener.accept()[0]
    ticket = connection.recv(64).decode().split()
    if ticket[0] in ('tcp', 'udp'):
        with opened(*ticket) as s:
            connection.sendmsg([b'1'], [(socket.SOL_SOCKET, socket.SCM_RIGHTS, array.array('i', [s.fileno()]))])
    connection.close()
