#define _GNU_SOURCE
#include "worker.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "flow_fragment.h"
#include "flow_life.h"
#include "handover.h"
#include "io.h"
#include "log.h"
#include "pipeline.h"
#include "rcu.h"
#include "stats.h"
#include "uplink.h"

#define EVENTS 64
/* Empty rounds before sleeping: fewer cost latency, more starve the VMs on the same CPUs (measured: docs of 64 against
 * 20,000). */
#define SPIN_ROUNDS      64u
#define SLEEP_LONGEST_MS 1000
/* With devices that must be polled: naps grow to this when nothing comes. */
#define NAP_FIRST_US   10u
#define NAP_LONGEST_US 200u
/* A descriptor is ready, but nothing can be taken from it (no free buffer): looked at again after this. */
#define STALL_NS 1000000
/* Packets still flow from devices alone: look at descriptors only now and then. */
#define DEVICE_ROUNDS 32u
#define POLLED_LIMIT  64u

_Static_assert(HANDOVER_THREADS + 1 == STATS_THREADS, "a block of counters for each packet thread");

struct worker {
	struct tx tx;
	pthread_t thread;
	int epoll;
	int wake;
	int cpu;
	/* Ports it receives from. Link thread. */
	uint32_t ports;
	/* Slots of ports without a descriptor; 0: free cell. Written by the link thread. */
	uint16_t polled[POLLED_LIMIT];
	uint32_t polled_count;
	uint32_t watched;
	bool stop;
	/* Written by those who wake it, too. */
	uint32_t asleep __attribute__((aligned(64)));
} __attribute__((aligned(64)));

static struct worker workers[HANDOVER_THREADS + 1];
static uint32_t worker_count;
/* Packet threads run, or will at once: what lies in a ring will be taken. */
static bool running;
/* Whoever drives worker_poll_once is thread after thread in turn. */
static _Thread_local uint32_t self_index = 1;

uint32_t worker_self(void)
{
	return self_index;
}

static int worker_make(struct worker *w, uint32_t slots, uint32_t index)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = 0};

	*w = (struct worker){.epoll = epoll_create1(EPOLL_CLOEXEC), .wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)};
	if (w->epoll < 0 || w->wake < 0 || epoll_ctl(w->epoll, EPOLL_CTL_ADD, w->wake, &event) < 0)
		return -errno;
	return tx_init(&w->tx, slots, index);
}

int worker_init(uint32_t slots, uint32_t threads)
{
	int result = handover_init(threads);

	for (worker_count = 0; result == 0 && worker_count < threads; worker_count++)
		result = worker_make(&workers[worker_count + 1], slots, worker_count + 1);
	return result;
}

void worker_free(void)
{
	handover_free();
	for (; worker_count > 0; worker_count--) {
		struct worker *w = &workers[worker_count];
		tx_free(&w->tx);
		if (w->epoll >= 0)
			close(w->epoll);
		if (w->wake >= 0)
			close(w->wake);
	}
}

uint8_t worker_choose(void)
{
	uint32_t best = 1;

	for (uint32_t i = 2; i <= worker_count; i++) {
		if (workers[i].ports < workers[best].ports)
			best = i;
	}
	return (uint8_t)best;
}

static void watch_polled(struct worker *w, uint16_t slot, uint16_t value)
{
	for (uint32_t i = 0; i < POLLED_LIMIT; i++) {
		if (w->polled[i] == slot) {
			__atomic_store_n(&w->polled[i], value, __ATOMIC_RELEASE);
			__atomic_store_n(&w->polled_count, w->polled_count + (value != 0 ? 1 : -1), __ATOMIC_RELEASE);
			return;
		}
	}
	log_line("worker: more than %u polled devices; one is not served", POLLED_LIMIT);
}

void worker_watch(struct port *port)
{
	struct port_io *io = port->io;
	struct worker *w = &workers[io->owner];

	if (io->ops->rx_burst == NULL)
		return;
	w->ports++;
	if (io->fd < 0) {
		watch_polled(w, 0, port->slot);
		worker_wake(io->owner);
		return;
	}
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = port->slot};
	if (epoll_ctl(w->epoll, EPOLL_CTL_ADD, io->fd, &event) < 0)
		log_line("worker: cannot watch port %u: errno %d", port->id, errno);
	__atomic_add_fetch(&w->watched, 1, __ATOMIC_RELEASE);
}

