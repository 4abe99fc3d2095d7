
#include "packet_layers.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WORDS 32u

struct builder {
	struct packet_text *out;
	const struct packet_text *quoted;
	struct packet_layer layers[PACKET_LAYERS];
	uint32_t count;
	char *words[WORDS];
	uint32_t word_count;
	char *fault;
};

#define FAIL(...) return snprintf(b->fault, 128, __VA_ARGS__), false

bool packet_text_mac(const char *text, uint8_t *out)
{
	static const uint8_t gateway[6] = {0x00, 0x00, 0x5e, 0x00, 0x01, 0x00};
	unsigned int part[6];

	memset(out, 0xff, 6);
	if (strcmp(text, "bc") == 0)
		return true;
	if (strcmp(text, "gw") == 0)
		return memcpy(out, gateway, 6), true;
	if (text[0] == 'm' && isdigit((unsigned char)text[1])) {
		memset(out, 0, 6);
		out[0] = 0x02;
		out[5] = (uint8_t)atoi(text + 1);
		return true;
	}
	if (sscanf(text, "%x:%x:%x:%x:%x:%x", &part[0], &part[1], &part[2], &part[3], &part[4], &part[5]) != 6)
		return false;
	for (int i = 0; i < 6; i++)
		out[i] = (uint8_t)part[i];
	return true;
}

bool packet_text_address(const char *text, uint8_t *out, uint8_t *family)
{
	memset(out, 0, 16);
	*family = strchr(text, ':') != NULL ? 6 : 4;
	return inet_pton(*family == 6 ? AF_INET6 : AF_INET, text, out) == 1;
}

static void put(struct builder *b, const void *bytes, uint32_t length)
{
	struct packet_text *out = b->out;

	if (out->length + length > PACKET_TEXT_LIMIT)
		length = PACKET_TEXT_LIMIT - out->length;
	memcpy(out->bytes + out->length, bytes, length);
	out->length += length;
}

static void put16(struct builder *b, uint32_t value)
{
	uint16_t be = htons((uint16_t)value);

	put(b, &be, 2);
}

static void put32(struct builder *b, uint32_t value)
{
	uint32_t be = htonl(value);

	put(b, &be, 4);
}

/* The word behind an option's name, or NULL when the option is not there. A flag's word is itself. */
static const char *option(const struct builder *b, const char *name)
{
	for (uint32_t i = 1; i < b->word_count; i++)
		if (strcmp(b->words[i], name) == 0)
			return i + 1 < b->word_count ? b->words[i + 1] : b->words[i];
	return NULL;
}

static uint32_t number(const struct builder *b, const char *name, uint32_t otherwise)
{
	const char *text = option(b, name);

	return text == NULL ? otherwise : (uint32_t)strtoul(text, NULL, 0);
}

static const char *word(const struct builder *b, uint32_t at)
{
	return at < b->word_count ? b->words[at] : "";
}

static bool put_mac(struct builder *b, const char *text)
{
	uint8_t mac[6];

	if (!packet_text_mac(text, mac))
		FAIL("\"%s\" is no MAC address", text);
	put(b, mac, sizeof(mac));
	return true;
}

static bool put_address(struct builder *b, const char *text, uint8_t wanted)
{
	uint8_t address[16], family;

	if (!packet_text_address(text, address, &family) || family != wanted)
		FAIL("\"%s\" is no IPv%u address", text, wanted);
	put(b, address, family == 4 ? 4 : 16);
	return true;
}

static struct packet_layer *begin(struct builder *b, enum packet_layer_kind kind, uint16_t as)
{
	struct packet_layer *layer = &b->layers[b->count < PACKET_LAYERS ? b->count++ : PACKET_LAYERS - 1];

	*layer = (struct packet_layer){.kind = kind, .start = b->out->length, .number = as};
	return layer;
}

static bool make_eth(struct builder *b)
{
	struct packet_layer *layer = begin(b, ETH, 0);
	uint8_t source[6];

	if (!put_mac(b, word(b, 2)) || !packet_text_mac(word(b, 1), source))
		FAIL("eth SRC DST: a MAC address is wrong");
	put(b, source, sizeof(source));
	if (option(b, "vlan") != NULL) {
		put16(b, 0x8100);
		put16(b, number(b, "vlan", 0));
	}
	layer->next_at = b->out->length;
	layer->next_given = option(b, "type") != NULL;
	put16(b, number(b, "type", 0));
	return true;
}

static bool make_arp(struct builder *b)
{
	begin(b, ARP, 0x0806);
	put16(b, number(b, "hardware", 1));
	put16(b, 0x0800);
	put16(b, 0x0604);
	put16(b, strcmp(word(b, 1), "request") == 0 ? 1 : 2);
	return put_mac(b, word(b, 2)) && put_address(b, word(b, 3), 4) && put_mac(b, word(b, 4)) &&
	       put_address(b, word(b, 5), 4);
}

