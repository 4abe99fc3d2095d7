/*
 * Traces: the walk of one frame, told step by step, by the code that forwards (see trace_stage.h), without any effect.
 * trace_run: any thread that is no packet thread; one at a time. The others are for the steps of the walk, inside it.
 */
#ifndef FORWARDER_TRACE_H
#define FORWARDER_TRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "drop.h"
#include "forwarder.h"

struct flow_key;
struct flow_question;
struct ingress;
struct pkt;
struct policy_decision;
struct port;
struct port_io;
struct punt_origin;
struct rte_mbuf;

/** Longest frame that is walked: an Ethernet header, a tag and the longest IP packet. */
#define TRACE_FRAME_LIMIT (18u + 65535u)

/**
 * Walks a frame that comes in through a port and writes struct fwd_step records. Returns bytes; -ENOENT: no such port;
 * -ENOSPC: out is too small; -ENOMEM.
 */
int32_t trace_run(uint32_t port, const void *frame, uint32_t frame_length, void *out, uint32_t length);
/** When no trace runs and none will: frees what they used. */
void trace_free(void);

/** A stage's verdict, which it returns. */
verdict_t trace_stage(const char *name, verdict_t verdict);
/** What a stage decided by; kind is enum record_kind. */
void trace_record(const struct pkt *pkt, uint32_t kind, uintptr_t value);
void trace_dropped(const struct rte_mbuf *mbuf, enum drop_reason reason);
/** A frame that is not the one that came; returns it. */
struct rte_mbuf *trace_made(struct rte_mbuf *mbuf);
/** punt_send: the mbuf is gone when it says PUNT. */
verdict_t trace_punted(struct rte_mbuf *mbuf, const struct fwd_punt_class_row *row, const struct punt_origin *origin);
void trace_learned_mac(const struct ingress *in, const uint8_t *mac);
void trace_learned_neighbor(const struct ingress *in, const uint8_t *address, const uint8_t *mac);
/** flow_make and flow_refused (flow_act.h). */
verdict_t trace_flow_made(
        struct flow_question *question, const struct policy_decision *decision, uint32_t *ref, bool *other);
void trace_flow_refused(const struct flow_question *question, uint32_t ref, const struct policy_decision *decision);
/** flow_nat_back (flow_nat.h), also of a flow that only would begin. */
const struct flow_key *trace_flow_back(const struct pkt *pkt);
/** I/O that records what is sent; NULL when the port has none. Good until the next call. */
struct port_io *trace_port_io(const struct port *port);

#endif
