#define _GNU_SOURCE
#include "netns.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <sched.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/utsname.h>
#include <unistd.h>

static int own = -1;
static struct ethtool_sfeatures *offloads_off;

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
	free(offloads_off);
	offloads_off = NULL;
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

/* Names of ethtool features. */
static const char *const untold[] = {"tx-checksum-sctp", "tx-sctp-segmentation", "tx-gre-segmentation",
        "tx-gre-csum-segmentation", "tx-ipxip4-segmentation", "tx-ipxip6-segmentation", "tx-udp_tnl-segmentation",
        "tx-udp_tnl-csum-segmentation", "tx-gso-list", "tx-gso-partial", "tx-esp-segmentation"};
#define UDP_SEGMENTATION "tx-udp-segmentation"

/* VIRTIO_NET_HDR_GSO_UDP_L4 came with Linux 6.2. */
static bool tells_udp(void)
{
	struct utsname system;
	unsigned int major = 0, minor = 0;

	return uname(&system) == 0 && sscanf(system.release, "%u.%u", &major, &minor) == 2 &&
	       (major > 6 || (major == 6 && minor >= 2));
}

static bool is_untold(const char *feature)
{
	for (size_t i = 0; i < sizeof(untold) / sizeof(untold[0]); i++) {
		if (strcmp(feature, untold[i]) == 0)
			return true;
	}
	return strcmp(feature, UDP_SEGMENTATION) == 0 && !tells_udp();
}

static int ethtool(int fd, const char *interface, void *command)
{
	struct ifreq request = {.ifr_data = command};

	strncpy(request.ifr_name, interface, sizeof(request.ifr_name) - 1);
	return ioctl(fd, SIOCETHTOOL, &request) < 0 ? -errno : 0;
}

/* Features are known by name only; their numbers are the same for all interfaces of a kernel. */
static struct ethtool_sfeatures *read_untold(int fd, const char *interface)
{
	/* The head ends in an array; it has one element here. */
	union {
		struct ethtool_sset_info head;
		uint32_t words[sizeof(struct ethtool_sset_info) / sizeof(uint32_t) + 1];
	} set = {.head = {.cmd = ETHTOOL_GSSET_INFO, .sset_mask = 1ull << ETH_SS_FEATURES}};

	if (ethtool(fd, interface, &set) < 0 || set.head.sset_mask == 0)
		return NULL;
	uint32_t count = set.head.data[0], blocks = (count + 31) / 32;
	struct ethtool_gstrings *names = calloc(1, sizeof(*names) + (size_t)count * ETH_GSTRING_LEN);
	struct ethtool_sfeatures *off = calloc(1, sizeof(*off) + blocks * sizeof(off->features[0]));
	if (names == NULL || off == NULL)
		goto fail;
	*names = (struct ethtool_gstrings){.cmd = ETHTOOL_GSTRINGS, .string_set = ETH_SS_FEATURES, .len = count};
	if (ethtool(fd, interface, names) < 0)
		goto fail;
	*off = (struct ethtool_sfeatures){.cmd = ETHTOOL_SFEATURES, .size = blocks};
	for (uint32_t i = 0; i < count; i++) {
		const char *name = (const char *)names->data + (size_t)i * ETH_GSTRING_LEN;
		if (is_untold(name))
			off->features[i / 32].valid |= 1u << (i % 32);
	}
	free(names);
	return off;
fail:
	free(names);
	free(off);
	return NULL;
}

int netns_offloads_limit(const char *interface)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (offloads_off == NULL)
		offloads_off = read_untold(fd, interface);
	int result = offloads_off == NULL ? -EOPNOTSUPP : ethtool(fd, interface, offloads_off);
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

void netns_stack_any(const char *interface)
{
	write_sysctl("/proc/sys/net/ipv6/conf/%s/addr_gen_mode", interface, "1");
	write_sysctl("/proc/sys/net/ipv6/conf/%s/disable_ipv6", interface, "0");
	write_sysctl("/proc/sys/net/ipv6/conf/%s/accept_ra", interface, "0");
	write_sysctl("/proc/sys/net/ipv6/conf/%s/router_solicitations", interface, "0");
	write_sysctl("/proc/sys/net/ipv4/conf/%s/rp_filter", interface, "0");
	write_sysctl("/proc/sys/net/ipv4/conf/%s/rp_filter", "all", "0");
	write_sysctl("/proc/sys/net/ipv6/%s", "ip_nonlocal_bind", "1");
	write_sysctl("/proc/sys/net/ipv4/%s", "ip_unprivileged_port_start", "0");
}
