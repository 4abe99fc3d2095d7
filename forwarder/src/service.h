/*
 * Service rows as packets meet them. service_find: registered readers, or the writer. service_row_changed: the writer.
 */
#ifndef WEFT_SERVICE_H
#define WEFT_SERVICE_H

#include <stdint.h>

#include "forwarder.h"

/* Returns 0 or -ENOMEM. */
int service_init(void);
void service_fini(void);

/* A row came (old NULL) or went (new NULL). */
void service_row_changed(const struct fwd_service_row *old, const struct fwd_service_row *new);

/* See tables_service. */
const struct fwd_service_row *service_find(
        uint32_t vrf, uint8_t family, uint8_t protocol, uint16_t l4_port, const uint8_t *address);

#endif
