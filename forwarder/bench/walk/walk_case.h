/*
 * What the walk of a packet is measured with: tables, frames and what must become of them, as data. Ports are in
 * memory: frames come from templates, and what leaves is counted. One case a process: tables only grow.
 */
#ifndef WALK_CASE_H
#define WALK_CASE_H

#include <stdbool.h>
#include <stdint.h>

#include "drop.h"
#include "port.h"
#include "tx.h"

#define WALK_BURST 32u
#define WALK_SIZES 4u

struct walk_case {
	/** In options and files: l3; for people: L3, IPv4. */
	const char *name, *title;
	/** How many destinations, each with a row of its own, and visited far from one after the other; ascending, 0:
	 * no more. */
	uint32_t sizes[WALK_SIZES];
	/** Where frames enter; whose I/O takes what leaves (0: no more). Ports of tenants.h, or of `rows`. */
	uint32_t entry, exits[9];
	/** Frames that leave for each that enters; when 0, what each is dropped as. */
	uint8_t copies;
	enum drop_reason drop;
	/** Pairs of flows that fit into their table; 0: the rig's few. */
	uint32_t flows;
	/** Rows beside those of tenants.h; NULL: none. */
	void (*rows)(void);
	/** Adds the row of one destination; NULL: there are none. */
	void (*destination)(uint32_t number);
	/** Makes the template of a flow (1,600 bytes of room), returns the frame's length. */
	uint32_t (*frame)(uint8_t *frame, uint32_t flow);
	/** Points a frame to a destination; NULL: the template does. */
	void (*aim)(uint8_t *frame, uint32_t number);
};

extern const struct walk_case walk_cases[];
extern const uint32_t walk_case_count;
/** NULL: there is no case of that name. */
const struct walk_case *walk_case_named(const char *name);

/** Starts a rig with the tenants and the rows of a case. What leaves through its exits goes to `sink`, which ends the
 * mbufs and returns n. Once per process. */
void walk_start(const struct walk_case *which, int (*sink)(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n));
/** Rows for `count` destinations, no fewer than before; the next frame goes to the first. */
void walk_grow(uint32_t count);
/** The next frames, n ≤ WALK_BURST; aborts when mbufs are missing, which is a leak. */
void walk_make(struct rte_mbuf **mbufs, uint16_t n);
/** Sends them to what takes frames at the exits. */
void walk_leave(struct rte_mbuf **mbufs, uint16_t n);
/** What is measured: frames that entered go all the way. */
void walk_through(struct rte_mbuf **mbufs, uint16_t n);
/** Frames of this case that were dropped as they should be. */
uint64_t walk_dropped(void);

#endif
