#define _GNU_SOURCE
#include "uplink_host.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "log.h"
#include "uplink_bind.h"
#include "uplink_filter.h"
#include "uplink_interface.h"
#include "uplink_keep.h"

/* How often it is asked whether something has become ours. */
#define LOOK_MS 250
/* For how long an uplink that comes waits until the host's addresses are known. */
#define READY_MS 500
/* Uplinks of one forwarder. */
#define WIRES 256u

static struct {
	/* Guards what the link thread and fwd-host both know: down to `stop`. */
	pthread_mutex_t lock;
	pthread_cond_t looked;
	struct uplink_wire wires[WIRES];
	uint32_t count;
	/* Counts changes of the wires; the last one that fwd-host has carried out. */
	uint64_t changes, done;
	bool stop;
	pthread_t thread;
	bool initialized, running;
	int wake;
	/* fwd-host's own. */
	bool stale, complained;
} self = {.lock = PTHREAD_MUTEX_INITIALIZER, .looked = PTHREAD_COND_INITIALIZER, .wake = -1};

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void wake(void)
{
	uint64_t one = 1;
	ssize_t ignored = write(self.wake, &one, sizeof(one));

	(void)ignored;
}

static void read_addresses(void)
{
	struct uplink_wire wires[WIRES];

	pthread_mutex_lock(&self.lock);
	uint64_t changes = self.changes;
	uint32_t count = self.count;
	memcpy(wires, self.wires, count * sizeof(wires[0]));
	pthread_mutex_unlock(&self.lock);
	int result = uplink_interface_read(wires, count);
	self.stale = result < 0;
	if (self.stale && !self.complained)
		log_line("addresses of the host cannot be read: %s; tried again and again", strerror(-result));
	self.complained = self.stale;
	if (self.stale)
		return;
	pthread_mutex_lock(&self.lock);
	self.done = changes;
	pthread_cond_broadcast(&self.looked);
	pthread_mutex_unlock(&self.lock);
}

/* Returns milliseconds until the next; -1: no uplink is there, and nothing of one is left. */
static int round_of(uint64_t now)
{
	bool news = self.stale;

	if (news)
		read_addresses();
	uint32_t wait = uplink_bind_step(now);
	bool settled = uplink_keep_step(news, now);
	pthread_mutex_lock(&self.lock);
	bool idle = settled && self.count == 0 && self.done == self.changes;
	pthread_mutex_unlock(&self.lock);
	return idle ? -1 : wait < LOOK_MS ? (int)wait : LOOK_MS;
}

static void *run(void *argument)
{
	int timeout = 0, news[2];

	uplink_interface_fds(news);
	for (;;) {
		struct pollfd fds[] = {{.fd = self.wake, .events = POLLIN}, {.fd = news[0], .events = POLLIN},
		        {.fd = news[1], .events = POLLIN}};
		uint64_t count;

		poll(fds, 3, timeout);
		pthread_mutex_lock(&self.lock);
		bool stop = self.stop;
		pthread_mutex_unlock(&self.lock);
		if (stop)
			return NULL;
		if (read(self.wake, &count, sizeof(count)) > 0)
			self.stale = true;
		self.stale = uplink_interface_events() || self.stale;
		timeout = round_of(now_ms());
	}
}

int uplink_host_init(const char *tag)
{
	self.initialized = true;
	return uplink_filter_init(tag);
}

static void close_all(void)
{
	uplink_interface_close();
	if (self.wake >= 0)
		close(self.wake);
	self.wake = -1;
}

static int start(void)
{
	sigset_t all, old;
	int result = uplink_interface_open();

	if (result == 0 && (self.wake = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)) < 0)
		result = -errno;
	if (result == 0) {
		sigfillset(&all);
		pthread_sigmask(SIG_SETMASK, &all, &old);
		result = -pthread_create(&self.thread, NULL, run, NULL);
		pthread_sigmask(SIG_SETMASK, &old, NULL);
	}
	if (result < 0) {
		close_all();
		return result;
	}
	pthread_setname_np(self.thread, "fwd-host");
	self.running = true;
	return 0;
}

void uplink_host_free(void)
{
	if (self.running) {
		pthread_mutex_lock(&self.lock);
		self.stop = true;
		wake();
		pthread_mutex_unlock(&self.lock);
		pthread_join(self.thread, NULL);
		close_all();
		uplink_bind_free();
		uplink_keep_forget();
	}
	uplink_filter_free();
	self.running = self.initialized = self.stop = self.stale = self.complained = false;
	self.count = 0;
	self.changes = self.done = 0;
}

/* Lock held: until the host's addresses there are known; false: it takes too long. */
static bool wait_for(uint64_t change)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_nsec += READY_MS * 1000000L;
	until.tv_sec += until.tv_nsec / 1000000000L;
	until.tv_nsec %= 1000000000L;
	while (self.done < change) {
		if (pthread_cond_timedwait(&self.looked, &self.lock, &until) == ETIMEDOUT)
			return self.done >= change;
	}
	return true;
}

/* Lock held. */
static void remove_wire(uint32_t uplink)
{
	uint32_t i = 0;

	while (i < self.count && self.wires[i].uplink != uplink)
		i++;
	if (i == self.count)
		return;
	self.wires[i] = self.wires[--self.count];
	self.changes++;
	wake();
}

/* Lock held. Without the host's addresses its connections would be taken for ours, and reset. */
static int add_wire(uint32_t uplink, uint32_t index, uint16_t vlan)
{
	if (self.count == WIRES)
		return -ENOSPC;
	self.wires[self.count++] = (struct uplink_wire){.uplink = uplink, .index = index, .vlan = vlan};
	self.changes++;
	wake();
	if (index == 0 || wait_for(self.changes))
		return 0;
	remove_wire(uplink);
	return -ETIMEDOUT;
}

static int add(uint32_t uplink, uint32_t index, uint16_t vlan)
{
	int result = self.running ? 0 : start();

	if (result < 0)
		return result;
	pthread_mutex_lock(&self.lock);
	result = add_wire(uplink, index, vlan);
	pthread_mutex_unlock(&self.lock);
	return result;
}

int uplink_host_share(uint32_t uplink, uint32_t index, uint16_t vlan, char *reason, size_t size)
{
	char why[64], name[IF_NAMESIZE] = "";

	if (!self.initialized)
		return 0;
	if (index != 0 && if_indextoname(index, name) != NULL && !uplink_interface_is_plain(name)) {
		snprintf(reason, size, "interface %s has * or a quote in its name: rename it", name);
		return -EINVAL;
	}
	int result = index == 0 ? 0 : uplink_filter_probe(why, sizeof(why));
	if (result < 0) {
		snprintf(reason, size, "sharing it with the host needs nftables (%s): modprobe nf_tables", why);
		return result;
	}
	result = add(uplink, index, vlan);
	if (result == -ETIMEDOUT)
		snprintf(reason, size, "the host's addresses there are not known yet");
	else if (result < 0)
		snprintf(reason, size, "cannot be shared with the host: %s", strerror(-result));
	return result;
}

void uplink_host_unshare(uint32_t uplink)
{
	pthread_mutex_lock(&self.lock);
	remove_wire(uplink);
	pthread_mutex_unlock(&self.lock);
}
