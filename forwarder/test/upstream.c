#include "upstream.h"

#include <netinet/icmp6.h>
#include <rte_arp.h>
#include <rte_ether.h>
#include <stdio.h>
#include <string.h>

#include "outside.h"
#include "packet_text.h"
#include "rows.h"
#include "tables.h"
#include "tenants.h"
#include "uplink.h"
#include "uplink_rows.h"

#define HOSTS    8u
#define TELLS    64u
#define GATEWAYS 8u
#define TURN_MS  20u
#define FAR_AWAY 100000u
#define NEIGHBOR 135
#define ADVERT   136
#define ICMP_AT  54u

static struct upstream_host hosts[HOSTS];
static uint32_t host_count, sent, told;
static uint8_t last_mac;
static uint8_t announced[TELLS][17];
static bool gateways[GATEWAYS];
static uint64_t clock_ms;

static void parse_address(const char *text, uint8_t *key)
{
	memset(key, 0, 17);
	if (!packet_text_address(text, key + 1, key))
		fprintf(stderr, "upstream: %s is no address\n", text);
}

/* Who is asked for by a request or solicitation (key: family, 16 bytes), and whether it tells of itself. */
static bool read_question(const uint8_t *frame, uint32_t length, uint8_t *key, bool *announces)
{
	const struct rte_arp_hdr *arp = (const void *)(frame + RTE_ETHER_HDR_LEN);
	uint16_t type = (uint16_t)(frame[12] << 8 | frame[13]);

	memset(key, 0, 17);
	if (type == RTE_ETHER_TYPE_ARP && length >= 42) {
		key[0] = 4;
		memcpy(key + 1, &arp->arp_data.arp_tip, 4);
		*announces = arp->arp_data.arp_sip == arp->arp_data.arp_tip;
		return arp->arp_opcode == rte_cpu_to_be_16(RTE_ARP_OP_REQUEST);
	}
	if (type != RTE_ETHER_TYPE_IPV6 || length < ICMP_AT + 24 || frame[20] != 58)
		return false;
	key[0] = 6;
	memcpy(key + 1, frame + ICMP_AT + 8, 16);
	*announces = frame[ICMP_AT] == ADVERT && (frame[ICMP_AT + 4] & 0x40) == 0;
	return frame[ICMP_AT] == NEIGHBOR || *announces;
}

static void say(const char *text)
{
	static struct packet_text packet;
	char fault[128];

	if (!packet_text_make(text, NULL, &packet, fault))
		fprintf(stderr, "upstream: %s: %s\n", text, fault);
	rig_send(OUTSIDE_UPLINK, packet.bytes, packet.length);
}

static void answer(struct upstream_host *host, bool group, uint8_t family)
{
	char text[256];

	host->asked_all += group;
	host->asked_alone += !group;
	if (!host->alive)
		return;
	if (family == 4)
		snprintf(text, sizeof(text), "eth m%u m40 | arp reply m%u %s m40 198.18.0.1", host->mac, host->mac,
		        host->address);
	else
		snprintf(text, sizeof(text), "eth m%u m40 | ip6 %s 2001:db8:f::1 hops 255 | na %s RSO tlla m%u",
		        host->mac, host->address, host->address, host->mac);
	say(text);
}

static void take(const uint8_t *frame, uint32_t length)
{
	uint8_t key[17], own[17];
	bool announces;

	if (!read_question(frame, length, key, &announces)) {
		sent++;
		last_mac = frame[5];
		return;
	}
	if (announces && told < TELLS)
		memcpy(announced[told++], key, sizeof(key));
	for (uint32_t i = 0; i < host_count && !announces; i++) {
		parse_address(hosts[i].address, own);
		if (memcmp(own, key, sizeof(key)) == 0)
			answer(&hosts[i], (frame[0] & 1) != 0, key[0]);
	}
}

static void collect(void)
{
	uint8_t frame[RIG_FRAME];

	rig_run();
	while (rig_has(OUTSIDE_UPLINK)) {
		int length = rig_take(OUTSIDE_UPLINK, frame);
		take(frame, (uint32_t)length);
		rig_run();
	}
}

void upstream_pass(uint32_t ms)
{
	for (uint32_t passed = 0; passed < ms; passed += TURN_MS) {
		clock_ms += TURN_MS;
		uplink_poll(clock_ms);
		collect();
	}
	uplink_poll(clock_ms);
	collect();
}

void upstream_pass_all(uint32_t seconds)
{
	upstream_pass(seconds * 1000);
	rig_later(seconds);
	collect();
}

void upstream_gateway(uint32_t number, const char *address)
{
	struct fwd_gateway_row row = {.port = OUTSIDE_UPLINK, .number = number, .family = 4};

	gateways[number] = address != NULL;
	if (address == NULL) {
		rig_delete(FWD_TABLE_GATEWAY, &row, sizeof(row));
		return;
	}
	packet_text_address(address, row.address, &row.family);
	rig_row(FWD_TABLE_GATEWAY, &row, sizeof(row));
}

struct upstream_host *upstream_host(const char *address, uint8_t mac)
{
	struct upstream_host *host = &hosts[host_count++];

	*host = (struct upstream_host){.address = address, .mac = mac, .alive = true};
	return host;
}

void upstream_begin(void)
{
	for (uint32_t i = 0; i < GATEWAYS; i++)
		if (gateways[i])
			upstream_gateway(i, NULL);
	host_count = 0;
	outside_begin();
	/* Each asks those that are known: nobody answers. */
	upstream_pass(FAR_AWAY);
	rig_later(10);
	collect();
	sent = told = 0;
}

uint32_t upstream_announced(const char *address)
{
	uint8_t key[17];
	uint32_t count = 0;

	parse_address(address, key);
	for (uint32_t i = 0; i < told;) {
		if (memcmp(announced[i], key, sizeof(key)) != 0) {
			i++;
			continue;
		}
		count++;
		memcpy(announced[i], announced[--told], sizeof(key));
	}
	return count;
}

uint32_t upstream_sent(uint8_t *mac)
{
	uint32_t count = sent;

	if (mac != NULL)
		*mac = last_mac;
	sent = 0;
	return count;
}

int upstream_known(const char *address, bool *silent)
{
	uint8_t key[17];

	parse_address(address, key);
	const struct fwd_uplink_neighbor_row *row = uplink_neighbor_row(OUTSIDE_UPLINK, key[0], key + 1, NULL);
	if (silent != NULL)
		*silent = row != NULL && row->silent != 0;
	return row == NULL ? -1 : row->mac[5];
}

bool upstream_alive(uint32_t number)
{
	const struct fwd_gateway_row *gateway = uplink_gateway_row(OUTSIDE_UPLINK, number);
	const struct fwd_uplink_neighbor_row *row =
	        gateway == NULL ? NULL : uplink_neighbor_row(OUTSIDE_UPLINK, gateway->family, gateway->address, NULL);

	return row == NULL || row->silent == 0;
}

static void count_row(const void *row, void *count)
{
	++*(uint32_t *)count;
}

uint32_t upstream_count(void)
{
	uint32_t count = 0;

	tables_each_row(FWD_TABLE_UPLINK_NEIGHBOR, count_row, &count);
	return count;
}
