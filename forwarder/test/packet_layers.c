#include "packet_layers.h"

#include <arpa/inet.h>
#include <stddef.h>

static void set16(struct packet_text *packet, uint32_t at, uint32_t value)
{
	packet->bytes[at] = (uint8_t)(value >> 8);
	packet->bytes[at + 1] = (uint8_t)value;
}

/* One's complement sum (RFC 1071), not inverted. */
static uint32_t sum(const uint8_t *bytes, uint32_t length, uint32_t total)
{
	for (uint32_t i = 0; i < length; i++)
		total += i % 2 == 0 ? (uint32_t)bytes[i] << 8 : bytes[i];
	while (total >> 16)
		total = (total & 0xffff) + (total >> 16);
	return total;
}

/* RFC 9293 §3.1, RFC 8200 §8.1. */
static uint32_t pseudo_header(
        const struct packet_text *packet, const struct packet_layer *ip, uint16_t protocol, uint32_t length)
{
	uint32_t addresses = ip->kind == IP4 ? 8 : 32;

	return sum(packet->bytes + ip->start + (ip->kind == IP4 ? 12 : 8), addresses, length + protocol);
}

static void seal_transport(struct packet_text *packet, const struct packet_layer *layer, const struct packet_layer *ip)
{
	uint32_t length = packet->length - layer->start;
	uint32_t at = layer->start + (layer->kind == TCP ? 16 : layer->kind == UDP ? 6 : 2);
	bool plain = layer->kind == ICMP && layer->number == IPPROTO_ICMP;

	if (layer->kind == UDP)
		set16(packet, layer->start + 4, length);
	if (layer->no_checksum)
		return;
	uint32_t total = plain || ip == NULL ? 0 : pseudo_header(packet, ip, layer->number, length);
	uint32_t checksum = ~sum(packet->bytes + layer->start, length, total) & 0xffff;
	/* RFC 768: zero means that there is none. */
	set16(packet, at, checksum == 0 && layer->kind == UDP ? 0xffff : checksum);
}

static void seal_ip4(struct packet_text *packet, const struct packet_layer *layer)
{
	uint32_t header = (packet->bytes[layer->start] & 15u) * 4;

	set16(packet, layer->start + 2, packet->length - layer->start);
	uint32_t checksum = ~sum(packet->bytes + layer->start, header, 0) & 0xffff;
	set16(packet, layer->start + 10, layer->bad_checksum ? checksum ^ 0x5555 : checksum);
}

static void seal_next(struct packet_text *packet, const struct packet_layer *layer, const struct packet_layer *next)
{
	if (layer->next_given || layer->next_at == 0 || next->kind == PAYLOAD)
		return;
	if (layer->kind == ETH)
		set16(packet, layer->next_at, next->number);
	else
		packet->bytes[layer->next_at] = (uint8_t)next->number;
}

void packet_layers_seal(struct packet_text *packet, const struct packet_layer *layers, uint32_t count)
{
	for (uint32_t i = 0; i + 1 < count; i++)
		seal_next(packet, &layers[i], &layers[i + 1]);
	/* Inner before outer: a checksum covers what is behind it. */
	for (uint32_t i = count; i-- > 0;) {
		const struct packet_layer *ip = NULL;

		for (uint32_t j = 0; j < i; j++)
			ip = layers[j].kind == IP4 || layers[j].kind == IP6 ? &layers[j] : ip;
		if (layers[i].kind == IP4)
			seal_ip4(packet, &layers[i]);
		else if (layers[i].kind == IP6)
			set16(packet, layers[i].start + 4, packet->length - layers[i].start - 40);
		else if (layers[i].kind == UDP || layers[i].kind == TCP || layers[i].kind == ICMP)
			seal_transport(packet, &layers[i], ip);
	}
}
