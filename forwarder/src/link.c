#define _GNU_SOURCE
#include "link.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/rtnetlink.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "binding.h"
#include "io.h"
#include "link_queue.h"
#include "netlink.h"
#include "port.h"
#include "uplink_host.h"

#define BACKOFF_FIRST_MS 50
#define BACKOFF_LAST_MS  2000

/* What the link thread knows of one port. */
struct link {
	struct port *port;
	/** The row as it was carried out last. */
	struct fwd_port_row row;
	bool attached;
	/** Interface in our namespace; 0: none. */
	uint32_t index;
	/** The carrier as it was seen last. */
	bool running;
	/** Of the interface or device, as it was seen last; zero: not known. */
	uint8_t mac[6];
	/** 0: no retry is due. */
	uint64_t retry_at_ms;
	uint32_t backoff_ms;
	struct link *next;
};

static struct {
	pthread_t thread;
	bool running, stop;
	struct mnl_socket *monitor;
	struct link *links;
} self;

static uint64_t now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

static void retry_children(const struct port *trunk)
{
	for (struct link *l = self.links; l != NULL; l = l->next) {
		if (l->row.binding == FWD_BINDING_VLAN && l->row.parent == trunk->id && !l->attached) {
			l->retry_at_ms = 1;
			l->backoff_ms = 0;
		}
	}
}

static void report_carrier(struct link *link, bool running);

/* A VLAN is up when its trunk is. */
static void report_children(const struct link *trunk, bool running)
{
	for (struct link *l = self.links; l != NULL; l = l->next) {
		if (l->attached && l->row.binding == FWD_BINDING_VLAN && l->row.parent == trunk->port->id)
			report_carrier(l, running);
	}
}

static void report_vm(struct link *link)
{
	char reason[sizeof(link->port->reason)];
	bool there = io_vhost_state(link->port->io, reason, sizeof(reason));

	if (link->row.flags & FWD_PORT_TRUNK)
		report_children(link, there);
	port_report(link->port, there ? FWD_LINK_UP : FWD_LINK_DOWN, "%s", reason);
}

static void look_at_vms(void)
{
	for (struct link *l = link_queue_look() ? self.links : NULL; l != NULL; l = l->next) {
		if (l->attached && l->row.binding == FWD_BINDING_VHOST_USER)
			report_vm(l);
	}
}

static void report_carrier(struct link *link, bool running)
{
	if (link->row.binding == FWD_BINDING_VHOST_USER)
		return report_vm(link);
	link->running = running;
	if (link->row.flags & FWD_PORT_TRUNK)
		report_children(link, running);
	if (running)
		port_report(link->port, FWD_LINK_UP, "%s", "");
	else if (link->row.binding == FWD_BINDING_VLAN)
		port_report(link->port, FWD_LINK_DOWN, "no carrier: trunk port %u is down", link->row.parent);
	else if (link->row.binding == FWD_BINDING_NETNS)
		port_report(link->port, FWD_LINK_DOWN, "no carrier: %s in namespace %s is down", link->row.interface,
		        link->row.netns);
	else
		port_report(link->port, FWD_LINK_DOWN, "no carrier on %s", link->row.interface);
}

uint32_t link_user(uint32_t index)
{
	for (const struct link *l = self.links; l != NULL; l = l->next) {
		if (index != 0 && l->attached && l->index == index)
			return l->port->id;
	}
	return 0;
}

/* The appliance's own address at an uplink: the row's, else that of what it is tied to. */
static void tell_mac(struct link *link)
{
	static const uint8_t none[6];

	if ((link->row.flags & FWD_PORT_UPLINK) == 0)
		return;
	if (memcmp(link->row.mac, none, sizeof(none)) != 0)
		port_mac_set(link->port, link->row.mac);
	else if (link->row.binding != FWD_BINDING_TAP)
		/* A tap's interface is the other end. */
		port_mac_set(link->port, link->mac);
}

/* The interface of a link, or of its trunk, has this address now. */
static void see_mac(struct link *link, const uint8_t mac[6])
{
	if (memcmp(link->mac, mac, sizeof(link->mac)) == 0)
		return;
	memcpy(link->mac, mac, sizeof(link->mac));
	tell_mac(link);
	for (struct link *l = (link->row.flags & FWD_PORT_TRUNK) ? self.links : NULL; l != NULL; l = l->next) {
		if (l->attached && l->row.binding == FWD_BINDING_VLAN && l->row.parent == link->port->id)
			see_mac(l, mac);
	}
}

