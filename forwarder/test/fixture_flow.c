/* Flows that fixtures expect, and the settings of flows. */
#include <arpa/inet.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "drop.h"
#include "fixture.h"
#include "flow_life.h"
#include "packet_text.h"
#include "rig.h"

/* Longer than any flow lives. */
#define FOREVER 8000u

static struct fwd_config as_set;
static bool changed;
/* When the case began. */
static uint64_t redecided;

uint32_t fixture_reason(const char *name)
{
	for (uint32_t reason = 0; reason < DROP_COUNT; reason++)
		if (strncmp(drop_text(reason), name, strlen(name)) == 0 && drop_text(reason)[strlen(name)] == ':')
			return reason;
	return DROP_COUNT;
}

/* Calls look for each flow; its sum. */
static uint32_t each(bool (*look)(const struct fwd_flow *flow, void *context), void *context)
{
	static const struct fwd_flow_filter all;
	static struct fwd_flow found[64];
	uint32_t cursor = 0, count = 0;

	while (cursor != UINT32_MAX) {
		int32_t bytes = flow_read(&all, &cursor, found, sizeof(found));
		for (uint32_t i = 0; bytes > 0 && i < (uint32_t)bytes / sizeof(found[0]); i++)
			count += look(&found[i], context);
	}
	return count;
}

/* "80" or, of ICMP, "8/0". */
static uint16_t read_port(const char *word)
{
	unsigned int type, code;

	return sscanf(word, "%u/%u", &type, &code) == 2 ? (uint16_t)(type << 8 | code) : (uint16_t)atoi(word);
}

static bool read_protocol(const char *word, uint8_t *out)
{
	static const struct {
		const char *name;
		uint8_t number;
	} names[] = {{"tcp", 6}, {"udp", 17}, {"icmp", 1}, {"icmpv6", 58}, {"sctp", 132}};

	*out = (uint8_t)atoi(word);
	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, word) == 0)
			*out = names[i].number;
	return *out != 0;
}

struct search {
	struct fwd_flow key, found;
};

static bool is_wanted(const struct fwd_flow *flow, void *context)
{
	struct search *search = context;
	const struct fwd_flow *key = &search->key;

	if (flow->protocol != key->protocol || flow->version != key->version || flow->src_port != key->src_port ||
	        flow->dst_port != key->dst_port || memcmp(flow->src, key->src, 16) != 0 ||
	        memcmp(flow->dst, key->dst, 16) != 0 || (key->from_port != 0 && flow->from_port != key->from_port) ||
	        (key->to_port != 0 && flow->to_port != key->to_port))
		return false;
	search->found = *flow;
	return true;
}

/* PROTOCOL SRC SPORT > DST DPORT [from PORT] [to PORT]; *rest: what follows. */
static bool read_key(char **rest, struct fwd_flow *key)
{
	char *words[6];

	for (uint32_t i = 0; i < 6; i++)
		if ((words[i] = strtok_r(i == 0 ? *rest : NULL, " ", rest)) == NULL)
			return false;
	key->src_port = read_port(words[2]);
	key->dst_port = read_port(words[5]);
	while (strncmp(*rest, "from ", 5) == 0 || strncmp(*rest, "to ", 3) == 0) {
		bool from = strcmp(strtok_r(NULL, " ", rest), "from") == 0;
		*(from ? &key->from_port : &key->to_port) = (uint32_t)atoi(strtok_r(NULL, " ", rest));
	}
	return strcmp(words[3], ">") == 0 && read_protocol(words[0], &key->protocol) &&
	       packet_text_address(words[1], key->src, &key->version) &&
	       packet_text_address(words[4], key->dst, &key->version);
}

static void expect(const char *what, uint64_t found, uint64_t wanted)
{
	if (found != wanted)
		fixture_fault("%s of the flow is %lu, wanted %lu", what, found, wanted);
}

static void expect_two(const char *what, const char *text, uint64_t forward, uint64_t reverse)
{
	unsigned long first = 0, second = 0;

	if (text == NULL || sscanf(text, "%lu/%lu", &first, &second) != 2 || first != forward || second != reverse)
		fixture_fault("%s of the flow are %lu/%lu, wanted %s", what, forward, reverse, text);
}

/* SRC PORT > DST PORT */
static void expect_translation(const struct fwd_flow *flow, char **rest)
{
	struct fwd_flow as = {.translated = 1};
	char *words[5];
	uint8_t family;

	for (uint32_t i = 0; i < 5; i++)
		if ((words[i] = strtok_r(NULL, " ", rest)) == NULL)
			return fixture_fault("as SRC PORT > DST PORT");
	if (!packet_text_address(words[0], as.nat_src, &family) || !packet_text_address(words[3], as.nat_dst, &family))
		return fixture_fault("\"%s\" or \"%s\" is no address", words[0], words[3]);
	expect("translation", flow->translated, 1);
	expect("outside source port", flow->nat_src_port, read_port(words[1]));
	expect("outside destination port", flow->nat_dst_port, read_port(words[4]));
	if (memcmp(flow->nat_src, as.nat_src, 16) != 0 || memcmp(flow->nat_dst, as.nat_dst, 16) != 0)
		fixture_fault("the flow is translated into other addresses");
}

