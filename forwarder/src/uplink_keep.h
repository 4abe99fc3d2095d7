/*
 * What the host is kept from, made so: what rows say (uplink_owned.h) and what is bound (uplink_bind.h) goes to
 * nftables (uplink_filter.h), when some of it may have changed. fwd-host alone.
 */
#ifndef WEFT_UPLINK_KEEP_H
#define WEFT_UPLINK_KEEP_H

#include <stdbool.h>
#include <stdint.h>

/** After uplink_bind_step. news: the host's interfaces or addresses were read anew. True: nothing is left to do until
 * something changes. now_ms: of any steady clock. */
bool uplink_keep_step(bool news, uint64_t now_ms);
/** The next step knows of nothing that was. */
void uplink_keep_forget(void);

#endif
