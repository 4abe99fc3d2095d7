/*
 * One pair of tries per VRF with the best route of each prefix: of several rows with one prefix the lowest source wins.
 * Values are next-hop handles. fib_find*: registered readers, or the writer. Everything else: the writer.
 */
#ifndef WEFT_FIB_H
#define WEFT_FIB_H

#include <stdint.h>

#include "forwarder.h"

/* Returns 0 or -ENOMEM. */
int fib_init(void);
/* Retires everything. */
void fib_fini(void);

/*
 * A route row came (old NULL), changed, or went (new NULL); the index knows already. old and new have the same key.
 */
void fib_route_changed(uint32_t owner, const struct fwd_route_row *old, const struct fwd_route_row *new);

/* Next-hop handle; 0: no route. */
uint32_t fib_find4(uint32_t vrf, uint32_t address_be);
uint32_t fib_find6(uint32_t vrf, const uint8_t *address);
/* count ≤ 32. */
void fib_find4_burst(uint32_t vrf, const uint32_t *address_be, uint32_t *handles, uint32_t count);
void fib_find6_burst(uint32_t vrf, const uint8_t *const *addresses, uint32_t *handles, uint32_t count);

/* The row of the route that fib_find* follows, or NULL. address: 16 bytes as in rows. Slow: a search per prefix length.
 */
const struct fwd_route_row *fib_route(uint32_t vrf, uint8_t family, const uint8_t *address);

#endif
