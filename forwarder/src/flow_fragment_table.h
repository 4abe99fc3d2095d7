/*
 * What a packet thread knows of datagrams that come in fragments, and the fragments that wait for their first one.
 * Bounded in all it holds; nothing is allocated after the start. flow_fragment.h makes use of it; by the thread alone.
 *
 * A full table gives up the oldest datagram of the port that asks when that has many, else of another one that has
 * many, and only when none has the oldest of all: ports that fill it cannot push out those of ports that have few.
 */
#ifndef WEFT_FLOW_FRAGMENT_TABLE_H
#define WEFT_FLOW_FRAGMENT_TABLE_H

#include <stdbool.h>
#include <stdint.h>

#include "drop.h"
#include "flow_fragment.h"
#include "flow_fragment_cover.h"

/** Datagrams of a thread. */
#define FRAGMENT_DATAGRAMS 4096u
/** When the table is full, ports with more than these lose their oldest ones. */
#define FRAGMENT_PORT_KEEPS 64u
/** Buffers that wait: of a datagram (64 KiB in pieces of 1,280 bytes are 54), of a port, of a thread. */
#define FRAGMENT_WAIT_DATAGRAM 64u
#define FRAGMENT_WAIT_PORT     128u
#define FRAGMENT_WAIT_ALL      512u
#define FRAGMENT_NONE          0xffffu

struct rte_mbuf;

/* Compared as bytes: no padding. RFC 791 §3.2, RFC 8200 §4.5. */
struct fragment_key {
	uint8_t src[16], dst[16];
	/** Generation of the port that it came through. */
	uint32_t context;
	/** As in the packet. */
	uint32_t id;
	/** IPv6: 0; only the first fragment's counts. */
	uint8_t protocol;
	/** 4 or 6. */
	uint8_t family;
	uint8_t zero[6];
};

enum fragment_state {
	/** The first fragment has not come; others wait. */
	FRAGMENT_WAITING,
	/** It came: the others pass, or share its end. */
	FRAGMENT_DECIDED,
};

struct fragment_datagram {
	struct fragment_key key;
	struct flow_fragment_cover cover;
	struct flow_fragment_ports ports;
	/** Of the first fragment: what parse() found, and its bytes, to know it again. */
	uint32_t told, told_length;
	/** Of the first fragment, when decided: NEXT, or the reason it was dropped for. */
	verdict_t verdict;
	/** enum fragment_state. */
	uint8_t state;
	/** Slot of its port. */
	uint16_t slot;
	/** Since when it is in its state, ticks. */
	uint32_t since;
	/** Chain in its bucket. */
	uint16_t next;
	/** By time in its state, and by time in its port. */
	struct {
		uint16_t before, behind;
	} link[2];
	/** Those that wait, oldest first, and how many buffers they are. */
	uint16_t first_held, last_held, held_buffers;
};

struct fragment_table;

/** For ports in slots 1 … slots. NULL: no memory. */
struct fragment_table *fragment_table_make(uint32_t slots);
/** Frees what waits, too. */
void fragment_table_free(struct fragment_table *table);

/** FRAGMENT_NONE: not there. */
uint16_t fragment_find(const struct fragment_table *table, const struct fragment_key *key);
/** Adds one in state WAITING; another one may go for it. */
uint16_t fragment_add(struct fragment_table *table, const struct fragment_key *key, uint16_t slot, uint32_t now);
struct fragment_datagram *fragment_at(struct fragment_table *table, uint16_t number);
/** Forgets a datagram; what waits of it ends under a reason. */
void fragment_remove(struct fragment_table *table, uint16_t number, verdict_t reason);
/** Sets its state DECIDED, since now; what waits of it walks again (NEXT), or ends under a reason. */
void fragment_decide(struct fragment_table *table, uint16_t number, verdict_t verdict, uint32_t now);
/** Forgets what is WAITING for `wait` ticks or longer (FRAGMENT_UNKNOWN), and what is DECIDED for `keep` ticks. */
void fragment_age(struct fragment_table *table, uint32_t now, uint32_t wait, uint32_t keep);
/** The datagram that is WAITING longest; FRAGMENT_NONE: none is. */
uint16_t fragment_oldest_waiting(const struct fragment_table *table);

/** Keeps a fragment for a datagram. False: more would wait than may. */
bool fragment_hold(struct fragment_table *table, uint16_t number, struct rte_mbuf *mbuf);
/** Takes fragments that wait no longer: a run of one port and one verdict. context: of the key. 0: none. */
uint32_t fragment_take(
        struct fragment_table *table, struct rte_mbuf **mbufs, uint32_t room, uint32_t *context, verdict_t *verdict);
/** How many wait, or are not taken yet. */
uint32_t fragment_held(const struct fragment_table *table);

#endif