void worker_unwatch(struct port *port)
{
	struct port_io *io = port->io;
	struct worker *w = &workers[io->owner];

	if (io->ops->rx_burst == NULL)
		return;
	w->ports--;
	if (io->fd < 0) {
		watch_polled(w, port->slot, 0);
		return;
	}
	epoll_ctl(w->epoll, EPOLL_CTL_DEL, io->fd, NULL);
	__atomic_sub_fetch(&w->watched, 1, __ATOMIC_RELEASE);
}

void worker_wake(uint32_t thread)
{
	struct worker *w = &workers[thread];
	uint64_t one = 1;

	/* What was put must be seen before the flag is read; see sleep_until_work. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (__atomic_load_n(&w->asleep, __ATOMIC_RELAXED) == 0 ||
	        __atomic_exchange_n(&w->asleep, 0, __ATOMIC_SEQ_CST) == 0)
		return;
	ssize_t ignored = write(w->wake, &one, sizeof(one));
	(void)ignored;
}

void worker_grace(void)
{
	rcu_synchronize();
	if (!__atomic_load_n(&running, __ATOMIC_ACQUIRE))
		return;
	/* What threads knew is sent, dropped or in a ring now; what they took from a ring, after the second wait. */
	handover_drain();
	rcu_synchronize();
}

static uint32_t receive(struct worker *w, uint16_t slot)
{
	struct rte_mbuf *mbufs[WORKER_BURST];
	const struct port *port = port_at(slot);
	struct port_io *io = port == NULL ? NULL : port_io_of(port);

	if (io == NULL || io->ops->rx_burst == NULL)
		return 0;
	uint16_t count = io->ops->rx_burst(io, mbufs, WORKER_BURST);
	if (count > 0)
		pipeline_receive(&w->tx, port, mbufs, count);
	return count;
}

/* Packets of other threads that leave through ports of this one. */
static uint32_t take_over(struct worker *w)
{
	struct rte_mbuf *mbufs[WORKER_BURST];
	uint32_t total = 0, count;

	for (uint32_t from = 1; from <= worker_count; from++) {
		/* A full ring at most, so that a round ends. */
		for (uint32_t taken = 0; taken < HANDOVER_RING; taken += count) {
			count = handover_take(from, w->tx.thread, mbufs, WORKER_BURST);
			if (count == 0)
				break;
			for (uint32_t i = 0; i < count; i++)
				tx_send(&w->tx, handover_slot(mbufs[i]), mbufs[i]);
			total += count;
		}
	}
	return total;
}

/* One burst from each port that is ready, then what other threads and plugins gave. *stalled: nothing came, but
 * descriptors of ports are ready. */
static uint32_t round_once(struct worker *w, bool descriptors, bool *stalled)
{
	struct epoll_event events[EVENTS];
	uint64_t ignored_count;
	uint32_t handled = 0;
	bool seen = false;

	flow_age(w->tx.thread);
	int ready = descriptors ? epoll_wait(w->epoll, events, EVENTS, 0) : 0;

	for (int i = 0; i < ready; i++) {
		if (events[i].data.u32 != 0) {
			handled += receive(w, (uint16_t)events[i].data.u32);
			seen = true;
		} else if (read(w->wake, &ignored_count, sizeof(ignored_count)) < 0) {
			continue;
		}
	}
	if (__atomic_load_n(&w->polled_count, __ATOMIC_ACQUIRE) != 0) {
		for (uint32_t i = 0; i < POLLED_LIMIT; i++) {
			uint16_t slot = __atomic_load_n(&w->polled[i], __ATOMIC_ACQUIRE);
			if (slot != 0)
				handled += receive(w, slot);
		}
	}
	if (worker_count > 1)
		handled += take_over(w);
	handled += pipeline_inject(&w->tx);
	handled += pipeline_waited(&w->tx);
	tx_flush(&w->tx);
	*stalled = seen && handled == 0;
	return handled;
}

uint32_t worker_poll_once(void)
{
	uint32_t handled = 0;
	bool stalled;

	for (uint32_t i = 1; i <= worker_count; i++) {
		self_index = i;
		handled += round_once(&workers[i], true, &stalled);
	}
	self_index = 1;
	return handled;
}

/* A lost wake-up would cost the longest sleep. */
static int sleep_ms(const struct worker *w)
{
	uint32_t thread = w->tx.thread, wait = flow_age_wait(thread);
	uint32_t held = flow_fragment_wait(thread, flow_now(thread)), asked = uplink_wait(thread);

	wait = wait < held ? wait : held;
	wait = wait < asked ? wait : asked;
	return wait < SLEEP_LONGEST_MS ? (int)wait : SLEEP_LONGEST_MS;
}

