#define _GNU_SOURCE
#include "io.h"

#include <errno.h>
#include <pthread.h>
#include <rte_log.h>
#include <rte_vhost.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include "link.h"
#include "log.h"
#include "rcu.h"
#include "vhost.h"
#include "vhost_pool.h"
#include "vhost_socket.h"

#define RING_LONGEST 4096u
/* librte_vhost watches 1,024 descriptors: a listening one and, while a VM starts again, two connections per port. */
#define PORT_LIMIT        500u
#define CONNECTIONS_LIMIT 2u
/* Looks at the ring of a VM that gave no descriptor to kick with. */
#define POLL_NS 200000

/*
 * Not offered to VMs: more queue pairs; packed rings (rte_vhost_rx_queue_count cannot count them); UDP fragmentation
 * offload (no flag of DPDK means it); congestion marks with TSO; the dirty log of live migration.
 */
#define FEATURES_OFF                                                                                                   \
	(1ull << VIRTIO_NET_F_MQ | 1ull << VIRTIO_F_RING_PACKED | 1ull << VIRTIO_NET_F_HOST_UFO |                      \
	        1ull << VIRTIO_NET_F_GUEST_UFO | 1ull << VIRTIO_NET_F_HOST_ECN | 1ull << VIRTIO_NET_F_GUEST_ECN |      \
	        1ull << VHOST_F_LOG_ALL)
#define PROTOCOL_FEATURES                                                                                              \
	(1ull << VHOST_USER_PROTOCOL_F_REPLY_ACK | 1ull << VHOST_USER_PROTOCOL_F_NET_MTU |                             \
	        1ull << VHOST_USER_PROTOCOL_F_STATUS)

/* The list, and what the threads share of a port. Never held while librte_vhost, which has locks of its own, is asked
 * to do something. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct vhost *vhosts;
static uint32_t vhost_count;

/* Threads of librte_vhost, or the link thread inside its calls: from here to `callbacks`. */

