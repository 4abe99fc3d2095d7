/* Checksums and segmentation against sums and cuts done here, byte by byte. */
#include <errno.h>
#include <netinet/in.h>
#include <rte_mbuf.h>
#include <stdlib.h>
#include <string.h>

#include "io.h"
#include "offload.h"
#include "receiver.h"
#include "rig.h"
#include "test.h"
#include "vnet.h"

#define ETH  14u
#define SEED 20261121u

struct frame {
	uint8_t bytes[70000];
	uint32_t length, l4, header;
	bool ipv6, tcp;
};

static void put16(uint8_t *at, uint32_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static uint32_t get16(const uint8_t *at)
{
	return (uint32_t)at[0] << 8 | at[1];
}

static uint32_t get32(const uint8_t *at)
{
	return get16(at) << 16 | get16(at + 2);
}

/* RFC 1071, one byte after the other. */
static uint32_t add(uint32_t sum, const uint8_t *at, uint32_t length)
{
	for (uint32_t i = 0; i < length; i++)
		sum += i % 2 == 0 ? (uint32_t)at[i] << 8 : at[i];
	while (sum > 0xffff)
		sum = (sum & 0xffff) + (sum >> 16);
	return sum;
}

static uint32_t pseudo(const struct frame *f)
{
	uint8_t tail[4] = {0, f->tcp ? IPPROTO_TCP : IPPROTO_UDP};
	const uint8_t *addresses = f->bytes + ETH + (f->ipv6 ? 8 : 12);

	put16(tail + 2, f->length - f->l4);
	return add(add(0, addresses, f->ipv6 ? 32 : 8), tail, 4);
}

static uint32_t field(const struct frame *f)
{
	return f->l4 + (f->tcp ? 16 : 6);
}

static bool sums_are_right(const struct frame *f)
{
	if (!f->ipv6 && add(0, f->bytes + ETH, f->l4 - ETH) != 0xffff)
		return false;
	return add(pseudo(f), f->bytes + f->l4, f->length - f->l4) == 0xffff;
}

/* A packet whose checksum field holds the pseudo-header's sum, as a kernel with offloads leaves it. */
static void build(struct frame *f, bool ipv6, bool tcp, uint32_t extension, uint32_t payload)
{
	uint32_t ip = ipv6 ? 40 + extension : 20;

	memset(f, 0, sizeof(*f));
	f->ipv6 = ipv6;
	f->tcp = tcp;
	f->l4 = ETH + ip;
	f->header = tcp ? 32 : 8;
	f->length = f->l4 + f->header + payload;
	for (uint32_t i = 0; i < f->length; i++)
		f->bytes[i] = (uint8_t)rand();
	f->bytes[0] = 2;
	put16(f->bytes + 12, ipv6 ? 0x86dd : 0x0800);
	uint8_t *at = f->bytes + ETH;
	if (ipv6) {
		at[0] = 0x60;
		put16(at + 4, f->length - ETH - 40);
		at[6] = extension > 0 ? IPPROTO_DSTOPTS : tcp ? IPPROTO_TCP : IPPROTO_UDP;
		if (extension > 0) {
			memset(at + 40, 0, extension);
			at[40] = tcp ? IPPROTO_TCP : IPPROTO_UDP;
			at[41] = (uint8_t)(extension / 8 - 1);
		}
	} else {
		at[0] = 0x45;
		put16(at + 2, f->length - ETH);
		put16(at + 4, 0xffff);
		put16(at + 6, 0x4000);
		at[9] = tcp ? IPPROTO_TCP : IPPROTO_UDP;
		put16(at + 10, 0);
		put16(at + 10, ~add(0, at, 20));
	}
	at = f->bytes + f->l4;
	if (tcp) {
		at[12] = (uint8_t)(f->header / 4 << 4);
		at[13] = 0x99; /* CWR, ACK, PSH, FIN */
	} else {
		put16(at + 4, f->length - f->l4);
	}
	put16(f->bytes + field(f), pseudo(f));
}

static struct virtio_net_hdr partial(const struct frame *f, uint16_t size)
{
	struct virtio_net_hdr header = {
	        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = (uint16_t)f->l4, .csum_offset = f->tcp ? 16 : 6};

	if (size == 0)
		return header;
	header.gso_size = size;
	header.hdr_len = (uint16_t)(f->l4 + f->header);
	header.gso_type =
	        !f->tcp ? VNET_GSO_UDP_L4
	                : (f->ipv6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4) | VIRTIO_NET_HDR_GSO_ECN;
	return header;
}

/* The first segment has `first` bytes, those behind it odd lengths. */
static struct rte_mbuf *chain(const struct frame *f, uint32_t first)
{
	struct rte_mbuf *m = rte_pktmbuf_alloc(io_pool), *last = m;

	for (uint32_t done = 0; done < f->length;) {
		uint32_t some = done == 0 ? first : 1531;
		some = some < f->length - done ? some : f->length - done;
		if (done > 0) {
			last->next = rte_pktmbuf_alloc(io_pool);
			last = last->next;
			m->nb_segs++;
		}
		memcpy(rte_pktmbuf_mtod(last, uint8_t *), f->bytes + done, some);
		last->data_len = (uint16_t)some;
		done += some;
	}
	m->pkt_len = f->length;
	return m;
}

static void read_back(const struct rte_mbuf *m, struct frame *f)
{
	f->length = m->pkt_len;
	for (uint32_t done = 0; m != NULL; done += m->data_len, m = m->next)
		memcpy(f->bytes + done, rte_pktmbuf_mtod(m, uint8_t *), m->data_len);
}

static struct frame sent, found;

TEST(a_pending_checksum_is_finished)
{
	for (int kind = 0; kind < 8; kind++) {
		for (uint32_t payload = 0; payload < 5000; payload = payload * 2 + 1) {
			build(&sent, kind & 1, kind & 2, kind == 5 || kind == 7 ? 16 : 0, payload);
			struct virtio_net_hdr header = partial(&sent, 0);
			struct rte_mbuf *m = chain(&sent, 1001);
			vnet_receive(m, &header);
			CHECK(offload_pending(m) && !offload_is_large(m));
			offload_finish(m);
			CHECK(!offload_pending(m));
			found = sent;
			read_back(m, &found);
			rte_pktmbuf_free(m);
			CHECK_EQ(found.length, sent.length);
			CHECK(sums_are_right(&found));
			CHECK(memcmp(found.bytes, sent.bytes, field(&sent)) == 0);
		}
	}
}

static bool is_payload(const struct frame *cut, uint32_t at)
{
	uint32_t length = cut->length - cut->l4 - cut->header;

	return memcmp(cut->bytes + cut->l4 + cut->header, sent.bytes + sent.l4 + sent.header + at, length) == 0;
}

static bool is_tcp_cut(const struct frame *cut, uint32_t at, bool first, bool last)
{
	const uint8_t *l4 = cut->bytes + cut->l4, *original = sent.bytes + sent.l4;
	uint8_t flags = (uint8_t)(0x10 | (first ? 0x80 : 0) | (last ? 0x09 : 0));

	return get32(l4 + 4) == get32(original + 4) + at && l4[13] == flags;
}

static void cut_and_compare(uint32_t payload, uint16_t size)
{
	struct rte_mbuf *cut[64];
	struct virtio_net_hdr header = partial(&sent, size);
	struct rte_mbuf *m = chain(&sent, 1901);
	uint32_t at = 0;

	vnet_receive(m, &header);
	CHECK(offload_is_large(m));
	CHECK_EQ(offload_ip_length(m, ETH), sent.l4 - ETH + sent.header + size);
	m->port = 7;
	int count = offload_segment(m, cut, 64);
	CHECK_EQ(count, (payload + size - 1) / size);
	for (int i = 0; i < count; i++) {
		found = sent;
		read_back(cut[i], &found);
		uint32_t length = found.length - found.l4 - found.header;
		CHECK_EQ(cut[i]->port, 7);
		CHECK(!offload_pending(cut[i]));
		CHECK_EQ(length, at + size <= payload ? size : payload - at);
		CHECK(sums_are_right(&found));
		CHECK(is_payload(&found, at));
		if (sent.ipv6)
			CHECK_EQ(get16(found.bytes + ETH + 4), found.length - ETH - 40);
		else
			CHECK_EQ(get16(found.bytes + ETH + 2), found.length - ETH);
		if (!sent.ipv6)
			CHECK_EQ(get16(found.bytes + ETH + 4), (0xffff + i) & 0xffff);
		if (sent.tcp)
			CHECK(is_tcp_cut(&found, at, i == 0, i == count - 1));
		else
			CHECK_EQ(get16(found.bytes + found.l4 + 4), found.length - found.l4);
		at += length;
	}
	CHECK_EQ(at, payload);
	rte_pktmbuf_free_bulk(cut, (unsigned int)count);
	rte_pktmbuf_free(m);
}

TEST(a_large_frame_is_cut_as_the_sender_would)
{
	static const uint16_t sizes[] = {1448, 536, 8900, 1};

	for (int kind = 0; kind < 8; kind++) {
		for (int s = 0; s < 4; s++) {
			uint32_t payload = sizes[s] == 1 ? 50 : sizes[s] * 3u + 17;
			build(&sent, kind & 1, kind & 2, kind == 5 || kind == 7 ? 24 : 0, payload);
			cut_and_compare(payload, sizes[s]);
			if (test_failures != 0)
				return;
		}
	}
}

TEST(a_frame_that_fits_one_segment_is_not_large)
{
	build(&sent, false, true, 0, 1448);
	struct virtio_net_hdr header = partial(&sent, 1448);
	struct rte_mbuf *m = chain(&sent, 1901);
	vnet_receive(m, &header);
	CHECK(offload_pending(m) && !offload_is_large(m));
	CHECK_EQ(offload_ip_length(m, ETH), sent.length - ETH);
	rte_pktmbuf_free(m);
}

TEST(more_segments_than_room_are_refused_whole)
{
	struct rte_mbuf *cut[4];

	build(&sent, false, true, 0, 5000);
	struct virtio_net_hdr header = partial(&sent, 1000);
	struct rte_mbuf *m = chain(&sent, 1901);
	vnet_receive(m, &header);
	CHECK_EQ(offload_segment(m, cut, 4), -E2BIG);
	CHECK_EQ(rte_mempool_in_use_count(io_pool), m->nb_segs);
	m->l3_len = 4;
	CHECK_EQ(offload_segment(m, cut, 4), -EINVAL);
	rte_pktmbuf_free(m);
}

TEST(what_the_kernel_told_it_is_told_again)
{
	for (int kind = 0; kind < 4; kind++) {
		for (uint16_t size = 0; size <= 1000; size += 1000) {
			build(&sent, kind & 1, kind & 2, 0, 4000);
			struct virtio_net_hdr header = partial(&sent, size), again;
			struct rte_mbuf *m = chain(&sent, 1901);
			vnet_receive(m, &header);
			vnet_describe(m, &again);
			rte_pktmbuf_free(m);
			CHECK(memcmp(&header, &again, sizeof(header)) == 0);
		}
	}
}

TEST(gro_without_a_pending_checksum_gets_one)
{
	build(&sent, true, true, 0, 4000);
	struct virtio_net_hdr header = partial(&sent, 1000);
	header.flags = 0;
	put16(sent.bytes + field(&sent), 0xabcd);
	struct rte_mbuf *m = chain(&sent, 1901);
	vnet_receive(m, &header);
	CHECK(offload_is_large(m));
	offload_finish(m);
	found = sent;
	read_back(m, &found);
	CHECK(sums_are_right(&found));
	rte_pktmbuf_free(m);
}

TEST(a_tag_in_the_frame_is_looked_through)
{
	build(&sent, false, true, 0, 4000);
	struct virtio_net_hdr header = partial(&sent, 1000);
	memmove(sent.bytes + 20, sent.bytes + 12, sent.length - 12);
	memcpy(sent.bytes + 12, "\x88\xa8\0\5\x81\0\0\7", 8);
	sent.length += 8;
	header.csum_start += 8;
	struct rte_mbuf *m = chain(&sent, 1901);
	vnet_receive(m, &header);
	CHECK(offload_is_large(m));
	CHECK_EQ(m->l2_len, 22);
	CHECK_EQ(m->l3_len, 20);
	CHECK_EQ(m->pkt_len, sent.length);
	rte_pktmbuf_free(m);
}

/* A tunnel's inner checksum: any protocol, any place. */
TEST(a_checksum_elsewhere_is_finished_at_once)
{
	build(&sent, false, false, 0, 3000);
	struct virtio_net_hdr header = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 101, .csum_offset = 10};
	struct rte_mbuf *m = chain(&sent, 1901);
	put16(rte_pktmbuf_mtod_offset(m, uint8_t *, 111), 0);
	vnet_receive(m, &header);
	CHECK(!offload_pending(m));
	found = sent;
	read_back(m, &found);
	CHECK_EQ(add(0, found.bytes + 101, found.length - 101), 0xffff);
	rte_pktmbuf_free(m);
}

