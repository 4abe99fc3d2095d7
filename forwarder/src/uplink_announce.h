/*
 * Tells neighbours which addresses are at an uplink: its own, and those that nat_owns. ANNOUNCEMENTS times, a second
 * apart, when an address comes, when the link comes up, and when the MAC address changes (RFC 5227 §2.3, RFC 4861
 * §7.2.6); not those that the host answers for. fwd-learn alone, without the writer lock.
 */
#ifndef WEFT_UPLINK_ANNOUNCE_H
#define WEFT_UPLINK_ANNOUNCE_H

#include <stdint.h>

/** 0 or -ENOMEM. */
int uplink_announce_start(void);
void uplink_announce_stop(void);
/** Sends what is due; after uplink_ports_look. */
void uplink_announce_poll(uint64_t now_ms);
/** Another host uses an address of ours: it and everyone is told again, once in 10 s (RFC 5227 §2.4 c). */
void uplink_announce_defend(
        uint32_t uplink, uint8_t family, const uint8_t *address, const uint8_t *mac, uint64_t now_ms);

#endif
