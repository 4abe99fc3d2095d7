/* Rules and groups of fixtures: from words to rows of tables rule, identity_group and port_identity. */
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fixture.h"
#include "forwarder.h"
#include "packet_text.h"
#include "rig.h"
#include "tables.h"

#define RULES          64u
#define SETS           32u
#define FIRST_IDENTITY 16u

struct rule {
	char text[160];
	uint32_t count;
	struct fwd_rule_row rows[2];
};

static struct rule rules[RULES];
static uint32_t rule_count;
/* Numbers are never used again: an identity never changes its meaning. */
static uint32_t next_number = 1, next_identity = FIRST_IDENTITY;
/* Sets of groups that have an identity in this case, as they are written. */
static struct {
	char text[96];
	uint32_t identity;
} sets[SETS];
static uint32_t set_count;

static bool read_protocol(const char *word, struct fwd_rule_row *row)
{
	static const struct {
		const char *name;
		uint8_t number, family;
	} names[] = {{"any", 0, 0}, {"tcp", IPPROTO_TCP, 0}, {"udp", IPPROTO_UDP, 0}, {"icmp", IPPROTO_ICMP, 4},
	        {"icmpv6", IPPROTO_ICMPV6, 6}, {"sctp", IPPROTO_SCTP, 0}};

	for (uint32_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i].name, word) != 0)
			continue;
		row->protocol = names[i].number;
		row->family = names[i].family;
		return true;
	}
	row->protocol = (uint8_t)strtoul(word, NULL, 10);
	return row->protocol != 0;
}

/* "80", "80-443", "8/0", "8/any". */
static bool read_values(const char *word, struct fwd_rule_row *row)
{
	unsigned int first, second;

	if (sscanf(word, "%u/%u", &first, &second) == 2)
		row->port_min = row->port_max = (uint16_t)(first << 8 | second);
	else if (sscanf(word, "%u/any", &first) == 1 && strchr(word, '/') != NULL)
		row->port_max = (uint16_t)((row->port_min = (uint16_t)(first << 8)) | 255);
	else if (sscanf(word, "%u-%u", &first, &second) == 2)
		row->port_min = (uint16_t)first, row->port_max = (uint16_t)second;
	else if (sscanf(word, "%u", &first) == 1)
		row->port_min = row->port_max = (uint16_t)first;
	else
		return false;
	return true;
}

static bool read_prefix(const char *word, struct fwd_rule_row *row)
{
	char address[64];
	const char *slash = strchr(word, '/');

	if (slash == NULL)
		return false;
	snprintf(address, sizeof(address), "%.*s", (int)(slash - word), word);
	row->prefix_length = (uint8_t)atoi(slash + 1);
	return packet_text_address(address, row->address, &row->family);
}

/* GROUP allow|deny ingress|egress PROTOCOL [VALUES] [from|to CIDR|group N] [ip4|ip6] [priority N] */
static bool read_rule(char *text, struct fwd_rule_row *row)
{
	char *rest = NULL, *group = strtok_r(text, " ", &rest), *action = strtok_r(NULL, " ", &rest);
	char *direction = strtok_r(NULL, " ", &rest), *protocol = strtok_r(NULL, " ", &rest), *word;

	*row = (struct fwd_rule_row){.port_max = UINT16_MAX};
	if (protocol == NULL || !read_protocol(protocol, row))
		return false;
	row->group = (uint32_t)atoi(group);
	row->action = strcmp(action, "deny") == 0 ? FWD_RULE_DENY : FWD_RULE_ALLOW;
	row->direction = strcmp(direction, "egress") == 0 ? FWD_RULE_EGRESS : FWD_RULE_INGRESS;
	while ((word = strtok_r(NULL, " ", &rest)) != NULL) {
		bool right = true;
		if (strcmp(word, "ip4") == 0 || strcmp(word, "ip6") == 0)
			row->family = (uint8_t)(word[2] - '0');
		else if (strcmp(word, "from") == 0 || strcmp(word, "to") == 0)
			right = rest[0] == 'g' || read_prefix(strtok_r(NULL, " ", &rest), row);
		else if (strcmp(word, "group") == 0)
			row->remote_group = (uint32_t)atoi(strtok_r(NULL, " ", &rest));
		else if (strcmp(word, "priority") == 0)
			row->priority = (uint32_t)atoi(strtok_r(NULL, " ", &rest));
		else
			right = read_values(word, row);
		if (!right)
			return false;
	}
	return true;
}

