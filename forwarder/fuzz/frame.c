/*
 * libFuzzer: a few frames through parse and all stages over small tables. Most paths lie behind many checks, so a frame
 * is either raw bytes or a sound packet of a kind below with some bytes changed. The parser also sees each frame in a
 * buffer of exactly its size, whole and as the first segment of a chain, so that ASan catches a read past its end.
 *
 * Per frame: [port, bit 7: source MAC as it is][kind, 0: raw][options]; raw: [length, 0: the rest][bytes]; else
 * options' low 4 bits: how many [offset, value] follow.
 */
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "discovery.h"
#include "input.h"
#include "io.h"
#include "learn.h"
#include "punt.h"
#include "tenants.h"

#define OPTION_SUMS    0x80
#define OPTION_OFFLOAD 0x60
#define OFFLOAD_SUM    0x20
#define OFFLOAD_SMALL  0x40
#define RAW_LIMIT      2000u
#define CHAIN_AFTER    100u
#define ROUNDS         64u

#define FROM1 "eth m1 "
static const char *const kinds[] = {
        FROM1 "bc | arp request m1 10.1.0.11 00:00:00:00:00:00 10.1.0.12",
        FROM1 "m2 | arp reply m1 10.1.0.11 m2 10.1.0.12",
        FROM1 "gw | ip4 10.1.0.11 10.2.0.11 | udp 4000 80 | data 40",
        FROM1 "gw | ip4 10.1.0.11 10.2.0.11 ttl 1 df | tcp 4000 80 S",
        FROM1 "gw | ip4 10.1.0.11 10.1.0.1 | icmp 8 0 | data 40",
        FROM1 "gw | ip4 10.1.0.11 10.2.0.11 mf | udp 4000 80 | data 64",
        FROM1 "gw | ip4 10.1.0.11 10.2.0.11 offset 72 | data 64",
        FROM1 "gw | ip4 10.1.0.11 10.2.0.11 options 8 | udp 4000 80 | data 3000",
        FROM1 "gw | ip4 10.1.0.11 10.2.0.11 df | tcp 4000 80 A | data 8000",
        FROM1 "bc | ip4 0.0.0.0 255.255.255.255 | udp 68 67 | data 240",
        FROM1 "m2 | ip4 10.1.0.11 10.1.0.12 | tcp 4000 80 PA | data 100",
        FROM1 "gw | ip6 2001:db8:1::b 2001:db8:2::b | udp 4000 80 | data 40",
        FROM1 "gw | ip6 2001:db8:1::b 2001:db8:2::b hops 1 | tcp 4000 80 S",
        FROM1 "gw | ip6 2001:db8:1::b 2001:db8:1::1 | icmp 128 0 | data 40",
        FROM1 "gw | ip6 2001:db8:1::b 2001:db8:2::b | hop | dest | routing | udp 4000 53 | data 8",
        FROM1 "gw | ip6 2001:db8:1::b 2001:db8:2::b | frag id 7 mf | udp 4000 80 | data 64",
        FROM1 "gw | ip6 2001:db8:1::b 2001:db8:2::b | dest | frag id 7 offset 72 | data 64",
        FROM1 "gw | ip6 2001:db8:1::b 2001:db8:2::b | tcp 4000 80 A | data 8000",
        FROM1 "gw | ip6 2001:db8:1::b fe80::200:5eff:fe00:100 | udp 4000 9 | data 2000",
        FROM1 "33:33:ff:00:00:01 | ip6 2001:db8:1::b ff02::1:ff00:1 hops 255 | ns 2001:db8:1::1 slla m1",
        FROM1 "33:33:ff:00:00:0c | ip6 :: ff02::1:ff00:c hops 255 | ns 2001:db8:1::c",
        FROM1 "33:33:ff:00:00:77 | ip6 :: ff02::1:ff00:77 hops 255 | ns fe80::77",
        FROM1 "m2 | ip6 2001:db8:1::b 2001:db8:1::c hops 255 | na 2001:db8:1::b SO tlla m1",
        FROM1 "33:33:00:00:00:02 | ip6 fe80::1 ff02::2 hops 255 | rs slla m1",
        FROM1 "33:33:00:00:00:01 | ip6 fe80::1 ff02::1 hops 255 | ra",
        FROM1 "33:33:00:00:00:16 | ip6 :: ff02::16 hops 1 | hop | icmp 143 0 | data 20",
        FROM1 "gw vlan 101 | ip4 10.1.0.13 10.2.0.11 | udp 4000 80 | data 40",
};
#define KINDS (sizeof(kinds) / sizeof(kinds[0]))

