/* Fragments before any table of rows: what waits, what passes, what is refused, and that nothing is lost. */
#include "flow_fragment.h"

#include <rte_mbuf.h>
#include <string.h>

#include "flow_fragment_cover.h"
#include "flow_fragment_table.h"
#include "flow_life.h"
#include "io.h"
#include "packet_text.h"
#include "parse.h"
#include "stage.h"
#include "test.h"

#include "rig.h"

#define FROM4 "eth m1 gw | ip4 10.1.0.11 10.2.0.11 "
#define FROM6 "eth m1 gw | ip6 2001:db8:1::b 2001:db8:2::b "

static struct port port = {.slot = 3, .generation = 77};
static const struct flow_fragment_ports told = {.src = 1, .dst = 2, .value = 3, .protocol = 17, .kind = 4};
static struct flow_fragment_ports heard;
static uint32_t now = 1000;

static struct ingress ingress(void)
{
	return (struct ingress){.port = &port, .thread = 1};
}

static verdict_t put(struct pkt *pkt, const char *text)
{
	static struct packet_text packet;
	struct ingress in = ingress();
	char why[128];

	if (!packet_text_make(text, NULL, &packet, why)) {
		printf("  %s\n", why);
		abort();
	}
	struct rte_mbuf *mbuf = rte_pktmbuf_alloc(io_pool);
	memcpy(rte_pktmbuf_append(mbuf, (uint16_t)packet.length), packet.bytes, packet.length);
	mbuf->port = port.slot;
	if (parse(pkt, mbuf) != VERDICT_NEXT)
		abort();
	return flow_fragment_enter(pkt, &in, now, &heard);
}

/* What is said of a packet; it is freed unless it waits. */
static verdict_t enter(const char *text)
{
	struct pkt pkt;
	verdict_t verdict = put(&pkt, text);

	if (verdict != VERDICT_HELD)
		rte_pktmbuf_free(pkt.mbuf);
	return verdict;
}

/* A first fragment that is decided. */
static verdict_t first(const char *text, verdict_t decision)
{
	struct ingress in = ingress();
	struct pkt pkt;
	verdict_t verdict = put(&pkt, text);

	if (verdict == VERDICT_NEXT)
		flow_fragment_decided(&pkt, &in, &told, decision);
	rte_pktmbuf_free(pkt.mbuf);
	return verdict;
}

/* Those that wait no longer, all of one verdict; freed. */
static uint32_t released(verdict_t *verdict)
{
	struct rte_mbuf *mbufs[32];
	uint32_t generation = 0, count = 0, some;

	*verdict = VERDICT_HELD;
	while ((some = flow_fragment_take(1, now, mbufs, 32, &generation, verdict)) != 0) {
		count += some;
		rte_pktmbuf_free_bulk(mbufs, some);
		if (generation != port.generation)
			return 0;
	}
	return count;
}

static void forget(void)
{
	verdict_t verdict;

	now += (FRAGMENT_KEEP + 1) * FLOW_HZ;
	released(&verdict);
}

static bool nothing_is_lost(void)
{
	forget();
	return rte_mempool_in_use_count(io_pool) == 0;
}

TEST(covers_a_datagram_in_every_order_of_its_parts)
{
	enum { PARTS = 6 };
	for (uint32_t order = 0; order < 720; order++) {
		struct flow_fragment_cover cover = {.count = 0};
		uint32_t left[PARTS] = {0, 1, 2, 3, 4, 5}, code = order;
		for (uint32_t i = PARTS; i > 0; i--) {
			uint32_t at = code % i, part = left[at];
			code /= i;
			left[at] = left[i - 1];
			CHECK(!cover_complete(&cover));
			CHECK_EQ(cover_add(&cover, part * 10, part * 10 + 10, part == PARTS - 1), COVER_NEW);
			CHECK_EQ(cover_add(&cover, part * 10 + 4, part * 10 + 5, false), COVER_OVERLAP);
		}
		CHECK(cover_complete(&cover));
	}
}

