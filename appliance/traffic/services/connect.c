#define _GNU_SOURCE
#include "connect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/tcp.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

bool connect_target(struct target *target, const char *address, const char *port)
{
	struct sockaddr_in *ip4 = (struct sockaddr_in *)&target->address;
	struct sockaddr_in6 *ip6 = (struct sockaddr_in6 *)&target->address;
	int number = atoi(port);

	memset(target, 0, sizeof(*target));
	if (inet_pton(AF_INET, address, &ip4->sin_addr) == 1) {
		ip4->sin_family = AF_INET;
		ip4->sin_port = htons((uint16_t)number);
		target->length = sizeof(*ip4);
		snprintf(target->name, sizeof(target->name), "%s", address);
	} else if (inet_pton(AF_INET6, address, &ip6->sin6_addr) == 1) {
		ip6->sin6_family = AF_INET6;
		ip6->sin6_port = htons((uint16_t)number);
		target->length = sizeof(*ip6);
		snprintf(target->name, sizeof(target->name), "[%s]", address);
	}
	if (target->length == 0 || number < 1 || number > 65535) {
		fprintf(stderr, "error: %s port %s: want an address and a port\n", address, port);
		return false;
	}
	return true;
}

int connect_namespace(const char *name)
{
	char path[256];

	snprintf(path, sizeof(path), "/run/netns/%s", name);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		fprintf(stderr, "error: %s: %s\n", path, strerror(errno));
	return fd;
}

int connect_from(int netns, const struct target *target)
{
	struct sockaddr_storage address = target->address;
	struct sockaddr_in6 *ip6 = (struct sockaddr_in6 *)&address;
	int one = 1;

	if (setns(netns, CLONE_NEWNET) < 0)
		return -1;
	if (address.ss_family == AF_INET6 && IN6_IS_ADDR_LINKLOCAL(&ip6->sin6_addr))
		ip6->sin6_scope_id = if_nametoindex("eth0");
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect(fd, (const struct sockaddr *)&address, target->length) < 0 && errno != EINPROGRESS) {
		int error = errno;
		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}
