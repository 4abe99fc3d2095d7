#include "uplink_bind.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "log.h"
#include "uplink.h"
#include "uplink_unit.h"

#define UNITS (65536u / NAT_UNIT)
/* Addresses of the host that are shared, at most; more have no ports. */
#define HOSTS 64u
/* Units that are opened in one step: some 20 ms. */
#define STEP_UNITS 32u
/* Units above twice what is wanted that may stay. */
#define SLACK   8u
#define SOON_MS 10u
#define IDLE_MS 100u
/* After a unit could not be bound. */
#define RETRY_MS 10000u

enum unit_state {
	ABSENT,
	/** Bound; not to be given out yet. */
	BOUND,
	/** May be given out, or is. */
	READY,
	/** May not be given out any more, and is not. */
	LEAVING,
};

struct place {
	enum unit_state state;
	/** NULL: nothing is bound, for the host has not the address. */
	struct uplink_unit *unit;
};

/* One address. */
struct host {
	struct nat_host asked;
	/** The host has it, too. */
	bool local;
	/** Its units of before are there again: all from here up. */
	bool restored;
	uint32_t next_restored;
	/** 0: no unit failed. */
	uint64_t retry_at_ms;
	/** The rows have it. */
	bool listed;
	struct place places[UNITS];
	struct host *next;
};

static struct host *hosts;
static bool limit_raised;
/* Since uplink_bind_done. */
static bool changed;

static bool same_address(const struct nat_host *a, const struct nat_host *b)
{
	return a->uplink == b->uplink && a->family == b->family &&
	       memcmp(a->address, b->address, sizeof(a->address)) == 0;
}

static void tell(const struct host *host, uint32_t place, bool ready)
{
	const struct uplink_unit *unit = host->places[place].unit;

	nat_map_host_unit(host->asked.family, host->asked.address, (uint16_t)(place * NAT_UNIT), ready,
	        unit == NULL ? 0 : unit->used);
}

static bool is_taken(const struct host *host, uint32_t place)
{
	return nat_map_host_unit_taken(host->asked.family, host->asked.address, (uint16_t)(place * NAT_UNIT));
}

static uint32_t read_asked(struct nat_host *asked)
{
	uint32_t count = nat_map_hosts(asked, HOSTS);
	return count < HOSTS ? count : HOSTS;
}

/* Once until it goes well again. */
static void complain(const struct host *host, int error)
{
	char address[INET6_ADDRSTRLEN];

	if (host->retry_at_ms != 0)
		return;
	inet_ntop(host->asked.family == 4 ? AF_INET : AF_INET6, host->asked.address, address, sizeof(address));
	log_line("VMs get no more ports of %s, the host's own address: they cannot be bound: %s%s; tried again every "
	         "%u s",
	        address, strerror(-error), error == -EMFILE ? " (raise LimitNOFILE)" : "", RETRY_MS / 1000);
}

static bool open_place(struct host *host, uint32_t place, uint64_t now_ms)
{
	const struct nat_host *asked = &host->asked;
	struct uplink_unit *unit = NULL;

	if (host->local) {
		if (!limit_raised)
			uplink_unit_raise_limit();
		limit_raised = true;
		unit = malloc(sizeof(*unit));
		int result = unit == NULL ? -ENOMEM
		                          : uplink_unit_open(unit, asked->family, asked->address,
		                                    (uint16_t)(place * NAT_UNIT), asked->port_min, asked->port_max);
		if (result < 0) {
			complain(host, result);
			host->retry_at_ms = now_ms + RETRY_MS;
			free(unit);
			return false;
		}
	}
	host->retry_at_ms = 0;
	host->places[place] = (struct place){.state = BOUND, .unit = unit};
	changed = true;
	return true;
}

static void close_place(struct place *place)
{
	if (place->unit != NULL)
		uplink_unit_close(place->unit);
	free(place->unit);
	*place = (struct place){.state = ABSENT};
}

/* What the next step needs anew, it opens anew. */
static void release(struct host *host, bool say)
{
	for (uint32_t i = 0; i < UNITS; i++) {
		if (say && host->places[i].state == READY)
			tell(host, i, false);
		close_place(&host->places[i]);
	}
	changed = true;
	host->restored = false;
	host->next_restored = UNITS;
	host->retry_at_ms = 0;
}

/* Units that ports had before this process, or before the host got the address. Returns what is left of `budget`. */
static uint32_t restore(struct host *host, uint32_t budget, uint64_t now_ms)
{
	while (host->next_restored > 0 && budget > 0) {
		uint32_t place = host->next_restored - 1;
		if (host->places[place].state == ABSENT && is_taken(host, place)) {
			/* One that fails is lost: its flows meet the host's own sockets. */
			open_place(host, place, now_ms);
			budget--;
		}
		host->next_restored = place;
	}
	host->restored = host->next_restored == 0;
	return budget;
}