/* To the service port, and what comes back through it. */
static const char *const asked[] = {
        FROM1 "gw | ip4 10.1.0.11 169.254.169.254 | tcp 4000 179 S",
        FROM1 "gw | ip4 10.1.0.11 10.1.0.1 | udp 4000 179 | data 40",
        FROM1 "gw | ip6 2001:db8:1::b fe80::a9fe:a9fe | tcp 4000 179 S | data 100",
};
#define ASKED   (sizeof(asked) / sizeof(asked[0]))
#define SAMPLES (KINDS + 2 * ASKED)

/* Ports that frames enter by; 5 is a trunk. */
static const uint8_t entries[] = {1, 2, 3, 4, 5, 5, 8, TENANTS_SERVICE};
static struct packet_text samples[SAMPLES];
static uint8_t offload;

/* What a port with offloads says of a sound segment or datagram. */
static void mark(struct rte_mbuf *mbuf)
{
	struct pkt pkt;

	if (offload == 0 || parse(&pkt, mbuf) != VERDICT_NEXT || (pkt.flags & (PKT_L4 | PKT_FRAGMENT)) != PKT_L4)
		return;
	bool tcp = pkt.protocol == IPPROTO_TCP;
	uint32_t l4_bytes = tcp ? pkt.data[pkt.l4 + 12] >> 4 << 2 : 8;
	if ((!tcp && pkt.protocol != IPPROTO_UDP) || l4_bytes < 8 || pkt.l4 + l4_bytes > pkt.length)
		return;
	mbuf->l2_len = RTE_ETHER_HDR_LEN;
	mbuf->l3_len = pkt.l4 - RTE_ETHER_HDR_LEN;
	mbuf->l4_len = (uint8_t)l4_bytes;
	mbuf->ol_flags |= ((pkt.flags & PKT_IPV4) != 0 ? RTE_MBUF_F_TX_IPV4 : RTE_MBUF_F_TX_IPV6) |
	                  (tcp ? RTE_MBUF_F_TX_TCP_CKSUM : RTE_MBUF_F_TX_UDP_CKSUM);
	if (offload == OFFLOAD_SUM)
		return;
	mbuf->ol_flags |= tcp ? RTE_MBUF_F_TX_TCP_SEG : RTE_MBUF_F_TX_UDP_SEG;
	mbuf->tso_segsz = offload == OFFLOAD_SMALL ? 300 : 1400;
}

static void make_service_samples(void)
{
	static uint8_t frame[RIG_FRAME];

	tenants_service_port();
	for (uint8_t family = 4; family <= 6; family += 2)
		for (uint8_t i = 0; i < 2; i++)
			RIG_ROW(service, .vrf = FWD_ANY_VRF, .family = family,
			        .protocol = i == 0 ? IPPROTO_TCP : IPPROTO_UDP, .l4_port = 179,
			        .action = FWD_ACTION_PORT);
	for (uint32_t i = 0; i < ASKED; i++) {
		struct packet_text *question = &samples[KINDS + 2 * i], *answer = question + 1;
		input_sample(asked[i], question);
		rig_send(1, question->bytes, question->length);
		rig_run();
		int length = rig_take(TENANTS_SERVICE, frame);
		if (length < 0)
			abort();
		answer->length = make_answer(answer->bytes, frame, (uint32_t)length);
	}
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	rig_start();
	tenants_make();
	RIG_ROW(punt_class, .id = 7, .receiver = (uint16_t)rig_owner(), .rate = UINT32_MAX, .burst = 1,
	        .port_rate = UINT32_MAX, .port_burst = 1, .name = "dhcp");
	rig_received = mark;
	for (uint32_t i = 0; i < KINDS; i++)
		input_sample(kinds[i], &samples[i]);
	make_service_samples();
	return 0;
}

