#define _GNU_SOURCE
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

static int own = -1;

int netns_init(void)
{
	own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	return own < 0 ? -errno : 0;
}

void netns_free(void)
{
	if (own >= 0)
		close(own);
	own = -1;
}

int netns_open(const char *name)
{
	char path[96];
	int length;

	if (strchr(name, '/') != NULL)
		length = snprintf(path, sizeof(path), "%s", name);
	else if (name[0] == '\0' || strcmp(name, "..") == 0 || strcmp(name, ".") == 0)
		return -EINVAL;
	else
		length = snprintf(path, sizeof(path), "/run/netns/%s", name);
	if (length >= (int)sizeof(path))
		return -ENAMETOOLONG;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

int netns_enter(int fd)
{
	return setns(fd, CLONE_NEWNET) < 0 ? -errno : 0;
}

void netns_leave(void)
{
	if (setns(own, CLONE_NEWNET) < 0)
		abort();
}

int netns_offloads_off(const char *interface)
{
	static const uint32_t commands[] = {ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO, ETHTOOL_STXCSUM, ETHTOOL_SSG};
	int result = 0;
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	for (unsigned int i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		struct ethtool_value value = {.cmd = commands[i], .data = 0};
		struct ifreq request = {0};

		strncpy(request.ifr_name, interface, sizeof(request.ifr_name) - 1);
		request.ifr_data = (void *)&value;
		if (ioctl(fd, SIOCETHTOOL, &request) < 0 && errno != EOPNOTSUPP && result == 0)
			result = -errno;
	}
	close(fd);
	return result;
}

static void write_sysctl(const char *format, const char *interface, const char *value)
{
	char path[96];

	snprintf(path, sizeof(path), format, interface);
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return;
	ssize_t ignored = write(fd, value, strlen(value));
	(void)ignored;
	close(fd);
}

void netns_stack_off(const char *interface)
{
	write_sysctl("/proc/sys/net/ipv6/conf/%s/disable_ipv6", interface, "1");
	write_sysctl("/proc/sys/net/ipv4/conf/%s/arp_ignore", interface, "8");
	write_sysctl("/proc/sys/net/ipv4/conf/%s/rp_filter", interface, "1");
}
