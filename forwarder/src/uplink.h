/*
 * The underlay side: ports with FWD_PORT_UPLINK. They have a MAC address of their own (struct port: mac), answer ARP
 * and neighbour solicitations for the gateway addresses of their bridge (neighbor rows with FWD_NEIGHBOR_GATEWAY) and
 * for what nat_owns, announce those (RFC 5227 §3, RFC 4861 §7.2.6), and ask for the MAC addresses of others. Nobody
 * behind an uplink reaches services of the appliance.
 *
 * What neighbours answer is told to the thread fwd-learn, which keeps it as rows uplink_neighbor (uplink_watch.h): they
 * survive a restart. Routers of gateway rows are asked each second; one that is silent three times is dead until it
 * answers. Members of ECMP groups that are dead are passed over while another one lives (nexthop.h); where none does,
 * and on routes with a single gateway, packets go to its last MAC address all the same.
 *
 * Packets to a neighbour that is not known wait for its answer (uplink_hold.c).
 *
 * Binding interface: the host keeps the interface and its addresses. What comes for those addresses and belongs to no
 * flow is left to it; what is Weft's is kept from the host's stack by nftables (uplink_host.c), so that neither answers
 * for the other, and both go on when the other is dead.
 *
 * uplink_start, uplink_stop: no other thread runs. uplink_poll: fwd-learn. Others: packet threads inside a read
 * section.
 */
#ifndef WEFT_UPLINK_H
#define WEFT_UPLINK_H

#include <stdbool.h>
#include <stdint.h>

#include "drop.h"
#include "forwarder.h"

struct ingress;
struct pkt;
struct rte_mbuf;

/** Known neighbours of an uplink that are no gateways, at most; so many packets wait for one answer, and of a thread.
 */
#define UPLINK_NEIGHBORS    1024u
#define UPLINK_HELD_ADDRESS 3u
#define UPLINK_HELD         256u

/** Takes over the rows of an earlier forwarder; ports and tables are there. 0 or -ENOMEM. */
int uplink_start(uint32_t slots, uint32_t threads);
/** Frees what waits, too. */
void uplink_stop(void);
/** Asks, announces, and notes what was heard; every some ms. now_ms: of a clock that begins anywhere. */
void uplink_poll(uint64_t now_ms);

/** The MAC address of a neighbour behind an uplink; NULL: not known. address: 16 bytes as in rows. Notes that it is
 * used. */
const uint8_t *uplink_find(uint32_t uplink, uint8_t family, const uint8_t *address);
/** The same; nothing is noted: traces. */
const uint8_t *uplink_look(uint32_t uplink, uint8_t family, const uint8_t *address);
/** Asks for it (at a bounded rate); the packet waits for the answer, at most a second, and walks again. HELD (the mbuf
 * is gone), or DROP_NO_NEIGHBOR: it is asked for in vain, or too much waits. */
verdict_t uplink_ask(
        struct pkt *pkt, const struct ingress *in, uint32_t uplink, uint8_t family, const uint8_t *address);
/** What uplink_ask says when no answer comes; nobody is asked. */
verdict_t uplink_peek(const struct pkt *pkt, uint32_t uplink, uint8_t family, const uint8_t *address);
/** The gateway of a nexthop of type gateway; NULL: there is no such row. */
const struct fwd_gateway_row *uplink_gateway(uint32_t uplink, uint32_t number);
/** What waited, to walk again (NEXT): as flow_fragment_take. Once a round, until it says 0. */
uint32_t uplink_take(uint32_t thread, struct rte_mbuf **mbufs, uint32_t room, uint32_t *generation, verdict_t *verdict);
/** For how long the thread may sleep, ms; UINT32_MAX: nothing waits. */
uint32_t uplink_wait(uint32_t thread);

/** Whether the appliance has an address there: one of the uplink's, its link-local one, or one that nat_owns. in: of
 * the uplink. An address that the host has as well is among them. */
bool uplink_owns(const struct ingress *in, uint8_t family, const uint8_t *address);
/** Whether it is an address of the host on the interface of the uplink. Packet threads, or the writer lock is held. */
bool uplink_is_host(uint32_t uplink, uint8_t family, const uint8_t *address);
/** The link-local address that goes with a MAC address (RFC 4291 §2.5.6 and appendix A). address: 16 bytes. */
void uplink_link_local(const uint8_t *mac, uint8_t *address);

/** How a message from behind an uplink names an address and its MAC address. */
enum uplink_word {
	/** It answers us. */
	UPLINK_ANSWER,
	/** It asks for one of our addresses. */
	UPLINK_REQUEST,
	/** It tells everyone, or somebody else. */
	UPLINK_ANNOUNCE,
	/** It tells, but not over what is known (RFC 4861 §7.2.5: an advertisement without flag override). */
	UPLINK_HINT,
	/** It says that one of our addresses is its own. */
	UPLINK_CONFLICT,
};
/** Told to fwd-learn in a bounded ring. mac: 6 bytes. */
void uplink_learn(
        const struct ingress *in, uint8_t family, const uint8_t *address, const uint8_t *mac, enum uplink_word word);

/** Steps of the walk: an ARP packet from behind an uplink (with PKT_ARP; arp.c): REPLY or a drop. A packet that may be
 * neighbour discovery (nd_underlay.c): NEXT when it is none, REPLY or a drop. */
verdict_t uplink_arp(struct pkt *pkt, const struct ingress *in);
verdict_t uplink_nd(struct pkt *pkt, const struct ingress *in);

#endif
