#include "report.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint8_t *gathered;
static uint32_t used, room, begun;
static bool gathering;

static void must(bool holds)
{
	if (holds)
		return;
	perror("oracle: answers");
	exit(2);
}

void report_head(uint32_t what, uint32_t length)
{
	uint32_t head[2] = {what, length};

	must(fwrite(head, sizeof(head), 1, stdout) == 1);
}

void report_begin(uint32_t what)
{
	begun = what;
	used = 0;
	gathering = true;
}

void report_bytes(const void *bytes, uint32_t length)
{
	if (length == 0)
		return;
	if (!gathering) {
		must(fwrite(bytes, length, 1, stdout) == 1);
		return;
	}
	if (length > room - used) {
		room = 2 * (room + length);
		gathered = realloc(gathered, room);
		must(gathered != NULL);
	}
	memcpy(gathered + used, bytes, length);
	used += length;
}

void report_end(void)
{
	gathering = false;
	report_head(begun, used);
	report_bytes(gathered, used);
}

void report_flush(void)
{
	must(fflush(stdout) == 0);
}