TEST(refuses_what_overlaps_or_lies_behind_the_end)
{
	struct flow_fragment_cover cover = {.count = 0};

	CHECK_EQ(cover_add(&cover, 10, 20, false), COVER_NEW);
	CHECK_EQ(cover_add(&cover, 0, 11, false), COVER_OVERLAP);
	CHECK_EQ(cover_add(&cover, 19, 30, false), COVER_OVERLAP);
	CHECK_EQ(cover_add(&cover, 0, 30, false), COVER_OVERLAP);
	CHECK_EQ(cover_add(&cover, 5, 8, true), COVER_OVERLAP);
	CHECK_EQ(cover_add(&cover, 25, 30, true), COVER_NEW);
	CHECK_EQ(cover_add(&cover, 30, 31, false), COVER_OVERLAP);
	CHECK_EQ(cover_add(&cover, 22, 24, true), COVER_OVERLAP);
	CHECK_EQ(cover.count, 2);
}

TEST(keeps_as_many_parts_as_a_datagram_can_have)
{
	struct flow_fragment_cover cover = {.count = 0};

	for (uint32_t i = 0; i < COVER_PARTS; i++)
		CHECK_EQ(cover_add(&cover, i * 2, i * 2 + 1, false), COVER_NEW);
	CHECK_EQ(cover_add(&cover, COVER_PARTS * 2, COVER_PARTS * 2 + 1, false), COVER_FULL);
	for (uint32_t i = 0; i < COVER_PARTS; i++)
		CHECK_EQ(cover_add(&cover, i * 2 + 1, i * 2 + 2, i == COVER_PARTS - 1), COVER_NEW);
	CHECK(cover_complete(&cover));
}

TEST(later_fragments_take_the_ports_of_the_first)
{
	CHECK_EQ(first(FROM4 "id 1 mf | udp 1 2 | data 72", VERDICT_NEXT), VERDICT_NEXT);
	memset(&heard, 0, sizeof(heard));
	CHECK_EQ(enter(FROM4 "id 1 mf offset 80 proto 17 | data 80"), VERDICT_NEXT);
	CHECK(memcmp(&heard, &told, sizeof(told)) == 0);
	CHECK_EQ(enter(FROM4 "id 1 offset 160 proto 17 | data 5"), VERDICT_NEXT);
	/* All of it has passed: a further one is of another datagram. */
	CHECK_EQ(enter(FROM4 "id 1 offset 160 proto 17 | data 5"), VERDICT_HELD);
	CHECK(nothing_is_lost());
}

TEST(later_fragments_of_ipv6_take_protocol_and_ports)
{
	CHECK_EQ(first(FROM6 "| frag id 5 mf | dest | udp 1 2 | data 72", VERDICT_NEXT), VERDICT_NEXT);
	memset(&heard, 0, sizeof(heard));
	/* Its next header may say anything (RFC 8200 §4.5). */
	CHECK_EQ(enter(FROM6 "next 44 | frag id 5 offset 88 | data 80"), VERDICT_NEXT);
	CHECK(memcmp(&heard, &told, sizeof(told)) == 0);
	CHECK(nothing_is_lost());
}

TEST(fragments_before_the_first_wait_for_it)
{
	verdict_t verdict;

	CHECK_EQ(enter(FROM4 "id 2 offset 160 proto 17 | data 5"), VERDICT_HELD);
	CHECK_EQ(enter(FROM4 "id 2 mf offset 80 proto 17 | data 80"), VERDICT_HELD);
	CHECK_EQ(released(&verdict), 0);
	CHECK(flow_fragment_wait(1, now) <= 1000 && flow_fragment_wait(1, now) > 900);
	CHECK_EQ(first(FROM4 "id 2 mf | udp 1 2 | data 72", VERDICT_NEXT), VERDICT_NEXT);
	CHECK_EQ(flow_fragment_wait(1, now), UINT32_MAX);
	CHECK_EQ(released(&verdict), 2);
	CHECK_EQ(verdict, VERDICT_NEXT);
	CHECK_EQ(enter(FROM4 "id 2 mf offset 80 proto 17 | data 80"), VERDICT_NEXT);
	CHECK_EQ(enter(FROM4 "id 2 offset 160 proto 17 | data 5"), VERDICT_NEXT);
	CHECK(nothing_is_lost());
}

