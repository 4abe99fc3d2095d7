/*
 * What packet threads and fwd-learn tell each other about neighbours behind uplinks. uplink.c, uplink_hold.c and
 * uplink_watch.c alone.
 */
#ifndef WEFT_UPLINK_OWN_H
#define WEFT_UPLINK_OWN_H

#include <stdbool.h>
#include <stdint.h>

#include "uplink.h"

/* An event that is not heard: a packet waits. */
#define UPLINK_WANTED 255u

struct uplink_event {
	uint32_t uplink, generation;
	uint8_t family;
	/** enum uplink_word, or UPLINK_WANTED. */
	uint8_t word;
	uint8_t mac[6];
	/** 16 bytes as in rows. */
	uint8_t address[16];
};

/** Packet thread: puts an event in its ring. False: it is full. */
bool uplink_tell(const struct uplink_event *event);

/** fwd-learn: an address is asked for that no row is of: its answer is let through. */
void uplink_expect(uint32_t uplink, uint8_t family, const uint8_t *address);
/** fwd-learn: whether uplink_find was asked for the row in a place, since this was asked last. */
bool uplink_was_used(uint32_t place);

/* uplink_hold.c */
int uplink_hold_start(uint32_t slots, uint32_t threads);
void uplink_hold_stop(void);
/** fwd-learn: rows came: those who wait look again. */
void uplink_hold_wake(void);

/* uplink_watch.c: fwd-learn. */
int uplink_watch_start(void);
void uplink_watch_stop(void);
void uplink_watch_event(const struct uplink_event *event, uint64_t now_ms);
void uplink_watch_poll(uint64_t now_ms);

#endif
