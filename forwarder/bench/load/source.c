/* What a generator gives: its frames, and the order in which it visits its flows. */
#include <rte_cycles.h>
#include <string.h>

#include "load.h"

enum {
	SYN = 0x02,
	ACK = 0x10,
	IMIX_SMALL = 60,
	IMIX_MIDDLE = 566,
	IMIX_LARGE = 1514,
	FCS = 4,
};

/* 2^32 / golden ratio, odd: visits all 32-bit numbers. */
#define ENDLESS_STEP UINT64_C(2654435769)

static struct load_divisor divisor(uint64_t by)
{
	return (struct load_divisor){by <= 1 ? 0 : UINT64_MAX / by + 1, (uint32_t)by};
}

static uint64_t common(uint64_t a, uint64_t b)
{
	while (b != 0) {
		uint64_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* A step that visits each of `flows` once before any twice, about 0.618 of them away each time. */
static uint64_t coprime_step(uint64_t flows)
{
	uint64_t step = flows * 618034 / 1000000;

	if (flows <= 2)
		return flows - 1;
	while (common(flows, step) != 1)
		step++;
	return step;
}

static void build_frames(struct load_source *source, const struct load_settings *settings, uint8_t flags)
{
	static const uint16_t imix[] = {IMIX_SMALL, IMIX_MIDDLE, IMIX_LARGE};

	source->sizes = settings->imix ? 3 : 1;
	for (uint32_t i = 0; i < source->sizes; i++) {
		uint16_t bytes = settings->imix ? imix[i] : (uint16_t)(settings->size - FCS);

		/* A SYN carries no data. */
		if (flags == SYN)
			bytes = IMIX_SMALL;
		load_frame_build(&source->frames[i], settings, bytes, flags, source->stamped && flags != SYN);
	}
}

static uint64_t interval_of(uint64_t rate)
{
	return rate == 0 ? 0 : RTE_MAX(load.hz * 256 / rate, UINT64_C(1));
}

void load_source_steady(struct load_source *source, const struct load_settings *settings)
{
	source->opening = 0;
	source->index = 0;
	source->departure = 0;
	source->interval = interval_of(settings->rate);
	build_frames(source, settings, settings->endless ? SYN : ACK);
}

void load_source_prepare(struct load_source *source, const struct load_settings *settings)
{
	bool resolution = settings->protocol == LOAD_ARP || settings->protocol == LOAD_ND;

	memset(source, 0, sizeof(*source));
	source->dsts = divisor(settings->dsts);
	source->sources = divisor(settings->sources);
	source->macs = divisor(settings->macs);
	source->flows = settings->endless ? UINT64_C(1) << 32 : settings->flows;
	source->step = settings->endless ? ENDLESS_STEP : coprime_step(source->flows);
	source->src_high = rte_cpu_to_be_64(settings->src.high);
	source->src_low = settings->src.low;
	source->dst_high = settings->dst.high;
	source->dst_low = rte_cpu_to_be_64(settings->dst.low);
	source->dst_step = settings->dst_step;
	if (settings->family == 4)
		source->dst_low = settings->dst.low;
	source->sport = (uint16_t)settings->sport;
	source->dport = (uint16_t)settings->dport;
	source->protocol = (uint8_t)settings->protocol;
	source->family = (uint8_t)settings->family;
	source->patches_mac = settings->macs != 0 && settings->tunnel != LOAD_MPLS_UDP && !resolution;
	source->stamped = settings->rate != 0;
	if (settings->setup == 0) {
		load_source_steady(source, settings);
		return;
	}
	source->opening = source->flows;
	source->interval = interval_of(settings->setup);
	build_frames(source, settings, SYN);
}
