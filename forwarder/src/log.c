#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <unistd.h>

static int log_fd = 2;

void log_open(int fd)
{
	log_fd = fd;
}

void log_line(const char *format, ...)
{
	char line[512];
	va_list arguments;
	va_start(arguments, format);
	int length = vsnprintf(line, sizeof(line) - 1, format, arguments);
	va_end(arguments);
	if (length < 0)
		return;
	if (length > (int)sizeof(line) - 2)
		length = sizeof(line) - 2;
	line[length] = '\n';
	/* A short or failed write loses the line: logging may not hold a table change up. */
	ssize_t written = write(log_fd, line, (size_t)length + 1);
	(void)written;
}
