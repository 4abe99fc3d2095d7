/* Packets that are longer than their way out takes: IPv4 fragmentation (RFC 791 §3.2) and segments of streams. */
#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_tcp.h>
#include <string.h>

#include "fragment.h"
#include "io.h"
#include "port.h"
#include "tenants.h"
#include "test.h"

#define IP_AT 14u

static uint8_t in[RIG_FRAME], out[RIG_FRAME], whole[65536];

static struct rte_ipv4_hdr *ip_of(uint8_t *frame)
{
	return (void *)(frame + IP_AT);
}

static void set_mtu(uint32_t port, uint32_t bridge, uint16_t mtu)
{
	RIG_ROW(port, .id = port, .bridge = bridge, .flags = FWD_PORT_SECURITY, .mtu = mtu,
	        .mac = {2, 0, 0, 0, 0, (uint8_t)port});
}

/* Puts the payload of one fragment in its place in `whole`; the length of the datagram's payload when this is the last
 * piece, else 0. */
static uint32_t put_together(uint8_t *frame, uint16_t mtu)
{
	struct rte_ipv4_hdr *ip = ip_of(frame);
	uint16_t header = rte_ipv4_hdr_len(ip), total = ntohs(ip->total_length), place = ntohs(ip->fragment_offset);
	uint32_t at = (place & RTE_IPV4_HDR_OFFSET_MASK) * 8u;

	if (total > mtu || rte_raw_cksum(ip, header) != 0xffff)
		return UINT32_MAX;
	memcpy(whole + at, frame + IP_AT + header, total - header);
	return (place & RTE_IPV4_HDR_MF_FLAG) != 0 ? 0 : at + total - header;
}

/* Takes all fragments that left through a port: how many; *payload: bytes of the datagram put together. */
static uint32_t take_pieces(uint32_t port, uint16_t mtu, uint32_t *payload)
{
	uint32_t count = 0;

	*payload = 0;
	memset(whole, 0, sizeof(whole));
	for (; rig_take(port, out) >= 0; count++) {
		uint32_t end = put_together(out, mtu);
		*payload = end != 0 ? end : *payload;
	}
	return count;
}

static uint32_t make_datagram(uint16_t payload)
{
	uint32_t length = make_udp(in, mac_gateway, 1, 0x0a01000b, 0x0a02000b, 80, payload);

	for (uint32_t i = IP_AT + 28; i < length; i++)
		in[i] = (uint8_t)(i * 7);
	return length;
}

TEST(a_datagram_is_cut_for_a_smaller_mtu)
{
	uint32_t length = make_datagram(1400), payload;
	struct port_totals before = rig_totals(1);

	set_mtu(3, 20, 600);
	deliver(1, in, length);
	CHECK_EQ(take_pieces(3, 600, &payload), 3);
	CHECK_EQ(payload, 1408);
	CHECK(memcmp(whole, in + IP_AT + 20, 1408) == 0);
	CHECK_EQ(rig_totals(1).originated, before.originated + 2);
	CHECK_EQ(rig_totals(1).sent, before.sent + 3);
	set_mtu(3, 20, 1500);
}

TEST(a_fragment_is_cut_again_in_its_place)
{
	uint32_t length = make_datagram(1400), payload;

	set_mtu(3, 20, 600);
	ip_of(in)->fragment_offset = htons(RTE_IPV4_HDR_MF_FLAG | 100);
	set_hop_limit(in, 64);
	deliver(1, in, length);
	CHECK_EQ(take_pieces(3, 600, &payload), 3);
	/* More follow: none of the pieces is the last. */
	CHECK_EQ(payload, 0);
	CHECK(memcmp(whole + 800, in + IP_AT + 20, 1408) == 0);
	set_mtu(3, 20, 1500);
}

/* Record route (not copied), then an option with the copied flag, then the end. */
static const uint8_t options[12] = {7, 3, 4, 1, 0x94, 4, 0, 0, 0, 0, 0, 0};

TEST(only_options_with_the_copied_flag_are_in_later_pieces)
{
	uint32_t length = make_datagram(1200), payload;

	memmove(in + IP_AT + 32, in + IP_AT + 20, length - IP_AT - 20);
	memcpy(in + IP_AT + 20, options, sizeof(options));
	ip_of(in)->version_ihl = 0x48;
	ip_of(in)->total_length = htons((uint16_t)(length - IP_AT + 12));
	ip_of(in)->hdr_checksum = 0;
	ip_of(in)->hdr_checksum = (uint16_t)~rte_raw_cksum(ip_of(in), 32);
	set_mtu(3, 20, 700);
	deliver(1, in, length + 12);
	CHECK(rig_take(3, out) > 0);
	CHECK_EQ(out[IP_AT], 0x48);
	CHECK(memcmp(out + IP_AT + 20, options, sizeof(options)) == 0);
	uint32_t first = put_together(out, 700);
	CHECK_EQ(first, 0);
	CHECK(rig_take(3, out) > 0);
	CHECK_EQ(out[IP_AT], 0x46);
	CHECK(memcmp(out + IP_AT + 20, options + 4, 4) == 0);
	CHECK_EQ(put_together(out, 700), 1208);
	CHECK_EQ(take_pieces(3, 700, &payload), 0);
	set_mtu(3, 20, 1500);
}

TEST(a_jumbo_is_cut_into_chains)
{
	uint32_t length = make_datagram(8972), payload;

	/* The network must allow for it, too. */
	RIG_ROW(bridge, .id = 20, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 9000);
	set_mtu(3, 20, 4000);
	deliver(1, in, length);
	CHECK_EQ(take_pieces(3, 4000, &payload), 3);
	CHECK_EQ(payload, 8980);
	CHECK(memcmp(whole, in + IP_AT + 20, 8980) == 0);
	RIG_ROW(bridge, .id = 20, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 1500);
	set_mtu(3, 20, 1500);
}

