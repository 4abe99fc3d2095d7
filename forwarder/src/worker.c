#define _GNU_SOURCE
#include "worker.h"

#include <errno.h>
#include <pthread.h>
#include <rte_lcore.h>
#include <rte_mbuf.h>
#include <sched.h>
#include <signal.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "io.h"
#include "log.h"
#include "pipeline.h"
#include "punt.h"
#include "rcu.h"
#include "stats.h"

/* Block of counters and number of RCU reader; 0 is the control side's. */
#define THREAD 1u
#define EVENTS 64
/* Empty rounds before sleeping: fewer cost latency, more starve the VMs on the same CPUs (measured: docs of 64 against
 * 20,000). */
#define SPIN_ROUNDS 64u
/* A lost wake-up would cost this at most. */
#define SLEEP_LONGEST_MS 1000
/* With devices that must be polled: naps grow to this when nothing comes. */
#define NAP_FIRST_US   10u
#define NAP_LONGEST_US 200u
/* Packets still flow from devices alone: look at descriptors only now and then. */
#define DEVICE_ROUNDS 32u
#define POLLED_LIMIT  64u

static struct {
	pthread_t thread;
	struct tx tx;
	int epoll;
	int wake;
	bool started;
	bool stop;
	uint32_t asleep;
	/* Slots of ports without a descriptor; 0: free cell. Written by the link thread. */
	uint16_t polled[POLLED_LIMIT];
	uint32_t polled_count;
	uint32_t watched;
	int cpu;
} self = {.epoll = -1, .wake = -1};

int worker_init(uint32_t slots)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = 0};

	self.epoll = epoll_create1(EPOLL_CLOEXEC);
	self.wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (self.epoll < 0 || self.wake < 0 || epoll_ctl(self.epoll, EPOLL_CTL_ADD, self.wake, &event) < 0)
		return -errno;
	return tx_init(&self.tx, slots, stats_block(THREAD));
}

void worker_free(void)
{
	tx_free(&self.tx);
	if (self.epoll >= 0)
		close(self.epoll);
	if (self.wake >= 0)
		close(self.wake);
	self.epoll = self.wake = -1;
}

static void watch_polled(uint16_t slot, uint16_t value)
{
	for (uint32_t i = 0; i < POLLED_LIMIT; i++) {
		if (self.polled[i] == slot) {
			__atomic_store_n(&self.polled[i], value, __ATOMIC_RELEASE);
			__atomic_store_n(
			        &self.polled_count, self.polled_count + (value != 0 ? 1 : -1), __ATOMIC_RELEASE);
			return;
		}
	}
	log_line("worker: more than %u polled devices; one is not served", POLLED_LIMIT);
}

void worker_watch(struct port *port)
{
	struct port_io *io = port->io;

	if (io->ops->rx_burst == NULL)
		return;
	if (io->fd < 0) {
		watch_polled(0, port->slot);
		worker_wake();
		return;
	}
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = port->slot};
	if (epoll_ctl(self.epoll, EPOLL_CTL_ADD, io->fd, &event) < 0)
		log_line("worker: cannot watch port %u: errno %d", port->id, errno);
	__atomic_add_fetch(&self.watched, 1, __ATOMIC_RELEASE);
}

void worker_unwatch(struct port *port)
{
	struct port_io *io = port->io;

	if (io->ops->rx_burst == NULL)
		return;
	if (io->fd < 0) {
		watch_polled(port->slot, 0);
		return;
	}
	epoll_ctl(self.epoll, EPOLL_CTL_DEL, io->fd, NULL);
	__atomic_sub_fetch(&self.watched, 1, __ATOMIC_RELEASE);
}

void worker_wake(void)
{
	uint64_t one = 1;

	if (__atomic_exchange_n(&self.asleep, 0, __ATOMIC_SEQ_CST) == 1) {
		ssize_t ignored = write(self.wake, &one, sizeof(one));
		(void)ignored;
	}
}

static uint32_t receive(uint16_t slot)
{
	struct rte_mbuf *mbufs[WORKER_BURST];
	const struct port *port = port_at(slot);
	struct port_io *io = port == NULL ? NULL : port_io_of(port);

	if (io == NULL || io->ops->rx_burst == NULL)
		return 0;
	uint16_t count = io->ops->rx_burst(io, mbufs, WORKER_BURST);
	if (count > 0)
		pipeline_receive(&self.tx, port, mbufs, count);
	return count;
}

