/*
 * What the forwarder learns from packets: MAC addresses behind ports without security, and IPv6 addresses that ports
 * take by themselves (RFC 4862). Packet threads say what they saw, in bounded rings, and never wait; the thread
 * fwd-learn writes rows of the tables learned_mac and learned_neighbor, which live in the state memory and so survive a
 * restart, and removes them when they age or their port goes.
 *
 * learn_mac, learn_neighbor: packet threads in a read section. The others: the thread that starts and stops the
 * forwarder.
 */
#ifndef FORWARDER_LEARN_H
#define FORWARDER_LEARN_H

#include <rte_branch_prediction.h>
#include <stdint.h>
#include <string.h>

#include "stage.h"

/** A MAC address that was not seen for so long goes; so many of one port are kept. */
#define LEARN_MAC_SECONDS  300u
#define LEARN_MAC_PER_PORT 256u
/** An IPv6 address that was not seen for so long makes room for another one of a port that has its GUARD_LEARNED. */
#define LEARN_NEIGHBOR_SECONDS 3600u

/** Takes over the rows of an earlier forwarder; ports and tables are there. 0 or -ENOMEM. */
int learn_init(void);
void learn_free(void);
/** Starts and ends the thread. 0 or -errno. */
int learn_start(void);
void learn_stop(void);
/** Does in the caller's thread what is due `seconds` after learn_init, when the thread does not run: tests. */
void learn_poll_once(uint32_t seconds);

#define LEARN_SEEN 4096u
/** Who was seen since the last tick: one word for MAC address, slot and tick. Shared by all packet threads. */
extern uint64_t learn_seen[LEARN_SEEN];
/** Changes every second: what was seen is told again. */
extern uint64_t learn_tick;

void learn_mac_event(const struct ingress *in, const uint8_t *mac);
/** A port without security sent from this MAC address. */
static inline void learn_mac(const struct ingress *in, const uint8_t *mac)
{
	uint32_t first;
	uint16_t rest;

	memcpy(&first, mac, sizeof(first));
	memcpy(&rest, mac + sizeof(first), sizeof(rest));
	uint64_t who = (uint64_t)rest << 48 | (uint64_t)first << 16 | in->port->slot;
	uint64_t *seen = &learn_seen[who * 0x9e3779b97f4a7c15u >> 52];
	uint64_t word = who ^ __atomic_load_n(&learn_tick, __ATOMIC_RELAXED);
	if (likely(__atomic_load_n(seen, __ATOMIC_RELAXED) == word))
		return;
	__atomic_store_n(seen, word, __ATOMIC_RELAXED);
	learn_mac_event(in, mac);
}

/** A port takes an IPv6 address (16 bytes), or uses one that it took. */
void learn_neighbor(const struct ingress *in, const uint8_t *address, const uint8_t *mac);

#endif
