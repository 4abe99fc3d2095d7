#include "flow_fragment.h"

#include <errno.h>

#include "flow_fragment_read.h"
#include "flow_life.h"
#include "stage.h"
#include "stats.h"

struct thread {
	struct fragment_table *table;
	/** Datagram of the first fragment that entered last. */
	uint16_t current;
	uint32_t now;
} __attribute__((aligned(64)));

static struct thread threads[STATS_THREADS];

int flow_fragment_init(uint32_t slots, uint32_t count)
{
	for (uint32_t i = 1; i <= count; i++) {
		threads[i] = (struct thread){.table = fragment_table_make(slots), .current = FRAGMENT_NONE};
		if (threads[i].table == NULL) {
			flow_fragment_fini();
			return -ENOMEM;
		}
	}
	return 0;
}

void flow_fragment_fini(void)
{
	for (uint32_t i = 0; i < STATS_THREADS; i++) {
		fragment_table_free(threads[i].table);
		threads[i].table = NULL;
	}
}

/* Nothing of this datagram passes any more. */
static verdict_t give_up(struct thread *self, uint16_t number)
{
	fragment_decide(self->table, number, DROP_FRAGMENT_INVALID, self->now);
	return DROP_FRAGMENT_INVALID;
}

/* A fragment that no honest sender makes takes its datagram along. */
static verdict_t refuse(struct thread *self, uint16_t number, const struct ingress *in, const struct fragment *fragment)
{
	if (number == FRAGMENT_NONE && fragment->offset == 0)
		number = fragment_add(self->table, &fragment->key, in->port->slot, self->now);
	return number == FRAGMENT_NONE ? DROP_FRAGMENT_INVALID : give_up(self, number);
}

/* The datagram of a fragment that passes; forgets it when it was the last that was missing. */
static verdict_t pass(struct thread *self, uint16_t number, const struct fragment *fragment)
{
	struct flow_fragment_cover *cover = &fragment_at(self->table, number)->cover;
	uint32_t first = fragment->offset / FRAGMENT_UNIT,
	         end = first + (fragment->length + FRAGMENT_UNIT - 1) / FRAGMENT_UNIT;
	enum cover_result result = cover_add(cover, first, end, fragment->last);

	if (result == COVER_OVERLAP)
		return give_up(self, number);
	if (result == COVER_FULL)
		return DROP_FRAGMENT_LIMIT;
	if (cover_complete(cover))
		fragment_remove(self->table, number, DROP_FRAGMENT_UNKNOWN);
	return VERDICT_NEXT;
}

/*
 * A first fragment. The same once more, duplicated on its way or of the next datagram with this number, begins anew:
 * what decides is the same. With other ports or another length it overlaps the one before.
 */
static verdict_t enter_first(
        struct thread *self, uint16_t number, const struct pkt *pkt, const struct ingress *in, const struct fragment *f)
{
	uint32_t told = (uint32_t)pkt->src_l4_port << 16 | pkt->dst_l4_port;

	if (number == FRAGMENT_NONE)
		number = fragment_add(self->table, &f->key, in->port->slot, self->now);
	struct fragment_datagram *datagram = fragment_at(self->table, number);
	bool passed = datagram->state == FRAGMENT_DECIDED && datagram->verdict == VERDICT_NEXT;
	if (passed && (datagram->told != told || datagram->told_length != f->length))
		return give_up(self, number);
	if (datagram->state == FRAGMENT_DECIDED && datagram->verdict == DROP_FRAGMENT_INVALID)
		return DROP_FRAGMENT_INVALID;
	datagram->told = told;
	datagram->told_length = f->length;
	datagram->cover.count = datagram->cover.total = 0;
	self->current = number;
	return pass(self, number, f);
}

static verdict_t enter_later(struct thread *self, uint16_t number, const struct pkt *pkt, const struct ingress *in,
        const struct fragment *f, struct flow_fragment_ports *ports)
{
	if (number == FRAGMENT_NONE)
		number = fragment_add(self->table, &f->key, in->port->slot, self->now);
	struct fragment_datagram *datagram = fragment_at(self->table, number);

	if (datagram->state == FRAGMENT_DECIDED) {
		if (datagram->verdict != VERDICT_NEXT)
			return datagram->verdict;
		*ports = datagram->ports;
		return pass(self, number, f);
	}
	if (fragment_hold(self->table, number, pkt->mbuf))
		return VERDICT_HELD;
	if (datagram->first_held == FRAGMENT_NONE)
		fragment_remove(self->table, number, DROP_FRAGMENT_LIMIT);
	return DROP_FRAGMENT_LIMIT;
}

verdict_t flow_fragment_enter(
        const struct pkt *pkt, const struct ingress *in, uint32_t now, struct flow_fragment_ports *ports)
{
	struct thread *self = &threads[in->thread];
	struct fragment fragment;

	self->current = FRAGMENT_NONE;
	self->now = now;
	if (!fragment_read(pkt, in, &fragment))
		return DROP_FRAGMENT_INVALID;
	if (fragment.offset == 0 && fragment.last)
		return VERDICT_NEXT;
	uint16_t number = fragment_find(self->table, &fragment.key);
	if (!fragment_is_sound(pkt, &fragment))
		return refuse(self, number, in, &fragment);
	return fragment.offset == 0 ? enter_first(self, number, pkt, in, &fragment)
	                            : enter_later(self, number, pkt, in, &fragment, ports);
}

void flow_fragment_decided(
        const struct pkt *pkt, const struct ingress *in, const struct flow_fragment_ports *ports, verdict_t verdict)
{
	struct thread *self = &threads[in->thread];

	if (self->current == FRAGMENT_NONE)
		return;
	fragment_at(self->table, self->current)->ports = *ports;
	fragment_decide(self->table, self->current, verdict, self->now);
	self->current = FRAGMENT_NONE;
}

verdict_t flow_fragment_peek(
        const struct pkt *pkt, const struct ingress *in, uint32_t now, struct flow_fragment_ports *ports)
{
	struct fragment fragment;

	if (!fragment_read(pkt, in, &fragment))
		return DROP_FRAGMENT_INVALID;
	if (fragment.offset == 0 && fragment.last)
		return VERDICT_NEXT;
	if (!fragment_is_sound(pkt, &fragment))
		return DROP_FRAGMENT_INVALID;
	return fragment.offset == 0 ? VERDICT_NEXT : DROP_FRAGMENT_UNKNOWN;
}

uint32_t flow_fragment_take(
        uint32_t thread, uint32_t now, struct rte_mbuf **mbufs, uint32_t room, uint32_t *generation, verdict_t *verdict)
{
	struct fragment_table *table = threads[thread].table;

	fragment_age(table, now, FRAGMENT_WAIT * FLOW_HZ, FRAGMENT_KEEP * FLOW_HZ);
	return fragment_take(table, mbufs, room, generation, verdict);
}

uint32_t flow_fragment_wait(uint32_t thread, uint32_t now)
{
	struct fragment_table *table = threads[thread].table;
	uint16_t oldest = fragment_oldest_waiting(table);

	if (oldest == FRAGMENT_NONE)
		return UINT32_MAX;
	uint32_t waited = now - fragment_at(table, oldest)->since, wait = FRAGMENT_WAIT * FLOW_HZ;
	return waited >= wait ? 0 : (wait - waited) * 1000 / FLOW_HZ;
}
