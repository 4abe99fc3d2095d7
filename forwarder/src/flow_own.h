/* What the files behind flow_life.h share: settings, what each packet thread keeps, and the ports that are charged. */
#ifndef WEFT_FLOW_OWN_H
#define WEFT_FLOW_OWN_H

#include "flow_life.h"
#include "flow_tcp.h"
#include "policy.h"

/* Ticks without a packet after which a flow is over. */
struct flow_times {
	uint32_t tcp_established, tcp_transitory, udp, icmp, other, denied;
};

struct flow_life {
	struct flow_times times;
	uint32_t capacity, threads;
	/* Flows that one port may have. */
	uint32_t port_limit;
	/* Pairs that each thread keeps ready when the table is full. */
	uint32_t reserve;
	uint8_t tcp_pickup;
	uint64_t kept;
};
extern struct flow_life flow_life;

/* Of one packet thread, its own; others read the counters. */
struct flow_worker {
	struct flow_thread table;
	uint64_t added, expired, evicted, redecided;
	/* TSC at which it last looked at the clock, and at flows; cycles that it used above its part. */
	uint64_t ticked, looked, debt;
	/* port_changes() when its pass began. Ports that went since are looked for in the next pass, too. */
	uint64_t changes;
	bool ports_went;
	uint32_t ahead;
} __attribute__((aligned(64)));
extern struct flow_worker flow_workers[STATS_THREADS];

/* flow_life.c */

enum flow_fate { FLOW_FATE_ENDED, FLOW_FATE_EXPIRED, FLOW_FATE_EVICTED };
/* False: another thread ended it. */
bool flow_finish(uint32_t thread, uint32_t pair, enum flow_fate fate);
/* Tells rules of what passed since they were told last. */
void flow_settle(uint32_t thread, struct flow_pair *pair);

/* flow_age.c */

/* CLOCK_MONOTONIC and flow_clock_ahead. */
uint32_t flow_tick(void);
/* May go when the table is full: half open, closed or denied. */
bool flow_is_dispensable(const struct flow_pair *pair);
/* By the rules of now. A reader, or the writer lock is held. */
bool flow_is_denied(const struct flow_pair *pair);
/* enum fwd_flow_state. */
uint8_t flow_phase(const struct flow_pair *pair);
void flow_workers_init(void);

/* flow_read.c */

/* Word by word, while others count in it. */
void flow_copy(const struct flow_pair *pair, struct flow_pair *out);
/* Of a copy; event LISTED. A reader, or the writer lock is held. */
void flow_show(const struct flow_pair *pair, struct fwd_flow *out);
/* CLOCK_REALTIME, ns. */
uint64_t flow_time(void);

/* flow_share.c: how many flows each port has begun, by slot, for the port that is in it. */

/* False: it has as many as it may. */
bool flow_charge(uint16_t slot, uint32_t generation);
bool flow_charge_peek(uint16_t slot, uint32_t generation);
/* Nothing when another port is in the slot now. */
void flow_discharge(uint16_t slot, uint32_t generation);
/* The port in a slot, for those who may not ask port.h. */
void flow_port_note(uint16_t slot, uint32_t generation, uint32_t id);
/* Its id; 0: it is gone. */
uint32_t flow_port_id(uint16_t slot, uint32_t generation);
void flow_shares_reset(void);

/* flow_attach.c */

/* Maps the table and, behind it, the outside ports; takes over what is in them. 0 or -errno with a sentence. */
int flow_attach(const struct fwd_config *config, uint64_t from);
void flow_detach(void);

#endif
