/* Ports of an address that the host has, bound so that its kernel gives them to nobody. 127.0.0.9 stands for the
 * address. */
#define _GNU_SOURCE
#include "uplink_unit.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "own_netns.h"
#include "test.h"

#define FIRST 65472u

static const uint8_t address[16] = {127, 0, 0, 9};
static struct uplink_unit unit;

static int socket_at(int type, const uint8_t *at, uint16_t port, int reuse)
{
	struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET, type, 0);

	memcpy(&in.sin_addr, at, sizeof(in.sin_addr));
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &reuse, sizeof(reuse));
	if (bind(fd, (struct sockaddr *)&in, sizeof(in)) == 0)
		return fd;
	int error = errno;
	close(fd);
	return -error;
}

static int open_unit(uint16_t least, uint16_t most)
{
	return uplink_unit_open(&unit, 4, address, FIRST, least, most);
}

TEST(ports_of_the_host_are_left_to_it)
{
	const uint8_t any[4] = {0};
	int tcp = socket_at(SOCK_STREAM, any, FIRST + 3, 1), udp = socket_at(SOCK_DGRAM, address, FIRST + 63, 1);

	CHECK(tcp >= 0 && udp >= 0 && listen(tcp, 1) == 0);
	CHECK_EQ(open_unit(1024, 65535), 0);
	CHECK(unit.used == (1ull << 3 | 1ull << 63));
	/* Neither protocol of such a port is held. */
	CHECK_EQ(unit.sockets[3][0], -1);
	CHECK_EQ(unit.sockets[63][0], -1);
	close(tcp);
	close(udp);
	uplink_unit_close(&unit);
}

TEST(nobody_else_gets_a_port_that_is_held)
{
	const uint8_t any[4] = {0};

	CHECK_EQ(open_unit(1024, 65535), 0);
	CHECK(unit.used == 0);
	for (int reuse = 0; reuse < 2; reuse++) {
		CHECK_EQ(socket_at(SOCK_STREAM, any, FIRST, reuse), -EADDRINUSE);
		CHECK_EQ(socket_at(SOCK_DGRAM, any, FIRST, reuse), -EADDRINUSE);
		CHECK_EQ(socket_at(SOCK_STREAM, address, FIRST + 1, reuse), -EADDRINUSE);
	}
	uplink_unit_close(&unit);
	int fd = socket_at(SOCK_STREAM, address, FIRST, 0);
	CHECK(fd >= 0);
	close(fd);
}

/* The port that the kernel gives an outgoing connection from the address. */
static uint16_t connect_from(int *fd, int server_fd)
{
	struct sockaddr_in in;
	socklen_t length = sizeof(in);
	int one = 1;

	*fd = socket(AF_INET, SOCK_STREAM, 0);
	setsockopt(*fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof(one));
	memset(&in, 0, sizeof(in));
	in.sin_family = AF_INET;
	memcpy(&in.sin_addr, address, sizeof(in.sin_addr));
	if (bind(*fd, (struct sockaddr *)&in, sizeof(in)) < 0)
		return 0;
	getsockname(server_fd, (struct sockaddr *)&in, &length);
	if (connect(*fd, (struct sockaddr *)&in, length) < 0)
		return 0;
	length = sizeof(in);
	getsockname(*fd, (struct sockaddr *)&in, &length);
	return ntohs(in.sin_port);
}

TEST(outgoing_connections_of_the_host_never_get_one)
{
	/* In the middle of the usual range of ephemeral ports. */
	const uint16_t first = 40960;
	const uint8_t server_address[4] = {127, 0, 0, 1};
	int server = socket_at(SOCK_STREAM, server_address, 0, 0), fds[400], count = 0;

	CHECK(server >= 0 && listen(server, 512) == 0);
	uplink_unit_raise_limit();
	struct uplink_unit *units = calloc(16, sizeof(*units));
	for (uint32_t i = 0; i < 16; i++)
		CHECK_EQ(uplink_unit_open(&units[i], 4, address, (uint16_t)(first + i * NAT_UNIT), 1024, 65535), 0);
	for (; count < 400; count++) {
		uint16_t port = connect_from(&fds[count], server);
		CHECK(port != 0 && (port < first || port >= first + 16 * NAT_UNIT ||
		                           (units[(port - first) / NAT_UNIT].used >> ((port - first) % NAT_UNIT) & 1)));
	}
	while (count > 0)
		close(fds[--count]);
	for (uint32_t i = 0; i < 16; i++)
		uplink_unit_close(&units[i]);
	free(units);
	close(server);
}

TEST(only_the_range_is_bound)
{
	CHECK_EQ(open_unit(FIRST + 10, FIRST + 11), 0);
	CHECK_EQ(unit.sockets[9][0], -1);
	CHECK(unit.sockets[10][0] >= 0 && unit.sockets[11][1] >= 0);
	CHECK_EQ(unit.sockets[12][1], -1);
	uplink_unit_close(&unit);
}

TEST(without_files_nothing_is_bound)
{
	struct rlimit old, few;

	getrlimit(RLIMIT_NOFILE, &old);
	few = (struct rlimit){.rlim_cur = 40, .rlim_max = old.rlim_max};
	setrlimit(RLIMIT_NOFILE, &few);
	int result = open_unit(1024, 65535), others[5];
	/* What else the process does goes on, also while some are held. */
	CHECK_EQ(open_unit(FIRST, FIRST + 4), 0);
	for (int i = 0; i < 5; i++)
		CHECK((others[i] = socket_at(SOCK_DGRAM, address, 0, 0)) >= 0);
	setrlimit(RLIMIT_NOFILE, &old);
	for (int i = 0; i < 5; i++)
		close(others[i]);
	uplink_unit_close(&unit);
	CHECK_EQ(result, -EMFILE);
	for (uint32_t i = 0; i < NAT_UNIT; i++)
		CHECK(unit.sockets[i][0] < 0 && unit.sockets[i][1] < 0);
	CHECK(socket_at(SOCK_STREAM, address, FIRST, 0) >= 0);
}

TEST(an_address_that_the_host_has_not_is_refused)
{
	const uint8_t other[16] = {192, 0, 2, 77};

	CHECK_EQ(uplink_unit_open(&unit, 4, other, FIRST, 1024, 65535), -EADDRNOTAVAIL);
}

int main(void)
{
	static const struct test_case cases[] = {CASE(ports_of_the_host_are_left_to_it),
	        CASE(nobody_else_gets_a_port_that_is_held), CASE(outgoing_connections_of_the_host_never_get_one),
	        CASE(only_the_range_is_bound), CASE(without_files_nothing_is_bound),
	        CASE(an_address_that_the_host_has_not_is_refused)};

	own_netns();
	return test_run(cases, sizeof(cases) / sizeof(cases[0]));
}
