/* The exchanges of all clients: begun at a rate or as fast as a window allows, checked, repeated by those who boot,
 * counted. */
#ifndef EXCHANGES_H
#define EXCHANGES_H

#include "clients.h"

struct plan {
	const struct protocol *protocol;
	const struct client *clients;
	uint32_t count;
	/* Exchanges begun per second; 0: whenever the window has room. */
	double rate;
	/* Exchanges under way at most, of all clients and of each. */
	uint32_t window, depth;
	double seconds;
	/* Each client has one exchange, begun at once, and asks again until it is over: after 4 s, then twice as long
	 * (RFC 2131 §4.1). Otherwise an exchange is lost that waits for an answer for 5 s. */
	bool boot;
};

/* Runs the plan over the trunk, waits for the last answers and prints one JSON object. */
void exchanges_run(int fd, const struct plan *plan);

#endif
