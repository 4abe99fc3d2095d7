#include "link_queue.h"

#include <errno.h>
#include <pthread.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "link.h"
#include "port.h"

/* All under `lock`. */
static struct {
	pthread_mutex_t lock;
	pthread_cond_t settled;
	int wake;
	struct port *first, *last;
	bool busy, look;
} self = {.lock = PTHREAD_MUTEX_INITIALIZER, .settled = PTHREAD_COND_INITIALIZER, .wake = -1};

/* Lock held. */
static void wake(void)
{
	uint64_t one = 1;
	ssize_t ignored = self.wake < 0 ? 0 : write(self.wake, &one, sizeof(one));

	(void)ignored;
}

static void queue(struct port *port, bool gone)
{
	pthread_mutex_lock(&self.lock);
	port->gone = gone;
	if (!port->queued) {
		port->queued = true;
		port->next_queued = NULL;
		if (self.last != NULL)
			self.last->next_queued = port;
		else
			self.first = port;
		self.last = port;
	}
	wake();
	pthread_mutex_unlock(&self.lock);
}

void link_queue(struct port *port)
{
	queue(port, false);
}

void link_queue_gone(struct port *port)
{
	queue(port, true);
}

void link_look(void)
{
	pthread_mutex_lock(&self.lock);
	self.look = true;
	wake();
	pthread_mutex_unlock(&self.lock);
}

void link_settle(uint32_t timeout_seconds)
{
	struct timespec until;

	clock_gettime(CLOCK_REALTIME, &until);
	until.tv_sec += timeout_seconds;
	pthread_mutex_lock(&self.lock);
	while (self.first != NULL || self.busy) {
		if (pthread_cond_timedwait(&self.settled, &self.lock, &until) == ETIMEDOUT)
			break;
	}
	pthread_mutex_unlock(&self.lock);
}

int link_queue_open(void)
{
	int fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	pthread_mutex_lock(&self.lock);
	self.wake = fd;
	pthread_mutex_unlock(&self.lock);
	return fd < 0 ? -errno : 0;
}

void link_queue_close(void)
{
	/* Threads of librte_vhost may still call link_look. */
	pthread_mutex_lock(&self.lock);
	if (self.wake >= 0)
		close(self.wake);
	self.wake = -1;
	pthread_mutex_unlock(&self.lock);
}

int link_queue_fd(void)
{
	return self.wake;
}

void link_queue_wake(void)
{
	pthread_mutex_lock(&self.lock);
	wake();
	pthread_mutex_unlock(&self.lock);
}

void link_queue_calm(void)
{
	uint64_t count;
	ssize_t ignored = read(self.wake, &count, sizeof(count));

	(void)ignored;
}

struct port *link_queue_pop(bool *gone)
{
	pthread_mutex_lock(&self.lock);
	struct port *port = self.first;
	if (port != NULL) {
		self.first = port->next_queued;
		if (self.first == NULL)
			self.last = NULL;
		port->queued = false;
		*gone = port->gone;
	}
	self.busy = port != NULL;
	if (port == NULL)
		pthread_cond_broadcast(&self.settled);
	pthread_mutex_unlock(&self.lock);
	return port;
}

bool link_queue_look(void)
{
	pthread_mutex_lock(&self.lock);
	bool look = self.look;
	self.look = false;
	pthread_mutex_unlock(&self.lock);
	return look;
}
