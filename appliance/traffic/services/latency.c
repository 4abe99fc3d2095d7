#include "latency.h"

static uint32_t cell_of(uint64_t us)
{
	if (us < 32)
		return (uint32_t)us;
	uint32_t shift = 63 - (uint32_t)__builtin_clzll(us) - 5;
	return (shift + 1) * 32 + (uint32_t)(us >> shift & 31);
}

/* The largest time of a cell, microseconds. */
static uint64_t top_of(uint32_t cell)
{
	if (cell < 32)
		return cell;
	uint32_t shift = cell / 32 - 1;
	return (((uint64_t)(32 + cell % 32) + 1) << shift) - 1;
}

void latency_add(struct latency *latency, uint64_t us)
{
	latency->cells[cell_of(us)]++;
	latency->count++;
	if (us > latency->longest_us)
		latency->longest_us = us;
}

/* Milliseconds that `share` of the times do not exceed. */
static double percentile(const struct latency *latency, double share)
{
	uint64_t wanted = (uint64_t)((double)latency->count * share), seen = 0;

	for (uint32_t cell = 0; cell < sizeof(latency->cells) / sizeof(*latency->cells); cell++) {
		seen += latency->cells[cell];
		if (seen > wanted)
			return (double)(top_of(cell) < latency->longest_us ? top_of(cell) : latency->longest_us) / 1e3;
	}
	return (double)latency->longest_us / 1e3;
}

void latency_print(const struct latency *latency, FILE *out)
{
	fprintf(out, "{\"p50\": %.3f, \"p90\": %.3f, \"p99\": %.3f, \"p999\": %.3f, \"max\": %.3f}",
	        percentile(latency, 0.5), percentile(latency, 0.9), percentile(latency, 0.99),
	        percentile(latency, 0.999), (double)latency->longest_us / 1e3);
}
