/*
 * Runs the cases of test/fixtures: packets in, packets out, verdict, flows, over the networks of tenants.h. Each case
 * is a test of its own; its name says what it shows.
 *
 *   == name_of_the_case
 *   A sentence or two.
 *   row TABLE FIELD=VALUE ...    a row for this case only (a port row gets I/O in memory)
 *   delete TABLE FIELD=VALUE ... takes such a row away again
 *   outside                      the way out of outside.h is there
 *   rule RULE                    a rule of a group; delete rule RULE, in the same words, takes it away
 *   groups PORT: GROUP[@GATE] …  the port is judged by the rules of these groups, in gate 1 unless said
 *   groups PORT: WORD            none: by an identity without groups; pending: it has none yet; open: by nobody
 *   setting NAME VALUE           of flows: tcp_pickup, flow_pairs, port_percent
 *   restart                      the flows are taken over as by a new process
 *   in PORT: PACKET              packet_text.h, quote: of the packet before; several in a row are one burst
 *   burst PORT N: PACKET         the same packet N times
 *   inject PORT: PACKET          a plugin sends it through the port
 *   later N                      N seconds pass: what was learned is known, or ages; flows and what waits end
 *   count PORT: N                N frames leave through a port, whatever they are
 *   out PORT: PACKET             what leaves through a port, in order; everything that leaves must be named
 *   out PORT as NAME: PACKET     the same; in it and later $NAME is its source address, $NAME.port its source port or
 *                                identifier, $NAME.hex the same in four digits
 *   drop PORT: REASON [TIMES]    of packets that entered there; every drop must be named
 *   punt PORT: TIMES             handed to a plugin
 *   held PORT: N                 N packets that entered there wait
 *   flow FLOW · no flow FLOW     there is such a flow, or none
 *   flows N                      so many flows there are
 *   redecided N                  so often the case decided flows anew because rules changed
 *
 * RULE: GROUP allow|deny ingress|egress PROTOCOL [VALUES] [from|to CIDR|group N] [ip4|ip6] [priority N]
 *       PROTOCOL any, tcp, udp, sctp, icmp (IPv4), icmpv6 or a number; VALUES 80, 80-443, of ICMP 8/0, 8/any
 * FLOW: PROTOCOL SRC PORT > DST PORT [from PORT] [to PORT] [opening|established|closing|closed] [allowed|denied]
 *       [packets N/N] [bytes N/N] [groups N/N] [last REASON|none] [as SRC PORT > DST PORT]
 *       ICMP: identifier > TYPE/CODE; N/N: of the first packet's direction, of the other; groups: of the rules that
 *       decided, egress/ingress, 0: none; as: what it is translated into
 *
 * A group of ins is judged by the lines behind it. Every ledger must hold after each group.
 */
#include <dirent.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "decode.h"
#include "drop.h"
#include "fixture.h"
#include "inject.h"
#include "layout.h"
#include "learn.h"
#include "outside.h"
#include "packet_text.h"
#include "port.h"
#include "punt.h"
#include "tenants.h"

#define FOLDER     "test/fixtures"
#define PORTS      64u
#define ROWS       256u
#define FRAME_ROOM 65600u
#define LINE       8192u
/** Ports that fixtures make have this id or a higher one. */
#define FIRST_FREE_PORT 31u

struct given {
	uint8_t table;
	uint8_t bytes[ROW_BYTES_LIMIT] __attribute__((aligned(8)));
};

static struct {
	char name[128];
	const char *file;
	uint32_t line;
	bool failed, open;
	/** Packets were sent and not judged yet. */
	bool sent;
	struct packet_text last;
	uint64_t drops[PORTS][DROP_COUNT], punted[PORTS];
	/** Packets that wait. */
	int64_t held[PORTS];
	struct given rows[ROWS];
	uint32_t row_count;
} now;

static int failures;
/** Since the forwarder's start; cases follow one another. */
static uint32_t seconds;

