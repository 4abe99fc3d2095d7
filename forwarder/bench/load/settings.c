/* LOAD: the settings of every port. */
#include <arpa/inet.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "load.h"

enum kind { NUMBER, CHOICE, MAC, ADDRESS, FLOWS, SIZE };

struct key {
	const char *name;
	enum kind kind;
	size_t at;
	uint64_t least, most;
	const char *choices[5];
};

#define AT(field) offsetof(struct load_settings, field)

static const struct key keys[] = {
        {"role", CHOICE, .at = AT(role), .choices = {"sink", "generate", "reflect"}},
        {"proto", CHOICE, .at = AT(protocol), .choices = {"udp", "tcp", "arp", "nd"}},
        {"tunnel", CHOICE, .at = AT(tunnel), .choices = {"none", "vxlan", "mpls-udp"}},
        {"mode", CHOICE, .at = AT(mode), .choices = {"inline", "nic"}},
        {"family", NUMBER, .at = AT(family), .least = 4, .most = 6},
        {"flows", FLOWS, .at = AT(flows), .least = 1, .most = UINT32_MAX},
        {"size", SIZE, .at = AT(size), .least = 64, .most = 1518},
        {"src_mac", MAC, .at = AT(src_mac)},
        {"dst_mac", MAC, .at = AT(dst_mac)},
        {"outer_src_mac", MAC, .at = AT(outer_src_mac)},
        {"outer_dst_mac", MAC, .at = AT(outer_dst_mac)},
        {"macs", NUMBER, .at = AT(macs), .least = 0, .most = UINT32_MAX},
        {"src", ADDRESS, .at = AT(src)},
        {"dst", ADDRESS, .at = AT(dst)},
        {"target", ADDRESS, .at = AT(target)},
        {"outer_src", ADDRESS, .at = AT(outer_src)},
        {"outer_dst", ADDRESS, .at = AT(outer_dst)},
        {"sources", NUMBER, .at = AT(sources), .least = 1, .most = UINT32_MAX},
        {"dsts", NUMBER, .at = AT(dsts), .least = 1, .most = UINT32_MAX},
        {"dst_step", NUMBER, .at = AT(dst_step), .least = 0, .most = UINT32_MAX},
        {"sport", NUMBER, .at = AT(sport), .least = 0, .most = UINT16_MAX},
        {"dport", NUMBER, .at = AT(dport), .least = 0, .most = UINT16_MAX},
        {"vlan", NUMBER, .at = AT(vlan), .least = 1, .most = 4094},
        {"vni", NUMBER, .at = AT(vni), .least = 0, .most = 0xffffff},
        {"rate", NUMBER, .at = AT(rate), .least = 0, .most = 1000000000},
        {"setup", NUMBER, .at = AT(setup), .least = 0, .most = 1000000000},
};

struct reader {
	char *reason;
	size_t size;
};

static bool refuse(struct reader *reader, const char *sentence, const char *detail)
{
	snprintf(reader->reason, reader->size, sentence, detail);
	return false;
}

static bool read_number(const char *text, uint64_t least, uint64_t most, uint64_t *to)
{
	char *end;

	errno = 0;
	*to = strtoull(text, &end, 10);
	return errno == 0 && *text >= '0' && *text <= '9' && *end == 0 && *to >= least && *to <= most;
}

static bool read_mac(const char *text, uint8_t *to)
{
	struct rte_ether_addr mac;

	if (strlen(text) != 17 || rte_ether_unformat_addr(text, &mac) != 0)
		return false;
	memcpy(to, mac.addr_bytes, sizeof(mac.addr_bytes));
	return true;
}

static uint64_t big_endian(const uint8_t *bytes, int count)
{
	uint64_t value = 0;

	for (int i = 0; i < count; i++)
		value = value << 8 | bytes[i];
	return value;
}

static bool read_address(const char *text, struct load_address *to)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1) {
		*to = (struct load_address){.low = big_endian(bytes, 4), .family = 4};
		return true;
	}
	if (inet_pton(AF_INET6, text, bytes) != 1)
		return false;
	*to = (struct load_address){big_endian(bytes, 8), big_endian(bytes + 8, 8), 6};
	return true;
}

static bool read_choice(const char *text, const struct key *key, uint64_t *to)
{
	for (uint64_t i = 0; key->choices[i] != NULL; i++) {
		if (strcmp(text, key->choices[i]) == 0)
			return *to = i, true;
	}
	return false;
}

static bool read_value(const struct key *key, const char *text, struct load_settings *settings)
{
	void *to = (uint8_t *)settings + key->at;

	switch (key->kind) {
	case CHOICE:
		return read_choice(text, key, to);
	case MAC:
		settings->has_dst_mac |= key->at == AT(dst_mac);
		return read_mac(text, to);
	case ADDRESS:
		return read_address(text, to);
	case FLOWS:
		settings->endless = strcmp(text, "endless") == 0;
		return settings->endless || read_number(text, key->least, key->most, to);
	case SIZE:
		settings->imix = strcmp(text, "imix") == 0;
		return settings->imix || read_number(text, key->least, key->most, to);
	default:
		settings->has_vni |= key->at == AT(vni);
		return read_number(text, key->least, key->most, to);
	}
}

