/*
 * Network namespaces by name (below /run/netns) or path, and what must be done inside one. Setns changes the calling
 * thread: the link thread, and for the time of one call who opens a socket (service_socket.h).
 */
#ifndef FORWARDER_NETNS_H
#define FORWARDER_NETNS_H

#include <stdbool.h>

/** Remembers the calling thread's own namespace. 0 or -errno. */
int netns_init(void);
void netns_free(void);
/** Descriptor of a namespace; -ENOENT when there is none (yet), other -errno. A name may not hold "..". */
int netns_open(const char *name);
/** Moves the calling thread in; -errno and no change on failure. */
int netns_enter(int fd);
/** Back to the thread's own namespace. Cannot fail but by a bug: then it aborts, for requests would hit a VM's
 * namespace. */
void netns_leave(void);

/**
 * In the namespace the thread is in: turns off those offloads of an interface that a packet socket cannot tell of
 * (segmentation of tunnels and SCTP; UDP's before Linux 6.2): its kernel does that work itself then. Checksums and
 * segmentation of TCP and UDP stay. 0 or -errno.
 */
int netns_offloads_limit(const char *interface);
/**
 * In the thread's namespace: makes the kernel's own IP stack deaf on our end of a link (no IPv6, no ARP answers, strict
 * reverse path), so that a VM cannot talk to the host through it. Best effort: /proc/sys may be read-only in a
 * container.
 */
void netns_stack_off(const char *interface);
/**
 * In the namespace the thread is in: makes the kernel's IP stack there take packets from and to any address on an
 * interface, let servers bind to any address and L4 port, and say nothing of its own (no addresses, no router
 * solicitations). Best effort.
 */
void netns_stack_any(const char *interface);

#endif
