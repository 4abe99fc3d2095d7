/* The other side: turns frames round, inside VXLAN and MPLS over UDP too, and answers TCP's handshake. */
#include <netinet/in.h>
#include <rte_byteorder.h>
#include <string.h>

#include "load.h"

enum {
	ETHERNET = 14,
	TAG = 4,
	IP4 = 20,
	IP6 = 40,
	UDP = 8,
	TCP = 20,
	VXLAN = 8,
	LABEL = 4,
	VXLAN_PORT = 4789,
	MPLS_PORT = 6635,
	TCP_FLAGS = 13,
	TCP_CHECKSUM = 16,
	SYN = 0x02,
	ACK = 0x10,
	MOST_FRAMES = 2,
};

/* What is left of a frame. */
struct part {
	uint8_t *at;
	uint16_t bytes;
	uint8_t depth; /* frames around this one */
};

static bool skip(struct part *part, uint16_t bytes)
{
	if (part->bytes < bytes)
		return false;
	part->at += bytes;
	part->bytes = (uint16_t)(part->bytes - bytes);
	return true;
}

static uint16_t word(const uint8_t *at)
{
	return (uint16_t)(at[0] << 8 | at[1]);
}

static uint32_t number(const uint8_t *at)
{
	return (uint32_t)word(at) << 16 | word(at + 2);
}

static void put_number(uint8_t *at, uint32_t value)
{
	value = rte_cpu_to_be_32(value);
	memcpy(at, &value, sizeof(value));
}

static inline void swap(uint8_t *a, uint8_t *b, size_t bytes)
{
	uint8_t kept[16];

	memcpy(kept, a, bytes);
	memcpy(a, b, bytes);
	memcpy(b, kept, bytes);
}

/* RFC 1624: the sum of words that changed from `before` to `after`. */
static void adjust(uint8_t *checksum, const uint8_t *before, const uint8_t *after, int bytes)
{
	uint32_t total = (uint16_t)~word(checksum);

	for (int i = 0; i < bytes; i += 2)
		total += (uint32_t)(uint16_t)~word(before + i) + word(after + i);
	total = (total & 0xffff) + (total >> 16);
	total = (total & 0xffff) + (total >> 16);
	checksum[0] = (uint8_t)(~total >> 8);
	checksum[1] = (uint8_t)~total;
}

/* Sets the flags of a SYN or SYN-ACK's answer, which numbers its own bytes from `own`. */
static void answer(uint8_t *tcp, uint8_t flags, uint32_t own)
{
	uint8_t before[10];

	memcpy(before, tcp + 4, sizeof(before));
	put_number(tcp + 8, number(before) + 1);
	put_number(tcp + 4, own);
	tcp[TCP_FLAGS] = flags;
	adjust(tcp + TCP_CHECKSUM, before, tcp + 4, sizeof(before));
}

static bool turn_tcp(struct part part)
{
	uint8_t *tcp = part.at;

	if (part.bytes < TCP)
		return false;
	swap(tcp, tcp + 2, 2);
	if ((tcp[TCP_FLAGS] & (SYN | ACK)) == SYN)
		answer(tcp, SYN | ACK, LOAD_SERVER_NUMBER);
	else if ((tcp[TCP_FLAGS] & (SYN | ACK)) == (SYN | ACK))
		answer(tcp, ACK, number(tcp + 8));
	else
		swap(tcp + 4, tcp + 8, 4);
	return true;
}

static bool turn_ethernet(const struct load_port *port, struct part part);
static bool turn_network(const struct load_port *port, struct part part);

static bool turn_vxlan(const struct load_port *port, struct part part)
{
	uint8_t *header = part.at;

	if (!skip(&part, VXLAN) || !turn_ethernet(port, part))
		return false;
	if (port->returns)
		put_number(header + 4, port->vni << 8);
	return true;
}

static bool turn_mpls(const struct load_port *port, struct part part)
{
	uint8_t *label = part.at;

	if (!skip(&part, LABEL) || !turn_network(port, part))
		return false;
	if (port->returns)
		put_number(label, port->vni << 12 | (number(label) & 0xfff));
	return true;
}

