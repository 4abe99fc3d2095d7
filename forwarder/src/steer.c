#include <rte_mbuf.h>

#include "offload.h"
#include "punt.h"
#include "service.h"
#include "service_port.h"
#include "stage.h"
#include "tables.h"

verdict_t steer_punt(struct pkt *pkt, const struct ingress *in, const struct fwd_punt_class_row *punt_class)
{
	struct punt_origin origin = {
	        .port = in->port->id,
	        .generation = in->port->generation,
	        .vrf = in->bridge->vrf,
	        .slot = in->port->slot,
	        .tagged = in->row->vlan != 0,
	        .vlan = in->row->vlan,
	};

	/* No hardware will be behind a plugin. */
	offload_finish(pkt->mbuf);
	return punt_send(pkt->mbuf, punt_class, &origin);
}

/* A packet with a port that some service row names. */
static __attribute__((noinline)) verdict_t search_service(struct pkt *pkt, const struct ingress *in)
{
	const struct fwd_punt_class_row *punt_class = NULL;
	uint8_t address[16] = {0};
	uint8_t family = (pkt->flags & PKT_IPV4) != 0 ? 4 : 6;

	if (family == 4)
		memcpy(address, &pkt->dst_be, sizeof(pkt->dst_be));
	else
		memcpy(address, pkt_dst6(pkt), sizeof(address));
	const struct fwd_service_row *row =
	        tables_service(in->bridge->vrf, family, pkt->protocol, pkt->dst_l4_port, address, &punt_class);
	if (row == NULL)
		return VERDICT_NEXT;
	RECORD(pkt, RECORD_SERVICE, row);
	if (row->action == FWD_ACTION_PORT)
		return service_enter(pkt, in, tables_owner(row));
	if (row->action == FWD_ACTION_REJECT)
		return DROP_SERVICE_UNSERVED;
	return punt_class == NULL ? DROP_UNRESOLVED : steer_punt(pkt, in, punt_class);
}

verdict_t stage_service(struct pkt *pkt, const struct ingress *in)
{
	if ((pkt->flags & PKT_L4) == 0 || likely(!service_possible(pkt->protocol, pkt->dst_l4_port)))
		return VERDICT_NEXT;
	return search_service(pkt, in);
}
