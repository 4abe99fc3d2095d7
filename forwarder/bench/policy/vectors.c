/* Bit vectors with a summary (T. V. Lakshman, D. Stiliadis, SIGCOMM 1998; F. Baboescu, G. Varghese, SIGCOMM 2001): for
 * each range of each field one bit per rule, and one per 64 rules. IPv4. */
#include <stdlib.h>
#include <string.h>

#include "classifier.h"

struct field {
	struct ranges map;
	struct ranges_pool pool;
	uint64_t *bits;
	uint32_t rows;
};

struct vectors {
	uint32_t words, summary;
	struct field field[3];
};

struct edge {
	uint64_t at;
	uint32_t rule;
};

static int by_place(const void *a, const void *b)
{
	const struct edge *x = a, *y = b;
	return x->at != y->at ? (x->at > y->at) - (x->at < y->at) : (x->rule > y->rule) - (x->rule < y->rule);
}

static void range_of(const struct fwd_rule_row *rule, uint32_t field, uint64_t *low, uint64_t *high)
{
	*low = field == 0 ? rule_address(rule) : field == 1 ? rule->protocol : rule->port_min;
	*high = field == 0   ? *low | ~rule_mask(rule->prefix_length)
	        : field == 1 ? (rule->protocol ? rule->protocol : 255)
	                     : rule->port_max;
}

static uint32_t stride(const struct vectors *made)
{
	return made->words + made->summary;
}

static void close_row(struct vectors *made, struct field *field, uint32_t from, const uint64_t *now)
{
	uint64_t *row = field->bits + (size_t)field->rows * stride(made);
	memset(row, 0, made->summary * sizeof(*row));
	memcpy(row + made->summary, now, made->words * sizeof(*row));
	for (uint32_t i = 0; i < made->words; i++)
		row[i / 64] |= (uint64_t)(now[i] != 0) << i % 64;
	if (field->rows == 0)
		ranges_begin(&field->pool, &field->map, 0);
	else
		ranges_set(&field->pool, &field->map, from, field->rows);
	field->rows++;
}

static void make_field(struct vectors *made, uint32_t number, const struct fwd_rule_row *rules, uint32_t count)
{
	struct field *field = &made->field[number];
	struct edge *edges = malloc(2 * count * sizeof(*edges));
	uint64_t *now = calloc(made->words, sizeof(*now)), low, high;
	uint32_t distinct = 1;
	for (uint32_t i = 0; i < count; i++) {
		range_of(&rules[i], number, &low, &high);
		edges[2 * i] = (struct edge){low, i};
		edges[2 * i + 1] = (struct edge){high + 1, i};
	}
	qsort(edges, 2 * count, sizeof(*edges), by_place);
	for (uint32_t i = 0; i < 2 * count; i++)
		distinct += i == 0 || edges[i].at != edges[i - 1].at;
	field->bits = malloc((size_t)distinct * stride(made) * sizeof(uint64_t));
	uint32_t i = 0;
	for (; i < 2 * count && edges[i].at == 0; i++)
		now[edges[i].rule / 64] ^= 1ull << edges[i].rule % 64;
	close_row(made, field, 0, now);
	while (i < 2 * count && edges[i].at <= 0xffffffff) {
		uint64_t at = edges[i].at;
		for (; i < 2 * count && edges[i].at == at; i++)
			now[edges[i].rule / 64] ^= 1ull << edges[i].rule % 64;
		close_row(made, field, (uint32_t)at, now);
	}
	ranges_end(&field->pool, &field->map);
	field->pool.entries = realloc(field->pool.entries, (field->pool.entry_count + RANGES_WINDOW) * 8);
	memset(field->pool.entries + field->pool.entry_count, 0xff, RANGES_WINDOW * 8);
	free(edges);
	free(now);
}

static void *make(const struct fwd_rule_row *rules, uint32_t count, size_t *bytes)
{
	struct vectors *made = calloc(1, sizeof(*made));
	made->words = (count + 63) / 64;
	made->summary = (made->words + 63) / 64;
	*bytes = sizeof(*made);
	for (uint32_t i = 0; i < 3; i++) {
		make_field(made, i, rules, count);
		*bytes += (size_t)made->field[i].rows * stride(made) * 8 + made->field[i].pool.entry_count * 8 +
		          made->field[i].pool.start_count * 4;
	}
	return made;
}

static const uint64_t *row_of(const struct vectors *made, uint32_t number, uint32_t key)
{
	const struct field *field = &made->field[number];
	return field->bits +
	       (size_t)ranges_find(&field->map, field->pool.entries, field->pool.starts, key) * stride(made);
}

static uint32_t find(const void *at, const struct rule_query *query)
{
	const struct vectors *made = at;
	const uint64_t *a = row_of(made, 0, query->words[0]), *b = row_of(made, 1, query->key >> 16),
	               *c = row_of(made, 2, query->key & 0xffff);
	for (uint32_t i = 0; i < made->summary; i++)
		for (uint64_t some = a[i] & b[i] & c[i]; some; some &= some - 1) {
			uint32_t word = i * 64 + (uint32_t)__builtin_ctzll(some), place = made->summary + word;
			uint64_t hits = a[place] & b[place] & c[place];
			if (hits)
				return word * 64 + (uint32_t)__builtin_ctzll(hits);
		}
	return RULES_NONE;
}

static void drop(void *at)
{
	struct vectors *made = at;
	for (uint32_t i = 0; i < 3; i++) {
		free(made->field[i].bits);
		free(made->field[i].pool.entries);
		free(made->field[i].pool.starts);
	}
	free(made);
}

const struct classifier classify_vectors = {"bit vectors", make, find, drop};
