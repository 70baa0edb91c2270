/* SPDX-License-Identifier: MIT */
/* lib/command/redirect.c: each descriptor goes to one place, and what that means on a chain. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "command/description.h"
#include "support/support.h"

static brood_command *one(void)
{
	return brood_command_newl("a", NULL);
}

static brood_command *three(void)
{
	return brood_pipe(one(), brood_pipe(brood_command_newl("b", NULL), brood_command_newl("c", NULL)));
}

static const struct direction *at(const brood_command *cmd, size_t stage, int child_fd)
{
	return stage_direction(&cmd->stages[stage], child_fd);
}

#define assert_mistake(cmd, sentence)						\
	do {									\
		assert_non_null(brood_command_error(cmd));			\
		assert_string_equal(brood_command_error(cmd), sentence);	\
		assert_int_equal((cmd)->error, -EINVAL);			\
	} while (0)

#define check_refused(call, sentence)			\
	do {						\
		brood_command *cmd = one();		\
		call;					\
		assert_mistake(cmd, sentence);		\
		brood_command_free(cmd);		\
	} while (0)

static void test_each_direction_is_kept(void **state)
{
	brood_command *cmd = one();

	brood_command_feed(cmd, "ab", 2);
	brood_command_redirect_path(cmd, 1, "/x", O_WRONLY | O_CREAT, 0600);
	brood_command_redirect_merge(cmd, 2, 1);
	brood_command_redirect_fd(cmd, 3, 9);
	brood_command_redirect_null(cmd, 4);
	brood_command_redirect_pipe(cmd, 5);
	brood_command_capture(cmd, 6, 100);
	brood_command_redirect_inherit(cmd, 7);
	assert_null(brood_command_error(cmd));
	assert_true(at(cmd, 0, 0)->kind == DIRECTION_FEED && at(cmd, 0, 0)->blob->size == 2);
	assert_true(at(cmd, 0, 1)->kind == DIRECTION_PATH && at(cmd, 0, 1)->mode == 0600);
	assert_true(at(cmd, 0, 2)->kind == DIRECTION_MERGE && at(cmd, 0, 2)->fd == 1);
	assert_true(at(cmd, 0, 3)->kind == DIRECTION_FD && at(cmd, 0, 3)->fd == 9);
	assert_true(at(cmd, 0, 4)->kind == DIRECTION_NULL);
	assert_true(at(cmd, 0, 5)->kind == DIRECTION_PIPE);
	assert_true(at(cmd, 0, 6)->kind == DIRECTION_CAPTURE && at(cmd, 0, 6)->limit == 100);
	assert_true(at(cmd, 0, 7)->kind == DIRECTION_INHERIT);
	for (int fd = 0; fd < 8; fd++)
		assert_true(at(cmd, 0, fd)->id != 0 && !at(cmd, 0, fd)->shared);
	assert_true(at(cmd, 0, 3)->id != at(cmd, 0, 4)->id);
	brood_command_free(cmd);
}

static void test_the_same_direction_again_is_fine(void **state)
{
	brood_command *cmd = one();

	for (int again = 0; again < 2; again++) {
		brood_command_feed(cmd, "ab", 2);
		brood_command_redirect_path(cmd, 1, "/x", O_WRONLY, 0600);
		brood_command_redirect_merge(cmd, 2, 1);
		brood_command_redirect_fd(cmd, 3, 9);
		brood_command_redirect_null(cmd, 4);
		brood_command_redirect_pipe(cmd, 5);
		brood_command_capture(cmd, 6, 100);
		brood_command_redirect_inherit(cmd, 7);
	}
	assert_null(brood_command_error(cmd));
	assert_int_equal(cmd->stages[0].direction_count, 8);
	brood_command_free(cmd);
}

static void test_a_contradiction_names_both(void **state)
{
	check_refused((brood_command_redirect_pipe(cmd, 1), brood_command_redirect_path(cmd, 1, "/x", 0, 0)),
		      "redirect: descriptor 1 is directed to a pipe already and cannot go to '/x' too");
	check_refused((brood_command_redirect_null(cmd, 2), brood_command_redirect_merge(cmd, 2, 1)),
		      "redirect: descriptor 2 is directed to /dev/null already and cannot go to where descriptor 1 goes too");
	check_refused((brood_command_redirect_fd(cmd, 2, 5), brood_command_redirect_fd(cmd, 2, 6)),
		      "redirect: descriptor 2 is directed to the caller's descriptor 5 already and cannot go to the caller's descriptor 6 too");
	check_refused((brood_command_feed(cmd, "ab", 2), brood_command_feed(cmd, "ac", 2)),
		      "redirect: descriptor 0 is directed to 2 bytes of memory already and cannot go to 2 bytes of memory too");
	check_refused((brood_command_capture(cmd, 1, 0), brood_command_capture(cmd, 1, 7)),
		      "redirect: descriptor 1 is directed into the result already and cannot go into the result (limit 7) too");
	check_refused((brood_command_redirect_path(cmd, 3, "/x", O_RDONLY, 0), brood_command_redirect_path(cmd, 3, "/x", O_RDWR, 0)),
		      "redirect: descriptor 3 is directed to '/x' already and cannot go to '/x' too");
	check_refused((brood_command_redirect_inherit(cmd, 3), brood_command_redirect_null(cmd, 3)),
		      "redirect: descriptor 3 is directed to the caller's own already and cannot go to /dev/null too");
}

static void test_wrong_values_are_refused_in_words(void **state)
{
	check_refused(brood_command_redirect_null(cmd, -1), "redirect: the child's descriptor -1 is negative");
	check_refused(brood_command_redirect_inherit(cmd, -2), "redirect: the child's descriptor -2 is negative");
	check_refused(brood_command_redirect_path(cmd, 1, "", 0, 0), "redirect: the path for descriptor 1 is empty");
	check_refused(brood_command_redirect_path(cmd, 1, NULL, 0, 0), "redirect: the path for descriptor 1 is NULL");
	check_refused(brood_command_redirect_path(cmd, 1, "/x", O_ACCMODE, 0), "redirect: the flags 0x3 for '/x' are not open's");
	check_refused(brood_command_redirect_fd(cmd, 1, -1),
		      "redirect: descriptor 1 cannot go to the caller's -1, which is negative");
	check_refused(brood_command_redirect_merge(cmd, 1, -1), "redirect: descriptor 1 cannot go where -1 goes, which is negative");
	check_refused(brood_command_redirect_merge(cmd, 2, 2), "redirect: descriptor 2 cannot be merged into itself");
	check_refused(brood_command_feed(cmd, NULL, 3), "feed: 3 bytes are promised and the pointer is NULL");
	check_refused(brood_command_capture(cmd, 0, 0),
		      "capture: descriptor 0 is what the child reads; only what it writes can be kept");
}

static void test_an_empty_feed_is_fine(void **state)
{
	brood_command *cmd = one();

	brood_command_feed(cmd, NULL, 0);
	assert_null(brood_command_error(cmd));
	assert_int_equal(at(cmd, 0, 0)->blob->size, 0);
	brood_command_free(cmd);
}

static void test_a_circle_of_merges_is_refused(void **state)
{
	check_refused((brood_command_redirect_merge(cmd, 1, 2), brood_command_redirect_merge(cmd, 2, 1)),
		      "redirect: descriptor 2 cannot go where 1 goes, because that goes where 2 goes");
	check_refused((brood_command_redirect_merge(cmd, 3, 4), brood_command_redirect_merge(cmd, 4, 5),
		       brood_command_redirect_merge(cmd, 5, 3)),
		      "redirect: descriptor 5 cannot go where 3 goes, because that goes where 5 goes");
}

static void test_a_line_of_merges_and_a_swap_by_number_are_fine(void **state)
{
	brood_command *cmd = one();

	brood_command_redirect_merge(cmd, 3, 4);
	brood_command_redirect_merge(cmd, 4, 5);
	brood_command_redirect_null(cmd, 5);
	brood_command_redirect_fd(cmd, 1, 2);
	brood_command_redirect_fd(cmd, 2, 1);
	assert_null(brood_command_error(cmd));
	brood_command_free(cmd);
}

static void test_inherit_takes_a_direction_back(void **state)
{
	brood_command *cmd = one();

	brood_command_redirect_path(cmd, 1, "/x", 0, 0);
	brood_command_redirect_merge(cmd, 2, 1);
	brood_command_feed(cmd, "a", 1);
	brood_command_redirect_path(cmd, 3, "/x", 0, 0);
	for (int fd = 0; fd < 4; fd++)
		brood_command_redirect_inherit(cmd, fd);
	assert_null(brood_command_error(cmd));
	assert_int_equal(cmd->stages[0].direction_count, 1);
	assert_int_equal(at(cmd, 0, 3)->kind, DIRECTION_INHERIT);
	brood_command_redirect_pipe(cmd, 1);
	assert_null(brood_command_error(cmd));
	brood_command_free(cmd);
}

/* ---- on a chain ---- */

