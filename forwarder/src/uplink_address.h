/*
 * The addresses that the host has on interfaces that it shares with uplinks. fwd-host reads them from the kernel and
 * publishes them; packet threads, and others with the writer lock held, look (uplink_is_host, uplink.h).
 */
#ifndef WEFT_UPLINK_ADDRESS_H
#define WEFT_UPLINK_ADDRESS_H

#include <stdint.h>

struct uplink_address {
	uint32_t uplink;
	/** IP version: 4 or 6. */
	uint8_t family;
	uint8_t pad[3];
	/** 16 bytes as in rows. */
	uint8_t address[16];
};

/** Publishes these, in any order, instead of those before; takes a copy. 0 or -ENOMEM, and nothing changed. */
int uplink_address_publish(const struct uplink_address *addresses, uint32_t count);
/** No packet thread runs. */
void uplink_address_free(void);

#endif
