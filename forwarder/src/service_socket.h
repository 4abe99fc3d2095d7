/*
 * Sockets for plugins, in the namespaces of their service ports (service_port.h): opened here, where the rights are,
 * and handed over as descriptors. The link thread says which namespace is whose; the rest is for any thread, which is
 * in another namespace while it opens a socket.
 */
#ifndef FORWARDER_SERVICE_SOCKET_H
#define FORWARDER_SERVICE_SOCKET_H

#include <stdint.h>

struct fwd_port_row;

struct service_socket_wish {
	uint32_t owner;
	/** TCP listens on all addresses of both families; UDP is bound to one. */
	uint8_t protocol;
	/** Of address: 4 or 6. */
	uint8_t family;
	uint16_t l4_port;
	/** Network order, IPv4 in the first 4 bytes. */
	uint8_t address[16];
};

/** The service port of a row leads into this namespace, which is held from now on, whatever becomes of its name. */
void service_socket_hold(const struct fwd_port_row *row, int netns);
/** The service port is gone. */
void service_socket_release(const struct fwd_port_row *row);
void service_socket_release_all(void);

/** A descriptor; -ENOENT when the plugin has no service port (yet), -EADDRINUSE, other -errno. */
int service_socket_open(const struct service_socket_wish *wish);
/** Number of the namespace of a plugin's service port, unique among those that exist; 0: it has none (yet). */
uint64_t service_socket_namespace(uint32_t owner);
/** Sends a descriptor over a UNIX socket, with one byte. 0 or -errno. */
int service_socket_hand(int connection, int descriptor);

#endif
