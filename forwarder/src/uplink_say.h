/*
 * What fwd-learn sends through an uplink by itself: requests and announcements, as injected frames. fwd-learn alone,
 * without the writer lock.
 */
#ifndef WEFT_UPLINK_SAY_H
#define WEFT_UPLINK_SAY_H

#include <stdbool.h>
#include <stdint.h>

struct uplink;

/** Asks who has an address: one host (`to`), or all (NULL). Nothing when the uplink is down. */
void uplink_request(const struct uplink *uplink, uint8_t family, const uint8_t *address, const uint8_t *to);
/** Tells everyone that an address is here. Nothing when the uplink is down. */
void uplink_announce(const struct uplink *uplink, uint8_t family, const uint8_t *address);
/** Takes a token of the bounded number of requests for neighbours that are no gateways. */
bool uplink_may_request(struct uplink *uplink, uint64_t now_ms);
/** Whether an address is a host's on a connected subnet. Link-local ones are not: only gateways have those. */
bool uplink_is_connected(const struct uplink *uplink, uint8_t family, const uint8_t *address);

#endif
