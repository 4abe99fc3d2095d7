/* A histogram of times in fixed memory: each cell is at most 1/32 wide (as HdrHistogram's). */
#ifndef LATENCY_H
#define LATENCY_H

#include <stdint.h>
#include <stdio.h>

struct latency {
	uint64_t cells[64 * 32];
	uint64_t count, longest_us;
};

void latency_add(struct latency *latency, uint64_t us);
/* Prints {"p50": …, "p90": …, "p99": …, "p999": …, "max": …} in milliseconds. */
void latency_print(const struct latency *latency, FILE *out);

#endif