static bool read_pair(struct reader *reader, char *pair, struct load_settings *settings)
{
	char *value = strchr(pair, '=');

	if (value == NULL)
		return refuse(reader, "LOAD: \"%s\" is not key=value", pair);
	*value++ = 0;
	for (size_t i = 0; i < RTE_DIM(keys); i++) {
		if (strcmp(pair, keys[i].name) != 0)
			continue;
		if (read_value(&keys[i], value, settings))
			return true;
		value[-1] = '=';
		return refuse(reader, "LOAD: the value is not allowed: %s", pair);
	}
	return refuse(reader, "LOAD: there is no key \"%s\"", pair);
}

static void fill_defaults(struct load_settings *settings)
{
	bool six = settings->family == 6 || settings->protocol == LOAD_ND;

	if (settings->protocol == LOAD_ND)
		settings->family = 6;
	if (settings->src.family == 0)
		read_address(six ? "2001:db8::2" : "10.0.0.2", &settings->src);
	if (settings->dst.family == 0)
		read_address(six ? "2001:db8:8000::9" : "20.0.0.9", &settings->dst);
	if (settings->target.family == 0)
		read_address(six ? "2001:db8::1" : "10.0.0.1", &settings->target);
	if (settings->dst_step == UINT64_MAX)
		settings->dst_step = six ? 1 : 256;
}

static bool check_settings(struct reader *reader, const struct load_settings *settings)
{
	bool resolution = settings->protocol == LOAD_ARP || settings->protocol == LOAD_ND;

	if (settings->family == 5)
		return refuse(reader, "LOAD: the %s is 4 or 6", "family");
	if (settings->protocol == LOAD_ARP && settings->family == 6)
		return refuse(reader, "LOAD: %s is of family 4", "arp");
	if (settings->src.family != settings->family || settings->dst.family != settings->family ||
	        settings->target.family != settings->family)
		return refuse(reader, "LOAD: src, dst and target must be of the %s given", "family");
	if (settings->outer_src.family != 4 || settings->outer_dst.family != 4)
		return refuse(reader, "LOAD: outer addresses are of %s", "family 4");
	if (settings->tunnel == LOAD_MPLS_UDP && settings->vni > 0xfffff)
		return refuse(reader, "LOAD: a label has 20 bits: %s", "vni");
	if (resolution && (settings->tunnel != LOAD_PLAIN || settings->imix || settings->rate != 0))
		return refuse(reader, "LOAD: arp and nd know no %s", "tunnel, imix or rate");
	if (settings->endless && settings->setup != 0)
		return refuse(reader, "LOAD: endless flows know no %s", "setup");
	return true;
}

static const struct load_settings defaults = {
        .present = true,
        .family = 4,
        .flows = 1000,
        .size = 64,
        .sources = 1,
        .dsts = 1000,
        .dst_step = UINT64_MAX,
        .sport = 1024,
        .dport = 9,
        .src_mac = {2, 0, 0, 0, 0, 1},
        .dst_mac = {0, 0, 0x5e, 0, 1, 0},
        .outer_src_mac = {2, 0, 0, 0, 1, 1},
        .outer_dst_mac = {2, 0, 0, 0, 1, 0},
        .outer_src = {.low = 0xc0000202, .family = 4},
        .outer_dst = {.low = 0xc0000201, .family = 4},
        .vni = 5001,
};

static bool read_port(struct reader *reader, char *text, struct load_settings all[LOAD_PORTS])
{
	char *rest = strchr(text, ':'), *pair;
	uint64_t port;

	if (rest == NULL)
		return refuse(reader, "LOAD: \"%s\" does not start with a port and a colon", text);
	*rest++ = 0;
	if (!read_number(text, 0, LOAD_PORTS - 1, &port))
		return refuse(reader, "LOAD: the port is 0 to 3, not \"%s\"", text);
	if (all[port].present)
		return refuse(reader, "LOAD: port %s is there twice", text);
	all[port] = defaults;
	while ((pair = strsep(&rest, ",")) != NULL) {
		if (*pair != 0 && !read_pair(reader, pair, &all[port]))
			return false;
	}
	fill_defaults(&all[port]);
	return check_settings(reader, &all[port]);
}

bool load_settings_parse(const char *text, struct load_settings settings[LOAD_PORTS], char *reason, size_t size)
{
	struct reader reader = {reason, size};
	char *copy = strdup(text), *rest = copy, *port;
	bool ok = copy != NULL;

	memset(settings, 0, LOAD_PORTS * sizeof(*settings));
	while (ok && (port = strsep(&rest, ";")) != NULL) {
		port += strspn(port, " ");
		ok = *port == 0 || read_port(&reader, port, settings);
	}
	free(copy);
	return ok;
}
