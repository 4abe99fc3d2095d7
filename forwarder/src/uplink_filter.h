/*
 * What comes through an interface that the host shares, and is Weft's, is kept from the host's IP stack: else it would
 * refuse TCP connections of VMs, or forward their packets once more. One nftables table, "inet weft_<tag>", whose chain
 * in prerouting goes before connection tracking (priority raw). Packet sockets get their copies before that.
 *
 * The table stays when the process is killed, and is replaced as a whole by the next one's first update; from then on
 * only what differs changes, each time at once. One that somebody else removed is made again. One thread at a time but
 * for uplink_filter_probe.
 */
#ifndef WEFT_UPLINK_FILTER_H
#define WEFT_UPLINK_FILTER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/** The interface of an uplink. */
struct uplink_chain {
	uint32_t uplink;
	char interface[16];
};

enum uplink_element_kind {
	/** An address that the host has not. */
	UPLINK_ELEMENT_ADDRESS,
	/** A subnet; `first` is its length. */
	UPLINK_ELEMENT_PREFIX,
	/** TCP and UDP ports first … last (host order) of an address of the host. */
	UPLINK_ELEMENT_PORTS,
};

/** What is kept from the host. No byte is left unset: elements are compared as a whole. */
struct uplink_element {
	uint32_t uplink;
	uint8_t kind, family;
	uint16_t first, last;
	uint16_t pad;
	/** 16 bytes as in rows. */
	uint8_t address[16];
};

/** All of it. Elements are sorted and unique (uplink_filter_sort). */
struct uplink_filter {
	const struct uplink_chain *chains;
	uint32_t chain_count;
	const struct uplink_element *elements;
	uint32_t element_count;
};

/** 0 or -ENOMEM. tag: of the table's name. */
int uplink_filter_init(const char *tag);
/** Removes the table, when there was any probe. */
void uplink_filter_free(void);
/** uplink_filter_sort.c. Sorts, and leaves each once, and no subnet that is in another one; returns how many are left.
 */
uint32_t uplink_filter_sort(struct uplink_element *elements, uint32_t count);
/** Whether nftables works here: makes the empty table, or finds it. Any thread. 0, or -errno and its words. */
int uplink_filter_probe(char *why, size_t size);
/** Makes the table so; nothing is done when it is so. 0, or -errno and the table is as before. No chains: no table. */
int uplink_filter_set(const struct uplink_filter *wanted);

/** Whether somebody removed the table, or made another (nft flush ruleset): the next uplink_filter_set writes all of
 * it. */
bool uplink_filter_lost(void);

/* uplink_filter_table.c. */
/** What the kernel calls the table of this tag as long as it is the same; 0: there is none. 0, or -errno: not known. */
int uplink_filter_handle(const char *tag, uint64_t *handle);

/* uplink_filter_text.c: what nft is told. */
/** The whole table, instead of what there is. */
void uplink_filter_write(FILE *out, const char *tag, const struct uplink_filter *filter);
/** What differs, of filters with the same chains. */
void uplink_filter_write_changes(
        FILE *out, const char *tag, const struct uplink_filter *from, const struct uplink_filter *to);

#endif
