/* One rule after the other. IPv4. */
#include <stdlib.h>

#include "classifier.h"

struct line {
	uint32_t address, mask, low, high, protocol, protocol_mask;
};

struct lines {
	uint32_t count;
	struct line line[];
};

static void *make(const struct fwd_rule_row *rules, uint32_t count, size_t *bytes)
{
	struct lines *made = malloc(*bytes = sizeof(*made) + count * sizeof(struct line));
	made->count = count;
	for (uint32_t i = 0; i < count; i++)
		made->line[i] = (struct line){rule_address(&rules[i]), rule_mask(rules[i].prefix_length),
		        rules[i].port_min, rules[i].port_max, rules[i].protocol, rules[i].protocol ? 0xff : 0};
	return made;
}

static uint32_t find(const void *at, const struct rule_query *query)
{
	const struct lines *made = at;
	uint32_t value = query->key & 0xffff, protocol = query->key >> 16;
	for (uint32_t i = 0; i < made->count; i++) {
		const struct line *line = &made->line[i];
		if (((query->words[0] ^ line->address) & line->mask) == 0 &&
		        ((protocol ^ line->protocol) & line->protocol_mask) == 0 && value >= line->low &&
		        value <= line->high)
			return i;
	}
	return RULES_NONE;
}

const struct classifier classify_linear = {"one by one", make, find, free};
