#include "capture_filter.h"

#include <pcap/pcap.h>
#include <stdio.h>
#include <string.h>

#define FRAME_LIMIT 65535

_Static_assert(sizeof(struct bpf_insn) == FILTER_STEP_BYTES, "struct bpf_insn");

int filter_compile(const char *text, struct bpf_insn *program, uint32_t room, char *sentence, uint32_t length)
{
	struct bpf_program compiled;
	int count = -1;
	pcap_t *ethernet = pcap_open_dead(DLT_EN10MB, FRAME_LIMIT);

	if (ethernet == NULL) {
		snprintf(sentence, length, "out of memory");
		return -1;
	}
	if (pcap_compile(ethernet, &compiled, text, 1, PCAP_NETMASK_UNKNOWN) != 0) {
		snprintf(sentence, length, "%s", pcap_geterr(ethernet));
	} else {
		if (compiled.bf_len > room) {
			snprintf(
			        sentence, length, "it is too long: %u instructions, at most %u", compiled.bf_len, room);
		} else if (!filter_valid(compiled.bf_insns, compiled.bf_len)) {
			snprintf(sentence, length, "it loops over headers (protochain), which is not supported");
		} else {
			count = (int)compiled.bf_len;
			memcpy(program, compiled.bf_insns, compiled.bf_len * sizeof(*program));
		}
		pcap_freecode(&compiled);
	}
	pcap_close(ethernet);
	return count;
}

bool filter_valid(const struct bpf_insn *program, uint32_t count)
{
	if (count == 0 || count > FILTER_LIMIT)
		return false;
	/* libpcap lets "ja" go backwards: such a program may never end. */
	for (uint32_t i = 0; i < count; i++) {
		if (program[i].code == (BPF_JMP | BPF_JA) && program[i].k >= count - i)
			return false;
	}
	return bpf_validate(program, (int)count) != 0;
}

bool filter_matches(const struct bpf_insn *program, const uint8_t *frame, uint32_t there, uint32_t length)
{
	return bpf_filter(program, frame, length, there) != 0;
}
