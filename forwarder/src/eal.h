/*
 * DPDK's environment on a thread of its own, fwd-main: rte_eal_init pins the thread that calls it, and must not pin a
 * JavaScript one. fwd-main and every thread made on it have all signals blocked. One life per process: EAL cannot be
 * initialised twice.
 */
#ifndef WEFT_EAL_H
#define WEFT_EAL_H

#include <stdint.h>

#include "forwarder.h"

/*
 * Starts fwd-main, initialises EAL there and calls up(config) on it; returns when that returned. A negative errno from
 * `up` ends EAL again. Returns 0 or FWD_ERR_EAL, FWD_ERR_SYSTEM with a sentence.
 */
int32_t eal_start(const struct fwd_config *config, int (*up)(const struct fwd_config *config));

/* Calls down() on fwd-main, ends EAL and the thread. Once, after eal_start returned 0. */
void eal_stop(void (*down)(void));

/* Sets close-on-exec on every descriptor but 0 to 2: EAL and its drivers do not, and a child would keep their memory
 * alive. */
void eal_close_on_exec(void);

#endif
