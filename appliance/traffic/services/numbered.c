#include "numbered.h"

#include <linux/if_ether.h>
#include <string.h>

#include "frame.h"

#define MAGIC 0x57667477u

enum { UDP = 17, TCP = 6, UDP_HEAD = 8, TCP_HEAD = 20, PAYLOAD = 16, LOW = 1024, HIGH = 61100, HIGHS = 4000 };

size_t numbered_write(const struct numbered *flows, uint64_t flow, uint8_t *frame)
{
	uint32_t low = LOW + (uint32_t)(flow % flows->ports), high = HIGH + (uint32_t)(flow / flows->ports % HIGHS);
	bool syn = flows->kind == NUMBERED_SYN;
	size_t length = syn ? TCP_HEAD : UDP_HEAD + PAYLOAD;
	uint8_t *ip = frame + frame_head(frame, &flows->vm, flows->target_mac, ETH_P_IP);
	uint8_t *l4 = ip + frame_ip4(ip, syn ? TCP : UDP, length, flows->vm.ip4, flows->target4);

	memset(l4, 0, length);
	put16(l4, flows->kind == NUMBERED_BACK ? high : low);
	put16(l4 + 2, flows->kind == NUMBERED_BACK ? low : high);
	if (syn) {
		put32(l4 + 4, (uint32_t)flow * 2654435761u);
		l4[12] = TCP_HEAD / 4 << 4;
		l4[13] = 2;
		put16(l4 + 14, 64240);
	} else {
		put16(l4 + 4, (uint32_t)length);
		put32(l4 + UDP_HEAD, MAGIC);
		put32(l4 + UDP_HEAD + 4, (uint32_t)(flows->number + flow));
		put32(l4 + UDP_HEAD + 8, flows->kind);
	}
	put16(l4 + (syn ? 16 : 6), (uint16_t)~frame_sum(syn ? TCP : UDP, ip + 12, false, l4, length));
	return (size_t)(l4 - frame) + length;
}

uint8_t *numbered_find(uint8_t *frame, size_t length)
{
	uint8_t *udp = frame + ETH_HLEN + 20;

	if (length < ETH_HLEN + 20 + UDP_HEAD + PAYLOAD || get16(frame + 12) != ETH_P_IP || frame[ETH_HLEN] != 0x45 ||
	        frame[ETH_HLEN + 9] != UDP || get32(udp + UDP_HEAD) != MAGIC)
		return NULL;
	return udp;
}

uint32_t numbered_number(const uint8_t *udp)
{
	return get32(udp + UDP_HEAD + 4);
}

bool numbered_is_back(const uint8_t *udp)
{
	return get32(udp + UDP_HEAD + 8) == NUMBERED_BACK;
}

static void swap(uint8_t *a, uint8_t *b, size_t length)
{
	uint8_t kept[16];

	memcpy(kept, a, length);
	memcpy(a, b, length);
	memcpy(b, kept, length);
}

size_t numbered_turn(uint8_t *frame, uint8_t *udp)
{
	size_t length = (size_t)(udp - frame) + UDP_HEAD + PAYLOAD;
	uint8_t *ip = frame + ETH_HLEN;

	swap(frame, frame + 6, 6);
	swap(ip + 12, ip + 16, 4);
	swap(udp, udp + 2, 2);
	put32(udp + UDP_HEAD + 8, NUMBERED_BACK);
	put16(udp + 6, 0);
	put16(udp + 6, (uint16_t)~frame_sum(UDP, ip + 12, false, udp, UDP_HEAD + PAYLOAD));
	return length;
}