static bool make_ip4(struct builder *b)
{
	struct packet_layer *layer = begin(b, IP4, 0x0800);
	uint32_t options = number(b, "options", 0), at = layer->start;
	uint32_t flags = (option(b, "df") ? 0x4000u : 0) | (option(b, "mf") ? 0x2000u : 0);

	put16(b, 0x4000 + ((5 + options / 4) << 8) + number(b, "tos", 0));
	put16(b, 0);
	put16(b, number(b, "id", 1));
	put16(b, flags | number(b, "offset", 0) / 8);
	put16(b, number(b, "ttl", 64) << 8 | number(b, "proto", 0));
	put16(b, 0);
	layer->next_at = at + 9;
	layer->next_given = option(b, "proto") != NULL;
	layer->bad_checksum = option(b, "badsum") != NULL;
	if (option(b, "id") != NULL && strcmp(option(b, "id"), "*") == 0) {
		memset(b->out->mask + at + 4, 0, 2);
		memset(b->out->mask + at + 10, 0, 2);
	}
	if (!put_address(b, word(b, 1), 4) || !put_address(b, word(b, 2), 4))
		return false;
	/* No-operation options (RFC 791 §3.1), copied or not: it does not matter to anyone. */
	for (uint32_t i = 0; i < options; i++)
		put(b, "\1", 1);
	return true;
}

static bool make_ip6(struct builder *b)
{
	struct packet_layer *layer = begin(b, IP6, 0x86dd);

	put32(b, 0x60000000 | number(b, "class", 0) << 20);
	put16(b, 0);
	put16(b, number(b, "next", 59) << 8 | number(b, "hops", 64));
	layer->next_at = layer->start + 6;
	layer->next_given = option(b, "next") != NULL;
	return put_address(b, word(b, 1), 6) && put_address(b, word(b, 2), 6);
}

static bool make_extension(struct builder *b, uint16_t as)
{
	struct packet_layer *layer = begin(b, EXTENSION, as);

	layer->next_at = layer->start;
	put16(b, 59u << 8);
	if (as == 44) {
		put16(b, number(b, "offset", 0) | (option(b, "mf") ? 1 : 0));
		put32(b, number(b, "id", 1));
	} else {
		/* PadN of 4 bytes (RFC 8200 §4.2); a routing header of type 1 with nothing left reads the same. */
		put(b, "\1\4\0\0\0\0", 6);
	}
	return true;
}

static bool make_udp(struct builder *b)
{
	begin(b, UDP, IPPROTO_UDP)->no_checksum = option(b, "nosum") != NULL;
	put16(b, (uint32_t)atoi(word(b, 1)));
	put16(b, (uint32_t)atoi(word(b, 2)));
	put32(b, 0);
	return true;
}

static bool make_tcp(struct builder *b)
{
	static const char names[] = "FSRPA";
	const char *given = word(b, 3);
	uint32_t flags = 0;

	for (uint32_t i = 0; isupper((unsigned char)*given) && i < sizeof(names) - 1; i++)
		flags |= strchr(given, names[i]) != NULL ? 1u << i : 0;
	begin(b, TCP, IPPROTO_TCP);
	put16(b, (uint32_t)atoi(word(b, 1)));
	put16(b, (uint32_t)atoi(word(b, 2)));
	put32(b, number(b, "seq", 0));
	put32(b, number(b, "ack", 0));
	put16(b, 0x5000 | flags);
	put16(b, flags & 4 ? 0 : 1024);
	put32(b, 0);
	return true;
}

static bool make_sctp(struct builder *b)
{
	begin(b, SCTP, IPPROTO_SCTP);
	put16(b, (uint32_t)atoi(word(b, 1)));
	put16(b, (uint32_t)atoi(word(b, 2)));
	put32(b, 0);
	put32(b, 0);
	return true;
}

/* The IP layer that the newest layer lies in. */
static const struct packet_layer *ip_of(const struct builder *b)
{
	for (uint32_t i = b->count; i-- > 0;)
		if (b->layers[i].kind == IP4 || b->layers[i].kind == IP6)
			return &b->layers[i];
	return NULL;
}

