#define _GNU_SOURCE
#include "guest.h"

#include <linux/virtio_ring.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define TO_VM    0u
#define FROM_VM  1u
#define GUEST_AT 0x100000000ull
#define HEADER   sizeof(struct virtio_net_hdr_v1)

enum request {
	GET_FEATURES = 1,
	SET_FEATURES = 2,
	SET_OWNER = 3,
	SET_MEM_TABLE = 5,
	SET_VRING_NUM = 8,
	SET_VRING_ADDR = 9,
	SET_VRING_BASE = 10,
	GET_VRING_BASE = 11,
	SET_VRING_KICK = 12,
	SET_VRING_CALL = 13,
};

/* Virtio 1.1 §2.6, with as many places as GUEST_RING. */
struct ring {
	struct vring_desc desc[GUEST_RING];
	struct {
		uint16_t flags, idx, ring[GUEST_RING], used_event;
	} avail;
	uint16_t pad;
	struct {
		uint16_t flags, idx;
		struct vring_used_elem ring[GUEST_RING];
		uint16_t avail_event;
	} used;
};

struct memory {
	struct ring rings[2] __attribute__((aligned(4096)));
	uint8_t buffers[2][GUEST_RING][GUEST_BUFFER];
};

struct guest {
	int socket, listener;
	int memory_fd;
	int kicks[2], calls[2];
	uint64_t features;
	struct memory *memory;
	uint16_t next[2], used[2];
	uint32_t kick_count;
	char path[108];
};

struct message {
	uint32_t request, flags, size;
	uint8_t payload[64];
} __attribute__((packed));

static bool transfer(struct guest *g, uint32_t request, const void *payload, uint32_t size, int fd)
{
	struct message m = {.request = request, .flags = 1, .size = size};
	struct iovec vector = {.iov_base = &m, .iov_len = 12 + size};
	union {
		char bytes[CMSG_SPACE(sizeof(int))];
		struct cmsghdr align;
	} control = {0};
	struct msghdr header = {.msg_iov = &vector, .msg_iovlen = 1};

	if (size > 0)
		memcpy(m.payload, payload, size);
	if (fd >= 0) {
		header.msg_control = control.bytes;
		header.msg_controllen = sizeof(control.bytes);
		struct cmsghdr *c = CMSG_FIRSTHDR(&header);
		*c = (struct cmsghdr){
		        .cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))};
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
	}
	return sendmsg(g->socket, &header, MSG_NOSIGNAL) == (ssize_t)vector.iov_len;
}

bool guest_message(struct guest *g, uint32_t request, const void *payload, uint32_t size)
{
	return transfer(g, request, payload, size, -1);
}

static bool answer(struct guest *g, uint64_t *out)
{
	struct message m;

	if (recv(g->socket, &m, 20, MSG_WAITALL) != 20)
		return false;
	memcpy(out, m.payload, sizeof(*out));
	return true;
}

bool guest_is_alive(struct guest *g)
{
	uint64_t features;

	return transfer(g, GET_FEATURES, NULL, 0, -1) && answer(g, &features);
}

static struct guest *make(int socket, int listener, const char *path)
{
	struct guest *g = calloc(1, sizeof(*g));

	*g = (struct guest){
	        .socket = socket, .listener = listener, .memory_fd = -1, .kicks = {-1, -1}, .calls = {-1, -1}};
	snprintf(g->path, sizeof(g->path), "%s", path);
	return g;
}

static int open_socket(const char *path, struct sockaddr_un *address)
{
	*address = (struct sockaddr_un){.sun_family = AF_UNIX};
	snprintf(address->sun_path, sizeof(address->sun_path), "%s", path);
	return socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
}

struct guest *guest_connect(const char *path)
{
	struct sockaddr_un address;
	int fd = open_socket(path, &address);

	if (connect(fd, (struct sockaddr *)&address, sizeof(address)) == 0)
		return make(fd, -1, path);
	close(fd);
	return NULL;
}

struct guest *guest_listen(const char *path)
{
	struct sockaddr_un address;
	int listener = open_socket(path, &address);

	unlink(path);
	if (bind(listener, (struct sockaddr *)&address, sizeof(address)) == 0 && listen(listener, 1) == 0) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		if (fd >= 0)
			return make(fd, listener, path);
	}
	close(listener);
	return NULL;
}

static uint64_t guest_address(const struct guest *g, const void *at)
{
	return GUEST_AT + (uint64_t)((const uint8_t *)at - (const uint8_t *)g->memory);
}

