/*
 * A trace says what happens: random packets over random tables are traced, then sent, and both must agree on every
 * frame that leaves, every drop and every punt. TRACE_PACKETS sets how many (default 10,000); the seed is fixed.
 */
#include "trace.h"

#include <errno.h>
#include <pthread.h>
#include <rte_mempool.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "limit.h"
#include "packet_text.h"
#include "port.h"
#include "punt.h"
#include "tenants.h"
#include "test.h"

#define TCP    6
#define PORTS  10u
#define FRAMES 128u
#define ROOM   (4u << 20)

/* What became of one packet: frames at far ends, drops, punts. */
struct outcome {
	uint32_t frame_count;
	struct {
		uint32_t port, length;
		uint8_t *bytes;
		bool matched;
	} frames[FRAMES];
	uint32_t drops[PORTS][DROP_COUNT];
	uint32_t punts[PORTS];
};

static struct outcome told, happened;
static uint8_t records[ROOM];
static uint32_t seed = 20261121;

static uint32_t any(uint32_t limit)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % limit;
}

#define PICK(...)                                                                                                      \
	((const char *const[]){__VA_ARGS__}[any(sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))])

static void add_frame(struct outcome *outcome, uint32_t port, const uint8_t *bytes, uint32_t length)
{
	if (outcome->frame_count == FRAMES)
		abort();
	outcome->frames[outcome->frame_count].port = port;
	outcome->frames[outcome->frame_count].length = length;
	outcome->frames[outcome->frame_count].bytes = malloc(length);
	outcome->frames[outcome->frame_count].matched = false;
	memcpy(outcome->frames[outcome->frame_count++].bytes, bytes, length);
}

static void clear(struct outcome *outcome)
{
	for (uint32_t i = 0; i < outcome->frame_count; i++)
		free(outcome->frames[i].bytes);
	memset(outcome, 0, sizeof(*outcome));
}

/* A sub-port's frame shows at its trunk, with the tag. */
static void add_sent(uint32_t port, const uint8_t *bytes, uint32_t length)
{
	static uint8_t tagged[RIG_FRAME + 4];

	if (port == 6 || port == 7)
		add_frame(&told, 5, tagged, make_tagged(tagged, port == 6 ? 101 : 102, bytes, length));
	else
		add_frame(&told, port, bytes, length);
}

static bool trace(uint32_t port, const uint8_t *frame, uint32_t length)
{
	int32_t bytes = trace_run(port, frame, length, records, sizeof(records));
	struct fwd_step step;

	clear(&told);
	for (int32_t at = 0; at < bytes; at += (int32_t)(sizeof(step) + ((step.length + 7) & ~7u))) {
		memcpy(&step, records + at, sizeof(step));
		if (step.kind == FWD_STEP_SENT)
			add_sent(step.port, records + at + sizeof(step), step.length);
		else if (step.kind == FWD_STEP_DROPPED)
			told.drops[step.port][step.value]++;
		else if (step.kind == FWD_STEP_PUNTED)
			told.punts[step.port]++;
	}
	return bytes > 0;
}

static void read_drops(uint32_t drops[PORTS][DROP_COUNT])
{
	struct drop_counter counters[DROP_COUNT];

	for (uint32_t port = 1; port < PORTS; port++) {
		stats_drops(port_of(port)->slot, counters);
		for (uint32_t reason = 0; reason < DROP_COUNT; reason++)
			drops[port][reason] = (uint32_t)counters[reason].packets - drops[port][reason];
	}
}

static void read_punts(void)
{
	struct fwd_punt head;
	int32_t bytes = punt_read(rig_owner(), records, sizeof(records));

	for (int32_t at = 0; at < bytes; at += (int32_t)(sizeof(head) + ((head.length + 7) & ~7u))) {
		memcpy(&head, records + at, sizeof(head));
		happened.punts[head.port]++;
	}
}

static void send(uint32_t port, const uint8_t *frame, uint32_t length)
{
	static uint8_t out[RIG_FRAME];

	clear(&happened);
	read_drops(happened.drops);
	rig_send(port, frame, length);
	rig_run();
	read_drops(happened.drops);
	read_punts();
	for (uint32_t from = 1; from < PORTS; from++)
		while (rig_has(from)) {
			int taken = rig_take(from, out);
			add_frame(&happened, from, out, (uint32_t)taken);
		}
}

