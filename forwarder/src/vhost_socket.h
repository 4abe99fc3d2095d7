/*
 * The socket file of a vhost-user server: whether its place is free, and who may connect. Link thread.
 */
#ifndef FORWARDER_VHOST_SOCKET_H
#define FORWARDER_VHOST_SOCKET_H

#include <stddef.h>

/** Makes room for a socket at `path`: removes one that nobody listens on (a killed forwarder's). 0, or -errno and a
 * reason for people: -EADDRINUSE somebody listens there, -EEXIST it is no socket, others as the system says. */
int vhost_socket_clear(const char *path, char *reason, size_t size);

/** Whoever owns the folder may connect: the socket gets the folder's owner and group, and mode 0660. 0 or -errno. */
int vhost_socket_share(const char *path);

#endif
