#define _GNU_SOURCE
#include "way.h"

#include <errno.h>
#include <linux/if_packet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

#include "guest.h"

enum { LONGEST_BATCH = 256 };

static int fd = -1;
static struct guest *guest;

static bool open_interface(const char *name)
{
	/* Protocol 0: it receives nothing. */
	struct sockaddr_ll address = {.sll_family = AF_PACKET, .sll_ifindex = (int)if_nametoindex(name)};
	int one = 1, buffer = 32 << 20;

	fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);
	return fd >= 0 && address.sll_ifindex != 0 &&
	       setsockopt(fd, SOL_PACKET, PACKET_QDISC_BYPASS, &one, sizeof(one)) == 0 &&
	       setsockopt(fd, SOL_SOCKET, SO_SNDBUFFORCE, &buffer, sizeof(buffer)) == 0 &&
	       bind(fd, (struct sockaddr *)&address, sizeof(address)) == 0;
}

static bool open_socket(const char *path)
{
	guest = guest_connect(path);
	return guest != NULL && guest_start(guest, GUEST_EVENT_INDEX);
}

bool way_open(const char *name)
{
	bool open = strchr(name, '/') == NULL ? open_interface(name) : open_socket(name);

	if (!open)
		fprintf(stderr, "error: %s: %s\n", name, strerror(errno));
	return open;
}

static uint32_t send_frames(const uint8_t frames[][FRAME], const size_t lengths[], uint32_t count)
{
	struct mmsghdr messages[LONGEST_BATCH];
	struct iovec vectors[LONGEST_BATCH];

	for (uint32_t i = 0; i < count; i++) {
		vectors[i] = (struct iovec){.iov_base = (void *)(uintptr_t)frames[i], .iov_len = lengths[i]};
		messages[i].msg_hdr = (struct msghdr){.msg_iov = &vectors[i], .msg_iovlen = 1};
	}
	int sent = sendmmsg(fd, messages, count, 0);
	return sent < 0 ? 0 : (uint32_t)sent;
}

/* What comes back is thrown away, so that its queue has room. */
static void receive_all(void)
{
	static uint8_t frame[65600];
	struct virtio_net_hdr_v1 header;

	while (guest_receive(guest, &header, frame) >= 0)
		;
}

static uint32_t send_burst(const uint8_t frames[][FRAME], const size_t lengths[], uint32_t count)
{
	const struct timespec pause = {.tv_nsec = 20000};
	const uint8_t *at[LONGEST_BATCH];
	uint32_t sizes[LONGEST_BATCH], done = 0;

	for (uint32_t i = 0; i < count; i++) {
		at[i] = frames[i];
		sizes[i] = (uint32_t)lengths[i];
	}
	for (;;) {
		done += guest_send_burst(guest, at + done, sizes + done, count - done);
		receive_all();
		if (done == count)
			return done;
		nanosleep(&pause, NULL);
	}
}

uint32_t way_send(const uint8_t frames[][FRAME], const size_t lengths[], uint32_t first, uint32_t count)
{
	count = count < LONGEST_BATCH ? count : LONGEST_BATCH;
	return guest == NULL ? send_frames(frames + first, lengths + first, count)
	                     : send_burst(frames + first, lengths + first, count);
}
