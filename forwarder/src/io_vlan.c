#include "io.h"

#include <errno.h>
#include <rte_ether.h>
#include <rte_mbuf.h>
#include <stdlib.h>

#include "capture.h"

/* rte_vlan_insert moves the offsets of a pending checksum, but this way back nobody does. */
static void untag(struct rte_mbuf *m)
{
	rte_vlan_strip(m);
	if (m->l2_len >= RTE_ETHER_HDR_LEN + RTE_VLAN_HLEN)
		m->l2_len -= RTE_VLAN_HLEN;
}

/* Pushes the tag into the frame: the trunk's I/O need not know of vlan_tci. A frame it cannot tag ends the burst, to be
 * dropped. Frames that the trunk does not take lose the tag again: they come back, or count as drops, untagged. */
static int vlan_tx(struct port_io *io, struct rte_mbuf **mbufs, uint16_t n)
{
	const struct port *trunk = io->private_data;
	struct port_io *out = port_io_of(trunk);
	uint16_t tagged;

	if (out == NULL)
		return 0;
	for (tagged = 0; tagged < n; tagged++) {
		mbufs[tagged]->vlan_tci = (uint16_t)io->handle;
		if (rte_vlan_insert(&mbufs[tagged]) != 0)
			break;
	}
	capture_out(trunk->slot, mbufs, tagged);
	int sent = tagged == 0 ? -EINVAL : out->ops->tx_burst(out, mbufs, tagged);
	for (int i = sent < 0 ? 0 : sent; i < tagged; i++)
		untag(mbufs[i]);
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
	/* One thread only sends through the trunk's I/O. */
	io->owner = port_io_of(trunk)->owner;
	*out = io;
	return 0;
}
