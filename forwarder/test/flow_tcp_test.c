/* flow_tcp.c, connection by connection. A step is a direction, flags, sequence number, acknowledgement, length. */
#include "flow_tcp.h"

#include <rte_tcp.h>

#include "test.h"

#define S RTE_TCP_SYN_FLAG
#define A RTE_TCP_ACK_FLAG
#define F RTE_TCP_FIN_FLAG
#define R RTE_TCP_RST_FLAG

struct step {
	uint32_t direction;
	uint8_t flags;
	uint32_t seq, ack, length;
	enum flow_tcp_phase after;
};

#define RUN(...)                                                                                                       \
	do {                                                                                                           \
		static const struct step steps[] = {__VA_ARGS__};                                                      \
		struct flow_pair pair = {0};                                                                           \
		for (uint32_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {                                      \
			struct flow_segment segment = {steps[i].seq, steps[i].ack, steps[i].length, steps[i].flags};   \
			flow_tcp_track(&pair, steps[i].direction, &segment);                                           \
			CHECK_EQ(flow_tcp_phase(&pair) * 100 + i, steps[i].after * 100 + i);                           \
		}                                                                                                      \
	} while (0)

#define OPENING     FLOW_TCP_OPENING
#define ESTABLISHED FLOW_TCP_ESTABLISHED
#define CLOSING     FLOW_TCP_CLOSING
#define CLOSED      FLOW_TCP_CLOSED
/* SYN, SYN-ACK, ACK from sequence numbers 100 and 500. */
#define HANDSHAKE                                                                                                      \
	{0, S, 100, 0, 0, OPENING}, {1, S | A, 500, 101, 0, OPENING},                                                  \
	{                                                                                                              \
		0, A, 101, 501, 0, ESTABLISHED                                                                         \
	}

TEST(a_handshake_and_an_orderly_end)
{
	RUN(HANDSHAKE, {0, A, 101, 501, 10, ESTABLISHED}, {1, A, 501, 111, 0, ESTABLISHED},
	        {0, F | A, 111, 501, 0, CLOSING}, {1, A, 501, 112, 20, CLOSING}, {1, F | A, 521, 112, 0, CLOSING},
	        {0, A, 112, 522, 0, CLOSED});
}

TEST(half_close_stays_until_the_other_side_ends)
{
	RUN(HANDSHAKE, {1, F | A, 501, 101, 0, CLOSING}, {0, A, 101, 502, 0, CLOSING}, {0, A, 101, 502, 1000, CLOSING},
	        {1, A, 502, 1101, 0, CLOSING}, {0, F | A, 1101, 502, 0, CLOSING}, {1, A, 502, 1102, 0, CLOSED});
}

TEST(both_ends_at_once)
{
	RUN(HANDSHAKE, {0, F | A, 101, 501, 0, CLOSING}, {1, F | A, 501, 101, 0, CLOSING}, {0, A, 102, 502, 0, CLOSING},
	        {1, A, 502, 102, 0, CLOSED});
}

TEST(both_open_at_once)
{
	RUN({0, S, 100, 0, 0, OPENING}, {1, S, 500, 0, 0, OPENING}, {0, S | A, 100, 501, 0, OPENING},
	        {1, S | A, 500, 101, 0, ESTABLISHED});
}

TEST(a_syn_answered_wrong_does_not_open)
{
	RUN({0, S, 100, 0, 0, OPENING}, {1, S | A, 500, 999, 0, OPENING}, {0, A, 101, 501, 0, OPENING});
}

TEST(a_refused_connection_is_over)
{
	RUN({0, S, 100, 0, 0, OPENING}, {1, R | A, 0, 101, 0, CLOSED});
}

TEST(a_refusal_that_acknowledges_no_syn_is_not_the_peers)
{
	RUN({0, S, 100, 0, 0, OPENING}, {1, R | A, 0, 100, 0, OPENING}, {1, R, 0, 0, 0, OPENING});
}

TEST(a_reset_counts_only_at_the_very_number_that_is_expected)
{
	RUN(HANDSHAKE, {1, A, 501, 101, 40, ESTABLISHED}, {0, A, 101, 541, 0, ESTABLISHED},
	        {1, R, 542, 0, 0, ESTABLISHED}, {1, R, 501, 0, 0, ESTABLISHED}, {1, R, 541, 0, 0, CLOSED});
}

TEST(a_syn_in_an_open_connection_changes_nothing)
{
	RUN(HANDSHAKE, {0, S, 90000, 0, 0, ESTABLISHED}, {1, A, 501, 101, 10, ESTABLISHED}, {0, R, 101, 0, 0, CLOSED});
}

TEST(an_acknowledgement_of_what_was_never_sent_counts_for_nothing)
{
	RUN(HANDSHAKE, {0, A, 101, 90000, 0, ESTABLISHED}, {1, R, 90000, 0, 0, ESTABLISHED}, {1, R, 501, 0, 0, CLOSED});
}

TEST(found_in_the_middle_it_is_open_once_both_speak)
{
	RUN({0, A, 7000, 9000, 10, OPENING}, {1, A, 9000, 7010, 0, ESTABLISHED}, {1, R, 9000, 0, 0, CLOSED});
}

TEST(numbers_wrap_round)
{
	RUN({0, S, 0xffffffff, 0, 0, OPENING}, {1, S | A, 0xfffffff0, 0, 0, OPENING},
	        {0, A, 0, 0xfffffff1, 0, ESTABLISHED}, {1, A, 0xfffffff1, 0, 30, ESTABLISHED},
	        {0, A, 0, 15, 0, ESTABLISHED}, {1, F | A, 15, 0, 0, CLOSING}, {0, F | A, 0, 16, 0, CLOSING},
	        {1, A, 16, 1, 0, CLOSED});
}

TEST(sent_again_and_out_of_order)
{
	RUN(HANDSHAKE, {0, A, 201, 501, 100, ESTABLISHED}, {0, A, 101, 501, 100, ESTABLISHED},
	        {1, A, 501, 301, 0, ESTABLISHED}, {0, A, 101, 501, 100, ESTABLISHED}, {0, F | A, 301, 501, 0, CLOSING},
	        {0, F | A, 301, 501, 0, CLOSING}, {1, F | A, 501, 302, 0, CLOSING}, {0, A, 302, 502, 0, CLOSED});
}

TEST_MAIN(CASE(a_handshake_and_an_orderly_end), CASE(half_close_stays_until_the_other_side_ends),
        CASE(both_ends_at_once), CASE(both_open_at_once), CASE(a_syn_answered_wrong_does_not_open),
        CASE(a_refused_connection_is_over), CASE(a_refusal_that_acknowledges_no_syn_is_not_the_peers),
        CASE(a_reset_counts_only_at_the_very_number_that_is_expected),
        CASE(a_syn_in_an_open_connection_changes_nothing),
        CASE(an_acknowledgement_of_what_was_never_sent_counts_for_nothing),
        CASE(found_in_the_middle_it_is_open_once_both_speak), CASE(numbers_wrap_round),
        CASE(sent_again_and_out_of_order))