TEST(sctp_gets_a_crc)
{
	uint32_t crc = UINT32_MAX;

	build(&sent, false, false, 0, 3000);
	sent.bytes[ETH + 9] = IPPROTO_SCTP;
	memset(sent.bytes + sent.l4 + 8, 0, 4);
	/* Polynomial 0x1edc6f41, reflected (RFC 9260 appendix A). */
	for (uint32_t i = sent.l4; i < sent.length; i++) {
		crc ^= sent.bytes[i];
		for (int bit = 0; bit < 8; bit++)
			crc = crc & 1 ? crc >> 1 ^ 0x82f63b78 : crc >> 1;
	}
	crc = ~crc;
	struct virtio_net_hdr header = {
	        .flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = (uint16_t)sent.l4, .csum_offset = 8};
	struct rte_mbuf *m = chain(&sent, 1901);
	put16(rte_pktmbuf_mtod_offset(m, uint8_t *, sent.l4 + 8), 0x1234);
	vnet_receive(m, &header);
	found = sent;
	read_back(m, &found);
	CHECK(memcmp(found.bytes + sent.l4 + 8, &crc, 4) == 0);
	rte_pktmbuf_free(m);
}

TEST(a_header_that_contradicts_the_frame_empties_it)
{
	static const struct virtio_net_hdr wrong[] = {
	        {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 60000, .csum_offset = 16},
	        {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM, .csum_start = 34, .csum_offset = 65535},
	        {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	                .csum_start = 34,
	                .csum_offset = 16,
	                .gso_type = VIRTIO_NET_HDR_GSO_TCPV6,
	                .gso_size = 1000},
	        {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	                .csum_start = 34,
	                .csum_offset = 16,
	                .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
	                .gso_size = 0},
	        {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
	                .csum_start = 30,
	                .csum_offset = 20,
	                .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
	                .gso_size = 1000},
	        {.gso_type = VIRTIO_NET_HDR_GSO_UDP, .gso_size = 1000},
	        {.gso_type = 77, .gso_size = 1000},
	};

	for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
		build(&sent, false, true, 0, 4000);
		struct rte_mbuf *m = chain(&sent, 1901);
		vnet_receive(m, &wrong[i]);
		CHECK_EQ(m->pkt_len, 0);
		CHECK_EQ(m->data_len, 0);
		CHECK(!offload_pending(m));
		rte_pktmbuf_free(m);
	}
}

