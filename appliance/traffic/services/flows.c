/*
 * Numbered flows between two VMs: does the first packet of each arrive, and its answer?
 *
 *   flows send INTERFACE|SOCKET MAC IPV4 TARGETMAC TARGET4 [kind=open|back|syn] [first=N] [count=N] [rate=R]
 *   flows count INTERFACE
 *
 * Flow i is UDP from port 1024 + i mod 60000 to port 61100 + i / 60000. `open` sends its first packet, `back` what
 * answers it, `syn` a TCP SYN with the same ports; each frame another flow, from `first` on (0), `count` of them
 * (without: all, again and again), at so many per second (without: as fast as it goes). SOCKET: the path of a
 * vhost-user socket that the appliance made. `send` ends with the last frame, both end with SIGTERM or SIGINT; they
 * print {"sent": N, "refused": N, "seconds": X, "rate": R} and {"open": {"received": N, "distinct": N}, "back": {…}}.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>

#include "frame.h"
#include "way.h"

#define SECOND UINT64_C(1000000000)
#define LATE   (SECOND / 50)
#define MAGIC  0x57667477u

enum {
	BATCH = 64,
	UDP = 17,
	TCP = 6,
	UDP_HEAD = 8,
	TCP_HEAD = 20,
	PAYLOAD = 16,
	LOW = 1024,
	LOWS = 60000,
	HIGH = 61100
};
enum { HIGHS = 4000, FLOWS = LOWS * 1000 };
enum kind { OPEN, BACK, SYN };

struct load {
	struct client vm;
	uint8_t target_mac[6], target4[4];
	enum kind kind;
	uint64_t first, count;
	double rate;
};

static volatile sig_atomic_t stopping;

static void on_signal(int signal_number)
{
	(void)signal_number;
	stopping = 1;
}

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static void wait_for(uint64_t due)
{
	struct timespec until = {.tv_sec = (time_t)(due / SECOND), .tv_nsec = (long)(due % SECOND)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static size_t write_flow(const struct load *load, uint64_t flow, uint8_t *frame)
{
	uint32_t low = LOW + (uint32_t)(flow % LOWS), high = HIGH + (uint32_t)(flow / LOWS % HIGHS);
	bool syn = load->kind == SYN;
	size_t length = syn ? TCP_HEAD : UDP_HEAD + PAYLOAD;
	uint8_t *ip = frame + frame_head(frame, &load->vm, load->target_mac, ETH_P_IP);
	uint8_t *l4 = ip + frame_ip4(ip, syn ? TCP : UDP, length, load->vm.ip4, load->target4);

	memset(l4, 0, length);
	put16(l4, load->kind == BACK ? high : low);
	put16(l4 + 2, load->kind == BACK ? low : high);
	if (syn) {
		put32(l4 + 4, (uint32_t)flow * 2654435761u);
		l4[12] = TCP_HEAD / 4 << 4;
		l4[13] = 2;
		put16(l4 + 14, 64240);
	} else {
		put16(l4 + 4, (uint32_t)length);
		put32(l4 + UDP_HEAD, MAGIC);
		put32(l4 + UDP_HEAD + 4, (uint32_t)flow);
	}
	put16(l4 + (syn ? 16 : 6), (uint16_t)~frame_sum(syn ? TCP : UDP, ip + 12, false, l4, length));
	return (size_t)(l4 - frame) + length;
}

static void run_send(const struct load *load)
{
	static uint8_t frames[BATCH][FRAME];
	uint64_t start = clock_ns(), sent = 0, refused = 0, due = 0;
	size_t lengths[BATCH];

	/* What is late is made up for, but not more than LATE. */
	while (!stopping && (load->count == 0 || sent < load->count)) {
		uint32_t batch =
		        load->count == 0 || load->count - sent > BATCH ? BATCH : (uint32_t)(load->count - sent);
		for (uint32_t i = 0; i < batch; i++)
			lengths[i] = write_flow(load, load->first + sent + i, frames[i]);
		uint32_t taken = 0;
		while (taken < batch && !stopping) {
			uint32_t now = way_send(frames, lengths, taken, batch - taken);
			refused += now == 0;
			taken += now;
		}
		sent += taken;
		if (load->rate > 0) {
			uint64_t now = clock_ns(), step = (uint64_t)(batch * 1e9 / load->rate);
			due = due + step + LATE > now ? due + step : now;
			wait_for(due);
		}
	}
	double seconds = (double)(clock_ns() - start) / 1e9;
	printf("{\"sent\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"seconds\": %.3f, \"rate\": %.0f}\n", sent, refused,
	        seconds, (double)sent / seconds);
}

