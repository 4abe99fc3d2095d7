/*
 * VLAN interfaces for kernels without 802.1q devices: each VLAN of a trunk ends in a tap interface in a namespace of
 * its own.
 *
 *   vlan TRUNK VLAN:NETNS:INTERFACE:MAC ...   in the trunk's namespace; prints "ready" alone on a line, runs until
 * SIGTERM or SIGINT
 *
 * Frames behind a tag of 802.1Q (IEEE 802.1Q §9.3, TPID 0x8100) go to the VLAN's tap without it, frames of a tap leave
 * with it.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <linux/if_tun.h>
#include <net/if.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VLANS = 4096, FRAME = 16384, TAG = 4, MACS = 12, ROUND = 64 };

static int taps[VLANS];
static volatile sig_atomic_t stopping;

static void on_signal(int signal_number)
{
	(void)signal_number;
	stopping = 1;
}

static int fail(const char *what)
{
	fprintf(stderr, "error: %s: %s\n", what, strerror(errno));
	return -1;
}

static int ip(char *const arguments[])
{
	int status = 0;
	pid_t pid = fork();

	if (pid == 0) {
		execvp("ip", arguments);
		_exit(127);
	}
	waitpid(pid, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? 0 : -1;
}

/* Makes the tap of "VLAN:NETNS:INTERFACE:MAC". The interface belongs to its descriptor and moves with it into the
 * namespace. */
static int open_tap(char *spec)
{
	char *rest = spec, *number = strsep(&rest, ":"), *netns = strsep(&rest, ":"), *interface = strsep(&rest, ":"),
	     *mac = rest;
	struct ifreq request = {.ifr_flags = IFF_TAP | IFF_NO_PI};
	int vlan = atoi(number), fd = open("/dev/net/tun", O_RDWR | O_NONBLOCK | O_CLOEXEC);

	if (mac == NULL || vlan < 1 || vlan >= VLANS - 1)
		return errno = EINVAL, fail(spec);
	snprintf(request.ifr_name, sizeof(request.ifr_name), "vlan%d", vlan);
	if (fd < 0 || ioctl(fd, TUNSETIFF, &request) < 0)
		return fail("/dev/net/tun");
	char *move[] = {"ip", "link", "set", request.ifr_name, "netns", netns, "name", interface, NULL};
	char *raise[] = {"ip", "-n", netns, "link", "set", interface, "address", mac, "up", NULL};
	if (ip(move) < 0 || ip(raise) < 0)
		return errno = ENODEV, fail(netns);
	taps[vlan] = fd;
	return vlan;
}

static int open_trunk(const char *name)
{
	struct sockaddr_ll address = {
	        .sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL), .sll_ifindex = (int)if_nametoindex(name)};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, buffer = 8 << 20;
	struct packet_mreq promiscuous = {.mr_ifindex = address.sll_ifindex, .mr_type = PACKET_MR_PROMISC};

	if (fd < 0 || address.sll_ifindex == 0 || setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) < 0 ||
	        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
	        setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) < 0 ||
	        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail(name);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer));
	return fd;
}

/* The kernel takes the tag off and tells it beside the frame. 0: there was none. */
static int tag_of(struct msghdr *message)
{
	for (struct cmsghdr *c = CMSG_FIRSTHDR(message); c != NULL; c = CMSG_NXTHDR(message, c)) {
		struct tpacket_auxdata aux;

		if (c->cmsg_level != SOL_PACKET || c->cmsg_type != PACKET_AUXDATA)
			continue;
		memcpy(&aux, CMSG_DATA(c), sizeof(aux));
		return aux.tp_status & TP_STATUS_VLAN_VALID ? aux.tp_vlan_tci & 0xfff : 0;
	}
	return 0;
}

static void from_trunk(int trunk)
{
	static uint8_t frame[FRAME];

	for (int i = 0; i < ROUND; i++) {
		char control[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
		struct iovec vector = {.iov_base = frame, .iov_len = sizeof(frame)};
		struct msghdr message = {
		        .msg_iov = &vector, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
		ssize_t length = recvmsg(trunk, &message, 0);

		if (length < 0)
			return;
		int vlan = tag_of(&message);
		/* A full tap drops, as a full link does. */
		if (vlan != 0 && taps[vlan] > 0 && write(taps[vlan], frame, (size_t)length) < 0)
			continue;
	}
}

static void from_tap(int trunk, int vlan)
{
	static uint8_t frame[TAG + FRAME];

	for (int i = 0; i < ROUND; i++) {
		ssize_t length = read(taps[vlan], frame + TAG, FRAME);

		if (length < MACS)
			return;
		memmove(frame, frame + TAG, MACS);
		uint16_t tag[2] = {htons(ETH_P_8021Q), htons((uint16_t)vlan)};
		memcpy(frame + MACS, tag, TAG);
		if (send(trunk, frame, (size_t)length + TAG, 0) < 0)
			continue;
	}
}

static int watch(int epoll, int fd, int number)
{
	struct epoll_event event = {.events = EPOLLIN, .data.u32 = (uint32_t)number};

	return epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
}

int main(int count, char **arguments)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);

	if (count < 3)
		return fprintf(stderr, "usage: vlan TRUNK VLAN:NETNS:INTERFACE:MAC ...\n"), 2;
	int trunk = open_trunk(arguments[1]);
	if (trunk < 0 || watch(epoll, trunk, 0) < 0)
		return 1;
	for (int i = 2; i < count; i++) {
		int vlan = open_tap(arguments[i]);
		if (vlan < 0 || watch(epoll, taps[vlan], vlan) < 0)
			return 1;
	}
	signal(SIGTERM, on_signal);
	signal(SIGINT, on_signal);
	puts("ready");
	fflush(stdout);
	while (!stopping) {
		struct epoll_event events[ROUND];
		int ready = epoll_wait(epoll, events, ROUND, -1);

		for (int i = 0; i < ready; i++) {
			if (events[i].data.u32 == 0)
				from_trunk(trunk);
			else
				from_tap(trunk, (int)events[i].data.u32);
		}
	}
	return 0;
}
