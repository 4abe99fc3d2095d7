#define _GNU_SOURCE
#include "port.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "capture.h"
#include "dataplane.h"
#include "error.h"
#include "guard.h"
#include "limit.h"
#include "link.h"
#include "log.h"
#include "punt.h"
#include "rcu.h"
#include "stats.h"
#include "worker.h"

struct port **port_slots;
uint16_t *port_slots_by_id;
struct port_members **port_bridges;

static uint32_t slot_limit;
/* By slot: a port has it, or packets may still know it by a port that is gone. */
static bool *slot_taken;
static uint32_t slots_free;
/* Rows that found no slot, oldest first: made when a port is released. */
static struct waiting {
	struct waiting *next;
	struct fwd_port_row row;
	uint32_t generation;
} * waiting;
static uint32_t id_limit;
static uint64_t changes;
static int change_pipe[2] = {-1, -1};
/* Guards the row copies, states, slots and ids against link thread and readers of states; packet threads never take it.
 */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;

/* Large and mostly unused: pages cost memory only when touched. */
static void *reserve(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	return at == MAP_FAILED ? NULL : at;
}

static void unreserve(void *at, size_t size)
{
	if (at != NULL)
		munmap(at, size);
}

/* Where the row with this id waits, or the end. */
static struct waiting **find_waiting(uint32_t id)
{
	struct waiting **at = &waiting;

	while (*at != NULL && (*at)->row.id != id)
		at = &(*at)->next;
	return at;
}

static void wait_for_slot(const struct fwd_port_row *row, uint32_t generation)
{
	struct waiting *entry = malloc(sizeof(*entry));

	if (entry == NULL)
		error_memory("ports that wait");
	if (waiting == NULL)
		log_line("port %u: waits until others go: all slots are in use (max_ports)", row->id);
	*entry = (struct waiting){.row = *row, .generation = generation};
	*find_waiting(row->id) = entry;
}

/* The row is NULL when it is gone. */
static void waiting_changed(struct waiting **at, const struct fwd_port_row *row, uint32_t generation)
{
	struct waiting *entry = *at;

	if (row == NULL) {
		*at = entry->next;
		free(entry);
		return;
	}
	entry->row = *row;
	entry->generation = generation;
}

int ports_init(uint32_t max)
{
	slot_limit = max < UINT16_MAX ? max : UINT16_MAX;
	slots_free = slot_limit;
	id_limit = 0;
	changes = 0;
	port_slots = calloc(slot_limit + 1, sizeof(*port_slots));
	slot_taken = calloc(slot_limit + 1, sizeof(*slot_taken));
	port_slots_by_id = reserve(FWD_ID_LIMIT * sizeof(*port_slots_by_id));
	port_bridges = reserve(FWD_ID_LIMIT * sizeof(struct port_members *));
	if (port_slots == NULL || slot_taken == NULL || port_slots_by_id == NULL || port_bridges == NULL ||
	        stats_init(slot_limit + 1) < 0 || pipe2(change_pipe, O_NONBLOCK | O_CLOEXEC) < 0) {
		ports_free();
		return -ENOMEM;
	}
	return 0;
}

uint32_t port_slot_limit(void)
{
	return slot_limit;
}

void ports_free(void)
{
	for (uint32_t slot = 1; port_slots != NULL && slot <= slot_limit; slot++) {
		struct port *port = port_slots[slot];
		if (port == NULL)
			continue;
		if (port->io != NULL)
			port->io->ops->close(port->io);
		free(port->vlans);
		free(port);
	}
	for (uint32_t bridge = 0; port_bridges != NULL && bridge < FWD_ID_LIMIT; bridge++)
		free(port_bridges[bridge]);
	while (waiting != NULL)
		waiting_changed(&waiting, NULL, 0);
	free(port_slots);
	free(slot_taken);
	unreserve(port_slots_by_id, FWD_ID_LIMIT * sizeof(*port_slots_by_id));
	unreserve(port_bridges, FWD_ID_LIMIT * sizeof(struct port_members *));
	stats_free();
	for (int i = 0; i < 2; i++) {
		if (change_pipe[i] >= 0)
			close(change_pipe[i]);
		change_pipe[i] = -1;
	}
	port_slots = NULL;
	slot_taken = NULL;
	port_slots_by_id = NULL;
	port_bridges = NULL;
}

/* Lock held. */
static void changed(void)
{
	char byte = 1;

	__atomic_add_fetch(&changes, 1, __ATOMIC_RELEASE);
	/* A full pipe means that a byte waits already: as good. */
	ssize_t ignored = write(change_pipe[1], &byte, 1);
	(void)ignored;
}