static void test_on_a_chain_0_is_the_first_stage_and_1_the_last(void **state)
{
	brood_command *cmd = three();

	brood_command_feed(cmd, "x", 1);
	brood_command_capture(cmd, 1, 0);
	assert_null(brood_command_error(cmd));
	assert_true(at(cmd, 0, 0) && !at(cmd, 1, 0) && !at(cmd, 2, 0));
	assert_true(!at(cmd, 0, 1) && !at(cmd, 1, 1) && at(cmd, 2, 1));
	assert_false(at(cmd, 0, 0)->shared || at(cmd, 2, 1)->shared);
	brood_command_free(cmd);
}

static void test_on_a_chain_any_other_is_shared_by_all(void **state)
{
	brood_command *cmd = three();

	brood_command_redirect_path(cmd, 2, "/x", O_WRONLY, 0);
	brood_command_redirect_path(cmd, 2, "/x", O_WRONLY, 0);
	assert_null(brood_command_error(cmd));
	for (size_t i = 0; i < 3; i++) {
		assert_int_equal(cmd->stages[i].direction_count, 1);
		assert_true(at(cmd, i, 2)->shared);
		assert_true(at(cmd, i, 2)->id == at(cmd, 0, 2)->id);
	}
	brood_command_redirect_null(cmd, 2);
	assert_mistake(cmd, "redirect: descriptor 2 is directed to '/x' already and cannot go to /dev/null too");
	brood_command_free(cmd);
}

