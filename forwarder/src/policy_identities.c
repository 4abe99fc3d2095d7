#include "policy_identities.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

struct member {
	struct group *group;
	uint8_t gate;
};

struct identity {
	/* By number of the group. */
	struct member *members;
	uint32_t member_count, member_room;
	uint32_t ports;
	bool dirty;
	/* NULL: no port has it. */
	struct policy_identity *compiled;
};

/* By number; NULL: neither groups nor ports. */
static struct identity **identities;
static uint16_t *dirty_identities;
static uint32_t dirty_count, dirty_room;
/* Compiled anew in this batch. */
static bool replaced[IDENTITIES];
static uint32_t last_stamp;

int identities_init(void)
{
	last_stamp = POLICY_PENDING;
	identities = calloc(IDENTITIES, sizeof(*identities));
	return identities ? 0 : -ENOMEM;
}

static void free_identity(struct identity *identity)
{
	free(identity->members);
	free(identity->compiled);
	free(identity);
}

void identities_fini(void)
{
	for (uint32_t i = 0; identities && i < IDENTITIES; i++)
		if (identities[i])
			free_identity(identities[i]);
	free(identities);
	free(dirty_identities);
	identities = NULL, dirty_identities = NULL;
	dirty_count = dirty_room = 0;
}

static void *allocate(size_t bytes)
{
	void *memory = calloc(1, bytes);
	if (!memory)
		error_memory("the rules of ports");
	return memory;
}

static struct identity *find_or_make(uint32_t number)
{
	if (!identities[number])
		identities[number] = allocate(sizeof(struct identity));
	return identities[number];
}

static void look_again(uint32_t number)
{
	if (identities[number]->dirty)
		return;
	identities[number]->dirty = true;
	dirty_identities = ranges_room(dirty_identities, &dirty_room, dirty_count + 1, sizeof(*dirty_identities));
	dirty_identities[dirty_count++] = (uint16_t)number;
}

/* The place of a group among an identity's, or where it would be. */
static uint32_t member_place(const struct identity *identity, uint32_t group)
{
	uint32_t low = 0, high = identity->member_count;
	while (low < high) {
		uint32_t middle = (low + high) / 2;
		if (identity->members[middle].group->number < group)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

static void join(struct identity *identity, const struct fwd_identity_group_row *row)
{
	uint32_t place = member_place(identity, row->group);
	identity->members = ranges_room(
	        identity->members, &identity->member_room, identity->member_count + 1, sizeof(struct member));
	struct member *member = &identity->members[place];
	memmove(member + 1, member, (identity->member_count++ - place) * sizeof(*member));
	*member = (struct member){groups_join(row->group, (uint16_t)row->identity), row->gate};
}

static void leave(struct identity *identity, const struct fwd_identity_group_row *row)
{
	struct member *member = &identity->members[member_place(identity, row->group)];
	groups_leave(member->group, (uint16_t)row->identity);
	memmove(member, member + 1, (size_t)(identity->members + --identity->member_count - member) * sizeof(*member));
}

void identities_group_changed(const struct fwd_identity_group_row *old, const struct fwd_identity_group_row *new)
{
	const struct fwd_identity_group_row *row = new ? new : old;
	struct identity *identity = find_or_make(row->identity);
	if (!old)
		join(identity, new);
	else if (!new)
		leave(identity, old);
	else
		identity->members[member_place(identity, row->group)].gate = new->gate;
	look_again(row->identity);
}

void identities_count_groups(uint32_t number, uint32_t *all, uint32_t *asked)
{
	const struct identity *identity = identities[number];
	*all = identity ? identity->member_count : 0;
	*asked = 0;
	for (uint32_t i = 0; i < *all; i++)
		*asked += identity->members[i].gate != 0;
}

void identities_port_came(uint32_t number)
{
	if (find_or_make(number)->ports++ == 0)
		look_again(number);
}

void identities_port_went(uint32_t number)
{
	if (--identities[number]->ports == 0)
		look_again(number);
}

/* Flows that its rules decided are decided anew. */
static void group_changed(const struct group *group)
{
	for (uint32_t i = 0; i < group->identity_count; i++) {
		const struct identity *identity = identities[group->identities[i]];
		if (identity->members[member_place(identity, group->number)].gate != 0)
			look_again(group->identities[i]);
	}
}

static uint32_t next_stamp(void)
{
	if (++last_stamp == POLICY_STALE)
		last_stamp = POLICY_PENDING + 1;
	return last_stamp;
}

/* The sets of a side and gate. Returns how many there are now. */
static uint32_t collect(
        const struct identity *identity, uint32_t side, uint32_t gate, struct policy_identity *to, uint32_t count)
{
	for (uint32_t i = 0; i < identity->member_count; i++) {
		const struct member *member = &identity->members[i];
		if (member->gate == gate && member->group->sides[side].set)
			to->sets[count++] = member->group->sides[side].set;
	}
	return count;
}

static uint32_t count_sets(const struct identity *identity)
{
	uint32_t count = 0;
	for (uint32_t i = 0; i < identity->member_count; i++)
		for (uint32_t side = 0; identity->members[i].gate != 0 && side < POLICY_SIDES; side++)
			count += identity->members[i].group->sides[side].set != NULL;
	return count;
}

static struct policy_identity *compile(const struct identity *identity)
{
	uint32_t sets = count_sets(identity), count = 0;
	struct policy_identity *made =
	        allocate(sizeof(*made) + sets * sizeof(struct rule_set *) + identity->member_count * sizeof(uint32_t));
	uint32_t *groups = (uint32_t *)(made->sets + sets);
	made->port = (struct policy_port){next_stamp(), made};
	made->groups = groups;
	made->group_count = identity->member_count;
	for (uint32_t i = 0; i < identity->member_count; i++) {
		groups[i] = identity->members[i].group->number;
		made->group_bits |= rules_bit(groups[i]);
		if (identity->members[i].gate != 0)
			made->gates |= 1u << identity->members[i].gate;
	}
	for (uint32_t side = 0; side < POLICY_SIDES; side++) {
		for (uint32_t gate = 0; gate < POLICY_GATES; gate++) {
			made->first[side][gate] = count;
			if (gate != 0)
				count = collect(identity, side, gate, made, count);
		}
		made->first[side][POLICY_GATES] = count;
	}
	return made;
}

static void settle(uint32_t number)
{
	struct identity *identity = identities[number];
	struct policy_identity *old = identity->compiled;
	identity->dirty = false;
	groups_discard(old);
	identity->compiled = identity->ports ? compile(identity) : NULL;
	if (old && identity->compiled)
		replaced[number] = true;
	if (identity->ports == 0 && identity->member_count == 0) {
		free_identity(identity);
		identities[number] = NULL;
	}
}

bool identities_settle(void)
{
	bool any_replaced = false;
	groups_settle(group_changed);
	for (uint32_t i = 0; i < dirty_count; i++) {
		settle(dirty_identities[i]);
		any_replaced |= replaced[dirty_identities[i]];
	}
	return any_replaced;
}

bool identity_replaced(uint32_t number)
{
	return replaced[number];
}

void identities_settled(void)
{
	for (uint32_t i = 0; i < dirty_count; i++)
		replaced[dirty_identities[i]] = false;
	dirty_count = 0;
}

const struct policy_port *identity_port(uint32_t number)
{
	return &identities[number]->compiled->port;
}