void fixture_fault(const char *format, ...)
{
	va_list arguments;

	printf("  %s:%u: ", now.file, now.line);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	now.failed = true;
}

static void remember(void)
{
	for (uint32_t port = 1; port < PORTS; port++) {
		if (port_of(port) == NULL)
			continue;
		for (uint32_t reason = 0; reason < DROP_COUNT; reason++)
			now.drops[port][reason] = rig_drops(port, reason);
		now.punted[port] = rig_totals(port).punted;
	}
}

static void judge_ledgers(void)
{
	/* 0: what belongs to no port. */
	for (uint32_t port = 0; port < PORTS; port++) {
		if (port != 0 && port_of(port) == NULL)
			continue;
		if (rig_in_flight(port) != now.held[port])
			fixture_fault("of port %u %ld packets have no end, wanted %ld", port, rig_in_flight(port),
			        now.held[port]);
	}
	memset(now.held, 0, sizeof(now.held));
}

/* After the lines behind a group: nothing else may have happened. */
static void judge(void)
{
	static uint8_t frame[FRAME_ROOM], records[1 << 20];

	if (!now.sent)
		return;
	for (uint32_t port = 1; port < PORTS; port++) {
		if (port_of(port) == NULL || port_of(port)->io == NULL)
			continue;
		for (int length; rig_has(port) && (length = rig_take(port, frame)) >= 0;) {
			fixture_fault("port %u also sent %d bytes:", port, length);
			for (int i = 0; i < length && i < 128; i++)
				printf("%s%02x", i % 16 ? " " : "\n    ", frame[i]);
			printf("\n");
		}
		for (uint32_t reason = 0; reason < DROP_COUNT; reason++)
			if (rig_drops(port, reason) != now.drops[port][reason])
				fixture_fault("port %u also dropped %ld as %s", port,
				        (long)(rig_drops(port, reason) - now.drops[port][reason]), drop_text(reason));
		if (rig_totals(port).punted != now.punted[port])
			fixture_fault("port %u also punted", port);
	}
	judge_ledgers();
	while (punt_read(rig_owner(), records, sizeof(records)) > 0)
		;
	now.sent = false;
}

/* Bridges and ports of tenants.h that a case changed; tenants_make sets them right. */
static bool is_standing(const struct given *row)
{
	uint32_t id = ((const struct fwd_port_row *)row->bytes)->id;

	return row->table == FWD_TABLE_BRIDGE || (row->table == FWD_TABLE_PORT && id < FIRST_FREE_PORT);
}

static void finish(void)
{
	if (!now.open)
		return;
	rig_run();
	judge();
	while (now.row_count > 0) {
		const struct given *row = &now.rows[--now.row_count];
		if (!is_standing(row))
			rig_delete(row->table, row->bytes, table_layouts[row->table].row_bytes);
	}
	/* Rows that a case changed are as before. */
	tenants_make();
	fixture_policy_clear();
	fixture_flow_clear();
	fixture_outside_clear();
	rig_clear();
	printf("%s fixture: %s\n", now.failed ? "not ok" : "ok", now.name);
	failures += now.failed;
	now.open = now.failed = false;
}

static void start(const char *name)
{
	finish();
	snprintf(now.name, sizeof(now.name), "%s", name);
	now.open = true;
	now.sent = false;
	fixture_flow_begin();
	remember();
}

