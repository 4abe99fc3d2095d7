/*
 * Numbers for rules, by which flows remember what decided them, and what is counted for each. A handle stands for one
 * (group, number) as long as such a row exists, whatever it says; then it stands for nothing, until it comes again
 * after millions of rules.
 *
 * handle_add, handle_set, handle_remove, handle_rows_read: the writer. handle_row, handle_count: registered readers.
 */
#ifndef WEFT_POLICY_HANDLE_H
#define WEFT_POLICY_HANDLE_H

#include <stdbool.h>
#include <stdint.h>

#include "forwarder.h"

/** Handles are below 2^31. */
#define HANDLE_NONE 0xffffffffu

/** A rule as the writer knows it. */
struct handle_item {
	/** NULL: none. */
	const struct fwd_rule_row *row;
	/** Of the row; without one: of the next row. */
	uint32_t handle;
	/** In its rule set. */
	uint32_t rank;
	/** The row changed in this batch. */
	bool moved;
	/** Of a free one: the next one. */
	uint32_t next;
};

/** For at most that many rules at a time, < 2^30. 0 or -ENOMEM. */
int handle_init(uint32_t rules);
/** No reader is left; runs what was retired. */
void handle_fini(void);

/** The row's handle; one that came is given one. */
uint32_t handle_add(const struct fwd_rule_row *row);
/** Another row of the same key took the place. */
uint32_t handle_set(const struct fwd_rule_row *row);
void handle_remove(const struct fwd_rule_row *row);
/** What a handle stands for, or stood for: then item->handle differs. The writer only. */
struct handle_item *handle_item(uint32_t handle);

/** NULL: it stands for nothing (any more). */
const struct fwd_rule_row *handle_row(uint32_t handle);
void handle_count(uint32_t thread, uint32_t handle, uint64_t flows, uint64_t packets, uint64_t bytes);
/** struct fwd_rule_stats of rules that counted something. Returns the number of bytes; *cursor is 0xffffffff at the
 * end. */
int32_t handle_rows_read(uint32_t *cursor, void *out, uint32_t length);

#endif