static int watch(const struct vhost *v, int fd)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLET};

	return epoll_ctl(v->io.fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

static struct vhost *find(int device)
{
	struct vhost *v = NULL;
	char path[108];

	if (rte_vhost_get_ifname(device, path, sizeof(path)) < 0)
		return NULL;
	pthread_mutex_lock(&lock);
	for (v = vhosts; v != NULL && strcmp(v->path, path) != 0;)
		v = v->next;
	pthread_mutex_unlock(&lock);
	return v;
}

/* A descriptor of another kind could block whoever polls it. */
static bool is_eventfd(int fd)
{
	char name[32], target[32];

	snprintf(name, sizeof(name), "/proc/self/fd/%d", fd);
	ssize_t length = readlink(name, target, sizeof(target) - 1);
	target[length < 0 ? 0 : length] = 0;
	return strcmp(target, "anon_inode:[eventfd]") == 0;
}

static void unwatch_kick(struct vhost *v)
{
	pthread_mutex_lock(&lock);
	if (v->kick >= 0)
		epoll_ctl(v->io.fd, EPOLL_CTL_DEL, v->kick, NULL);
	v->kick = -1;
	v->kick_device = -1;
	__atomic_store_n(&v->poll_ns, 0, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&lock);
}

static void watch_kick(struct vhost *v, int device)
{
	struct rte_vhost_vring ring = {.kickfd = -1};

	unwatch_kick(v);
	rte_vhost_get_vhost_vring(device, VHOST_FROM_VM, &ring);
	pthread_mutex_lock(&lock);
	v->kick_device = device;
	if (ring.kickfd >= 0 && is_eventfd(ring.kickfd) && watch(v, ring.kickfd) == 0)
		v->kick = ring.kickfd;
	else
		__atomic_store_n(&v->poll_ns, POLL_NS, __ATOMIC_RELAXED);
	pthread_mutex_unlock(&lock);
	/* Frames may wait since before this process was there. */
	vhost_wake(v, 1);
}

static enum rte_vhost_msg_result before_message(int device, void *message)
{
	/* The vhost-user protocol's header and struct vhost_vring_state. */
	struct {
		uint32_t request, flags, size, index, count;
	} m;
	enum { SET_VRING_NUM = 8 };

	(void)device;
	memcpy(&m, message, sizeof(m));
	return m.request == SET_VRING_NUM && (m.index > VHOST_FROM_VM || m.count > RING_LONGEST)
	               ? RTE_VHOST_MSG_RESULT_ERR
	               : RTE_VHOST_MSG_RESULT_NOT_HANDLED;
}

static int connected(int device)
{
	static const struct rte_vhost_user_extern_ops bounds = {.pre_msg_handle = before_message};
	struct vhost *v = find(device);

	if (v == NULL)
		return -1;
	pthread_mutex_lock(&lock);
	bool room = v->connections < CONNECTIONS_LIMIT;
	v->connections += room;
	pthread_mutex_unlock(&lock);
	if (!room)
		return -1;
	rte_vhost_extern_callback_register(device, &bounds, NULL);
	link_look();
	return 0;
}

static void disconnected(int device)
{
	struct vhost *v = find(device);

	if (v == NULL)
		return;
	pthread_mutex_lock(&lock);
	v->connections--;
	pthread_mutex_unlock(&lock);
	link_look();
}

/* The VM's driver is ready. Of two connections the newer one counts: the older is a VM that died, not yet noticed. */
static int came(int device)
{
	struct vhost *v = find(device);
	uint64_t features = 0;

	if (v == NULL)
		return -1;
	rte_vhost_get_negotiated_features(device, &features);
	uint32_t vm = VHOST_PRESENT | (uint32_t)device | (v->count++ * VHOST_COUNT_ONE & ~VHOST_PRESENT);
	vm |= features & 1ull << VIRTIO_NET_F_GUEST_CSUM ? VHOST_CSUM : 0;
	vm |= features & 1ull << VIRTIO_NET_F_GUEST_TSO4 ? VHOST_TSO4 : 0;
	vm |= features & 1ull << VIRTIO_NET_F_GUEST_TSO6 ? VHOST_TSO6 : 0;
	__atomic_store_n(&v->vm, vm, __ATOMIC_RELEASE);
	watch_kick(v, device);
	link_look();
	return 0;
}

static void went(int device)
{
	struct vhost *v = find(device);

	if (v == NULL)
		return;
	if (VHOST_DEVICE(v->vm) == device)
		__atomic_store_n(&v->vm, 0, __ATOMIC_RELEASE);
	if (v->kick_device == device)
		unwatch_kick(v);
	/* The rings are unmapped when this returns. */
	rcu_synchronize();
	link_look();
}

/* Called with the ring's lock held, which packet threads wait for: no waiting for them here. */
static int ring_changed(int device, uint16_t ring, int enable)
{
	struct vhost *v = find(device);

	if (v == NULL || ring != VHOST_FROM_VM)
		return 0;
	if (!enable && v->kick_device == device)
		unwatch_kick(v);
	else if (enable && v->vm != 0 && VHOST_DEVICE(v->vm) == device)
		watch_kick(v, device);
	return 0;
}

static const struct rte_vhost_device_ops callbacks = {
        .new_connection = connected,
        .destroy_connection = disconnected,
        .new_device = came,
        .destroy_device = went,
        .vring_state_changed = ring_changed,
};

static bool list_add(struct vhost *v, char *reason, size_t size)
{
	const struct vhost *other;

	pthread_mutex_lock(&lock);
	for (other = vhosts; other != NULL && strcmp(other->path, v->path) != 0;)
		other = other->next;
	if (other != NULL) {
		snprintf(reason, size, "another port uses socket %s: name another", v->path);
	} else if (vhost_count == PORT_LIMIT) {
		snprintf(reason, size, "there are %u vhost-user ports, no more are possible", PORT_LIMIT);
	} else {
		v->next = vhosts;
		vhosts = v;
		vhost_count++;
	}
	bool added = vhosts == v;
	pthread_mutex_unlock(&lock);
	return added;
}

static void list_remove(const struct vhost *v)
{
	pthread_mutex_lock(&lock);
	for (struct vhost **at = &vhosts; *at != NULL; at = &(*at)->next) {
		if (*at == v) {
			*at = v->next;
			vhost_count--;
			break;
		}
	}
	pthread_mutex_unlock(&lock);
}

static void destroy(struct vhost *v)
{
	if (v->io.fd >= 0)
		close(v->io.fd);
	if (v->timer >= 0)
		close(v->timer);
	free(v);
}

void vhost_close(struct port_io *io)
{
	struct vhost *v = io->private_data;

	/* Returns when no callback for it runs or will run. Removes the socket that it made. */
	rte_vhost_driver_unregister(v->path);
	list_remove(v);
	destroy(v);
}

static struct vhost *make(const char *path, bool server)
{
	struct vhost *v = calloc(1, sizeof(*v));

	if (v == NULL)
		return NULL;
	*v = (struct vhost){.server = server, .kick = -1, .kick_device = -1};
	v->io = (struct port_io){.ops = &vhost_ops, .fd = epoll_create1(EPOLL_CLOEXEC), .private_data = v};
	v->timer = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	snprintf(v->path, sizeof(v->path), "%s", path);
	if (v->io.fd >= 0 && v->timer >= 0 && watch(v, v->timer) == 0)
		return v;
	int error = errno;
	destroy(v);
	errno = error;
	return NULL;
}

/* librte_vhost tells no reason; errno is mostly that of the system call that failed. */
static int start(const struct vhost *v)
{
	errno = 0;
	if (rte_vhost_driver_register(
	            v->path, RTE_VHOST_USER_NET_COMPLIANT_OL_FLAGS | (v->server ? 0 : RTE_VHOST_USER_CLIENT)) < 0)
		return errno == 0 ? -ENOMEM : -errno;
	if (rte_vhost_driver_callback_register(v->path, &callbacks) < 0 ||
	        rte_vhost_driver_disable_features(v->path, FEATURES_OFF) < 0 ||
	        rte_vhost_driver_set_protocol_features(v->path, PROTOCOL_FEATURES) < 0 ||
	        rte_vhost_driver_start(v->path) < 0) {
		int error = errno == 0 ? EIO : errno;
		rte_vhost_driver_unregister(v->path);
		return -error;
	}
	return 0;
}

int io_vhost_open(const char *path, bool server, struct port_io **out, char *reason, size_t size)
{
	int result = vhost_pool_init();

	/* A line per message of each VM, and per frame that it writes wrongly, is more than a log should take. */
	rte_log_set_level_pattern("lib.vhost.*", RTE_LOG_CRIT);
	struct vhost *v = result < 0 ? NULL : make(path, server);
	if (v == NULL) {
		result = result < 0 ? result : -errno;
		snprintf(reason, size, "cannot make a vhost-user port: %s%s", strerror(-result),
		        result == -EMFILE ? "; raise the limit of open files" : "");
		return result;
	}
	if (!list_add(v, reason, size)) {
		destroy(v);
		return -EBUSY;
	}
	result = server ? vhost_socket_clear(path, reason, size) : 0;
	if (result == 0 && (result = start(v)) < 0)
		snprintf(reason, size, "cannot %s %s: %s", server ? "bind" : "use", path, strerror(-result));
	if (result == 0 && server && (result = vhost_socket_share(path)) < 0) {
		snprintf(reason, size, "cannot give %s to the owner of its folder: %s", path, strerror(-result));
		vhost_close(&v->io);
		return result;
	}
	if (result < 0) {
		list_remove(v);
		destroy(v);
		return result;
	}
	*out = &v->io;
	return 0;
}

bool io_vhost_state(const struct port_io *io, char *reason, size_t size)
{
	const struct vhost *v = io->private_data;

	pthread_mutex_lock(&lock);
	bool linked = v->connections > 0;
	pthread_mutex_unlock(&lock);
	reason[0] = 0;
	if (__atomic_load_n(&v->vm, __ATOMIC_ACQUIRE) != 0)
		return true;
	if (linked)
		snprintf(reason, size, "waiting for the VM's network driver, connected at %s", v->path);
	else
		snprintf(reason, size, "waiting for the VM to %s %s", v->server ? "connect to" : "listen on", v->path);
	return false;
}
