#include "uplink_filter.h"

#include <arpa/inet.h>
#include <string.h>

/* Sets of an uplink, by kind of what is in them: the word in their names, their type, the rule that looks there. */
static const struct {
	const char *word, *type4, *type6, *flags, *rule4, *rule6;
} sets[] = {
        [UPLINK_ELEMENT_ADDRESS] = {"address", "ipv4_addr", "ipv6_addr", "", "ip daddr", "ip6 daddr"},
        [UPLINK_ELEMENT_PREFIX] = {"subnet", "ipv4_addr", "ipv6_addr", "flags interval;",
                "fib daddr type != local ip daddr", "fib daddr type != local ip6 daddr"},
        [UPLINK_ELEMENT_PORTS] = {"port", "ipv4_addr . inet_service", "ipv6_addr . inet_service", "flags interval;",
                "meta l4proto { tcp, udp } ip daddr . th dport", "meta l4proto { tcp, udp } ip6 daddr . th dport"},
};
#define KINDS (sizeof(sets) / sizeof(sets[0]))

static void write_element(FILE *out, const struct uplink_element *element)
{
	char address[INET6_ADDRSTRLEN];

	inet_ntop(element->family == 4 ? AF_INET : AF_INET6, element->address, address, sizeof(address));
	fputs(address, out);
	if (element->kind == UPLINK_ELEMENT_PREFIX)
		fprintf(out, "/%u", element->first);
	if (element->kind != UPLINK_ELEMENT_PORTS)
		return;
	fprintf(out, " . %u", element->first);
	if (element->last != element->first)
		fprintf(out, "-%u", element->last);
}

static void write_elements(FILE *out, const struct uplink_filter *filter, uint32_t uplink, uint8_t kind, uint8_t family)
{
	const char *before = "elements = {";

	for (uint32_t i = 0; i < filter->element_count; i++) {
		const struct uplink_element *element = &filter->elements[i];
		if (element->uplink != uplink || element->kind != kind || element->family != family)
			continue;
		fprintf(out, "%s ", before);
		write_element(out, element);
		before = ",";
	}
	if (before[0] == ',')
		fputs(" }", out);
}

static void write_chain(FILE *out, const struct uplink_filter *filter, uint32_t uplink)
{
	for (uint8_t kind = 0; kind < KINDS; kind++) {
		for (uint8_t family = 4; family <= 6; family += 2) {
			fprintf(out, "set u%u_%s%u { type %s; %s ", uplink, sets[kind].word, family,
			        family == 4 ? sets[kind].type4 : sets[kind].type6, sets[kind].flags);
			write_elements(out, filter, uplink, kind, family);
			fputs(" }\n", out);
		}
	}
	fprintf(out, "chain u%u {\n", uplink);
	for (uint8_t kind = 0; kind < KINDS; kind++) {
		fprintf(out, "%s @u%u_%s4 drop\n", sets[kind].rule4, uplink, sets[kind].word);
		fprintf(out, "%s @u%u_%s6 drop\n", sets[kind].rule6, uplink, sets[kind].word);
	}
	fputs("}\n", out);
}

void uplink_filter_write(FILE *out, const char *tag, const struct uplink_filter *filter)
{
	fprintf(out, "add table inet weft_%s\ndelete table inet weft_%s\n", tag, tag);
	if (filter->chain_count == 0)
		return;
	fprintf(out, "table inet weft_%s {\n", tag);
	for (uint32_t i = 0; i < filter->chain_count; i++)
		write_chain(out, filter, filter->chains[i].uplink);
	fputs("chain prerouting {\ntype filter hook prerouting priority raw; policy accept;\n", out);
	for (uint32_t i = 0; i < filter->chain_count; i++)
		fprintf(out, "iifname \"%s\" jump u%u\n", filter->chains[i].interface, filter->chains[i].uplink);
	fputs("}\n}\n", out);
}

static void write_change(FILE *out, const char *tag, const char *verb, const struct uplink_element *element)
{
	fprintf(out, "%s element inet weft_%s u%u_%s%u { ", verb, tag, element->uplink, sets[element->kind].word,
	        element->family);
	write_element(out, element);
	fputs(" }\n", out);
}

/* Steps through both in order: elements of one alone are told. */
static void write_missing(FILE *out, const char *tag, const char *verb, const struct uplink_filter *in,
        const struct uplink_filter *not_in)
{
	uint32_t other = 0;

	for (uint32_t i = 0; i < in->element_count; i++) {
		int order = -1;
		while (other < not_in->element_count &&
		        (order = memcmp(&not_in->elements[other], &in->elements[i], sizeof(in->elements[i]))) < 0)
			other++;
		if (other == not_in->element_count || order != 0)
			write_change(out, tag, verb, &in->elements[i]);
	}
}

void uplink_filter_write_changes(
        FILE *out, const char *tag, const struct uplink_filter *from, const struct uplink_filter *to)
{
	/* A subnet that shrinks must be out before it is in again. */
	write_missing(out, tag, "delete", from, to);
	write_missing(out, tag, "add", to, from);
}
