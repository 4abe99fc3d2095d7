#include "service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "store.h"

#define PORTS  65536u
#define OWNERS 64u

uint64_t service_used[256][PORTS / 64];
/* Rows per protocol and port; the writer's. */
static uint32_t *rows_of;
/* Id of the service port by the owner number of the plugin behind it; 0: none. */
static uint32_t ports[OWNERS];

int service_init(void)
{
	rows_of = calloc(256 * PORTS, sizeof(*rows_of));
	return rows_of ? 0 : -ENOMEM;
}

static bool is_service(const struct fwd_port_row *row)
{
	return row != NULL && (row->flags & FWD_PORT_SERVICE) != 0 && row->parent < OWNERS;
}

void service_port_changed(const struct fwd_port_row *old, const struct fwd_port_row *new)
{
	if (is_service(old) && ports[old->parent] == old->id)
		__atomic_store_n(&ports[old->parent], 0, __ATOMIC_RELAXED);
	if (is_service(new))
		__atomic_store_n(&ports[new->parent], new->id, __ATOMIC_RELAXED);
}

uint32_t service_port_of(uint32_t owner)
{
	return owner < OWNERS ? __atomic_load_n(&ports[owner], __ATOMIC_RELAXED) : 0;
}

void service_fini(void)
{
	free(rows_of);
	rows_of = NULL;
	memset(service_used, 0, sizeof(service_used));
	memset(ports, 0, sizeof(ports));
}

static void count(const struct fwd_service_row *row, int change)
{
	uint32_t *rows = &rows_of[row->protocol * PORTS + row->l4_port];
	*rows += (uint32_t)change;
	uint64_t *word = &service_used[row->protocol][row->l4_port / 64], bit = 1ULL << row->l4_port % 64;
	__atomic_store_n(word, *rows ? *word | bit : *word & ~bit, __ATOMIC_RELAXED);
}

void service_row_changed(const struct fwd_service_row *old, const struct fwd_service_row *new)
{
	if (new)
		count(new, 1);
	if (old)
		count(old, -1);
}

const struct fwd_service_row *service_find(
        uint32_t vrf, uint8_t family, uint8_t protocol, uint16_t l4_port, const uint8_t *address)
{
	if (!service_possible(protocol, l4_port))
		return NULL;
	struct fwd_service_row key = {.family = family, .protocol = protocol, .l4_port = l4_port};
	const uint32_t vrfs[] = {vrf, FWD_ANY_VRF};
	for (uint32_t i = 0; i < 2; i++) {
		key.vrf = vrfs[i];
		memcpy(key.address, address, sizeof(key.address));
		const struct fwd_service_row *row = store_row(FWD_TABLE_SERVICE, 0, &key);
		if (row)
			return row;
		memset(key.address, 0, sizeof(key.address));
		if ((row = store_row(FWD_TABLE_SERVICE, 0, &key)))
			return row;
	}
	return NULL;
}
