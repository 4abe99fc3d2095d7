#include "io.h"

#include <errno.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <stdlib.h>

/* Pushes the tag into the frame: the trunk's I/O need not know of vlan_tci. A frame it cannot tag ends the burst, to be
 * dropped. Frames that the trunk does not take lose the tag again: they come back, or count as drops, untagged. */
static uint16_t vlan_tx(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	const struct port *trunk = io->private_data;
	struct port_io *out = port_io_of(trunk);
	uint16_t tagged, sent;

	if (out == NULL)
		return 0;
	for (tagged = 0; tagged < n; tagged++) {
		mbufs[tagged]->vlan_tci = (uint16_t)io->handle;
		if (rte_vlan_insert(&mbufs[tagged]) != 0)
			break;
	}
	sent = tagged == 0 ? 0 : out->ops->tx_burst(out, mbufs, tagged);
	for (uint16_t i = sent; i < tagged; i++)
		rte_vlan_strip(mbufs[i]);
	return sent;
}

static void vlan_close(struct port_io *io)
{
	free(io);
}

static const struct port_ops vlan_ops = {.name = "vlan", .tx_burst = vlan_tx, .close = vlan_close};

int io_vlan_open(struct port *trunk, uint16_t vlan, struct port_io **out)
{
	struct port_io *io = calloc(1, sizeof(*io));

	if (io == NULL)
		return -ENOMEM;
	*io = (struct port_io){.ops = &vlan_ops, .fd = -1, .handle = vlan, .private_data = trunk};
	*out = io;
	return 0;
}
