/*
 * The packet thread: receives from all ports, walks each packet through the stages, sends, and sleeps when there is
 * nothing to do. The functions are for the thread that starts and stops the forwarder, but worker_wake (any thread) and
 * worker_watch (link thread).
 */
#ifndef FORWARDER_WORKER_H
#define FORWARDER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

struct port;

#define WORKER_BURST 32u
/** Private area of each mbuf, bytes: what a punt or injection carries along. */
#define WORKER_MBUF_PRIVATE 64u

/** Counter blocks and queues for `slots` ports; before worker_start or worker_poll_once. 0 or -errno. */
int worker_init(uint32_t slots);
/** After worker_stop. */
void worker_free(void);
/** Starts the packet thread on a CPU (-1: wherever the scheduler likes), all signals blocked. 0 or -errno. */
int worker_start(int cpu);
/** Ends it; returns when it is gone. */
void worker_stop(void);
/** Ends a sleep early; one write at most per sleep. */
void worker_wake(void);
/** A port got or lost its I/O (link thread): watch or forget its descriptor. */
void worker_watch(struct port *port);
void worker_unwatch(struct port *port);

/** One round over all ports without sleeping, in the caller's thread, when no packet thread runs: tests, fuzzers,
 * benches. Returns packets. */
uint32_t worker_poll_once(void);

#endif
