/* Entries by the endpoint inside that they stand for: lists by its hash, through the links of places. */
#include <errno.h>
#include <sys/mman.h>

#include "index.h"
#include "nat_map_own.h"

/* Of a bucket; the rest is the number of its first entry, plus 1. */
#define LOCKED 0x80000000u

static uint32_t *buckets;
static uint32_t bucket_mask;

_Static_assert(NAT_PLACES * 4ull * NAT_PORTS < LOCKED, "a number beside the lock");

static size_t bucket_bytes(void)
{
	return ((size_t)bucket_mask + 1) * sizeof(*buckets);
}

int nat_endpoints_init(uint32_t count)
{
	uint32_t size = 1024;

	while (size < count)
		size *= 2;
	bucket_mask = size - 1;
	/* Its pages cost memory when there are endpoints. */
	void *at =
	        mmap(NULL, bucket_bytes(), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	buckets = at == MAP_FAILED ? NULL : at;
	return buckets == NULL ? -ENOMEM : 0;
}

void nat_endpoints_fini(void)
{
	if (buckets != NULL)
		munmap(buckets, bucket_bytes());
	buckets = NULL;
}

static uint32_t *link_of(uint32_t number)
{
	return &nat_states[nat_place_of(number)].links[number & (NAT_PORTS * 4 - 1)];
}

uint32_t *nat_bucket_enter(uint32_t protocol, const uint64_t *inside)
{
	uint32_t *bucket = &buckets[index_hash(inside, 3 * sizeof(*inside), protocol) & bucket_mask];

	while ((__atomic_fetch_or(bucket, LOCKED, __ATOMIC_ACQUIRE) & LOCKED) != 0)
		while ((__atomic_load_n(bucket, __ATOMIC_RELAXED) & LOCKED) != 0)
			rte_pause();
	return bucket;
}

void nat_bucket_leave(uint32_t *bucket)
{
	__atomic_store_n(bucket, __atomic_load_n(bucket, __ATOMIC_RELAXED) & ~LOCKED, __ATOMIC_RELEASE);
}

uint32_t nat_bucket_next(const uint32_t *bucket, uint32_t after)
{
	uint32_t link = after == NAT_NONE ? __atomic_load_n(bucket, __ATOMIC_RELAXED) & ~LOCKED : *link_of(after);

	return link - 1;
}

void nat_bucket_add(uint32_t *bucket, uint32_t number)
{
	*link_of(number) = __atomic_load_n(bucket, __ATOMIC_RELAXED) & ~LOCKED;
	__atomic_store_n(bucket, (number + 1) | LOCKED, __ATOMIC_RELAXED);
}

void nat_bucket_remove(uint32_t *bucket, uint32_t number)
{
	uint32_t at = __atomic_load_n(bucket, __ATOMIC_RELAXED) & ~LOCKED;

	if (at == number + 1) {
		__atomic_store_n(bucket, *link_of(number) | LOCKED, __ATOMIC_RELAXED);
		return;
	}
	while (at != 0 && *link_of(at - 1) != number + 1)
		at = *link_of(at - 1);
	if (at != 0)
		*link_of(at - 1) = *link_of(number);
}