static void expect_detail(const struct fwd_flow *flow, const char *word, char **rest)
{
	static const char *const states[] = {"opening", "established", "closing", "closed"};

	for (uint32_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (strcmp(word, states[i]) == 0)
			return expect("state", flow->state, i);
	if (strcmp(word, "denied") == 0 || strcmp(word, "allowed") == 0)
		return expect("action", flow->action, word[0] == 'd' ? FWD_RULE_DENY : FWD_RULE_ALLOW);
	if (strcmp(word, "as") == 0)
		return expect_translation(flow, rest);
	char *value = strtok_r(NULL, " ", rest);
	if (strcmp(word, "packets") == 0)
		return expect_two(word, value, flow->packets, flow->reply_packets);
	if (strcmp(word, "bytes") == 0)
		return expect_two(word, value, flow->bytes, flow->reply_bytes);
	if (strcmp(word, "groups") == 0)
		return expect_two(word, value, flow->egress_group, flow->ingress_group);
	if (strcmp(word, "last") == 0 && value != NULL)
		return expect(word, flow->last_drop, strcmp(value, "none") == 0 ? UINT16_MAX : fixture_reason(value));
	fixture_fault("a flow has no \"%s\"", word);
}

void fixture_flow(char *text, int wanted)
{
	char shown[256], *rest = text;
	struct search search = {.key = {.from_port = 0}};

	snprintf(shown, sizeof(shown), "%s", text);
	if (!read_key(&rest, &search.key))
		return fixture_fault("\"%s\" names no flow", shown);
	uint32_t count = each(is_wanted, &search);
	if (count != (wanted ? 1u : 0u))
		return fixture_fault("there are %u flows \"%s\"", count, shown);
	for (char *word; wanted && (word = strtok_r(NULL, " ", &rest)) != NULL;)
		expect_detail(&search.found, word, &rest);
}

static bool show(const struct fwd_flow *flow, void *context)
{
	char src[64], dst[64];

	inet_ntop(flow->version == 4 ? AF_INET : AF_INET6, flow->src, src, sizeof(src));
	inet_ntop(flow->version == 4 ? AF_INET : AF_INET6, flow->dst, dst, sizeof(dst));
	printf("    protocol %u %s %u > %s %u from %u to %u\n", flow->protocol, src, flow->src_port, dst,
	        flow->dst_port, flow->from_port, flow->to_port);
	return true;
}

static bool any(const struct fwd_flow *flow, void *context)
{
	return true;
}

void fixture_flow_count(uint32_t wanted)
{
	uint32_t count = each(any, NULL);

	if (count == wanted)
		return;
	fixture_fault("there are %u flows, wanted %u:", count, wanted);
	each(show, NULL);
}

static uint64_t count_redecided(void)
{
	struct fwd_flow_stats stats;

	flow_life_stats(&stats);
	return stats.redecided;
}

void fixture_flow_begin(void)
{
	redecided = count_redecided();
}

void fixture_redecided(uint32_t wanted)
{
	uint64_t found = count_redecided() - redecided;

	if (found != wanted)
		fixture_fault("flows were decided anew %lu times, wanted %u", found, wanted);
}

void fixture_setting(char *text)
{
	char *rest = NULL, *name = strtok_r(text, " ", &rest), *value = strtok_r(NULL, " ", &rest);

	if (!changed)
		as_set = rig_flows;
	changed = true;
	if (value == NULL)
		return fixture_fault("setting NAME VALUE");
	if (strcmp(name, "tcp_pickup") == 0)
		rig_flows.flow_tcp_pickup = strcmp(value, "either") == 0  ? FWD_TCP_PICKUP_EITHER
		                            : strcmp(value, "never") == 0 ? FWD_TCP_PICKUP_NEVER
		                                                          : FWD_TCP_PICKUP_FORWARD;
	else if (strcmp(name, "flow_pairs") == 0)
		rig_flows.flow_pairs = (uint32_t)atoi(value);
	else if (strcmp(name, "port_percent") == 0)
		rig_flows.flow_port_percent = (uint32_t)atoi(value);
	else
		return fixture_fault("there is no setting \"%s\"", name);
	rig_flows_restart();
}

void fixture_flow_clear(void)
{
	rig_later(FOREVER);
	fixture_flow_count(0);
	if (!changed)
		return;
	rig_flows = as_set;
	changed = false;
	rig_flows_restart();
}
