/*
 * Which frames a capture takes: pcap-filter expressions, compiled to classic BPF (struct bpf_insn of <pcap/bpf.h>).
 * filter_compile and filter_valid: any thread; filter_matches: packet threads.
 */
#ifndef FORWARDER_CAPTURE_FILTER_H
#define FORWARDER_CAPTURE_FILTER_H

#include <stdbool.h>
#include <stdint.h>

struct bpf_insn;

/** Longest program that is taken, in instructions, and bytes of each. */
#define FILTER_LIMIT      4096u
#define FILTER_STEP_BYTES 8u

/**
 * Compiles an expression of pcap-filter(7) for Ethernet frames into `program`, room for `room` instructions. Host names
 * are looked up: it may wait for name servers. Returns how many instructions; -1: `sentence` (`length` bytes, NUL
 * included) says what is wrong.
 */
int filter_compile(const char *text, struct bpf_insn *program, uint32_t room, char *sentence, uint32_t length);

/** Whether a program ends for every frame and touches nothing but the frame and its own memory. */
bool filter_valid(const struct bpf_insn *program, uint32_t count);

/** Runs a valid program over the first `there` bytes of a frame of `length` bytes. */
bool filter_matches(const struct bpf_insn *program, const uint8_t *frame, uint32_t there, uint32_t length);

#endif
