/*
 * A paced, sequence-checked UDP stream: does every packet arrive, once, and how long was the longest silence?
 *
 *   pace send ADDRESS PORT RATE SECONDS   sends RATE packets/s; prints {"sent": N}
 *   pace recv PORT                        until SIGTERM or SIGINT; prints
 *     {"received": N, "highest": N, "missing": N, "duplicated": N, "reordered": N, "longestGapMs": X}
 *
 * A packet is 64 bytes: u64 sequence number, host order (both ends run on one machine), zeros.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

enum { PAYLOAD = 64, MAX_PACKETS = 1 << 26 };

static volatile sig_atomic_t stopping;

static void on_signal(int signal_number)
{
	(void)signal_number;
	stopping = 1;
}

static int64_t now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * INT64_C(1000000000) + t.tv_nsec;
}

static int fail(const char *what)
{
	fprintf(stderr, "error: %s: %s\n", what, strerror(errno));
	return 1;
}

static int run_send(const char *address, int port, long rate, double seconds)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	char payload[PAYLOAD] = {0};
	uint64_t total = rate * seconds, sent = 0, refused = 0;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int buffer = 4 << 20;

	if (fd < 0 || inet_pton(AF_INET, address, &to.sin_addr) != 1)
		return fail(address);
	setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer));
	int64_t start = now_ns();
	while (sent < total && !stopping) {
		int64_t due = start + (int64_t)(sent * 1e9 / rate);
		struct timespec until = {.tv_sec = due / 1000000000, .tv_nsec = due % 1000000000};

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
		memcpy(payload, &sent, sizeof(sent));
		if (sendto(fd, payload, sizeof(payload), 0, (struct sockaddr *)&to, sizeof(to)) == sizeof(payload))
			sent++;
		else if (errno == ENOBUFS || errno == EAGAIN || errno == ECONNREFUSED || errno == EINTR)
			refused++;
		else
			return fail("sendto");
	}
	printf("{\"sent\": %" PRIu64 ", \"retried\": %" PRIu64 "}\n", sent, refused);
	return 0;
}

struct tally {
	uint64_t received, highest, duplicated, reordered;
	int64_t last_ns, longest_ns;
	uint8_t *seen;
};

static void count(struct tally *tally, uint64_t sequence, int64_t at)
{
	if (sequence >= MAX_PACKETS)
		return;
	if (tally->received > 0 && at - tally->last_ns > tally->longest_ns)
		tally->longest_ns = at - tally->last_ns;
	tally->last_ns = at;
	if (tally->seen[sequence]) {
		tally->duplicated++;
		return;
	}
	tally->seen[sequence] = 1;
	if (tally->received > 0 && sequence < tally->highest)
		tally->reordered++;
	else
		tally->highest = sequence;
	tally->received++;
}

static int run_recv(int port)
{
	struct sockaddr_in here = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct tally tally = {.seen = calloc(MAX_PACKETS, 1)};
	struct timeval tick = {.tv_usec = 100000};
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	int buffer = 16 << 20;
	char payload[PAYLOAD];
	uint64_t sequence;

	if (fd < 0 || tally.seen == NULL || bind(fd, (struct sockaddr *)&here, sizeof(here)) != 0)
		return fail("bind");
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick));
	while (!stopping) {
		if (recv(fd, payload, sizeof(payload), 0) != sizeof(payload))
			continue;
		memcpy(&sequence, payload, sizeof(sequence));
		count(&tally, sequence, now_ns());
	}
	uint64_t expected = tally.received == 0 ? 0 : tally.highest + 1;
	printf("{\"received\": %" PRIu64 ", \"highest\": %" PRIu64 ", \"missing\": %" PRIu64
	       ", \"duplicated\": %" PRIu64 ", \"reordered\": %" PRIu64 ", \"longestGapMs\": %.1f}\n",
	        tally.received, tally.highest, expected - tally.received, tally.duplicated, tally.reordered,
	        tally.longest_ns / 1e6);
	free(tally.seen);
	return 0;
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = on_signal};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if (argc == 6 && strcmp(argv[1], "send") == 0 && atol(argv[4]) > 0)
		return run_send(argv[2], atoi(argv[3]), atol(argv[4]), atof(argv[5]));
	if (argc == 3 && strcmp(argv[1], "recv") == 0)
		return run_recv(atoi(argv[2]));
	fprintf(stderr, "usage: pace send ADDRESS PORT RATE SECONDS | pace recv PORT\n");
	return 2;
}
