/*
 * HTTP clients in many network namespaces, one program and thread: does everyone get its own answer, how fast?
 *
 *   fetch FILE ADDRESS PORT PATH [seconds=10] [responses=N] [connections=1] [keep=N] [rate=R] [FIELD: VALUE ...]
 *
 * FILE has a line "NETNS EXPECTED" for each client: 200 with EXPECTED as content is right, all else is wrong. Ends
 * after so many seconds, or after so many responses. connections: of each client at a time. keep: requests on a
 * connection before it is closed (1: a new one for each; without: all). rate: requests begun per second, by all in
 * turn; without, the next begins when one is over. Latency counts from the first step (connecting, if it is new).
 *
 * Prints one JSON object: begun, right, wrong (example says what came), failed (refused, reset, cut short), lost
 * (nothing for 5 s), connected, skipped (due, but all connections were busy), seconds, rate, cpuSeconds, ms.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "connect.h"
#include "latency.h"
#include "response.h"

#define SECOND   UINT64_C(1000000000)
#define PATIENCE (5 * SECOND)

enum { CLIENTS = 256, EVENTS = 256, EXPECTED = 128, REQUEST = 1024 };

struct connection {
	int fd;
	uint32_t client, used;
	bool busy, written;
	uint64_t begun_ns;
	struct response response;
};

static struct {
	int netns;
	char expected[EXPECTED];
} clients[CLIENTS];
static struct connection *connections;
static uint32_t client_count, connection_count, keep, next_connection;
static struct target target;
static char request[REQUEST];
static int epoll;
static uint64_t now;
static double rate;
static struct {
	uint64_t begun, right, wrong, failed, lost, connected, skipped;
	char example[64];
	struct latency whole;
} tally;

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static void hang_up(struct connection *connection)
{
	if (connection->fd >= 0)
		close(connection->fd);
	connection->fd = -1;
}

/* The request is over, with or without an answer. */
static void finish(struct connection *connection, uint64_t *counter)
{
	(*counter)++;
	connection->busy = false;
	if (counter != &tally.right || (keep != 0 && connection->used == keep))
		hang_up(connection);
}

static void write_request(struct connection *connection)
{
	ssize_t length = (ssize_t)strlen(request);

	connection->written = true;
	if (send(connection->fd, request, (size_t)length, MSG_NOSIGNAL) != length)
		finish(connection, &tally.failed);
}

static void begin(struct connection *connection)
{
	struct epoll_event event = {.events = EPOLLIN | EPOLLOUT | EPOLLET, .data.ptr = connection};

	tally.begun++;
	connection->busy = true;
	connection->begun_ns = now;
	connection->response.length = 0;
	if (connection->fd >= 0) {
		connection->used++;
		write_request(connection);
		return;
	}
	connection->used = 1;
	connection->written = false;
	connection->fd = connect_from(clients[connection->client].netns, &target);
	if (connection->fd < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event) < 0)
		finish(connection, &tally.failed);
	else
		tally.connected++;
}

static void judge(struct connection *connection, int status, const char *body, size_t size, bool last)
{
	const char *expected = clients[connection->client].expected;
	bool right = status == 200 && size == strlen(expected) && memcmp(body, expected, size) == 0;

	if (right)
		latency_add(&tally.whole, (now - connection->begun_ns) / 1000);
	else
		snprintf(tally.example, sizeof(tally.example), "%d %.*s", status, (int)(size < 40 ? size : 40), body);
	finish(connection, right ? &tally.right : &tally.wrong);
	if (last)
		hang_up(connection);
}

static void read_response(struct connection *connection)
{
	struct response *response = &connection->response;

	while (connection->fd >= 0) {
		ssize_t got = recv(connection->fd, response->bytes + response->length, RESPONSE - response->length, 0);
		const char *body;
		size_t size;
		int status;
		bool last;

		if (got < 0 && errno == EAGAIN)
			return;
		if (got <= 0 && !connection->busy)
			return hang_up(connection);
		if (got <= 0)
			return finish(connection, &tally.failed);
		response->length += (size_t)got;
		if (!connection->busy)
			return hang_up(connection);
		enum progress progress = response_read(response, &status, &body, &size, &last);
		if (progress == PROGRESS_WHOLE)
			judge(connection, status, body, size, last);
		else if (progress == PROGRESS_BROKEN)
			judge(connection, 0, response->bytes, response->length, true);
	}
}

static void on_event(struct connection *connection, uint32_t events)
{
	if (connection->fd < 0)
		return;
	if ((events & EPOLLOUT) != 0 && connection->busy && !connection->written)
		write_request(connection);
	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) != 0)
		read_response(connection);
}

static bool begin_next(void)
{
	for (uint32_t tried = 0; tried < connection_count; tried++) {
		struct connection *connection = &connections[next_connection++ % connection_count];
		if (!connection->busy) {
			begin(connection);
			return true;
		}
	}
	return false;
}

