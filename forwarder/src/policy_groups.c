#include "policy_groups.h"

#include <stdlib.h>
#include <string.h>

#include "arena.h"
#include "error.h"
#include "index.h"
#include "policy_handle.h"
#include "policy_side.h"
#include "rcu.h"

/* Things that grow. */
struct list {
	uint32_t *items;
	uint32_t count, room;
};

static struct index by_number;
/* By place; NULL: free. */
static struct group **groups;
static uint32_t group_count, group_room;
static struct list free_places, dirty_groups, changed_rules;

struct garbage {
	uint32_t count, room;
	void *memory[];
};
static struct garbage *garbage;

static void push(struct list *list, uint32_t item)
{
	list->items = ranges_room(list->items, &list->room, list->count + 1, sizeof(uint32_t));
	list->items[list->count++] = item;
}

static void *allocate(size_t bytes)
{
	void *memory = calloc(1, bytes);
	if (!memory)
		error_memory("groups of rules");
	return memory;
}

static void free_garbage(void *pointer, uint64_t unused)
{
	struct garbage *old = pointer;
	for (uint32_t i = 0; i < old->count; i++)
		free(old->memory[i]);
	free(old);
}

void groups_discard(void *memory)
{
	if (!memory)
		return;
	uint32_t room = garbage ? garbage->room : 0, count = garbage ? garbage->count : 0;
	if (count == room) {
		room = room ? 2 * room : 16;
		garbage = realloc(garbage, sizeof(*garbage) + room * sizeof(void *));
		if (!garbage)
			error_memory("groups of rules");
		garbage->room = room;
	}
	garbage->memory[count] = memory;
	garbage->count = count + 1;
}

void groups_retire(void)
{
	if (garbage)
		rcu_retire(free_garbage, garbage, 0);
	garbage = NULL;
}

static uint32_t hash_of(uint32_t number)
{
	return index_hash(&number, sizeof(number), 0);
}

static struct group *find(uint32_t number)
{
	struct index_cursor cursor = index_first(&by_number, hash_of(number));
	for (uint32_t place; (place = index_next(&cursor)) != INDEX_END;)
		if (groups[place]->number == number)
			return groups[place];
	return NULL;
}

static struct group *find_or_make(uint32_t number)
{
	struct group *group = find(number);
	if (group)
		return group;
	if (index_reserve(&by_number, 1))
		error_memory("groups of rules");
	group = allocate(sizeof(*group));
	group->number = number;
	if (free_places.count > 0) {
		group->place = free_places.items[--free_places.count];
	} else {
		groups = ranges_room(groups, &group_room, group_count + 1, sizeof(struct group *));
		group->place = group_count++;
	}
	groups[group->place] = group;
	index_insert(&by_number, hash_of(number), group->place);
	return group;
}

static void look_again(struct group *group)
{
	if (!group->dirty)
		push(&dirty_groups, group->place);
	group->dirty = true;
}

static void free_group(struct group *group)
{
	for (uint32_t i = 0; i < POLICY_SIDES; i++) {
		free(group->sides[i].placed);
		free(group->sides[i].ranked);
		free(group->sides[i].added);
	}
	free(group->identities);
	free(group);
}

static void forget_if_empty(struct group *group)
{
	bool empty = group->identity_count == 0;
	for (uint32_t i = 0; i < POLICY_SIDES; i++)
		empty &= group->sides[i].count == 0;
	if (!empty)
		return;
	index_remove(&by_number, hash_of(group->number), group->place);
	groups[group->place] = NULL;
	push(&free_places, group->place);
	free_group(group);
}

int groups_init(void)
{
	return handle_init(arena_capacity(FWD_TABLE_RULE));
}

static void free_list(struct list *list)
{
	free(list->items);
	*list = (struct list){0};
}

void groups_fini(void)
{
	groups_retire();
	handle_fini();
	for (uint32_t place = 0; place < group_count; place++) {
		for (uint32_t i = 0; groups[place] && i < POLICY_SIDES; i++)
			free(groups[place]->sides[i].set);
		if (groups[place])
			free_group(groups[place]);
	}
	free(groups);
	groups = NULL;
	group_count = group_room = 0;
	free_list(&free_places);
	free_list(&dirty_groups);
	free_list(&changed_rules);
	index_free(&by_number);
}

static struct rule_side *dirty_side(struct group *group, const struct fwd_rule_row *row)
{
	struct rule_side *side = &group->sides[policy_side(row->direction, row->family)];
	look_again(group);
	side->dirty = true;
	return side;
}

void groups_rule_changed(const struct fwd_rule_row *old, const struct fwd_rule_row *new)
{
	struct group *group = find_or_make((new ? new : old)->group);
	uint32_t handle = HANDLE_NONE;
	if (old)
		dirty_side(group, old);
	if (!new)
		handle_remove(old);
	else
		handle = old ? handle_set(new) : handle_add(new);
	if (old && new) {
		handle_item(handle)->moved = true;
		push(&changed_rules, handle);
	}
	if (!new)
		return;
	struct rule_side *side = dirty_side(group, new);
	side->added = ranges_room(side->added, &side->added_room, side->added_count + 1, sizeof(uint32_t));
	side->added[side->added_count++] = handle;
}

struct group *groups_join(uint32_t number, uint16_t identity)
{
	struct group *group = find_or_make(number);
	group->identities =
	        ranges_room(group->identities, &group->identity_room, group->identity_count + 1, sizeof(uint16_t));
	group->identities[group->identity_count++] = identity;
	return group;
}

void groups_leave(struct group *group, uint16_t identity)
{
	uint32_t at = 0;
	while (group->identities[at] != identity)
		at++;
	group->identities[at] = group->identities[--group->identity_count];
	look_again(group);
}

static void settle(struct group *group, void (*changed)(const struct group *group))
{
	bool another = false;
	group->dirty = false;
	for (uint32_t i = 0; i < POLICY_SIDES; i++) {
		if (!group->sides[i].dirty)
			continue;
		side_settle(&group->sides[i]);
		another = true;
	}
	if (another)
		changed(group);
}

void groups_settle(void (*changed)(const struct group *group))
{
	for (uint32_t i = 0; i < dirty_groups.count; i++)
		settle(groups[dirty_groups.items[i]], changed);
	for (uint32_t i = 0; i < dirty_groups.count; i++)
		forget_if_empty(groups[dirty_groups.items[i]]);
	for (uint32_t i = 0; i < changed_rules.count; i++)
		handle_item(changed_rules.items[i])->moved = false;
	dirty_groups.count = changed_rules.count = 0;
}
