/*
 * A test program is a list of named cases:
 *
 *     TEST(finds_the_longest_prefix) { CHECK(lookup() == 7); }
 *     TEST_MAIN(CASE(finds_the_longest_prefix))
 *
 * Prints "ok NAME" or where a check failed; the exit code is the number of failed cases.
 */
#ifndef TEST_H
#define TEST_H

#include <stdio.h>
#include <stdlib.h>

struct test_case {
	const char *name;
	void (*run)(void);
};

static int test_failures;

#define TEST(name) static void name(void)

#define CHECK(condition)                                                                                               \
	do {                                                                                                           \
		if (!(condition)) {                                                                                    \
			printf("  %s:%d: %s does not hold\n", __FILE__, __LINE__, #condition);                         \
			test_failures++;                                                                               \
			return;                                                                                        \
		}                                                                                                      \
	} while (0)

/* Like CHECK, but the values of two integers are shown. */
#define CHECK_EQ(found, expected)                                                                                      \
	do {                                                                                                           \
		long long found_ = (long long)(found), expected_ = (long long)(expected);                              \
		if (found_ != expected_) {                                                                             \
			printf("  %s:%d: %s is %lld, not %lld\n", __FILE__, __LINE__, #found, found_, expected_);      \
			test_failures++;                                                                               \
			return;                                                                                        \
		}                                                                                                      \
	} while (0)

static inline int test_run(const struct test_case *cases, size_t count)
{
	int failed = 0;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < count; i++) {
		test_failures = 0;
		cases[i].run();
		printf("%s %s\n", test_failures ? "FAILED" : "ok", cases[i].name);
		failed += test_failures != 0;
	}
	return failed;
}

#define TEST_MAIN(...)                                                                                                 \
	int main(void)                                                                                                 \
	{                                                                                                              \
		static const struct test_case cases[] = {__VA_ARGS__};                                                 \
		return test_run(cases, sizeof(cases) / sizeof(cases[0]));                                              \
	}
#define CASE(name)                                                                                                     \
	{                                                                                                              \
#name, name                                                                                            \
	}

#endif