/* An uplink and the host agree on what is whose before a packet comes. */
static void share(const struct link *link, struct binding_result *result)
{
	if ((link->row.flags & FWD_PORT_UPLINK) == 0 || result->error != 0)
		return;
	result->error = uplink_host_share(
	        link->port->id, result->shared, link->row.vlan, result->reason, sizeof(result->reason));
	if (result->error == 0)
		return;
	if (link->row.binding == FWD_BINDING_VLAN)
		port_vlan_set(port_of(link->row.parent), link->row.vlan, 0);
	if (result->io != NULL)
		result->io->ops->close(result->io);
}

static void attach(struct link *link)
{
	struct binding_result result;

	port_row(link->port, &link->row);
	binding_open(&link->row, &result);
	share(link, &result);
	if (result.error != 0) {
		link->backoff_ms = link->backoff_ms == 0 ? BACKOFF_FIRST_MS : link->backoff_ms * 2;
		if (link->backoff_ms > BACKOFF_LAST_MS)
			link->backoff_ms = BACKOFF_LAST_MS;
		link->retry_at_ms = now_ms() + link->backoff_ms;
		port_report(link->port, FWD_LINK_PENDING, "%s", result.reason);
		return;
	}
	link->retry_at_ms = 0;
	link->backoff_ms = 0;
	link->attached = true;
	link->index = result.index;
	memcpy(link->mac, result.mac, sizeof(link->mac));
	tell_mac(link);
	if (result.io != NULL)
		port_attach(link->port, result.io);
	report_carrier(link, result.running);
	if (link->row.flags & FWD_PORT_TRUNK)
		retry_children(link->port);
}

/* remove: also takes away what stands outside this process. */
static void detach(struct link *link, bool remove)
{
	if (link->attached) {
		for (struct link *l = self.links; l != NULL; l = l->next) {
			if (l->attached && l->row.binding == FWD_BINDING_VLAN && l->row.parent == link->port->id) {
				detach(l, false);
				l->retry_at_ms = now_ms() + BACKOFF_FIRST_MS;
				port_report(l->port, FWD_LINK_PENDING, "trunk port %u went away", l->row.parent);
			}
		}
		if (link->row.binding == FWD_BINDING_VLAN) {
			struct port *trunk = port_of(link->row.parent);
			if (trunk != NULL && port_vlan(trunk, link->row.vlan) == link->port->slot)
				port_vlan_set(trunk, link->row.vlan, 0);
		}
		port_detach(link->port);
		if (link->row.flags & FWD_PORT_UPLINK)
			uplink_host_unshare(link->port->id);
	}
	link->attached = false;
	link->index = 0;
	if (remove)
		binding_remove(&link->row);
}

static bool same_binding(const struct fwd_port_row *a, const struct fwd_port_row *b)
{
	return a->binding == b->binding && a->parent == b->parent && a->vlan == b->vlan &&
	       ((a->flags ^ b->flags) & (FWD_PORT_TRUNK | FWD_PORT_SERVER | FWD_PORT_UPLINK)) == 0 &&
	       memcmp(a->socket, b->socket, sizeof(a->socket)) == 0 &&
	       (a->binding != FWD_BINDING_ETHDEV || a->mtu == b->mtu) &&
	       /* Whose frames an uplink's socket wants. */
	       ((a->flags & FWD_PORT_UPLINK) == 0 || a->binding != FWD_BINDING_INTERFACE ||
	               memcmp(a->mac, b->mac, sizeof(a->mac)) == 0) &&
	       memcmp(a->interface, b->interface, sizeof(a->interface)) == 0 &&
	       memcmp(a->netns, b->netns, sizeof(a->netns)) == 0;
}

static void changed(struct link *link)
{
	struct fwd_port_row row;
	struct binding_result result;

	port_row(link->port, &row);
	if (!same_binding(&row, &link->row)) {
		detach(link, true);
		attach(link);
		return;
	}
	if (!link->attached || (row.mtu == link->row.mtu && memcmp(row.mac, link->row.mac, sizeof(row.mac)) == 0)) {
		link->row = row;
		if (!link->attached)
			attach(link);
		return;
	}
	link->row = row;
	tell_mac(link);
	binding_adjust(&row, &result);
	if (result.error != 0)
		port_report(link->port, FWD_LINK_PENDING, "%s", result.reason);
	else
		report_carrier(link, result.index != 0 ? result.running : link->running);
}

