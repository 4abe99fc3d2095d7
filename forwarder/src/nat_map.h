/*
 * Which outside port of a shared address stands for which endpoint inside.
 *
 * A port of a VM has one outside address (paired pooling, RFC 4787 §4.1) and gets its ports in blocks, at most
 * port_blocks of them; blocks are logged, flows are not (RFC 6888 §4). An inside endpoint (address, port, protocol)
 * keeps one outside port for all remotes (endpoint-independent mapping) while a flow uses it, and for nat_reuse_wait
 * behind: then nobody else may get it. Parity and ranges are not kept (RFC 7857 §8, RFC 4787 §4.2.2). A block without
 * mappings goes back.
 *
 * Mappings lie behind the flows in the file of the state memory, by outside address, protocol and port, without
 * pointers: an outside port is given out by the packet thread that the inside port belongs to, read, held and released
 * by all. They survive the process. `context` is the generation of the inside port, as in flow keys.
 *
 * nat_map_start, nat_map_stop, nat_map_adopt: no packet thread runs. nat_map_address_changed: the writer. Others:
 * packet threads inside a read section; nat_map_stats_read …: any thread with the writer lock.
 */
#ifndef WEFT_NAT_MAP_H
#define WEFT_NAT_MAP_H

#include <stdbool.h>
#include <stdint.h>

#include "drop.h"
#include "forwarder.h"

struct nat_inside {
	/** 16 bytes as in rows. */
	uint8_t address[16];
	uint32_t context;
	/** Network order; ICMP: identifier. */
	uint16_t port;
	uint8_t family, protocol;
};

struct nat_outside {
	uint8_t address[16];
	/** Network order. */
	uint16_t port;
};

/** Maps its memory behind byte `offset` of the state file, takes over what belongs to live ports. *end: the byte
 * behind. 0 or -errno with a sentence. Before flow_life_start's flows are taken over: each of those calls
 * nat_map_adopt. */
int nat_map_start(const struct fwd_config *config, uint64_t offset, uint64_t *end);
void nat_map_stop(void);
/** A flow that was taken over uses an outside port. False: it is not that endpoint's (any more): the flow goes. */
bool nat_map_adopt(const struct nat_outside *outside, const struct nat_inside *inside);

/** A row came, changed or went. */
void nat_map_address_changed(const struct fwd_nat_address_row *old, const struct fwd_nat_address_row *new);

/**
 * The outside port of an endpoint, of addresses of `pool` behind `uplink`; counts one flow that uses it. slot: of the
 * inside port. tries: 0; one more when the flow would be another's (a shared outside
 * port, see FWD_NAT_REUSE and _DEPENDENT_MAPPING, to the same remote): another candidate. NEXT, DROP_NAT_EXHAUSTED,
 * DROP_NAT_PROTOCOL, or DROP_NOT_TRANSLATED (the pool has no address of this IP version).
 */
verdict_t nat_map_take(uint16_t slot, uint32_t uplink, uint32_t pool, const struct nat_inside *inside, uint32_t tries,
        struct nat_outside *outside);
/** What nat_map_take would say; nothing changes: traces. */
verdict_t nat_map_peek(
        uint16_t slot, uint32_t uplink, uint32_t pool, const struct nat_inside *inside, struct nat_outside *outside);
/** Who has an outside port and may be reached by it: for packets of no flow from outside, and hairpins. *slot: of the
 * inside port, if its generation still is inside->context. */
bool nat_map_find(uint32_t uplink, uint8_t family, uint8_t protocol, const uint8_t *address, uint16_t port_be,
        struct nat_inside *inside, uint16_t *slot);
/** One flow more uses what nat_map_find found; false: too late. */
bool nat_map_hold(const struct nat_outside *outside, const struct nat_inside *inside);
/** A flow that used an outside port has ended. Any packet thread. */
void nat_map_release(uint8_t family, uint8_t protocol, const struct nat_outside *outside);
/** Whether an outside port is still that endpoint's: for flows whose rows changed. */
bool nat_map_holds(const struct nat_outside *outside, const struct nat_inside *inside);

/** Once a round, a bounded share: mappings and blocks that are over. */
void nat_map_age(uint32_t thread);

/** See the calls in forwarder.h; number of bytes. */
int32_t nat_map_stats_read(void *out, uint32_t length);
int32_t nat_map_blocks_read(uint32_t *cursor, void *out, uint32_t length);
int32_t nat_map_events_read(uint64_t after, void *out, uint32_t length);

/* Ports of an address of the host (FWD_NAT_HOST): given out only when fwd-host says that no socket has them. That
 * thread; they take the writer lock. */

#define NAT_UNIT 64u
struct nat_host {
	uint32_t uplink;
	uint8_t family;
	uint8_t address[16];
	uint16_t port_min, port_max;
	/** Units ready and not given out; fwd-host keeps `wanted` of them ready. */
	uint32_t ready, wanted;
};
/** Each address with FWD_NAT_HOST: how many units of NAT_UNIT ports wait to be given out, and how many should. Returns
 * the number of addresses. */
uint32_t nat_map_hosts(struct nat_host *out, uint32_t room);
/** A unit that begins with an outside port (host order, a multiple of NAT_UNIT): is ready to be given out, or not (any
 * more); ports in it that sockets have stand in `used` (bit i: port first + i). Units that a port has stay its own:
 * after `not ready` ask whether one has it, before its sockets are closed. */
void nat_map_host_unit(uint8_t family, const uint8_t *address, uint16_t first, bool ready, uint64_t used);
/** Whether some port has, or had within the reuse wait, a port of that unit: after a restart it must be made ready
 * again. */
bool nat_map_host_unit_taken(uint8_t family, const uint8_t *address, uint16_t first);

#endif
