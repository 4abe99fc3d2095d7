#define _GNU_SOURCE
#include "trunk.h"

#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_ether.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BATCH = 64, BUFFER = 32 << 20 };

union control {
	char bytes[CMSG_SPACE(sizeof(struct tpacket_auxdata))];
	struct cmsghdr align;
};

static uint8_t out[BATCH][FRAME];
static size_t lengths[BATCH];
static unsigned int waiting;
static uint64_t refused;

static int fail(const char *interface)
{
	fprintf(stderr, "error: %s: %s\n", interface, strerror(errno));
	return -1;
}

int trunk_open(const char *interface)
{
	struct sockaddr_ll address = {.sll_family = AF_PACKET,
	        .sll_protocol = htons(ETH_P_ALL),
	        .sll_ifindex = (int)if_nametoindex(interface)};
	struct packet_mreq promiscuous = {.mr_ifindex = address.sll_ifindex, .mr_type = PACKET_MR_PROMISC};
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1, buffer = BUFFER;

	if (fd < 0 || address.sll_ifindex == 0 || setsockopt(fd, SOL_PACKET, PACKET_AUXDATA, &one, sizeof(one)) < 0 ||
	        setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &one, sizeof(one)) < 0 ||
	        setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) < 0 ||
	        setsockopt(fd, SOL_PACKET, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous)) < 0 ||
	        setsockopt(fd, SOL_SOCKET, SO_RCVBUFFORCE, &buffer, sizeof(buffer)) < 0 ||
	        setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)) < 0 ||
	        bind(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
		return fail(interface);
	return fd;
}

uint8_t *trunk_frame(int fd)
{
	if (waiting == BATCH)
		trunk_flush(fd);
	return out[waiting];
}

void trunk_queue(size_t length)
{
	lengths[waiting++] = length;
}

void trunk_flush(int fd)
{
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	unsigned int done = 0;

	for (unsigned int i = 0; i < waiting; i++) {
		vectors[i] = (struct iovec){.iov_base = out[i], .iov_len = lengths[i]};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
	}
	while (done < waiting) {
		int sent = sendmmsg(fd, messages + done, waiting - done, 0);
		/* The first of them was not taken. */
		if (sent <= 0)
			refused++;
		done += sent <= 0 ? 1 : (unsigned int)sent;
	}
	waiting = 0;
}

uint64_t trunk_refused(void)
{
	return refused;
}

/* The kernel takes the tag off and tells it beside the frame. 0: there was none. */
static uint16_t tag_of(struct msghdr *message)
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

int trunk_receive(int fd, void (*take)(uint16_t vlan, const uint8_t *frame, size_t length))
{
	static uint8_t in[BATCH][FRAME];
	struct mmsghdr messages[BATCH];
	struct iovec vectors[BATCH];
	union control control[BATCH];

	for (int i = 0; i < BATCH; i++) {
		vectors[i] = (struct iovec){.iov_base = in[i], .iov_len = FRAME};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i],
		        .msg_iovlen = 1,
		        .msg_control = &control[i],
		        .msg_controllen = sizeof(control[i])};
	}
	int got = recvmmsg(fd, messages, BATCH, MSG_DONTWAIT, NULL);
	for (int i = 0; i < got; i++)
		take(tag_of(&messages[i].msg_hdr), in[i], messages[i].msg_len);
	return got < 0 ? 0 : got;
}
