/*
 * The writer's side of identities: the groups of each, and what packet threads see of it. An identity is compiled while
 * ports have it. The writer only.
 */
#ifndef WEFT_POLICY_IDENTITIES_H
#define WEFT_POLICY_IDENTITIES_H

#include <stdbool.h>
#include <stdint.h>

#include "policy_groups.h"

/** Numbers are below. */
#define IDENTITIES 65536u

/** 0 or -ENOMEM. */
int identities_init(void);
void identities_fini(void);

void identities_group_changed(const struct fwd_identity_group_row *old, const struct fwd_identity_group_row *new);
/** How many groups it has, and how many of them with a gate; as of the rows that are published. */
void identities_count_groups(uint32_t number, uint32_t *all, uint32_t *asked);
/** One port more, or less, has it. */
void identities_port_came(uint32_t number);
void identities_port_went(uint32_t number);

/** Compiles what changed, groups first. Whether an identity that ports had before was compiled anew. */
bool identities_settle(void);
/** Since the settling before the last identities_settled. */
bool identity_replaced(uint32_t number);
void identities_settled(void);

/** Of one that ports have; after identities_settle. */
const struct policy_port *identity_port(uint32_t number);

#endif
