/*
 * The tables as packet threads see them. Rows lie in the state memory; the pointers returned here are to rows that
 * never change while they are visible, valid until the calling reader's next quiescent state (rcu.h). Every lookup may
 * be made by registered readers, or with the writer lock held. NULL: there is no such row (a reference to it is
 * unresolved: drop `unresolved`).
 *
 * Public row structs: include/forwarder.h. Ids are below FWD_ID_LIMIT; larger ones answer NULL.
 */
#ifndef WEFT_TABLES_H
#define WEFT_TABLES_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarder.h"
#include "gateways.h"

/* A routing table's tries. Exists while a route or the VRF row does. */
struct fib;

/* Frees and makes the views. tables_init before rows_attach; tables_fini after the packet threads ended. Returns 0 or
 * -ENOMEM. */
int tables_init(void);
void tables_fini(void);

const struct fwd_vrf_row *tables_vrf(uint32_t id);
const struct fwd_bridge_row *tables_bridge(uint32_t id);
const struct fwd_port_row *tables_port(uint32_t id);

/* mac: 6 bytes. */
const struct fwd_mac_row *tables_mac(uint32_t bridge, const uint8_t *mac);

/* count ≤ 32 of them, so that their cache misses overlap. */
void tables_mac_burst(uint32_t bridge, const uint8_t *const *macs, const struct fwd_mac_row **rows, uint32_t count);

/* address: 16 bytes as in rows (IPv4 in the first 4, the rest zero). family 4 or 6. */
const struct fwd_neighbor_row *tables_neighbor(uint32_t bridge, uint8_t family, const uint8_t *address);

/* Same, for an IPv4 address in network order as it stands in a packet. */
const struct fwd_neighbor_row *tables_neighbor4(uint32_t bridge, uint32_t address_be);

/* What the forwarder saw itself, of ports that still live; rows of tables mac and neighbor go before it. address: IPv6,
 * 16 bytes. */
const struct fwd_learned_mac_row *tables_learned_mac(uint32_t bridge, const uint8_t *mac);
const struct fwd_learned_neighbor_row *tables_learned_neighbor(uint32_t bridge, const uint8_t *address);

/* The gateway addresses of a bridge; NULL: none. */
const struct gateways *tables_gateways(uint32_t bridge);

/*
 * Next hop of a route. 0 from tables_route*: no route (drop `no-route`); otherwise tables_nexthop(handle), which is
 * NULL while the next hop's row is missing (drop `unresolved`). One of type ECMP: nexthop_resolve (nexthop.h) chooses a
 * member. The row of the route itself: fib_route (fib.h).
 */
uint32_t tables_route4(uint32_t vrf, uint32_t address_be);
uint32_t tables_route6(uint32_t vrf, const uint8_t *address);
/* count ≤ 32 IPv4 addresses in one VRF, interleaved; handles[i] as above. */
void tables_route4_burst(uint32_t vrf, const uint32_t *address_be, uint32_t *handles, uint32_t count);
/* count ≤ 32 IPv6 addresses of 16 bytes. */
void tables_route6_burst(uint32_t vrf, const uint8_t *const *addresses, uint32_t *handles, uint32_t count);
const struct fwd_nexthop_row *tables_nexthop(uint32_t handle);

/*
 * The service row for a packet: (vrf, address), (vrf, any), (any, address), (any, any), the first that exists. l4_port
 * in host order. *punt_class, of action punt: the class row, NULL while it is missing or has another receiver than the
 * owner of the service row (drop `unresolved`). Cheap for packets whose protocol and port no service uses.
 */
const struct fwd_service_row *tables_service(uint32_t vrf, uint8_t family, uint8_t protocol, uint16_t l4_port,
        const uint8_t *address, const struct fwd_punt_class_row **punt_class);

const struct fwd_punt_class_row *tables_punt_class(uint16_t id);

/* Number of the row's creation: unique in this state memory, kept when the row changes. For ports: their generation.
 * Any row from above. */
uint32_t tables_generation(const void *row);

/* Owner number of a row from above. */
uint32_t tables_owner(const void *row);

/* Calls visit for every port row, by id. Writer lock held. */
void tables_each_port(void (*visit)(const struct fwd_port_row *row, uint32_t generation, void *context), void *context);

/* The same for every row of any table (enum fwd_table), in no order. */
void tables_each_row(uint32_t table, void (*visit)(const void *row, void *context), void *context);

#endif
