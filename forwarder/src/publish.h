/*
 * Brings planned row changes about: from the journal into slots, indexes and the packet threads' views.
 *
 * A plan is: publish_begin, any number of publish_put / publish_remove with distinct keys, then publish_commit or
 * publish_abort. Nobody sees anything before publish_commit, which cannot fail. Packet threads see each row old or new;
 * within a batch new definitions appear before what refers to them, and references go before what they refer to.
 *
 * Writer lock held.
 */
#ifndef WEFT_PUBLISH_H
#define WEFT_PUBLISH_H

#include <stdint.h>

void publish_begin(void);

/* The row becomes what is given. Returns 1, 0 if it is so already, or FWD_ERR_OWNER, FWD_ERR_FULL. */
int32_t publish_put(uint32_t owner, uint32_t table, const uint8_t *row);
/* The row with this key goes. Returns 1, 0 if there is none, or FWD_ERR_OWNER, FWD_ERR_FULL. */
int32_t publish_remove(uint32_t owner, uint32_t table, const uint8_t *key);
/* The row in this slot goes. Returns 0 or FWD_ERR_FULL. */
int32_t publish_remove_slot(uint32_t table, uint32_t slot);

/* Returns 0, or FWD_ERR_MEMORY: nothing has changed, as after publish_abort. */
int32_t publish_commit(void);
void publish_abort(void);
/* Counts batches that changed ports, bridges, next hops or routes. Any thread. */
uint64_t publish_routing_changes(void);

/* A row found in the state memory at start becomes visible. Returns 0, 1 if its key is there already, or
 * FWD_ERR_MEMORY. */
int32_t publish_found(uint32_t table, uint32_t slot);

#endif
