/*
 * One VM that floods everything a VM can ask the appliance for: ARP and neighbour solicitations for its gateway, router
 * solicitations, DHCP, DHCPv6, DNS, and TCP SYNs to the metadata addresses.
 *
 *   storm INTERFACE|SOCKET MAC IPV4 GATEWAY4 IPV6 GATEWAY6 [rate=R] [kinds=arp,ns,rs,dhcp4,dhcp6,dns,syn4,syn6]
 *
 * SOCKET: the path of a vhost-user socket that the appliance made. Until SIGTERM or SIGINT, at so many frames per
 * second (without: as fast as it goes), one kind after the other; xids, ids and source ports change. Prints {"sent": N,
 * "refused": N, "seconds": X, "rate": R, "cpuSeconds": X}.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <inttypes.h>
#include <linux/if_ether.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <time.h>

#include "frame.h"
#include "way.h"

#define SECOND UINT64_C(1000000000)
#define LATE   (SECOND / 50)

enum { ROUND = 4096, BATCH = 128, TCP = 6, ICMP6 = 58, TCP_HEAD = 20 };

static struct client vm;
static uint8_t gateway6[16];
static uint8_t frames[ROUND][FRAME];
static size_t lengths[ROUND];
static volatile sig_atomic_t stopping;

static void on_signal(int signal_number)
{
	(void)signal_number;
	stopping = 1;
}

static size_t arp(uint32_t number, uint8_t *frame)
{
	static const uint8_t request[8] = {0, 1, 8, 0, 6, 4, 0, 1};
	size_t at = frame_head(frame, &vm, broadcast_mac, ETH_P_ARP);

	(void)number;
	memcpy(frame + at, request, sizeof(request));
	memcpy(frame + at + 8, vm.mac, 6);
	memcpy(frame + at + 14, vm.ip4, 4);
	memset(frame + at + 18, 0, 6);
	memcpy(frame + at + 24, vm.gateway4, 4);
	return at + 28;
}

/* An ICMPv6 message with our link-layer address as only option, to a multicast group (RFC 4861 §4.1, §4.3). */
static size_t icmp6(uint8_t *frame, const uint8_t *target, uint8_t *message, size_t length)
{
	uint8_t mac[6] = {0x33, 0x33, target[12], target[13], target[14], target[15]}, source[16];
	size_t at = frame_head(frame, &vm, mac, ETH_P_IPV6);
	uint8_t *ip = frame + at;

	frame_link_local(vm.mac, source);
	message[length] = 1;
	message[length + 1] = 1;
	memcpy(message + length + 2, vm.mac, 6);
	length += 8;
	size_t head = frame_ip6(ip, ICMP6, length, source, target);
	memcpy(ip + head, message, length);
	put16(ip + head + 2, (uint16_t)~frame_sum(ICMP6, ip + 8, true, ip + head, length));
	return at + head + length;
}

static size_t ns(uint32_t number, uint8_t *frame)
{
	uint8_t message[32] = {135},
	        group[16] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0xff, gateway6[13], gateway6[14], gateway6[15]};

	(void)number;
	memcpy(message + 8, gateway6, 16);
	return icmp6(frame, group, message, 24);
}

static size_t rs(uint32_t number, uint8_t *frame)
{
	static const uint8_t routers[16] = {0xff, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2};
	uint8_t message[16] = {133};

	(void)number;
	return icmp6(frame, routers, message, 8);
}

static size_t ask(const struct protocol *protocol, uint32_t number, uint8_t *frame)
{
	struct exchange exchange = {.generation = number, .slot = number % DEPTH};

	return protocol->ask(&vm, &exchange, frame);
}

static size_t ask_dhcp4(uint32_t number, uint8_t *frame)
{
	return ask(&dhcp4, number, frame);
}

static size_t ask_dhcp6(uint32_t number, uint8_t *frame)
{
	return ask(&dhcp6, number, frame);
}

static size_t ask_dns(uint32_t number, uint8_t *frame)
{
	return ask(&dns, number, frame);
}

static void put_syn(uint32_t number, uint8_t *tcp)
{
	memset(tcp, 0, TCP_HEAD);
	put16(tcp, 1024 + number * 13 % 60000);
	put16(tcp + 2, 80);
	put32(tcp + 4, number * 2654435761u);
	tcp[12] = TCP_HEAD / 4 << 4;
	tcp[13] = 2;
	put16(tcp + 14, 64240);
}

static size_t syn4(uint32_t number, uint8_t *frame)
{
	static const uint8_t metadata[4] = {169, 254, 169, 254};
	size_t at = frame_head(frame, &vm, gateway_mac, ETH_P_IP);
	uint8_t *ip = frame + at;
	size_t head = frame_ip4(ip, TCP, TCP_HEAD, vm.ip4, metadata);

	put_syn(number, ip + head);
	put16(ip + head + 16, (uint16_t)~frame_sum(TCP, ip + 12, false, ip + head, TCP_HEAD));
	return at + head + TCP_HEAD;
}

