/*
 * What waits for the link thread: ports that are new, changed or gone, and the wish to look at machines' states. The
 * other side of link_queue, link_queue_gone, link_look and link_settle (link.h); for link.c alone.
 */
#ifndef FORWARDER_LINK_QUEUE_H
#define FORWARDER_LINK_QUEUE_H

#include <stdbool.h>

struct port;

/** Makes the descriptor that is readable when something waits; others may queue before. 0 or -errno. */
int link_queue_open(void);
void link_queue_close(void);
int link_queue_fd(void);
void link_queue_wake(void);
/** The descriptor is no longer readable for what waits now. */
void link_queue_calm(void);
/** The port that waits longest; NULL: none. *gone: link_queue_gone took it out of everybody else's hands. */
struct port *link_queue_pop(bool *gone);
/** Whether link_look was called since. */
bool link_queue_look(void);

#endif
