#define _GNU_SOURCE
#include "trace.h"

#include <errno.h>
#include <pthread.h>
#include <rte_mbuf.h>
#include <string.h>
#include <sys/mman.h>

#include "fib.h"
#include "flow_act.h"
#include "flow_nat.h"
#include "io.h"
#include "pool.h"
#include "port.h"
#include "punt.h"
#include "rcu.h"
#include "stage.h"
#include "tables.h"
#include "tx.h"

/* No packet thread's. */
#define READER (RCU_READER_LIMIT - 1u)

_Static_assert((int)VERDICT_NEXT == (int)FWD_VERDICT_NEXT && (int)VERDICT_SEND == (int)FWD_VERDICT_SEND &&
                       (int)VERDICT_REPLY == (int)FWD_VERDICT_REPLY && (int)VERDICT_FLOOD == (int)FWD_VERDICT_FLOOD &&
                       (int)VERDICT_PUNT == (int)FWD_VERDICT_PUNT && (int)VERDICT_ROUTE == (int)FWD_VERDICT_ROUTE &&
                       (int)VERDICT_FRAGMENT == (int)FWD_VERDICT_FRAGMENT,
        "enum fwd_verdict is what stages say");

/* The second build of tx.c and pipeline.c. */
int trace_tx_init(struct tx *tx, uint32_t slots, uint32_t thread);
void trace_tx_free(struct tx *tx);
void trace_tx_flush(struct tx *tx);
void trace_pipeline_receive(struct tx *tx, const struct port *port, struct rte_mbuf **mbufs, uint32_t count);

/* The trace that runs, under the lock. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct tx tx;
static size_t counter_bytes;
static uint8_t *out;
static uint32_t room, used;
static bool full;

/* A record with room for `length` bytes behind its head; NULL: it does not fit. */
static uint8_t *step(uint32_t kind, uint32_t port, uint32_t value, uint32_t length)
{
	uint32_t size = (uint32_t)sizeof(struct fwd_step) + ((length + 7) & ~7u);
	struct fwd_step head = {.length = length, .kind = kind, .port = port, .value = value};

	full = full || size > room - used;
	if (full)
		return NULL;
	uint8_t *at = out + used;
	used += size;
	memset(at + size - 8, 0, 8);
	memcpy(at, &head, sizeof(head));
	return at + sizeof(head);
}

static void step_bytes(uint32_t kind, uint32_t value, const void *bytes, uint32_t length)
{
	uint8_t *at = step(kind, 0, value, length);

	if (at != NULL)
		memcpy(at, bytes, length);
}

static void step_frame(uint32_t kind, uint32_t port, uint32_t value, const struct rte_mbuf *mbuf)
{
	uint8_t *at = step(kind, port, value, mbuf->pkt_len);

	if (at == NULL)
		return;
	for (; mbuf != NULL; mbuf = mbuf->next) {
		memcpy(at, rte_pktmbuf_mtod(mbuf, void *), mbuf->data_len);
		at += mbuf->data_len;
	}
}

static void step_row(uint32_t table, const void *row, uint32_t bytes)
{
	if (row != NULL)
		step_bytes(FWD_STEP_ROW, table, row, bytes);
}

verdict_t trace_stage(const char *name, verdict_t verdict)
{
	step_bytes(FWD_STEP_STAGE, verdict, name, (uint32_t)strlen(name));
	return verdict;
}

static uint32_t port_id(const struct rte_mbuf *mbuf)
{
	const struct port *port = port_at(mbuf->port);

	return port == NULL ? 0 : port->id;
}

/* Where the next route is looked for. */
static uint32_t vrf;

/* The route that led to a next hop, and the group that it is when it is one. */
static void record_route(const struct pkt *pkt, uint32_t handle)
{
	const struct fwd_nexthop_row *nexthop = handle == 0 ? NULL : tables_nexthop(handle);
	bool ipv4 = (pkt->flags & PKT_IPV4) != 0;
	uint8_t address[16] = {0};

	if (handle == 0)
		return;
	if (pkt->target != NULL)
		memcpy(address, pkt->target->address, sizeof(address));
	else
		memcpy(address, ipv4 ? (const void *)&pkt->dst_be : pkt_dst6(pkt), ipv4 ? 4 : 16);
	step_row(FWD_TABLE_ROUTE, fib_route(vrf, ipv4 ? 4 : 6, address), sizeof(struct fwd_route_row));
	if (nexthop != NULL && nexthop->type == FWD_NEXTHOP_ECMP)
		step_row(FWD_TABLE_NEXTHOP, nexthop, sizeof(*nexthop));
}

