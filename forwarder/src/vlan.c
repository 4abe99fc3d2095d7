#include <rte_ether.h>
#include <rte_mbuf.h>

#include "stage.h"

#define VID_MASK 0xfff

/* A tag that the bytes still carry; offsets of pending checksums move with it. */
static __attribute__((noinline)) void strip(struct rte_mbuf *mbuf)
{
	if (rte_vlan_strip(mbuf) == 0 && mbuf->l2_len >= RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN)
		mbuf->l2_len -= RTE_VLAN_HLEN;
}

uint16_t stage_vlan(const struct port *port, bool trunk, struct rte_mbuf *mbuf, verdict_t *reason)
{
	const struct rte_ether_hdr *eth = rte_pktmbuf_mtod(mbuf, const struct rte_ether_hdr *);

	if (mbuf->data_len >= RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN &&
	        eth->ether_type == rte_cpu_to_be_16(RTE_ETHER_TYPE_VLAN) &&
	        (mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) == 0)
		strip(mbuf);
	uint16_t vlan = (mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0 ? mbuf->vlan_tci & VID_MASK : 0;
	if (!trunk) {
		/* VID 0 is a priority tag (IEEE 802.1Q §6.9): the frame counts as untagged. */
		*reason = DROP_VLAN_TAGGED;
		return vlan == 0 ? port->slot : 0;
	}
	*reason = DROP_VLAN_UNKNOWN;
	return vlan == 0 ? 0 : port_vlan(port, vlan);
}
