#include "uplink_rows.h"

#include <string.h>

#include "store.h"

uint32_t uplink_unheard;

const struct fwd_gateway_row *uplink_gateway_row(uint32_t uplink, uint32_t number)
{
	struct fwd_gateway_row key = {.port = uplink, .number = number};

	return store_row(FWD_TABLE_GATEWAY, 0, &key);
}

const struct fwd_uplink_neighbor_row *uplink_neighbor_row(
        uint32_t uplink, uint8_t family, const uint8_t *address, uint32_t *place)
{
	struct fwd_uplink_neighbor_row key = {.port = uplink, .family = family};

	memcpy(key.address, address, sizeof(key.address));
	uint32_t slot = store_find(FWD_TABLE_UPLINK_NEIGHBOR, OWNER_INTERNAL, &key);
	if (slot == SLOT_NONE)
		return NULL;
	if (place != NULL)
		*place = slot;
	return (const void *)arena_slot(FWD_TABLE_UPLINK_NEIGHBOR, slot)->row;
}

bool uplink_gateway_heard(uint32_t uplink, uint32_t number)
{
	static const uint8_t zero[6];
	const struct fwd_gateway_row *gateway = uplink_gateway_row(uplink, number);
	const struct fwd_uplink_neighbor_row *row =
	        gateway == NULL ? NULL : uplink_neighbor_row(uplink, gateway->family, gateway->address, NULL);

	return row != NULL && row->silent == 0 && memcmp(row->mac, zero, sizeof(zero)) != 0;
}
