/* Looks for numbered packets where they arrive: numbered.h. */
#define _GNU_SOURCE
#include "arrivals.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "frame.h"
#include "numbered.h"
#include "way.h"

/* Numbers that are told apart; of those that are answered, and places for 5-tuples (a power of two). */
enum { NUMBERS = 60000 * 1000, ANSWERED = 1 << 24, PLACES = 1 << 25 };

struct tally {
	uint64_t received, distinct;
	uint8_t *seen;
};

static void count_flow(struct tally *tally, uint32_t flow)
{
	tally->received++;
	if (flow >= NUMBERS || (tally->seen[flow / 8] >> flow % 8 & 1) != 0)
		return;
	tally->seen[flow / 8] |= (uint8_t)(1 << flow % 8);
	tally->distinct++;
}

static int open_receiver(const char *interface)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
	        .sll_protocol = htons(ETH_P_IP),
	        .sll_ifindex = (int)if_nametoindex(interface)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1, buffer = 256 << 20;
	struct timeval tick = {.tv_usec = 100000};

	if (fd >= 0 && address.sll_ifindex != 0 &&
	        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) == 0 &&
	        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) == 0 &&
	        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick)) == 0 &&
	        bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return fd;
	fprintf(stderr, "error: %s: %s\n", interface, strerror(errno));
	return -1;
}

int arrivals_count(const char *interface, const volatile sig_atomic_t *stopping)
{
	struct tally tallies[2] = {{.seen = calloc(NUMBERS / 8, 1)}, {.seen = calloc(NUMBERS / 8, 1)}};
	int fd = open_receiver(interface);
	uint8_t frame[FRAME];

	if (fd < 0 || tallies[0].seen == NULL || tallies[1].seen == NULL)
		return 1;
	while (!*stopping) {
		ssize_t length = recv(fd, frame, sizeof(frame), 0);
		const uint8_t *udp = length > 0 ? numbered_find(frame, (size_t)length) : NULL;
		if (udp != NULL)
			count_flow(&tallies[numbered_is_back(udp) ? 1 : 0], numbered_number(udp));
	}
	printf("{\"open\": {\"received\": %" PRIu64 ", \"distinct\": %" PRIu64 "}, \"back\": {\"received\": %" PRIu64
	       ", \"distinct\": %" PRIu64 "}}\n",
	        tallies[0].received, tallies[0].distinct, tallies[1].received, tallies[1].distinct);
	return 0;
}

/* Addresses and ports as they stand in a packet, and the number that it carried, plus one; 0: an empty place. */
struct tuple {
	uint64_t addresses;
	uint32_t ports, number;
};

static struct tuple *places, *firsts;
static uint64_t shared, moved;

static bool same_tuple(const struct tuple *a, const struct tuple *b)
{
	return a->addresses == b->addresses && a->ports == b->ports;
}

static void note_tuple(struct tally *tally, const uint8_t *udp)
{
	struct tuple tuple = {.number = numbered_number(udp) + 1};
	uint32_t tries = 0;

	count_flow(tally, tuple.number - 1);
	memcpy(&tuple.addresses, udp - 8, 8);
	memcpy(&tuple.ports, udp, 4);
	if (tuple.number > ANSWERED)
		return;
	struct tuple *first = &firsts[tuple.number - 1];
	moved += first->number != 0 && !same_tuple(first, &tuple);
	*first = tuple;
	uint64_t hash = (tuple.addresses * 0x9e3779b97f4a7c15u ^ tuple.ports) * 0xbf58476d1ce4e5b9u;
	for (uint32_t at = (uint32_t)(hash >> 32) % PLACES; tries < PLACES; at = (at + 1) % PLACES, tries++) {
		struct tuple *place = &places[at];
		if (place->number == 0)
			*place = tuple;
		if (!same_tuple(place, &tuple))
			continue;
		shared += place->number != tuple.number;
		return;
	}
}

static void answer(uint8_t frame[FRAME], uint8_t *udp)
{
	size_t length = numbered_turn(frame, udp);

	way_send((const uint8_t(*)[FRAME])frame, &length, 0, 1);
}

int arrivals_answer(const char *interface, const volatile sig_atomic_t *stopping)
{
	struct tally tally = {.seen = calloc(NUMBERS / 8, 1)};
	int fd = open_receiver(interface);
	static uint8_t frame[FRAME];

	places = calloc(PLACES, sizeof(*places));
	firsts = calloc(ANSWERED, sizeof(*firsts));
	if (fd < 0 || !way_open(interface) || tally.seen == NULL || places == NULL || firsts == NULL)
		return 1;
	while (!*stopping) {
		ssize_t length = recv(fd, frame, sizeof(frame), 0);
		uint8_t *udp = length > 0 ? numbered_find(frame, (size_t)length) : NULL;
		if (udp == NULL || numbered_is_back(udp))
			continue;
		note_tuple(&tally, udp);
		answer(frame, udp);
	}
	printf("{\"received\": %" PRIu64 ", \"distinct\": %" PRIu64 ", \"shared\": %" PRIu64 ", \"moved\": %" PRIu64
	       "}\n",
	        tally.received, tally.distinct, shared, moved);
	return 0;
}
