/* TCP connections from network namespaces: one thread goes in and out, its sockets stay where they were made. */
#ifndef CONNECT_H
#define CONNECT_H

#include <netinet/in.h>
#include <stdbool.h>

struct target {
	struct sockaddr_storage address;
	socklen_t length;
	/* As in a Host field. */
	char name[64];
};

/* Reads an IPv4 or IPv6 address and a port. False: says why on standard error. */
bool connect_target(struct target *target, const char *address, const char *port);
/* A descriptor of the namespace with this name (ip netns), or -1: says why. */
int connect_namespace(const char *name);
/* Begins a connection from a namespace, nonblocking; link-local addresses are those of its interface eth0. A
 * descriptor, or -1 and errno. */
int connect_from(int netns, const struct target *target);

#endif