/* For the sanitizers: whatever a header and a frame say, nothing outside the frame is touched. */
TEST(random_headers_and_frames_are_survived)
{
	struct rte_mbuf *cut[64];

	for (int round = 0; round < 30000; round++) {
		build(&sent, rand() & 1, rand() & 1, rand() % 4 == 0 ? 8 : 0, (uint32_t)rand() % 4000);
		struct virtio_net_hdr header = partial(&sent, rand() & 1 ? (uint16_t)(1 + rand() % 1500) : 0);
		for (int i = rand() % 3; i > 0; i--)
			((uint8_t *)&header)[(size_t)rand() % sizeof(header)] = (uint8_t)rand();
		for (int i = rand() % 4; i > 0; i--)
			sent.bytes[12 + rand() % 60] = (uint8_t)rand();
		if (rand() % 4 == 0)
			sent.length = 15 + (uint32_t)rand() % (sent.length - 15);
		struct rte_mbuf *m = chain(&sent, 15 + (uint32_t)rand() % 1900);
		vnet_receive(m, &header);
		int count = offload_is_large(m) ? offload_segment(m, cut, 64) : 0;
		if (count > 0)
			rte_pktmbuf_free_bulk(cut, (unsigned int)count);
		offload_finish(m);
		rte_pktmbuf_free(m);
	}
	CHECK_EQ(rte_mempool_in_use_count(io_pool), 0);
}