static bool set_field(const struct field_layout *field, uint8_t *row, const char *value, uint8_t *family)
{
	static const struct {
		const char *word;
		uint32_t number;
	} words[] = {{"l2", FWD_MODE_L2}, {"l3", FWD_MODE_L3}, {"l2_l3", FWD_MODE_L2_L3}, {"port", FWD_NEXTHOP_PORT},
	        {"blackhole", FWD_NEXTHOP_BLACKHOLE}, {"prohibit", FWD_NEXTHOP_DROP}, {"ecmp", FWD_NEXTHOP_ECMP},
	        {"punt", FWD_NEXTHOP_PUNT}, {"vrf", FWD_NEXTHOP_VRF}, {"gateway", FWD_NEXTHOP_GATEWAY}, {"udp", 17},
	        {"tcp", 6}, {"icmpv6", 58}};
	uint32_t number = (uint32_t)strtoul(value, NULL, 0);

	if (field->kind == FIELD_MAC)
		return packet_text_mac(value, row + field->offset);
	if (field->kind == FIELD_IP)
		return packet_text_address(value, row + field->offset, family);
	for (uint32_t i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		if (strcmp(words[i].word, value) == 0)
			number = words[i].number;
	memcpy(row + field->offset, &number, field->bytes < 4 ? field->bytes : 4);
	return field->kind != FIELD_TEXT;
}

static bool give(const struct given *row)
{
	if (now.row_count == ROWS) {
		fixture_fault("more than %u rows", ROWS);
		return false;
	}
	rig_row(row->table, row->bytes, table_layouts[row->table].row_bytes);
	now.rows[now.row_count++] = *row;
	return true;
}

void fixture_row(uint8_t table, const void *row)
{
	struct given given = {.table = table};

	memcpy(given.bytes, row, table_layouts[table].row_bytes);
	give(&given);
}

/* TABLE FIELD=VALUE ...; the family comes from the address. */
static void make_row(char *text, bool given)
{
	char *rest = NULL, *word = strtok_r(text, " ", &rest);
	const struct table_layout *layout = NULL;
	struct given row = {0};
	uint8_t family = 0;

	for (uint8_t table = 1; word != NULL && table < TABLE_LIMIT; table++)
		if (strcmp(table_layouts[table].name, word) == 0)
			layout = &table_layouts[row.table = table];
	if (layout == NULL)
		return fixture_fault("no table \"%s\"", word);
	while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
		char *value = strchr(word, '=');
		bool found = false;

		if (value != NULL)
			*value++ = '\0';
		for (uint32_t i = 0; value != NULL && i < layout->field_count; i++)
			if (strcmp(layout->fields[i].name, word) == 0)
				found = set_field(&layout->fields[i], row.bytes, value, &family);
		if (!found)
			return fixture_fault("%s has no field \"%s\", or its value is wrong", layout->name, word);
	}
	for (uint32_t i = 0; i < layout->field_count; i++)
		if (layout->fields[i].kind == FIELD_FAMILY)
			row.bytes[layout->fields[i].offset] = family;
	if (!given)
		return rig_delete(row.table, row.bytes, layout->row_bytes);
	if (!give(&row))
		return;
	uint32_t id = ((const struct fwd_port_row *)row.bytes)->id;
	if (row.table == FWD_TABLE_PORT && port_of(id)->io == NULL) {
		rig_attach(id);
		memset(now.drops[id], 0, sizeof(now.drops[id]));
		now.punted[id] = 0;
	}
}

/* The oldest frame that left through a port; false: none. Its source gets a name, if one is given. */
static bool take_out(uint32_t port, const char *name, struct seen *seen)
{
	*seen = (struct seen){.port = 0};
	if (port_of(port) != NULL)
		*seen = outside_take(port);
	if (seen->port == 0)
		fixture_fault("nothing left through port %u", port);
	else if (name[0] != '\0')
		fixture_name(name, seen);
	return seen->port != 0;
}

/* as: what the line calls the source of the packet; "": nothing. */
static void expect_out(uint32_t port, const char *name, const char *line)
{
	static struct packet_text wanted;
	static struct seen seen;
	char why[128], text[LINE];

	if (!take_out(port, name, &seen))
		return;
	fixture_replace(line, text, sizeof(text));
	if (!packet_text_make(text, &now.last, &wanted, why))
		return fixture_fault("%s", why);
	if (seen.length != wanted.length)
		fixture_fault("port %u sent %u bytes, wanted %u", port, seen.length, wanted.length);
	for (uint32_t i = 0; i < wanted.length && i < seen.length; i++) {
		if (((seen.frame[i] ^ wanted.bytes[i]) & wanted.mask[i]) == 0)
			continue;
		fixture_fault("port %u: byte %u is %02x, wanted %02x", port, i, seen.frame[i], wanted.bytes[i]);
		return;
	}
}

