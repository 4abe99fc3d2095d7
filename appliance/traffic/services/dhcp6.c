/* DHCPv6 (RFC 9915): SOLICIT, ADVERTISE, REQUEST, REPLY. The right answer has the address of the client's port. */
#include <string.h>

#include "frame.h"

enum {
	SOLICIT = 1,
	ADVERTISE = 2,
	REQUEST = 3,
	REPLY = 7,
	CLIENT_ID = 1,
	SERVER_ID = 2,
	IA_NA = 3,
	ADDRESS = 5,
	OPTION_REQUEST = 6,
	ELAPSED_TIME = 8,
	STATUS_CODE = 13,
	DUID_LL = 10, /* Bytes of one with an Ethernet address, RFC 9915 §11.4. */
};

static size_t put_option(uint8_t *at, uint32_t code, const uint8_t *value, size_t length)
{
	put16(at, code);
	put16(at + 2, (uint32_t)length);
	memcpy(at + 4, value, length);
	return 4 + length;
}

static void duid(const struct client *client, uint8_t *out)
{
	put16(out, 3);
	put16(out + 2, 1);
	memcpy(out + 4, client->mac, 6);
}

/* The first option with this code among those from `at` on; *size: its bytes. NULL: there is none. */
static const uint8_t *find(const uint8_t *at, size_t length, uint32_t code, size_t *size)
{
	while (length >= 4 && get16(at + 2) <= length - 4) {
		*size = get16(at + 2);
		if (get16(at) == code)
			return at + 4;
		at += 4 + *size;
		length -= 4 + *size;
	}
	return NULL;
}

static size_t ask(const struct client *client, struct exchange *exchange, uint8_t *frame)
{
	static const uint8_t servers[16] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 2};
	static const uint8_t wanted[] = {0, 23, 0, 24, 0, 56}, elapsed[2] = {0};
	uint8_t message[400], own[DUID_LL], ia[12] = {0, 0, 0, 1}, source[16];
	size_t at = 4;

	duid(client, own);
	put32(message, exchange->generation & 0xffffff);
	message[0] = exchange->step == 0 ? SOLICIT : REQUEST;
	at += put_option(message + at, CLIENT_ID, own, sizeof(own));
	if (exchange->step == 1)
		at += put_option(message + at, SERVER_ID, exchange->note, exchange->note_length);
	at += put_option(message + at, ELAPSED_TIME, elapsed, sizeof(elapsed));
	at += put_option(message + at, OPTION_REQUEST, wanted, sizeof(wanted));
	at += put_option(message + at, IA_NA, ia, sizeof(ia));
	frame_link_local(client->mac, source);
	struct datagram datagram = {.ip6 = true,
	        .target_mac = dhcp6_mac,
	        .source_port = 546,
	        .target_port = 547,
	        .payload = message,
	        .length = at};
	return frame_write(frame, client, &datagram, source, servers);
}

static bool recognise(const struct datagram *datagram, struct named *named)
{
	if (!datagram->ip6 || datagram->target_port != 546 || datagram->length < 4)
		return false;
	named->slot = 0;
	named->step = datagram->payload[0] == ADVERTISE ? 0 : 1;
	named->generation = get32(datagram->payload) & 0xffffff;
	return true;
}

static const char *check_address(const struct client *client, const uint8_t *options, size_t length)
{
	size_t size;
	const uint8_t *ia = find(options, length, IA_NA, &size);

	if (ia == NULL || size < 12 || get32(ia) != 1)
		return "no IA_NA";
	const uint8_t *address = find(ia + 12, size - 12, ADDRESS, &size);
	if (address == NULL || size < 24)
		return "no address in IA_NA";
	return memcmp(address, client->ip6, 16) == 0 ? NULL : "another address";
}

static const char *check(const struct client *client, struct exchange *exchange, const struct datagram *datagram)
{
	const uint8_t *options = datagram->payload + 4;
	size_t length = datagram->length - 4, size;
	uint8_t own[DUID_LL];

	if (memcmp(datagram->target_mac, client->mac, 6) != 0)
		return "frame to another MAC address";
	if (datagram->payload[0] != (exchange->step == 0 ? ADVERTISE : REPLY))
		return "neither ADVERTISE nor REPLY as expected";
	duid(client, own);
	const uint8_t *identifier = find(options, length, CLIENT_ID, &size);
	if (identifier == NULL || size != sizeof(own) || memcmp(identifier, own, size) != 0)
		return "answer to another client";
	const uint8_t *status = find(options, length, STATUS_CODE, &size);
	if (status != NULL && (size < 2 || get16(status) != 0))
		return "a status other than success";
	const uint8_t *server = find(options, length, SERVER_ID, &size);
	if (server == NULL || size > NOTE)
		return "no server identifier";
	memcpy(exchange->note, server, size);
	exchange->note_length = size;
	return check_address(client, options, length);
}

const struct protocol dhcp6 = {.name = "dhcp6",
        .steps = 2,
        .depth = 1,
        .generation_mask = 0xffffff,
        .ask = ask,
        .recognise = recognise,
        .check = check};
