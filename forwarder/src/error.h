/*
 * The sentence about the last refusal, one per thread. Any thread.
 */
#ifndef WEFT_ERROR_H
#define WEFT_ERROR_H

#include <stdint.h>

/* Remembers the sentence (printf's format, cut at 255 bytes) and returns `code`, so that one writes `return
 * error_set(FWD_ERR_ROW, ...)`. */
int32_t error_set(int32_t code, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* The calling thread's sentence; "" if there was none. */
const char *error_text(void);

/*
 * Ends the process with a line in the log: memory ran out where the tables would be left half changed. A restarted
 * forwarder rebuilds them.
 */
_Noreturn void error_memory(const char *what);

#endif