uint64_t port_changes(void)
{
	return __atomic_load_n(&changes, __ATOMIC_ACQUIRE);
}

int port_changes_fd(void)
{
	return change_pipe[0];
}

/* Readers see either the old list or the new one; entries behind `count` may be written while they read. */
static void member_add(uint32_t bridge, uint16_t slot)
{
	struct port_members *old = port_bridges[bridge];

	if (old != NULL && old->count < old->room) {
		old->slots[old->count] = slot;
		__atomic_store_n(&old->count, old->count + 1, __ATOMIC_RELEASE);
		return;
	}
	uint32_t count = old == NULL ? 0 : old->count;
	uint32_t room = old == NULL ? 8 : old->room * 2;
	struct port_members *new = malloc(sizeof(*new) + room * sizeof(new->slots[0]));
	if (new == NULL)
		error_memory("ports of a network");
	if (count > 0)
		memcpy(new->slots, old->slots, count * sizeof(new->slots[0]));
	new->slots[count] = slot;
	new->count = count + 1;
	new->room = room;
	__atomic_store_n(&port_bridges[bridge], new, __ATOMIC_RELEASE);
	if (old != NULL)
		rcu_retire_memory(old);
}

static void member_remove(uint32_t bridge, uint16_t slot)
{
	struct port_members *old = port_bridges[bridge];
	struct port_members *new = NULL;

	if (old == NULL)
		return;
	if (old->count > 1) {
		new = malloc(sizeof(*new) + old->room * sizeof(new->slots[0]));
		if (new == NULL)
			error_memory("ports of a network");
		new->count = 0;
		new->room = old->room;
		for (uint32_t i = 0; i < old->count; i++) {
			if (old->slots[i] != slot)
				new->slots[new->count++] = old->slots[i];
		}
	}
	__atomic_store_n(&port_bridges[bridge], new, __ATOMIC_RELEASE);
	rcu_retire_memory(old);
}

/* The one that goes with the id, so that a restarted forwarder gives each port the slot that it had, which servers know
 * it by (service_port.h); else the next free one. 0: none is free. */
static uint16_t take_slot(uint32_t id)
{
	uint32_t slot = (id - 1) % slot_limit + 1;

	if (slots_free == 0)
		return 0;
	while (slot_taken[slot])
		slot = slot % slot_limit + 1;
	slot_taken[slot] = true;
	slots_free--;
	return (uint16_t)slot;
}

static void port_make(const struct fwd_port_row *row, uint32_t generation)
{
	struct port *port;
	uint16_t slot = take_slot(row->id);

	if (slot == 0)
		return wait_for_slot(row, generation);
	if ((port = calloc(1, sizeof(*port))) == NULL)
		error_memory("a port");
	stats_reset(slot);
	punt_reset(slot);
	limit_reset(slot);
	capture_port_made(row->id, slot);
	port->id = row->id;
	port->generation = generation;
	port->slot = slot;
	port->row = *row;
	port->asks_policy = (row->flags & FWD_PORT_POLICY_REQUIRED) != 0;
	port->state = FWD_LINK_PENDING;
	snprintf(port->reason, sizeof(port->reason), "being made");
	if (row->id >= id_limit)
		id_limit = row->id + 1;
	__atomic_store_n(&port_slots[slot], port, __ATOMIC_RELEASE);
	__atomic_store_n(&port_slots_by_id[row->id], slot, __ATOMIC_RELEASE);
	if (row->bridge != 0)
		member_add(row->bridge, slot);
	link_queue(port);
}

/* A slot came back. */
static void make_waiting(void)
{
	struct waiting *entry = waiting;

	if (entry == NULL)
		return;
	waiting = entry->next;
	port_make(&entry->row, entry->generation);
	free(entry);
	changed();
}

static void port_unmake(struct port *port)
{
	__atomic_store_n(&port_slots_by_id[port->id], 0, __ATOMIC_RELEASE);
	__atomic_store_n(&port_slots[port->slot], NULL, __ATOMIC_RELEASE);
	if (port->row.bridge != 0)
		member_remove(port->row.bridge, port->slot);
	link_queue_gone(port);
}

