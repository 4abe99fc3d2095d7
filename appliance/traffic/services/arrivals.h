/* What arrives of numbered flows, and where it seems to come from. */
#ifndef ARRIVALS_H
#define ARRIVALS_H

#include <signal.h>

/* Counts the numbers at an interface until *stopping, and prints {"open": {"received": N, "distinct": N}, "back": {…}}.
 * Exit code of the program. */
int arrivals_count(const char *interface, const volatile sig_atomic_t *stopping);
/* Sends each first packet back, too, and prints {"received": N, "distinct": N, "shared": N, "moved": N}. */
int arrivals_answer(const char *interface, const volatile sig_atomic_t *stopping);

#endif
