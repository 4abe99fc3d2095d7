#include "policy_work.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"

uint32_t rules_low(const struct fwd_rule_row *row)
{
	if (row->protocol != 0)
		return (uint32_t)row->protocol << 16 | row->port_min;
	return row->port_min == 0 && row->port_max == 0xffff ? 0 : RULES_ANY_PROTOCOL | row->port_min;
}

uint32_t rules_high(const struct fwd_rule_row *row)
{
	if (row->protocol != 0)
		return (uint32_t)row->protocol << 16 | row->port_max;
	return row->port_min == 0 && row->port_max == 0xffff ? RULES_ANY_PROTOCOL - 1
	                                                     : RULES_ANY_PROTOCOL | row->port_max;
}

static int compare(uint32_t a, uint32_t b)
{
	return (a > b) - (a < b);
}

static int compare_remote(const struct fwd_rule_row *a, const struct fwd_rule_row *b)
{
	int order = compare(a->remote_group, b->remote_group);
	if (order == 0)
		order = memcmp(a->address, b->address, sizeof(a->address));
	return order ? order : compare(a->prefix_length, b->prefix_length);
}

int rules_compare_place(const struct fwd_rule_row *a, const struct fwd_rule_row *b)
{
	int order = compare_remote(a, b);
	if (order == 0)
		order = compare(rules_low(a), rules_low(b));
	return order ? order : compare(a->number, b->number);
}

int rules_compare_rank(const struct fwd_rule_row *a, const struct fwd_rule_row *b)
{
	int order = compare(a->priority, b->priority);
	if (order == 0)
		order = compare(b->action, a->action);
	return order ? order : compare(a->number, b->number);
}

struct rule_work rule_work;

uint32_t rules_new_slot(void)
{
	rule_work.slots =
	        ranges_room(rule_work.slots, &rule_work.slot_room, rule_work.slot_count + 1, sizeof(union rule_slot));
	return rule_work.slot_count++;
}

/* The node of rules with the same remote. */
static uint32_t make_node(const struct rule_item *items, uint32_t count)
{
	uint32_t at = rules_new_slot();
	struct rule_node node = {.low = rules_low(items[0].row),
	        .several = count > 1,
	        .high = 0,
	        .best = RULES_NONE,
	        .parent = RULES_NONE};
	for (uint32_t i = 0; i < count; i++) {
		if (rules_high(items[i].row) > node.high)
			node.high = rules_high(items[i].row);
		if (items[i].rank < node.best)
			node.best = items[i].rank;
	}
	rule_work.slots[at].node = node;
	if (count > 1) {
		uint32_t map = rules_new_slot();
		rule_work.slots[map].map = rules_make_ports(items, count);
	}
	return at;
}

static void make_nodes(const struct rule_item *items, uint32_t count)
{
	for (uint32_t first = 0, end; first < count; first = end) {
		for (end = first + 1; end < count && compare_remote(items[first].row, items[end].row) == 0;)
			end++;
		rule_work.places = ranges_room(
		        rule_work.places, &rule_work.place_room, rule_work.place_count + 1, sizeof(struct rule_place));
		uint32_t slot = make_node(items + first, end - first);
		rule_work.places[rule_work.place_count++] = (struct rule_place){.row = items[first].row, .slot = slot};
	}
}

/* Prefixes come first in the order, and of them the one of any address. */
static void place_remotes(struct rule_set *set, struct rule_place *remotes, uint32_t *group_first)
{
	uint32_t first = 0, end = 0;
	set->any = set->prefixes = RULES_NONE;
	while (end < rule_work.place_count && remotes[end].row->remote_group == 0)
		end++;
	if (end > 0 && remotes[0].row->prefix_length == 0)
		set->any = remotes[first++].slot;
	if (first < end) {
		set->prefixes = rules_new_slot();
		rule_work.slots[set->prefixes].node.parent = set->any;
		rules_make_prefixes(remotes + first, end - first, 0, set->prefixes);
	}
	*group_first = end;
}

static void place_groups(
        struct rule_set *set, struct rule_remote *table, const struct rule_place *remotes, uint32_t count)
{
	for (uint32_t i = 0; i < count; i++) {
		uint32_t group = remotes[i].row->remote_group, at = rules_group_hash(group) & set->remote_mask;
		while (table[at].group != 0)
			at = (at + 1) & set->remote_mask;
		table[at] = (struct rule_remote){group, remotes[i].slot};
		set->remote_bits |= rules_bit(group);
	}
}

static uint32_t table_size(uint32_t groups)
{
	uint32_t size = 2;
	while (size < 2 * groups)
		size *= 2;
	return size;
}

static size_t part(size_t *bytes, size_t size)
{
	size_t at = *bytes;
	*bytes = (at + size + 63) & ~(size_t)63;
	return at;
}

/* Moves what was made into one piece. */
static struct rule_set *gather(
        const struct rule_set *head, const struct rule_verdict *ranked, uint32_t count, uint32_t group_first)
{
	uint32_t groups = rule_work.place_count - group_first;
	size_t bytes = 0;
	part(&bytes, sizeof(*head));
	size_t slots = part(&bytes, rule_work.slot_count * sizeof(*rule_work.slots));
	size_t entries = part(&bytes, (rule_work.pool.entry_count + RANGES_WINDOW) * sizeof(uint64_t));
	size_t starts = part(&bytes, rule_work.pool.start_count * sizeof(uint32_t));
	size_t rules = part(&bytes, count * sizeof(*ranked));
	size_t remotes = part(&bytes, table_size(groups) * sizeof(struct rule_remote));
	uint8_t *memory = aligned_alloc(64, bytes);
	if (!memory)
		error_memory("rules");
	struct rule_set *set = (struct rule_set *)memory;
	*set = *head;
	set->slots = memcpy(memory + slots, rule_work.slots, rule_work.slot_count * sizeof(*rule_work.slots));
	memset(memory + entries, 0xff, starts - entries);
	if (rule_work.pool.entry_count)
		memcpy(memory + entries, rule_work.pool.entries, rule_work.pool.entry_count * sizeof(uint64_t));
	set->entries = (const uint64_t *)(memory + entries);
	if (rule_work.pool.start_count)
		memcpy(memory + starts, rule_work.pool.starts, rule_work.pool.start_count * sizeof(uint32_t));
	set->starts = (const uint32_t *)(memory + starts);
	set->rules = memcpy(memory + rules, ranked, count * sizeof(*ranked));
	memset(memory + remotes, 0, bytes - remotes);
	set->remotes = (const struct rule_remote *)(memory + remotes);
	set->remote_mask = table_size(groups) - 1;
	set->order = rules_order(&ranked[0]);
	set->rule_count = count;
	place_groups(set, (struct rule_remote *)(memory + remotes), rule_work.places + group_first, groups);
	return set;
}

struct rule_set *rule_set_make(const struct rule_item *items, const struct rule_verdict *ranked, uint32_t count)
{
	struct rule_set head = {0};
	uint32_t group_first;
	rule_work.slot_count = rule_work.place_count = rule_work.pool.entry_count = rule_work.pool.start_count = 0;
	make_nodes(items, count);
	place_remotes(&head, rule_work.places, &group_first);
	return gather(&head, ranked, count, group_first);
}