static void record_flow(uint32_t ref)
{
	struct fwd_flow flow;

	if (flow_tell(ref >> 1, &flow))
		step_bytes(FWD_STEP_FLOW, 0, &flow, sizeof(flow));
}

/* What comes back of the flow that would begin. */
static struct flow_key back;

const struct flow_key *trace_flow_back(const struct pkt *pkt)
{
	return pkt->flow < FLOW_MISSED ? flow_nat_back(pkt) : &back;
}

/* Answers to a flow that would begin would be of another one, which stays (flow_act.c); not of the one it replaces. */
static bool conflicts(const struct flow_question *question)
{
	uint32_t ref = (question->flags & (FLOW_NAT | FLOW_NAT_SOURCE)) == FLOW_NAT
	                       ? flow_find_one(&flows, &question->back)
	                       : FLOW_NONE;
	const struct flow_pair *other = ref == FLOW_NONE ? NULL : flow_pair(&flows, ref);

	return other != NULL && memcmp(&other->half[!(ref & 1)].key, &question->key, sizeof(question->key)) != 0 &&
	       flow_nat_holds(other);
}

verdict_t trace_flow_made(
        struct flow_question *question, const struct policy_decision *decision, uint32_t *ref, bool *other)
{
	verdict_t verdict = flow_begin_peek(question->in->port->slot);
	struct fwd_flow flow;

	*ref = FLOW_NONE;
	*other = false;
	if (verdict == VERDICT_NEXT && (question->flags & FLOW_NAT_SOURCE) != 0)
		verdict = flow_nat_peek(question);
	if (verdict == VERDICT_NEXT && conflicts(question))
		verdict = DROP_NAT_CONFLICT;
	if (verdict != VERDICT_NEXT)
		return verdict;
	back = question->back;
	flow_describe(question, decision, &flow);
	flow.event = FWD_FLOW_EVENT_BEGAN;
	step_bytes(FWD_STEP_FLOW, 0, &flow, sizeof(flow));
	return VERDICT_NEXT;
}

void trace_flow_refused(const struct flow_question *question, uint32_t ref, const struct policy_decision *decision)
{
	struct fwd_flow flow;

	if (ref == FLOW_NONE || !flow_tell(ref >> 1, &flow))
		flow_describe(question, decision, &flow);
	flow.event = FWD_FLOW_EVENT_DENIED;
	flow.last_drop = decision->verdict;
	step_bytes(FWD_STEP_FLOW, 0, &flow, sizeof(flow));
}

void trace_record(const struct pkt *pkt, uint32_t kind, uintptr_t value)
{
	switch ((enum record_kind)kind) {
	case RECORD_SERVICE:
		return step_row(FWD_TABLE_SERVICE, (const void *)value, sizeof(struct fwd_service_row));
	case RECORD_MAC:
		return step_row(FWD_TABLE_MAC, (const void *)value, sizeof(struct fwd_mac_row));
	case RECORD_LEARNED_MAC:
		return step_row(FWD_TABLE_LEARNED_MAC, (const void *)value, sizeof(struct fwd_learned_mac_row));
	case RECORD_NEIGHBOR:
		return step_row(FWD_TABLE_NEIGHBOR, (const void *)value, sizeof(struct fwd_neighbor_row));
	case RECORD_LEARNED_NEIGHBOR:
		return step_row(
		        FWD_TABLE_LEARNED_NEIGHBOR, (const void *)value, sizeof(struct fwd_learned_neighbor_row));
	case RECORD_VRF:
		vrf = (uint32_t)value;
		return;
	case RECORD_ROUTE:
		return record_route(pkt, (uint32_t)value);
	case RECORD_NEXTHOP:
		return step_row(FWD_TABLE_NEXTHOP, (const void *)value, sizeof(struct fwd_nexthop_row));
	case RECORD_GATEWAY:
		return step_row(FWD_TABLE_GATEWAY, (const void *)value, sizeof(struct fwd_gateway_row));
	case RECORD_FLOATING_IP:
		return step_row(FWD_TABLE_FLOATING_IP, (const void *)value, sizeof(struct fwd_floating_ip_row));
	case RECORD_NAT_ADDRESS:
		return step_row(FWD_TABLE_NAT_ADDRESS, (const void *)value, sizeof(struct fwd_nat_address_row));
	case RECORD_VRF_NAT:
		return step_row(FWD_TABLE_VRF_NAT, (const void *)value, sizeof(struct fwd_vrf_nat_row));
	case RECORD_EXIT:
		return step_row(FWD_TABLE_PORT, tables_port((uint32_t)value), sizeof(struct fwd_port_row));
	case RECORD_RULE:
		return step_row(FWD_TABLE_RULE, policy_rule((uint32_t)value), sizeof(struct fwd_rule_row));
	case RECORD_FLOW:
		return record_flow((uint32_t)value);
	}
}

