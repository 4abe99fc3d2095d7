#include "outside.h"

#include <netinet/in.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "flow_key.h"
#include "packet_text.h"
#include "parse.h"
#include "tenants.h"

#define UPLINK    OUTSIDE_UPLINK
#define BRIDGE    100u
#define VRF       100u
#define TO_ROUTER 400u
#define TO_UPLINK 401u
#define ON_LINK   402u
#define EXTERNAL  50u
/* Longer than any flow lives. */
#define FOREVER 8000u
/* And than an outside port waits behind it. */
#define REUSE 200u

/* Whether rows come, or go. */
static bool coming;

static void put(uint8_t table, const void *row, uint16_t bytes)
{
	(coming ? rig_row : rig_delete)(table, row, bytes);
}

#define PUT(table, ...)                                                                                                \
	do {                                                                                                           \
		struct fwd_##table##_row row_ = {__VA_ARGS__};                                                         \
		put(RIG_TABLE_##table, &row_, sizeof(row_));                                                           \
	} while (0)

static uint8_t family_of(const char *address, uint8_t *out)
{
	uint8_t family;

	if (packet_text_address(address, out, &family))
		return family;
	printf("  %s is no address\n", address);
	abort();
}

static void put_gateway(const char *address)
{
	struct fwd_neighbor_row row = {.bridge = BRIDGE, .flags = FWD_NEIGHBOR_GATEWAY};

	row.family = family_of(address, row.address);
	memcpy(row.mac, mac_gateway, sizeof(row.mac));
	put(FWD_TABLE_NEIGHBOR, &row, sizeof(row));
}

static void put_route(uint32_t vrf, const char *prefix, uint8_t length, uint8_t source, uint32_t nexthop)
{
	struct fwd_route_row row = {.vrf = vrf, .prefix_length = length, .source = source, .nexthop = nexthop};

	row.family = family_of(prefix, row.address);
	put(FWD_TABLE_ROUTE, &row, sizeof(row));
}

static void put_floating(const char *address, uint32_t inside_port, const char *inside)
{
	struct fwd_floating_ip_row row = {.port = UPLINK, .inside_port = inside_port};

	row.family = family_of(address, row.address);
	row.prefix_length = row.family == 4 ? 24 : 64;
	family_of(inside, row.inside);
	put(FWD_TABLE_FLOATING_IP, &row, sizeof(row));
}

static void put_shared(const char *address, struct fwd_nat_address_row row)
{
	row.port = UPLINK;
	row.pool = OUTSIDE_POOL;
	row.family = family_of(address, row.address);
	put(FWD_TABLE_NAT_ADDRESS, &row, sizeof(row));
}

static void put_pool(uint16_t port_min, uint16_t port_max, uint16_t block_size, uint16_t port_blocks, uint8_t flags)
{
	struct fwd_nat_address_row row = {.port_min = port_min,
	        .port_max = port_max,
	        .block_size = block_size,
	        .port_blocks = port_blocks,
	        .flags = flags};

	put_shared("198.18.0.10", row);
	put_shared("198.18.0.11", row);
}

static void put_uplink(void)
{
	PUT(vrf, .id = VRF);
	PUT(bridge, .id = BRIDGE, .vrf = VRF, .mode = FWD_MODE_L3, .mtu = 1500);
	PUT(port, .id = UPLINK, .bridge = BRIDGE, .flags = FWD_PORT_UPLINK, .mtu = 1500, .mac = {2, 0, 0, 0, 0, UPLINK},
	        .binding = FWD_BINDING_NONE);
	put_gateway("198.18.0.1");
	put_gateway("2001:db8:f::1");
	PUT(nexthop, .id = TO_ROUTER, .type = FWD_NEXTHOP_PORT, .port = UPLINK, .bridge = BRIDGE,
	        .mac = {2, 0, 0, 0, 0, 99});
	PUT(nexthop, .id = TO_UPLINK, .type = FWD_NEXTHOP_VRF, .target = VRF);
	PUT(nexthop, .id = ON_LINK, .type = FWD_NEXTHOP_PORT, .bridge = BRIDGE);
	put_route(VRF, "198.18.0.0", 24, 10, ON_LINK);
	put_route(VRF, "2001:db8:f::", 64, 10, ON_LINK);
	put_route(VRF, "0.0.0.0", 0, 20, TO_ROUTER);
	put_route(VRF, "::", 0, 20, TO_ROUTER);
}

static void put_all(void)
{
	put_uplink();
	for (uint32_t vrf = 1; vrf <= 2; vrf++) {
		put_route(vrf, "0.0.0.0", 0, EXTERNAL, TO_UPLINK);
		put_route(vrf, "::", 0, EXTERNAL, TO_UPLINK);
		PUT(vrf_nat, .vrf = vrf, .pool = OUTSIDE_POOL, .port = UPLINK);
	}
	put_pool(1024, 65535, 64, 4, 0);
	put_floating("198.18.0.20", 2, "10.1.0.12");
	put_floating("198.18.0.21", 3, "10.2.0.11");
	put_floating("198.18.0.24", 4, "10.1.0.12");
	put_floating("2001:db8:f::20", 2, "2001:db8:1::c");
	put_floating("2001:db8:f::24", 4, "2001:db8:1::c");
}

void outside_make(void)
{
	coming = true;
	put_all();
	rig_attach(UPLINK);
}

void outside_begin(void)
{
	tenants_make();
	outside_make();
	rig_later(FOREVER);
	rig_later(REUSE);
	rig_clear();
}

void outside_clear(void)
{
	rig_later(REUSE);
	coming = false;
	put_all();
}

void outside_pool(uint16_t port_min, uint16_t port_max, uint16_t block_size, uint16_t port_blocks, uint8_t flags)
{
	coming = true;
	put_pool(port_min, port_max, block_size, port_blocks, flags);
}

void outside_floating(const char *address, uint32_t inside_port, const char *inside)
{
	coming = true;
	put_floating(address, inside_port, inside);
}

void outside_floating_gone(const char *address)
{
	coming = false;
	put_floating(address, 0, address);
}

static struct packet_text packet, quoted, wanted;

static void make(struct packet_text *out, const char *format, va_list arguments)
{
	char text[1024], fault[128];

	vsnprintf(text, sizeof(text), format, arguments);
	if (packet_text_make(text, &quoted, out, fault))
		return;
	printf("  %s: %s\n", text, fault);
	abort();
}

static void show(const char *what, const uint8_t *bytes, uint32_t length)
{
	printf("  %s:", what);
	for (uint32_t i = 0; i < length && i < 160; i++)
		printf("%s%02x", i % 32 == 0 ? "\n    " : " ", bytes[i]);
	printf("\n");
}

/* Between whom. */
static void read_ends(struct seen *seen, const struct pkt *pkt)
{
	const uint8_t *addresses = seen->frame + pkt->l3 + (seen->family == 4 ? 12 : 8), *l4 = seen->frame + pkt->l4;
	int af = seen->family == 4 ? AF_INET : AF_INET6;

	inet_ntop(af, addresses, seen->src, sizeof(seen->src));
	inet_ntop(af, addresses + (seen->family == 4 ? 4 : 16), seen->dst, sizeof(seen->dst));
	seen->ttl = seen->frame[pkt->l3 + (seen->family == 4 ? 8 : 7)];
	if ((pkt->flags & PKT_L4) == 0)
		return;
	bool icmp = seen->protocol == IPPROTO_ICMP || seen->protocol == IPPROTO_ICMPV6;
	seen->src_port = icmp ? (uint16_t)(l4[4] << 8 | l4[5]) : pkt->src_l4_port;
	seen->dst_port = icmp ? (uint16_t)(l4[0] << 8 | l4[1]) : pkt->dst_l4_port;
}

static bool is_right(const struct seen *seen, const struct pkt *pkt)
{
	bool checked = pkt->protocol == IPPROTO_TCP || pkt->protocol == IPPROTO_UDP || pkt->protocol == IPPROTO_ICMP ||
	               pkt->protocol == IPPROTO_ICMPV6;
	bool none = pkt->protocol == IPPROTO_UDP && seen->frame[pkt->l4 + 6] == 0 && seen->frame[pkt->l4 + 7] == 0;

	if ((pkt->flags & (PKT_L4 | PKT_FRAGMENT | PKT_EXTENSIONS)) != PKT_L4 || !checked || none)
		return true;
	return checksum_holds(seen->frame);
}

static void read_frame(struct seen *seen, bool strict)
{
	struct rte_mbuf mbuf = {
	        .buf_addr = seen->frame, .data_len = (uint16_t)seen->length, .pkt_len = seen->length, .nb_segs = 1};
	struct pkt pkt;

	bool known = parse(&pkt, &mbuf) == VERDICT_NEXT, right = known;
	if (known && (pkt.flags & (PKT_IPV4 | PKT_IPV6)) != 0) {
		seen->family = (pkt.flags & PKT_IPV4) != 0 ? 4 : 6;
		seen->protocol = pkt.protocol;
		read_ends(seen, &pkt);
		right = is_right(seen, &pkt);
	}
	if (right || !strict)
		return;
	show(known ? "a frame with a wrong checksum left" : "a malformed frame left", seen->frame, seen->length);
	seen->port = 0;
}

static void deliver_text(uint32_t port, const char *format, va_list arguments)
{
	make(&packet, format, arguments);
	quoted = packet;
	deliver(port, packet.bytes, packet.length);
}

void outside_quote(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	make(&packet, format, arguments);
	va_end(arguments);
	quoted = packet;
}

struct seen outside_send(uint32_t port, const char *format, ...)
{
	struct seen seen = {0};
	va_list arguments;

	va_start(arguments, format);
	deliver_text(port, format, arguments);
	va_end(arguments);
	seen.port = only_exit(seen.frame, &seen.length);
	if (seen.port > 0)
		read_frame(&seen, true);
	return seen;
}

void outside_put(uint32_t port, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	deliver_text(port, format, arguments);
	va_end(arguments);
}

static struct seen take(uint32_t port, bool strict)
{
	struct seen seen = {0};

	if (!rig_has(port))
		return seen;
	seen.length = (uint32_t)rig_take(port, seen.frame);
	seen.port = (int)port;
	read_frame(&seen, strict);
	return seen;
}

struct seen outside_next(uint32_t port)
{
	return take(port, true);
}

struct seen outside_take(uint32_t port)
{
	return take(port, false);
}

bool outside_is(const struct seen *seen, const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	make(&wanted, format, arguments);
	va_end(arguments);
	bool same = seen->length == wanted.length;
	for (uint32_t i = 0; i < wanted.length && same; i++)
		same = ((seen->frame[i] ^ wanted.bytes[i]) & wanted.mask[i]) == 0;
	if (!same) {
		show("left", seen->frame, seen->length);
		show("wanted", wanted.bytes, wanted.length);
	}
	return same;
}

bool outside_drops(uint32_t port, enum drop_reason reason, const char *format, ...)
{
	uint64_t before = rig_drops(port, reason);
	struct seen seen = {0};
	va_list arguments;

	va_start(arguments, format);
	deliver_text(port, format, arguments);
	va_end(arguments);
	seen.port = only_exit(seen.frame, &seen.length);
	if (seen.port == 0 && rig_drops(port, reason) == before + 1)
		return true;
	if (seen.port != 0)
		show("left", seen.frame, seen.length);
	for (uint32_t other = 0; other < DROP_COUNT; other++)
		if (rig_drops(port, other) != 0)
			printf("  port %u so far: %lu %s\n", port, rig_drops(port, other), drop_text(other));
	return false;
}