static bool give_memory(struct guest *g)
{
	struct {
		uint32_t count, pad;
		uint64_t guest, size, user, offset;
	} table = {.count = 1, .guest = GUEST_AT, .size = sizeof(*g->memory), .user = (uintptr_t)g->memory};

	return transfer(g, SET_MEM_TABLE, &table, sizeof(table), g->memory_fd);
}

static bool give_ring(struct guest *g, uint32_t index)
{
	struct ring *r = &g->memory->rings[index];
	struct vhost_vring_state {
		uint32_t index, number;
	} count = {index, GUEST_RING}, base = {index, g->used[index]};
	struct {
		uint32_t index, flags;
		uint64_t desc, used, avail, log;
	} address = {index, 0, (uintptr_t)r->desc, (uintptr_t)&r->used, (uintptr_t)&r->avail, 0};
	uint64_t number = index;

	return transfer(g, SET_VRING_NUM, &count, sizeof(count), -1) &&
	       transfer(g, SET_VRING_BASE, &base, sizeof(base), -1) &&
	       transfer(g, SET_VRING_ADDR, &address, sizeof(address), -1) &&
	       transfer(g, SET_VRING_CALL, &number, sizeof(number), g->calls[index]) &&
	       transfer(g, SET_VRING_KICK, &number, sizeof(number), g->kicks[index]);
}

/* Descriptor i of a ring always names buffer i. */
static void offer(struct guest *g, uint16_t i)
{
	struct ring *r = &g->memory->rings[TO_VM];

	r->desc[i] = (struct vring_desc){.addr = guest_address(g, g->memory->buffers[TO_VM][i]),
	        .len = GUEST_BUFFER,
	        .flags = VRING_DESC_F_WRITE};
	r->avail.ring[g->next[TO_VM]++ % GUEST_RING] = i;
	__atomic_store_n(&r->avail.idx, g->next[TO_VM], __ATOMIC_RELEASE);
}

