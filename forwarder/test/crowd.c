#include "crowd.h"

#include <errno.h>
#include <netinet/in.h>
#include <rte_mbuf.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "inject.h"
#include "io.h"
#include "link.h"
#include "port.h"
#include "punt.h"
#include "tenants.h"
#include "worker.h"

#define SEGMENTS      8
#define QUIET_ROUNDS  50
#define QUIET_LOOK_US 2000

void (*crowd_hook)(void);
static int far_ends[CROWD_PORTS + 1];

static void fail(const char *what)
{
	fprintf(stderr, "crowd: %s: %s\n", what, strerror(errno));
	abort();
}

static uint16_t socket_rx(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	uint16_t got = 0;

	if (crowd_hook != NULL)
		crowd_hook();
	while (got < n) {
		struct rte_mbuf *m = rte_pktmbuf_alloc(io_pool);
		if (m == NULL)
			break;
		ssize_t length = recv(io->fd, rte_pktmbuf_mtod(m, void *), rte_pktmbuf_tailroom(m), MSG_DONTWAIT);
		if (length <= 0) {
			rte_pktmbuf_free(m);
			break;
		}
		m->pkt_len = (uint32_t)length;
		m->data_len = (uint16_t)length;
		mbufs[got++] = m;
	}
	return got;
}

