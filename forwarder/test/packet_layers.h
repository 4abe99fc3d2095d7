/*
 * The layers of a packet under construction (packet_text.h), and what is known only when the last byte stands: types of
 * what follows, lengths, checksums.
 */
#ifndef PACKET_LAYERS_H
#define PACKET_LAYERS_H

#include "packet_text.h"

#define PACKET_LAYERS 16u

enum packet_layer_kind { ETH, ARP, IP4, IP6, EXTENSION, UDP, TCP, SCTP, ICMP, PAYLOAD };

struct packet_layer {
	enum packet_layer_kind kind;
	/** Offset of the header; where the type of what follows stands; whether the text gave that type. */
	uint32_t start, next_at;
	bool next_given, bad_checksum, no_checksum;
	/** What the layer before calls it: ethertype or protocol number. */
	uint16_t number;
};

void packet_layers_seal(struct packet_text *packet, const struct packet_layer *layers, uint32_t count);

#endif
