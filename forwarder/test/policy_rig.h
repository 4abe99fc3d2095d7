/*
 * What tests of policy share: a state of rows with an owner, rows of few words, and questions about flows between
 * ports.
 */
#ifndef POLICY_RIG_H
#define POLICY_RIG_H

#include "state.h"

#include <stdio.h>
#include <stdlib.h>

#include "drop.h"
#include "guard.h"
#include "policy.h"
#include "tables_update.h"

#define TCP 6u
#define UDP 17u

static int fd = -1;
static uint32_t state_mib = 64;
static uint32_t owner, generation;

static inline void port_changed(const struct fwd_port_row *old, const struct fwd_port_row *new, uint32_t generation)
{
	guard_port_changed(old, new);
}

static inline void listen_sources(void)
{
	tables_listen((struct tables_listener){
	        .port = port_changed, .source = guard_source_changed, .learned_neighbor = guard_learned_changed});
}

static inline int attach(void)
{
	struct fwd_state report;
	if (state_attach(fd, state_mib, &report) || guard_init())
		return 1;
	listen_sources();
	owner = (uint32_t)rows_owner_open("policy");
	generation = (uint32_t)rows_begin(owner);
	return 0;
}

static inline void detach(void)
{
	guard_fini();
	state_detach();
}

static inline void upsert(uint8_t table, const void *row)
{
	if (send_one(owner, generation, FWD_OP_UPSERT, table, row) != 1)
		printf("  row refused: %s\n", error_text()), exit(1);
}

static inline void erase(uint8_t table, const void *row)
{
	if (send_one(owner, generation, FWD_OP_DELETE, table, row) != 1)
		printf("  row not removed: %s\n", error_text()), exit(1);
}

#define PUT(table, ...) upsert(table, &__VA_ARGS__)

static inline void start_empty(void)
{
	rows_clear(owner);
	generation = (uint32_t)rows_begin(owner);
}

static inline void rule(uint32_t group, uint32_t number, uint8_t direction, uint8_t protocol, uint16_t port)
{
	PUT(FWD_TABLE_RULE, (struct fwd_rule_row){.group = group,
	                            .number = number,
	                            .direction = direction,
	                            .protocol = protocol,
	                            .port_min = port,
	                            .port_max = port ? port : 65535,
	                            .family = 4});
}

static inline void join(uint32_t identity, uint32_t group, uint8_t gate)
{
	PUT(FWD_TABLE_IDENTITY_GROUP,
	        (struct fwd_identity_group_row){.identity = identity, .group = group, .gate = gate});
}

static inline void identify(uint32_t port, uint32_t identity)
{
	PUT(FWD_TABLE_PORT_IDENTITY, (struct fwd_port_identity_row){port, identity});
}

static inline struct policy_end end_of(uint32_t port, bool required)
{
	struct fwd_port_row row = {.id = port, .flags = required ? FWD_PORT_POLICY_REQUIRED : 0};
	return (struct policy_end){port, policy_of(policy_now(), &row)};
}

/* 10.0.0.port, as ports of these tests have it. */
static inline void address_of(uint32_t port, uint8_t *out)
{
	memset(out, 0, 16);
	memcpy(out, (uint8_t[4]){10, 0, 0, (uint8_t)port}, 4);
}

static inline struct policy_decision asked(uint32_t from, uint32_t to, uint8_t protocol, uint16_t value)
{
	uint8_t src[16], dst[16];
	struct policy_end first = end_of(from, from != 9), second = end_of(to, to != 9);
	struct policy_decision out;
	address_of(from, src);
	address_of(to, dst);
	policy_decide(&first, &second,
	        &(struct policy_packet){.family = 4, .protocol = protocol, .value = value, .src = src, .dst = dst},
	        &out);
	return out;
}

static inline uint8_t verdict(uint32_t from, uint32_t to, uint8_t protocol, uint16_t value)
{
	return asked(from, to, protocol, value).verdict;
}

static inline uint32_t stamp(uint32_t port)
{
	return end_of(port, true).policy->stamp;
}

#endif
