/*
 * Clients of the appliance's services: what they ask and what must come back. Numbers are in host order, addresses in
 * network order, times in nanoseconds of CLOCK_MONOTONIC. One thread.
 */
#ifndef CLIENTS_H
#define CLIENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { FRAME = 2048, CLIENTS = 1024, DEPTH = 16, NOTE = 136 };

struct client {
	/* 0: untagged. */
	uint16_t vlan;
	uint8_t mac[6], ip4[4], gateway4[4], ip6[16];
};

/* One question after the other until a client has what it wants: DISCOVER, REQUEST. */
struct exchange {
	/* Below DEPTH: which of those that a client has under way at a time. */
	uint8_t slot;
	bool busy;
	uint8_t step;
	/* Grows by one with each exchange of the slot. */
	uint32_t generation;
	/* Bit n: exchange `generation - n` came to its good end. */
	uint64_t done;
	uint64_t begun_ns, deadline_ns, patience_ns;
	/* What the protocol keeps from one step to the next. */
	uint32_t choice;
	uint8_t note[NOTE];
	size_t note_length;
};

/* A UDP datagram to or from a client. */
struct datagram {
	bool ip6;
	const uint8_t *target_mac;
	uint16_t source_port, target_port;
	const uint8_t *payload;
	size_t length;
};

/* What a frame answers, by what it says itself. */
struct named {
	uint8_t slot, step;
	uint32_t generation;
};

struct protocol {
	const char *name;
	uint8_t steps, depth;
	/* Bits of a generation that a message can carry. */
	uint32_t generation_mask;
	/* Writes the question of the exchange's step with its tag into a frame of FRAME bytes; its length. */
	size_t (*ask)(const struct client *client, struct exchange *exchange, uint8_t *frame);
	/* False: the datagram is none of this protocol's answers. */
	bool (*recognise)(const struct datagram *datagram, struct named *named);
	/* What is wrong with the answer to the present step, or NULL. May take notes for the next step. */
	const char *(*check)(const struct client *client, struct exchange *exchange, const struct datagram *datagram);
};

extern const struct protocol dhcp4, dhcp6, dns;

/* Names to ask for and their addresses, of dns: one, or all of a file. False: says why on standard error. */
bool dns_add_name(const char *name, const char *address);
bool dns_read_names(const char *path);

#endif