static bool same_frames(void)
{
	for (uint32_t i = 0; i < happened.frame_count; i++) {
		uint32_t j = 0;
		while (j < told.frame_count &&
		        (told.frames[j].matched || told.frames[j].port != happened.frames[i].port ||
		                told.frames[j].length != happened.frames[i].length ||
		                memcmp(told.frames[j].bytes, happened.frames[i].bytes, told.frames[j].length) != 0))
			j++;
		if (j == told.frame_count)
			return false;
		told.frames[j].matched = true;
	}
	return told.frame_count == happened.frame_count;
}

static void show(const char *who, const struct outcome *outcome)
{
	printf("  %s:", who);
	for (uint32_t i = 0; i < outcome->frame_count; i++)
		printf(" %u bytes through port %u;", outcome->frames[i].length, outcome->frames[i].port);
	for (uint32_t port = 0; port < PORTS; port++) {
		for (uint32_t reason = 0; reason < DROP_COUNT; reason++)
			if (outcome->drops[port][reason] != 0)
				printf(" port %u dropped %u: %.20s;", port, outcome->drops[port][reason],
				        drop_text(reason));
		if (outcome->punts[port] != 0)
			printf(" port %u punted %u;", port, outcome->punts[port]);
	}
	printf("\n");
}

/* A trace knows of no other fragment. */
static bool is_about_fragments(const struct outcome *outcome)
{
	uint32_t count = 0;

	for (uint32_t port = 0; port < PORTS; port++)
		count += outcome->drops[port][DROP_FRAGMENT_UNKNOWN] + outcome->drops[port][DROP_FRAGMENT_INVALID];
	return count != 0;
}

static bool agree(const char *text)
{
	/* What fragments left behind goes, so that each packet is alone. */
	if (strstr(text, " mf") != NULL || strstr(text, "offset") != NULL || strstr(text, "frag") != NULL ||
	        is_about_fragments(&told) || is_about_fragments(&happened)) {
		rig_later(5);
		rig_clear();
		return true;
	}
	if (same_frames() && memcmp(told.drops, happened.drops, sizeof(told.drops)) == 0 &&
	        memcmp(told.punts, happened.punts, sizeof(told.punts)) == 0)
		return true;
	printf("  %s\n", text);
	show("the trace", &told);
	show("reality", &happened);
	return false;
}

/* Tables: the tenants', with rows that come, change and go. */

static void any_nexthop(void)
{
	uint32_t id = 400 + any(4);

	switch (any(4)) {
	case 0:
		RIG_ROW(nexthop, .id = id, .type = FWD_NEXTHOP_ECMP, .size = (uint16_t)(1 + any(8)));
		break;
	case 1:
		RIG_ROW(nexthop, .id = id, .type = FWD_NEXTHOP_PUNT, .punt_class = (uint16_t)(7 + any(2)));
		break;
	case 2:
		RIG_DELETE(nexthop, .id = id);
		break;
	default:
		RIG_ROW(nexthop, .id = id, .type = FWD_NEXTHOP_PORT, .port = 1 + any(9), .bridge = 10 * (1 + any(4)),
		        .mac = {2, 0, 0, 0, 0, (uint8_t)any(10)});
	}
}

static void any_member(void)
{
	uint32_t group = 400 + any(4), index = any(8);
	static const uint32_t hops[] = {101, 102, 103, 104, 108, 210, 220, 240, 300, 301, 999};

	if (any(3) == 0)
		RIG_DELETE(member, .group = group, .index = index);
	else
		RIG_ROW(member, .group = group, .index = index, .nexthop = hops[any(11)]);
}

static void any_route(void)
{
	static const uint32_t hops[] = {101, 103, 104, 108, 210, 220, 230, 240, 300, 301, 400, 401, 402, 403, 999};
	static const uint8_t lengths4[] = {0, 8, 24, 32}, lengths6[] = {0, 32, 64, 128};
	bool six = any(2);
	uint8_t which = (uint8_t)any(4);
	struct fwd_route_row row = {.vrf = 1 + any(2),
	        .family = six ? 6 : 4,
	        .prefix_length = six ? lengths6[which] : lengths4[which],
	        .source = (uint8_t)(5 + any(20)),
	        .nexthop = hops[any(15)]};
	uint8_t whole[16] = {10, (uint8_t)(1 + any(5)), 0, (uint8_t)(11 + any(3))};

	if (six)
		memcpy(whole, ip6((uint8_t)(1 + any(5)), (uint8_t)(11 + any(3))), 16);
	memcpy(row.address, whole, row.prefix_length / 8);
	if (any(3) == 0)
		rig_delete(FWD_TABLE_ROUTE, &row, sizeof(row));
	else
		rig_row(FWD_TABLE_ROUTE, &row, sizeof(row));
}