static void forget(struct link *link)
{
	struct link **at = &self.links;

	detach(link, true);
	while (*at != link)
		at = &(*at)->next;
	*at = link->next;
	port_release(link->port);
	free(link);
}

static void handle(struct port *port, bool gone)
{
	struct link *link = port->link;

	if (link == NULL && gone) {
		port_release(port);
	} else if (gone) {
		forget(link);
	} else if (link != NULL) {
		changed(link);
	} else {
		link = calloc(1, sizeof(*link));
		if (link == NULL) {
			port_report(port, FWD_LINK_PENDING, "out of memory");
			return;
		}
		link->port = port;
		link->next = self.links;
		self.links = link;
		port->link = link;
		attach(link);
	}
}

static void on_event(const struct link_info *info, bool gone)
{
	for (struct link *l = self.links; l != NULL; l = l->next) {
		if (l->attached && l->index != 0 && l->index == info->index) {
			if (!gone) {
				see_mac(l, info->mac);
				report_carrier(l, info->running);
				continue;
			}
			detach(l, false);
			l->retry_at_ms = 1;
		} else if (!l->attached && l->row.binding == FWD_BINDING_INTERFACE &&
		           strcmp(l->row.interface, info->name) == 0) {
			l->retry_at_ms = 1;
		}
	}
}

/* Events were lost: look at every link. */
static void look_at_all(void)
{
	for (struct link *l = self.links; l != NULL; l = l->next) {
		uint8_t mac[6];
		bool running;

		if (!l->attached || l->index == 0)
			continue;
		if (binding_look(&l->row, l->index, &running, mac) == 0) {
			see_mac(l, mac);
			report_carrier(l, running);
			continue;
		}
		detach(l, false);
		l->retry_at_ms = 1;
	}
}

/* Returns milliseconds until the next retry; -1: none is due. */
static int retry(void)
{
	uint64_t now = now_ms();
	uint64_t next = UINT64_MAX;

	for (struct link *l = self.links; l != NULL; l = l->next) {
		if (!l->attached && l->retry_at_ms != 0 && l->retry_at_ms <= now)
			attach(l);
		if (!l->attached && l->retry_at_ms != 0 && l->retry_at_ms < next)
			next = l->retry_at_ms;
	}
	return next == UINT64_MAX ? -1 : next <= now ? 0 : (int)(next - now);
}

/* stop: removals only, so that no link outlives its row. */
static void drain(bool stop)
{
	struct port *port;
	bool gone = false;

	while ((port = link_queue_pop(&gone)) != NULL) {
		if (!stop || gone)
			handle(port, gone);
	}
}

void link_poll_once(void)
{
	drain(false);
	look_at_vms();
	retry();
}

static void *run(void *argument)
{
	(void)argument;
	int timeout = 0;

	for (;;) {
		struct pollfd fds[] = {{.fd = link_queue_fd(), .events = POLLIN},
		        {.fd = mnl_socket_get_fd(self.monitor), .events = POLLIN}};

		poll(fds, 2, timeout);
		link_queue_calm();
		bool stop = __atomic_load_n(&self.stop, __ATOMIC_ACQUIRE);
		drain(stop);
		if (stop)
			return NULL;
		look_at_vms();
		if (netlink_events(self.monitor, on_event) == -ENOBUFS)
			look_at_all();
		timeout = binding_flush(retry());
	}
}

int link_start(const char *tag)
{
	sigset_t all, old;
	int result = binding_init(tag);

	if (result < 0)
		return result;
	result = uplink_host_init(tag);
	if (result < 0)
		return result;
	self.stop = false;
	self.monitor = netlink_open(RTMGRP_LINK);
	if (self.monitor == NULL)
		return -errno;
	result = link_queue_open();
	if (result < 0)
		return result;
	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &old);
	result = -pthread_create(&self.thread, NULL, run, NULL);
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	if (result == 0) {
		pthread_setname_np(self.thread, "fwd-link");
		self.running = true;
	}
	return result;
}

void link_stop(void)
{
	if (self.running) {
		__atomic_store_n(&self.stop, true, __ATOMIC_RELEASE);
		link_queue_wake();
		pthread_join(self.thread, NULL);
	}
	/* What came after the thread's last look, or without one (tests). */
	drain(true);
	self.running = false;
	while (self.links != NULL) {
		struct link *link = self.links;
		self.links = link->next;
		free(link);
	}
	if (self.monitor != NULL)
		mnl_socket_close(self.monitor);
	self.monitor = NULL;
	link_queue_close();
	uplink_host_free();
	binding_free();
}
