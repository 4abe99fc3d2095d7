/*
 * The uplinks there are, as fwd-learn knows them. fwd-learn alone.
 */
#ifndef WEFT_UPLINK_PORTS_H
#define WEFT_UPLINK_PORTS_H

#include <stdbool.h>
#include <stdint.h>

struct uplink {
	uint32_t id, generation, bridge;
	uint8_t mac[6];
	/** It can send. */
	bool up;
	/** It came up, or changed its MAC address, since uplink_ports_look was called last. */
	bool fresh;
	/** Neighbours that are no gateways (uplink_watch.c). */
	uint32_t neighbors;
	/** Requests for neighbours that it may send, and when they were counted (uplink_say.c). */
	uint32_t tokens;
	uint64_t counted_ms;
};

void uplink_ports_stop(void);
/** Looks at ports again, when some changed. */
void uplink_ports_look(void);
/** Calls visit for each. */
void uplink_ports_each(void (*visit)(struct uplink *uplink));
/** NULL: there is none with this number, or it has another generation; 0: any. Valid until uplink_ports_look. */
struct uplink *uplink_port(uint32_t id, uint32_t generation);

#endif
