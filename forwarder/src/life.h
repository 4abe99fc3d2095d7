/*
 * Whether the forwarder runs: calls come in only between fwd_start and fwd_stop, which wait for those inside. Any
 * thread.
 */
#ifndef WEFT_LIFE_H
#define WEFT_LIFE_H

#include <stdbool.h>
#include <stdint.h>

/* False: it does not run, or is being started or stopped. True: it runs until life_leave. */
bool life_enter(void);
void life_leave(void);

/* True for the first caller ever; life_started must follow. */
bool life_starting(void);
void life_started(bool well);

/* True if it runs: nobody is inside any more; life_stopped must follow. */
bool life_stopping(void);
void life_stopped(void);

/* Set the sentence and return FWD_ERR_STATE, FWD_ERR_ARGUMENT. */
int32_t not_running(void);
int32_t bad_argument(const char *text);

#endif
