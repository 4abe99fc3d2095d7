/*
 * How each kind of binding gets its I/O and loses it again. Link thread only.
 */
#ifndef FORWARDER_BINDING_H
#define FORWARDER_BINDING_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarder.h"

struct port;
struct port_io;

struct binding_result {
	/** 0: the I/O is there; otherwise -errno and reason. */
	int error;
	struct port_io *io;
	/** Of the interface in our namespace; 0: none. */
	uint32_t index;
	/** Carrier. */
	bool running;
	/** Of the interface or device, also of a VLAN's trunk; zero: not known. */
	uint8_t mac[6];
	/** Interface that an uplink shares with the host; 0: none. */
	uint32_t shared;
	/** For people: what is missing and what to do. */
	char reason[127];
};

/** Once, when all ports are known, before the link thread starts: removes links of ports that went while no forwarder
 * ran. 0 or -errno. */
int binding_init(const char *tag);
void binding_free(void);
/** Makes or finds what the row asks for and opens it. Does not publish it. Binding none: error 0 and io NULL. */
void binding_open(const struct fwd_port_row *row, struct binding_result *out);
/** A live link's row has another MAC or MTU: applies them. reason as above. */
void binding_adjust(const struct fwd_port_row *row, struct binding_result *out);
/** Carrier and MAC address of an open interface or veth, as they are now. -ENODEV when the one that was opened (index)
 * is gone. */
int binding_look(const struct fwd_port_row *row, uint32_t index, bool *running, uint8_t mac[6]);
/** Removes what binding_open made outside this process (a veth pair, a tap, a service port's namespace), at the next
 * binding_flush or when a new link needs its name. The I/O is closed already. */
void binding_remove(const struct fwd_port_row *row);
/** Removes what is due; the milliseconds until more is, timeout_ms (-1: for ever) at most. binding_free removes all. */
int binding_flush(int timeout_ms);

#endif