static void test_a_stage_that_directs_it_itself_keeps_its_own(void **state)
{
	brood_command *middle = one(), *cmd;

	brood_command_redirect_null(middle, 2);
	cmd = brood_pipe(one(), brood_pipe(middle, one()));
	brood_command_capture(cmd, 2, 0);
	assert_null(brood_command_error(cmd));
	assert_int_equal(at(cmd, 0, 2)->kind, DIRECTION_CAPTURE);
	assert_int_equal(at(cmd, 1, 2)->kind, DIRECTION_NULL);
	assert_int_equal(at(cmd, 2, 2)->kind, DIRECTION_CAPTURE);
	brood_command_free(cmd);
}

static void test_what_a_shorter_chain_shares_stays_its_own_in_a_longer_one(void **state)
{
	brood_command *pair = brood_pipe(one(), one()), *cmd;

	brood_command_redirect_path(pair, 2, "/x", O_WRONLY, 0);
	cmd = brood_pipe(pair, one());
	brood_command_capture(cmd, 2, 0);
	assert_null(brood_command_error(cmd));
	assert_int_equal(at(cmd, 0, 2)->kind, DIRECTION_PATH);
	assert_true(at(cmd, 0, 2)->id == at(cmd, 1, 2)->id && !at(cmd, 0, 2)->shared);
	assert_int_equal(at(cmd, 2, 2)->kind, DIRECTION_CAPTURE);
	brood_command_free(cmd);
}

static void test_inherit_on_a_chain_takes_back_what_the_chain_was_told(void **state)
{
	brood_command *first = one(), *cmd;

	brood_command_redirect_null(first, 2);
	cmd = brood_pipe(first, one());
	brood_command_capture(cmd, 2, 0);
	brood_command_redirect_inherit(cmd, 2);
	assert_int_equal(at(cmd, 0, 2)->kind, DIRECTION_NULL);
	assert_null(at(cmd, 1, 2));
	brood_command_redirect_inherit(cmd, 4);
	assert_int_equal(at(cmd, 1, 4)->kind, DIRECTION_INHERIT);
	assert_null(brood_command_error(cmd));
	brood_command_free(cmd);
}

static void test_a_circle_through_a_chain_is_refused(void **state)
{
	brood_command *last = one(), *cmd;

	brood_command_redirect_merge(last, 1, 2);
	cmd = brood_pipe(one(), last);
	brood_command_redirect_merge(cmd, 2, 1);
	assert_mistake(cmd, "redirect: descriptor 2 cannot go where 1 goes, because that goes where 2 goes");
	brood_command_free(cmd);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		brood_test(test_each_direction_is_kept),
		brood_test(test_the_same_direction_again_is_fine),
		brood_test(test_a_contradiction_names_both),
		brood_test(test_wrong_values_are_refused_in_words),
		brood_test(test_an_empty_feed_is_fine),
		brood_test(test_a_circle_of_merges_is_refused),
		brood_test(test_a_line_of_merges_and_a_swap_by_number_are_fine),
		brood_test(test_inherit_takes_a_direction_back),
		brood_test(test_on_a_chain_0_is_the_first_stage_and_1_the_last),
		brood_test(test_on_a_chain_any_other_is_shared_by_all),
		brood_test(test_a_stage_that_directs_it_itself_keeps_its_own),
		brood_test(test_what_a_shorter_chain_shares_stays_its_own_in_a_longer_one),
		brood_test(test_inherit_on_a_chain_takes_back_what_the_chain_was_told),
		brood_test(test_a_circle_through_a_chain_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
