/*
 * What the code knows about each table of rows, as data (layout.gen.c is written by tools/gen.ts).
 * Constant; any thread may read it.
 */
#ifndef WEFT_LAYOUT_H
#define WEFT_LAYOUT_H

#include <stdbool.h>
#include <stdint.h>

/* Table numbers (enum fwd_table) are 1 .. TABLE_LIMIT-1. */
#define TABLE_LIMIT 22
#define FIELD_LIMIT 16

enum field_kind { FIELD_U8, FIELD_U16, FIELD_U32, FIELD_FAMILY, FIELD_MAC, FIELD_IP, FIELD_TEXT, FIELD_PAD };

struct field_layout {
	const char *name;
	enum field_kind kind;
	uint16_t offset;
	uint16_t bytes;
	uint32_t min;
	uint32_t max;
};

struct table_layout {
	const char *name;
	uint16_t row_bytes;  /* a multiple of 8 */
	uint16_t key_bytes;  /* the key is the first key_bytes of a row */
	uint16_t hash_bytes; /* the index hashes the first hash_bytes; routes of one prefix share them */
	bool per_owner;      /* two owners may use the same key */
	bool internal;       /* written by the forwarder itself; owners may only read it */
	uint32_t capacity;   /* slots in 512 MiB of state memory */
	uint8_t field_count;
	struct field_layout fields[FIELD_LIMIT];
};

extern const struct table_layout table_layouts[TABLE_LIMIT];

/* sizeof and offsetof of every public record, for fwd_layout. */
extern const uint32_t layout_words[];
extern const uint32_t layout_word_count;

#endif
