/*
 * Clients of DHCPv4, DHCPv6 or DNS behind a VLAN trunk, one for each VLAN, whose answers are checked and timed.
 *
 *   clients TRUNK FILE dhcp4|dhcp6|dns [seconds=10] [rate=R] [window=N] [depth=N] [names=FILE] [boot]
 *
 * FILE has a line "VLAN MAC IPV4 GATEWAY4 IPV6" for each client, "-" for what it has not. rate: exchanges begun per
 * second, by all in turn, in steps of 0.5 ms; without, as many as the window (64) allows to be under way. depth: those
 * of one client (dns only, up to 16). names: lines "NAME IPV4" to ask for. boot: every client begins at once and asks
 * again until it has its address.
 *
 * Prints one JSON object: begun, answered (right to the end), lost, duplicated (answered once more), late (after it was
 * given up), wrong (not what was asked for; example says why), broken (lengths or checksums), strange (in a VLAN of
 * no client), skipped (due, but the window was full), askedAgain, refused (by the interface), seconds, rate, cpuSeconds
 * (of the loader), ms (from the first question to the last answer).
 */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "exchanges.h"
#include "trunk.h"

static struct client clients[CLIENTS];

static bool put_address(int family, const char *text, uint8_t *out)
{
	return strcmp(text, "-") == 0 || inet_pton(family, text, out) == 1;
}

static uint32_t read_clients(const char *path)
{
	char mac[32], ip4[32], gateway4[32], ip6[64];
	FILE *file = fopen(path, "r");
	unsigned int vlan;
	uint32_t count = 0;

	if (file == NULL)
		return fprintf(stderr, "error: %s: %s\n", path, strerror(errno)), 0;
	while (count < CLIENTS && fscanf(file, "%u %31s %31s %31s %63s", &vlan, mac, ip4, gateway4, ip6) == 5) {
		struct client *client = &clients[count++];
		uint8_t *m = client->mac;
		client->vlan = (uint16_t)vlan;
		if (vlan == 0 || vlan > 4094 ||
		        sscanf(mac, "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", m, m + 1, m + 2, m + 3, m + 4, m + 5) != 6 ||
		        !put_address(AF_INET, ip4, client->ip4) || !put_address(AF_INET, gateway4, client->gateway4) ||
		        !put_address(AF_INET6, ip6, client->ip6)) {
			fprintf(stderr, "error: %s: client %u: want VLAN MAC IPV4 GATEWAY4 IPV6\n", path, count);
			count = 0;
			break;
		}
	}
	fclose(file);
	return count;
}

static const struct protocol *protocol_of(const char *name)
{
	const struct protocol *protocols[] = {&dhcp4, &dhcp6, &dns};

	for (int i = 0; i < 3; i++) {
		if (strcmp(name, protocols[i]->name) == 0)
			return protocols[i];
	}
	return NULL;
}

static bool read_option(const char *option, struct plan *plan)
{
	if (strcmp(option, "boot") == 0)
		return plan->boot = true;
	if (strncmp(option, "names=", 6) == 0)
		return dns_read_names(option + 6);
	if (sscanf(option, "seconds=%lf", &plan->seconds) == 1)
		return plan->seconds > 0;
	if (sscanf(option, "rate=%lf", &plan->rate) == 1)
		return plan->rate > 0;
	if (sscanf(option, "window=%u", &plan->window) == 1)
		return plan->window > 0;
	return sscanf(option, "depth=%u", &plan->depth) == 1 && plan->depth >= 1 &&
	       plan->depth <= plan->protocol->depth;
}

int main(int count, char **arguments)
{
	struct plan plan = {.clients = clients, .seconds = 10, .window = 0, .depth = 1};

	plan.protocol = count < 4 ? NULL : protocol_of(arguments[3]);
	if (plan.protocol == NULL)
		return fprintf(stderr, "usage: clients TRUNK FILE dhcp4|dhcp6|dns [OPTION=VALUE ...]\n"), 2;
	for (int i = 4; i < count; i++) {
		if (!read_option(arguments[i], &plan))
			return fprintf(stderr, "error: %s: no such option, or out of range\n", arguments[i]), 2;
	}
	plan.count = read_clients(arguments[2]);
	if (plan.count == 0)
		return fprintf(stderr, "error: %s: no clients\n", arguments[2]), 1;
	if (plan.window == 0)
		plan.window = plan.rate == 0 ? 64 : plan.count * plan.depth;
	int fd = trunk_open(arguments[1]);
	if (fd < 0)
		return 1;
	exchanges_run(fd, &plan);
	return 0;
}