static void any_host(void)
{
	uint32_t bridge = 10 * (1 + any(4));
	uint8_t port = (uint8_t)(1 + any(9)), last = (uint8_t)(11 + any(4));
	bool gone = any(3) == 0, six = any(2);
	struct fwd_mac_row mac = {.bridge = bridge, .mac = {2, 0, 0, 0, 0, port}, .port = 1 + any(9)};
	struct fwd_neighbor_row neighbor = {.bridge = bridge,
	        .family = six ? 6 : 4,
	        .mac = {2, 0, 0, 0, 0, port},
	        .address = {10, (uint8_t)(bridge == 30 ? 1 : bridge / 10), 0, last}};

	if (six)
		memcpy(neighbor.address, ip6((uint8_t)(bridge == 30 ? 1 : bridge / 10), last), 16);
	if (any(2))
		(gone ? rig_delete : rig_row)(FWD_TABLE_MAC, &mac, sizeof(mac));
	else
		(gone ? rig_delete : rig_row)(FWD_TABLE_NEIGHBOR, &neighbor, sizeof(neighbor));
}

static void any_network(void)
{
	uint32_t bridge = 10 * (1 + any(4));

	RIG_ROW(bridge, .id = bridge,
	        .vrf = bridge == 30  ? 2
	               : any(8) == 0 ? 0
	                             : 1,
	        .mode = (uint8_t)any(3), .mtu = (uint16_t)(any(3) ? 1500 : 600 + any(900)), .flags = (uint8_t)any(2),
	        .flood_rate = any(2) * 100);
}

static void any_port(void)
{
	static const uint32_t bridges[] = {0, 10, 10, 20, 30, 0, 10, 30, 40};
	uint32_t id = 1 + any(8);
	bool sub = id == 6 || id == 7;

	RIG_ROW(port, .id = id, .bridge = any(20) == 0 ? 77 : bridges[id],
	        .flags = id == 5 ? FWD_PORT_TRUNK
	                         : (any(3) ? FWD_PORT_SECURITY : 0) | (any(2) ? FWD_PORT_POLICY_REQUIRED : 0),
	        .parent = sub ? 5 : 0,
	        .vlan = id == 6   ? 101
	                : id == 7 ? 102
	                          : 0,
	        .mtu = (uint16_t)(any(3) ? 1500 : 600 + any(900)), .mac = {2, 0, 0, 0, 0, (uint8_t)id},
	        .binding = sub ? FWD_BINDING_VLAN : FWD_BINDING_NONE);
}

/* Group n is that of identity 100 + n, port n mostly has that identity. */
static void any_rule(void)
{
	static const uint8_t protocols[] = {0, 0, 1, 6, 17, 17, 58};
	uint32_t group = 1 + any(9), number = any(6);
	uint16_t first = any(2) ? 0 : (uint16_t)any(100);

	if (any(3) == 0)
		RIG_DELETE(rule, .group = group, .number = number);
	else
		RIG_ROW(rule, .group = group, .number = number, .priority = any(3), .direction = (uint8_t)any(2),
		        .action = any(4) == 0 ? FWD_RULE_DENY : FWD_RULE_ALLOW, .family = any(2) ? 4 : 6,
		        .protocol = protocols[any(7)], .remote_group = any(3) == 0 ? 1 + any(9) : 0, .port_min = first,
		        .port_max = any(3) ? 65535 : (uint16_t)(first + any(100)));
}

static void any_identity(void)
{
	uint32_t port = 1 + any(9);

	RIG_ROW(identity_group, .identity = 100 + port, .group = port, .gate = 1);
	if (any(8) == 0)
		RIG_DELETE(port_identity, .port = port);
	else
		RIG_ROW(port_identity, .port = port, .identity = 100 + (any(4) ? port : 1 + any(9)));
}

static void change_tables(void)
{
	static void (*const changes[])(void) = {
	        any_nexthop, any_member, any_route, any_host, any_network, any_port, any_rule, any_rule, any_identity};

	changes[any(9)]();
}

/* Packets, as packet_text.h writes them. */

