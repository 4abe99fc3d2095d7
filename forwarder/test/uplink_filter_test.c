/* What nft is told (uplink_filter.h). What it does: test/smoke-uplink.sh. */
#define _GNU_SOURCE
#include "uplink_filter.h"

#include <nftables/libnftables.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "own_netns.h"
#include "test.h"

static struct uplink_element element(uint8_t kind, const char *address, uint16_t first, uint16_t last)
{
	struct uplink_element made = {.uplink = 7, .kind = kind, .family = 4, .first = first, .last = last};

	for (int i = 0; i < 4; i++) {
		made.address[i] = (uint8_t)strtoul(address, NULL, 10);
		const char *dot = strchr(address, '.');
		address = dot == NULL ? address : dot + 1;
	}
	return made;
}

static struct uplink_filter filter_of(struct uplink_element *elements, uint32_t count)
{
	static const struct uplink_chain chain = {.uplink = 7, .interface = "eth1"};

	return (struct uplink_filter){.chains = &chain,
	        .chain_count = 1,
	        .elements = elements,
	        .element_count = uplink_filter_sort(elements, count)};
}

static char *text_of(const struct uplink_filter *from, const struct uplink_filter *to)
{
	char *text = NULL;
	size_t length;
	FILE *out = open_memstream(&text, &length);

	if (from == NULL)
		uplink_filter_write(out, "t", to);
	else
		uplink_filter_write_changes(out, "t", from, to);
	fclose(out);
	return text;
}

TEST(whole_table_replaces_the_one_before)
{
	struct uplink_element elements[] = {element(UPLINK_ELEMENT_PORTS, "192.0.2.1", 65472, 65535),
	        element(UPLINK_ELEMENT_ADDRESS, "192.0.2.7", 0, 0), element(UPLINK_ELEMENT_PREFIX, "10.1.0.0", 24, 0)};
	struct uplink_filter filter = filter_of(elements, 3);
	char *text = text_of(NULL, &filter);

	CHECK(strstr(text, "add table inet weft_t\ndelete table inet weft_t\ntable inet weft_t {\n") == text);
	CHECK(strstr(text, "set u7_address4 { type ipv4_addr;  elements = { 192.0.2.7 } }\n"));
	CHECK(strstr(text, "set u7_subnet4 { type ipv4_addr; flags interval; elements = { 10.1.0.0/24 } }\n"));
	CHECK(strstr(text, "elements = { 192.0.2.1 . 65472-65535 } }\n"));
	CHECK(strstr(text, "set u7_address6 { type ipv6_addr;   }\n"));
	CHECK(strstr(text, "ip daddr @u7_address4 drop\n"));
	CHECK(strstr(text, "iifname \"eth1\" jump u7\n"));
	free(text);
}

TEST(without_uplinks_there_is_no_table)
{
	struct uplink_filter none = {0};
	char *text = text_of(NULL, &none);

	CHECK(strcmp(text, "add table inet weft_t\ndelete table inet weft_t\n") == 0);
	free(text);
}

TEST(only_what_differs_is_told)
{
	struct uplink_element before[] = {element(UPLINK_ELEMENT_PORTS, "192.0.2.1", 65472, 65535),
	        element(UPLINK_ELEMENT_PORTS, "192.0.2.1", 65408, 65471),
	        element(UPLINK_ELEMENT_ADDRESS, "192.0.2.7", 0, 0)};
	struct uplink_element after[] = {element(UPLINK_ELEMENT_ADDRESS, "192.0.2.8", 0, 0),
	        element(UPLINK_ELEMENT_PORTS, "192.0.2.1", 65473, 65535),
	        element(UPLINK_ELEMENT_PORTS, "192.0.2.1", 65408, 65471)};
	struct uplink_filter from = filter_of(before, 3), to = filter_of(after, 3);
	char *text = text_of(&from, &to);

	CHECK(strcmp(text, "delete element inet weft_t u7_address4 { 192.0.2.7 }\n"
	                   "delete element inet weft_t u7_port4 { 192.0.2.1 . 65472-65535 }\n"
	                   "add element inet weft_t u7_address4 { 192.0.2.8 }\n"
	                   "add element inet weft_t u7_port4 { 192.0.2.1 . 65473-65535 }\n") == 0);
	free(text);
	text = text_of(&to, &to);
	CHECK(text == NULL || text[0] == '\0');
	free(text);
}

