/*
 * What rows say about the way out: addresses that stand for others behind uplinks.
 *
 *   floating_ip   outside address ⇄ address of a VM's port, one to one, any protocol
 *   nat_address   outside address that the ports of VMs share; who has which of its ports: nat_map.h
 *   vrf_nat       what packets of a VRF share, and the uplink whose addresses are reached from inside
 *
 * (port, family, address) of nat_address and floating_ip rows: of two rows with the same address behind two uplinks
 * only one counts for nat_map.h, the other is logged.
 *
 * nat_*_changed, nat_publish, nat_init, nat_fini: the writer. Everything else: registered readers, or the writer; what
 * is returned stays until the next quiescent state. address: 16 bytes as in rows.
 */
#ifndef WEFT_NAT_H
#define WEFT_NAT_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarder.h"

/* 0 or -ENOMEM. Before there are rows. */
int nat_init(void);
void nat_fini(void);

/** A row came (old NULL), changed, or went (new NULL). */
void nat_floating_changed(const struct fwd_floating_ip_row *old, const struct fwd_floating_ip_row *new);
void nat_address_changed(const struct fwd_nat_address_row *old, const struct fwd_nat_address_row *new);
void nat_vrf_changed(const struct fwd_vrf_nat_row *old, const struct fwd_vrf_nat_row *new);
/** The batch ends. */
void nat_publish(void);

/** The floating address of an uplink; NULL: there is none. */
const struct fwd_floating_ip_row *nat_floating(uint32_t uplink, uint8_t family, const uint8_t *address);
/** What stands behind an uplink for an address of a VM's port in packets to `to`: the row whose subnet (prefix_length)
 * is the longest that holds `to`; among equals the lowest address. NULL: none. Cheap for ports without any. */
const struct fwd_floating_ip_row *nat_floating_of(
        uint32_t inside_port, uint32_t uplink, uint8_t family, const uint8_t *inside, const uint8_t *to);
/** The shared address of an uplink; NULL: it is none. */
const struct fwd_nat_address_row *nat_address(uint32_t uplink, uint8_t family, const uint8_t *address);
/** NULL: the VRF has no way out. */
const struct fwd_vrf_nat_row *nat_vrf(uint32_t vrf);
/** Whether the uplink answers for an address: floating or shared. */
bool nat_owns(uint32_t uplink, uint8_t family, const uint8_t *address);
/** Calls visit for every address that nat_owns of an uplink. */
void nat_each_owned(
        uint32_t uplink, void (*visit)(uint8_t family, const uint8_t *address, void *context), void *context);
/** Counts changes of what is owned, so that others announce it. */
uint64_t nat_owned_changes(void);

/**
 * Version of the rows that flows through an uplink were translated by: in place of the policy stamp of the uplink
 * (policy_of), so that they are looked at again (flow_judge) when a row goes or changes; one that comes touches no
 * flow. Never POLICY_OPEN, _PENDING or _STALE: packets through an uplink always belong to flows.
 */
const struct policy_port *nat_stamp(uint32_t uplink);

#endif
