/* SPDX-License-Identifier: MIT */
/*
 * Small words for tests of batches: members that run the test child, handed in and taken out.
 */
#ifndef SUPPORT_MEMBERS_H
#define SUPPORT_MEMBERS_H

#include <brood.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "support.h"

/* A command that runs the test child with these verbs. */
#define member(...) brood_command_newl(support_child(), __VA_ARGS__, NULL)

static inline brood_batch *batch_of(size_t at_once)
{
	brood_batch *batch = brood_batch_new(at_once);

	assert_non_null(batch);
	return batch;
}

/* Hand a command in and free it. ret_future may be NULL. */
static inline void hand_in(brood_batch *batch, brood_command *cmd_take, brood_future **ret_future)
{
	assert_non_null(cmd_take);
	assert_int_equal(brood_batch_submit(batch, cmd_take, ret_future), 0);
	brood_command_free(cmd_take);
}

static inline brood_command *captured(brood_command *cmd_take)
{
	brood_command_capture(cmd_take, BROOD_STDOUT, 0);
	return cmd_take;
}

static inline brood_command *named(brood_command *cmd_take, const char *name)
{
	brood_command_set_name(cmd_take, name);
	return cmd_take;
}

/* The next one, which must come within a minute. The caller frees it. */
static inline brood_future *next_one(brood_batch *batch)
{
	brood_future *future = NULL;

	assert_int_equal(brood_batch_next(batch, 60000, &future), 1);
	assert_non_null(future);
	return future;
}

/* The next one must have this name; it is freed. */
static inline void assert_next_is(brood_batch *batch, const char *name)
{
	brood_future *future = next_one(batch);

	assert_string_equal(brood_future_name(future), name);
	brood_future_free(future);
}

/* Take out all that is left: how many there were, and how many of them were success. */
static inline size_t take_all(brood_batch *batch, size_t *ret_good)
{
	brood_future *future;
	size_t count = 0;
	int r;

	if (ret_good)
		*ret_good = 0;
	while ((r = brood_batch_next(batch, 60000, &future)) == 1) {
		count++;
		if (ret_good)
			*ret_good += brood_result_ok(brood_future_result(future));
		brood_future_free(future);
	}
	assert_int_equal(r, 0);
	return count;
}

static inline const char *output_of(const brood_future *future)
{
	return brood_result_output(brood_future_result(future), BROOD_STDOUT, NULL);
}

/* Drive the batch until the file is there. None of its members may end meanwhile. */
static inline void drive_until_file(brood_batch *batch, const char *path)
{
	int64_t until = support_now_ms() + 30000;

	while (support_wait_file(path, 0) == 0) {
		assert_true(support_now_ms() < until);
		assert_int_equal(brood_batch_next(batch, 5, NULL), -ETIMEDOUT);
	}
}

#endif