TEST(what_waits_ends_with_a_first_that_is_denied)
{
	verdict_t verdict;

	CHECK_EQ(enter(FROM4 "id 3 offset 80 proto 17 | data 5"), VERDICT_HELD);
	CHECK_EQ(first(FROM4 "id 3 mf | udp 1 2 | data 72", DROP_POLICY_DENIED), VERDICT_NEXT);
	CHECK_EQ(released(&verdict), 1);
	CHECK_EQ(verdict, DROP_POLICY_DENIED);
	CHECK_EQ(enter(FROM4 "id 3 offset 80 proto 17 | data 5"), DROP_POLICY_DENIED);
	CHECK(nothing_is_lost());
}

TEST(what_waits_for_a_first_that_never_comes_ends_within_a_second)
{
	verdict_t verdict;

	CHECK_EQ(enter(FROM4 "id 4 offset 80 proto 17 | data 5"), VERDICT_HELD);
	now += FRAGMENT_WAIT * FLOW_HZ - 1;
	CHECK_EQ(released(&verdict), 0);
	now++;
	CHECK_EQ(released(&verdict), 1);
	CHECK_EQ(verdict, DROP_FRAGMENT_UNKNOWN);
	CHECK(nothing_is_lost());
}

TEST(a_datagram_is_known_for_some_seconds)
{
	CHECK_EQ(first(FROM4 "id 5 mf | udp 1 2 | data 72", VERDICT_NEXT), VERDICT_NEXT);
	now += FRAGMENT_KEEP * FLOW_HZ - 1;
	CHECK_EQ(enter(FROM4 "id 5 mf offset 80 proto 17 | data 8"), VERDICT_NEXT);
	forget();
	CHECK_EQ(enter(FROM4 "id 5 mf offset 88 proto 17 | data 8"), VERDICT_HELD);
	CHECK(nothing_is_lost());
}

TEST(other_ports_senders_and_numbers_are_other_datagrams)
{
	CHECK_EQ(first(FROM4 "id 6 mf | udp 1 2 | data 72", VERDICT_NEXT), VERDICT_NEXT);
	CHECK_EQ(enter(FROM4 "id 7 offset 80 proto 17 | data 5"), VERDICT_HELD);
	CHECK_EQ(enter(FROM4 "id 6 offset 80 proto 1 | data 5"), VERDICT_HELD);
	CHECK_EQ(enter("eth m1 gw | ip4 10.1.0.12 10.2.0.11 id 6 offset 80 proto 17 | data 5"), VERDICT_HELD);
	port.generation++;
	CHECK_EQ(enter(FROM4 "id 6 offset 80 proto 17 | data 5"), VERDICT_HELD);
	forget();
	port.generation--;
	CHECK(nothing_is_lost());
}

TEST(a_first_fragment_without_its_whole_header_is_refused)
{
	CHECK_EQ(first(FROM4 "id 8 mf proto 6 | data 16", VERDICT_NEXT), DROP_FRAGMENT_INVALID);
	CHECK_EQ(enter(FROM4 "id 8 offset 24 proto 6 | data 5"), DROP_FRAGMENT_INVALID);
	CHECK_EQ(first(FROM4 "id 9 mf proto 132 | data 8", VERDICT_NEXT), DROP_FRAGMENT_INVALID);
	CHECK_EQ(first(FROM4 "id 10 mf proto 47 | data 8", VERDICT_NEXT), VERDICT_NEXT);
	CHECK_EQ(first(FROM6 "| frag id 11 mf | dest", VERDICT_NEXT), VERDICT_NEXT);
	CHECK(nothing_is_lost());
}

TEST(a_fragment_that_would_write_over_the_header_is_refused)
{
	verdict_t verdict;

	CHECK_EQ(enter(FROM4 "id 12 mf offset 8 proto 6 | data 64"), DROP_FRAGMENT_INVALID);
	CHECK_EQ(first(FROM6 "| frag id 13 mf | tcp 1 2 A | data 4", VERDICT_NEXT), VERDICT_NEXT);
	CHECK_EQ(enter(FROM6 "next 44 | frag id 13 offset 8 | data 64"), DROP_FRAGMENT_INVALID);
	CHECK_EQ(enter(FROM6 "next 44 | frag id 13 offset 24 | data 64"), DROP_FRAGMENT_INVALID);
	CHECK_EQ(enter(FROM6 "next 44 | frag id 14 offset 8 | data 64"), VERDICT_HELD);
	CHECK_EQ(first(FROM6 "| frag id 14 mf | tcp 1 2 A | data 4", VERDICT_NEXT), VERDICT_NEXT);
	CHECK_EQ(released(&verdict), 1);
	CHECK_EQ(enter(FROM6 "next 44 | frag id 14 offset 8 | data 64"), DROP_FRAGMENT_INVALID);
	CHECK(nothing_is_lost());
}