static const char *any_ip4(uint32_t own)
{
	static const char *const owns[] = {"10.1.0.11", "10.1.0.11", "10.1.0.12", "10.2.0.11", "10.1.0.12", "10.1.0.13",
	        "10.1.0.13", "10.1.0.13", "10.4.0.11", "10.1.0.1"};

	if (own != 0 && any(8) != 0)
		return owns[own];
	return PICK("10.1.0.1", "10.1.0.11", "10.1.0.12", "10.1.0.13", "10.1.0.77", "10.2.0.1", "10.2.0.11",
	        "10.2.0.99", "10.4.0.1", "10.4.0.11", "10.5.0.9", "192.0.2.5", "203.0.113.5", "198.51.100.5",
	        "255.255.255.255", "224.0.0.251", "169.254.1.1", "0.0.0.0", "127.0.0.1");
}

static const char *any_ip6(uint32_t own)
{
	static const char *const owns[] = {"2001:db8:1::b", "2001:db8:1::b", "2001:db8:1::c", "2001:db8:2::b",
	        "2001:db8:1::c", "2001:db8:1::d", "2001:db8:1::d", "2001:db8:1::d", "2001:db8:4::b", "2001:db8:1::1"};

	if (own != 0 && any(8) != 0)
		return owns[own];
	return PICK("2001:db8:1::1", "2001:db8:1::b", "2001:db8:1::c", "2001:db8:1::d", "2001:db8:1::77",
	        "2001:db8:2::1", "2001:db8:2::b", "2001:db8:4::b", "2001:db8:b0::5", "2001:db8:d0::5", "fe80::1",
	        "fe80::ff:fe00:1", "fe80::200:5eff:fe00:100", "ff02::1", "ff02::2", "ff02::fb", "ff02::1:ff00:b",
	        "::", "::1");
}

static void any_payload(char *out, size_t room)
{
	uint32_t bytes = any(4) ? any(100) : any(1700);

	switch (any(6)) {
	case 0:
		snprintf(out, room, "tcp 1000 %s %s | data %u", PICK("80", "53", "179"), PICK("S", "A", "R", "SA"),
		        bytes);
		break;
	case 1:
		snprintf(out, room, "icmp %s 0 word %u | data %u", PICK("0", "3", "8", "11", "128", "129", "1", "137"),
		        any(1000), bytes);
		break;
	case 2:
		snprintf(out, room, "data %u", bytes);
		break;
	default:
		snprintf(out, room, "udp 1000 %s | data %u", PICK("53", "67", "80", "80", "80"), bytes);
	}
}

static void any_ip4_packet(char *out, size_t room, uint32_t port)
{
	char rest[128];

	any_payload(rest, sizeof(rest));
	snprintf(out, room, "ip4 %s %s ttl %s%s%s%s%s | %s", any_ip4(port), any_ip4(0),
	        PICK("64", "64", "64", "1", "0", "2"), PICK("", "", " df"), PICK("", "", "", " mf"),
	        PICK("", "", "", "", " offset 1480"), PICK("", "", "", "", "", " options 8", " badsum"), rest);
}

static void any_ip6_packet(char *out, size_t room, uint32_t port)
{
	char rest[128];

	any_payload(rest, sizeof(rest));
	if (any(4) == 0)
		snprintf(rest, sizeof(rest), "%s",
		        PICK("ns 2001:db8:1::1 slla m1", "ns 2001:db8:1::c slla m2", "ns fe80::200:5eff:fe00:100",
		                "ns 2001:db8:1::b", "na 2001:db8:1::b O tlla m1", "na 2001:db8:1::c SO tlla m2",
		                "rs slla m1", "ra"));
	snprintf(out, room, "ip6 %s %s hops %s%s | %s", any_ip6(port), any_ip6(0),
	        PICK("64", "64", "255", "255", "1", "0"),
	        PICK("", "", "", "", " | hop", " | dest", " | frag id 7 mf", " | routing"), rest);
}

