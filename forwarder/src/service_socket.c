#define _GNU_SOURCE
#include "service_socket.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdbool.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "forwarder.h"
#include "netns.h"

#define OWNERS  64u
#define BACKLOG 1024

/* By owner number; descriptor 0: none. */
static struct held {
	int netns;
	char interface[IF_NAMESIZE];
} held[OWNERS];
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Lock held. */
static void replace(uint32_t owner, int netns, const char *interface)
{
	if (held[owner].netns != 0)
		close(held[owner].netns);
	memset(&held[owner], 0, sizeof(held[owner]));
	held[owner].netns = netns;
	strncpy(held[owner].interface, interface, sizeof(held[owner].interface) - 1);
}

void service_socket_hold(const struct fwd_port_row *row, int netns)
{
	if (row->parent >= OWNERS)
		return;
	int copy = fcntl(netns, F_DUPFD_CLOEXEC, 3);
	if (copy < 0)
		return;
	pthread_mutex_lock(&lock);
	replace(row->parent, copy, row->interface);
	pthread_mutex_unlock(&lock);
}

static void release(uint32_t owner)
{
	pthread_mutex_lock(&lock);
	replace(owner, 0, "");
	pthread_mutex_unlock(&lock);
}

void service_socket_release(const struct fwd_port_row *row)
{
	if (row->parent < OWNERS)
		release(row->parent);
}

void service_socket_release_all(void)
{
	for (uint32_t owner = 0; owner < OWNERS; owner++)
		release(owner);
}

/* The caller closes the namespace. */
static int find(uint32_t owner, struct held *out)
{
	int result = -ENOENT;

	pthread_mutex_lock(&lock);
	if (owner < OWNERS && held[owner].netns != 0) {
		*out = held[owner];
		out->netns = fcntl(held[owner].netns, F_DUPFD_CLOEXEC, 3);
		result = out->netns < 0 ? -errno : 0;
	}
	pthread_mutex_unlock(&lock);
	return result;
}

uint64_t service_socket_namespace(uint32_t owner)
{
	struct held at;
	struct stat of;

	if (find(owner, &at) < 0)
		return 0;
	uint64_t number = fstat(at.netns, &of) < 0 ? 0 : of.st_ino;
	close(at.netns);
	return number;
}

static int set(int fd, int level, int name, int value)
{
	return setsockopt(fd, level, name, &value, sizeof(value)) < 0 ? -errno : 0;
}

static bool is_link_local(const uint8_t *address)
{
	return address[0] == 0xfe && (address[1] & 0xc0) == 0x80;
}

static int bind6(int fd, const struct service_socket_wish *wish, const char *interface)
{
	struct sockaddr_in6 at = {.sin6_family = AF_INET6, .sin6_port = htons(wish->l4_port)};

	memcpy(&at.sin6_addr, wish->address, sizeof(at.sin6_addr));
	if (is_link_local(wish->address))
		at.sin6_scope_id = if_nametoindex(interface);
	return bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : 0;
}

static int bind4(int fd, const struct service_socket_wish *wish)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_port = htons(wish->l4_port)};

	memcpy(&at.sin_addr, wish->address, sizeof(at.sin_addr));
	return bind(fd, (const struct sockaddr *)&at, sizeof(at)) < 0 ? -errno : 0;
}

/* Connections of a plugin that died may still end themselves: they are no reason to refuse the next one. */
static int listen_tcp(int fd, const struct service_socket_wish *wish, const char *interface)
{
	int result = set(fd, SOL_SOCKET, SO_REUSEADDR, 1);

	if (result == 0)
		result = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	if (result == 0)
		result = bind6(fd, wish, interface);
	if (result == 0 && listen(fd, BACKLOG) < 0)
		result = -errno;
	return result;
}

static int bind_udp(int fd, const struct service_socket_wish *wish, const char *interface)
{
	if (wish->family == 4)
		return bind4(fd, wish);
	int result = set(fd, IPPROTO_IPV6, IPV6_V6ONLY, 1);
	return result < 0 ? result : bind6(fd, wish, interface);
}

static int open_here(const struct service_socket_wish *wish, const char *interface)
{
	bool tcp = wish->protocol == IPPROTO_TCP;
	int fd = socket(tcp || wish->family == 6 ? AF_INET6 : AF_INET,
	        (tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	int result = tcp ? listen_tcp(fd, wish, interface) : bind_udp(fd, wish, interface);
	if (result == 0)
		return fd;
	close(fd);
	return result;
}

int service_socket_open(const struct service_socket_wish *wish)
{
	struct held at;
	int result = find(wish->owner, &at);

	if (result < 0)
		return result;
	result = netns_enter(at.netns);
	if (result == 0) {
		result = open_here(wish, at.interface);
		netns_leave();
	}
	close(at.netns);
	return result;
}

int service_socket_hand(int connection, int descriptor)
{
	char byte = 1;
	struct iovec part = {.iov_base = &byte, .iov_len = 1};
	union {
		struct cmsghdr head;
		uint8_t bytes[CMSG_SPACE(sizeof(int))];
	} control = {0};
	struct msghdr message = {.msg_iov = &part,
	        .msg_iovlen = 1,
	        .msg_control = control.bytes,
	        .msg_controllen = sizeof(control.bytes)};
	struct cmsghdr *head = CMSG_FIRSTHDR(&message);

	*head = (struct cmsghdr){.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
	memcpy(CMSG_DATA(head), &descriptor, sizeof(descriptor));
	return sendmsg(connection, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}
