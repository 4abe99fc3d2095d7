/*
 * Who answers when a host asks for the MAC address of an IP address: the rule that ARP and neighbour discovery share.
 * Packet threads in a read section.
 */
#ifndef FORWARDER_NEIGHBOR_H
#define FORWARDER_NEIGHBOR_H

#include "stage.h"

enum neighbor_answer {
	/** Nobody here knows: ask everyone on the bridge. */
	NEIGHBOR_ASK,
	/** The host itself: its real MAC address. */
	NEIGHBOR_HOST,
	/** An address of the gateway, or one that a service row names and no host has: for these the gateway answers.
	 */
	NEIGHBOR_GATEWAY,
	/** Not on this link, or the network only routes: the gateway's MAC address, so that packets come here. */
	NEIGHBOR_ROUTED,
	/** Nobody may answer: the asker has it itself, or there is no way to it. */
	NEIGHBOR_NONE,
};

struct neighbor_question {
	const struct pkt *pkt;
	const struct ingress *in;
	/** 16 bytes as in rows. */
	const uint8_t *address;
	/** MAC address of who asks. */
	const uint8_t *asker;
	/** 4 or 6. */
	uint8_t family;
	/** Asked from the unspecified address: a probe for duplicates (RFC 5227, RFC 4862). */
	bool probe;
};

/** *mac: the one to answer with; set for HOST, GATEWAY and ROUTED. */
enum neighbor_answer neighbor_ask(const struct neighbor_question *question, const uint8_t **mac);

/** A service row names the address, and no host of this network has it. address: 16 bytes as in rows. */
bool neighbor_is_service(const struct ingress *in, uint8_t family, const uint8_t *address);

/** The address belongs to the gateway or to a service: nobody else may claim it. address: 16 bytes as in rows. */
bool neighbor_is_gateway(const struct ingress *in, uint8_t family, const uint8_t *address);

#endif
