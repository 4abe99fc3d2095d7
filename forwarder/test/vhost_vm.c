#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <rte_ether.h>
#include <rte_ip.h>
#include <rte_mbuf.h>
#include <rte_mempool.h>
#include <rte_tcp.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "link.h"
#include "offload.h"
#include "rcu.h"
#include "vhost_vm.h"
#include "worker.h"

char folder[64], server_path[96], client_path[96];
uint8_t in[65600], out[65600];

void poll_once(void)
{
	rcu_online(1);
	worker_poll_once();
	rcu_offline(1);
	link_poll_once();
}

uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

struct port_report_entry state_of(uint32_t id)
{
	struct port_report_entry entry = {0};

	port_next(id, &entry);
	return entry;
}

bool is_up(uint32_t id)
{
	return state_of(id).state == FWD_LINK_UP;
}

bool says(uint32_t id, const char *words)
{
	return strstr(state_of(id).reason, words) != NULL;
}

void make_port(uint32_t id, const char *path, uint32_t flags)
{
	struct fwd_port_row row = {.id = id,
	        .bridge = 50,
	        .mac = {2, 0, 0, 0, 0, (uint8_t)id},
	        .mtu = 9000,
	        .flags = flags,
	        .binding = path == NULL ? FWD_BINDING_NONE : FWD_BINDING_VHOST_USER};

	if (path != NULL)
		strncpy(row.socket, path, sizeof(row.socket));
	rig_row(FWD_TABLE_PORT, &row, sizeof(row));
	RIG_ROW(mac, .bridge = 50, .mac = {2, 0, 0, 0, 0, (uint8_t)id}, .port = id);
	link_poll_once();
}

void delete_port(uint32_t id)
{
	RIG_DELETE(port, .id = id);
}

/* An IPv4 frame between two ports, protocol TCP, without a checksum. */
uint32_t make_frame(uint8_t to, uint8_t from, uint32_t length)
{
	struct rte_ether_hdr *eth = (void *)in;
	struct rte_ipv4_hdr *ip = (void *)(eth + 1);
	struct rte_tcp_hdr *tcp = (void *)(ip + 1);

	memset(in, 0, length);
	memcpy(eth->dst_addr.addr_bytes, (uint8_t[]){2, 0, 0, 0, 0, to}, 6);
	memcpy(eth->src_addr.addr_bytes, (uint8_t[]){2, 0, 0, 0, 0, from}, 6);
	eth->ether_type = rte_cpu_to_be_16(RTE_ETHER_TYPE_IPV4);
	*ip = (struct rte_ipv4_hdr){.version_ihl = 0x45,
	        .total_length = rte_cpu_to_be_16((uint16_t)(length - 14)),
	        .time_to_live = 64,
	        .next_proto_id = IPPROTO_TCP,
	        .src_addr = rte_cpu_to_be_32(0x0a050000u + from),
	        .dst_addr = rte_cpu_to_be_32(0x0a050000u + to)};
	ip->hdr_checksum = rte_ipv4_cksum(ip);
	*tcp = (struct rte_tcp_hdr){.src_port = 1, .dst_port = 2, .data_off = 5 << 4, .tcp_flags = RTE_TCP_ACK_FLAG};
	for (uint32_t i = 54; i < length; i++)
		in[i] = (uint8_t)(i * 7);
	return length;
}

struct guest *start_guest(uint64_t features)
{
	struct guest *g = guest_connect(server_path);

	if (g != NULL && guest_start(g, features))
		return g;
	if (g != NULL)
		guest_close(g);
	return NULL;
}

int receive(struct guest *g, struct virtio_net_hdr_v1 *header)
{
	int length = -1;

	for (uint64_t until = now_ms() + 2000; length < 0 && now_ms() < until;) {
		poll_once();
		length = guest_receive(g, header, out);
	}
	return length;
}

bool is_readable(uint32_t id)
{
	struct pollfd fd = {.fd = port_of(id)->io->fd, .events = POLLIN};

	return poll(&fd, 1, 0) == 1;
}

int vhost_run(const struct test_case *cases, size_t count)
{
	rig_start();
	snprintf(folder, sizeof(folder), "/tmp/vhost-test-XXXXXX");
	if (mkdtemp(folder) == NULL)
		return 1;
	snprintf(server_path, sizeof(server_path), "%s/server", folder);
	snprintf(client_path, sizeof(client_path), "%s/client", folder);
	RIG_ROW(bridge, .id = 50, .mode = FWD_MODE_L2, .mtu = 9000);
	make_port(SERVER, server_path, FWD_PORT_SERVER);
	make_port(MEMORY, NULL, 0);
	make_port(CLIENT, client_path, 0);
	rig_attach(MEMORY);
	rcu_register(1);
	rcu_offline(1);
	int failed = test_run(cases, count);
	failed += !rig_ledgers_hold();
	rcu_unregister(1);
	rig_stop();
	rmdir(folder);
	return failed;
}