TEST(bridged_frames_are_never_cut)
{
	uint64_t before = rig_drops(1, DROP_MTU_EXCEEDED);

	set_mtu(2, 10, 600);
	deliver(1, in, make_udp(in, mac_of(2), 1, 0x0a01000b, 0x0a01000c, 80, 1000));
	CHECK_EQ(only_exit(out, NULL), 0);
	CHECK_EQ(rig_drops(1, DROP_MTU_EXCEEDED), before + 1);
	set_mtu(2, 10, 1500);
}

TEST(nonsense_options_end_the_copy)
{
	static const uint8_t ends[][4] = {{0x94, 0, 1, 1}, {0x94, 1, 1, 1}, {0x94, 9, 1, 1}, {1, 1, 1, 0x94}};
	struct rte_mbuf *pieces[FRAGMENT_LIMIT];

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(io_pool);
		uint32_t length = make_datagram(1000);
		memmove(in + IP_AT + 24, in + IP_AT + 20, length - IP_AT - 20);
		memcpy(in + IP_AT + 20, ends[i], 4);
		ip_of(in)->version_ihl = 0x46;
		ip_of(in)->total_length = htons((uint16_t)(length - IP_AT + 4));
		memcpy(rte_pktmbuf_append(m, (uint16_t)(length + 4)), in, length + 4);
		uint32_t count = fragment_ipv4(m, IP_AT, 600, pieces);
		rte_pktmbuf_free(m);
		CHECK_EQ(count, 2);
		CHECK_EQ(rte_pktmbuf_mtod(pieces[1], uint8_t *)[IP_AT], 0x45);
		rte_pktmbuf_free_bulk(pieces, count);
	}
}

TEST(more_pieces_than_allowed_are_none)
{
	struct rte_mbuf *pieces[FRAGMENT_LIMIT], *m = rte_pktmbuf_alloc(io_pool);
	uint32_t length = make_datagram(1400);

	memcpy(rte_pktmbuf_append(m, (uint16_t)length), in, length);
	unsigned int free_before = rte_mempool_avail_count(io_pool);
	CHECK_EQ(fragment_ipv4(m, IP_AT, 36, pieces), 0);
	CHECK_EQ(rte_mempool_avail_count(io_pool), free_before);
	rte_pktmbuf_free(m);
}

/* As from a VM that leaves segmentation to its device: 1,448 bytes of payload each. */
static void leave_segmentation(struct rte_mbuf *mbuf)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod_offset(mbuf, struct rte_ipv4_hdr *, IP_AT);
	struct rte_tcp_hdr *tcp = (void *)(ip + 1);

	mbuf->l2_len = IP_AT;
	mbuf->l3_len = sizeof(*ip);
	mbuf->l4_len = sizeof(*tcp);
	mbuf->tso_segsz = 1448;
	mbuf->ol_flags |= RTE_MBUF_F_TX_TCP_SEG | RTE_MBUF_F_TX_TCP_CKSUM | RTE_MBUF_F_TX_IPV4;
}

static uint16_t segment_size;
static void see_segment_size(const struct rte_mbuf *mbuf)
{
	segment_size = mbuf->tso_segsz;
}

static uint32_t make_stream(bool dont_fragment)
{
	uint32_t length = make_tcp(in, mac_gateway, 1, 0x0a01000b, 0x0a02000b, 80, RTE_TCP_ACK_FLAG);

	memset(in + length, 0x5a, 8000);
	ip_of(in)->total_length = htons((uint16_t)(length - IP_AT + 8000));
	ip_of(in)->fragment_offset = htons(dont_fragment ? RTE_IPV4_HDR_DF_FLAG : 0);
	set_hop_limit(in, 64);
	return length + 8000;
}

TEST(segments_of_a_stream_become_shorter)
{
	uint32_t length = make_stream(false);

	rig_received = leave_segmentation;
	rig_left = see_segment_size;
	deliver(1, in, length);
	uint16_t before = segment_size;
	set_mtu(3, 20, 1000);
	deliver(1, in, length);
	int exit = only_exit(out, NULL);
	rig_received = NULL;
	rig_left = NULL;
	set_mtu(3, 20, 1500);
	CHECK_EQ(before, 1448);
	CHECK_EQ(exit, 3);
	CHECK_EQ(segment_size, 1000 - 40);
}

TEST(a_stream_that_may_not_be_cut_is_told_the_mtu)
{
	uint32_t length = make_stream(true), got = 0;

	rig_received = leave_segmentation;
	set_mtu(3, 20, 1000);
	deliver(1, in, length);
	int exit = only_exit(out, &got);
	rig_received = NULL;
	set_mtu(3, 20, 1500);
	CHECK_EQ(exit, 1);
	CHECK(out[34] == 3 && out[35] == 4);
	CHECK_EQ(got, 14 + 576);
}

TEST(ledgers_hold)
{
	CHECK(rig_ledgers_hold());
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(a_datagram_is_cut_for_a_smaller_mtu),
	        CASE(a_fragment_is_cut_again_in_its_place),
	        CASE(only_options_with_the_copied_flag_are_in_later_pieces),
	        CASE(a_jumbo_is_cut_into_chains),
	        CASE(bridged_frames_are_never_cut),
	        CASE(nonsense_options_end_the_copy),
	        CASE(more_pieces_than_allowed_are_none),
	        CASE(segments_of_a_stream_become_shorter),
	        CASE(a_stream_that_may_not_be_cut_is_told_the_mtu),
	        CASE(ledgers_hold),
	};

	rig_start();
	tenants_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