/* As if the kernel had read `length` bytes of f into the slot. */
static struct rte_mbuf *receive(const struct frame *f, uint32_t length)
{
	struct receiver_slot *slot = receiver_slots();
	uint32_t done = 0;

	if (!receiver_arm(slot))
		return NULL;
	for (uint32_t i = 1; i < RECEIVER_VECTORS && done < length; i++) {
		uint32_t some =
		        length - done < slot->vectors[i].iov_len ? length - done : (uint32_t)slot->vectors[i].iov_len;
		memcpy(slot->vectors[i].iov_base, f->bytes + done, some);
		done += some;
	}
	return receiver_take(slot, length + (uint32_t)sizeof(slot->header));
}

TEST(long_frames_are_received_into_chains)
{
	static const uint32_t lengths[] = {60, 2048, 2049, 9018, 65549};

	for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
		build(&sent, false, true, 0, lengths[i] - 66 < lengths[i] ? lengths[i] - 66 : 0);
		struct rte_mbuf *m = receive(&sent, lengths[i]);
		CHECK(m != NULL);
		read_back(m, &found);
		CHECK_EQ(found.length, lengths[i]);
		CHECK(memcmp(found.bytes, sent.bytes, lengths[i]) == 0);
		CHECK(m->data_len >= 1900 || m->nb_segs == 1);
		rte_pktmbuf_free(m);
	}
}

