/* What fuzzers of frames share: the bytes of an input, sound packets with some bytes changed, and a word before the
 * end. */
#ifndef FUZZ_INPUT_H
#define FUZZ_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_mbuf.h>

#include "packet_text.h"
#include "parse.h"

/* LeakSanitizer does not look into the mmaps that hold our tables' pointers, and sees leaks that are none. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "detect_leaks=0";
}

struct input {
	const uint8_t *at;
	size_t left;
};

/** The next byte; 0 behind the end. */
static inline uint8_t input_next(struct input *input)
{
	if (input->left == 0)
		return 0;
	input->left--;
	return *input->at++;
}

/** A sound packet with as many bytes changed as the low 4 bits of `options` say: [offset, value] of the input. */
static inline uint32_t input_change(
        struct input *input, const struct packet_text *sample, uint8_t options, uint8_t *frame)
{
	memcpy(frame, sample->bytes, sample->length);
	for (uint32_t i = options & 15; i > 0 && input->left >= 2; i--) {
		uint8_t at = input_next(input), value = input_next(input);
		if (at < sample->length)
			frame[at] = value;
	}
	return sample->length;
}

/** A packet from its text; aborts when there is a fault in it. */
static inline void input_sample(const char *text, struct packet_text *sample)
{
	char fault[128];

	if (packet_text_make(text, NULL, sample, fault))
		return;
	fprintf(stderr, "%s: %s\n", text, fault);
	abort();
}

/** The headers of a frame; false: it is malformed. */
static inline bool input_parse(struct pkt *pkt, struct rte_mbuf *mbuf, uint8_t *frame, uint32_t length)
{
	*mbuf = (struct rte_mbuf){.buf_addr = frame, .data_len = (uint16_t)length, .pkt_len = length, .nb_segs = 1};
	return parse(pkt, mbuf) == VERDICT_NEXT;
}

/** Aborts, and shows a frame, when something does not hold. */
static inline void input_demand(bool holds, const char *what, const uint8_t *frame, uint32_t length)
{
	if (holds)
		return;
	fprintf(stderr, "%s:", what);
	for (uint32_t i = 0; i < length; i++)
		fprintf(stderr, "%s%02x", i % 32 == 0 ? "\n" : " ", frame[i]);
	fprintf(stderr, "\n");
	abort();
}

#endif
