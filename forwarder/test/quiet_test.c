/*
 * Packet threads neither allocate memory nor make system calls but to receive, send, poll and wake: under a mixed load
 * each allocation and each other call is caught in the thread that makes it, and shown with its callers.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <execinfo.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <pthread.h>
#include <sanitizer/allocator_interface.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "crowd.h"
#include "port.h"
#include "test.h"
#include "worker.h"

#define THREADS 3u
#define FRAMES  30000u
#define DEPTH   24

/* The first call that broke the rule, by its number or as an allocation of so many bytes. */
static struct {
	uint32_t count;
	long call;
	size_t bytes;
	int depth;
	void *callers[DEPTH];
} broken;

static uint32_t guarded_threads;
static _Thread_local bool guarded;

static void note(long call, size_t bytes)
{
	if (__atomic_fetch_add(&broken.count, 1, __ATOMIC_RELAXED) != 0)
		return;
	broken.call = call;
	broken.bytes = bytes;
	broken.depth = backtrace(broken.callers, DEPTH);
}

static void on_malloc(const volatile void *at, size_t bytes)
{
	if (guarded)
		note(-1, bytes);
}

static void on_free(const volatile void *at)
{
	if (guarded && at != NULL)
		note(-1, 0);
}

/* The kernel raises it instead of doing the call; that fails with ENOSYS. */
static void on_call(int number, siginfo_t *info, void *context)
{
	ucontext_t *state = context;

	note(info->si_syscall, 0);
#ifdef __x86_64__
	state->uc_mcontext.gregs[REG_RAX] = -ENOSYS;
#else
	state->uc_mcontext.regs[0] = (unsigned long long)-ENOSYS;
#endif
}

#define ALLOW(call) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, __NR_##call, 0, 1), BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)

/* In each packet thread, before its first packet. */
static void guard_thread(void)
{
	static struct sock_filter filter[] = {
	        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
	        ALLOW(recvfrom),
	        ALLOW(sendmsg),
	        ALLOW(epoll_pwait),
#ifdef __NR_epoll_wait
	        ALLOW(epoll_wait),
#endif
	        ALLOW(epoll_pwait2),
	        ALLOW(ppoll),
	        /* Of the event counters that wake threads. */
	        ALLOW(read),
	        ALLOW(write),
	        ALLOW(rt_sigreturn),
	        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_TRAP),
	};
	struct sock_fprog program = {.len = sizeof(filter) / sizeof(filter[0]), .filter = filter};
	sigset_t one;

	if (guarded)
		return;
	sigemptyset(&one);
	sigaddset(&one, SIGSYS);
	pthread_sigmask(SIG_UNBLOCK, &one, NULL);
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) == 0)
		__atomic_fetch_add(&guarded_threads, 1, __ATOMIC_RELAXED);
	guarded = true;
}

static void show(void)
{
	if (broken.call < 0)
		printf("  %u calls; the first is malloc or free (%zu bytes) by\n", broken.count, broken.bytes);
	else
		printf("  %u calls; the first is system call %ld by\n", broken.count, broken.call);
	backtrace_symbols_fd(broken.callers, broken.depth, 1);
}

static void load(void)
{
	uint8_t frame[CROWD_FRAME];
	uint32_t port;

	for (uint32_t i = 0; i < FRAMES; i++) {
		uint32_t length = crowd_frame(frame, &port);
		while (!crowd_send(crowd_far(port), frame, length))
			crowd_drain();
		if (i % 32 == 0)
			crowd_drain();
	}
	crowd_settle();
}

TEST(packet_threads_only_receive_send_and_poll)
{
	load();
	CHECK_EQ(guarded_threads, THREADS);
	if (broken.count > 0)
		show();
	CHECK_EQ(broken.count, 0);
	CHECK(rig_ledgers_hold());
}

TEST(the_load_had_everything_in_it)
{
	struct port_totals sum = {0};
	uint64_t handed_over = 0;

	for (uint32_t port = 1; port <= CROWD_PORTS; port++) {
		struct port_totals t = rig_totals(port);
		sum.sent += t.sent;
		sum.cloned += t.cloned;
		sum.punted += t.punted;
		sum.injected += t.injected;
		sum.originated += t.originated;
		handed_over += port_of(port)->io->owner != port_of(1)->io->owner;
	}
	CHECK(sum.sent > FRAMES / 2 && sum.cloned > FRAMES / 2);
	CHECK(sum.punted > FRAMES / 50 && sum.injected > FRAMES / 50);
	CHECK(sum.originated > 0 && handed_over > 0);
}

/* The guard itself works: what it must catch, it catches. */
static void *break_rules(void *unused)
{
	void *volatile memory;

	guard_thread();
	memory = malloc(100);
	free(memory);
	getppid();
	/* Nothing that a thread does at its end is allowed either. */
	for (;;)
		ppoll(NULL, 0, NULL, NULL);
	return unused;
}

TEST(the_guard_sees_an_allocation_and_a_system_call)
{
	pthread_t thread;

	CHECK_EQ(pthread_create(&thread, NULL, break_rules, NULL), 0);
	for (int i = 0; i < 1000 && __atomic_load_n(&broken.count, __ATOMIC_RELAXED) < 3; i++)
		usleep(1000);
	CHECK_EQ(broken.count, 3);
	CHECK_EQ(broken.call, -1);
	CHECK_EQ(broken.bytes, 100);
	CHECK(broken.depth > 2);
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(packet_threads_only_receive_send_and_poll),
	        CASE(the_load_had_everything_in_it),
	        CASE(the_guard_sees_an_allocation_and_a_system_call),
	};
	struct sigaction action = {.sa_sigaction = on_call, .sa_flags = SA_SIGINFO};
	void *warm[DEPTH];

#if defined(__has_feature)
#if __has_feature(thread_sanitizer)
	/* Its runtime allocates and calls in every thread. */
	printf("ok (not under TSan)\n");
	return 0;
#endif
#endif
	/* Its first call loads a library. */
	backtrace(warm, DEPTH);
	sigaction(SIGSYS, &action, NULL);
	__sanitizer_install_malloc_and_free_hooks(on_malloc, on_free);
	rig_threads = THREADS;
	rig_start();
	crowd_hook = guard_thread;
	if (worker_start(-1) != 0)
		return 1;
	crowd_make();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	fflush(stdout);
	/* Guarded threads cannot end in an orderly way. */
	_exit(failed);
}
