/*
 * The reasons of drop.def as numbers, and verdicts: what a stage says about a packet.
 * A verdict below DROP_COUNT is a drop for that reason; the values from VERDICT_NEXT on are no drops.
 * Any thread may call the functions.
 */
#ifndef FORWARDER_DROP_H
#define FORWARDER_DROP_H

#include <stdint.h>

enum drop_reason {
#define DROP(name, text, sentence) DROP_##name,
#include "drop.def"
#undef DROP
	DROP_COUNT
};

/** What a stage decided; drop reasons are verdicts, too. */
typedef uint8_t verdict_t;

enum {
	/** Not decided: ask the next stage. */
	VERDICT_NEXT = 128,
	/** Send through pkt->out. */
	VERDICT_SEND,
	/** Turned round: send through the port it came from. */
	VERDICT_REPLY,
	/** Copy to every other port of the bridge. */
	VERDICT_FLOOD,
	/** Taken by a plugin's ring. */
	VERDICT_PUNT,
	/** Look up the destination address in the port's VRF. */
	VERDICT_ROUTE,
	/** Send through pkt->out in pieces of at most pkt->mtu bytes of IP packet. */
	VERDICT_FRAGMENT,
	/** Kept: a fragment that waits for the first one of its datagram (flow_fragment.h). */
	VERDICT_HELD,
	/** Of stage_flow: what the packet needs is on its way; nothing was changed, the stage is to be asked once more.
	 */
	VERDICT_AGAIN,
};

_Static_assert((int)DROP_COUNT <= (int)VERDICT_NEXT, "drop reasons and verdicts share a byte");

/** "name: sentence for an operator"; NULL when reason >= DROP_COUNT. */
const char *drop_text(uint32_t reason);

#endif
