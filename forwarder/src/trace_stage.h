/*
 * Included before everything else when a step of the walk is compiled a second time, for traces (Makefile: TRACED). The
 * code is the same; only what it calls differs:
 *   - every function and table of these files is named trace_… (trace_names.h, made from their object files);
 *   - what acts on the outside (I/O, punts, what is learned, limits) is told to trace.h's recorder, or asked only;
 *   - RECORD says which rows decided; what calls stages (TRACE_WALK) also tells what each stage says, and what calls
 *     stage_flow (TRACE_FLOW) what that one says.
 */
#ifndef FORWARDER_TRACE_STAGE_H
#define FORWARDER_TRACE_STAGE_H

#include "trace_names.h"

#define RECORD(pkt, kind, value) trace_record(pkt, kind, (uintptr_t)(value))

#include "capture.h"
#include "flow.h"
#include "flow_act.h"
#include "flow_nat.h"
#include "learn.h"
#include "limit.h"
#include "port.h"
#include "punt.h"
#include "service_peer.h"
#include "service_port.h"
#include "stage.h"
#include "trace.h"
#include "tx.h"
#include "uplink.h"

#define capture_in(slot, mbufs, count)                    ((void)0)
#define capture_out(slot, mbufs, count)                   ((void)0)
#define capture_drop(mbuf, reason)                        trace_dropped(mbuf, reason)
#define port_io_of(port)                                  trace_port_io(port)
#define punt_send(mbuf, row, origin)                      trace_punted(mbuf, row, origin)
#define punt_flush()                                      ((void)0)
#define learn_mac(in, mac)                                trace_learned_mac(in, mac)
#define learn_neighbor(in, address, mac)                  trace_learned_neighbor(in, address, mac)
#define limit_take(kind, slot, rate, burst)               limit_peek(kind, slot, rate, burst)
#define service_peer_take(slot, generation, family, peer) service_peer_peek(slot, generation, family, peer)
#define flow_fragment_enter(pkt, in, now, ports)          flow_fragment_peek(pkt, in, now, ports)
#define flow_fragment_decided(pkt, in, ports, verdict)    ((void)0)
#define uplink_find(uplink, family, address)              uplink_look(uplink, family, address)
#define uplink_ask(pkt, in, uplink, family, address)      uplink_peek(pkt, uplink, family, address)
#define uplink_learn(in, family, address, mac, word)      ((void)(mac), (void)(word))
#define flow_make(question, decision, ref, other)         trace_flow_made(question, decision, ref, other)
#define flow_refused(question, ref, decision)             trace_flow_refused(question, ref, decision)
#define flow_keep(question, ref, decision)                ((void)0)
#define flow_leave(in, ref)                               ((void)0)
#define flow_track(pkt, pair, direction)                  ((void)0)
#define flow_count_packet(pkt, in, count)                 ((void)0)
#define flow_count_error(pkt, count)                      ((void)0)
#define flow_count_alone(question, decision)              ((void)0)
#define flow_dropped(pkt, reason)                         ((void)0)

#ifdef TRACE_FLOW
#undef stage_flow
#undef flow_copy_passes
#undef flow_nat_back
#define flow_nat_back(pkt)                    trace_flow_back(pkt)
#define stage_flow(pkt, in, out)              trace_stage("flow", trace_stage_flow(pkt, in, out))
#define flow_copy_passes(pkt, in, out, ports) trace_stage("flow", trace_flow_copy_passes(pkt, in, out, ports))
#endif

#ifdef TRACE_WALK
#undef parse
#undef stage_check
#undef stage_service
#undef stage_service_leave
#undef stage_arp
#undef stage_nd
#undef stage_mac
#undef stage_bridge
#undef stage_route
#undef stage_route_translated
#undef stage_underlay
#undef tx_originate
#define parse(pkt, mbuf)                     trace_stage("parse", trace_parse(pkt, mbuf))
#define stage_check(pkt, in)                 trace_stage("check", trace_stage_check(pkt, in))
#define stage_service(pkt, in)               trace_stage("service", trace_stage_service(pkt, in))
#define stage_service_leave(pkt, in)         trace_stage("service", trace_stage_service_leave(pkt, in))
#define stage_arp(pkt, in)                   trace_stage("arp", trace_stage_arp(pkt, in))
#define stage_nd(pkt, in)                    trace_stage("nd", trace_stage_nd(pkt, in))
#define stage_mac(pkt, in)                   trace_stage("bridge", trace_stage_mac(pkt, in))
#define stage_bridge(pkt, in)                trace_stage("bridge", trace_stage_bridge(pkt, in))
#define stage_route(pkt, in, handle, egress) trace_stage("route", trace_stage_route(pkt, in, handle, egress))
#define stage_route_translated(pkt, in, handle, egress)                                                                \
	trace_stage("route", trace_stage_route_translated(pkt, in, handle, egress))
#define stage_underlay(pkt, in)      trace_stage("underlay", trace_stage_underlay(pkt, in))
#define tx_originate(tx, slot, mbuf) trace_tx_originate(tx, slot, trace_made(mbuf))
#endif

#endif
