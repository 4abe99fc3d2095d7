/* DHCPv4 (RFC 2131): DISCOVER, OFFER, REQUEST, ACK. The right answer has the address of the client's port. */
#include <string.h>

#include "frame.h"

enum {
	OPTIONS = 240, /* Where they begin: behind the fixed fields and the cookie. */
	COOKIE = 0x63825363,
	DISCOVER = 1,
	OFFER = 2,
	REQUEST = 3,
	ACK = 5,
	SUBNET_MASK = 1,
	REQUESTED = 50,
	LEASE_TIME = 51,
	TYPE = 53,
	SERVER = 54,
	PARAMETERS = 55,
	END = 255,
};

static size_t put_option(uint8_t *at, uint8_t code, const void *value, uint8_t length)
{
	at[0] = code;
	at[1] = length;
	memcpy(at + 2, value, length);
	return 2u + length;
}

/* The option's value of exactly so many bytes, or NULL. */
static const uint8_t *find(const struct datagram *datagram, uint8_t code, size_t length)
{
	const uint8_t *at = datagram->payload + OPTIONS, *end = datagram->payload + datagram->length;

	while (at < end && *at != END) {
		if (*at == 0) {
			at++;
			continue;
		}
		if (end - at < 2 || end - at - 2 < at[1])
			return NULL;
		if (*at == code)
			return at[1] == length ? at + 2 : NULL;
		at += 2 + at[1];
	}
	return NULL;
}

static size_t ask(const struct client *client, struct exchange *exchange, uint8_t *frame)
{
	static const uint8_t nobody[4] = {0}, everybody[4] = {255, 255, 255, 255};
	static const uint8_t wanted[] = {1, 3, 6, 12, 15, 26, 28, 42, 51, 54, 119, 121};
	uint8_t message[400] = {1, 1, 6}, type = exchange->step == 0 ? DISCOVER : REQUEST;
	size_t at = OPTIONS;

	put32(message + 4, (uint32_t)client->vlan << 16 | (exchange->generation & 0xffff));
	memcpy(message + 28, client->mac, 6);
	put32(message + 236, COOKIE);
	at += put_option(message + at, TYPE, &type, 1);
	if (type == REQUEST) {
		at += put_option(message + at, REQUESTED, client->ip4, 4);
		at += put_option(message + at, SERVER, exchange->note, 4);
	}
	at += put_option(message + at, PARAMETERS, wanted, sizeof(wanted));
	message[at++] = END;
	struct datagram datagram = {.target_mac = broadcast_mac,
	        .source_port = 68,
	        .target_port = 67,
	        .payload = message,
	        .length = at < 300 ? 300 : at};
	return frame_write(frame, client, &datagram, nobody, everybody);
}

static bool recognise(const struct datagram *datagram, struct named *named)
{
	if (datagram->ip6 || datagram->source_port != 67 || datagram->target_port != 68 || datagram->length < OPTIONS ||
	        get32(datagram->payload + 236) != COOKIE)
		return false;
	const uint8_t *type = find(datagram, TYPE, 1);
	named->slot = 0;
	named->step = type != NULL && *type == OFFER ? 0 : 1;
	named->generation = get16(datagram->payload + 6);
	return true;
}

static const char *check(const struct client *client, struct exchange *exchange, const struct datagram *datagram)
{
	const uint8_t *message = datagram->payload, *type = find(datagram, TYPE, 1),
	              *server = find(datagram, SERVER, 4);

	if (message[0] != 2)
		return "op is not BOOTREPLY";
	if (get16(message + 4) != client->vlan || memcmp(message + 28, client->mac, 6) != 0)
		return "answer to another client";
	if (memcmp(datagram->target_mac, client->mac, 6) != 0 && memcmp(datagram->target_mac, broadcast_mac, 6) != 0)
		return "frame to another MAC address";
	if (type == NULL || *type != (exchange->step == 0 ? OFFER : ACK))
		return "neither OFFER nor ACK as expected";
	if (memcmp(message + 16, client->ip4, 4) != 0)
		return "another address";
	if (server == NULL || memcmp(server, client->gateway4, 4) != 0)
		return "server identifier is not the gateway";
	if (find(datagram, LEASE_TIME, 4) == NULL || find(datagram, SUBNET_MASK, 4) == NULL)
		return "no lease time or no subnet mask";
	memcpy(exchange->note, server, 4);
	return NULL;
}

const struct protocol dhcp4 = {.name = "dhcp4",
        .steps = 2,
        .depth = 1,
        .generation_mask = 0xffff,
        .ask = ask,
        .recognise = recognise,
        .check = check};
