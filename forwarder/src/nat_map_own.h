/*
 * What the files behind nat_map.h share.
 *
 * In the file, at `nat_file`: a header with the events and the addresses ("places"), then for each place its units and
 * its entries, by protocol and port. An entry is written by whoever holds the lock of the subscriber that has its unit;
 * `use` is atomic and tells whether the rest holds; it alone is changed by everybody. Everything else here lies in
 * memory of this process and is made anew at the start.
 *
 * A subscriber is the port of a VM, by its slot. Locks, in this order: subscriber, bucket of endpoints, place, events.
 */
#ifndef WEFT_NAT_MAP_OWN_H
#define WEFT_NAT_MAP_OWN_H

#include <rte_pause.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "nat_map.h"

#define NAT_PLACES    1024u
#define NAT_PORTS     65536u
#define NAT_UNITS     (NAT_PORTS / NAT_UNIT)
#define NAT_PROTOCOLS 3u
#define NAT_EVENTS    8192u
#define NAT_NONE      0xffffffffu

/* In the file. */

/* An outside port of one protocol. */
struct nat_entry {
	/* Address; port (network order) << 32 | generation of the inside port. Read and written word by word. */
	uint64_t inside[3];
	/* NAT_REFS flows use it; none, and NAT_USED: nobody else gets it before the tick NAT_UNTIL. */
	uint64_t use;
};
_Static_assert(sizeof(struct nat_entry) == 32, "nat_entry");

#define NAT_REFS        0xffffffull
#define NAT_UNTIL_SHIFT 24
#define NAT_UNTIL       (NAT_REFS << NAT_UNTIL_SHIFT)
#define NAT_USED        (1ull << 48)
/* It is not what its endpoint gets for further remotes. */
#define NAT_ALONE (1ull << 49)
/* Flows of other endpoints of the same inside port use it, too. */
#define NAT_SHARED (1ull << 50)
/* Changes when it is given to an endpoint: in the bits above. */
#define NAT_TURN (1ull << 51)

/* 64 outside ports, of all protocols; of a block, which is some of them in a row. */
struct nat_unit {
	/* Generation of the inside port that has it; 0: nobody. */
	uint32_t owner;
	uint32_t inside_port;
	/* CLOCK_REALTIME, ns. */
	uint64_t since;
	/* Ports that were not given out: bit i is the unit's port i. */
	uint64_t barred;
	uint32_t uplink;
	/* The block's first unit, and how many it has: a power of two. */
	uint16_t first, count;
};
_Static_assert(sizeof(struct nat_unit) == 32, "nat_unit");

struct nat_place {
	uint8_t address[16];
	/* 4 or 6; 0: unused. */
	uint8_t family;
	uint8_t pad[15];
};

struct nat_header {
	uint64_t magic;
	uint32_t version, pad;
	/* Of the event that comes next. */
	uint64_t sequence;
	uint8_t pad1[40];
	struct nat_place places[NAT_PLACES];
	struct fwd_nat_event events[NAT_EVENTS];
};

struct nat_ports {
	struct nat_unit units[NAT_UNITS];
	struct nat_entry entries[NAT_PROTOCOLS][NAT_PORTS];
};

extern struct nat_header *nat_file;
extern struct nat_ports *nat_ports;

/* In this process. */

struct nat_unit_state {
	/* Bit per port: its entry has NAT_USED, or it is barred. Under the subscriber's lock. */
	uint64_t used[NAT_PROTOCOLS];
	/* Its last flow has ended: to be looked at. */
	uint64_t waiting[NAT_PROTOCOLS];
	/* Ports that sockets of the host have; whether the unit may be given out. By the link thread, under the place's
	 * lock. */
	uint64_t host_used;
	bool host_ready;
	/* Of the block, in its first unit: ports that are free, and the next block of its subscriber. */
	bool linked;
	uint16_t free[NAT_PROTOCOLS];
	uint16_t next;
	/* Subscriber; 0: its port is gone. */
	uint16_t slot;
};

