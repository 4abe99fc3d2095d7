#include "inject.h"

#include <errno.h>
#include <pthread.h>
#include <rte_mbuf.h>
#include <string.h>

#include "drop.h"
#include "handover.h"
#include "io.h"
#include "pool.h"
#include "port.h"
#include "punt.h"
#include "rcu.h"
#include "stats.h"
#include "worker.h"

#define FRAME_LEAST 14u

/* One batch at a time: it writes the control side's rings and counters, and is its RCU reader. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

void inject_init(void)
{
	rcu_register(HANDOVER_CONTROL);
	rcu_offline(HANDOVER_CONTROL);
}

void inject_free(void)
{
	rcu_unregister(HANDOVER_CONTROL);
}

/* In the mbuf's private area; see worker.h. */
static uint32_t *generation_of(const struct rte_mbuf *mbuf)
{
	return rte_mbuf_to_priv((struct rte_mbuf *)(uintptr_t)mbuf);
}

/* The port that a record names, or the reason why it is refused. Inside a read section. */
static enum drop_reason check_record(const struct fwd_punt *head, const struct port *port)
{
	if (port == NULL || port->generation != head->generation)
		return DROP_INJECT_STALE;
	return head->length < FRAME_LEAST || head->length > IO_FRAME_LIMIT ? DROP_INJECT_MALFORMED : DROP_COUNT;
}

/* One counted record: given to the port's owner, or dropped by name at the port it names (slot 0 when that is gone). */
static bool take_record(const struct fwd_punt *head, const uint8_t *frame, struct port_counters *counters)
{
	const struct port *port = port_of(head->port);
	uint16_t slot = port == NULL ? 0 : port->slot;
	enum drop_reason reason = check_record(head, port);

	if (reason == DROP_COUNT) {
		struct rte_mbuf *mbuf = pool_frame(frame, head->length);
		const struct port_io *io = port_io_of(port);
		/* A port without I/O has no owner: any thread drops what it is to send. */
		uint32_t owner = io == NULL ? 1 : io->owner;
		if (mbuf != NULL) {
			mbuf->port = slot;
			*generation_of(mbuf) = head->generation;
			if (handover_put(HANDOVER_CONTROL, owner, &mbuf, 1) == 1) {
				worker_wake(owner);
				return true;
			}
		}
		reason = mbuf == NULL ? DROP_NO_MEMORY : DROP_INJECT_RING_FULL;
		rte_pktmbuf_free(mbuf);
	}
	stats_add(&counters[slot].injected, 1);
	stats_drop(&counters[slot], reason, head->length);
	return false;
}

int32_t inject_records(const void *records, uint32_t length)
{
	const uint8_t *at = records;
	int32_t taken = 0;
	int32_t result = 0;

	pthread_mutex_lock(&lock);
	/* Ports and slots stay as they are until it is offline again. */
	rcu_online(HANDOVER_CONTROL);
	struct port_counters *counters = stats_block(STATS_CONTROL);
	while (length > 0) {
		struct fwd_punt head;

		if (length < sizeof(head)) {
			result = -EINVAL;
			break;
		}
		memcpy(&head, at, sizeof(head));
		if (head.version != PUNT_VERSION || head.length > length - sizeof(head)) {
			result = -EINVAL;
			break;
		}
		taken += take_record(&head, at + sizeof(head), counters);
		/* The last record's padding may be missing. */
		uint32_t size = punt_record_bytes(head.length);
		size = size < length ? size : length;
		at += size;
		length -= size;
	}
	rcu_offline(HANDOVER_CONTROL);
	pthread_mutex_unlock(&lock);
	return result < 0 ? result : taken;
}

uint32_t inject_take(uint32_t thread, struct rte_mbuf **mbufs, uint32_t n)
{
	return handover_take(HANDOVER_CONTROL, thread, mbufs, n);
}

uint32_t inject_generation(const struct rte_mbuf *mbuf)
{
	return *generation_of(mbuf);
}
