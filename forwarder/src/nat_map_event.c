/* What is logged: a ring in the file, so that it survives this process. */
#include "flow_own.h"
#include "nat_map_own.h"

#define WORDS (sizeof(struct fwd_nat_event) / sizeof(uint64_t))

_Static_assert(sizeof(struct fwd_nat_event) % sizeof(uint64_t) == 0 && offsetof(struct fwd_nat_event, sequence) == 0,
        "events are copied by words, the sequence is the first");

static uint32_t lock;

static uint64_t *words_of(uint64_t sequence)
{
	return (void *)&nat_file->events[sequence % NAT_EVENTS];
}

void nat_event_put(const struct fwd_nat_event *event)
{
	uint64_t words[WORDS];

	memcpy(words, event, sizeof(words));
	nat_lock(&lock);
	uint64_t sequence = __atomic_load_n(&nat_file->sequence, __ATOMIC_RELAXED), *to = words_of(sequence);
	__atomic_store_n(&to[0], 0, __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_RELEASE);
	for (uint32_t i = 1; i < WORDS; i++)
		__atomic_store_n(&to[i], words[i], __ATOMIC_RELAXED);
	__atomic_store_n(&to[0], sequence, __ATOMIC_RELEASE);
	__atomic_store_n(&nat_file->sequence, sequence + 1, __ATOMIC_RELEASE);
	nat_unlock(&lock);
}

void nat_event_block(
        uint32_t place, uint32_t first, const struct nat_unit *block, uint8_t kind, struct fwd_nat_event *out)
{
	*out = (struct fwd_nat_event){.time_ns = kind == FWD_NAT_EVENT_LISTED ? block->since : flow_time(),
	        .inside_port = block->inside_port,
	        .inside_generation = block->owner,
	        .port = block->uplink,
	        .event = kind,
	        .version = nat_file->places[place].family};
	memcpy(out->address, nat_file->places[place].address, sizeof(out->address));
	if (kind == FWD_NAT_EVENT_EXHAUSTED)
		return;
	out->first = (uint16_t)(first * NAT_UNIT);
	out->last = (uint16_t)((first + block->count) * NAT_UNIT - 1);
}

/* False: it is not there any more. */
static bool get(uint64_t sequence, uint64_t *words)
{
	const uint64_t *from = words_of(sequence);

	words[0] = __atomic_load_n(&from[0], __ATOMIC_ACQUIRE);
	for (uint32_t i = 1; i < WORDS; i++)
		words[i] = __atomic_load_n(&from[i], __ATOMIC_RELAXED);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return words[0] == sequence && __atomic_load_n(&from[0], __ATOMIC_RELAXED) == sequence;
}

int32_t nat_map_events_read(uint64_t after, void *out, uint32_t length)
{
	uint32_t room = length / sizeof(struct fwd_nat_event), count = 0;
	uint64_t end = __atomic_load_n(&nat_file->sequence, __ATOMIC_ACQUIRE), words[WORDS];
	uint64_t first = end > NAT_EVENTS ? end - NAT_EVENTS : 1;

	if (after >= end)
		return 0;
	for (uint64_t i = after + 1 < first ? first : after + 1; i < end && count < room; i++)
		if (get(i, words))
			memcpy((uint8_t *)out + count++ * sizeof(words), words, sizeof(words));
	return (int32_t)(count * sizeof(words));
}
