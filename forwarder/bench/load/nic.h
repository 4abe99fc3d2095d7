/* mode=nic: a second thread makes and takes frames, so that the polling thread finds their headers in no cache of its
 * own. */
#ifndef LOAD_NIC_H
#define LOAD_NIC_H

#include "load.h"

/* Sets up a port of mode nic; nothing for others. Ends the process when the thread cannot be pinned to LOAD_NIC_CPU. */
void load_nic_start(struct load_port *port);
/* Returns when the thread has let go of the port; frames in its rings are freed. */
void load_nic_stop(struct load_port *port);

/* Frames for the program, and frames of it: those that fit into the ring. */
uint16_t load_nic_receive(struct load_port *port, struct rte_mbuf **packets, uint16_t count);
uint16_t load_nic_send(struct load_port *port, struct rte_mbuf **packets, uint16_t count);

#endif