/* One burst from each port that is ready, then what plugins injected. */
static uint32_t round_once(bool descriptors)
{
	struct epoll_event events[EVENTS];
	uint64_t ignored_count;
	uint32_t handled = 0;
	int ready = descriptors ? epoll_wait(self.epoll, events, EVENTS, 0) : 0;

	for (int i = 0; i < ready; i++) {
		if (events[i].data.u32 != 0)
			handled += receive((uint16_t)events[i].data.u32);
		else if (read(self.wake, &ignored_count, sizeof(ignored_count)) < 0)
			continue;
	}
	if (__atomic_load_n(&self.polled_count, __ATOMIC_ACQUIRE) != 0) {
		for (uint32_t i = 0; i < POLLED_LIMIT; i++) {
			uint16_t slot = __atomic_load_n(&self.polled[i], __ATOMIC_ACQUIRE);
			if (slot != 0)
				handled += receive(slot);
		}
	}
	handled += pipeline_inject(&self.tx);
	tx_flush(&self.tx);
	return handled;
}

uint32_t worker_poll_once(void)
{
	return round_once(true);
}

/* Off the readers' list, so that writers need not wait for a sleeper. */
static void sleep_until_work(uint32_t *nap_us)
{
	struct epoll_event event;

	rcu_offline(THREAD);
	__atomic_store_n(&self.asleep, 1, __ATOMIC_SEQ_CST);
	/* All that a waker may have changed is read after the flag. */
	bool devices = __atomic_load_n(&self.polled_count, __ATOMIC_SEQ_CST) != 0;
	if (!punt_inject_pending() && !__atomic_load_n(&self.stop, __ATOMIC_SEQ_CST)) {
		if (devices) {
			struct timespec nap = {.tv_nsec = *nap_us * 1000};
			epoll_pwait2(self.epoll, &event, 1, &nap, NULL);
			*nap_us = *nap_us * 2 > NAP_LONGEST_US ? NAP_LONGEST_US : *nap_us * 2;
		} else {
			epoll_wait(self.epoll, &event, 1, SLEEP_LONGEST_MS);
		}
	}
	__atomic_store_n(&self.asleep, 0, __ATOMIC_SEQ_CST);
	rcu_online(THREAD);
}

static void loop(void)
{
	uint32_t idle = 0, nap_us = NAP_FIRST_US, rounds = 0;

	while (!__atomic_load_n(&self.stop, __ATOMIC_RELAXED)) {
		bool devices_busy = idle == 0 && __atomic_load_n(&self.watched, __ATOMIC_RELAXED) == 0;
		uint32_t handled = round_once(!devices_busy || ++rounds % DEVICE_ROUNDS == 0);

		rcu_quiescent(THREAD);
		if (handled > 0) {
			idle = 0;
			nap_us = NAP_FIRST_US;
		} else if (++idle > SPIN_ROUNDS) {
			sleep_until_work(&nap_us);
			/* After a nap one look is enough; after a wake-up there is something. */
			idle = SPIN_ROUNDS;
		}
	}
}

static void *run(void *argument)
{
	(void)argument;
	if (self.cpu >= 0) {
		cpu_set_t set;
		CPU_ZERO(&set);
		CPU_SET(self.cpu, &set);
		if (pthread_setaffinity_np(pthread_self(), sizeof(set), &set) != 0)
			log_line("worker: cannot run on CPU %d only; running where the scheduler likes", self.cpu);
	}
	/* Gives this thread a cache of buffers in the pool. */
	if (rte_thread_register() != 0)
		log_line("worker: no buffer cache: DPDK has no free lcore id");
	rcu_register(THREAD);
	loop();
	rcu_unregister(THREAD);
	io_packet_thread_exit();
	rte_thread_unregister();
	return NULL;
}

int worker_start(int cpu)
{
	sigset_t all, old;

	self.cpu = cpu;
	self.stop = false;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	int result = -pthread_create(&self.thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (result == 0) {
		pthread_setname_np(self.thread, "fwd-packet-1");
		self.started = true;
	}
	return result;
}

void worker_stop(void)
{
	if (!self.started)
		return;
	__atomic_store_n(&self.stop, true, __ATOMIC_SEQ_CST);
	worker_wake();
	pthread_join(self.thread, NULL);
	self.started = false;
}
