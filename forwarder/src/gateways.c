#include "gateways.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "rcu.h"

static const struct gateways **lists; /* by bridge id; sparse */

int gateways_init(void)
{
	lists = calloc(FWD_ID_LIMIT, sizeof(*lists));
	return lists ? 0 : -ENOMEM;
}

void gateways_fini(void)
{
	for (uint32_t bridge = 0; lists && bridge < FWD_ID_LIMIT; bridge++)
		rcu_retire_memory((void *)lists[bridge]);
	rcu_retire_memory(lists);
	lists = NULL;
}

static bool is_gateway(const struct fwd_neighbor_row *row)
{
	return row && row->flags & FWD_NEIGHBOR_GATEWAY;
}

static int by_address(const struct fwd_neighbor_row *a, const struct fwd_neighbor_row *b)
{
	return a->family == b->family ? memcmp(a->address, b->address, sizeof(a->address)) : a->family - b->family;
}

/* A copy without `old` and with `new`, either of which may be NULL. NULL: nothing is left. */
static struct gateways *list_with(
        const struct gateways *list, const struct fwd_neighbor_row *old, const struct fwd_neighbor_row *new)
{
	uint32_t count = list ? list->count : 0, to = 0;
	if (count + !!new == !!old)
		return NULL;
	struct gateways *made = malloc(sizeof(*made) + (count + !!new) * sizeof(made->rows[0]));
	if (!made)
		error_memory("gateways");
	for (uint32_t i = 0; i < count; i++) {
		if (list->rows[i] == old)
			continue;
		if (new &&by_address(new, list->rows[i]) < 0) {
			made->rows[to++] = new;
			new = NULL;
		}
		made->rows[to++] = list->rows[i];
	}
	if (new)
		made->rows[to++] = new;
	made->count = to;
	return made;
}

void gateways_neighbor_changed(const struct fwd_neighbor_row *old, const struct fwd_neighbor_row *new)
{
	uint32_t bridge = (new ? new : old)->bridge;
	if (!is_gateway(old))
		old = NULL;
	if (!is_gateway(new))
		new = NULL;
	if (!old && !new)
		return;
	const struct gateways *list = lists[bridge];
	__atomic_store_n(&lists[bridge], list_with(list, old, new), __ATOMIC_RELEASE);
	rcu_retire_memory((void *)list);
}

const struct gateways *gateways_of(uint32_t bridge)
{
	return bridge < FWD_ID_LIMIT ? __atomic_load_n(&lists[bridge], __ATOMIC_ACQUIRE) : NULL;
}