static int socket_tx(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	uint16_t sent;

	for (sent = 0; sent < n; sent++) {
		struct iovec parts[SEGMENTS];
		struct msghdr message = {.msg_iov = parts};
		for (const struct rte_mbuf *m = mbufs[sent]; m != NULL && message.msg_iovlen < SEGMENTS; m = m->next)
			parts[message.msg_iovlen++] =
			        (struct iovec){.iov_base = rte_pktmbuf_mtod(m, void *), .iov_len = m->data_len};
		if (sendmsg(io->fd, &message, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
			break;
		rte_pktmbuf_free(mbufs[sent]);
	}
	return sent;
}

static void socket_close(struct port_io *io)
{
	close(io->fd);
	free(io);
}

static const struct port_ops socket_ops = {
        .name = "socket", .rx_burst = socket_rx, .tx_burst = socket_tx, .close = socket_close};

int crowd_attach(uint32_t port)
{
	struct port_io *io = calloc(1, sizeof(*io));
	int ends[2];

	rig_links();
	if (io == NULL || port_of(port) == NULL || socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
		fail("no socket");
	*io = (struct port_io){.ops = &socket_ops, .fd = ends[0]};
	port_attach(port_of(port), io);
	port_report(port_of(port), FWD_LINK_UP, "%s", "");
	return ends[1];
}

int crowd_far(uint32_t port)
{
	return far_ends[port];
}

#define GATEWAY_MAC                                                                                                    \
	{                                                                                                              \
		0x00, 0x00, 0x5e, 0x00, 0x01, 0x00                                                                     \
	}
#define IP6(network, host)                                                                                             \
	{                                                                                                              \
		0x20, 0x01, 0x0d, 0xb8, 0, network, 0, 0, 0, 0, 0, 0, 0, 0, 0, host                                    \
	}

static void make_network(uint8_t n)
{
	RIG_ROW(bridge, .id = n, .vrf = 1, .mode = FWD_MODE_L2_L3, .mtu = 1500, .flags = FWD_BRIDGE_FLOOD_UNKNOWN);
	RIG_ROW(neighbor, .bridge = n, .family = 4, .address = {10, n, 0, 1}, .mac = GATEWAY_MAC,
	        .flags = FWD_NEIGHBOR_GATEWAY);
	RIG_ROW(neighbor, .bridge = n, .family = 6, .address = IP6(n, 1), .mac = GATEWAY_MAC,
	        .flags = FWD_NEIGHBOR_GATEWAY);
	RIG_ROW(nexthop, .id = n, .type = FWD_NEXTHOP_PORT, .bridge = n);
	RIG_ROW(route, .vrf = 1, .family = 4, .prefix_length = 24, .address = {10, n, 0, 0}, .source = 10,
	        .nexthop = n);
	RIG_ROW(route, .vrf = 1, .family = 6, .prefix_length = 64, .address = IP6(n, 0), .source = 10, .nexthop = n);
}

static uint8_t bridge_of(uint32_t port)
{
	return port <= CROWD_PORTS / 2 ? 1 : 2;
}

void crowd_make(void)
{
	RIG_ROW(vrf, .id = 1);
	make_network(1);
	make_network(2);
	RIG_ROW(punt_class, .id = 7, .receiver = (uint16_t)rig_owner(), .rate = 1000000, .burst = 100000,
	        .port_rate = 1000000, .port_burst = 100000, .name = "dhcp");
	RIG_ROW(service, .vrf = 0xffffffff, .family = 4, .protocol = IPPROTO_UDP, .l4_port = 67, .punt_class = 7);
	for (uint8_t n = 1; n <= CROWD_PORTS; n++) {
		uint8_t bridge = bridge_of(n);
		RIG_ROW(port, .id = n, .bridge = bridge, .mtu = 1500, .mac = {2, 0, 0, 0, 0, n});
		RIG_ROW(mac, .bridge = bridge, .mac = {2, 0, 0, 0, 0, n}, .port = n);
		RIG_ROW(neighbor, .bridge = bridge, .family = 4, .address = {10, bridge, 0, 16 + n},
		        .mac = {2, 0, 0, 0, 0, n});
		RIG_ROW(neighbor, .bridge = bridge, .family = 6, .address = IP6(bridge, 16 + n),
		        .mac = {2, 0, 0, 0, 0, n});
		far_ends[n] = crowd_attach(n);
	}
}

static uint32_t dice(void)
{
	static uint32_t state = 12345;

	state = state * 1664525u + 1013904223u;
	return state >> 8;
}

static uint32_t ip4(uint32_t port)
{
	return 10u << 24 | (uint32_t)bridge_of(port) << 16 | (16 + port);
}

uint32_t crowd_frame(uint8_t *out, uint32_t *port)
{
	static const uint8_t nobody[6] = {2, 9, 9, 9, 9, 9};
	uint8_t from = (uint8_t)(1 + dice() % CROWD_PORTS), bridge = bridge_of(from);
	uint8_t near = (uint8_t)((bridge - 1) * 8 + 1 + dice() % 8),
	        other = (uint8_t)((2 - bridge) * 8 + 1 + dice() % 8);
	uint16_t payload = (uint16_t)(dice() % 1200), l4_port = (uint16_t)(1000 + dice() % 50);
	uint32_t gateway = 10u << 24 | (uint32_t)bridge << 16 | 1, length;
	const uint8_t *from6 = ip6(bridge, (uint8_t)(16 + from));

	*port = from;
	switch (dice() % 14) {
	case 0:
		return make_udp(out, mac_of(near), from, ip4(from), ip4(near), l4_port, payload);
	case 1:
		return make_udp(out, mac_gateway, from, ip4(from), ip4(other), l4_port, payload);
	case 2:
		return make_udp6(out, mac_of(near), from, from6, ip6(bridge, (uint8_t)(16 + near)), l4_port, payload);
	case 3:
		return make_udp6(
		        out, mac_gateway, from, from6, ip6(3 - bridge, (uint8_t)(16 + other)), l4_port, payload);
	case 4:
		return make_udp(out, mac_broadcast, from, ip4(from), 0xffffffff, l4_port, payload);
	case 5:
		return make_udp(out, nobody, from, ip4(from), ip4(near), l4_port, payload);
	case 6:
		return make_udp(out, mac_broadcast, from, 0, 0xffffffff, 67, 240);
	case 7:
		length = make_udp(out, mac_gateway, from, ip4(from), ip4(other), l4_port, payload);
		set_hop_limit(out, 1);
		return length;
	case 8:
		length = make_udp6(out, mac_gateway, from, from6, ip6(9, 9), l4_port, payload);
		set_hop_limit(out, 1 + dice() % 2);
		return length;
	case 9:
		return make_udp(out, mac_gateway, from, ip4(from), 0xc0000201, l4_port, payload);
	case 10:
		return make_arp(out, 1, from, ip4(from), dice() % 2 ? gateway : ip4(near));
	case 11:
		return make_echo(out, mac_gateway, from, ip4(from), gateway);
	case 12:
		return make_udp(out, mac_gateway, from, ip4(from), gateway, l4_port, payload);
	default:
		length = make_udp6(out, mac_gateway, from, from6, ip6(bridge, 1), l4_port, payload);
		return 1 + dice() % length;
	}
}

bool crowd_send(int far, const uint8_t *frame, uint32_t length)
{
	return send(far, frame, length, MSG_DONTWAIT | MSG_NOSIGNAL) == (ssize_t)length;
}

uint32_t crowd_receive(int far, uint8_t *out)
{
	ssize_t length = recv(far, out, CROWD_FRAME, MSG_DONTWAIT);

	return length < 0 ? 0 : (uint32_t)length;
}

uint32_t crowd_drain(void)
{
	static uint8_t frame[CROWD_FRAME], records[65536];
	uint32_t count = 0;

	for (uint32_t port = 1; port <= CROWD_PORTS; port++) {
		while (crowd_receive(far_ends[port], frame) > 0)
			count++;
	}
	int32_t bytes = punt_read(rig_owner(), records, sizeof(records));
	if (bytes > 0) {
		count++;
		inject_records(records, (uint32_t)bytes);
	}
	return count;
}

void crowd_settle(void)
{
	for (uint32_t quiet = 0; quiet<QUIET_ROUNDS; quiet = crowd_drain()> 0 ? 0 : quiet + 1)
		usleep(QUIET_LOOK_US);
}
