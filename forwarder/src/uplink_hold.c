/*
 * Packets that wait for the MAC address of a neighbour: when they are asked for, walk again, or end. An address that
 * does not answer in a second is vain until ASK_SECONDS: packets to it end at once.
 */
#include <errno.h>
#include <string.h>

#include "flow_life.h"
#include "stage.h"
#include "stats.h"
#include "uplink_held.h"
#include "uplink_own.h"
#include "worker.h"

#define HOLD_SECONDS 1u
#define ASK_SECONDS  3u

static struct hold *holds[STATS_THREADS];
/* Threads in which addresses are asked for; written by each of them. */
static uint32_t asking[STATS_THREADS];
static uint32_t answers;

int uplink_hold_start(uint32_t slots, uint32_t threads)
{
	for (uint32_t i = 1; i <= threads; i++) {
		asking[i] = 0;
		if ((holds[i] = hold_make(slots)) == NULL)
			return -ENOMEM;
	}
	return 0;
}

void uplink_hold_stop(void)
{
	for (uint32_t i = 0; i < STATS_THREADS; i++) {
		hold_free(holds[i]);
		holds[i] = NULL;
	}
}

verdict_t uplink_ask(struct pkt *pkt, const struct ingress *in, uint32_t uplink, uint8_t family, const uint8_t *address)
{
	struct hold *hold = holds[in->thread];
	uint16_t number = hold_find(hold, uplink, family, address);
	bool known = number != HOLD_NONE;

	if (!known)
		number = hold_add(hold, in, uplink, family, address);
	if (number == HOLD_NONE || hold->addresses[number].vain)
		return DROP_NO_NEIGHBOR;
	/* Without room for the packet the address is asked for all the same: the next one may go. */
	verdict_t verdict = hold_keep(hold, &hold->addresses[number], pkt, in) ? VERDICT_HELD : DROP_NO_NEIGHBOR;
	if (known)
		return verdict;
	struct uplink_event event = {.uplink = uplink, .family = family, .word = UPLINK_WANTED};
	memcpy(event.address, address, sizeof(event.address));
	__atomic_store_n(&asking[in->thread], 1, __ATOMIC_RELAXED);
	/* A full ring: it waits in vain. */
	uplink_tell(&event);
	return verdict;
}

verdict_t uplink_peek(const struct pkt *pkt, uint32_t uplink, uint8_t family, const uint8_t *address)
{
	return DROP_NO_NEIGHBOR;
}

/* Those whose answer came walk again. */
static void look_for_answers(struct hold *hold)
{
	for (uint16_t at = hold->oldest, next; at != HOLD_NONE; at = next) {
		const struct waiting_address *entry = &hold->addresses[at];
		next = entry->behind;
		if (uplink_look(entry->uplink, entry->family, entry->address) != NULL)
			hold_forget(hold, at);
	}
}

/* Those that waited in vain walk again, and end there. */
static void age(struct hold *hold, uint32_t now)
{
	for (uint16_t at = hold->oldest, next; at != HOLD_NONE; at = next) {
		struct waiting_address *entry = &hold->addresses[at];
		next = entry->behind;
		if (now - entry->since < HOLD_SECONDS * FLOW_HZ)
			break;
		/* What waited must find it still: it is forgotten another time. */
		if (entry->vain && now - entry->since >= ASK_SECONDS * FLOW_HZ) {
			hold_forget(hold, at);
			continue;
		}
		entry->vain = true;
		hold_let_go(hold, entry, entry->count, VERDICT_NEXT);
	}
}

uint32_t uplink_take(uint32_t thread, struct rte_mbuf **mbufs, uint32_t room, uint32_t *generation, verdict_t *verdict)
{
	struct hold *hold = holds[thread];
	uint32_t now = flow_now(thread), seen = __atomic_load_n(&answers, __ATOMIC_ACQUIRE);

	if (likely(hold->oldest == HOLD_NONE && hold->first_out == HOLD_NONE))
		return 0;
	if (hold->answers != seen)
		look_for_answers(hold);
	if (hold->now != now)
		age(hold, now);
	hold->answers = seen;
	hold->now = now;
	if (hold->oldest == HOLD_NONE)
		__atomic_store_n(&asking[thread], 0, __ATOMIC_RELAXED);
	return hold->first_out == HOLD_NONE ? 0 : hold_take(hold, mbufs, room, generation, verdict);
}

uint32_t uplink_wait(uint32_t thread)
{
	const struct hold *hold = holds[thread];
	uint16_t at = hold->oldest;

	/* What came since uplink_take looked was not seen, and nobody wakes who is awake still. */
	if (hold->first_out != HOLD_NONE ||
	        (at != HOLD_NONE && __atomic_load_n(&answers, __ATOMIC_SEQ_CST) != hold->answers))
		return 0;
	while (at != HOLD_NONE && hold->addresses[at].vain)
		at = hold->addresses[at].behind;
	if (at == HOLD_NONE)
		return UINT32_MAX;
	uint32_t waited = flow_now(thread) - hold->addresses[at].since, wait = HOLD_SECONDS * FLOW_HZ;
	return waited >= wait ? 0 : (wait - waited) * 1000 / FLOW_HZ;
}

void uplink_hold_wake(void)
{
	__atomic_add_fetch(&answers, 1, __ATOMIC_RELEASE);
	for (uint32_t i = 1; i < STATS_THREADS; i++)
		if (__atomic_load_n(&asking[i], __ATOMIC_SEQ_CST) != 0)
			worker_wake(i);
}
