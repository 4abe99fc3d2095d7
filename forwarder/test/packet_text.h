/*
 * Packets written as text, for fixtures. Layers are separated by " | "; lengths, next-protocol fields and checksums are
 * filled in.
 *
 *   eth SRC DST [vlan N] [type 0xNNNN]      a MAC: m1 … m99 (02:00:00:00:00:NN, decimal), gw (00:00:5e:00:01:00), bc,
 *                                           or six hex bytes with colons
 *   arp request|reply SMAC SIP TMAC TIP [hardware N]
 *   ip4 SRC DST [ttl N] [tos N] [id N|*] [df] [mf] [offset BYTES] [proto N] [options BYTES] [badsum]
 *   ip6 SRC DST [hops N] [class N] [next N]
 *   hop | routing | dest                    an extension header of 8 bytes (padding)
 *   frag [id N] [offset BYTES] [mf]         the fragment header (RFC 8200 §4.5)
 *   udp SPORT DPORT [nosum]                 nosum: checksum 0, which says that there is none (RFC 768)
 *   tcp SPORT DPORT [FLAGS] [seq N] [ack N] FLAGS of FSRPA
 *   sctp SPORT DPORT                        a common header (RFC 9260 §3.1), checksum 0
 *   icmp TYPE CODE [word N]                 ICMPv4 or ICMPv6, by the IP layer before; word: bytes 4 to 7; what an
 *                                           error quotes may follow as layers of its own
 *   ns TARGET [slla MAC] · na TARGET FLAGS [tlla MAC] · rs [slla MAC] · ra        FLAGS of RSO, or -
 *   data N · hex BYTES                      counting bytes; given bytes
 *   quote N · part FROM N                   the IP packet sent last, cut after N bytes; N bytes of its payload
 *
 * `id *`: any value is right there, and in the checksum over it.
 */
#ifndef PACKET_TEXT_H
#define PACKET_TEXT_H

#include <stdbool.h>
#include <stdint.h>

#define PACKET_TEXT_LIMIT 10000u

struct packet_text {
	uint32_t length;
	uint8_t bytes[PACKET_TEXT_LIMIT];
	/** 0xff: must be equal; 0: anything. */
	uint8_t mask[PACKET_TEXT_LIMIT];
};

/** quoted: what `quote` copies from, or NULL. False with a sentence in fault (≥ 128 bytes). */
bool packet_text_make(const char *text, const struct packet_text *quoted, struct packet_text *out, char *fault);

/** Six bytes of a MAC address or 16 of an IP address (family 4 or 6 in *family) from their text. False: it is none. */
bool packet_text_mac(const char *text, uint8_t *out);
bool packet_text_address(const char *text, uint8_t *out, uint8_t *family);

#endif
