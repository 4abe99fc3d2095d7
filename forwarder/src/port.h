/*
 * Ports: where packets come in and go out. A port is our own object, not an ethdev: VMs, VLAN sub-ports of a trunk,
 * NICs and test ports differ only in their struct port_io. What the row says (bridge, MAC, flags, MTU) is read from
 * tables_port each burst.
 *
 * Threads:
 *   rows (writer lock held): port_row_changed (dataplane.h). Returns at once; links are made later.
 *   link thread (link.c): port_attach, port_detach, port_report, port_release.
 *   packet threads and inject_records, inside a read section: port_at, port_of, port_members, port->io. They only read.
 *   any thread: port_next, port_changes.
 *
 * A slot is a small number for a live port, 1 … max; it indexes counters and is what mbuf->port holds. It follows from
 * the port's id where that one is free. It is given to another port only when no packet knows it any more
 * (worker_grace). Slot 0 is "no port".
 */
#ifndef FORWARDER_PORT_H
#define FORWARDER_PORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "forwarder.h"

struct rte_mbuf;
struct port;
struct port_io;
struct link;

/** How frames get in and out. Bursts pass whole ownership of mbufs, which may be chains; a stripped tag is in vlan_tci
 * (RTE_MBUF_F_RX_VLAN), a checksum or segmentation still to do in ol_flags (offload.h). Only the thread that owns the
 * port calls rx_burst and tx_burst. */
struct port_ops {
	const char *name;
	/** Fills up to n (≤ 32) mbufs. NULL: never polled (VLAN sub-port). */
	uint16_t (*rx_burst)(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n);
	/** Sends from the front, returns how many; the rest stay the caller's. 0: the queue is full, or the port is
	 * down. -errno: the first frame is refused and would be again; what is behind it may go. */
	int (*tx_burst)(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n);
	/** Link thread, after a grace period: closes descriptors and frees io. */
	void (*close)(struct port_io *io);
};

struct port_io {
	const struct port_ops *ops;
	/** Readable when packets wait; -1: must be polled (ethdev), or never is (sub-port). */
	int fd;
	/** Belongs to ops: interface index, ethdev id, VLAN id. */
	uint32_t handle;
	/** Packet thread that receives and sends here, 1 …; port_attach chooses when it is 0. Fixed while published. */
	uint8_t owner;
	void *private_data;
};

struct port {
	/** NULL until attached; read with port_io_of(). */
	struct port_io *io;
	uint32_t id;
	/** Of the row: another port with the same id has another. */
	uint32_t generation;
	uint16_t slot;
	/** enum fwd_link. */
	uint8_t state;
	/** Waits for the link thread (its lock). */
	bool queued;
	/** The row is gone; only the link thread still knows this port (its lock). */
	bool gone;
	/** Its row has FWD_PORT_POLICY_REQUIRED: what floods a network asks each of its ports. Atomic. */
	bool asks_policy;
	/** With FWD_PORT_UPLINK: the appliance's own address there; zero until it is known, which is before the port is
	 * attached. A change counts for port_changes. */
	uint8_t mac[6];
	struct port *next_queued;
	/** The link thread's own. */
	struct link *link;
	/** Trunk: 4,096 slots by VLAN id, 0 = none; NULL until the first sub-port is attached. */
	uint16_t *vlans;
	/** Copy of the row, under the registry's lock; use port_row(). */
	struct fwd_port_row row;
	char reason[127];
};

/** The ports of one bridge, for flooding. */
struct port_members {
	uint32_t count;
	uint32_t room;
	uint16_t slots[];
};

/** Room for `max` live ports (≤ 65,535). 0 or -ENOMEM. */
int ports_init(uint32_t max);
/** The highest slot there can be. */
uint32_t port_slot_limit(void);
/** After packet threads and link thread ended: frees everything. */
void ports_free(void);

/* Link thread. */
/** Copies the row as it is now. */
void port_row(struct port *port, struct fwd_port_row *out);
/** Publishes I/O. */
void port_attach(struct port *port, struct port_io *io);
/** Takes I/O away, waits for packet threads, closes it. */
void port_detach(struct port *port);
/** Sets state (enum fwd_link) and reason (printf's format; "" when up). */
void port_report(struct port *port, uint8_t state, const char *format, ...) __attribute__((format(printf, 3, 4)));
/** Says which MAC address the appliance has at an uplink. */
void port_mac_set(struct port *port, const uint8_t mac[6]);
/** The same, as a whole: all but packet threads, of which one packet may meet half of a change. */
void port_mac(const struct port *port, uint8_t mac[6]);
/** Frees a port that is gone, and its slot, which a port that found none gets; waits until no packet knows it. */
void port_release(struct port *port);
/** Publishes a VLAN of a trunk (slot 0: takes it away). 0; -EEXIST when another live sub-port has it; -ENOMEM. */
int port_vlan_set(struct port *trunk, uint16_t vlan, uint16_t slot);

/* Any thread. */
struct port_report_entry {
	uint32_t id;
	uint32_t generation;
	uint16_t slot;
	/** Of an uplink: the appliance's own there. */
	uint8_t mac[6];
	uint8_t state;
	char reason[127];
};
/** The live port with the smallest id ≥ from; false: none. */
bool port_next(uint32_t from, struct port_report_entry *out);
/** port_next that also looks at what is kept by slot, while the slot is surely this port's: counters. */
bool port_visit(
        uint32_t from, struct port_report_entry *out, void (*look)(uint16_t slot, void *context), void *context);
/** Counts changes of state, generation or existence. */
uint64_t port_changes(void);
/** Pipe that gets a byte when port_changes rises, at most one unread. */
int port_changes_fd(void);

/** MTU of the link that the row asks for; NULL or 0: Ethernet's (RFC 894). */
static inline uint16_t port_mtu(const struct fwd_port_row *row)
{
	return row == NULL || row->mtu == 0 ? 1500 : row->mtu;
}

/* Packet path; also right with the writer lock held. */
extern struct port **port_slots;
extern uint16_t *port_slots_by_id;
extern struct port_members **port_bridges;

/** The port in a slot; NULL when empty. */
static inline struct port *port_at(uint16_t slot)
{
	return __atomic_load_n(&port_slots[slot], __ATOMIC_ACQUIRE);
}

/** The live port with this id; NULL when there is none. */
static inline struct port *port_of(uint32_t id)
{
	return id < FWD_ID_LIMIT ? port_at(__atomic_load_n(&port_slots_by_id[id], __ATOMIC_ACQUIRE)) : NULL;
}

static inline struct port_io *port_io_of(const struct port *port)
{
	return __atomic_load_n(&port->io, __ATOMIC_ACQUIRE);
}

/** Ports of a bridge; NULL when there are none. Read count once: it may grow. */
static inline const struct port_members *port_members(uint32_t bridge)
{
	return bridge < FWD_ID_LIMIT ? __atomic_load_n(&port_bridges[bridge], __ATOMIC_ACQUIRE) : NULL;
}

/** Slot of a trunk's sub-port; 0: none. */
static inline uint16_t port_vlan(const struct port *trunk, uint16_t vlan)
{
	const uint16_t *vlans = __atomic_load_n(&trunk->vlans, __ATOMIC_ACQUIRE);

	return vlans == NULL ? 0 : __atomic_load_n(&vlans[vlan & 0xfff], __ATOMIC_ACQUIRE);
}

#endif
