/* The way out, for fixtures: its rows (outside.h), and names for outside endpoints, which nobody knows beforehand. */
#include <arpa/inet.h>
#include <rte_ether.h>
#include <stdio.h>
#include <string.h>

#include "fixture.h"
#include "outside.h"

#define NAMES 8u

static bool made;
static struct {
	char name[16], address[INET6_ADDRSTRLEN];
	uint16_t port;
} names[NAMES];
static uint32_t name_count;

void fixture_outside(void)
{
	made = true;
	outside_make();
}

void fixture_outside_clear(void)
{
	name_count = 0;
	if (made)
		outside_clear();
	made = false;
}

void fixture_name(const char *name, const struct seen *seen)
{
	uint32_t at = 0;

	while (at < name_count && strcmp(names[at].name, name) != 0)
		at++;
	if (at == NAMES)
		return fixture_fault("more than %u names", NAMES);
	name_count += at == name_count;
	snprintf(names[at].name, sizeof(names[at].name), "%s", name);
	snprintf(names[at].address, sizeof(names[at].address), "%s", seen->src);
	names[at].port = seen->src_port;
}

/* $NAME, $NAME.port, $NAME.hex; bytes of them, 0: no such name. */
static uint32_t replace(const char *text, char *out, uint32_t room)
{
	for (uint32_t i = 0; i < name_count; i++) {
		uint32_t length = (uint32_t)strlen(names[i].name);
		if (strncmp(text + 1, names[i].name, length) != 0)
			continue;
		const char *rest = text + 1 + length;
		if (strncmp(rest, ".port", 5) == 0)
			return snprintf(out, room, "%u", names[i].port), length + 6;
		if (strncmp(rest, ".hex", 4) == 0)
			return snprintf(out, room, "%04x", names[i].port), length + 5;
		return snprintf(out, room, "%s", names[i].address), length + 1;
	}
	return 0;
}

void fixture_replace(const char *line, char *out, uint32_t room)
{
	uint32_t used = 0;

	while (*line != '\0' && used + INET6_ADDRSTRLEN < room) {
		uint32_t bytes = *line == '$' ? replace(line, out + used, room - used) : 0;
		if (bytes == 0)
			out[used++] = *line++;
		else
			used += (uint32_t)strlen(out + used);
		line += bytes;
	}
	out[used] = '\0';
}
