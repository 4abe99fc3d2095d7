/*
 * Properties over random frames from random ports: nothing crosses into another tenant, nothing is lost or counted
 * twice. The seed is fixed: a failure repeats.
 */
#include <stdlib.h>
#include <string.h>

#include "punt.h"
#include "tenants.h"
#include "test.h"

#define FRAMES  40000u
#define MARK_AT 44u

/* Ports that frames enter by, and the VRF each belongs to; sub-ports are entered through trunk 5. */
static const uint8_t vrf_of[9] = {0, 1, 1, 1, 2, 0, 1, 2, 1};

static uint32_t seed = 20261121;

static uint32_t any(uint32_t limit)
{
	seed = seed * 1664525u + 1013904223u;
	return (seed >> 8) % limit;
}

static const uint8_t *any_mac(void)
{
	switch (any(4)) {
	case 0:
		return mac_gateway;
	case 1:
		return mac_broadcast;
	default:
		return mac_of((uint8_t)any(10));
	}
}

static uint32_t any_address(void)
{
	return 0x0a000000u | (1 + any(4)) << 16 | (any(2) ? 11 + any(3) : any(256));
}

/* Mostly the port's own: others end at its guard. */
static uint32_t any_sender(uint8_t source)
{
	static const uint32_t own[9] = {
	        0, 0x0a01000b, 0x0a01000c, 0x0a02000b, 0x0a01000c, 0, 0x0a01000d, 0x0a01000d, 0x0a04000b};

	return any(4) != 0 ? own[source] : any_address();
}

/* A frame of some kind from port `source`; its VRF stands at MARK_AT where bytes are payload. */
static uint32_t make(uint8_t *out, uint8_t source)
{
	uint32_t length;

	if (any(5) == 0)
		return make_arp(out, (uint16_t)(1 + any(2)), source, any_sender(source), any_address());
	if (any(5) == 0)
		length = make_echo(out, any_mac(), source, any_sender(source), any_address());
	else
		length = make_udp(out, any_mac(), source, any_sender(source), any_address(),
		        (uint16_t)(any(3) ? 80 : 67), (uint16_t)(20 + any(1500)));
	out[MARK_AT] = vrf_of[source];
	/* Damage some, but not the mark. */
	for (uint32_t i = any(4) == 0 ? any(4) : 0; i > 0; i--) {
		uint32_t at = any(length);
		if (at != MARK_AT)
			out[at] = (uint8_t)any(256);
	}
	return any(20) == 0 ? MARK_AT + 1 + any(length - MARK_AT) : length;
}

/* VRF that a frame leaving by this port belongs to; the tag decides on the trunk. */
static uint8_t vrf_at(uint32_t port, const uint8_t *frame)
{
	return port == 5 ? (frame[15] == 101 ? 1 : 2) : vrf_of[port];
}

/* Where the mark stands in a frame that left; 0: nowhere. An ICMP error (of precedence 0xc0) quotes a frame from its IP
 * header on, behind 28 bytes of its own; later fragments are without it. */
static uint32_t mark_at(const uint8_t *frame, uint32_t tag)
{
	const uint8_t *ip = frame + 14 + tag;

	if (((ip[6] & 0x1f) | ip[7]) != 0)
		return 0;
	return tag + MARK_AT + (memcmp(frame + 6, mac_gateway, 6) == 0 && ip[1] == 0xc0 ? 28 : 0);
}

/* Ports with policy, whose rules come and go: 1 to 4. */
static void change_policy(void)
{
	static const uint32_t bridges[5] = {0, 10, 10, 20, 30};
	uint32_t id = 1 + any(4);

	RIG_ROW(identity_group, .identity = 100 + id, .group = id, .gate = 1);
	RIG_ROW(port_identity, .port = id, .identity = 100 + id);
	RIG_ROW(rule, .group = id, .number = any(4), .direction = (uint8_t)any(2), .family = 4,
	        .protocol = any(2) ? 0 : 17, .port_min = any(2) ? 0 : 80, .port_max = 65535,
	        .action = any(5) == 0 ? FWD_RULE_DENY : FWD_RULE_ALLOW);
	RIG_ROW(port, .id = id, .bridge = bridges[id], .mtu = 1500, .mac = {2, 0, 0, 0, 0, (uint8_t)id},
	        .binding = FWD_BINDING_NONE, .flags = FWD_PORT_SECURITY | (any(3) ? FWD_PORT_POLICY_REQUIRED : 0));
}

static void send_one(void)
{
	uint8_t frame[2048], tagged[2048];
	uint8_t source = (uint8_t)(1 + any(8));
	uint32_t length = make(frame, source == 5 ? 6 : source);

	if (source == 5)
		rig_send(5, frame, length);
	else if (source == 6 || source == 7)
		rig_send(5, tagged, make_tagged(tagged, source == 6 ? 101 : 102, frame, length));
	else
		rig_send(source, frame, length);
}

TEST(nothing_crosses_tenants_and_everything_is_counted_once)
{
	uint8_t out[2048], batch[65536];
	uint32_t left = 0;

	for (uint32_t i = 0; i < FRAMES; i++) {
		send_one();
		if (i % 16 != 15)
			continue;
		if (i % 512 == 511)
			change_policy();
		rig_run();
		for (uint32_t port = 1; port <= 8; port++) {
			if (port == 6 || port == 7)
				continue;
			for (int length; (length = rig_take(port, out)) >= 0; left++) {
				uint32_t shift = port == 5 ? 4 : 0;
				bool ip = out[12 + shift] == 8 && out[13 + shift] == 0;
				uint32_t at = ip ? mark_at(out, shift) : 0;
				if (at != 0 && length > (int)at)
					CHECK_EQ(out[at], vrf_at(port, out));
			}
		}
		while (punt_read(rig_owner(), batch, sizeof(batch)) > 0)
			;
	}
	CHECK(left > FRAMES / 10);
	/* Fragments wait for their first one no longer. */
	rig_later(5);
	CHECK(rig_ledgers_hold());
}

TEST(ports_come_and_go_under_traffic)
{
	for (uint32_t round = 0; round < 300; round++) {
		RIG_ROW(port, .id = 50, .bridge = 10, .mtu = 1500, .mac = {2, 0, 0, 0, 0, 50},
		        .binding = FWD_BINDING_NONE);
		rig_attach(50);
		for (uint32_t i = 0; i < 10; i++)
			send_one();
		if (round % 2)
			rig_run();
		RIG_DELETE(port, .id = 50);
		rig_run();
		rig_clear();
		uint8_t batch[65536];
		while (punt_read(rig_owner(), batch, sizeof(batch)) > 0)
			;
	}
	rig_later(5);
	CHECK(rig_ledgers_hold());
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(nothing_crosses_tenants_and_everything_is_counted_once),
	        CASE(ports_come_and_go_under_traffic),
	};

	rig_start();
	tenants_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