/* Begins what is due. Milliseconds until the next is. */
static int begin_due(uint64_t start, uint64_t *due)
{
	if (rate == 0) {
		for (uint32_t i = 0; i < connection_count; i++) {
			if (!connections[i].busy)
				begin(&connections[i]);
		}
		return 10;
	}
	for (; (double)*due < (double)(now - start) * rate / 1e9; (*due)++) {
		if (!begin_next())
			tally.skipped++;
	}
	return 1;
}

static void give_up(void)
{
	for (uint32_t i = 0; i < connection_count; i++) {
		if (connections[i].busy && now - connections[i].begun_ns > PATIENCE)
			finish(&connections[i], &tally.lost);
	}
}

static bool any_busy(void)
{
	for (uint32_t i = 0; i < connection_count; i++) {
		if (connections[i].busy)
			return true;
	}
	return false;
}

static void run(double seconds, uint64_t responses)
{
	uint64_t start = clock_ns(), end = start + (uint64_t)(seconds * 1e9), due = 0;
	struct epoll_event events[EVENTS];

	for (now = start;;) {
		bool over = now >= end || tally.right + tally.wrong >= responses;
		if (over && !any_busy())
			return;
		int pause = over ? 10 : begin_due(start, &due);
		int ready = epoll_wait(epoll, events, EVENTS, pause);
		now = clock_ns();
		for (int i = 0; i < ready; i++)
			on_event(events[i].data.ptr, events[i].events);
		give_up();
	}
}

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void print_text(const char *text)
{
	for (; *text != '\0'; text++)
		putchar((unsigned char)*text < ' ' || *text == '"' || *text == '\\' ? '.' : *text);
}

static void print(double seconds)
{
	printf("{\"begun\": %" PRIu64 ", \"right\": %" PRIu64 ", \"wrong\": %" PRIu64 ", \"failed\": %" PRIu64
	       ", \"lost\": %" PRIu64 ", \"connected\": %" PRIu64 ", \"skipped\": %" PRIu64 ", \"example\": \"",
	        tally.begun, tally.right, tally.wrong, tally.failed, tally.lost, tally.connected, tally.skipped);
	print_text(tally.example);
	printf("\", \"seconds\": %.3f, \"rate\": %.1f, \"cpuSeconds\": %.2f, \"ms\": ", seconds,
	        (double)tally.right / seconds, cpu_seconds());
	latency_print(&tally.whole, stdout);
	puts("}");
}

static bool read_clients(const char *path)
{
	char netns[128], expected[EXPECTED];
	FILE *file = fopen(path, "r");

	if (file == NULL)
		return perror(path), false;
	while (client_count < CLIENTS && fscanf(file, "%127s %127s", netns, expected) == 2) {
		clients[client_count].netns = connect_namespace(netns);
		if (clients[client_count].netns < 0)
			return fclose(file), false;
		strcpy(clients[client_count++].expected, expected);
	}
	fclose(file);
	return client_count != 0;
}

static bool make_connections(uint32_t each)
{
	connection_count = client_count * each;
	connections = calloc(connection_count, sizeof(*connections));
	for (uint32_t i = 0; connections != NULL && i < connection_count; i++) {
		connections[i].fd = -1;
		connections[i].client = i % client_count;
	}
	epoll = epoll_create1(EPOLL_CLOEXEC);
	return connections != NULL && epoll >= 0;
}

int main(int count, char **arguments)
{
	double seconds = 10;
	uint64_t responses = UINT64_MAX;
	uint32_t each = 1;
	char fields[REQUEST / 2] = "";

	if (count < 5)
		return fprintf(stderr, "usage: fetch FILE ADDRESS PORT PATH [OPTION=VALUE | FIELD: VALUE ...]\n"), 2;
	for (int i = 5; i < count; i++) {
		const char *option = arguments[i];
		size_t used = strlen(fields);
		if (strstr(option, ": ") != NULL)
			snprintf(fields + used, sizeof(fields) - used, "%s\r\n", option);
		else if (sscanf(option, "seconds=%lf", &seconds) != 1 && sscanf(option, "rate=%lf", &rate) != 1 &&
		         sscanf(option, "responses=%" SCNu64, &responses) != 1 &&
		         sscanf(option, "connections=%u", &each) != 1 && sscanf(option, "keep=%u", &keep) != 1)
			return fprintf(stderr, "error: %s: no such option\n", option), 2;
	}
	if (!connect_target(&target, arguments[2], arguments[3]) || !read_clients(arguments[1]) ||
	        !make_connections(each))
		return fprintf(stderr, "error: no clients\n"), 1;
	snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\nHost: %s\r\n%s\r\n", arguments[4], target.name, fields);
	uint64_t start = clock_ns();
	run(responses == UINT64_MAX ? seconds : 86400, responses);
	print((double)(clock_ns() - start) / 1e9);
	return 0;
}