/* Opens until as many are ready as are wanted. */
static uint32_t fill(struct host *host, uint32_t budget, uint64_t now_ms)
{
	uint32_t least = host->asked.port_min / NAT_UNIT, have = host->asked.ready;

	for (uint32_t i = 0; i < UNITS; i++)
		have += host->places[i].state == BOUND;
	for (uint32_t i = host->asked.port_max / NAT_UNIT + 1; i > least && have < host->asked.wanted && budget > 0;
	        i--) {
		if (host->places[i - 1].state != ABSENT)
			continue;
		if (!open_place(host, i - 1, now_ms))
			break;
		have++;
		budget--;
	}
	return budget;
}

/* The lowest one that nobody has. */
static void shrink(struct host *host)
{
	for (uint32_t i = 0; i < UNITS; i++) {
		if (host->places[i].state != READY || is_taken(host, i))
			continue;
		tell(host, i, false);
		/* A packet thread may have been quicker. */
		if (is_taken(host, i)) {
			tell(host, i, true);
			continue;
		}
		host->places[i].state = LEAVING;
		changed = true;
		return;
	}
}

static struct host *find(const struct nat_host *asked)
{
	struct host *host = hosts;

	while (host != NULL && !same_address(&host->asked, asked))
		host = host->next;
	if (host == NULL && (host = calloc(1, sizeof(*host))) != NULL) {
		host->next_restored = UNITS;
		host->local = uplink_is_host(asked->uplink, asked->family, asked->address);
		host->next = hosts;
		hosts = host;
	}
	return host;
}

static uint32_t step(struct host *host, uint32_t budget, uint64_t now_ms)
{
	bool local = uplink_is_host(host->asked.uplink, host->asked.family, host->asked.address);

	if (local != host->local)
		release(host, true);
	host->local = local;
	if (!host->restored)
		budget = restore(host, budget, now_ms);
	if (host->restored && host->retry_at_ms <= now_ms)
		budget = fill(host, budget, now_ms);
	if (host->restored && host->asked.ready > 2 * host->asked.wanted + SLACK)
		shrink(host);
	return budget;
}

static void drop_unlisted(void)
{
	for (struct host **at = &hosts; *at != NULL;) {
		struct host *host = *at;
		if (host->listed) {
			at = &host->next;
			continue;
		}
		*at = host->next;
		release(host, true);
		free(host);
	}
}

uint32_t uplink_bind_step(uint64_t now_ms)
{
	struct nat_host asked[HOSTS];
	uint32_t count = read_asked(asked), budget = STEP_UNITS;

	for (struct host *host = hosts; host != NULL; host = host->next)
		host->listed = false;
	for (uint32_t i = 0; i < count; i++) {
		struct host *host = find(&asked[i]);
		if (host == NULL)
			continue;
		host->listed = true;
		host->asked = asked[i];
		budget = step(host, budget, now_ms);
	}
	drop_unlisted();
	return count == 0 ? UINT32_MAX : budget == 0 ? 0 : budget < STEP_UNITS ? SOON_MS : IDLE_MS;
}

bool uplink_bind_changed(void)
{
	return changed;
}

bool uplink_bind_restored(void)
{
	for (const struct host *host = hosts; host != NULL; host = host->next) {
		if (!host->restored)
			return false;
	}
	return true;
}

static bool is_held(const struct uplink_unit *unit, uint32_t i)
{
	return i < NAT_UNIT && unit->sockets[i][0] >= 0;
}

void uplink_bind_each(void (*visit)(uint32_t uplink, uint8_t family, const uint8_t *address, uint16_t first,
                              uint16_t last, void *context),
        void *context)
{
	for (const struct host *host = hosts; host != NULL; host = host->next) {
		for (uint32_t place = 0; place < UNITS; place++) {
			const struct uplink_unit *unit = host->places[place].unit;
			if (unit == NULL || host->places[place].state == LEAVING)
				continue;
			for (uint32_t i = 0, first = 0; i < NAT_UNIT; i++) {
				if (is_held(unit, i) && (i == 0 || !is_held(unit, i - 1)))
					first = i;
				if (is_held(unit, i) && !is_held(unit, i + 1))
					visit(host->asked.uplink, host->asked.family, host->asked.address,
					        (uint16_t)(place * NAT_UNIT + first), (uint16_t)(place * NAT_UNIT + i),
					        context);
			}
		}
	}
}

void uplink_bind_done(void)
{
	changed = false;
	for (struct host *host = hosts; host != NULL; host = host->next) {
		for (uint32_t i = 0; i < UNITS; i++) {
			if (host->places[i].state == LEAVING)
				close_place(&host->places[i]);
			if (host->places[i].state != BOUND)
				continue;
			host->places[i].state = READY;
			tell(host, i, true);
		}
	}
}

void uplink_bind_free(void)
{
	while (hosts != NULL) {
		struct host *host = hosts;
		hosts = host->next;
		release(host, false);
		free(host);
	}
	limit_raised = false;
}
