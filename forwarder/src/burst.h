/*
 * What packets of a burst wait for, by their places in it: lookups that are made for all of them, interleaved, so that
 * their cache misses overlap. Packet threads, inside a read section.
 */
#ifndef WEFT_BURST_H
#define WEFT_BURST_H

#include <stdint.h>

#include "stage.h"
#include "tx.h"

struct waiting {
	uint32_t macs, routes4, routes6;
	uint8_t mac[TX_BURST], route4[TX_BURST], route6[TX_BURST];
	const uint8_t *address[TX_BURST];
	uint32_t address4[TX_BURST];
	const uint8_t *address6[TX_BURST];
};

/** Those of `count` that stage_flow wants to see once more, by their places in the burst, with what is kept for them
 * (handles, rows: NULL when nothing is). How many. */
static __attribute__((noinline, unused)) uint32_t burst_again(
        const struct pkt *pkts, uint8_t *which, uint32_t *handles, const struct fwd_mac_row **rows, uint32_t count)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < count; i++) {
		if (pkts[which[i]].verdict != VERDICT_AGAIN)
			continue;
		if (handles != NULL)
			handles[kept] = handles[i];
		if (rows != NULL)
			rows[kept] = rows[i];
		which[kept++] = which[i];
	}
	return kept;
}

/** Routes what waits, where packets may be for outside addresses (in->uplink): each has a VRF of its own. Their flows
 * were looked for. */
void burst_route_translated(struct pkt *pkts, struct waiting *waiting, const struct ingress *in);

#endif
