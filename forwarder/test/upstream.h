/*
 * What lies behind the uplink of outside.h: routers and hosts that answer ARP and neighbour solicitations as long as
 * they live, and the clock of fwd-learn.
 */
#ifndef UPSTREAM_H
#define UPSTREAM_H

#include <stdbool.h>
#include <stdint.h>

/** One there, with MAC m<mac>. */
struct upstream_host {
	const char *address;
	uint8_t mac;
	bool alive;
	/** Questions for its address: to everyone, and to it alone. */
	uint32_t asked_all, asked_alone;
};

/** Hosts are forgotten; nothing is known of any neighbour, nor waits. */
void upstream_begin(void);
/** A host that lives; valid until upstream_begin. */
struct upstream_host *upstream_host(const char *address, uint8_t mac);
/** Row gateway `number`: an address. NULL: the row goes. */
void upstream_gateway(uint32_t number, const char *address);
/** Time passes for fwd-learn, in turns of 20 ms, and hosts answer; packet threads do their rounds. */
void upstream_pass(uint32_t ms);
/** The same time passes for flows and packets that wait, too. */
void upstream_pass_all(uint32_t seconds);
/** Since the last call, how often it was announced that we have an address. */
uint32_t upstream_announced(const char *address);
/** How many other frames left through the uplink, since the last call; the MAC number of the last one's receiver. */
uint32_t upstream_sent(uint8_t *mac);
/** Row uplink_neighbor of an address: number of its MAC, 0: never answered, -1: no row. silent may be NULL. */
int upstream_known(const char *address, bool *silent);
/** Whether a gateway answered lately, or nobody knows yet. */
bool upstream_alive(uint32_t number);
/** Rows uplink_neighbor. */
uint32_t upstream_count(void);

#endif