TEST(overlapping_fragments_end_their_datagram)
{
	CHECK_EQ(first(FROM4 "id 15 mf | udp 1 2 | data 72", VERDICT_NEXT), VERDICT_NEXT);
	CHECK_EQ(enter(FROM4 "id 15 mf offset 160 proto 17 | data 80"), VERDICT_NEXT);
	CHECK_EQ(enter(FROM4 "id 15 mf offset 80 proto 17 | data 88"), DROP_FRAGMENT_INVALID);
	CHECK_EQ(enter(FROM4 "id 15 mf offset 80 proto 17 | data 80"), DROP_FRAGMENT_INVALID);
	CHECK_EQ(first(FROM4 "id 15 mf | udp 1 2 | data 72", VERDICT_NEXT), DROP_FRAGMENT_INVALID);
	CHECK(nothing_is_lost());
}

TEST(the_same_first_fragment_again_begins_anew)
{
	CHECK_EQ(first(FROM4 "id 16 mf | udp 1 2 | data 72", VERDICT_NEXT), VERDICT_NEXT);
	CHECK_EQ(enter(FROM4 "id 16 mf offset 80 proto 17 | data 80"), VERDICT_NEXT);
	CHECK_EQ(first(FROM4 "id 16 mf | udp 1 2 | data 72", VERDICT_NEXT), VERDICT_NEXT);
	CHECK_EQ(enter(FROM4 "id 16 mf offset 80 proto 17 | data 80"), VERDICT_NEXT);
	CHECK_EQ(first(FROM4 "id 16 mf | udp 1 3 | data 72", VERDICT_NEXT), DROP_FRAGMENT_INVALID);
	CHECK_EQ(enter(FROM4 "id 16 offset 160 proto 17 | data 80"), DROP_FRAGMENT_INVALID);
	CHECK(nothing_is_lost());
}

TEST(after_a_denied_first_one_another_may_be_allowed)
{
	CHECK_EQ(first(FROM4 "id 17 mf | udp 1 2 | data 72", DROP_POLICY_DENIED), VERDICT_NEXT);
	CHECK_EQ(first(FROM4 "id 17 mf | udp 1 3 | data 72", VERDICT_NEXT), VERDICT_NEXT);
	CHECK_EQ(enter(FROM4 "id 17 offset 80 proto 17 | data 80"), VERDICT_NEXT);
	CHECK(nothing_is_lost());
}

TEST(sizes_that_no_sender_makes_are_refused)
{
	CHECK_EQ(enter(FROM4 "id 18 mf offset 80 proto 17 | data 81"), DROP_FRAGMENT_INVALID);
	CHECK_EQ(enter(FROM4 "id 18 offset 80 proto 17"), DROP_FRAGMENT_INVALID);
	CHECK_EQ(enter(FROM6 "next 44 | frag id 18 offset 65528 | data 8"), DROP_FRAGMENT_INVALID);
	CHECK_EQ(enter(FROM6 "next 44 | frag id 18 offset 65528 | data 7"), VERDICT_HELD);
	CHECK_EQ(enter(FROM6 "| frag id 19 | frag id 20 mf | udp 1 2 | data 8"), DROP_FRAGMENT_INVALID);
	CHECK(nothing_is_lost());
}

TEST(atomic_fragments_are_whole_packets)
{
	struct ingress in = ingress();
	struct pkt pkt;

	CHECK_EQ(put(&pkt, FROM6 "| frag id 21 | udp 1 2 | data 8"), VERDICT_NEXT);
	flow_fragment_decided(&pkt, &in, &told, DROP_POLICY_DENIED);
	rte_pktmbuf_free(pkt.mbuf);
	CHECK_EQ(enter(FROM6 "next 44 | frag id 21 offset 80 | data 8"), VERDICT_HELD);
	CHECK(nothing_is_lost());
}

