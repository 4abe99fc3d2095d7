/*
 * The gateway addresses of each bridge: neighbor rows with FWD_NEIGHBOR_GATEWAY, as a list per bridge that is replaced
 * when one of them changes. gateways_of: registered readers, or the writer. Everything else: the writer.
 */
#ifndef WEFT_GATEWAYS_H
#define WEFT_GATEWAYS_H

#include <stdint.h>

#include "forwarder.h"

/* In order of family and address, whatever order they came in. */
struct gateways {
	uint32_t count;
	const struct fwd_neighbor_row *rows[];
};

/* Returns 0 or -ENOMEM. */
int gateways_init(void);
/* Retires everything. */
void gateways_fini(void);

/* A neighbor row came (old NULL), changed (both, same key), or went (new NULL). */
void gateways_neighbor_changed(const struct fwd_neighbor_row *old, const struct fwd_neighbor_row *new);

/* NULL: the bridge has none. */
const struct gateways *gateways_of(uint32_t bridge);

#endif