static void give_rule(const char *text, struct fwd_rule_row row)
{
	struct rule *rule = &rules[rule_count];

	if (rule_count == RULES)
		return fixture_fault("more than %u rules", RULES);
	snprintf(rule->text, sizeof(rule->text), "%s", text);
	rule->count = row.family == 0 ? 2 : 1;
	for (uint32_t i = 0; i < rule->count; i++) {
		row.number = next_number++;
		row.family = rule->count == 2 ? (uint8_t)(4 + 2 * i) : row.family;
		rule->rows[i] = row;
		fixture_row(FWD_TABLE_RULE, &row);
	}
	rule_count++;
}

void fixture_rule(char *text, int given)
{
	struct fwd_rule_row row;
	char copy[160];

	snprintf(copy, sizeof(copy), "%s", text);
	if (!read_rule(copy, &row))
		return fixture_fault("\"%s\" is no rule", text);
	if (given)
		return give_rule(text, row);
	for (uint32_t i = 0; i < rule_count; i++) {
		if (strcmp(rules[i].text, text) != 0)
			continue;
		for (uint32_t j = 0; j < rules[i].count; j++)
			rig_delete(FWD_TABLE_RULE, &rules[i].rows[j], sizeof(rules[i].rows[j]));
		rules[i] = rules[--rule_count];
		return;
	}
	fixture_fault("there is no rule \"%s\"", text);
}

/* Whether policy is asked at a port. */
static void require(uint32_t port, bool required)
{
	const struct fwd_port_row *row = tables_port(port);

	if (row == NULL)
		return fixture_fault("there is no port %u", port);
	struct fwd_port_row changed = *row;
	changed.flags = required ? changed.flags | FWD_PORT_POLICY_REQUIRED
	                         : changed.flags & ~(uint32_t)FWD_PORT_POLICY_REQUIRED;
	fixture_row(FWD_TABLE_PORT, &changed);
}

/* "5 7@2": groups 5 in gate 1 and 7 in gate 2. "none": an identity without groups. */
static uint32_t identity_of(const char *text)
{
	char copy[96], *rest = NULL;

	for (uint32_t i = 0; i < set_count; i++)
		if (strcmp(sets[i].text, text) == 0)
			return sets[i].identity;
	if (set_count == SETS) {
		fixture_fault("more than %u sets of groups", SETS);
		return FIRST_IDENTITY;
	}
	snprintf(sets[set_count].text, sizeof(sets[0].text), "%s", text);
	sets[set_count].identity = next_identity++;
	snprintf(copy, sizeof(copy), "%s", text);
	for (char *word = strtok_r(copy, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest)) {
		const char *gate = strchr(word, '@');
		struct fwd_identity_group_row row = {.identity = sets[set_count].identity,
		        .group = (uint32_t)atoi(word),
		        .gate = gate == NULL ? 1 : (uint8_t)atoi(gate + 1)};
		if (strcmp(word, "none") != 0)
			fixture_row(FWD_TABLE_IDENTITY_GROUP, &row);
	}
	return sets[set_count++].identity;
}

void fixture_groups(uint32_t port, char *text)
{
	struct fwd_port_identity_row row = {.port = port};

	if (strcmp(text, "pending") == 0 || strcmp(text, "open") == 0) {
		rig_delete(FWD_TABLE_PORT_IDENTITY, &row, sizeof(row));
		return require(port, text[0] == 'p');
	}
	row.identity = identity_of(text);
	fixture_row(FWD_TABLE_PORT_IDENTITY, &row);
	require(port, true);
}

void fixture_policy_clear(void)
{
	rule_count = set_count = 0;
}
