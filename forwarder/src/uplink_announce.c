#include "uplink_announce.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "index.h"
#include "log.h"
#include "nat.h"
#include "rows.h"
#include "tables.h"
#include "uplink.h"
#include "uplink_ports.h"
#include "uplink_say.h"

#define ANNOUNCEMENTS 3u
#define INTERVAL_MS   1000u
#define DEFEND_MS     10000u
#define LOG_MS        1000u
/* Frames at once: the ring to a packet thread is not for these alone. */
#define AT_ONCE 256u
#define BUCKETS 8192u

enum kind { OWN, OUTSIDE, KINDS };

struct owned {
	struct owned *next;
	uint32_t uplink;
	uint8_t family;
	/** enum kind. */
	uint8_t kind;
	/** Announcements that are still to be sent. */
	uint8_t left;
	/** Found in the last pass. */
	bool seen;
	uint8_t address[16];
	uint64_t due_ms, defended_ms;
};

static struct owned **buckets;
/* Addresses of which announcements are left. */
static uint32_t waiting;
/* What the last passes saw: nat_owned_changes, and the lists of the uplinks' own addresses. */
static uint64_t changes, lists;
static bool passed;
static uint64_t now, logged_at;
/* Of the pass that runs. */
static uint32_t pass_uplink;
static enum kind pass_kind;

int uplink_announce_start(void)
{
	buckets = calloc(BUCKETS, sizeof(struct owned *));
	waiting = 0;
	passed = false;
	logged_at = 0;
	return buckets ? 0 : -ENOMEM;
}

void uplink_announce_stop(void)
{
	for (uint32_t i = 0; buckets && i < BUCKETS; i++)
		for (struct owned *at = buckets[i], *next; at; at = next) {
			next = at->next;
			free(at);
		}
	free(buckets);
	buckets = NULL;
}

static struct owned **place_of(uint32_t uplink, uint8_t family, const uint8_t *address)
{
	struct owned **at = &buckets[index_hash(address, 16, uplink << 1 | (family == 6)) % BUCKETS];

	while (*at && ((*at)->uplink != uplink || (*at)->family != family || memcmp((*at)->address, address, 16) != 0))
		at = &(*at)->next;
	return at;
}

static void begin(struct owned *owned)
{
	waiting += owned->left == 0;
	owned->left = ANNOUNCEMENTS;
	owned->due_ms = now;
}

static void visit(uint8_t family, const uint8_t *address, void *unused)
{
	struct owned **at = place_of(pass_uplink, family, address), *owned = *at;

	if (!owned) {
		owned = calloc(1, sizeof(*owned));
		if (!owned)
			return;
		owned->uplink = pass_uplink;
		owned->family = family;
		memcpy(owned->address, address, sizeof(owned->address));
		owned->kind = (uint8_t)pass_kind;
		*at = owned;
		begin(owned);
	}
	/* An address of the uplink's own that a pool shares stays the uplink's own. */
	if (pass_kind == OWN)
		owned->kind = OWN;
	owned->seen = true;
}

/* Writer lock held. */
static void visit_own(struct uplink *uplink)
{
	const struct gateways *own = tables_gateways(uplink->bridge);
	uint8_t link_local[16];

	pass_uplink = uplink->id;
	uplink_link_local(uplink->mac, link_local);
	if (uplink->up)
		visit(6, link_local, NULL);
	for (uint32_t i = 0; own && i < own->count; i++)
		visit(own->rows[i]->family, own->rows[i]->address, NULL);
}

/* Writer lock held. */
static void visit_outside(struct uplink *uplink)
{
	pass_uplink = uplink->id;
	nat_each_owned(uplink->id, visit, NULL);
}

static void each(bool (*keep)(struct owned *owned))
{
	for (uint32_t i = 0; i < BUCKETS; i++)
		for (struct owned **at = &buckets[i], *owned; (owned = *at) != NULL;) {
			if (keep(owned)) {
				at = &owned->next;
				continue;
			}
			*at = owned->next;
			waiting -= owned->left != 0;
			free(owned);
		}
}

static bool keep_seen(struct owned *owned)
{
	bool kept = owned->kind != pass_kind || owned->seen;

	owned->seen = false;
	return kept;
}

static void look_through(enum kind kind, void (*look)(struct uplink *uplink))
{
	pass_kind = kind;
	rows_lock();
	uplink_ports_each(look);
	rows_unlock();
	each(keep_seen);
}

static uint64_t seen_lists, any_fresh;

/* Writer lock held. */
static void add_list(struct uplink *uplink)
{
	const struct gateways *own = tables_gateways(uplink->bridge);
	uint8_t bytes[16] = {[6] = uplink->up};

	memcpy(bytes, uplink->mac, sizeof(uplink->mac));
	memcpy(bytes + 8, &uplink->generation, sizeof(uplink->generation));
	seen_lists += index_hash(bytes, sizeof(bytes), uplink->id);
	for (uint32_t i = 0; own && i < own->count; i++)
		seen_lists += index_hash(own->rows[i]->address, 16, uplink->id << 1 | (own->rows[i]->family == 6));
	any_fresh += uplink->fresh;
}

static bool begin_fresh(struct owned *owned)
{
	const struct uplink *uplink = uplink_port(owned->uplink, 0);

	if (uplink && uplink->fresh)
		begin(owned);
	return true;
}

static bool is_host(uint32_t uplink, uint8_t family, const uint8_t *address)
{
	rows_lock();
	bool found = uplink_is_host(uplink, family, address);
	rows_unlock();
	return found;
}

static uint32_t sent;

static bool send_due(struct owned *owned)
{
	const struct uplink *uplink = uplink_port(owned->uplink, 0);

	if (owned->left == 0 || owned->due_ms > now || sent == AT_ONCE)
		return true;
	owned->due_ms = now + INTERVAL_MS;
	waiting -= --owned->left == 0;
	if (uplink && !is_host(owned->uplink, owned->family, owned->address)) {
		uplink_announce(uplink, owned->family, owned->address);
		sent++;
	}
	return true;
}

void uplink_announce_poll(uint64_t now_ms)
{
	uint64_t owned = nat_owned_changes();

	now = now_ms;
	seen_lists = any_fresh = 0;
	rows_lock();
	uplink_ports_each(add_list);
	rows_unlock();
	bool moved = !passed || seen_lists != lists;
	if (moved)
		look_through(OWN, visit_own);
	if (moved || owned != changes)
		look_through(OUTSIDE, visit_outside);
	if (any_fresh != 0)
		each(begin_fresh);
	sent = 0;
	if (waiting > 0)
		each(send_due);
	passed = true;
	changes = owned;
	lists = seen_lists;
}

void uplink_announce_defend(
        uint32_t uplink, uint8_t family, const uint8_t *address, const uint8_t *mac, uint64_t now_ms)
{
	struct owned *owned = *place_of(uplink, family, address);
	const struct uplink *port = uplink_port(uplink, 0);
	char text[INET6_ADDRSTRLEN] = "";

	if (!owned || !port || is_host(uplink, family, address) ||
	        (owned->defended_ms != 0 && now_ms - owned->defended_ms < DEFEND_MS))
		return;
	owned->defended_ms = now_ms;
	uplink_announce(port, family, address);
	if (logged_at != 0 && now_ms - logged_at < LOG_MS)
		return;
	logged_at = now_ms;
	inet_ntop(family == 4 ? AF_INET : AF_INET6, address, text, sizeof(text));
	log_line("uplink %u: %02x:%02x:%02x:%02x:%02x:%02x uses our address %s; give one of the two another address",
	        uplink, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5], text);
}
