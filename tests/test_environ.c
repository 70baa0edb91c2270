/* SPDX-License-Identifier: MIT */
/* What environment results: order, duplicates, removal, size, and what it costs. */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "support/support.h"

#include "spawn/environ.h"

#define SET(text) { ENV_SET, (char *)(text) }
#define UNSET(name) { ENV_UNSET, (char *)(name) }
#define CLEAR { ENV_CLEAR, NULL }
#define BASE(...) (char *const[]){ __VA_ARGS__, NULL }
#define OPS(...) (const struct env_op[]){ __VA_ARGS__ }, sizeof((const struct env_op[]){ __VA_ARGS__ }) / sizeof(struct env_op)

/* The entries joined with '|'; frees the list. */
static void assert_environ(char **list, const char *expected)
{
	char text[1024] = "";

	assert_non_null(list);
	for (size_t i = 0; list[i]; i++) {
		if (i > 0)
			strcat(text, "|");
		strcat(text, list[i]);
	}
	free(list);
	assert_string_equal(text, expected);
}

static void test_without_changes_the_base_is_copied_as_it_is(void **state)
{
	char entry[] = "A=1";
	char **list = environ_build(BASE(entry, (char *)"B=", (char *)"C=x=y"), NULL, 0);

	(void)state;
	assert_non_null(list);
	entry[2] = '9';
	assert_environ(list, "A=1|B=|C=x=y");
}

static void test_no_base_and_an_empty_base_give_an_empty_environment(void **state)
{
	char *none[] = { NULL };

	(void)state;
	assert_environ(environ_build(NULL, NULL, 0), "");
	assert_environ(environ_build(none, NULL, 0), "");
	assert_environ(environ_build(NULL, OPS(SET("A=1"))), "A=1");
}

static void test_a_set_replaces_in_place_and_a_new_name_comes_last(void **state)
{
	(void)state;
	assert_environ(environ_build(BASE((char *)"A=1", (char *)"B=2"), OPS(SET("C=3"), SET("A=9"))), "A=9|B=2|C=3");
}

static void test_the_last_of_several_sets_wins_and_stands_once(void **state)
{
	(void)state;
	assert_environ(environ_build(BASE((char *)"B=2"), OPS(SET("A=1"), SET("A=2"), SET("A="), SET("A=x=y"))),
	               "B=2|A=x=y");
}

static void test_duplicates_of_the_caller_never_reach_the_child(void **state)
{
	(void)state;
	assert_environ(environ_build(BASE((char *)"A=1", (char *)"B=2", (char *)"A=3"), NULL, 0), "A=3|B=2");
}

static void test_an_unset_removes_every_entry_of_the_name(void **state)
{
	(void)state;
	assert_environ(environ_build(BASE((char *)"A=1", (char *)"B=2", (char *)"A=3"), OPS(UNSET("A"))), "B=2");
	assert_environ(environ_build(BASE((char *)"A=1"), OPS(UNSET("B"))), "A=1");
}

static void test_a_set_after_an_unset_and_the_reverse_go_in_order(void **state)
{
	(void)state;
	assert_environ(environ_build(BASE((char *)"A=1", (char *)"B=2"), OPS(UNSET("A"), SET("A=5"))), "A=5|B=2");
	assert_environ(environ_build(BASE((char *)"B=2"), OPS(SET("A=5"), UNSET("A"))), "B=2");
}

static void test_a_clear_forgets_everything_before_it(void **state)
{
	(void)state;
	assert_environ(environ_build(BASE((char *)"A=1", (char *)"plain"), OPS(SET("B=2"), CLEAR, SET("C=3"))), "C=3");
	assert_environ(environ_build(BASE((char *)"A=1"), OPS(SET("B=2"), CLEAR)), "");
	assert_environ(environ_build(BASE((char *)"A=1"), OPS(CLEAR, SET("A=2"), CLEAR, SET("D=4"))), "D=4");
}

static void test_names_that_begin_alike_are_different(void **state)
{
	(void)state;
	assert_environ(environ_build(BASE((char *)"PATH=1", (char *)"PATHS=2", (char *)"PAT=3"),
	                             OPS(SET("PATH=9"), UNSET("PAT"))),
	               "PATH=9|PATHS=2");
}

static void test_entries_that_are_no_assignment_pass_as_they_are(void **state)
{
	(void)state;
	assert_environ(environ_build(BASE((char *)"plain", (char *)"=odd", (char *)"", (char *)"A=1"), OPS(UNSET("plain"))),
	               "plain|=odd||A=1");
}

/* More names than the table on the stack holds, each twice, every third one removed again. */
static void check_many(int count)
{
	char **base = calloc(2 * (size_t)count + 1, sizeof *base);
	struct env_op *ops = calloc((size_t)count, sizeof *ops);
	size_t op_count = 0;
	char **list;
	int at = 0;

	assert_non_null(base);
	assert_non_null(ops);
	for (int i = 0; i < 2 * count; i++)
		assert_true(asprintf(&base[i], "NAME_%d=%d", i % count, i) > 0);
	for (int i = 0; i < count; i += 3) {
		ops[op_count].change = ENV_UNSET;
		assert_true(asprintf(&ops[op_count++].text, "NAME_%d", i) > 0);
	}
	list = environ_build(base, ops, op_count);
	assert_non_null(list);
	for (int i = 0; i < count; i++) {
		if (i % 3 != 0)
			assert_string_equal(list[at++], base[count + i]);
	}
	assert_null(list[at]);
	free(list);
	for (int i = 0; i < 2 * count; i++)
		free(base[i]);
	for (size_t i = 0; i < op_count; i++)
		free(ops[i].text);
	free(base);
	free(ops);
}

