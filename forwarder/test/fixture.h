/*
 * What the files behind fixture_test.c share: the language of the cases is theirs together, each knows the lines that
 * it reads.
 */
#ifndef FIXTURE_H
#define FIXTURE_H

#include <stdint.h>

/** Says what is wrong at the line that is read; the case fails. printf's format. */
void fixture_fault(const char *format, ...) __attribute__((format(printf, 1, 2)));
/** Upserts a row that goes when the case ends. */
void fixture_row(uint8_t table, const void *row);

/* fixture_policy.c */

/** A rule of a group in words: fixture_test.c has its form. Gives it, or takes it away. */
void fixture_rule(char *text, int given);
/** The groups of a port, "pending", "open" or "none". */
void fixture_groups(uint32_t port, char *text);
/** The case is over: its rules are gone. */
void fixture_policy_clear(void);

/* fixture_flow.c */

/** Looks for one flow, or that there is none like it. */
void fixture_flow(char *text, int wanted);
/** How many flows there are. */
void fixture_flow_count(uint32_t wanted);
/** How often flows were decided anew since the case began. */
void fixture_redecided(uint32_t wanted);
/** A setting of flows, for this case. */
void fixture_setting(char *text);
/** A case begins. */
void fixture_flow_begin(void);
/** The case is over: all flows end, settings are as before. */
void fixture_flow_clear(void);
/** A drop reason by its name; DROP_COUNT: there is none. */
uint32_t fixture_reason(const char *name);

/* fixture_nat.c */

struct seen;

/** The rows of outside.h, for this case. */
void fixture_outside(void);
/** The case is over. */
void fixture_outside_clear(void);
/** From now on a name stands for the source of a packet that left. */
void fixture_name(const char *name, const struct seen *seen);
/** A line with such names replaced. */
void fixture_replace(const char *line, char *out, uint32_t room);

#endif