TEST(a_frame_that_was_cut_is_empty_and_says_its_length)
{
	struct receiver_slot *slot = receiver_slots();

	CHECK(receiver_arm(slot));
	struct rte_mbuf *m = receiver_take(slot, 200000);
	CHECK_EQ(m->data_len, 0);
	CHECK_EQ(m->nb_segs, 1);
	CHECK(m->pkt_len > 65536);
	rte_pktmbuf_free(m);
}

TEST(without_buffers_nothing_is_received_until_some_come_back)
{
	struct receiver_slot *slot = receiver_slots();
	struct rte_mbuf *first = NULL, *m;

	while ((m = rte_pktmbuf_alloc(io_pool)) != NULL) {
		m->next = first;
		first = m;
	}
	bool armed = receiver_arm(slot);
	while (first != NULL) {
		m = first;
		first = m->next;
		m->next = NULL;
		rte_pktmbuf_free(m);
	}
	CHECK(!armed);
	CHECK(receiver_arm(slot));
	io_thread_exit();
	CHECK_EQ(rte_mempool_in_use_count(io_pool), 0);
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(a_pending_checksum_is_finished),
	        CASE(a_large_frame_is_cut_as_the_sender_would),
	        CASE(a_frame_that_fits_one_segment_is_not_large),
	        CASE(more_segments_than_room_are_refused_whole),
	        CASE(what_the_kernel_told_it_is_told_again),
	        CASE(gro_without_a_pending_checksum_gets_one),
	        CASE(a_tag_in_the_frame_is_looked_through),
	        CASE(a_checksum_elsewhere_is_finished_at_once),
	        CASE(sctp_gets_a_crc),
	        CASE(a_header_that_contradicts_the_frame_empties_it),
	        CASE(random_headers_and_frames_are_survived),
	        CASE(long_frames_are_received_into_chains),
	        CASE(a_frame_that_was_cut_is_empty_and_says_its_length),
	        CASE(without_buffers_nothing_is_received_until_some_come_back),
	};

	srand(SEED);
	rig_start();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
