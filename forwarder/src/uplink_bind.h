/*
 * TCP and UDP ports of the host's own addresses that VMs share (FWD_NAT_HOST): each is bound here before it is given
 * out, so that the host's kernel gives it to nobody, and one that some socket of the host has is never given out
 * (nat_map.h, units). From the top of the range downward: the host's ephemeral ports lie lower (RFC 6335 §6,
 * ip_local_port_range).
 *
 * fwd-host alone. A round: uplink_bind_step, then the host is kept from what uplink_bind_each tells (uplink_filter.h),
 * then uplink_bind_done.
 */
#ifndef WEFT_UPLINK_BIND_H
#define WEFT_UPLINK_BIND_H

#include <stdbool.h>
#include <stdint.h>

/** Milliseconds until the next step is due; UINT32_MAX: no such address. now_ms: of any steady clock. */
uint32_t uplink_bind_step(uint64_t now_ms);
/** Whether there is something to keep the host from, or to leave to it again. */
bool uplink_bind_changed(void);
/** Whether all units are bound again that ports had before this process: until then the host is kept from what the last
 * one said. */
bool uplink_bind_restored(void);
/** Calls visit for the ports (host order) that are bound. address: 16 bytes as in rows. */
void uplink_bind_each(void (*visit)(uint32_t uplink, uint8_t family, const uint8_t *address, uint16_t first,
                              uint16_t last, void *context),
        void *context);
/** The host is kept from them: they may be given out; what is no longer needed is closed. */
void uplink_bind_done(void);
/** Closes everything. */
void uplink_bind_free(void);

#endif