static void parse_exact(const uint8_t *frame, uint32_t length, uint32_t behind)
{
	struct rte_mbuf mbuf = {.data_len = (uint16_t)length, .pkt_len = length + behind, .nb_segs = behind ? 2 : 1};
	uint8_t *copy = malloc(length);
	struct pkt pkt;

	if (length != 0)
		memcpy(copy, frame, length);
	mbuf.buf_addr = copy;
	if (parse(&pkt, &mbuf) == VERDICT_NEXT && (pkt.l3 > length || pkt.l4 > length))
		abort();
	free(copy);
}

/* Else hardly a change would get past the checks. */
static void fix_sums(uint8_t *frame, uint32_t length)
{
	struct rte_ipv4_hdr *ip4 = (void *)(frame + RTE_ETHER_HDR_LEN);
	uint32_t payload = length < 54 ? 0 : (uint32_t)frame[18] << 8 | frame[19];

	if (length >= 54 && frame[12] == 8 && frame[13] == 0 && rte_ipv4_hdr_len(ip4) <= 40) {
		ip4->hdr_checksum = 0;
		ip4->hdr_checksum = (uint16_t)~rte_raw_cksum(ip4, rte_ipv4_hdr_len(ip4));
	} else if (payload >= 8 && frame[12] == 0x86 && frame[20] == IPPROTO_ICMPV6 && 54 + payload <= length) {
		fix_checksum6(frame);
	}
}

static uint32_t raw(struct input *input, uint8_t *frame)
{
	uint32_t length = input_next(input);

	/* 0: the rest, so that long frames are possible. */
	if (length == 0 || length > input->left)
		length = (uint32_t)(input->left < RAW_LIMIT ? input->left : RAW_LIMIT);
	memcpy(frame, input->at, length);
	input->at += length;
	input->left -= length;
	return length;
}

static uint32_t changed(struct input *input, const struct packet_text *sample, uint8_t options, uint8_t *frame)
{
	uint32_t length = input_change(input, sample, options, frame);

	if (options & OPTION_SUMS)
		fix_sums(frame, length);
	return length;
}

static void send_one(struct input *input)
{
	static uint8_t frame[RIG_FRAME];
	uint8_t port = input_next(input), kind = input_next(input), options = input_next(input);
	uint32_t length;

	if (kind % (SAMPLES + 1) == 0)
		length = raw(input, frame);
	else
		length = changed(input, &samples[kind % (SAMPLES + 1) - 1], options, frame);
	offload = options & OPTION_OFFLOAD;
	/* A source MAC that the port may use. */
	uint32_t entry = entries[port % sizeof(entries)];
	if (length >= 12 && port < 128)
		memcpy(frame + 6, mac_of((uint8_t)entry), 6);
	parse_exact(frame, length, 0);
	if (length > CHAIN_AFTER)
		parse_exact(frame, CHAIN_AFTER, length - CHAIN_AFTER);
	rig_send(entry, frame, length);
	rig_run();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t batch[1 << 20];
	static uint32_t runs;
	struct input input = {data, size};

	for (uint32_t frames = 0; frames < 4 && input.left >= 3; frames++)
		send_one(&input);
	rig_clear();
	while (punt_read(rig_owner(), batch, sizeof(batch)) > 0)
		;
	/* Looking at everything each time would halve the speed; what is wrong stays wrong. */
	if (++runs % ROUNDS != 0)
		return 0;
	learn_poll_once(runs / ROUNDS);
	if (!rig_ledgers_hold())
		abort();
	return 0;
}
