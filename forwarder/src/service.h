/*
 * Service rows as packets meet them. service_find, service_port_of, service_has_address: registered readers, or the
 * writer. service_row_changed, service_port_changed: the writer.
 */
#ifndef WEFT_SERVICE_H
#define WEFT_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarder.h"

/* Returns 0 or -ENOMEM. */
int service_init(void);
void service_fini(void);

/* A row came (old NULL) or went (new NULL). */
void service_row_changed(const struct fwd_service_row *old, const struct fwd_service_row *new);

/* A port row came, changed or went (old, new: NULL). */
void service_port_changed(const struct fwd_port_row *old, const struct fwd_port_row *new);

/* Id of the service port of an owner; 0: none. */
uint32_t service_port_of(uint32_t owner);

/* Whether a row of that VRF, or of any, names the address (16 bytes as in rows; not the wildcard or a multicast
 * address): registered readers. */
bool service_has_address(uint32_t vrf, uint8_t family, const uint8_t *address);

/* One bit per protocol and port that some row uses. */
extern uint64_t service_used[256][65536 / 64];

/* False: no row can match, whatever the address; a load of one word. Asked by everyone before tables_service. */
static inline bool service_possible(uint8_t protocol, uint16_t l4_port)
{
	return __atomic_load_n(&service_used[protocol][l4_port / 64], __ATOMIC_RELAXED) >> l4_port % 64 & 1;
}

/* See tables_service. */
const struct fwd_service_row *service_find(
        uint32_t vrf, uint8_t family, uint8_t protocol, uint16_t l4_port, const uint8_t *address);

#endif
