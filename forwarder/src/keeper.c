#define _GNU_SOURCE
#include "keeper.h"

#include <errno.h>
#include <linux/io_uring.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

static struct {
	int ring;
	uint32_t room;
} self = {.ring = -1};

int keeper_start(uint32_t room)
{
	/* Disabled: nothing can be submitted, by mistake or by malice. */
	struct io_uring_params params = {.flags = IORING_SETUP_R_DISABLED};
	struct io_uring_rsrc_register table = {.flags = IORING_RSRC_REGISTER_SPARSE};
	struct rlimit limit;

	/* The kernel refuses tables that are larger than the limit. */
	if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur < room)
		room = (uint32_t)limit.rlim_cur;
	table.nr = room;
	int ring = (int)syscall(SYS_io_uring_setup, 1, &params);
	if (ring < 0)
		return -errno;
	if (syscall(SYS_io_uring_register, ring, IORING_REGISTER_FILES2, &table, sizeof(table)) < 0) {
		int error = errno;
		close(ring);
		return -error;
	}
	self.ring = ring;
	self.room = room;
	return 0;
}

void keeper_stop(void)
{
	if (self.ring >= 0)
		close(self.ring);
	self.ring = -1;
	self.room = 0;
}

/* A descriptor's number is its place. What fails is not kept, which costs time at this process's death only. */
static void put(int fd, int file)
{
	struct io_uring_rsrc_update update = {.offset = (uint32_t)fd, .data = (uint64_t)(uintptr_t)&file};

	if ((uint32_t)fd < self.room)
		syscall(SYS_io_uring_register, self.ring, IORING_REGISTER_FILES_UPDATE, &update, 1);
}

void keeper_keep(int fd)
{
	put(fd, fd);
}

void keeper_release(int fd)
{
	put(fd, -1);
}