struct nat_place_state {
	/* NULL: what is in use is used up, nothing new is given out. Its version changes with it. */
	const struct fwd_nat_address_row *row;
	uint32_t version;
	uint32_t lock;
	/* Where the search for a free block goes on. */
	uint32_t cursor;
	/* No block was found; nothing was released since. */
	bool full;
	uint64_t exhausted;
	struct nat_unit_state units[NAT_UNITS];
	/* The next entry of the same bucket of endpoints, plus 1. */
	uint32_t links[NAT_PROTOCOLS * NAT_PORTS];
};

/* The address and blocks of a subscriber, of one IP version. */
struct nat_home {
	/* NAT_NONE: none yet. */
	uint32_t place;
	/* Of the place's row when its blocks were last compared with it. */
	uint32_t version;
	/* First units of its first block, and of the one that gives ports now; NAT_UNITS: none. */
	uint16_t first, current;
	uint32_t blocks;
	uint32_t free[NAT_PROTOCOLS];
};

struct nat_subscriber {
	uint32_t lock;
	/* Of the port; 0: none. */
	uint32_t generation;
	uint32_t random;
	/* Tick of the last event about exhaustion; 0: none. */
	uint32_t told;
	struct nat_home homes[2];
} __attribute__((aligned(64)));

extern struct nat_settings {
	uint32_t places;
	/* Places from here on were never used. */
	uint32_t used;
	/* Ticks of the reuse wait. */
	uint32_t wait;
} nat_settings;
extern struct nat_place_state *nat_states;
extern struct nat_subscriber *nat_subscribers;

static inline void nat_lock(uint32_t *lock)
{
	while (__atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE) != 0)
		while (__atomic_load_n(lock, __ATOMIC_RELAXED) != 0)
			rte_pause();
}

static inline bool nat_try_lock(uint32_t *lock)
{
	return __atomic_exchange_n(lock, 1, __ATOMIC_ACQUIRE) == 0;
}

static inline void nat_unlock(uint32_t *lock)
{
	__atomic_store_n(lock, 0, __ATOMIC_RELEASE);
}

/* Number of an entry: place, 2 bits of protocol, 16 of port. */
static inline uint32_t nat_number(uint32_t place, uint32_t protocol, uint32_t port)
{
	return place << 18 | protocol << 16 | port;
}

static inline uint32_t nat_place_of(uint32_t number)
{
	return number >> 18;
}

static inline uint32_t nat_protocol_of(uint32_t number)
{
	return number >> 16 & 3;
}

static inline uint32_t nat_port_of(uint32_t number)
{
	return number & (NAT_PORTS - 1);
}

static inline struct nat_entry *nat_entry(uint32_t number)
{
	return &nat_ports[nat_place_of(number)].entries[nat_protocol_of(number)][nat_port_of(number)];
}

/* Bits of a unit's ports that an address's row leases. */
static inline uint64_t nat_leased(const struct fwd_nat_address_row *row, uint32_t unit)
{
	uint32_t first = unit * NAT_UNIT, last = first + NAT_UNIT - 1;
	uint64_t bits = ~0ull;

	if (row->port_min > last || row->port_max < first)
		return 0;
	if (row->port_min > first)
		bits <<= row->port_min - first;
	if (row->port_max < last)
		bits &= ~0ull >> (last - row->port_max);
	return bits;
}

static inline const struct fwd_nat_address_row *nat_row(uint32_t place)
{
	return __atomic_load_n(&nat_states[place].row, __ATOMIC_ACQUIRE);
}

static inline uint64_t nat_bits(const uint64_t *word)
{
	return __atomic_load_n(word, __ATOMIC_RELAXED);
}

static inline bool nat_is_held(uint64_t use)
{
	return (use & NAT_REFS) != 0;
}