static size_t syn6(uint32_t number, uint8_t *frame)
{
	static const uint8_t metadata[16] = {0xfe, 0x80, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xa9, 0xfe, 0xa9, 0xfe};
	uint8_t source[16];
	size_t at = frame_head(frame, &vm, gateway_mac, ETH_P_IPV6);
	uint8_t *ip = frame + at;

	frame_link_local(vm.mac, source);
	size_t head = frame_ip6(ip, TCP, TCP_HEAD, source, metadata);
	put_syn(number, ip + head);
	put16(ip + head + 16, (uint16_t)~frame_sum(TCP, ip + 8, true, ip + head, TCP_HEAD));
	return at + head + TCP_HEAD;
}

static const struct kind {
	const char *name;
	size_t (*write)(uint32_t number, uint8_t *frame);
} kinds[] = {
        {"arp", arp},
        {"ns", ns},
        {"rs", rs},
        {"dhcp4", ask_dhcp4},
        {"dhcp6", ask_dhcp6},
        {"dns", ask_dns},
        {"syn4", syn4},
        {"syn6", syn6},
};

enum { KINDS = sizeof(kinds) / sizeof(*kinds) };

/* Whether a name is among those of "a,b,c"; all are in NULL. */
static bool chosen(const char *list, const char *name)
{
	size_t length = strlen(name);

	for (const char *at = list; at != NULL; at = *at == ',' ? at + 1 : NULL) {
		size_t one = strcspn(at, ",");
		if (one == length && strncmp(at, name, one) == 0)
			return true;
		at += one;
	}
	return list == NULL;
}

static bool make_frames(const char *list)
{
	const struct kind *wanted[KINDS];
	uint32_t count = 0;

	for (uint32_t i = 0; i < KINDS; i++) {
		if (chosen(list, kinds[i].name))
			wanted[count++] = &kinds[i];
	}
	for (uint32_t i = 0; count != 0 && i < ROUND; i++)
		lengths[i] = wanted[i % count]->write(i / count, frames[i]);
	return count != 0;
}

static uint64_t clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * SECOND + (uint64_t)t.tv_nsec;
}

static void wait_for(uint64_t due)
{
	struct timespec until = {.tv_sec = (time_t)(due / SECOND), .tv_nsec = (long)(due % SECOND)};

	clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL);
}

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

static void flood(double rate)
{
	uint64_t start = clock_ns(), sent = 0, refused = 0, due = 0;
	uint32_t at = 0;

	/* What is late is made up for, but not more than LATE. */
	while (!stopping) {
		uint32_t count = way_send(frames, lengths, at, BATCH);
		sent += count;
		refused += BATCH - count;
		at = (at + BATCH) % ROUND;
		if (rate > 0) {
			uint64_t now = clock_ns(), step = (uint64_t)(BATCH * 1e9 / rate);
			due = due + step + LATE > now ? due + step : now;
			wait_for(due);
		}
	}
	double seconds = (double)(clock_ns() - start) / 1e9;
	printf("{\"sent\": %" PRIu64 ", \"refused\": %" PRIu64
	       ", \"seconds\": %.3f, \"rate\": %.0f, \"cpuSeconds\": %.2f}\n",
	        sent, refused, seconds, (double)sent / seconds, cpu_seconds());
}

int main(int count, char **arguments)
{
	struct sigaction action = {.sa_handler = on_signal};
	uint8_t *m = vm.mac;
	const char *list = NULL;
	double rate = 0;

	sigaction(SIGTERM, &action, NULL);
	sigaction(SIGINT, &action, NULL);
	if (count < 7 ||
	        sscanf(arguments[2], "%hhx:%hhx:%hhx:%hhx:%hhx:%hhx", m, m + 1, m + 2, m + 3, m + 4, m + 5) != 6 ||
	        inet_pton(AF_INET, arguments[3], vm.ip4) != 1 || inet_pton(AF_INET, arguments[4], vm.gateway4) != 1 ||
	        inet_pton(AF_INET6, arguments[5], vm.ip6) != 1 || inet_pton(AF_INET6, arguments[6], gateway6) != 1)
		return fprintf(stderr, "usage: storm INTERFACE MAC IPV4 GATEWAY4 IPV6 GATEWAY6 [OPTION=VALUE ...]\n"),
		       2;
	for (int i = 7; i < count; i++) {
		if (strncmp(arguments[i], "kinds=", 6) == 0)
			list = arguments[i] + 6;
		else if (sscanf(arguments[i], "rate=%lf", &rate) != 1 || rate <= 0)
			return fprintf(stderr, "error: %s: no such option, or out of range\n", arguments[i]), 2;
	}
	if (!dns_add_name("storm.example.net", "192.0.2.1") || !make_frames(list))
		return fprintf(stderr, "error: %s: no such kinds\n", list), 2;
	prctl(PR_SET_TIMERSLACK, 1);
	if (!way_open(arguments[1]))
		return 1;
	flood(rate);
	return 0;
}
