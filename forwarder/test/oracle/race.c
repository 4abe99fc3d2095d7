#include "race.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "crowd.h"
#include "port.h"
#include "report.h"
#include "rig.h"
#include "rows.h"
#include "worker.h"

/* Outstanding at a time: sockets and rings hold so many. */
#define WINDOW 32u
/* Of a VM's frame without extension headers. */
#define L4_IPV4 34u
#define L4_IPV6 54u

struct frame {
	uint32_t port, length, sent, left;
	uint16_t l4_port;
	uint8_t bytes[CROWD_FRAME];
};

struct batch {
	const uint8_t *ops;
	uint32_t length;
};

static struct frame *frames;
static struct batch *batches;
static uint32_t *ports;
static int *far_ends;
static uint32_t rounds, port_count, batch_count, frame_count;
static bool stop;

/* A question of which less is there than it says must end the program. */
struct reader {
	const uint8_t *at, *end;
};

static const uint8_t *take(struct reader *reader, uint32_t bytes)
{
	const uint8_t *at = reader->at;
	uint32_t padded = (bytes + 3) & ~3u;

	if (padded < bytes || padded > (size_t)(reader->end - at)) {
		fprintf(stderr, "oracle: half a race\n");
		exit(2);
	}
	reader->at += padded;
	return at;
}

static uint32_t take_number(struct reader *reader)
{
	uint32_t number;

	memcpy(&number, take(reader, sizeof(number)), sizeof(number));
	return number;
}

static void *make(uint32_t count, size_t bytes)
{
	void *at = calloc(count + 1, bytes);

	if (at == NULL)
		abort();
	return at;
}

static void read_frames(struct reader *reader)
{
	frames = make(frame_count, sizeof(*frames));
	for (uint32_t i = 0; i < frame_count; i++) {
		struct frame *frame = &frames[i];
		frame->port = take_number(reader);
		frame->length = take_number(reader);
		if (frame->length < L4_IPV6 + 8 || frame->length > CROWD_FRAME) {
			fprintf(stderr, "oracle: a frame of a race is too short or too long\n");
			exit(2);
		}
		memcpy(frame->bytes, take(reader, frame->length), frame->length);
		memcpy(frame->bytes + frame->length - sizeof(i), &i, sizeof(i));
	}
}

static void read_question(const uint8_t *bytes, uint32_t length)
{
	struct reader reader = {bytes, bytes + length};

	rounds = take_number(&reader);
	port_count = take_number(&reader);
	batch_count = take_number(&reader);
	frame_count = take_number(&reader);
	ports = make(port_count, sizeof(*ports));
	far_ends = make(port_count, sizeof(*far_ends));
	batches = make(batch_count, sizeof(*batches));
	for (uint32_t i = 0; i < port_count; i++)
		ports[i] = take_number(&reader);
	for (uint32_t i = 0; i < batch_count; i++) {
		batches[i].length = take_number(&reader);
		batches[i].ops = take(&reader, batches[i].length);
	}
	read_frames(&reader);
}

static int far_of(uint32_t port)
{
	for (uint32_t i = 0; i < port_count; i++)
		if (ports[i] == port)
			return far_ends[i];
	fprintf(stderr, "oracle: a frame of a race is for port %u, which takes no part\n", port);
	exit(2);
}

static void drain(void)
{
	uint8_t out[CROWD_FRAME];
	uint32_t number, length;

	for (uint32_t i = 0; i < port_count; i++) {
		while ((length = crowd_receive(far_ends[i], out)) > sizeof(number)) {
			memcpy(&number, out + length - sizeof(number), sizeof(number));
			if (number < frame_count)
				frames[number].left++;
		}
	}
}

/* Frames that entered and of which the forwarder has not said yet what became. */
static uint64_t underway(uint64_t sent)
{
	uint64_t ended = 0;

	for (uint32_t i = 0; i < port_count; i++) {
		struct port_totals totals = rig_totals(ports[i]);
		ended += totals.sent + totals.dropped + totals.punted - totals.cloned - totals.originated;
	}
	return sent - ended;
}

static void send_next(struct frame *frame)
{
	uint32_t at = frame->bytes[12] == 0x08 ? L4_IPV4 : L4_IPV6;

	frame->l4_port++;
	frame->bytes[at] = (uint8_t)(frame->l4_port >> 8);
	frame->bytes[at + 1] = (uint8_t)frame->l4_port;
	while (!crowd_send(far_of(frame->port), frame->bytes, frame->length))
		drain();
	frame->sent++;
}

static void *traffic(void *unused)
{
	uint64_t sent = 0;

	while (!__atomic_load_n(&stop, __ATOMIC_ACQUIRE)) {
		for (uint32_t i = 0; i < WINDOW && frame_count > 0; i++)
			send_next(&frames[sent++ % frame_count]);
		while (underway(sent) != 0)
			drain();
		drain();
	}
	return unused;
}

static void change(uint32_t generation)
{
	for (uint32_t round = 0; round < rounds; round++) {
		for (uint32_t i = 0; i < batch_count; i++) {
			if (rows_apply(rig_owner(), generation, batches[i].ops, batches[i].length, false) < 0) {
				fprintf(stderr, "oracle: a batch of a race was refused\n");
				exit(2);
			}
			usleep(round % 4 == 0 ? 200 : 20);
		}
	}
}

void race_run(const uint8_t *bytes, uint32_t length, uint32_t generation)
{
	pthread_t thread;

	read_question(bytes, length);
	for (uint32_t i = 0; i < port_count; i++)
		far_ends[i] = crowd_attach(ports[i]);
	stop = false;
	if (worker_start(-1) != 0 || pthread_create(&thread, NULL, traffic, NULL) != 0)
		abort();
	change(generation);
	__atomic_store_n(&stop, true, __ATOMIC_RELEASE);
	pthread_join(thread, NULL);
	worker_stop();
	drain();
	report_begin(7);
	for (uint32_t i = 0; i < frame_count; i++) {
		report_bytes(&frames[i].sent, sizeof(uint32_t));
		report_bytes(&frames[i].left, sizeof(uint32_t));
	}
	report_end();
	free(frames);
	free(batches);
	free(ports);
	free(far_ends);
}