TEST(of_one_datagram_and_one_port_only_so_many_wait)
{
	char text[160];
	uint32_t held = 0;
	verdict_t verdict;

	for (uint32_t i = 1; i <= FRAGMENT_WAIT_DATAGRAM + 1; i++) {
		snprintf(text, sizeof(text), FROM4 "id 22 mf offset %u proto 17 | data 8", 8 * i);
		CHECK_EQ(enter(text), i <= FRAGMENT_WAIT_DATAGRAM ? VERDICT_HELD : DROP_FRAGMENT_LIMIT);
	}
	for (uint32_t i = 0; i < FRAGMENT_WAIT_PORT; i++) {
		snprintf(text, sizeof(text), FROM4 "id %u mf offset 80 proto 17 | data 8", 100 + i);
		held += enter(text) == VERDICT_HELD;
	}
	CHECK_EQ(held, FRAGMENT_WAIT_PORT - FRAGMENT_WAIT_DATAGRAM);
	port.slot = 4;
	CHECK_EQ(enter(FROM4 "id 99 mf offset 80 proto 17 | data 8"), VERDICT_HELD);
	now += FRAGMENT_WAIT * FLOW_HZ;
	CHECK_EQ(released(&verdict), FRAGMENT_WAIT_PORT + 1);
	port.slot = 3;
	CHECK_EQ(enter(FROM4 "id 22 mf offset 80 proto 17 | data 8"), VERDICT_HELD);
	CHECK(nothing_is_lost());
}

TEST(buffers_count_not_frames)
{
	struct ingress in = ingress();
	struct pkt pkt;
	verdict_t verdict;

	/* Chains of 10: the limit of a datagram is reached with the seventh. */
	for (uint32_t i = 1; i <= 7; i++) {
		char text[160];
		snprintf(text, sizeof(text), FROM4 "id 23 mf offset %u proto 17 | data 8", 8 * i);
		static struct packet_text packet;
		char why[128];
		CHECK(packet_text_make(text, NULL, &packet, why));
		struct rte_mbuf *mbuf = rte_pktmbuf_alloc(io_pool);
		memcpy(rte_pktmbuf_append(mbuf, (uint16_t)packet.length), packet.bytes, packet.length);
		for (uint32_t more = 0; more < 9; more++)
			rte_pktmbuf_chain(mbuf, rte_pktmbuf_alloc(io_pool));
		mbuf->port = port.slot;
		CHECK_EQ(parse(&pkt, mbuf), VERDICT_NEXT);
		verdict = flow_fragment_enter(&pkt, &in, now, &heard);
		CHECK_EQ(verdict, i <= 6 ? VERDICT_HELD : DROP_FRAGMENT_LIMIT);
		if (verdict != VERDICT_HELD)
			rte_pktmbuf_free(mbuf);
	}
	CHECK(nothing_is_lost());
}

/* First fragments of datagrams from `from` on. */
static void fill(uint32_t from, uint32_t count)
{
	char text[160];

	for (uint32_t i = from; i < from + count; i++) {
		snprintf(text, sizeof(text), FROM4 "id %u mf | udp 1 2 | data 72", i);
		first(text, VERDICT_NEXT);
	}
}

TEST(a_port_that_fills_the_table_loses_its_own)
{
	verdict_t verdict;

	port.slot = 5;
	fill(1, 10);
	CHECK_EQ(enter(FROM4 "id 60000 offset 80 proto 17 | data 8"), VERDICT_HELD);
	port.slot = 6;
	port.generation++;
	fill(1, 2 * FRAGMENT_DATAGRAMS);
	/* The oldest of the port that asks went; those of the other are there. */
	CHECK_EQ(enter(FROM4 "id 1 mf offset 80 proto 17 | data 8"), VERDICT_HELD);
	CHECK_EQ(enter(FROM4 "id 8192 mf offset 80 proto 17 | data 8"), VERDICT_NEXT);
	CHECK_EQ(released(&verdict), 0);
	port.slot = 5;
	port.generation--;
	CHECK_EQ(enter(FROM4 "id 1 mf offset 80 proto 17 | data 8"), VERDICT_NEXT);
	/* One with few takes the place of the oldest of all. */
	CHECK_EQ(first(FROM4 "id 50000 mf | udp 1 2 | data 72", VERDICT_NEXT), VERDICT_NEXT);
	CHECK_EQ(enter(FROM4 "id 50000 mf offset 80 proto 17 | data 8"), VERDICT_NEXT);
	port.slot = 3;
	CHECK(nothing_is_lost());
}