struct tally {
	uint64_t received, distinct;
	uint8_t *seen;
};

static void count_flow(struct tally *tally, uint32_t flow)
{
	tally->received++;
	if (flow >= FLOWS || (tally->seen[flow / 8] >> flow % 8 & 1) != 0)
		return;
	tally->seen[flow / 8] |= (uint8_t)(1 << flow % 8);
	tally->distinct++;
}

static void look_at(struct tally tallies[2], const uint8_t *frame, size_t length)
{
	const uint8_t *udp = frame + ETH_HLEN + 20, *payload = udp + UDP_HEAD;

	if (length < ETH_HLEN + 20 + UDP_HEAD + PAYLOAD || get16(frame + 12) != ETH_P_IP || frame[ETH_HLEN] != 0x45 ||
	        frame[ETH_HLEN + 9] != UDP || get32(payload) != MAGIC)
		return;
	uint32_t flow = get32(payload + 4);
	count_flow(&tallies[get16(udp) == LOW + flow % LOWS ? OPEN : BACK], flow);
}

static int run_count(const char *interface)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
	        .sll_protocol = htons(ETH_P_IP),
	        .sll_ifindex = (int)if_nametoindex(interface)};
	struct tally tallies[2] = {{.seen = calloc(FLOWS / 8, 1)}, {.seen = calloc(FLOWS / 8, 1)}};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0), one = 1, buffer = 256 << 20;
	struct timeval tick = {.tv_usec = 100000};
	uint8_t frame[FRAME];

	if (fd < 0 || address.sll_ifindex == 0 || tallies[0].seen == NULL || tallies[1].seen == NULL ||
	        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
	        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) < 0 ||
	        setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof(tick)) < 0 ||
	        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fprintf(stderr, "error: %s: %s\n", interface, strerror(errno)), 1;
	while (!stopping) {
		ssize_t length = recv(fd, frame, sizeof(frame), 0);
		if (length > 0)
			look_at(tallies, frame, (size_t)length);
	}
	printf("{\"open\": {\"received\": %" PRIu64 ", \"distinct\": %" PRIu64 "}, \"back\": {\"received\": %" PRIu64
	       ", \"distinct\": %" PRIu64 "}}\n",
	        tallies[OPEN].received, tallies[OPEN].distinct, tallies[BACK].received, tallies[BACK].distinct);
	return 0;
}

static bool read_mac(const char *text, uint8_t *m)
{
	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", m, m + 1, m + 2, m + 3, m + 4, m + 5) == 6;
}

static bool read_option(struct load *load, const char *text)
{
	static const char *const kinds[] = {[OPEN] = "kind=open", [BACK] = "kind=back", [SYN] = "kind=syn"};

	for (uint32_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(text, kinds[i]) == 0) {
			load->kind = (enum kind)i;
			return true;
		}
	}
	return sscanf(text, "first=%" SCNu64, &load->first) == 1 || sscanf(text, "count=%" SCNu64, &load->count) == 1 ||
	       (sscanf(text, "rate=%lf", &load->rate) == 1 && load->rate > 0);
}

int main(int count, char **arguments)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct load load = {0};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if (count == 3 && strcmp(arguments[1], "count") == 0)
		return run_count(arguments[2]);
	bool fine = count >= 7 && strcmp(arguments[1], "send") == 0 && read_mac(arguments[3], load.vm.mac) &&
	            inet_pton(AF_INET, arguments[4], load.vm.ip4) == 1 && read_mac(arguments[5], load.target_mac) &&
	            inet_pton(AF_INET, arguments[6], load.target4) == 1;
	for (int i = 7; fine && i < count; i++)
		fine = read_option(&load, arguments[i]);
	if (!fine)
		return fprintf(stderr, "usage: flows send INTERFACE MAC IPV4 TARGETMAC TARGET4 [OPTION=VALUE ...] | "
		                       "flows count INTERFACE\n"),
		       2;
	prctl(PR_SET_TIMERSLACK, 1);
	if (!way_open(arguments[2]))
		return 1;
	run_send(&load);
	return 0;
}
