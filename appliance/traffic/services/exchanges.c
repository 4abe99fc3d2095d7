#define _GNU_SOURCE
#include "exchanges.h"

#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "frame.h"
#include "latency.h"
#include "trunk.h"

#define SECOND UINT64_C(1000000000)
/* As resolvers wait by default (resolv.conf(5)). */
#define PATIENCE  (5 * SECOND)
#define SCAN_EACH (SECOND / 100)
/* What is due is sent together at this pace: waking for each takes CPU from those who are measured. */
#define TICK (SECOND / 2000)
/* RFC 2131 §4.1: 4 s and up to one more or less, twice as long each time up to 64 s. */
#define BOOT_FIRST   (4 * SECOND)
#define BOOT_LONGEST (64 * SECOND)

enum { VLANS = 4096, BURST = 64 };

static const struct plan *plan;
static struct exchange *exchanges;
static int16_t client_of[VLANS];
static int trunk;
static uint32_t under_way, next_client;
static uint64_t now;
static struct {
	uint64_t begun, answered, lost, asked_again, duplicated, late, wrong, strange, broken, skipped;
	const char *example;
	uint64_t last_ns;
	struct latency whole;
} tally;

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static struct exchange *exchange_of(uint32_t client, uint32_t slot)
{
	return &exchanges[client * DEPTH + slot];
}

static void ask(uint32_t client, struct exchange *exchange)
{
	uint8_t *frame = trunk_frame(trunk);

	trunk_queue(plan->protocol->ask(&plan->clients[client], exchange, frame));
	exchange->deadline_ns = now + exchange->patience_ns;
}

static uint64_t first_patience(void)
{
	return plan->boot ? BOOT_FIRST - SECOND + (uint64_t)random() % (2 * SECOND) : PATIENCE;
}

static void begin(uint32_t client, struct exchange *exchange)
{
	exchange->busy = true;
	exchange->step = 0;
	exchange->generation++;
	exchange->done <<= 1;
	exchange->begun_ns = now;
	exchange->patience_ns = first_patience();
	under_way++;
	tally.begun++;
	ask(client, exchange);
}

/* The next client in turn that has room begins one; false: none has. */
static bool begin_next(void)
{
	for (uint32_t tried = 0; tried < plan->count; tried++) {
		uint32_t client = next_client++ % plan->count;
		for (uint32_t slot = 0; slot < plan->depth; slot++) {
			struct exchange *exchange = exchange_of(client, slot);
			if (!exchange->busy) {
				begin(client, exchange);
				return true;
			}
		}
	}
	return false;
}

static void finish(struct exchange *exchange, bool well)
{
	exchange->busy = false;
	exchange->done |= well ? 1 : 0;
	under_way--;
}

static void note_wrong(const char *what)
{
	tally.wrong++;
	tally.example = what;
}

/* An answer that the exchange does not wait for: its second, or one that came after we had given up. */
static void count_stale(const struct exchange *exchange, uint32_t age, uint8_t step)
{
	bool answered =
	        age == 0 && exchange->busy ? step < exchange->step : age < 64 && (exchange->done >> age & 1) != 0;

	if (answered)
		tally.duplicated++;
	else
		tally.late++;
}

static void advance(uint32_t client, struct exchange *exchange)
{
	exchange->step++;
	tally.last_ns = now;
	if (exchange->step < plan->protocol->steps) {
		exchange->patience_ns = first_patience();
		ask(client, exchange);
		return;
	}
	latency_add(&tally.whole, (now - exchange->begun_ns) / 1000);
	tally.answered++;
	finish(exchange, true);
}

static void take(uint16_t vlan, const uint8_t *frame, size_t length)
{
	struct datagram datagram;
	struct named named;
	bool broken;
	int32_t client = client_of[vlan & (VLANS - 1)];

	if (!frame_read(frame, length, &datagram, &broken)) {
		tally.broken += broken;
		return;
	}
	if (!plan->protocol->recognise(&datagram, &named))
		return;
	if (client < 0) {
		tally.strange++;
		return;
	}
	if (named.slot >= plan->depth || named.step >= plan->protocol->steps)
		return note_wrong("an id that was never given");
	struct exchange *exchange = exchange_of((uint32_t)client, named.slot);
	uint32_t age = (exchange->generation - named.generation) & plan->protocol->generation_mask;
	if (age != 0 || !exchange->busy || named.step < exchange->step)
		return count_stale(exchange, age, named.step);
	const char *wrong = plan->protocol->check(&plan->clients[client], exchange, &datagram);
	if (wrong != NULL) {
		note_wrong(wrong);
		return;
	}
	advance((uint32_t)client, exchange);
}

