#include <rte_mbuf.h>

#include "punt.h"
#include "stage.h"
#include "tables.h"

verdict_t stage_service(struct pkt *pkt, const struct ingress *in)
{
	const struct fwd_punt_class_row *punt_class = NULL;
	uint8_t address[16] = {0};
	uint8_t family = (pkt->flags & PKT_IPV4) != 0 ? 4 : 6;

	if ((pkt->flags & PKT_L4) == 0)
		return VERDICT_NEXT;
	if (family == 4)
		memcpy(address, &pkt->dst_be, sizeof(pkt->dst_be));
	else
		memcpy(address, pkt->data + pkt->l3 + 24, sizeof(address));
	const struct fwd_service_row *row =
	        tables_service(in->bridge->vrf, family, pkt->protocol, pkt->dst_l4_port, address, &punt_class);
	if (row == NULL)
		return VERDICT_NEXT;
	if (punt_class == NULL)
		return DROP_UNRESOLVED;
	struct punt_origin origin = {
	        .port = in->port->id,
	        .generation = in->port->generation,
	        .vrf = in->bridge->vrf,
	        .slot = in->port->slot,
	        .tagged = in->row->vlan != 0,
	        .vlan = in->row->vlan,
	};
	return punt_send(pkt->mbuf, punt_class, &origin);
}