/* Nor does it cost others theirs, of whom each comes with few but all of them often. */
TEST(a_port_that_fills_the_table_takes_nothing_from_others)
{
	char text[160];

	port.slot = 6;
	fill(1, 2 * FRAGMENT_DATAGRAMS);
	port.slot = 5;
	port.generation++;
	fill(1, 10);
	port.slot = 6;
	port.generation--;
	fill(10001, FRAGMENT_DATAGRAMS);
	for (port.slot = 7; port.slot <= 8; port.slot++) {
		port.generation += port.slot;
		fill(1, FRAGMENT_PORT_KEEPS);
		port.generation -= port.slot;
	}
	port.slot = 5;
	port.generation++;
	for (uint32_t i = 1; i <= 10; i++) {
		snprintf(text, sizeof(text), FROM4 "id %u mf offset 80 proto 17 | data 8", i);
		CHECK_EQ(enter(text), VERDICT_NEXT);
	}
	port.generation--;
	port.slot = 3;
	CHECK(nothing_is_lost());
}

/* Random fragments of a few datagrams; whatever waits comes out again. */
TEST(random_fragments_leave_nothing_behind)
{
	uint32_t entered = 0, ended = 0, seed = 1;
	verdict_t verdict;
	char text[160];

	for (uint32_t i = 0; i < 20000; i++) {
		seed = seed * 1103515245u + 12345u;
		uint32_t r = seed >> 8, offset = r / 16 % 8 * 8;
		snprintf(text, sizeof(text), FROM4 "id %u %s offset %u proto 17 | data %u", r % 13,
		        r & 1024 ? "mf" : "df", offset, 8 + r / 4096 % 4 * 8);
		port.slot = (uint16_t)(3 + r / 128 % 3);
		entered++;
		ended += (offset == 0 ? first(text, r & 2048 ? VERDICT_NEXT : DROP_POLICY_DENIED) : enter(text)) !=
		         VERDICT_HELD;
		now += r / 65536 % 2;
		if (r % 64 == 0)
			ended += released(&verdict);
	}
	port.slot = 3;
	now += FLOW_HZ;
	ended += released(&verdict);
	CHECK_EQ(ended, entered);
	CHECK(nothing_is_lost());
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(covers_a_datagram_in_every_order_of_its_parts),
	        CASE(refuses_what_overlaps_or_lies_behind_the_end),
	        CASE(keeps_as_many_parts_as_a_datagram_can_have),
	        CASE(later_fragments_take_the_ports_of_the_first),
	        CASE(later_fragments_of_ipv6_take_protocol_and_ports),
	        CASE(fragments_before_the_first_wait_for_it),
	        CASE(what_waits_ends_with_a_first_that_is_denied),
	        CASE(what_waits_for_a_first_that_never_comes_ends_within_a_second),
	        CASE(a_datagram_is_known_for_some_seconds),
	        CASE(other_ports_senders_and_numbers_are_other_datagrams),
	        CASE(a_first_fragment_without_its_whole_header_is_refused),
	        CASE(a_fragment_that_would_write_over_the_header_is_refused),
	        CASE(overlapping_fragments_end_their_datagram),
	        CASE(the_same_first_fragment_again_begins_anew),
	        CASE(after_a_denied_first_one_another_may_be_allowed),
	        CASE(sizes_that_no_sender_makes_are_refused),
	        CASE(atomic_fragments_are_whole_packets),
	        CASE(of_one_datagram_and_one_port_only_so_many_wait),
	        CASE(buffers_count_not_frames),
	        CASE(a_port_that_fills_the_table_loses_its_own),
	        CASE(a_port_that_fills_the_table_takes_nothing_from_others),
	        CASE(random_fragments_leave_nothing_behind),
	};

	rig_start();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
