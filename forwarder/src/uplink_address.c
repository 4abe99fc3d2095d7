#include "uplink_address.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rcu.h"
#include "uplink.h"

/* In the order of memcmp. */
struct list {
	uint32_t count;
	struct uplink_address at[];
};

static struct list *published;

static int compare(const void *a, const void *b)
{
	return memcmp(a, b, sizeof(struct uplink_address));
}

bool uplink_is_host(uint32_t uplink, uint8_t family, const uint8_t *address)
{
	const struct list *list = __atomic_load_n(&published, __ATOMIC_ACQUIRE);
	struct uplink_address key = {.uplink = uplink, .family = family};

	if (list == NULL)
		return false;
	memcpy(key.address, address, sizeof(key.address));
	return bsearch(&key, list->at, list->count, sizeof(key), compare) != NULL;
}

int uplink_address_publish(const struct uplink_address *addresses, uint32_t count)
{
	struct list *old = published, *new = NULL;

	if (count > 0) {
		new = malloc(sizeof(*new) + count * sizeof(new->at[0]));
		if (new == NULL)
			return -ENOMEM;
		new->count = count;
		memcpy(new->at, addresses, count * sizeof(new->at[0]));
		qsort(new->at, count, sizeof(new->at[0]), compare);
	}
	__atomic_store_n(&published, new, __ATOMIC_RELEASE);
	/* fwd-learn looks with the writer lock held: to wait for packet threads is not enough. */
	rcu_retire_memory(old);
	return 0;
}

void uplink_address_free(void)
{
	free(published);
	published = NULL;
}
