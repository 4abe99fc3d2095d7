/*
 * Anti-spoofing: which source addresses a port with security may send from. Compiled per port from rows of table source
 * (address prefix and MAC address that go together) and from learned_neighbor rows of the port.
 *
 * A packet that matches the first entry of its port costs a few cycles; the first entries lie side by side, further
 * ones are found by one index lookup per prefix length that the port uses, however many there are.
 *
 * guard_allows, guard_owns: packet threads in a read section, or the writer. guard_*_changed: the writer, after the
 * index knows the row.
 */
#ifndef FORWARDER_GUARD_H
#define FORWARDER_GUARD_H

#include <rte_branch_prediction.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "forwarder.h"

#define GUARD_FIRST 4u
/** Addresses that a port may have learned, at most. */
#define GUARD_LEARNED 16u

struct guard_entry4 {
	/** Network byte order. */
	uint32_t address, mask;
	uint64_t mac;
};

struct guard_entry6 {
	/** Network byte order. */
	uint64_t address[2], mask[2];
	uint64_t mac;
};

struct guard_learned {
	uint64_t address[2];
	uint64_t mac;
};

/** Rows of one prefix length that are not among the first entries. */
struct guard_span {
	uint8_t family, prefix_length;
	uint32_t rows;
};

struct guard {
	uint16_t count4, count6, learned_count, spans;
	struct guard_entry4 first4[GUARD_FIRST];
	struct guard_entry6 first6[GUARD_FIRST];
	struct guard_learned learned[GUARD_LEARNED];
	struct guard_span span[];
};

/** By port id; NULL: the port may send from no address. */
extern struct guard **guards;
/** Without entries. */
extern const struct guard guard_none;

/** Compiles the rows that are there; before anything else here, also before rows change. 0 or -ENOMEM. */
int guard_init(void);
void guard_fini(void);

/** A row came (old NULL), changed, or went (new NULL). */
void guard_source_changed(const struct fwd_source_row *old, const struct fwd_source_row *new);
void guard_learned_changed(const struct fwd_learned_neighbor_row *old, const struct fwd_learned_neighbor_row *new);
/** What a port learned ends with the port, and when it moves to another bridge. */
void guard_port_changed(const struct fwd_port_row *old, const struct fwd_port_row *new);

/** See guard_allows; for packets that do not match the first entry. */
bool guard_search(uint32_t port, uint8_t family, const void *address, uint64_t mac);

/** 6 bytes as a number, in no particular order. */
static inline uint64_t guard_mac(const uint8_t *mac)
{
	uint32_t first;
	uint16_t rest;

	/* In registers: 6 bytes through memory stall the load of 8 behind them. */
	memcpy(&first, mac, sizeof(first));
	memcpy(&rest, mac + sizeof(first), sizeof(rest));
	return (uint64_t)rest << 32 | first;
}

/** guard_mac of an address that 2 bytes more follow. */
static inline uint64_t guard_mac_inside(const uint8_t *mac)
{
	uint64_t word;

	memcpy(&word, mac, sizeof(word));
	return word & 0xffffffffffffu;
}

/** The entries of a port; one without any if there are none. */
static inline const struct guard *guard_of(uint32_t port)
{
	const struct guard *guard = __atomic_load_n(&guards[port], __ATOMIC_ACQUIRE);

	return likely(guard != NULL) ? guard : &guard_none;
}

/** Whether the first entry allows it: then so does guard_allows4. */
static inline bool guard_first4(const struct guard *guard, uint32_t address_be, uint64_t mac)
{
	const struct guard_entry4 *first = &guard->first4[0];

	return (((address_be ^ first->address) & first->mask) | (mac ^ first->mac)) == 0 && guard->count4 != 0;
}

/** Whether a port may send from an address with a MAC address; addresses in network byte order. */
static inline bool guard_allows4(uint32_t port, uint32_t address_be, const uint8_t *mac)
{
	return likely(guard_first4(guard_of(port), address_be, guard_mac(mac))) ||
	       guard_search(port, 4, &address_be, guard_mac(mac));
}

static inline bool guard_allows6(uint32_t port, const uint8_t *address, const uint8_t *mac)
{
	const struct guard *guard = guard_of(port);
	uint64_t words[2];

	memcpy(words, address, sizeof(words));
	const struct guard_entry6 *first = &guard->first6[0];
	uint64_t differ = ((words[0] ^ first->address[0]) & first->mask[0]) |
	                  ((words[1] ^ first->address[1]) & first->mask[1]) | (guard_mac(mac) ^ first->mac);
	if (likely(differ == 0 && guard->count6 != 0))
		return true;
	return guard_search(port, 6, address, guard_mac(mac));
}

/** Whether an address belongs to a port: one of its source rows or learned neighbours holds it, whatever the MAC
 * address. address: 16 bytes as in rows. */
bool guard_owns(uint32_t port, uint8_t family, const uint8_t *address);

#endif