static void test_environments_around_the_size_of_the_stack_table_work(void **state)
{
	(void)state;
	/* 2 * count entries and count / 3 changes: 499, 501 and so on. */
	for (int count = 205; count < 225; count++)
		check_many(count);
}

static void test_an_environment_of_ten_thousand_names_works(void **state)
{
	(void)state;
	check_many(10000);
}

static void test_an_entry_of_a_megabyte_is_copied_whole(void **state)
{
	size_t size = 1 << 20;
	char *entry = malloc(size + 1);
	char *base[] = { entry, NULL };
	char **list;

	(void)state;
	assert_non_null(entry);
	memset(entry, 'x', size);
	entry[1] = '=';
	entry[size] = '\0';
	list = environ_build(base, NULL, 0);
	assert_non_null(list);
	assert_string_equal(list[0], entry);
	free(list);
	free(entry);
}

static void test_get_finds_the_value_of_exactly_that_name(void **state)
{
	char *const *list = BASE((char *)"PATHS=no", (char *)"PATH", (char *)"PATH=/bin", (char *)"EMPTY=");

	(void)state;
	assert_string_equal(environ_get(list, "PATH"), "/bin");
	assert_string_equal(environ_get(list, "EMPTY"), "");
	assert_null(environ_get(list, "PAT"));
	assert_null(environ_get(list, "HOME"));
	assert_null(environ_get(NULL, "PATH"));
}

/* Told, not judged: a shared machine may be slow for reasons of its own. What is promised is 2 us for fifty entries at -O2. */
static void test_an_ordinary_environment_costs_little(void **state)
{
	enum { ENTRIES = 50, ROUNDS = 20000 };
	static const char value[] = "/usr/local/share/some/where:/usr/share/some/where:/etc/xdg";
	char text[ENTRIES][96];
	char *base[ENTRIES + 1];
	struct timespec start;
	struct timespec end;
	double best = 1e9;

	(void)state;
#ifdef __SANITIZE_THREAD__
	support_skip("a sanitizer makes it slow");
#endif
	for (int i = 0; i < ENTRIES; i++) {
		snprintf(text[i], sizeof text[i], "VARIABLE_NR_%d=%s", i, value + (50 - i));
		base[i] = text[i];
	}
	base[ENTRIES] = NULL;
	for (int tries = 0; tries < 5; tries++) {
		clock_gettime(CLOCK_MONOTONIC, &start);
		for (int i = 0; i < ROUNDS / 5; i++)
			free(environ_build(base, OPS(SET("VARIABLE_NR_7=x"), SET("NEW=1"))));
		clock_gettime(CLOCK_MONOTONIC, &end);
		double us = (double)(end.tv_sec - start.tv_sec) * 1e6 + (double)(end.tv_nsec - start.tv_nsec) / 1e3;

		if (us / (ROUNDS / 5) < best)
			best = us / (ROUNDS / 5);
	}
	print_message("50 entries and 2 changes: %.2f us\n", best);
	assert_true(best < 200);
}

static char *volatile shared_base[] = { (char *)"A=1", (char *)"B=2", (char *)"C=3", NULL };

static void *come_and_go(void *stop)
{
	char *last = shared_base[2];

	while (!__atomic_load_n((int *)stop, __ATOMIC_RELAXED)) {
		shared_base[2] = NULL;
		shared_base[2] = last;
	}
	return NULL;
}

/* What unsetenv does in another thread of the host. Nobody may do so, many do; a start is not to be what crashes. */
static void test_an_end_that_moves_to_the_front_meanwhile_is_seen(void **state)
{
	pthread_t thread;
	int stop = 0;

	(void)state;
#ifdef __SANITIZE_THREAD__
	support_skip("the race is the host's own, and is what is shown");
#endif
	assert_int_equal(pthread_create(&thread, NULL, come_and_go, &stop), 0);
	for (int i = 0; i < 200000; i++)
		free(environ_build((char *const *)(uintptr_t)shared_base, NULL, 0));
	__atomic_store_n(&stop, 1, __ATOMIC_RELAXED);
	pthread_join(thread, NULL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_without_changes_the_base_is_copied_as_it_is),
		brood_test(test_no_base_and_an_empty_base_give_an_empty_environment),
		brood_test(test_a_set_replaces_in_place_and_a_new_name_comes_last),
		brood_test(test_the_last_of_several_sets_wins_and_stands_once),
		brood_test(test_duplicates_of_the_caller_never_reach_the_child),
		brood_test(test_an_unset_removes_every_entry_of_the_name),
		brood_test(test_a_set_after_an_unset_and_the_reverse_go_in_order),
		brood_test(test_a_clear_forgets_everything_before_it),
		brood_test(test_names_that_begin_alike_are_different),
		brood_test(test_entries_that_are_no_assignment_pass_as_they_are),
		brood_test(test_environments_around_the_size_of_the_stack_table_work),
		brood_test(test_an_environment_of_ten_thousand_names_works),
		brood_test(test_an_entry_of_a_megabyte_is_copied_whole),
		brood_test(test_get_finds_the_value_of_exactly_that_name),
		brood_test(test_an_ordinary_environment_costs_little),
		brood_test(test_an_end_that_moves_to_the_front_meanwhile_is_seen),
	};

	return cmocka_run_group_tests_name("environ", tests, NULL, NULL);
}
