/*
 * libFuzzer: one frame (or a few) through parse and all stages over small tables. The first byte chooses the port, the
 * second the length of the first frame; the parser also sees each frame in a buffer of exactly its size, so that ASan
 * catches a read past its end.
 */
#include <stdlib.h>
#include <string.h>

#include <rte_mbuf.h>

#include "io.h"
#include "parse.h"
#include "punt.h"
#include "tenants.h"

static const uint8_t entries[] = {1, 2, 3, 4, 5, 5, 5, 8};

/* LeakSanitizer does not look into the mmaps that hold our tables' pointers, and sees leaks that are none. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
	rig_start();
	tenants_make();
	RIG_ROW(punt_class, .id = 7, .receiver = (uint16_t)rig_owner(), .rate = UINT32_MAX, .burst = 1,
	        .port_rate = UINT32_MAX, .port_burst = 1, .name = "dhcp");
	return 0;
}

static void parse_exact(const uint8_t *frame, uint16_t length)
{
	struct rte_mbuf mbuf = {.data_len = length, .pkt_len = length, .nb_segs = 1};
	uint8_t *copy = malloc(length);
	struct pkt pkt;

	if (length != 0)
		memcpy(copy, frame, length);
	mbuf.buf_addr = copy;
	if (parse(&pkt, &mbuf) == VERDICT_NEXT && (pkt.l3 > length || pkt.l4 > length))
		abort();
	free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t batch[1 << 20];
	uint32_t frames = 0;

	while (size >= 2 && frames++ < 4) {
		uint32_t port = entries[data[0] % sizeof(entries)];
		/* 0: the rest, so that long frames are possible. */
		size_t length = data[1] == 0 || data[1] > size - 2 ? size - 2 : data[1];
		if (length > 2000)
			length = 2000;
		/* A source MAC that the port may use, unless the input begs to differ: most paths lie behind that
		 * check. */
		uint8_t frame[2000];
		memcpy(frame, data + 2, length);
		if (length >= 12 && data[0] < 200)
			memcpy(frame + 6, mac_of((uint8_t)port), 6);
		parse_exact(frame, (uint16_t)length);
		rig_send(port, frame, (uint32_t)length);
		data += 2 + length;
		size -= 2 + length;
	}
	rig_run();
	rig_clear();
	while (punt_read(rig_owner(), batch, sizeof(batch)) > 0)
		;
	/* Sums all counters: every time would halve the speed; a wrong one stays wrong. */
	static uint32_t runs;
	if (++runs % 256 == 0 && !rig_ledgers_hold())
		abort();
	return 0;
}