void trace_dropped(const struct rte_mbuf *mbuf, enum drop_reason reason)
{
	step_frame(FWD_STEP_DROPPED, port_id(mbuf), reason, mbuf);
}

struct rte_mbuf *trace_made(struct rte_mbuf *mbuf)
{
	step_frame(FWD_STEP_MADE, 0, 0, mbuf);
	return mbuf;
}

verdict_t trace_punted(struct rte_mbuf *mbuf, const struct fwd_punt_class_row *row, const struct punt_origin *origin)
{
	verdict_t verdict = punt_peek(mbuf, row, origin);

	if (verdict == VERDICT_PUNT) {
		step_frame(FWD_STEP_PUNTED, origin->port, row->id, mbuf);
		rte_pktmbuf_free(mbuf);
	}
	return verdict;
}

void trace_learned_mac(const struct ingress *in, const uint8_t *mac)
{
	if (tables_learned_mac(in->row->bridge, mac) == NULL)
		step_bytes(FWD_STEP_LEARNED, FWD_TABLE_LEARNED_MAC, mac, 6);
}

void trace_learned_neighbor(const struct ingress *in, const uint8_t *address, const uint8_t *mac)
{
	if (tables_learned_neighbor(in->row->bridge, address) == NULL)
		step_bytes(FWD_STEP_LEARNED, FWD_TABLE_LEARNED_NEIGHBOR, address, 16);
}

/* A port without carrier takes nothing; one that waits for a change it cannot make yet (an MTU) goes on as it was. */
static int record_sent(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	const struct port *port = io->private_data;

	if (__atomic_load_n(&port->state, __ATOMIC_RELAXED) == FWD_LINK_DOWN)
		return 0;
	for (uint16_t i = 0; i < n; i++) {
		step_frame(FWD_STEP_SENT, port->id, 0, mbufs[i]);
		rte_pktmbuf_free(mbufs[i]);
	}
	return n;
}

struct port_io *trace_port_io(const struct port *port)
{
	static const struct port_ops ops = {.name = "trace", .tx_burst = record_sent};
	static struct port_io io;

	if (port_io_of(port) == NULL)
		return NULL;
	/* The owner is the thread of a trace's struct tx: nothing is handed over. */
	io = (struct port_io){.ops = &ops, .fd = -1, .owner = tx.thread, .private_data = (void *)(uintptr_t)port};
	return &io;
}

/* Counters that nobody reads, so that counting needs no other code. */
static int prepare(void)
{
	uint32_t slots = port_slot_limit() + 1;
	int failed = tx.queues != NULL ? 0 : trace_tx_init(&tx, slots, STATS_CONTROL);

	if (failed < 0 || counter_bytes != 0)
		return failed;
	size_t bytes = (size_t)slots * sizeof(*tx.counters);
	void *counters = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (counters == MAP_FAILED) {
		trace_tx_free(&tx);
		return -ENOMEM;
	}
	tx.counters = counters;
	counter_bytes = bytes;
	/* Whichever thread traces, under the lock: it is one reader. */
	rcu_register(READER);
	rcu_offline(READER);
	return 0;
}

void trace_free(void)
{
	if (counter_bytes != 0) {
		rcu_unregister(READER);
		munmap(tx.counters, counter_bytes);
		trace_tx_free(&tx);
	}
	counter_bytes = 0;
}

static int32_t walk(uint32_t id, struct rte_mbuf *mbuf)
{
	rcu_online(READER);
	const struct port *port = port_of(id);
	if (port == NULL) {
		rte_pktmbuf_free(mbuf);
	} else {
		trace_pipeline_receive(&tx, port, &mbuf, 1);
		trace_tx_flush(&tx);
	}
	rcu_offline(READER);
	if (full)
		return -ENOSPC;
	return port == NULL ? -ENOENT : (int32_t)used;
}

int32_t trace_run(uint32_t port, const void *frame, uint32_t frame_length, void *records, uint32_t length)
{
	pthread_mutex_lock(&lock);
	int32_t result = prepare();
	struct rte_mbuf *mbuf = result < 0 ? NULL : pool_frame(frame, frame_length);
	out = records;
	room = length;
	used = 0;
	full = false;
	result = mbuf == NULL ? -ENOMEM : walk(port, mbuf);
	pthread_mutex_unlock(&lock);
	return result;
}