TEST(what_is_told_twice_is_in_it_once)
{
	struct uplink_element twice[] = {element(UPLINK_ELEMENT_ADDRESS, "192.0.2.7", 0, 0),
	        element(UPLINK_ELEMENT_ADDRESS, "192.0.2.6", 0, 0), element(UPLINK_ELEMENT_ADDRESS, "192.0.2.7", 0, 0)};

	CHECK_EQ(uplink_filter_sort(twice, 3), 2);
	CHECK_EQ(uplink_filter_sort(twice, 0), 0);
}

/* nft refuses a set of subnets of which one is in another. */
TEST(a_subnet_in_another_is_left_out)
{
	struct uplink_element subnets[] = {element(UPLINK_ELEMENT_PREFIX, "10.1.2.0", 24, 0),
	        element(UPLINK_ELEMENT_PREFIX, "10.1.0.0", 16, 0), element(UPLINK_ELEMENT_PREFIX, "10.2.0.0", 20, 0),
	        element(UPLINK_ELEMENT_PREFIX, "10.1.2.128", 25, 0), element(UPLINK_ELEMENT_PREFIX, "10.1.0.0", 15, 0),
	        element(UPLINK_ELEMENT_ADDRESS, "10.1.2.3", 0, 0), element(UPLINK_ELEMENT_PREFIX, "10.1.2.0", 24, 0)};

	/* Of another uplink, and of the other family. */
	subnets[4].uplink = 8;
	subnets[6].family = 6;
	CHECK_EQ(uplink_filter_sort(subnets, 7), 5);
	struct uplink_filter filter = {.elements = subnets, .element_count = 5};
	static const struct uplink_chain chain = {.uplink = 7, .interface = "eth1"};
	filter.chains = &chain;
	filter.chain_count = 1;
	char *text = text_of(NULL, &filter);
	CHECK(strstr(
	        text, "set u7_subnet4 { type ipv4_addr; flags interval; elements = { 10.1.0.0/16, 10.2.0.0/20 } }\n"));
	CHECK(strstr(text, "elements = { 10.1.2.3 }"));
	free(text);
}

static void nft(const char *command)
{
	struct nft_ctx *context = nft_ctx_new(NFT_CTX_DEFAULT);

	CHECK_EQ(nft_run_cmd_from_buffer(context, command), 0);
	nft_ctx_free(context);
}

/* In a network namespace of its own. */
static void lose_the_table(void)
{
	struct uplink_element elements[] = {element(UPLINK_ELEMENT_ADDRESS, "192.0.2.7", 0, 0)};
	struct uplink_filter filter = filter_of(elements, 1);
	uint64_t before, after;
	char why[64];

	uplink_filter_init("t");
	CHECK_EQ(uplink_filter_handle("t", &before), 0);
	CHECK_EQ(before, 0);
	CHECK_EQ(uplink_filter_probe(why, sizeof(why)), 0);
	CHECK_EQ(uplink_filter_set(&filter), 0);
	CHECK(!uplink_filter_lost());
	nft("flush ruleset");
	CHECK(uplink_filter_lost());
	CHECK_EQ(uplink_filter_set(&filter), 0);
	CHECK(!uplink_filter_lost());
	/* Another one, as a service makes it that saves and restores all. */
	nft("delete table inet weft_t; add table inet weft_t");
	CHECK(uplink_filter_lost());
	CHECK_EQ(uplink_filter_set(&filter), 0);
	CHECK_EQ(uplink_filter_handle("t", &after), 0);
	CHECK(after != 0);
	uplink_filter_free();
	CHECK_EQ(uplink_filter_handle("t", &after), 0);
	CHECK_EQ(after, 0);
}

/* As where the kernel has none: here for want of rights. */
TEST(without_nftables_its_words_are_told)
{
	char why[64] = "";
	int status;
	pid_t child = fork();

	if (child == 0) {
		if (geteuid() == 0 && setuid(65534) != 0)
			_exit(2);
		uplink_filter_init("t");
		int result = uplink_filter_probe(why, sizeof(why));
		uplink_filter_free();
		_exit(result < 0 && strstr(why, "not permitted") != NULL && strchr(why, '\n') == NULL ? 0 : 1);
	}
	CHECK(waitpid(child, &status, 0) == child);
	CHECK(WIFEXITED(status));
	CHECK_EQ(WEXITSTATUS(status), 0);
}

TEST(a_table_that_somebody_removed_is_missed)
{
	own_netns();
	lose_the_table();
}

TEST_MAIN(CASE(without_nftables_its_words_are_told), CASE(whole_table_replaces_the_one_before),
        CASE(without_uplinks_there_is_no_table), CASE(only_what_differs_is_told),
        CASE(what_is_told_twice_is_in_it_once), CASE(a_subnet_in_another_is_left_out),
        CASE(a_table_that_somebody_removed_is_missed))
