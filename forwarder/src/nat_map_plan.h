/*
 * Which outside port a first packet would get: looks, changes nothing. With the subscriber's lock.
 */
#ifndef WEFT_NAT_MAP_PLAN_H
#define WEFT_NAT_MAP_PLAN_H

#include "nat_map_own.h"

/* What a first packet asks for. */
struct nat_ask {
	const struct nat_inside *inside;
	uint64_t words[3];
	uint32_t uplink, pool, tries, protocol;
	uint16_t slot;
};

/* What it gets. */
struct nat_plan {
	uint32_t place;
	/* An entry that is in use; NAT_NONE: a free port, in this block; NAT_UNITS: in a new one. */
	uint32_t number;
	uint32_t block, port;
	verdict_t verdict;
	bool shared;
};

/* The outside port that the endpoint has: false when it has none. bucket: where it is looked for, locked. */
bool nat_plan_known(const uint32_t *bucket, const struct nat_ask *ask, struct nat_plan *plan);
/* The subscriber's address of the pool, or one that it may get, in plan->place. NEXT or a drop. */
verdict_t nat_plan_place(const struct nat_home *home, const struct nat_ask *ask, struct nat_plan *plan);
/* The rest, of an endpoint that has none. */
void nat_plan_make(
        const struct nat_subscriber *s, const struct nat_home *home, const struct nat_ask *ask, struct nat_plan *plan);
/* A free port of the home's blocks, in plan->block and ->port; NAT_NONE: there is none. */
void nat_plan_port(
        const struct nat_subscriber *s, const struct nat_home *home, uint32_t protocol, struct nat_plan *plan);

#endif