static void expect_count(uint32_t port, const char *text)
{
	static uint8_t frame[FRAME_ROOM];
	uint32_t count = 0;

	for (; rig_has(port) && rig_take(port, frame) >= 0; count++)
		;
	if (count != (uint32_t)atoi(text))
		fixture_fault("port %u sent %u frames, wanted %s", port, count, text);
}

static void expect_drop(uint32_t port, char *text)
{
	char *times = strchr(text, ' ');
	uint32_t count = times == NULL ? 1 : (uint32_t)atoi(times);

	if (times != NULL)
		*times = '\0';
	uint32_t reason = fixture_reason(text);
	if (reason == DROP_COUNT || port >= PORTS || port_of(port) == NULL)
		return fixture_fault("no drop reason \"%s\", or no port %u", text, port);
	uint64_t found = rig_drops(port, reason) - now.drops[port][reason];
	if (found != count)
		fixture_fault("port %u dropped %lu as %s, wanted %u", port, found, text, count);
	now.drops[port][reason] += found;
}

static void expect_punt(uint32_t port, const char *text)
{
	uint64_t found = rig_totals(port).punted - now.punted[port];

	if (found != (uint64_t)atoi(text))
		fixture_fault("port %u punted %lu, wanted %s", port, found, text);
	now.punted[port] += found;
}

static void put_in(uint32_t port, const char *text)
{
	static struct packet_text before;
	char why[128];

	before = now.last;
	if (!packet_text_make(text, &before, &now.last, why))
		return fixture_fault("%s", why);
	if (port_of(port) == NULL || !rig_send(port, now.last.bytes, now.last.length))
		fixture_fault("port %u takes no packet", port);
}

static void inject(uint32_t port, const char *text)
{
	static uint8_t record[sizeof(struct fwd_punt) + PACKET_TEXT_LIMIT];
	struct fwd_punt head = {.version = 1, .port = port};
	char why[128];

	if (!packet_text_make(text, NULL, &now.last, why))
		return fixture_fault("%s", why);
	head.length = now.last.length;
	head.generation = port_of(port) == NULL ? 0 : port_of(port)->generation;
	memcpy(record, &head, sizeof(head));
	memcpy(record + sizeof(head), now.last.bytes, head.length);
	inject_records(record, (uint32_t)sizeof(head) + head.length);
}

static void expect_held(uint32_t port, const char *text)
{
	now.held[port] = atoi(text);
	if (port_of(port) == NULL || rig_in_flight(port) != now.held[port])
		fixture_fault("%ld packets of port %u wait, wanted %s", rig_in_flight(port), port, text);
}

/* What was put in goes its way. */
static void run_group(bool *sending)
{
	if (!*sending)
		return;
	rig_run();
	now.sent = true;
	*sending = false;
}

static void pass_time(uint32_t duration)
{
	learn_poll_once(seconds += duration);
	rig_later(duration);
	/* Nothing waits for so long. */
	memset(now.held, 0, sizeof(now.held));
}

/* Lines about rules and flows. False: it is none. */
static bool step_flows(char *line, bool *sending)
{
	uint32_t number = 0;

	if (strncmp(line, "rule ", 5) == 0 || strncmp(line, "delete rule ", 12) == 0) {
		run_group(sending);
		fixture_rule(line + (line[0] == 'r' ? 5 : 12), line[0] == 'r');
	} else if (sscanf(line, "groups %u:", &number) == 1) {
		run_group(sending);
		fixture_groups(number, strchr(line, ':') + 2);
	} else if (strncmp(line, "flow ", 5) == 0 || strncmp(line, "no flow ", 8) == 0) {
		run_group(sending);
		fixture_flow(line + (line[0] == 'f' ? 5 : 8), line[0] == 'f');
	} else if (sscanf(line, "flows %u", &number) == 1) {
		run_group(sending);
		fixture_flow_count(number);
	} else if (sscanf(line, "redecided %u", &number) == 1) {
		run_group(sending);
		fixture_redecided(number);
	} else if (strncmp(line, "setting ", 8) == 0) {
		fixture_setting(line + 8);
	} else if (strcmp(line, "restart") == 0) {
		run_group(sending);
		rig_flows_restart();
	} else {
		return false;
	}
	return true;
}

