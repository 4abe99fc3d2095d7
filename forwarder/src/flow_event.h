/*
 * What is told of flows as it happens: a ring for each packet thread, emptied by fwd_flow_events. What finds no room,
 * and denials above their rate, are lost and counted. flow_event_*: packet threads, each with its number; the rest: any
 * thread, one at a time.
 */
#ifndef WEFT_FLOW_EVENT_H
#define WEFT_FLOW_EVENT_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarder.h"

/** Denials of packets that entered through one port that are told, per second, and at once. */
#define FLOW_DENIED_RATE  10u
#define FLOW_DENIED_BURST 50u

int flow_event_init(void);
void flow_event_fini(void);

/** Somebody follows: flows that begin and end are told of, or lost. One load. */
bool flow_event_wanted(void);
/** FWD_FLOW_EVENT_BEGAN or ENDED of a pair, for flow_event_wanted. */
void flow_event_pair(uint32_t thread, uint32_t pair, uint8_t event);
/** Whether a denial of a packet that entered through a port is to be told: then flow_event_denied must follow. Others,
 * above the rate, count as lost. */
bool flow_event_denial(uint32_t thread, uint16_t slot);
/** A packet was denied: `flow` is filled but for time and event. */
void flow_event_denied(uint32_t thread, struct fwd_flow *flow);
/** For who follows and has not read for 10 s nothing is kept any more: all is lost, until it reads. */
void flow_event_tick(uint32_t now);

/** See fwd_flow_events. Returns the number of bytes. */
int32_t flow_events_read(bool follow, void *out, uint32_t length);
/** Events that found no room or were too many, since the start. */
uint64_t flow_events_lost(void);

#endif
