/* Files that outlive their descriptors, and their process for as long as closing them takes. */
#define _GNU_SOURCE
#include "keeper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

#define ROOM       256u
#define FOREVER_MS 10000

/* Whether the other end of a pipe is closed within that time. */
static bool is_closed(int fd, int timeout_ms)
{
	struct pollfd end = {.fd = fd};

	return poll(&end, 1, timeout_ms) == 1 && (end.revents & POLLHUP) != 0;
}

TEST(a_kept_file_stays_open_without_its_descriptor)
{
	int ends[2];

	CHECK_EQ(keeper_start(ROOM), 0);
	CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
	keeper_keep(ends[1]);
	close(ends[1]);
	CHECK(!is_closed(ends[0], 0));
	keeper_stop();
	CHECK(is_closed(ends[0], FOREVER_MS));
	close(ends[0]);
}

TEST(a_released_file_is_closed_with_its_descriptor)
{
	int ends[2];

	CHECK_EQ(keeper_start(ROOM), 0);
	CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
	keeper_keep(ends[1]);
	keeper_release(ends[1]);
	CHECK(!is_closed(ends[0], 0));
	close(ends[1]);
	CHECK(is_closed(ends[0], FOREVER_MS));
	close(ends[0]);
	keeper_stop();
}

TEST(a_number_used_again_keeps_the_new_file)
{
	int first[2], second[2];

	CHECK_EQ(keeper_start(ROOM), 0);
	CHECK_EQ(pipe2(first, O_CLOEXEC), 0);
	CHECK_EQ(pipe2(second, O_CLOEXEC), 0);
	keeper_keep(first[1]);
	CHECK_EQ(dup3(second[1], first[1], O_CLOEXEC), first[1]);
	keeper_keep(first[1]);
	CHECK(is_closed(first[0], FOREVER_MS));
	close(second[1]);
	close(first[1]);
	CHECK(!is_closed(second[0], 0));
	keeper_stop();
	CHECK(is_closed(second[0], FOREVER_MS));
	close(first[0]);
	close(second[0]);
}

TEST(what_a_killed_process_kept_is_closed_without_it)
{
	int ends[2], ready[2];
	char byte;

	CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
	CHECK_EQ(pipe2(ready, O_CLOEXEC), 0);
	pid_t child = fork();
	if (child == 0) {
		if (keeper_start(ROOM) == 0)
			keeper_keep(ends[1]);
		close(ends[1]);
		_exit(write(ready[1], "", 1) == 1 ? pause() : 1);
	}
	close(ends[1]);
	CHECK_EQ(read(ready[0], &byte, 1), 1);
	CHECK(!is_closed(ends[0], 0));
	kill(child, SIGKILL);
	CHECK_EQ(waitpid(child, NULL, 0), child);
	CHECK(is_closed(ends[0], FOREVER_MS));
	close(ends[0]);
	close(ready[0]);
	close(ready[1]);
}

TEST(a_descriptor_without_a_place_is_not_kept_and_does_no_harm)
{
	int ends[2];

	CHECK_EQ(keeper_start(1), 0);
	CHECK_EQ(pipe2(ends, O_CLOEXEC), 0);
	keeper_keep(ends[1]);
	close(ends[1]);
	CHECK(is_closed(ends[0], FOREVER_MS));
	keeper_release(ends[1]);
	keeper_stop();
	keeper_keep(ends[0]);
	close(ends[0]);
}

int main(void)
{
	static const struct test_case cases[] = {
	        CASE(a_kept_file_stays_open_without_its_descriptor),
	        CASE(a_released_file_is_closed_with_its_descriptor),
	        CASE(a_number_used_again_keeps_the_new_file),
	        CASE(what_a_killed_process_kept_is_closed_without_it),
	        CASE(a_descriptor_without_a_place_is_not_kept_and_does_no_harm),
	};
	int result = keeper_start(ROOM);

	if (result == -ENOSYS || result == -EPERM || result == -EINVAL) {
		printf("skipped: this kernel allows no io_uring\n");
		return 0;
	}
	keeper_stop();
	return test_run(cases, sizeof(cases) / sizeof(cases[0]));
}