static void step(char *line)
{
	static bool sending;
	char *text = strchr(line, ':');
	uint32_t port = 0, times = 1;
	char name[16];

	if (strncmp(line, "== ", 3) == 0) {
		sending = false;
		return start(line + 3);
	}
	if (!now.open || now.failed)
		return;
	if (step_flows(line, &sending))
		return;
	if (strcmp(line, "outside") == 0) {
		fixture_outside();
		return remember();
	}
	if (strncmp(line, "row ", 4) == 0)
		return make_row(line + 4, true);
	if (strncmp(line, "delete ", 7) == 0)
		return make_row(line + 7, false);
	if (sscanf(line, "later %u", &times) == 1) {
		run_group(&sending);
		return pass_time(times);
	}
	if (text == NULL || sscanf(line, "%*[a-z] %u", &port) != 1)
		return;
	text += 1 + strspn(text + 1, " ");
	bool injected = strncmp(line, "inject ", 7) == 0;
	if (injected || strncmp(line, "in ", 3) == 0 || sscanf(line, "burst %*u %u:", &times) == 1) {
		if (now.sent) {
			/* Lines behind the last group stand between: it is judged, a new one begins. */
			judge();
			remember();
		}
		for (sending = true; times > 0; times--)
			(injected ? inject : put_in)(port, text);
		return;
	}
	run_group(&sending);
	if (strncmp(line, "out ", 4) == 0)
		expect_out(port, sscanf(line, "out %*u as %15[a-z]:", name) == 1 ? name : "", text);
	else if (strncmp(line, "drop ", 5) == 0)
		expect_drop(port, text);
	else if (strncmp(line, "count ", 6) == 0)
		expect_count(port, text);
	else if (strncmp(line, "punt ", 5) == 0)
		expect_punt(port, text);
	else if (strncmp(line, "held ", 5) == 0)
		expect_held(port, text);
}

static void run_file(const char *name)
{
	static char path[512], line[LINE], replaced[LINE];

	snprintf(path, sizeof(path), FOLDER "/%s", name);
	FILE *file = fopen(path, "r");
	if (file == NULL)
		abort();
	now.file = path;
	for (now.line = 1; fgets(line, sizeof(line), file) != NULL; now.line++) {
		line[strcspn(line, "\n")] = '\0';
		if (line[0] == '\0' || line[0] == '#')
			continue;
		/* What leaves may get its name in the line itself. */
		fixture_replace(strncmp(line, "out ", 4) == 0 ? "" : line, replaced, sizeof(replaced));
		step(replaced[0] == '\0' ? line : replaced);
	}
	fclose(file);
	finish();
}

int main(int count, char **arguments)
{
	struct dirent **names = NULL;

	setvbuf(stdout, NULL, _IOLBF, 0);
	rig_start();
	tenants_make();
	for (int i = 1; i < count; i++)
		run_file(arguments[i]);
	int found = count > 1 ? 0 : scandir(FOLDER, &names, NULL, alphasort);
	for (int i = 0; i < found; i++) {
		if (strstr(names[i]->d_name, ".txt") != NULL)
			run_file(names[i]->d_name);
		free(names[i]);
	}
	free(names);
	rig_stop();
	if (found == 0 && count == 1) {
		printf("not ok fixture: none in " FOLDER "\n");
		return 1;
	}
	return failures;
}