static void any_text(char *out, size_t room, uint32_t port)
{
	char rest[400];
	char own[8];

	snprintf(own, sizeof(own), "m%u", port);
	const char *source = any(12) ? own : PICK("m9", "gw", "bc", "m1");
	switch (any(8)) {
	case 0:
		snprintf(rest, sizeof(rest), "arp %s %s %s %s %s", PICK("request", "request", "reply"),
		        any(8) ? source : "m3", any_ip4(port), PICK("00:00:00:00:00:00", "m2", "gw"), any_ip4(0));
		break;
	case 1:
	case 2:
	case 3:
		any_ip6_packet(rest, sizeof(rest), port);
		break;
	default:
		any_ip4_packet(rest, sizeof(rest), port);
	}
	snprintf(out, room, "eth %s %s%s | %s", source,
	        PICK("gw", "gw", "gw", "bc", "m1", "m2", "m3", "m4", "m8", "m13", "01:80:c2:00:00:0e",
	                "33:33:00:00:00:01", "33:33:ff:00:00:0b", "01:00:5e:00:00:fb"),
	        any(60) ? "" : PICK(" type 0x88cc", " type 0x86dd", " type 0x0800"), rest);
}

static void damage(struct packet_text *packet)
{
	for (uint32_t i = any(6) == 0 ? any(4) : 0; i > 0; i--)
		packet->bytes[any(packet->length)] = (uint8_t)any(256);
	if (any(40) == 0)
		packet->length = 1 + any(packet->length);
}

/* Sends a packet after it was traced. A sub-port's enters by the trunk, with a tag; it may be traced either way. */
static bool try_packet(uint32_t port, const struct packet_text *packet, const char *text)
{
	static uint8_t tagged[RIG_FRAME];
	const uint8_t *frame = packet->bytes;
	uint32_t length = packet->length, enters = port;
	bool sub = port == 6 || port == 7;

	if (sub || (port == 5 && any(2))) {
		if (length < 12)
			return true;
		length = make_tagged(tagged, port == 6 ? 101 : port == 7 ? 102 : 103, packet->bytes, packet->length);
		frame = tagged;
		enters = 5;
	}
	/* Shorter, and the trunk finds no tag that it could take off. */
	bool bare = sub && packet->length >= 14 && any(2);
	bool traced = bare ? trace(port, packet->bytes, packet->length) : trace(enters, frame, length);
	if (!traced) {
		printf("  %s: no trace\n", text);
		return false;
	}
	send(enters, frame, length);
	return agree(text);
}

/* Any TCP 53 goes to the service port, TCP 179 is refused. */
static void serve(void)
{
	tenants_service_port();
	for (uint8_t family = 4; family <= 6; family += 2) {
		RIG_ROW(service, .vrf = FWD_ANY_VRF, .family = family, .protocol = TCP, .l4_port = 53,
		        .action = FWD_ACTION_PORT);
		RIG_ROW(service, .vrf = FWD_ANY_VRF, .family = family, .protocol = TCP, .l4_port = 179,
		        .action = FWD_ACTION_REJECT);
	}
}

/* What a plugin answers to the last packet that reached it; false: none did, yet. */
static bool any_answer(struct packet_text *packet, char *text, size_t room)
{
	static struct packet_text last;

	for (uint32_t i = 0; i < happened.frame_count; i++)
		if (happened.frames[i].port == TENANTS_SERVICE && happened.frames[i].length <= sizeof(last.bytes))
			last.length = make_answer(last.bytes, happened.frames[i].bytes, happened.frames[i].length);
	if (last.length == 0)
		return false;
	*packet = last;
	snprintf(text, room, "an answer of %u bytes through the service port", last.length);
	return true;
}

TEST(a_trace_says_what_happens)
{
	static struct packet_text packet;
	const char *wanted = getenv("TRACE_PACKETS");
	uint32_t packets = wanted == NULL ? 10000 : (uint32_t)atoi(wanted), wrong = 0, ends[3] = {0};
	char text[600], fault[256];

	serve();
	RIG_ROW(punt_class, .id = 7, .receiver = (uint16_t)rig_owner(), .rate = 1000000, .burst = 100000,
	        .port_rate = 1000000, .port_burst = 100000, .name = "dhcp");
	for (uint32_t i = 0; i < packets; i++) {
		uint32_t port = 1 + any(9);
		if (any(10) == 0)
			change_tables();
		for (uint32_t id = 1; id < PORTS; id++)
			limit_reset(port_of(id)->slot);
		bool answers = any_answer(&packet, text, sizeof(text)) && port == TENANTS_SERVICE;
		if (!answers)
			any_text(text, sizeof(text), port);
		if (!answers && !packet_text_make(text, NULL, &packet, fault))
			printf("  %s: %s\n", text, fault), test_failures++;
		damage(&packet);
		wrong += !try_packet(port, &packet, text);
		ends[happened.frame_count > 0 ? 0 : happened.punts[port] > 0 ? 1 : 2]++;
		if (wrong > 10)
			break;
	}
	printf("  %u packets: %u left, %u were punted, %u dropped\n", packets, ends[0], ends[1], ends[2]);
	CHECK_EQ(wrong, 0);
	rig_later(5);
	rig_clear();
	/* All three ends are common. */
	CHECK(ends[0] > packets / 10 && ends[1] > packets / 200 && ends[2] > packets / 10);
	CHECK(rig_ledgers_hold());
	tenants_make();
}