bool guest_start(struct guest *g, uint64_t features)
{
	uint64_t offered;

	if (!transfer(g, SET_OWNER, NULL, 0, -1) || !transfer(g, GET_FEATURES, NULL, 0, -1) || !answer(g, &offered))
		return false;
	g->features = (features | 1ull << VIRTIO_F_VERSION_1 | 1ull << VIRTIO_NET_F_MRG_RXBUF) & offered;
	if (g->memory == NULL) {
		g->memory_fd = memfd_create("guest", MFD_CLOEXEC);
		if (ftruncate(g->memory_fd, sizeof(*g->memory)) < 0)
			abort();
		g->memory = mmap(NULL, sizeof(*g->memory), PROT_READ | PROT_WRITE, MAP_SHARED, g->memory_fd, 0);
		for (uint32_t i = 0; i < 2; i++) {
			g->kicks[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
			g->calls[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		}
		for (uint16_t i = 0; i < GUEST_RING / 2; i++)
			offer(g, i);
	}
	return transfer(g, SET_FEATURES, &g->features, sizeof(g->features), -1) && give_memory(g) &&
	       give_ring(g, TO_VM) && give_ring(g, FROM_VM) && guest_is_alive(g);
}

uint64_t guest_features(const struct guest *g)
{
	return g->features;
}

bool guest_stop(struct guest *g)
{
	for (uint32_t i = 0; i < 2; i++) {
		uint32_t state[2] = {i, 0};
		uint64_t reply;
		if (!transfer(g, GET_VRING_BASE, state, sizeof(state), -1) || !answer(g, &reply))
			return false;
	}
	return true;
}

void guest_close(struct guest *g)
{
	int *fds[] = {&g->socket, &g->listener, &g->memory_fd, &g->kicks[0], &g->kicks[1], &g->calls[0], &g->calls[1]};

	if (g->listener >= 0)
		unlink(g->path);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++) {
		if (*fds[i] >= 0)
			close(*fds[i]);
	}
	if (g->memory != NULL)
		munmap(g->memory, sizeof(*g->memory));
	free(g);
}

/* Shows what was put into the ring from `old` on. */
static void show(struct guest *g, uint16_t old)
{
	struct ring *r = &g->memory->rings[FROM_VM];
	uint64_t one = 1;
	bool kick;

	__atomic_store_n(&r->avail.idx, g->next[FROM_VM], __ATOMIC_RELEASE);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	if (g->features & GUEST_EVENT_INDEX) {
		uint16_t event = __atomic_load_n(&r->used.avail_event, __ATOMIC_RELAXED);
		kick = vring_need_event(event, g->next[FROM_VM], old);
	} else {
		kick = (__atomic_load_n(&r->used.flags, __ATOMIC_RELAXED) & VRING_USED_F_NO_NOTIFY) == 0;
	}
	if (kick && write(g->kicks[FROM_VM], &one, sizeof(one)) == sizeof(one))
		g->kick_count++;
}

static void publish(struct guest *g, uint16_t head)
{
	uint16_t old = g->next[FROM_VM]++;

	g->memory->rings[FROM_VM].avail.ring[old % GUEST_RING] = head;
	show(g, old);
}

uint16_t guest_taken(const struct guest *g)
{
	return __atomic_load_n(&g->memory->rings[FROM_VM].used.idx, __ATOMIC_ACQUIRE);
}

/* Frames lie in order: those that were taken free as many descriptors as they had, and a frame has at most 17. */
bool guest_send(struct guest *g, const struct virtio_net_hdr_v1 *header, const void *frame, uint32_t length)
{
	struct ring *r = &g->memory->rings[FROM_VM];
	uint16_t room = GUEST_RING / 18;
	uint16_t slot = g->next[FROM_VM] % room;
	uint16_t head = slot * 18, at = head;
	const uint8_t *from = frame;

	if ((uint16_t)(g->next[FROM_VM] - guest_taken(g)) >= room)
		return false;
	memset(g->memory->buffers[FROM_VM][at], 0, HEADER);
	if (header != NULL)
		memcpy(g->memory->buffers[FROM_VM][at], header, HEADER);
	r->desc[at] = (struct vring_desc){.addr = guest_address(g, g->memory->buffers[FROM_VM][at]), .len = HEADER};
	while (length > 0) {
		uint32_t part = length < GUEST_BUFFER ? length : GUEST_BUFFER;
		r->desc[at].flags = VRING_DESC_F_NEXT;
		r->desc[at].next = at + 1;
		at++;
		memcpy(g->memory->buffers[FROM_VM][at], from, part);
		r->desc[at] =
		        (struct vring_desc){.addr = guest_address(g, g->memory->buffers[FROM_VM][at]), .len = part};
		from += part;
		length -= part;
	}
	publish(g, head);
	return true;
}

uint32_t guest_send_burst(struct guest *g, const uint8_t *const frames[], const uint32_t lengths[], uint32_t count)
{
	struct ring *r = &g->memory->rings[FROM_VM];
	uint16_t old = g->next[FROM_VM];
	uint32_t room = GUEST_RING - (uint16_t)(old - guest_taken(g)), done = 0;

	for (; done < count && done < room; done++) {
		uint16_t at = g->next[FROM_VM]++ % GUEST_RING;
		uint8_t *buffer = g->memory->buffers[FROM_VM][at];
		memset(buffer, 0, HEADER);
		memcpy(buffer + HEADER, frames[done], lengths[done]);
		r->desc[at] =
		        (struct vring_desc){.addr = guest_address(g, buffer), .len = (uint32_t)HEADER + lengths[done]};
		r->avail.ring[at] = at;
	}
	if (done > 0)
		show(g, old);
	return done;
}

void guest_send_raw(struct guest *g, uint64_t offset, uint32_t length, uint16_t count)
{
	struct ring *r = &g->memory->rings[FROM_VM];

	for (uint16_t i = 0; i < count; i++)
		r->desc[i] = (struct vring_desc){.addr = GUEST_AT + offset,
		        .len = length,
		        .flags = i + 1 < count ? VRING_DESC_F_NEXT : 0,
		        .next = i + 1};
	publish(g, 0);
}

static const uint8_t *take(struct guest *g, uint32_t *length, uint16_t *id)
{
	struct ring *r = &g->memory->rings[TO_VM];

	if (__atomic_load_n(&r->used.idx, __ATOMIC_ACQUIRE) == g->used[TO_VM])
		return NULL;
	struct vring_used_elem *e = &r->used.ring[g->used[TO_VM]++ % GUEST_RING];
	*length = e->len;
	*id = (uint16_t)e->id;
	return g->memory->buffers[TO_VM][e->id];
}

int guest_receive(struct guest *g, struct virtio_net_hdr_v1 *header, uint8_t *out)
{
	uint32_t length, total = 0;
	uint16_t id;
	const uint8_t *buffer = take(g, &length, &id);

	if (buffer == NULL)
		return -1;
	memcpy(header, buffer, HEADER);
	memcpy(out, buffer + HEADER, length - HEADER);
	total = length - HEADER;
	offer(g, id);
	for (uint16_t i = 1; i < header->num_buffers; i++) {
		buffer = take(g, &length, &id);
		if (buffer == NULL)
			return -1;
		memcpy(out + total, buffer, length);
		total += length;
		offer(g, id);
	}
	return (int)total;
}

uint32_t guest_kicks(const struct guest *g)
{
	return g->kick_count;
}
