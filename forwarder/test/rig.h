/*
 * A forwarder on a bench: real tables, real stages, ports in memory. No root, no hugepages, no packet thread: rig_run()
 * does its rounds in the caller's thread.
 */
#ifndef RIG_H
#define RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "drop.h"
#include "forwarder.h"
#include "stats.h"

/** Packet threads, set before rig_start; they run only after worker_start. */
extern uint32_t rig_threads;
/** Settings of flows, set before rig_start or rig_flows_restart; flow_pairs: 4,096 unless set. */
extern struct fwd_config rig_flows;
/** Starts EAL and everything below; once per program. Aborts with a message when it cannot. */
void rig_start(void);
void rig_stop(void);

/** Upserts one row of the owner "test"; aborts when it is refused. */
void rig_row(uint8_t table, const void *row, uint16_t bytes);
void rig_delete(uint8_t table, const void *row, uint16_t bytes);
#define RIG_ROW(table, ...)                                                                                            \
	do {                                                                                                           \
		struct fwd_##table##_row rig_row_ = {__VA_ARGS__};                                                     \
		rig_row(RIG_TABLE_##table, &rig_row_, sizeof(rig_row_));                                               \
	} while (0)
#define RIG_DELETE(table, ...)                                                                                         \
	do {                                                                                                           \
		struct fwd_##table##_row rig_row_ = {__VA_ARGS__};                                                     \
		rig_delete(RIG_TABLE_##table, &rig_row_, sizeof(rig_row_));                                            \
	} while (0)
#define RIG_TABLE_vrf            FWD_TABLE_VRF
#define RIG_TABLE_bridge         FWD_TABLE_BRIDGE
#define RIG_TABLE_port           FWD_TABLE_PORT
#define RIG_TABLE_mac            FWD_TABLE_MAC
#define RIG_TABLE_neighbor       FWD_TABLE_NEIGHBOR
#define RIG_TABLE_nexthop        FWD_TABLE_NEXTHOP
#define RIG_TABLE_route          FWD_TABLE_ROUTE
#define RIG_TABLE_service        FWD_TABLE_SERVICE
#define RIG_TABLE_punt_class     FWD_TABLE_PUNT_CLASS
#define RIG_TABLE_source         FWD_TABLE_SOURCE
#define RIG_TABLE_member         FWD_TABLE_MEMBER
#define RIG_TABLE_rule           FWD_TABLE_RULE
#define RIG_TABLE_identity_group FWD_TABLE_IDENTITY_GROUP
#define RIG_TABLE_port_identity  FWD_TABLE_PORT_IDENTITY
#define RIG_TABLE_gateway        FWD_TABLE_GATEWAY
#define RIG_TABLE_nat_address    FWD_TABLE_NAT_ADDRESS
#define RIG_TABLE_vrf_nat        FWD_TABLE_VRF_NAT
#define RIG_TABLE_floating_ip    FWD_TABLE_FLOATING_IP

/** Number of the owner "test". */
uint32_t rig_owner(void);

/** Gives a live port of binding none I/O in memory. */
void rig_attach(uint32_t port);
/** What the link thread would do: attaches VLANs whose trunk is attached. rig_delete does it, too. */
void rig_links(void);

/** Longest frame of a port in memory. */
#define RIG_FRAME 10240u
struct rte_mbuf;
/** Sees, and may change, each mbuf that a port in memory receives or sends: offload flags. NULL: nobody does. */
extern void (*rig_received)(struct rte_mbuf *);
extern void (*rig_left)(const struct rte_mbuf *);
/** Puts a frame before a port; false: its queue is full. */
bool rig_send(uint32_t port, const void *frame, uint32_t length);
/** Rounds until nothing moves. */
void rig_run(void);
/** Seconds pass for flows and fragments; what is over ends. */
void rig_later(uint32_t seconds);
/** Takes the table of flows over, as a restarted process does, with the settings of rig_flows. */
void rig_flows_restart(void);
/** Whether a frame waits that left through a port; false for ports without I/O in memory. */
bool rig_has(uint32_t port);
/** Takes the oldest frame that left through a port into out (room for what was sent); its length, or -1. */
int rig_take(uint32_t port, uint8_t *out);
/** Throws away what left. */
void rig_clear(void);

struct port_totals rig_totals(uint32_t port);
uint64_t rig_drops(uint32_t port, enum drop_reason reason);
/** Packets that a port's ledger has as received and not yet as ended: fragments that wait. */
int64_t rig_in_flight(uint32_t port);
/** rx + injected + cloned + originated = sent + dropped + punted, for every port. */
bool rig_ledgers_hold(void);

#endif
