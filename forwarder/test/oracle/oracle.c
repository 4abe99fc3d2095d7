/*
 * A forwarder that is asked over a pipe: what becomes of each frame, and which flows there are. Tests in other
 * languages hold it against a model of theirs. Ports are in memory, time stands still unless it is told to pass.
 *
 *     oracle [--tcp-pickup 0-2] [--flow-pairs N] [--threads N]
 *
 * Questions on stdin, answers on stdout, in order; all integers little endian. A question: {u32 what, u32 value, u32
 * length} and `length` bytes:
 *
 *   1 rows    a batch of operations as fwd_rows_apply takes them, done as a whole; then links are brought up to date
 *   2 attach  gives the port `value` (a row, binding none) I/O in memory
 *   3 frame   the bytes enter through the port `value`
 *   4 time    `value` seconds pass; what is over by then ends
 *   5 flows   what is over by now ends; tell all others
 *   6 flush   answers so far leave the buffer
 *   7 race    see race.h
 *
 * The first answer is 8: the names of drop reasons, by number, each with a NUL behind it.
 * An answer: {u32 what, u32 length} and `length` bytes; of 2 and 6 none. 1: nothing, or why it was refused. 3 and 4:
 * what became of frames, items {u16 kind, u16 count, u32 value} with kind 1: one left through port `value`, `count`
 * bytes follow, then zeros up to a multiple of 8; 2: `count` were dropped, reason `value`; 3: `count` were punted; 4:
 * the forwarder made `count` more. 5: struct fwd_flow of each. 7: see race.h.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "drop.h"
#include "error.h"
#include "flow_life.h"
#include "outcome.h"
#include "port.h"
#include "race.h"
#include "report.h"
#include "rig.h"
#include "rows.h"

#define QUESTION_LIMIT (64u << 20)

enum question { ROWS = 1, ATTACH, FRAME, TIME, FLOWS, FLUSH, RACE, NAMES };

static uint32_t generation;

static _Noreturn void give_up(const char *why)
{
	fprintf(stderr, "oracle: %s\n", why);
	exit(2);
}

/* Takes back the time that went by since the last call. */
static void stand_still(void)
{
	static uint64_t before;
	struct timespec now;

	/* The clock of flow_now: another one would have it go back at times. */
	clock_gettime(CLOCK_MONOTONIC_COARSE, &now);
	uint64_t ticks = (uint64_t)now.tv_sec * FLOW_HZ + (uint64_t)now.tv_nsec * FLOW_HZ / 1000000000;
	if (before != 0)
		flow_clock_ahead -= (uint32_t)(ticks - before);
	before = ticks;
}

/* A flow that is denied from now on lives shorter: it ends now, or not, whatever pairs the sweep looks at. */
static void age_when_decided_anew(void)
{
	static uint64_t before;
	struct fwd_flow_stats stats;

	flow_life_stats(&stats);
	if (stats.redecided != before)
		flow_age_all();
	before = stats.redecided;
}

static void tell_rows(const uint8_t *ops, uint32_t length)
{
	int32_t result = rows_apply(rig_owner(), generation, ops, length, false);
	const char *why = result < 0 ? error_text() : "";

	rig_links();
	report_head(ROWS, (uint32_t)strlen(why));
	report_bytes(why, (uint32_t)strlen(why));
}

static void tell_flows(void)
{
	static struct fwd_flow flows_told[256];
	static const struct fwd_flow_filter all;
	uint32_t cursor = 0;
	int32_t bytes;

	flow_age_all();
	report_begin(FLOWS);
	do {
		bytes = flow_read(&all, &cursor, flows_told, sizeof(flows_told));
		if (bytes > 0)
			report_bytes(flows_told, (uint32_t)bytes);
	} while (bytes > 0 && cursor != 0);
	report_end();
}

static void answer(const uint32_t *head, const uint8_t *bytes)
{
	switch (head[0]) {
	case ROWS:
		tell_rows(bytes, head[2]);
		return;
	case ATTACH:
		rig_attach(head[1]);
		outcome_watch(head[1]);
		return;
	case FRAME:
		if (port_of(head[1]) == NULL || !rig_send(head[1], bytes, head[2]))
			give_up("a frame for a port that is not there, or its queue is full");
		stand_still();
		rig_run();
		age_when_decided_anew();
		outcome_tell(FRAME, head[1]);
		return;
	case TIME:
		stand_still();
		rig_later(head[1]);
		outcome_tell(TIME, 0);
		return;
	case FLOWS:
		tell_flows();
		return;
	case FLUSH:
		report_flush();
		return;
	case RACE:
		race_run(bytes, head[2], generation);
		return;
	default:
		give_up("a question that nobody knows");
	}
}

static void tell_names(void)
{
	report_begin(NAMES);
	for (uint32_t reason = 0; reason < DROP_COUNT; reason++) {
		const char *text = drop_text(reason);
		report_bytes(text, (uint32_t)strcspn(text, ":"));
		report_bytes("", 1);
	}
	report_end();
}

static void read_options(int count, char **arguments)
{
	static const struct option options[] = {{"tcp-pickup", required_argument, NULL, 'p'},
	        {"flow-pairs", required_argument, NULL, 'f'}, {"threads", required_argument, NULL, 't'}, {0}};

	for (int option; (option = getopt_long(count, arguments, "", options, NULL)) != -1;) {
		if (option == 'p')
			rig_flows.flow_tcp_pickup = (uint8_t)atoi(optarg);
		else if (option == 'f')
			rig_flows.flow_pairs = (uint32_t)atoi(optarg);
		else if (option == 't')
			rig_threads = (uint32_t)atoi(optarg);
		else
			exit(2);
	}
	rig_flows.flow_port_percent = 100;
}

int main(int count, char **arguments)
{
	uint32_t head[3], room = 0;
	uint8_t *bytes = NULL;

	read_options(count, arguments);
	rig_start();
	generation = (uint32_t)rows_begin(rig_owner());
	tell_names();
	while (fread(head, sizeof(head), 1, stdin) == 1) {
		if (head[2] > QUESTION_LIMIT)
			give_up("a question that is too long");
		if (head[2] > room) {
			room = head[2];
			bytes = realloc(bytes, room);
			if (bytes == NULL)
				give_up("out of memory");
		}
		if (head[2] != 0 && fread(bytes, head[2], 1, stdin) != 1)
			give_up("half a question");
		answer(head, bytes);
	}
	report_flush();
	free(bytes);
	rig_stop();
	return 0;
}