static void put_icmp(struct builder *b, uint32_t type, uint32_t code, uint32_t rest)
{
	const struct packet_layer *ip = ip_of(b);

	begin(b, ICMP, ip != NULL && ip->kind == IP6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	put16(b, type << 8 | code);
	put16(b, 0);
	put32(b, rest);
}

/* A link-layer address option (RFC 4861 §4.6.1). */
static bool put_lla(struct builder *b, const char *name, uint8_t type)
{
	const char *mac = option(b, name);
	uint8_t head[2] = {type, 1};

	if (mac == NULL)
		return true;
	put(b, head, sizeof(head));
	return put_mac(b, mac);
}

static bool make_neighbor(struct builder *b, bool solicitation)
{
	static const char names[] = "OSR";
	uint32_t flags = 0;

	for (uint32_t i = 0; !solicitation && i < sizeof(names) - 1; i++)
		flags |= strchr(word(b, 2), names[i]) != NULL ? 1u << (29 + i) : 0;
	put_icmp(b, solicitation ? 135 : 136, 0, flags);
	if (!put_address(b, word(b, 1), 6))
		return false;
	return put_lla(b, solicitation ? "slla" : "tlla", solicitation ? 1 : 2);
}

/* `part FROM N`: of the payload of the IPv4 packet sent last. */
static bool make_part(struct builder *b)
{
	uint32_t from = (uint32_t)atoi(word(b, 1)), count = (uint32_t)atoi(word(b, 2));

	if (b->quoted == NULL || b->quoted->length < 34)
		FAIL("part: no packet was sent before");
	from += 14 + (b->quoted->bytes[14] & 15u) * 4;
	if (from + count > b->quoted->length)
		FAIL("part: the packet sent last is shorter");
	put(b, b->quoted->bytes + from, count);
	return true;
}

static bool make_data(struct builder *b, const char *kind)
{
	uint32_t count = (uint32_t)strtoul(word(b, 1), NULL, 0);

	begin(b, PAYLOAD, 0);
	if (strcmp(kind, "quote") == 0) {
		if (b->quoted == NULL || b->quoted->length <= 14)
			FAIL("quote: no packet was sent before");
		uint32_t there = b->quoted->length - 14;
		put(b, b->quoted->bytes + 14, count < there ? count : there);
		return true;
	}
	if (strcmp(kind, "part") == 0)
		return make_part(b);
	for (uint32_t i = 0; strcmp(kind, "data") == 0 && i < count; i++) {
		uint8_t byte = (uint8_t)i;
		put(b, &byte, 1);
	}
	for (uint32_t w = 1; strcmp(kind, "hex") == 0 && w < b->word_count; w++) {
		uint8_t byte = (uint8_t)strtoul(b->words[w], NULL, 16);
		put(b, &byte, 1);
	}
	return true;
}

static bool make_layer(struct builder *b)
{
	const char *kind = word(b, 0);

	if (strcmp(kind, "eth") == 0)
		return make_eth(b);
	if (strcmp(kind, "arp") == 0)
		return make_arp(b);
	if (strcmp(kind, "ip4") == 0)
		return make_ip4(b);
	if (strcmp(kind, "ip6") == 0)
		return make_ip6(b);
	if (strcmp(kind, "hop") == 0 || strcmp(kind, "routing") == 0 || strcmp(kind, "dest") == 0)
		return make_extension(b, kind[0] == 'h' ? 0 : kind[0] == 'r' ? 43 : 60);
	if (strcmp(kind, "frag") == 0)
		return make_extension(b, 44);
	if (strcmp(kind, "udp") == 0)
		return make_udp(b);
	if (strcmp(kind, "tcp") == 0)
		return make_tcp(b);
	if (strcmp(kind, "sctp") == 0)
		return make_sctp(b);
	if (strcmp(kind, "icmp") == 0)
		return put_icmp(b, (uint32_t)atoi(word(b, 1)), (uint32_t)atoi(word(b, 2)), number(b, "word", 0)), true;
	if (strcmp(kind, "ns") == 0 || strcmp(kind, "na") == 0)
		return make_neighbor(b, kind[1] == 's');
	if (strcmp(kind, "rs") == 0)
		return put_icmp(b, 133, 0, 0), put_lla(b, "slla", 1);
	if (strcmp(kind, "ra") == 0)
		return put_icmp(b, 134, 0, 0x40000708), put32(b, 0), put32(b, 0), true;
	if (strcmp(kind, "data") == 0 || strcmp(kind, "hex") == 0 || strcmp(kind, "quote") == 0 ||
	        strcmp(kind, "part") == 0)
		return make_data(b, kind);
	FAIL("\"%s\" is no layer", kind);
}

bool packet_text_make(const char *text, const struct packet_text *quoted, struct packet_text *out, char *fault)
{
	struct builder builder = {.out = out, .quoted = quoted, .fault = fault};
	char copy[4096], *rest = copy;

	out->length = 0;
	memset(out->mask, 0xff, sizeof(out->mask));
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *part; (part = strsep(&rest, "|")) != NULL;) {
		char *words = NULL;

		builder.word_count = 0;
		for (char *w = strtok_r(part, " \t", &words); w != NULL && builder.word_count < WORDS;
		        w = strtok_r(NULL, " \t", &words))
			builder.words[builder.word_count++] = w;
		if (!make_layer(&builder))
			return false;
	}
	packet_layers_seal(out, builder.layers, builder.count);
	return true;
}