static void give_up_or_repeat(uint32_t client, struct exchange *exchange)
{
	if (!exchange->busy || now < exchange->deadline_ns)
		return;
	if (!plan->boot) {
		tally.lost++;
		finish(exchange, false);
		return;
	}
	tally.asked_again++;
	exchange->patience_ns = exchange->patience_ns * 2 > BOOT_LONGEST ? BOOT_LONGEST : exchange->patience_ns * 2;
	ask(client, exchange);
}

static void scan(void)
{
	for (uint32_t client = 0; client < plan->count; client++) {
		for (uint32_t slot = 0; slot < plan->depth; slot++)
			give_up_or_repeat(client, exchange_of(client, slot));
	}
}

/* Begins what is due; when the next is, ns. */
static uint64_t begin_due(uint64_t start, uint64_t *due)
{
	if (plan->boot)
		return UINT64_MAX;
	if (plan->rate == 0) {
		while (under_way < plan->window && begin_next())
			;
		return UINT64_MAX;
	}
	uint64_t should = (uint64_t)((double)(now - start) * plan->rate / 1e9);
	for (uint32_t sent = 0; *due < should && sent < BURST; (*due)++, sent++) {
		if (under_way >= plan->window || !begin_next())
			tally.skipped++;
	}
	uint64_t next = start + (uint64_t)((double)(*due + 1) * 1e9 / plan->rate);
	return next > now + TICK ? next : now + TICK;
}

static void wait_until(uint64_t when)
{
	struct pollfd polled = {.fd = trunk, .events = POLLIN};
	uint64_t at = clock_ns(), ns = when > at ? when - at : 0;
	struct timespec pause = {.tv_sec = (time_t)(ns / SECOND), .tv_nsec = (long)(ns % SECOND)};

	ppoll(&polled, 1, &pause, NULL);
	now = clock_ns();
}

static void loop(uint64_t start)
{
	uint64_t end = start + (uint64_t)(plan->seconds * 1e9), scan_at = start, due = 0;

	for (;;) {
		bool over = now >= end || (plan->boot && under_way == 0);
		if (over && (under_way == 0 || plan->boot || now >= end + PATIENCE + SCAN_EACH))
			return;
		uint64_t next = over ? UINT64_MAX : begin_due(start, &due);
		if (now >= scan_at) {
			scan();
			scan_at = now + SCAN_EACH;
		}
		trunk_flush(trunk);
		wait_until(next < scan_at ? next : scan_at);
		while (trunk_receive(trunk, take) == BURST)
			;
	}
}

/* Second answers may still come. */
static void listen_on(void)
{
	for (uint64_t end = now + SECOND / 2; now < end;) {
		wait_until(end);
		trunk_receive(trunk, take);
	}
}

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void print(uint64_t start, double cpu)
{
	double seconds = tally.last_ns > start ? (double)(tally.last_ns - start) / 1e9 : 0;

	printf("{\"protocol\": \"%s\", \"begun\": %" PRIu64 ", \"answered\": %" PRIu64 ", \"lost\": %" PRIu64
	       ", \"duplicated\": %" PRIu64 ", \"late\": %" PRIu64 ", \"wrong\": %" PRIu64 ", \"broken\": %" PRIu64
	       ", \"strange\": %" PRIu64 ", \"skipped\": %" PRIu64 ", \"askedAgain\": %" PRIu64
	       ", \"refused\": %" PRIu64 ", \"example\": \"%s\"",
	        plan->protocol->name, tally.begun, tally.answered, tally.lost, tally.duplicated, tally.late,
	        tally.wrong, tally.broken, tally.strange, tally.skipped, tally.asked_again, trunk_refused(),
	        tally.example == NULL ? "" : tally.example);
	printf(", \"seconds\": %.3f, \"rate\": %.1f, \"cpuSeconds\": %.2f, \"ms\": ", seconds,
	        seconds == 0 ? 0 : (double)tally.answered / seconds, cpu);
	latency_print(&tally.whole, stdout);
	puts("}");
}

void exchanges_run(int fd, const struct plan *wanted)
{
	plan = wanted;
	trunk = fd;
	exchanges = calloc((size_t)plan->count * DEPTH, sizeof(*exchanges));
	memset(client_of, 0xff, sizeof(client_of));
	if (exchanges == NULL)
		return;
	srandom((unsigned int)clock_ns());
	for (uint32_t client = 0; client < plan->count; client++) {
		uint32_t first = (uint32_t)random();
		client_of[plan->clients[client].vlan] = (int16_t)client;
		for (uint32_t slot = 0; slot < DEPTH; slot++)
			*exchange_of(client, slot) = (struct exchange){.slot = (uint8_t)slot, .generation = first};
	}
	uint64_t start = now = clock_ns();
	for (uint32_t client = 0; plan->boot && client < plan->count; client++)
		begin(client, exchange_of(client, 0));
	loop(start);
	/* A boot that is not over at its end has lost the rest. */
	if (plan->boot)
		tally.lost = under_way;
	listen_on();
	print(start, cpu_seconds());
	free(exchanges);
}
