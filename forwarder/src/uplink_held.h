/*
 * What waits in one packet thread for the MAC addresses of neighbours: addresses, in the order in which they were asked
 * for, with the packets of each; and packets that are to be taken out. Bounded in all: addresses, packets of an address
 * (the latest ones, RFC 1122 §2.3.2.2), buffers; of one port, addresses and buffers. Nothing is allocated after the
 * start. When what happens: uplink_hold.c. That thread alone.
 */
#ifndef WEFT_UPLINK_HELD_H
#define WEFT_UPLINK_HELD_H

#include <stdbool.h>
#include <stdint.h>

#include "drop.h"
#include "uplink.h"

#define HOLD_ADDRESSES 256u
#define HOLD_NONE      0xffffu

struct waiting_address {
	uint32_t uplink;
	uint8_t family;
	/** Nobody answered; nothing waits. */
	bool vain;
	uint8_t count;
	uint8_t address[16];
	/** When it was asked for first, ticks; in the order of time they hang together. */
	uint32_t since;
	uint16_t before, behind;
	/** In its bucket; free: the next free one. */
	uint16_t next;
	/** Of the port whose packet asked first. */
	uint16_t slot;
	/** Oldest and latest. */
	uint16_t first, last;
};

struct held_packet {
	struct rte_mbuf *mbuf;
	uint32_t generation;
	uint16_t next;
	/** Of the port that it entered through. */
	uint16_t slot;
	verdict_t verdict;
};

struct hold_share {
	/** Addresses that its packets asked for first. */
	uint8_t addresses;
	uint8_t buffers;
};

struct hold {
	struct waiting_address addresses[HOLD_ADDRESSES];
	uint16_t buckets[HOLD_ADDRESSES];
	struct held_packet held[UPLINK_HELD];
	uint16_t free_address, free_held, oldest, newest, first_out, last_out;
	uint32_t buffers;
	/** What the others changed, and the tick, when this was looked through last. */
	uint32_t answers, now;
	/** By slot of the port. */
	struct hold_share ports[];
};

/** slots: of ports, the highest. NULL: no memory. */
struct hold *hold_make(uint32_t slots);
/** What waits in it is freed, too. NULL: nothing. */
void hold_free(struct hold *hold);

/** Number of an address (16 bytes as in rows) that is asked for; HOLD_NONE: it is not. */
uint16_t hold_find(struct hold *hold, uint32_t uplink, uint8_t family, const uint8_t *address);
/** A new one, for the port that a packet entered through; HOLD_NONE: no room. */
uint16_t hold_add(struct hold *hold, const struct ingress *in, uint32_t uplink, uint8_t family, const uint8_t *address);
/** The packet waits for the address, whose oldest one may have to go. False: no room. */
bool hold_keep(struct hold *hold, struct waiting_address *entry, const struct pkt *pkt, const struct ingress *in);
/** The oldest packets of an address are to be taken now. */
void hold_let_go(struct hold *hold, struct waiting_address *entry, uint32_t count, verdict_t verdict);
/** Nobody asks for it any more; its packets are to be taken now (NEXT). */
void hold_forget(struct hold *hold, uint16_t number);
/** Takes what is to be taken, as flow_fragment_take; there is something. */
uint32_t hold_take(struct hold *hold, struct rte_mbuf **mbufs, uint32_t room, uint32_t *generation, verdict_t *verdict);

#endif