/* Off the readers' list, so that writers need not wait for a sleeper. `stalled`: descriptors are ready, but in vain. */
static void sleep_until_work(struct worker *w, uint32_t *nap_us, bool stalled)
{
	struct epoll_event event;

	rcu_offline(w->tx.thread);
	__atomic_store_n(&w->asleep, 1, __ATOMIC_SEQ_CST);
	/* All that a waker may have changed is read after the flag. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	bool devices = __atomic_load_n(&w->polled_count, __ATOMIC_SEQ_CST) != 0;
	if (!handover_pending(w->tx.thread) && !__atomic_load_n(&w->stop, __ATOMIC_SEQ_CST)) {
		if (stalled) {
			struct pollfd wake = {.fd = w->wake, .events = POLLIN};
			struct timespec pause = {.tv_nsec = STALL_NS};
			ppoll(&wake, 1, &pause, NULL);
		} else if (devices) {
			struct timespec nap = {.tv_nsec = *nap_us * 1000};
			epoll_pwait2(w->epoll, &event, 1, &nap, NULL);
			*nap_us = *nap_us * 2 > NAP_LONGEST_US ? NAP_LONGEST_US : *nap_us * 2;
		} else {
			epoll_wait(w->epoll, &event, 1, sleep_ms(w));
		}
	}
	__atomic_store_n(&w->asleep, 0, __ATOMIC_SEQ_CST);
	rcu_online(w->tx.thread);
}

static void loop(struct worker *w)
{
	uint32_t idle = 0, nap_us = NAP_FIRST_US, rounds = 0;
	bool stalled;

	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
		bool devices_busy = idle == 0 && __atomic_load_n(&w->watched, __ATOMIC_RELAXED) == 0;
		uint32_t handled = round_once(w, !devices_busy || ++rounds % DEVICE_ROUNDS == 0, &stalled);

		rcu_quiescent(w->tx.thread);
		if (handled > 0) {
			idle = 0;
			nap_us = NAP_FIRST_US;
		} else if (++idle > SPIN_ROUNDS) {
			sleep_until_work(w, &nap_us, stalled);
			/* After a nap one look is enough; after a wake-up there is something. */
			idle = SPIN_ROUNDS;
		}
	}
}

static void pin(int cpu)
{
	cpu_set_t set;

	if (cpu < 0)
		return;
	CPU_ZERO(&set);
	CPU_SET(cpu, &set);
	if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set) != 0)
		log_line("worker: cannot run on CPU %d only; running where the scheduler likes", cpu);
}

static void *run(void *argument)
{
	struct worker *w = argument;

	self_index = w->tx.thread;
	pin(w->cpu);
	/* Gives this thread a cache of buffers in the pool. */
	if (rte_thread_register() != 0)
		log_line("worker: no buffer cache: DPDK has no free lcore id");
	rcu_register(w->tx.thread);
	loop(w);
	rcu_unregister(w->tx.thread);
	io_thread_exit();
	rte_thread_unregister();
	return NULL;
}

int worker_start(int cpu)
{
	sigset_t all, old;
	char name[16];
	int result = 0;

	__atomic_store_n(&running, true, __ATOMIC_RELEASE);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	for (uint32_t i = 1; i <= worker_count && result == 0; i++) {
		struct worker *w = &workers[i];
		w->cpu = cpu < 0 ? -1 : cpu + (int)i - 1;
		result = -pthread_create(&w->thread, NULL, run, w);
		if (result != 0) {
			w->thread = 0;
			break;
		}
		snprintf(name, sizeof(name), "fwd-packet-%u", i);
		pthread_setname_np(w->thread, name);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (result != 0)
		worker_stop();
	return result;
}

void worker_stop(void)
{
	for (uint32_t i = 1; i <= worker_count; i++)
		__atomic_store_n(&workers[i].stop, true, __ATOMIC_SEQ_CST);
	for (uint32_t i = 1; i <= worker_count; i++) {
		if (workers[i].thread == 0)
			continue;
		worker_wake(i);
		pthread_join(workers[i].thread, NULL);
		workers[i].thread = 0;
		workers[i].stop = false;
	}
	__atomic_store_n(&running, false, __ATOMIC_RELEASE);
}
