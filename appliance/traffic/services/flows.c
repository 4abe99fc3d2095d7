/*
 * Numbered flows between two VMs, or a VM and the world behind an uplink: does the first packet of each arrive, and its
 * answer, and from where?
 *
 *   flows send INTERFACE|SOCKET MAC IPV4 TARGETMAC TARGET4 [kind=open|back|syn] [first=N] [count=N] [rate=R] [ports=N]
 *       [number=N]
 *   flows count INTERFACE
 *   flows answer INTERFACE
 *
 * Flow i is UDP from port 1024 + i mod `ports` (60000) to port 61100 + i / `ports`, and its packets carry the number
 * `number` (0) + i. `open` sends its first packet, `back` what answers it, `syn` a TCP SYN with the same ports; each
 * frame another flow, from `first` on (0), `count` of them (without: all, again and again), at so many per second
 * (without: as fast as it goes). SOCKET: the path of a vhost-user socket that the appliance made. `count` counts the
 * numbers that arrive, `answer` sends each back to where it seems to come from. `send` ends with the last frame, all
 * end with SIGTERM or SIGINT; they print
 *   {"sent": N, "refused": N, "seconds": X, "rate": R}
 *   {"open": {"received": N, "distinct": N}, "back": {…}}
 *   {"received": N, "distinct": N, "shared": N, "moved": N}
 * shared: 5-tuples that were those of two numbers; moved: numbers that came with another 5-tuple than before.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <time.h>

#include "arrivals.h"
#include "frame.h"
#include "numbered.h"
#include "way.h"

#define SECOND UINT64_C(1000000000)
#define LATE   (SECOND / 50)

enum { BATCH = 64 };

struct load {
	struct numbered flows;
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
			lengths[i] = numbered_write(&load->flows, load->first + sent + i, frames[i]);
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

static bool read_mac(const char *text, uint8_t *m)
{
	return sscanf(text, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", m, m + 1, m + 2, m + 3, m + 4, m + 5) == 6;
}

static bool read_option(struct load *load, const char *text)
{
	static const char *const kinds[] = {
	        [NUMBERED_OPEN] = "kind=open", [NUMBERED_BACK] = "kind=back", [NUMBERED_SYN] = "kind=syn"};

	for (uint32_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		if (strcmp(text, kinds[i]) == 0) {
			load->flows.kind = (enum numbered_kind)i;
			return true;
		}
	}
	return sscanf(text, "first=%" SCNu64, &load->first) == 1 || sscanf(text, "count=%" SCNu64, &load->count) == 1 ||
	       sscanf(text, "number=%" SCNu64, &load->flows.number) == 1 ||
	       (sscanf(text, "ports=%" SCNu32, &load->flows.ports) == 1 && load->flows.ports > 0 &&
	               load->flows.ports <= NUMBERED_LOWS) ||
	       (sscanf(text, "rate=%lf", &load->rate) == 1 && load->rate > 0);
}

int main(int count, char **arguments)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct load load = {.flows.ports = NUMBERED_LOWS};

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if (count == 3 && strcmp(arguments[1], "count") == 0)
		return arrivals_count(arguments[2], &stopping);
	if (count == 3 && strcmp(arguments[1], "answer") == 0)
		return arrivals_answer(arguments[2], &stopping);
	bool fine = count >= 7 && strcmp(arguments[1], "send") == 0 && read_mac(arguments[3], load.flows.vm.mac) &&
	            inet_pton(AF_INET, arguments[4], load.flows.vm.ip4) == 1 &&
	            read_mac(arguments[5], load.flows.target_mac) &&
	            inet_pton(AF_INET, arguments[6], load.flows.target4) == 1;
	for (int i = 7; fine && i < count; i++)
		fine = read_option(&load, arguments[i]);
	if (!fine)
		return fprintf(stderr, "usage: flows send INTERFACE MAC IPV4 TARGETMAC TARGET4 [OPTION=VALUE ...] | "
		                       "flows count|answer INTERFACE\n"),
		       2;
	prctl(PR_SET_TIMERSLACK, 1);
	if (!way_open(arguments[2]))
		return 1;
	run_send(&load);
	return 0;
}
