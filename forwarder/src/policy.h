/*
 * Policy as packets meet it: which rules a flow between two ports is asked about, and what they say.
 *
 * Rows (include/forwarder.h): port_identity gives a port its identity, identity_group the groups of an identity, rule
 * what a group allows or denies. A flow asks the egress rules of the port it comes from about its destination, and the
 * ingress rules of the port it goes to about its source. In each of them every gate that the identity has must allow;
 * in a gate the matching rule with the lowest priority decides, deny before allow, and where none matches the flow is
 * denied. A remote group holds the addresses of its members' ports (guard_owns), not whatever such a port passes on.
 *
 * A batch of rows becomes visible at once: `struct policy` is one state of all rules, never changed. What changed is
 * compiled at the end of the batch, the rest is shared with the state before.
 *
 * policy_*_changed, policy_*_plan*, policy_publish, policy_init, policy_fini: the writer. policy_count, policy_decide,
 * policy_now, policy_of, policy_rule: registered readers; what they return stays until the next quiescent state.
 * policy_rule and policy_rules_read: also any thread that holds the writer lock, as long as it does.
 */
#ifndef WEFT_POLICY_H
#define WEFT_POLICY_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarder.h"

struct policy;
struct policy_identity;

/** Stamps that are no version of an identity. */
#define POLICY_OPEN    0u
#define POLICY_PENDING 1u
/** Never a stamp of a port: a flow that carries it is decided anew. */
#define POLICY_STALE 0xffffffffu
/** Instead of the handle of a rule. */
#define POLICY_NO_RULE 0xffffffffu

/** Groups of an identity at most: all of them, and those with a gate. Each costs time for each first packet. */
#define POLICY_GROUPS       256u
#define POLICY_ASKED_GROUPS 128u

/** What a port's packets are asked. */
struct policy_port {
	/** POLICY_OPEN: nothing is asked; POLICY_PENDING: closed until its identity is known; else different for each
	 * identity and each version of its rules: as long as the stamps of both its ports are the same, a decision
	 * holds. */
	uint32_t stamp;
	/** NULL when open or pending. */
	const struct policy_identity *identity;
};

extern const struct policy_port policy_open, policy_pending;

/** The state of now; read once for a burst. */
const struct policy *policy_now(void);
/** A port's part in it; never NULL. Open without flag policy_required. Of an uplink, which is asked nothing, the
 * version of its NAT rows (nat_stamp). */
const struct policy_port *policy_of(const struct policy *policy, const struct fwd_port_row *row);

/** One end of a flow. */
struct policy_end {
	/** Port id. */
	uint32_t port;
	const struct policy_port *policy;
};

/** First packet of a flow. */
struct policy_packet {
	/** 4 or 6. */
	uint8_t family;
	uint8_t protocol;
	/** Destination port, host order; ICMP and ICMPv6: type << 8 | code; other protocols: 0. */
	uint16_t value;
	/** 16 bytes as in rows. */
	const uint8_t *src, *dst;
};

struct policy_decision {
	/** VERDICT_NEXT, DROP_POLICY_DENIED or DROP_POLICY_PENDING. */
	uint8_t verdict;
	/** Handles of the rules that decided at the first and at the second port, in the last gate that was asked;
	 * POLICY_NO_RULE: none, the port is open, or (ingress) the first port has denied already. Of rules with the
	 * same priority and action, the one of the lowest group, then number, is named. */
	uint32_t egress, ingress;
};

/** Asks both ports; neither when one is pending. */
void policy_decide(const struct policy_end *from, const struct policy_end *to, const struct policy_packet *packet,
        struct policy_decision *out);

/** The row behind a handle of a decision just made; NULL for POLICY_NO_RULE or when it went. */
const struct fwd_rule_row *policy_rule(uint32_t handle);
/** Counts for a rule; POLICY_NO_RULE: nothing. thread: block of stats.h. */
void policy_count(uint32_t thread, uint32_t handle, uint64_t flows, uint64_t packets, uint64_t bytes);
/** See fwd_rule_stats_read. Returns the number of bytes. */
int32_t policy_rules_read(uint32_t *cursor, void *out, uint32_t length);

/** Before there are rows; see tables_init. 0 or -ENOMEM. */
int policy_init(void);
void policy_fini(void);
/** Of a batch that is planned: a row will come (old NULL), change, or go (new NULL). */
void policy_group_planned(const struct fwd_identity_group_row *old, const struct fwd_identity_group_row *new);
/** Whether identities have as many groups then as they may: 0 or FWD_ERR_FULL. */
int32_t policy_check_plan(void);
/** Another batch is planned. */
void policy_forget_plan(void);
/** A row came (old NULL), changed, or went (new NULL). */
void policy_rule_changed(const struct fwd_rule_row *old, const struct fwd_rule_row *new);
void policy_group_changed(const struct fwd_identity_group_row *old, const struct fwd_identity_group_row *new);
void policy_identity_changed(const struct fwd_port_identity_row *old, const struct fwd_port_identity_row *new);
/** The batch ends: everything since the last call becomes visible at once. */
void policy_publish(void);

#endif
