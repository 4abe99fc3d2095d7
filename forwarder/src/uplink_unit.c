#include "uplink_unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/filter.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "log.h"

/* All ports of four addresses, both protocols. */
#define FILES_MOST (1u << 20)
/* Files that are left to the rest of the process, a quarter of them at most: links, plugins, packets. */
#define FILES_LEFT 4096u

static const int types[2] = {SOCK_STREAM, SOCK_DGRAM};

static socklen_t make_address(struct sockaddr_storage *out, uint8_t family, const uint8_t *address, uint16_t port)
{
	memset(out, 0, sizeof(*out));
	if (family == 4) {
		struct sockaddr_in *in = (struct sockaddr_in *)out;
		in->sin_family = AF_INET;
		in->sin_port = htons(port);
		memcpy(&in->sin_addr, address, sizeof(in->sin_addr));
		return sizeof(*in);
	}
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)out;
	in6->sin6_family = AF_INET6;
	in6->sin6_port = htons(port);
	memcpy(&in6->sin6_addr, address, sizeof(in6->sin6_addr));
	return sizeof(*in6);
}

/* The kernel gives out the lowest number that is free: it tells how many are taken. */
static bool is_scarce(int fd)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return false;
	rlim_t left = limit.rlim_cur / 4 < FILES_LEFT ? limit.rlim_cur / 4 : FILES_LEFT;
	return (rlim_t)fd >= limit.rlim_cur - left;
}

/* The descriptor or -errno. */
static int hold(int type, const struct sockaddr_storage *at, socklen_t length)
{
	struct sock_filter nothing = {.code = BPF_RET | BPF_K, .k = 0};
	struct sock_fprog program = {.len = 1, .filter = &nothing};

	int fd = socket(at->ss_family, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (fd < 0)
		return -errno;
	if (is_scarce(fd)) {
		close(fd);
		return -EMFILE;
	}
	if ((type == SOCK_STREAM || setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)) == 0) &&
	        bind(fd, (const struct sockaddr *)at, length) == 0)
		return fd;
	int error = errno;
	close(fd);
	return -error;
}

static void close_port(int sockets[2])
{
	for (int i = 0; i < 2; i++) {
		if (sockets[i] >= 0)
			close(sockets[i]);
		sockets[i] = -1;
	}
}

/* -EADDRINUSE: somebody has it. */
static int hold_port(int sockets[2], const struct sockaddr_storage *at, socklen_t length)
{
	for (int i = 0; i < 2; i++) {
		int fd = hold(types[i], at, length);
		if (fd < 0) {
			close_port(sockets);
			return fd;
		}
		sockets[i] = fd;
	}
	return 0;
}

int uplink_unit_open(
        struct uplink_unit *unit, uint8_t family, const uint8_t *address, uint16_t first, uint16_t least, uint16_t most)
{
	struct sockaddr_storage at;

	memset(unit->sockets, 0xff, sizeof(unit->sockets));
	unit->used = 0;
	for (uint32_t i = 0; i < NAT_UNIT; i++) {
		uint32_t port = first + i;
		if (port < least || port > most)
			continue;
		socklen_t length = make_address(&at, family, address, (uint16_t)port);
		int result = hold_port(unit->sockets[i], &at, length);
		if (result == -EADDRINUSE) {
			unit->used |= 1ull << i;
		} else if (result < 0) {
			uplink_unit_close(unit);
			return result;
		}
	}
	return 0;
}

void uplink_unit_close(struct uplink_unit *unit)
{
	for (uint32_t i = 0; i < NAT_UNIT; i++)
		close_port(unit->sockets[i]);
}

void uplink_unit_raise_limit(void)
{
	unsigned long most = FILES_MOST;
	struct rlimit limit;

	FILE *file = fopen("/proc/sys/fs/nr_open", "re");
	if (file != NULL) {
		if (fscanf(file, "%lu", &most) != 1 || most > FILES_MOST)
			most = FILES_MOST;
		fclose(file);
	}
	if (getrlimit(RLIMIT_NOFILE, &limit) < 0 || limit.rlim_cur >= most)
		return;
	struct rlimit more = {.rlim_cur = most, .rlim_max = limit.rlim_max > most ? limit.rlim_max : most};
	if (setrlimit(RLIMIT_NOFILE, &more) == 0)
		return;
	/* Without CAP_SYS_RESOURCE. */
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
	log_line("addresses of the host: only %lu files may be open, two for each port that VMs share: raise "
	         "LimitNOFILE",
	        (unsigned long)limit.rlim_max);
}
