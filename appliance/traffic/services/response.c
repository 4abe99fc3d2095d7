#define _GNU_SOURCE
#include "response.h"

#include <stdlib.h>
#include <string.h>

/* The value of a field of the head, which ends at `end`; NULL: it is not there. */
static const char *field(const char *head, const char *end, const char *name)
{
	size_t length = strlen(name);

	for (const char *line = strstr(head, "\r\n"); line != NULL && line + 2 < end; line = strstr(line + 2, "\r\n")) {
		if (strncasecmp(line + 2, name, length) == 0 && line[2 + length] == ':')
			return line + 3 + length + strspn(line + 3 + length, " \t");
	}
	return NULL;
}

enum progress response_read(struct response *response, int *status, const char **body, size_t *size, bool *last)
{
	response->bytes[response->length] = '\0';
	const char *head = response->bytes, *end = strstr(head, "\r\n\r\n");

	if (end == NULL)
		return response->length == RESPONSE ? PROGRESS_BROKEN : PROGRESS_PART;
	if (strncmp(head, "HTTP/1.1 ", 9) != 0)
		return PROGRESS_BROKEN;
	const char *length = field(head, end, "content-length"), *connection = field(head, end, "connection");
	if (length == NULL)
		return PROGRESS_BROKEN;
	*status = atoi(head + 9);
	*body = end + 4;
	*size = strtoul(length, NULL, 10);
	*last = connection != NULL && strncasecmp(connection, "close", 5) == 0;
	size_t whole = (size_t)(*body - head) + *size;
	if (response->length == whole)
		return PROGRESS_WHOLE;
	/* Nothing was asked for that could come behind it. */
	return response->length > whole || whole > RESPONSE ? PROGRESS_BROKEN : PROGRESS_PART;
}