static inline void nat_words(const struct nat_inside *inside, uint64_t *words)
{
	memcpy(words, inside->address, sizeof(inside->address));
	words[2] = (uint64_t)inside->port << 32 | inside->context;
}

/* What stands in an entry as long as its `use` stays. */
static inline void nat_entry_read(const struct nat_entry *entry, uint64_t *words)
{
	for (uint32_t i = 0; i < 3; i++)
		words[i] = __atomic_load_n(&entry->inside[i], __ATOMIC_RELAXED);
}

/* Whether it waits no longer, at a tick. */
static inline bool nat_is_over(uint64_t use, uint32_t now)
{
	uint32_t late = now - (uint32_t)((use & NAT_UNTIL) >> NAT_UNTIL_SHIFT);

	return (late & 0x800000) == 0;
}

/* 0 … NAT_PROTOCOLS - 1; NAT_NONE: ports of shared addresses are not for it. */
uint32_t nat_protocol(uint8_t family, uint8_t protocol);

/* nat_map.c */

/* The port in the slot has a generation; one that is new has nothing, and what the one before had ages. */
void nat_subscriber_enter(struct nat_subscriber *subscriber, uint32_t generation);

/* nat_map_place.c: addresses. */

/* The rows that are there. */
void nat_places_init(void);
void nat_places_fini(void);
/* The place of an address; NAT_NONE: none. A reader, or the writer. */
uint32_t nat_place_find(uint8_t family, const uint8_t *address);
/* Of a place taken over. The writer. */
void nat_place_adopt(uint32_t place);
/* The first place of a pool behind `uplink` that `fits`, beginning with one that a number tells. NAT_NONE: none does.
 * *any: where it began; NAT_NONE: the pool has none. A reader. */
uint32_t nat_place_choose(
        uint32_t uplink, uint32_t pool, uint8_t family, uint32_t from, bool (*fits)(uint32_t place), uint32_t *any);

/* nat_map_block.c: blocks of units; all with the subscriber's lock. */

void nat_home_reset(struct nat_home *home);
/* What the home has is left to age. */
void nat_home_leave(struct nat_home *home);
/* The same with blocks that the row does not lease any more: they do not count. */
void nat_home_review(struct nat_home *home);
/* The first unit of a free block of a place; NAT_UNITS: none. Nothing changes. */
uint32_t nat_block_look(uint32_t place);
/* Gives a free block of the home's place to the port in a slot. Its first unit; NAT_UNITS: there is none. */
uint32_t nat_block_take(struct nat_home *home, uint16_t slot, uint32_t generation);
/* One that was taken over becomes the home's. */
void nat_block_link(struct nat_home *home, uint32_t first);
/* The block goes back when nothing in it is used. subscriber: the one of its slot. */
void nat_block_settle(uint32_t place, uint32_t first, struct nat_subscriber *subscriber);

/* nat_map_endpoint.c: entries by endpoint inside. */

/* For so many endpoints, better. 0 or -ENOMEM. */
int nat_endpoints_init(uint32_t count);
void nat_endpoints_fini(void);
/* The bucket of an endpoint, locked. */
uint32_t *nat_bucket_enter(uint32_t protocol, const uint64_t *inside);
void nat_bucket_leave(uint32_t *bucket);
/* The entry after another one (NAT_NONE: the first); NAT_NONE: none. */
uint32_t nat_bucket_next(const uint32_t *bucket, uint32_t after);
void nat_bucket_add(uint32_t *bucket, uint32_t number);
void nat_bucket_remove(uint32_t *bucket, uint32_t number);

/* nat_map_event.c */

void nat_event_put(const struct fwd_nat_event *event);
/* About a block of a place; of exhaustion: only its owner, inside_port and uplink are read. */
void nat_event_block(
        uint32_t place, uint32_t first, const struct nat_unit *block, uint8_t kind, struct fwd_nat_event *out);

/* nat_map_age.c */

/* All units; when no packet thread runs: tests. */
void nat_map_age_all(uint32_t thread);

#endif
