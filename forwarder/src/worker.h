/*
 * The packet threads: each receives from the ports it owns, walks each packet through the stages, sends, and sleeps
 * when there is nothing to do. A port's owner is chosen when it is attached and stays; packets for ports of other
 * threads go by handover.h. The functions are for the thread that starts and stops the forwarder, unless they say
 * otherwise.
 */
#ifndef FORWARDER_WORKER_H
#define FORWARDER_WORKER_H

#include <stdbool.h>
#include <stdint.h>

struct port;

#define WORKER_BURST 32u
/** Private area of each mbuf, bytes: what a punt or injection carries along. */
#define WORKER_MBUF_PRIVATE 64u

/** Queues and rings of 1 … threads (≤ HANDOVER_THREADS), for `slots` ports; before worker_start or worker_poll_once. 0
 * or -errno. */
int worker_init(uint32_t slots, uint32_t threads);
/** After worker_stop. */
void worker_free(void);
/** Starts the packet threads, the first on a CPU and the others on those that follow (-1: wherever the scheduler
 * likes), all signals blocked. 0 or -errno. */
int worker_start(int cpu);
/** Ends them; returns when they are gone. */
void worker_stop(void);

/** The number of the packet thread that calls, 1 …; it is also its block of counters and its RCU reader. */
uint32_t worker_self(void);
/** Ends a thread's sleep early; one write at most per sleep. Any thread, after it put what is to be seen. */
void worker_wake(uint32_t thread);

/* Link thread. */
/** The thread with the fewest ports. */
uint8_t worker_choose(void);
/** A port got or lost its I/O: its owner watches or forgets it. */
void worker_watch(struct port *port);
void worker_unwatch(struct port *port);
/** Waits until no packet knows a slot that was unpublished before: not in a thread's hands, not in a ring. */
void worker_grace(void);

/** One round over all ports without sleeping, in the caller's thread, when no packet thread runs: tests, fuzzers,
 * benches. Returns packets. */
uint32_t worker_poll_once(void);

#endif
