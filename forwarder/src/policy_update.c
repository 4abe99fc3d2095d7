/* The writer's part of policy.h: which ports change with a batch, and the state that shows it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "policy.h"
#include "policy_groups.h"
#include "policy_identities.h"
#include "policy_state.h"

const struct policy *policy_current;

/* All their ports are pending. */
static struct policy_page *no_ports;
static struct policy *no_pages;
/* Identity of each port; 0: none. */
static uint16_t *port_identities;
static uint32_t page_ports[POLICY_PAGES];
static uint32_t *dirty_ports;
static uint32_t dirty_port_count, dirty_port_room;
static bool dirty;

int policy_init(void)
{
	port_identities = calloc(FWD_ID_LIMIT, sizeof(*port_identities));
	no_ports = calloc(1, sizeof(*no_ports));
	no_pages = calloc(1, sizeof(*no_pages));
	if (!port_identities || !no_ports || !no_pages || identities_init())
		return -ENOMEM;
	for (uint32_t i = 0; i < POLICY_PAGE; i++)
		no_ports->ports[i] = &policy_pending;
	for (uint32_t i = 0; i < POLICY_PAGES; i++)
		no_pages->pages[i] = no_ports;
	policy_current = no_pages;
	return groups_init();
}

void policy_fini(void)
{
	groups_fini();
	for (uint32_t i = 0; policy_current && i < POLICY_PAGES; i++)
		if (policy_current->pages[i] != no_ports)
			free((void *)policy_current->pages[i]);
	if (policy_current != no_pages)
		free((void *)policy_current);
	identities_fini();
	free(port_identities);
	free(no_ports);
	free(no_pages);
	free(dirty_ports);
	port_identities = NULL, no_ports = NULL, no_pages = NULL, policy_current = NULL, dirty_ports = NULL;
	dirty_port_count = dirty_port_room = 0;
	memset(page_ports, 0, sizeof(page_ports));
	dirty = false;
}

void policy_rule_changed(const struct fwd_rule_row *old, const struct fwd_rule_row *new)
{
	dirty = true;
	groups_rule_changed(old, new);
}

void policy_group_changed(const struct fwd_identity_group_row *old, const struct fwd_identity_group_row *new)
{
	dirty = true;
	identities_group_changed(old, new);
}

void policy_identity_changed(const struct fwd_port_identity_row *old, const struct fwd_port_identity_row *new)
{
	uint32_t port = (new ? new : old)->port;
	dirty = true;
	if (new)
		identities_port_came(new->identity);
	if (old)
		identities_port_went(old->identity);
	page_ports[port >> POLICY_PAGE_BITS] += (uint32_t)!old - (uint32_t) !new;
	port_identities[port] = new ? (uint16_t) new->identity : 0;
	dirty_ports = ranges_room(dirty_ports, &dirty_port_room, dirty_port_count + 1, sizeof(*dirty_ports));
	dirty_ports[dirty_port_count++] = port;
}

static void *allocate(size_t bytes)
{
	void *memory = malloc(bytes);
	if (!memory)
		error_memory("the rules of ports");
	return memory;
}

/* The page of the state that is made, to be changed. */
static struct policy_page *edit(struct policy *state, uint32_t page)
{
	const struct policy_page *old = policy_current->pages[page];
	if (state->pages[page] != old)
		return (struct policy_page *)state->pages[page];
	struct policy_page *copy = allocate(sizeof(*copy));
	*copy = *old;
	if (old != no_ports)
		groups_discard((void *)old);
	state->pages[page] = copy;
	return copy;
}

static void show_port(struct policy *state, uint32_t port)
{
	uint32_t number = port_identities[port];
	edit(state, port >> POLICY_PAGE_BITS)->ports[port & (POLICY_PAGE - 1)] =
	        number ? identity_port(number) : &policy_pending;
}

static void show_replaced(struct policy *state)
{
	for (uint32_t page = 0; page < POLICY_PAGES; page++) {
		uint32_t first = page << POLICY_PAGE_BITS;
		for (uint32_t port = first; page_ports[page] && port < first + POLICY_PAGE; port++)
			if (identity_replaced(port_identities[port]))
				show_port(state, port);
	}
}

static struct policy *make_state(bool any_replaced)
{
	struct policy *state = allocate(sizeof(*state));
	*state = *policy_current;
	for (uint32_t i = 0; i < dirty_port_count; i++)
		show_port(state, dirty_ports[i]);
	if (any_replaced)
		show_replaced(state);
	for (uint32_t i = 0; i < dirty_port_count; i++) {
		uint32_t page = dirty_ports[i] >> POLICY_PAGE_BITS;
		if (page_ports[page] || state->pages[page] == no_ports)
			continue;
		free((void *)state->pages[page]);
		state->pages[page] = no_ports;
	}
	return state;
}

void policy_publish(void)
{
	if (!dirty)
		return;
	dirty = false;
	struct policy *state = make_state(identities_settle());
	if (policy_current != no_pages)
		groups_discard((void *)policy_current);
	__atomic_store_n(&policy_current, state, __ATOMIC_RELEASE);
	identities_settled();
	dirty_port_count = 0;
	groups_retire();
}
