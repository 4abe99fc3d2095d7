/*
 * The neighbours behind uplinks that fwd-learn watches, and their rows uplink_neighbor. Which are asked when:
 * uplink_watch.c. fwd-learn alone, without the writer lock.
 */
#ifndef WEFT_UPLINK_NEIGHBORS_H
#define WEFT_UPLINK_NEIGHBORS_H

#include <stdbool.h>
#include <stdint.h>

struct uplink_neighbor {
	struct uplink_neighbor *next;
	uint32_t uplink, generation;
	uint8_t family;
	uint8_t address[16];
	/** Zero: not known. */
	uint8_t mac[6];
	/** A row gateway names it. */
	bool gateway;
	/** For uplink_watch.c: the gateway rows have it still. */
	bool seen;
	/** A row of it is there; the row says that it is silent. */
	bool written, silent;
	/** That row counts in uplink_unheard. */
	bool unheard;
	/** It was asked and has not answered since; how often. */
	bool asked;
	uint8_t misses;
	/** When something is to be done. */
	uint64_t due_ms;
	/** When somebody gave it another MAC address unasked; 0: nobody has. */
	uint64_t claimed_ms;
	/** When it was used last, as far as is known. */
	uint64_t used_ms;
};

/** Takes over the rows of an earlier forwarder. 0 or -ENOMEM. */
int uplink_neighbors_start(void);
void uplink_neighbors_stop(void);

/** NULL: it is not watched. */
struct uplink_neighbor *uplink_neighbor_find(uint32_t uplink, uint8_t family, const uint8_t *address);
/** One that is not there yet; NULL: no memory. */
struct uplink_neighbor *uplink_neighbor_add(
        uint32_t uplink, uint32_t generation, uint8_t family, const uint8_t *address);
/** It goes, and its row. */
void uplink_neighbor_remove(struct uplink_neighbor *neighbor);
/** Makes the row what the neighbour is now. False: there is no room for it. */
bool uplink_neighbor_write(struct uplink_neighbor *neighbor, bool silent);
bool uplink_neighbor_known(const struct uplink_neighbor *neighbor);
/** Notes whether its row was used since the last time. */
void uplink_neighbor_note_use(struct uplink_neighbor *neighbor, uint64_t now_ms);
/** Calls visit for each; it may remove the one that it gets. */
void uplink_neighbors_each(void (*visit)(struct uplink_neighbor *neighbor, void *context), void *context);

#endif
