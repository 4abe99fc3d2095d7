/* What became of frames: which left where, what was counted since the last time. */
#ifndef OUTCOME_H
#define OUTCOME_H

#include <stdint.h>

/** From now on looks at a port in memory; a port with the same number that was there before is forgotten. */
void outcome_watch(uint32_t port);
/** Answers `what` with all that happened to frames since the last call; those that left are gone. entered: the only
 * port whose counters may have moved; 0: any. */
void outcome_tell(uint32_t what, uint32_t entered);

#endif
