#include <rte_ether.h>
#include <rte_mbuf.h>

#include "stage.h"

#define VID_MASK 0xfff

uint16_t stage_vlan(const struct port *port, bool trunk, struct rte_mbuf *mbuf, verdict_t *reason)
{
	bool tagged = (mbuf->ol_flags & RTE_MBUF_F_RX_VLAN_STRIPPED) != 0;

	if (!tagged && mbuf->data_len >= RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN && mbuf->pkt_len == mbuf->data_len)
		tagged = rte_vlan_strip(mbuf) == 0;
	uint16_t vlan = tagged ? mbuf->vlan_tci & VID_MASK : 0;
	if (!trunk) {
		/* VID 0 is a priority tag (IEEE 802.1Q §6.9): the frame counts as untagged. */
		*reason = DROP_VLAN_TAGGED;
		return vlan == 0 ? port->slot : 0;
	}
	*reason = DROP_VLAN_UNKNOWN;
	return vlan == 0 ? 0 : port_vlan(port, vlan);
}
