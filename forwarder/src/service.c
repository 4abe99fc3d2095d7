#include "service.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "error.h"
#include "rcu.h"
#include "store.h"

#define PORTS  65536u
#define OWNERS 64u
/* For a million addresses; pages of it that nothing uses have no memory. */
#define BUCKETS 65536u

uint64_t service_used[256][PORTS / 64];
/* Rows per protocol and port; the writer's. */
static uint32_t *rows_of;
/* Id of the service port by the owner number of the plugin behind it; 0: none. */
static uint32_t ports[OWNERS];

/* An address that rows name, and how many do. */
struct served {
	struct served *next;
	uint32_t vrf, rows;
	uint8_t family, address[16];
};
static struct served *addresses[BUCKETS];

static struct served **bucket_of(uint32_t vrf, const uint8_t *address)
{
	uint32_t words[4], hash = vrf * 0x9e3779b1u;

	memcpy(words, address, sizeof(words));
	for (uint32_t i = 0; i < 4; i++)
		hash = (hash ^ words[i]) * 0x85ebca6bu ^ hash >> 15;
	return &addresses[(hash ^ hash >> 16) % BUCKETS];
}

static bool is_of(const struct served *at, uint32_t vrf, uint8_t family, const uint8_t *address)
{
	return at->vrf == vrf && at->family == family && memcmp(at->address, address, sizeof(at->address)) == 0;
}

static bool is_served(uint32_t vrf, uint8_t family, const uint8_t *address)
{
	const struct served *at = __atomic_load_n(bucket_of(vrf, address), __ATOMIC_ACQUIRE);

	while (at != NULL && !is_of(at, vrf, family, address))
		at = __atomic_load_n(&at->next, __ATOMIC_ACQUIRE);
	return at != NULL;
}

bool service_has_address(uint32_t vrf, uint8_t family, const uint8_t *address)
{
	return is_served(FWD_ANY_VRF, family, address) || is_served(vrf, family, address);
}

/* The link that leads to the address, or to the end of its bucket. */
static struct served **find_served(const struct fwd_service_row *row)
{
	struct served **at = bucket_of(row->vrf, row->address);

	while (*at != NULL && !is_of(*at, row->vrf, row->family, row->address))
		at = &(*at)->next;
	return at;
}

/* Not the wildcard, nor a group: nobody is asked for the MAC address of those, and they never answer. */
static bool names_address(const struct fwd_service_row *row)
{
	static const uint8_t all[16];

	if (row->family == 4 ? row->address[0] >= 224 : row->address[0] == 0xff)
		return false;
	return memcmp(row->address, all, sizeof(all)) != 0;
}

static void address_came(const struct fwd_service_row *row)
{
	struct served **at = find_served(row);

	if (!names_address(row))
		return;
	if (*at != NULL) {
		(*at)->rows++;
		return;
	}
	struct served *made = calloc(1, sizeof(*made));
	if (made == NULL)
		error_memory("addresses of services");
	made->vrf = row->vrf;
	made->family = row->family;
	made->rows = 1;
	memcpy(made->address, row->address, sizeof(made->address));
	__atomic_store_n(at, made, __ATOMIC_RELEASE);
}

static void address_went(const struct fwd_service_row *row)
{
	struct served **at = find_served(row), *gone = *at;

	if (gone == NULL || --gone->rows > 0)
		return;
	__atomic_store_n(at, gone->next, __ATOMIC_RELEASE);
	rcu_retire_memory(gone);
}

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
	for (uint32_t i = 0; i < BUCKETS; i++) {
		while (addresses[i] != NULL) {
			struct served *gone = addresses[i];
			addresses[i] = gone->next;
			rcu_retire_memory(gone);
		}
	}
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
	if (new) {
		count(new, 1);
		address_came(new);
	}
	if (old) {
		count(old, -1);
		address_went(old);
	}
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
