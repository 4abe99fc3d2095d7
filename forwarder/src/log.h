/*
 * One line to the log descriptor given to fwd_start. Never blocks (a full pipe loses the line), any thread; not for
 * packet code.
 */
#ifndef WEFT_LOG_H
#define WEFT_LOG_H

void log_open(int fd);
void log_line(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
