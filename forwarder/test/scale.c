/*
 * Tables at the size they are made for: rows published and looked up again, memory, rows per second, and takeover by
 * the next forwarder. Each case runs in a process of its own. Takes a minute; on demand: make scale. Exits 1 if a
 * lookup is wrong or a limit is passed.
 */
#include "state.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>

#include "drop.h"
#include "nexthop.h"
#include "policy.h"

#define SCALE_MIB    512
#define MEMORY_LIMIT 256.0    /* MiB, of rows, index and tries together */
#define RATE_LIMIT   200000.0 /* rows per second of a processor */
#define OPS_BYTES    (1u << 20)
#define NEXTHOPS     64u

static uint8_t ops[OPS_BYTES];
static uint32_t used, owner, generation;
static uint64_t sent;

/* Of the processor, so that what else runs does not count. */
static double seconds(void)
{
	struct timespec now;
	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* Memory of this process and the state file, which is shared memory. */
static double resident_mib(void)
{
	long size = 0, resident = 0;
	FILE *file = fopen("/proc/self/statm", "r");
	if (!file || fscanf(file, "%ld %ld", &size, &resident) != 2)
		exit(2);
	fclose(file);
	return (double)resident * (double)sysconf(_SC_PAGESIZE) / 1048576;
}

static void flush(void)
{
	if (rows_apply(owner, generation, ops, used, false) < 0) {
		printf("refused: %s\n", error_text());
		exit(2);
	}
	used = 0;
}

static void send_row(uint8_t table, const void *row)
{
	uint16_t size = table_layouts[table].row_bytes;
	const uint8_t head[8] = {FWD_OP_UPSERT, table, (uint8_t)size, (uint8_t)(size >> 8)};
	if (used + sizeof(head) + size > OPS_BYTES)
		flush();
	memcpy(ops + used, head, sizeof(head));
	memcpy(ops + used + sizeof(head), row, size);
	used += (uint32_t)sizeof(head) + size;
	sent++;
}

static void send_nexthops(void)
{
	for (uint32_t id = 1; id <= NEXTHOPS; id++)
		send_row(FWD_TABLE_NEXTHOP, &(struct fwd_nexthop_row){.id = id, .type = FWD_NEXTHOP_PORT});
}

/* Distinct for each i; spread over the whole address space, or one after the other. */
static uint32_t route_address(uint32_t i, uint8_t length, bool spread)
{
	uint32_t number = spread ? i * 2654435761u >> (32 - length) : i;
	return number << (32 - length);
}

static void send_route(uint32_t vrf, uint32_t address, uint8_t length, uint32_t nexthop)
{
	struct fwd_route_row row = route4(vrf, __builtin_bswap32(address), length, 10, nexthop);
	send_row(FWD_TABLE_ROUTE, &row);
}

/* Exits unless the route leads to that next hop (any, when spread prefixes may have fallen together). */
static void demand_route(uint32_t vrf, uint32_t address, uint32_t nexthop)
{
	uint32_t handle = tables_route4(vrf, __builtin_bswap32(address));
	const struct fwd_nexthop_row *row = handle ? tables_nexthop(handle) : NULL;
	if (row && (row->id == nexthop || !nexthop))
		return;
	printf("VRF %u, address %08x: not the route it should be\n", vrf, address);
	exit(1);
}

static void many_routes(uint8_t length, bool spread)
{
	send_nexthops();
	for (uint32_t i = 0; i < 1000000; i++)
		send_route(1, route_address(i, length, spread), length, 1 + i % NEXTHOPS);
}

static void check_routes(uint8_t length, bool spread)
{
	for (uint32_t i = 0; i < 1000000; i++)
		demand_route(1, route_address(i, length, spread), spread ? 0 : 1 + i % NEXTHOPS);
}

static void routes_in_order(void)
{
	many_routes(24, false);
}

static void check_in_order(void)
{
	check_routes(24, false);
}

static void routes_spread(void)
{
	many_routes(24, true);
}

static void check_spread(void)
{
	check_routes(24, true);
}

static void hosts_spread(void)
{
	many_routes(32, true);
}

static void check_hosts(void)
{
	check_routes(32, true);
}

static void vrfs_with_routes(void)
{
	send_nexthops();
	for (uint32_t vrf = 1; vrf <= 1000; vrf++) {
		send_row(FWD_TABLE_VRF, &(struct fwd_vrf_row){.id = vrf});
		for (uint32_t i = 0; i < 1000; i++)
			send_route(vrf, route_address(i + vrf, 24, true), 24, 1 + i % NEXTHOPS);
	}
}

static void check_vrfs(void)
{
	for (uint32_t vrf = 1; vrf <= 1000; vrf++)
		for (uint32_t i = 0; i < 1000; i++)
			demand_route(vrf, route_address(i + vrf, 24, true), 0);
}

/* 4,096 VRFs with a bridge and a default route each. */
static void many_vrfs(void)
{
	send_nexthops();
	for (uint32_t id = 1; id <= 4096; id++) {
		send_row(FWD_TABLE_VRF, &(struct fwd_vrf_row){.id = id});
		send_row(FWD_TABLE_BRIDGE, &(struct fwd_bridge_row){.id = id, .vrf = id});
		send_route(id, 0, 0, 1 + id % NEXTHOPS);
	}
}

static void check_many_vrfs(void)
{
	for (uint32_t id = 1; id <= 4096; id++) {
		demand_route(id, id, 1 + id % NEXTHOPS);
		if (!tables_vrf(id) || !tables_bridge(id) || tables_bridge(id)->vrf != id)
			printf("VRF %u is not there\n", id), exit(1);
	}
}

static struct fwd_mac_row mac_row(uint32_t i)
{
	return (struct fwd_mac_row){.bridge = 1 + i % 1024,
	        .mac = {2, 0, (uint8_t)(i >> 24), (uint8_t)(i >> 16), (uint8_t)(i >> 8), (uint8_t)i},
	        .port = 1 + i % 65536};
}

static void many_macs(void)
{
	for (uint32_t i = 0; i < 262144; i++) {
		struct fwd_mac_row row = mac_row(i);
		send_row(FWD_TABLE_MAC, &row);
	}
}

static void check_macs(void)
{
	for (uint32_t i = 0; i < 262144; i++) {
		struct fwd_mac_row row = mac_row(i);
		const struct fwd_mac_row *found = tables_mac(row.bridge, row.mac);
		if (!found || found->port != row.port)
			printf("MAC %u is not where it should be\n", i), exit(1);
	}
}

/* Rule i of n groups: a port that the group alone allows. */
static struct fwd_rule_row rule_row(uint32_t i, uint32_t groups)
{
	uint16_t port = (uint16_t)(1 + i / groups);
	struct fwd_rule_row row = {.group = 1 + i % groups,
	        .number = i / groups,
	        .direction = i % 2 ? FWD_RULE_EGRESS : FWD_RULE_INGRESS,
	        .protocol = 6,
	        .port_min = port,
	        .port_max = port,
	        .family = 4};
	if (i % 3 == 1) {
		row.prefix_length = 24;
		memcpy(row.address, (uint8_t[3]){10, (uint8_t)(i >> 8), (uint8_t)i}, 3);
	} else if (i % 3 == 2) {
		row.remote_group = 1 + i % groups;
	}
	return row;
}

/* Identity 16 + i % 5000 of port i: in one to five groups. */
static void send_ports(uint32_t groups)
{
	for (uint32_t i = 0; i < 5000; i++)
		for (uint32_t j = 0; j <= i % 5; j++)
			send_row(FWD_TABLE_IDENTITY_GROUP,
			        &(struct fwd_identity_group_row){
			                .identity = 16 + i, .group = 1 + (i + j * 7) % groups, .gate = 1});
	for (uint32_t i = 0; i < 10000; i++)
		send_row(FWD_TABLE_PORT_IDENTITY, &(struct fwd_port_identity_row){1 + i, 16 + i % 5000});
}

static void many_policies(void)
{
	for (uint32_t i = 0; i < 10000; i++)
		send_row(FWD_TABLE_RULE, &(struct fwd_rule_row[1]){rule_row(i, 1000)});
	send_ports(1000);
}

static void more_policies(void)
{
	for (uint32_t i = 0; i < 500000; i++)
		send_row(FWD_TABLE_RULE, &(struct fwd_rule_row[1]){rule_row(i, 1000)});
	send_ports(1000);
}

/* Each port may do what its identity's first group allows. */
static void check_policies(void)
{
	static const uint8_t nowhere[16] = {192, 0, 2, 1};
	for (uint32_t i = 0; i < 10000; i++) {
		struct fwd_port_row row = {.id = 1 + i, .flags = FWD_PORT_POLICY_REQUIRED};
		struct policy_end from = {row.id, policy_of(policy_now(), &row)}, open = {0, &policy_open};
		struct fwd_rule_row rule = rule_row(i % 5000 % 1000, 1000);
		struct policy_packet packet = {.family = 4, .protocol = 6, .value = 1, .src = nowhere, .dst = nowhere};
		struct policy_decision decision;
		policy_decide(rule.direction ? &from : &open, rule.direction ? &open : &from, &packet, &decision);
		const struct fwd_rule_row *by = policy_rule(rule.direction ? decision.egress : decision.ingress);
		bool expected = rule.prefix_length == 0 && rule.remote_group == 0;
		if (expected && (decision.verdict != VERDICT_NEXT || !by || by->port_min != 1))
			printf("port %u: not the rule it should be\n", row.id), exit(1);
	}
}

struct scale_case {
	const char *name;
	void (*send)(void);
	void (*check)(void);
};

static void attach(int fd, struct fwd_state *report)
{
	if (state_attach(fd, SCALE_MIB, report))
		printf("no state memory: %s\n", error_text()), exit(2);
}

static void run(const struct scale_case *scale)
{
	struct fwd_state report;
	int fd = state_file();
	double before = resident_mib();
	attach(fd, &report);
	owner = (uint32_t)rows_owner_open("network");
	generation = (uint32_t)rows_begin(owner);
	double start = seconds();
	scale->send();
	flush();
	double rate = (double)sent / (seconds() - start), memory = resident_mib() - before;
	scale->check();
	state_detach();
	start = seconds();
	attach(fd, &report);
	double takeover = seconds() - start;
	scale->check();
	printf("%-28s %8lu rows  %6.0f k rows/s  %5.0f MiB  taken over in %.2f s\n", scale->name, sent, rate / 1e3,
	        memory, takeover);
	exit(rate < RATE_LIMIT || memory > MEMORY_LIMIT);
}

/* What a batch costs while one group has 10,000 rules, and 1,000 ports of as many identities: all in one piece or one
 * row at a time. */
static void changes(void)
{
	static const char *const names[] = {"ports", "prefixes"};
	struct fwd_state report;
	attach(state_file(), &report);
	owner = (uint32_t)rows_owner_open("policy");
	generation = (uint32_t)rows_begin(owner);
	for (uint32_t shape = 0; shape < 2; shape++) {
		double one = 0, thousand = 0;
		for (uint32_t round = 0; round < 21; round++) {
			/* Round 0 fills; then 1,000 rules change in one batch, and one more in the next. */
			for (uint32_t i = 0; i < (round ? 1000 : 10000); i++) {
				uint32_t number = round ? i * 10 : i;
				struct fwd_rule_row row = {.group = 1, .number = number, .protocol = 6, .family = 4};
				row.port_min = row.port_max = shape ? 443 : (uint16_t)(number + 20000 * (round % 2));
				uint32_t address = __builtin_bswap32((number + 20000 * (round % 2)) * 2654435761u);
				row.prefix_length = shape ? 32 : 0;
				memcpy(row.address, &address, shape ? 4 : 0);
				send_row(FWD_TABLE_RULE, &row);
			}
			double start = seconds();
			flush();
			thousand += round ? seconds() - start : 0;
			if (round == 0)
				send_ports(1), flush();
			send_row(FWD_TABLE_RULE,
			        &(struct fwd_rule_row){.group = 1, .number = 10000 + round, .family = 4});
			start = seconds();
			flush();
			one += round ? seconds() - start : 0;
		}
		printf("10,000 rules by %-12s a batch of 1,000 rows %.2f ms, of one row %.2f ms\n", names[shape],
		        thousand / 20 * 1e3, one / 20 * 1e3);
		rows_clear(owner);
		generation = (uint32_t)rows_begin(owner);
	}
	exit(0);
}

int main(void)
{
	static const struct scale_case cases[] = {
	        {"10 k rules, 10 k ports", many_policies, check_policies},
	        {"500 k rules, 10 k ports", more_policies, check_policies},
	        {"4,096 VRFs", many_vrfs, check_many_vrfs},
	        {"256 k MACs", many_macs, check_macs},
	        {"1 M routes /24, in order", routes_in_order, check_in_order},
	        {"1 M routes /24, spread", routes_spread, check_spread},
	        {"1 M routes /32, spread", hosts_spread, check_hosts},
	        {"1,000 VRFs × 1,000 routes", vrfs_with_routes, check_vrfs},
	};
	int failed = 0;
	for (uint32_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int status = 0;
		fflush(stdout);
		pid_t child = fork();
		if (child == 0)
			run(&cases[i]);
		waitpid(child, &status, 0);
		if (status)
			printf("%s: FAILED (limits: %.0f MiB, %.0f rows/s)\n", cases[i].name, MEMORY_LIMIT, RATE_LIMIT);
		failed |= status != 0;
	}
	fflush(stdout);
	if (fork() == 0)
		changes();
	wait(NULL);
	return failed;
}
