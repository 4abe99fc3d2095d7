/*
 * The link thread: makes, finds and removes what ports are tied to (veth pairs, interfaces, VLANs of trunks, DPDK
 * devices), retries what is not there yet, and watches carriers. Slow things happen here and nowhere else; packets do
 * not wait for it.
 */
#ifndef FORWARDER_LINK_H
#define FORWARDER_LINK_H

#include <stdint.h>

struct port;

/**
 * Starts the thread. `tag` (1 to 4 letters or digits) becomes part of the names of our veth ends, "wf<tag>p<port id>",
 * so that several forwarders can share a host and a restarted one finds its own. 0 or -errno.
 */
int link_start(const char *tag);
/** Finishes the removals that are queued, then ends the thread. Links of live ports stay for the next start. */
void link_stop(void);
/** A port is new or its row changed. Never blocks. */
void link_queue(struct port *port);
/** Its row is gone and it is unpublished: the link thread takes it over and frees it. No call for this port may follow.
 */
void link_queue_gone(struct port *port);
/** A VM came or went: the link thread reports its port's state. Any thread, never blocks. */
void link_look(void);
/** Link thread: the attached port that an interface belongs to; 0: none. */
uint32_t link_user(uint32_t index);
/** Does in the caller's thread what is queued or due, when the link thread does not run: tests. */
void link_poll_once(void);
/** Waits until the queue was empty once, or timeout_seconds passed: all links that can be there are there. */
void link_settle(uint32_t timeout_seconds);

#endif