void port_row_changed(const struct fwd_port_row *old, const struct fwd_port_row *new, uint32_t generation)
{
	uint32_t id = new != NULL ? new->id : old->id;

	guard_port_changed(old, new);
	pthread_mutex_lock(&lock);
	struct port *port = port_of(id);
	struct waiting **at = find_waiting(id);
	if (port != NULL && (new == NULL || port->generation != generation)) {
		port_unmake(port);
		port = NULL;
	}
	if (*at != NULL) {
		waiting_changed(at, new, generation);
	} else if (new != NULL && port == NULL) {
		port_make(new, generation);
	} else if (new != NULL) {
		if (port->row.bridge != new->bridge) {
			if (port->row.bridge != 0)
				member_remove(port->row.bridge, port->slot);
			if (new->bridge != 0)
				member_add(new->bridge, port->slot);
		}
		port->row = *new;
		bool asks = (new->flags &FWD_PORT_POLICY_REQUIRED) != 0;
		__atomic_store_n(&port->asks_policy, asks, __ATOMIC_RELAXED);
		link_queue(port);
	}
	changed();
	pthread_mutex_unlock(&lock);
}

void port_row(struct port *port, struct fwd_port_row *out)
{
	pthread_mutex_lock(&lock);
	*out = port->row;
	pthread_mutex_unlock(&lock);
}

void port_attach(struct port *port, struct port_io *io)
{
	if (io->owner == 0)
		io->owner = worker_choose();
	/* A packet that found this port by an id that another one had must not get through. */
	rcu_synchronize();
	__atomic_store_n(&port->io, io, __ATOMIC_RELEASE);
	worker_watch(port);
}

void port_detach(struct port *port)
{
	struct port_io *io = port->io;

	if (io == NULL)
		return;
	worker_unwatch(port);
	__atomic_store_n(&port->io, NULL, __ATOMIC_RELEASE);
	rcu_synchronize();
	io->ops->close(io);
}

void port_report(struct port *port, uint8_t state, const char *format, ...)
{
	char reason[sizeof(port->reason)];
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(reason, sizeof(reason), format, arguments);
	va_end(arguments);
	pthread_mutex_lock(&lock);
	if (port->state != state || strcmp(port->reason, reason) != 0) {
		__atomic_store_n(&port->state, state, __ATOMIC_RELAXED);
		memcpy(port->reason, reason, sizeof(reason));
		changed();
	}
	pthread_mutex_unlock(&lock);
}

void port_mac_set(struct port *port, const uint8_t mac[6])
{
	pthread_mutex_lock(&lock);
	if (memcmp(port->mac, mac, sizeof(port->mac)) != 0) {
		memcpy(port->mac, mac, sizeof(port->mac));
		changed();
	}
	pthread_mutex_unlock(&lock);
}

void port_mac(const struct port *port, uint8_t mac[6])
{
	pthread_mutex_lock(&lock);
	memcpy(mac, port->mac, sizeof(port->mac));
	pthread_mutex_unlock(&lock);
}

void port_release(struct port *port)
{
	worker_grace();
	pthread_mutex_lock(&lock);
	slot_taken[port->slot] = false;
	slots_free++;
	make_waiting();
	pthread_mutex_unlock(&lock);
	free(port->vlans);
	free(port);
}

int port_vlan_set(struct port *trunk, uint16_t vlan, uint16_t slot)
{
	if (trunk->vlans == NULL) {
		uint16_t *vlans = calloc(4096, sizeof(*vlans));
		if (vlans == NULL)
			return -ENOMEM;
		__atomic_store_n(&trunk->vlans, vlans, __ATOMIC_RELEASE);
	}
	uint16_t present = trunk->vlans[vlan];
	if (slot != 0 && present != 0 && present != slot && port_at(present) != NULL)
		return -EEXIST;
	__atomic_store_n(&trunk->vlans[vlan], slot, __ATOMIC_RELEASE);
	return 0;
}

bool port_next(uint32_t from, struct port_report_entry *out)
{
	return port_visit(from, out, NULL, NULL);
}

bool port_visit(uint32_t from, struct port_report_entry *out, void (*look)(uint16_t slot, void *context), void *context)
{
	bool found = false;

	pthread_mutex_lock(&lock);
	for (uint32_t id = from; id < id_limit && !found; id++) {
		const struct port *port = port_at(port_slots_by_id[id]);
		if (port == NULL)
			continue;
		*out = (struct port_report_entry){
		        .id = id, .generation = port->generation, .slot = port->slot, .state = port->state};
		memcpy(out->mac, port->mac, sizeof(out->mac));
		memcpy(out->reason, port->reason, sizeof(out->reason));
		if (look != NULL)
			look(port->slot, context);
		found = true;
	}
	pthread_mutex_unlock(&lock);
	return found;
}
