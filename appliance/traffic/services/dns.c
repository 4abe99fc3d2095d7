/* DNS over UDP (RFC 1035): A records. The right answer has our id, our question and the address of the name. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "frame.h"

enum { NAMES = 4096, QUESTION = 260, HEAD = 12, GENERATION_BITS = 12, FIRST_PORT = 20000 };

static struct name {
	/* The name in labels, type A, class IN. */
	uint8_t question[QUESTION];
	size_t length;
	uint8_t address[4];
} names[NAMES];
static uint32_t name_count, next_name;

static bool put_name(struct name *name, const char *text)
{
	for (const char *label = text; *label != '\0';) {
		size_t length = strcspn(label, ".");
		if (length == 0 || length > 63 || name->length + length + 6 > QUESTION)
			return false;
		name->question[name->length++] = (uint8_t)length;
		memcpy(name->question + name->length, label, length);
		name->length += length;
		label += length + (label[length] == '.');
	}
	name->question[name->length] = 0;
	put16(name->question + name->length + 1, 1);
	put16(name->question + name->length + 3, 1);
	name->length += 5;
	return true;
}

bool dns_add_name(const char *text, const char *address)
{
	struct name *name = &names[name_count];

	if (name_count == NAMES || !put_name(name, text) || inet_pton(AF_INET, address, name->address) != 1)
		return fprintf(stderr, "error: no name and IPv4 address, or too many: %s %s\n", text, address), false;
	name_count++;
	return true;
}

bool dns_read_names(const char *path)
{
	char text[256], address[64];
	FILE *file = fopen(path, "r");

	if (file == NULL)
		return fprintf(stderr, "error: %s: %s\n", path, strerror(errno)), false;
	bool good = true;
	while (good && fscanf(file, "%255s %63s", text, address) == 2)
		good = dns_add_name(text, address);
	fclose(file);
	if (name_count == 0)
		fprintf(stderr, "error: %s: want lines of NAME ADDRESS\n", path);
	return good && name_count != 0;
}

static size_t ask(const struct client *client, struct exchange *exchange, uint8_t *frame)
{
	uint8_t message[HEAD + QUESTION] = {0};

	exchange->choice = next_name++ % name_count;
	const struct name *name = &names[exchange->choice];
	put16(message,
	        (uint32_t)exchange->slot << GENERATION_BITS | (exchange->generation & ((1u << GENERATION_BITS) - 1)));
	put16(message + 2, 0x0100);
	put16(message + 4, 1);
	memcpy(message + HEAD, name->question, name->length);
	struct datagram datagram = {.target_mac = gateway_mac,
	        .source_port = FIRST_PORT + exchange->slot,
	        .target_port = 53,
	        .payload = message,
	        .length = HEAD + name->length};
	return frame_write(frame, client, &datagram, client->ip4, client->gateway4);
}

static bool recognise(const struct datagram *datagram, struct named *named)
{
	if (datagram->ip6 || datagram->source_port != 53 || datagram->length < HEAD)
		return false;
	uint32_t id = get16(datagram->payload);
	named->slot = (uint8_t)(id >> GENERATION_BITS);
	named->step = 0;
	named->generation = id & ((1u << GENERATION_BITS) - 1);
	return true;
}

/* Where a name of a message ends, compressed or not; NULL: behind the end of the message. */
static const uint8_t *skip_name(const uint8_t *at, const uint8_t *end)
{
	while (at < end) {
		if ((*at & 0xc0) == 0xc0)
			return end - at < 2 ? NULL : at + 2;
		if (*at == 0)
			return at + 1;
		at += 1 + *at;
	}
	return NULL;
}

/* Whether one of the answers is an A record with this address. */
static bool has_address(const uint8_t *at, const uint8_t *end, uint32_t answers, const uint8_t *address)
{
	for (; answers > 0; answers--) {
		at = skip_name(at, end);
		if (at == NULL || end - at < 10)
			return false;
		uint32_t type = get16(at), length = get16(at + 8);
		at += 10;
		if ((size_t)(end - at) < length)
			return false;
		if (type == 1 && length == 4 && memcmp(at, address, 4) == 0)
			return true;
		at += length;
	}
	return false;
}

static const char *check(const struct client *client, struct exchange *exchange, const struct datagram *datagram)
{
	const struct name *name = &names[exchange->choice];
	const uint8_t *message = datagram->payload;

	if (memcmp(datagram->target_mac, client->mac, 6) != 0)
		return "frame to another MAC address";
	if (datagram->target_port != FIRST_PORT + exchange->slot)
		return "another port than that of the query";
	if ((message[2] & 0x80) == 0 || get16(message + 4) != 1 || datagram->length < HEAD + name->length ||
	        memcmp(message + HEAD, name->question, name->length) != 0)
		return "another question";
	if ((message[2] & 2) != 0)
		return "truncated";
	if ((message[3] & 15) != 0)
		return "an error code";
	if (!has_address(message + HEAD + name->length, message + datagram->length, get16(message + 6), name->address))
		return "not the address of the name";
	return NULL;
}

const struct protocol dns = {.name = "dns",
        .steps = 1,
        .depth = DEPTH,
        .generation_mask = (1u << GENERATION_BITS) - 1,
        .ask = ask,
        .recognise = recognise,
        .check = check};