static bool turn_udp(const struct load_port *port, struct part part)
{
	uint8_t *udp = part.at;

	if (!skip(&part, UDP))
		return false;
	part.depth++;
	if (part.depth < MOST_FRAMES && word(udp + 2) == VXLAN_PORT)
		return turn_vxlan(port, part);
	if (part.depth < MOST_FRAMES && word(udp + 2) == MPLS_PORT)
		return turn_mpls(port, part);
	swap(udp, udp + 2, 2);
	return true;
}

static bool turn_transport(const struct load_port *port, struct part part, uint8_t protocol)
{
	if (protocol == IPPROTO_UDP)
		return turn_udp(port, part);
	return protocol == IPPROTO_TCP && turn_tcp(part);
}

static bool turn_ip4(const struct load_port *port, struct part part)
{
	uint8_t *ip = part.at;

	/* No options, no fragments: the load makes none. */
	if (!skip(&part, IP4) || ip[0] != 0x45 || (word(ip + 6) & 0x3fff) != 0)
		return false;
	if (!turn_transport(port, part, ip[9]))
		return false;
	swap(ip + 12, ip + 16, 4);
	return true;
}

static bool turn_ip6(const struct load_port *port, struct part part)
{
	uint8_t *ip = part.at;

	if (!skip(&part, IP6) || !turn_transport(port, part, ip[6]))
		return false;
	swap(ip + 8, ip + 24, 16);
	return true;
}

static bool turn_network(const struct load_port *port, struct part part)
{
	uint8_t version = part.bytes == 0 ? 0 : part.at[0] >> 4;

	if (version == 4)
		return turn_ip4(port, part);
	return version == 6 && turn_ip6(port, part);
}

/* Steps over MAC addresses and tags to the network header of IP. */
static bool open_ethernet(struct part *part)
{
	if (!skip(part, ETHERNET))
		return false;
	while (word(part->at - 2) == RTE_ETHER_TYPE_VLAN || word(part->at - 2) == RTE_ETHER_TYPE_QINQ) {
		if (!skip(part, TAG))
			return false;
	}
	return word(part->at - 2) == RTE_ETHER_TYPE_IPV4 || word(part->at - 2) == RTE_ETHER_TYPE_IPV6;
}

static bool turn_ethernet(const struct load_port *port, struct part part)
{
	uint8_t *frame = part.at;

	if (!open_ethernet(&part) || !turn_network(port, part))
		return false;
	swap(frame, frame + 6, 6);
	return true;
}

bool load_turn(const struct load_port *port, struct rte_mbuf *packet)
{
	struct part part = {rte_pktmbuf_mtod(packet, uint8_t *), packet->data_len, 0};

	if (!turn_ethernet(port, part))
		return false;
	/* The way back is another flow, with a hash of its own. */
	packet->ol_flags = LOAD_CHECKED;
	packet->hash.rss = ~packet->hash.rss;
	return true;
}

/* The TCP header after a network header, or NULL. Steps over a tunnel. */
static const uint8_t *find_tcp(struct part part)
{
	uint8_t *ip = part.at;
	bool six = part.bytes != 0 && ip[0] >> 4 == 6;

	if (!skip(&part, six ? IP6 : IP4))
		return NULL;
	uint8_t protocol = six ? ip[6] : ip[9], *udp = part.at;

	if (protocol == IPPROTO_TCP)
		return part.bytes < TCP ? NULL : part.at;
	if (protocol != IPPROTO_UDP || part.depth++ > 0 || !skip(&part, UDP))
		return NULL;
	if (word(udp + 2) == MPLS_PORT)
		return skip(&part, LABEL) ? find_tcp(part) : NULL;
	if (word(udp + 2) != VXLAN_PORT || !skip(&part, VXLAN))
		return NULL;
	return open_ethernet(&part) ? find_tcp(part) : NULL;
}

bool load_answer(const struct load_port *port, struct rte_mbuf *packet)
{
	struct part part = {rte_pktmbuf_mtod(packet, uint8_t *), packet->data_len, 0};
	const uint8_t *tcp = open_ethernet(&part) ? find_tcp(part) : NULL;

	return tcp != NULL && (tcp[TCP_FLAGS] & (SYN | ACK)) == (SYN | ACK) && load_turn(port, packet);
}
