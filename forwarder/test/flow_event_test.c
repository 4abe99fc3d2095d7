/* What is told of flows as it happens: denials within their rate, beginnings and ends while somebody follows, losses.
 */
#include "flow_event.h"

#include <string.h>

#include "flow_life.h"
#include "limit.h"
#include "port.h"
#include "rig.h"
#include "test.h"

static struct fwd_flow out[5000];

static uint32_t read_events(bool follow, uint32_t room)
{
	return (uint32_t)flow_events_read(follow, out, room * sizeof(out[0])) / sizeof(out[0]);
}

static uint32_t add(uint32_t number)
{
	uint32_t pair, other;

	if (flow_begin(1, port_of(1)->slot, &pair) != VERDICT_NEXT)
		return FLOW_NONE;
	struct flow_pair *new = &flows.pairs[pair];
	for (uint32_t i = 0; i < 2; i++) {
		struct flow_key *key = &new->half[i].key;
		key->family = 4;
		key->protocol = 17;
		key->context = port_of(1 + i)->generation;
		memcpy(i == 0 ? key->src : key->dst, &number, sizeof(number));
		new->half[i].way_out = port_of(2 - i)->generation;
	}
	new->half[FLOW_REVERSE].slot = port_of(2)->slot;
	return flow_insert(1, pair, &other) == 0 ? pair : FLOW_NONE;
}

TEST(flows_are_told_of_only_while_somebody_follows)
{
	read_events(false, 5000);
	uint32_t pair = add(1);
	flow_end(1, pair);
	CHECK_EQ(read_events(true, 10), 0);
	pair = add(2);
	CHECK_EQ(read_events(true, 10), 1);
	CHECK_EQ(out[0].event, FWD_FLOW_EVENT_BEGAN);
	CHECK_EQ(out[0].from_port, 1);
	CHECK_EQ(out[0].to_port, 2);
	flow_end(1, pair);
	CHECK_EQ(read_events(false, 10), 1);
	CHECK_EQ(out[0].event, FWD_FLOW_EVENT_ENDED);
	flow_end(1, add(3));
	CHECK_EQ(read_events(false, 10), 0);
}

TEST(what_a_follower_that_is_silent_misses_is_counted)
{
	CHECK_EQ(read_events(true, 10), 0);
	flow_clock_ahead += 9 * FLOW_HZ;
	flow_age(1);
	CHECK(flow_event_wanted());
	uint64_t before = flow_events_lost();
	flow_clock_ahead += 2 * FLOW_HZ;
	flow_age(1);
	flow_end(1, add(1));
	CHECK_EQ(read_events(true, 10), 0);
	CHECK_EQ(flow_events_lost() - before, 2);
	flow_end(1, add(1));
	CHECK_EQ(read_events(false, 10), 2);
	CHECK_EQ(flow_events_lost() - before, 2);
	CHECK(!flow_event_wanted());
}

TEST(what_finds_no_room_is_counted)
{
	uint64_t before = flow_events_lost();

	read_events(true, 5000);
	for (uint32_t i = 0; i < 3000; i++)
		flow_end(1, add(100 + i));
	CHECK_EQ(read_events(false, 5000), 4096);
	CHECK_EQ(flow_events_lost() - before, 6000 - 4096);
	for (uint32_t i = 0; i < 4096; i++)
		CHECK_EQ(out[i].event, i % 2 == 0 ? FWD_FLOW_EVENT_BEGAN : FWD_FLOW_EVENT_ENDED);
}

TEST(events_come_out_oldest_first_in_parts)
{
	uint32_t address;

	read_events(true, 5000);
	for (uint32_t i = 0; i < 100; i++)
		add(10000 + i);
	for (uint32_t i = 0; i < 100; i++) {
		CHECK_EQ(read_events(true, 1), 1);
		memcpy(&address, out[0].src, sizeof(address));
		CHECK_EQ(address, 10000 + i);
	}
	CHECK_EQ(read_events(false, 1), 0);
}

TEST(denials_of_a_port_are_told_within_their_rate_and_the_rest_counted)
{
	struct fwd_flow denied = {.from_port = 1, .event = FWD_FLOW_EVENT_BEGAN};
	uint64_t before = flow_events_lost();
	uint32_t told = 0;

	limit_reset(port_of(1)->slot);
	for (uint32_t i = 0; i < 10000; i++)
		if (flow_event_denial(1, port_of(1)->slot)) {
			flow_event_denied(1, &denied);
			told++;
		}
	CHECK(told >= FLOW_DENIED_BURST);
	CHECK(told < 1000);
	CHECK_EQ(flow_events_lost() - before, 10000 - told);
	CHECK(flow_event_denial(1, port_of(2)->slot));
	CHECK_EQ(flow_events_lost() - before, 10000 - told);
	CHECK_EQ(read_events(false, 5000), told);
	CHECK_EQ(out[0].event, FWD_FLOW_EVENT_DENIED);
	CHECK(out[0].time_ns != 0);
}

int main(void)
{
	static const struct test_case cases[] = {CASE(flows_are_told_of_only_while_somebody_follows),
	        CASE(what_a_follower_that_is_silent_misses_is_counted), CASE(what_finds_no_room_is_counted),
	        CASE(events_come_out_oldest_first_in_parts),
	        CASE(denials_of_a_port_are_told_within_their_rate_and_the_rest_counted)};

	rig_start();
	for (uint32_t id = 1; id <= 2; id++)
		RIG_ROW(port, .id = id, .bridge = 1, .mac = {2, 0, 0, 0, 0, (uint8_t)id});
	rig_links();
	int failed = test_run(cases, sizeof(cases) / sizeof(cases[0]));
	rig_stop();
	return failed;
}
