#define _GNU_SOURCE
#include "eal.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <rte_eal.h>
#include <rte_errno.h>
#include <rte_log.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "error.h"
#include "log.h"

/* The pid follows. */
#define FOLDER_PREFIX "weft-"

static struct {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	struct fwd_config config;
	int (*up)(const struct fwd_config *config);
	void (*down)(void);
	enum { STARTING, RUNNING, FAILED } state;
	int32_t error;
	char text[200];
} eal = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static int last_allowed_cpu(void)
{
	cpu_set_t allowed;
	if (sched_getaffinity(0, sizeof(allowed), &allowed))
		return 0;
	for (int cpu = CPU_SETSIZE; cpu-- > 0;)
		if (CPU_ISSET(cpu, &allowed))
			return cpu;
	return 0;
}

/* DPDK's own log goes where ours goes. */
static void redirect_log(const struct fwd_config *config)
{
	int copy = fcntl(config->log_fd, F_DUPFD_CLOEXEC, 3);
	FILE *stream = copy < 0 ? NULL : fdopen(copy, "w");
	if (!stream)
		return;
	setvbuf(stream, NULL, _IOLBF, 1024);
	rte_openlog_stream(stream);
}

static bool is_dead(const char *folder)
{
	char *end;
	if (strncmp(folder, FOLDER_PREFIX, strlen(FOLDER_PREFIX)))
		return false;
	long pid = strtol(folder + strlen(FOLDER_PREFIX), &end, 10);
	return pid > 0 && !*end && kill((pid_t)pid, 0) && errno == ESRCH;
}

/* EAL makes a folder for this process even if nothing will be shared through it; it goes, and with it those of
 * forwarders that were killed before they came to this point. */
static void remove_folders(void)
{
	char parent[256];
	rmdir(rte_eal_get_runtime_dir());
	snprintf(parent, sizeof(parent), "%s", rte_eal_get_runtime_dir());
	char *slash = strrchr(parent, '/');
	if (!slash)
		return;
	*slash = 0;
	DIR *folders = opendir(parent);
	if (!folders)
		return;
	for (struct dirent *entry; (entry = readdir(folders));)
		if (is_dead(entry->d_name))
			unlinkat(dirfd(folders), entry->d_name, AT_REMOVEDIR);
	closedir(folders);
}

static int init(const struct fwd_config *config)
{
	char lcores[32], memory[16], prefix[32], level[24];
	snprintf(lcores, sizeof(lcores), "--lcores=0@%d", config->cpu < 0 ? last_allowed_cpu() : config->cpu);
	snprintf(memory, sizeof(memory), "%u", config->memory_mib);
	snprintf(prefix, sizeof(prefix), "--file-prefix=" FOLDER_PREFIX "%d", getpid());
	snprintf(level, sizeof(level), "--log-level=lib.eal:%u", config->log_level);
	/* --no-shconf and --in-memory leave no files behind after a kill; the latter is refused together with
	 * --no-huge. */
	char *arguments[] = {"forwarder", lcores, "-m", memory, "--no-pci", "--no-telemetry", level, prefix,
	        config->hugepages ? "--in-memory" : "--no-huge", config->hugepages ? NULL : "--no-shconf", NULL};
	int count = config->hugepages ? 9 : 10;
	redirect_log(config);
	int result = rte_eal_init(count, arguments);
	remove_folders();
	return result;
}

void eal_close_on_exec(void)
{
	DIR *descriptors = opendir("/proc/self/fd");
	if (!descriptors)
		return;
	for (struct dirent *entry; (entry = readdir(descriptors));) {
		int fd = atoi(entry->d_name);
		if (fd > 2)
			fcntl(fd, F_SETFD, FD_CLOEXEC);
	}
	closedir(descriptors);
}

static void report(int state)
{
	pthread_mutex_lock(&eal.lock);
	eal.state = state;
	pthread_cond_broadcast(&eal.changed);
	pthread_mutex_unlock(&eal.lock);
}

static void fail(int32_t error, const char *what, const char *why)
{
	eal.error = error;
	snprintf(eal.text, sizeof(eal.text), "%s: %s", what, why);
	report(FAILED);
}

static void await_stop(void)
{
	pthread_mutex_lock(&eal.lock);
	while (!eal.down)
		pthread_cond_wait(&eal.changed, &eal.lock);
	pthread_mutex_unlock(&eal.lock);
}

static void *fwd_main(void *unused)
{
	cpu_set_t before;
	(void)unused;
	pthread_setname_np(pthread_self(), "fwd-main");
	bool known = pthread_getaffinity_np(pthread_self(), sizeof(before), &before) == 0;
	if (init(&eal.config) < 0) {
		fail(FWD_ERR_EAL, "DPDK did not start, see the log", rte_strerror(rte_errno));
		return NULL;
	}
	/* EAL pinned this thread; the threads made from here choose their CPUs themselves. */
	if (known)
		pthread_setaffinity_np(pthread_self(), sizeof(before), &before);
	int failed = eal.up(&eal.config);
	eal_close_on_exec();
	if (failed) {
		rte_eal_cleanup();
		fail(FWD_ERR_SYSTEM, error_text()[0] ? error_text() : "the packet side did not start",
		        strerror(-failed));
		return NULL;
	}
	report(RUNNING);
	await_stop();
	eal.down();
	rte_eal_cleanup();
	return NULL;
}

/* A thread inherits its maker's signal mask: blocked before it exists, no signal of Node's can reach it. */
static int start_blocked(void)
{
	sigset_t all, before;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	int failed = pthread_create(&eal.thread, NULL, fwd_main, NULL);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	return failed;
}

int32_t eal_start(const struct fwd_config *config, int (*up)(const struct fwd_config *config))
{
	eal.config = *config;
	eal.up = up;
	int failed = start_blocked();
	if (failed)
		return error_set(FWD_ERR_SYSTEM, "no thread for DPDK: %s", strerror(failed));
	pthread_mutex_lock(&eal.lock);
	while (eal.state == STARTING)
		pthread_cond_wait(&eal.changed, &eal.lock);
	pthread_mutex_unlock(&eal.lock);
	if (eal.state == RUNNING)
		return 0;
	pthread_join(eal.thread, NULL);
	return error_set(eal.error, "%s", eal.text);
}

void eal_stop(void (*down)(void))
{
	pthread_mutex_lock(&eal.lock);
	eal.down = down;
	pthread_cond_broadcast(&eal.changed);
	pthread_mutex_unlock(&eal.lock);
	pthread_join(eal.thread, NULL);
}
