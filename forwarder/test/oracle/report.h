/* Answers on their way to stdout: {u32 what, u32 length} and bytes. One thread. */
#ifndef REPORT_H
#define REPORT_H

#include <stdint.h>

/** An answer whose length is known. */
void report_head(uint32_t what, uint32_t length);
/** One whose length is not: bytes are gathered until report_end. */
void report_begin(uint32_t what);
void report_bytes(const void *bytes, uint32_t length);
void report_end(void);
void report_flush(void);

#endif
