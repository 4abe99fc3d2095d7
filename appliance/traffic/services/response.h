/* An HTTP/1.1 response as it comes in (RFC 9112), with a Content-Length and no longer than RESPONSE bytes. */
#ifndef RESPONSE_H
#define RESPONSE_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

enum { RESPONSE = 16384 };

struct response {
	char bytes[RESPONSE + 1];
	size_t length;
};

enum progress { PROGRESS_PART, PROGRESS_WHOLE, PROGRESS_BROKEN };

/* What has come so far. Whole: *body and *size say where its content is, *status its number, *last whether the server
 * closes the connection then. */
enum progress response_read(struct response *response, int *status, const char **body, size_t *size, bool *last);

#endif
