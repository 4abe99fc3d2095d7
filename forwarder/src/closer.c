#define _GNU_SOURCE
#include "closer.h"

#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <unistd.h>

#include "keeper.h"

#define THREADS 8u

static struct {
	pthread_mutex_t lock;
	pthread_cond_t idle;
	int *fds;
	uint32_t count, room;
	uint32_t threads;
} self = {.lock = PTHREAD_MUTEX_INITIALIZER, .idle = PTHREAD_COND_INITIALIZER};

static void close_now(int fd)
{
	keeper_release(fd);
	close(fd);
}

static void *run(void *unused)
{
	(void)unused;
	pthread_mutex_lock(&self.lock);
	while (self.count > 0) {
		int fd = self.fds[--self.count];
		pthread_mutex_unlock(&self.lock);
		close_now(fd);
		pthread_mutex_lock(&self.lock);
	}
	if (--self.threads == 0)
		pthread_cond_broadcast(&self.idle);
	pthread_mutex_unlock(&self.lock);
	return NULL;
}

/* Lock held. */
static void start_thread(void)
{
	sigset_t all, old;
	pthread_attr_t attributes;
	pthread_t thread;

	pthread_attr_init(&attributes);
	pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	if (pthread_create(&thread, &attributes, run, NULL) == 0) {
		pthread_setname_np(thread, "fwd-close");
		self.threads++;
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	pthread_attr_destroy(&attributes);
}

/* Lock held. */
static int put(int fd)
{
	if (self.count == self.room) {
		uint32_t room = self.room == 0 ? 64 : self.room * 2;
		int *grown = realloc(self.fds, room * sizeof(*grown));
		if (grown == NULL)
			return -1;
		self.fds = grown;
		self.room = room;
	}
	self.fds[self.count++] = fd;
	return 0;
}

void closer_close(int fd)
{
	pthread_mutex_lock(&self.lock);
	int kept = put(fd);
	if (kept == 0 && self.threads < THREADS)
		start_thread();
	/* No thread will come to it. */
	if (kept == 0 && self.threads == 0)
		kept = -1, self.count--;
	pthread_mutex_unlock(&self.lock);
	if (kept < 0)
		close_now(fd);
}

void closer_wait(void)
{
	pthread_mutex_lock(&self.lock);
	while (self.threads > 0)
		pthread_cond_wait(&self.idle, &self.lock);
	free(self.fds);
	self.fds = NULL;
	self.count = self.room = 0;
	pthread_mutex_unlock(&self.lock);
}
