#include "error.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "log.h"

static _Thread_local char text[256];

int32_t error_set(int32_t code, const char *format, ...)
{
	va_list arguments;
	va_start(arguments, format);
	vsnprintf(text, sizeof(text), format, arguments);
	va_end(arguments);
	return code;
}

const char *error_text(void)
{
	return text;
}

_Noreturn void error_memory(const char *what)
{
	log_line("out of memory (%s): the forwarder restarts", what);
	abort();
}