TEST(a_trace_leaves_nothing_behind)
{
	uint8_t frame[2048];
	struct port_totals before[PORTS], after;
	unsigned int free_buffers = rte_mempool_avail_count(io_pool);

	for (uint32_t port = 1; port < PORTS; port++)
		before[port] = rig_totals(port);
	for (uint32_t i = 0; i < 1000; i++) {
		uint32_t length = make_udp(frame, i % 2 ? mac_broadcast : mac_gateway, 1, 0x0a01000b,
		        i % 3 ? 0x0a02000b : 0x0a010001, i % 5 ? 67 : 80, 100);
		CHECK(trace(1, frame, length));
	}
	for (uint32_t port = 1; port < PORTS; port++) {
		after = rig_totals(port);
		CHECK(memcmp(&before[port], &after, sizeof(after)) == 0);
		CHECK(!rig_has(port));
	}
	CHECK_EQ(punt_read(rig_owner(), records, sizeof(records)), 0);
	CHECK_EQ(rte_mempool_avail_count(io_pool), free_buffers);
}

/* One token a second: time for a trace and a packet to agree, but for the moment when one comes. */
TEST(limits_are_asked_and_not_taken)
{
	uint8_t frame[2048];
	uint32_t length = make_udp(frame, mac_broadcast, 1, 0x0a01000b, 0x0a0100ff, 80, 10);
	uint32_t flooded = 0, agreed = 0;

	tenants_make();
	RIG_ROW(bridge, .id = 10, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 1500, .flood_rate = 1);
	limit_reset(port_of(1)->slot);
	for (uint32_t i = 0; i < 200; i++) {
		CHECK(trace(1, frame, length) && told.drops[1][DROP_STORM_LIMIT] == 0);
	}
	for (uint32_t i = 0; i < 100; i++) {
		trace(1, frame, length);
		send(1, frame, length);
		flooded += happened.frame_count > 0;
		agreed += (told.frame_count > 0) == (happened.frame_count > 0);
	}
	CHECK(flooded >= 64 && flooded < 70);
	CHECK(agreed >= 98);
	tenants_make();
}

TEST(wrong_arguments_are_refused)
{
	uint8_t frame[64] = {0}, small[40];

	CHECK_EQ(trace_run(999, frame, sizeof(frame), records, sizeof(records)), -ENOENT);
	CHECK_EQ(trace_run(1, frame, sizeof(frame), small, sizeof(small)), -ENOSPC);
	CHECK(trace_run(1, frame, 1, records, sizeof(records)) > 0);
}

static uint8_t routed[2048];
static uint32_t routed_length;

static void *trace_on(void *stop)
{
	static uint8_t out[ROOM];

	while (!__atomic_load_n((bool *)stop, __ATOMIC_RELAXED))
		if (trace_run(1, routed, routed_length, out, sizeof(out)) <= 0)
			abort();
	return NULL;
}

TEST(a_thread_traces_while_rows_change_and_packets_flow)
{
	bool stop = false;
	pthread_t thread;

	routed_length = make_udp(routed, mac_gateway, 1, 0x0a01000b, 0x0a02000b, 80, 100);

	CHECK(pthread_create(&thread, NULL, trace_on, &stop) == 0);
	for (uint32_t i = 0; i < 2000; i++) {
		change_tables();
		deliver(1, routed, routed_length);
	}
	__atomic_store_n(&stop, true, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
	CHECK(rig_ledgers_hold());
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(a_trace_says_what_happens),
	        CASE(a_trace_leaves_nothing_behind),
	        CASE(limits_are_asked_and_not_taken),
	        CASE(wrong_arguments_are_refused),
	        CASE(a_thread_traces_while_rows_change_and_packets_flow),
	};

	rig_start();
	tenants_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
