/*
 * Flows that may have to go when the table is full, in the order in which they began: half open, or closed. A queue for
 * each packet thread, which alone puts there; any of them takes the oldest of all. Flows stand in it until they are
 * taken out, also those that are established or over meanwhile; whoever takes looks.
 *
 * Exact among the flows of one thread, and to a tick between threads, but for two kinds that the sweep puts there when
 * it finds them: flows taken over from another process, and those that opened and closed.
 *
 * Packet threads, inside a read section.
 */
#ifndef WEFT_FLOW_QUEUE_H
#define WEFT_FLOW_QUEUE_H

#include "flow_table.h"

/** For packet threads 1 … threads. 0 or -ENOMEM. */
int flow_queues_init(uint32_t capacity, uint32_t threads);
void flow_queues_fini(void);

/** Sets where a pair that is not in the table yet will stand: flow_queue_put follows, or nothing. */
void flow_queue_place(uint32_t thread, struct flow_pair *pair);
void flow_queue_put(uint32_t thread, uint32_t number);
/** A flow that stands nowhere. */
void flow_queue_again(uint32_t thread, struct flow_pair *pair, uint32_t number);
/** Takes the oldest flow that may go; it still has to be removed. FLOW_NONE: none was found among `tries`. */
uint32_t flow_queue_take(uint32_t tries);
/** Takes those out that stand at the head for nothing. */
void flow_queue_clean(uint32_t thread, uint32_t tries);

#endif
