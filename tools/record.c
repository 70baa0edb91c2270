/* SPDX-License-Identifier: MIT */
/*
 * One job as a JSON object, made from brood_result_json and what the caller knows besides.
 *
 * Only members that are named here get in: what was captured, and whatever a later library adds to its JSON, stays out of logs until somebody
 * decided that it belongs there.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "record.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "jsontext.h"
#include "utf8.h"

/* ---- texts ---- */

/* With U+FFFD for each byte that is not part of a character. */
static json_t *readable(const char *text)
{
	char *copy = malloc(3 * strlen(text) + 1);
	size_t size = 0, length;
	json_t *string;

	if (!copy)
		return NULL;
	for (; *text; text += length) {
		bool valid = utf8_point(text, &length) >= 0;

		memcpy(copy + size, valid ? text : "\xef\xbf\xbd", valid ? length : 3);
		size += valid ? length : 3;
	}
	string = json_stringn(copy, size);
	free(copy);
	return string;
}

static json_t *hex(const char *text)
{
	static const char digits[] = "0123456789abcdef";
	size_t size = strlen(text);
	char *copy = malloc(2 * size + 1);
	json_t *string;

	if (!copy)
		return NULL;
	for (size_t i = 0; i < size; i++) {
		copy[2 * i] = digits[(unsigned char)text[i] >> 4];
		copy[2 * i + 1] = digits[(unsigned char)text[i] & 15];
	}
	string = json_stringn(copy, 2 * size);
	free(copy);
	return string;
}

static int set_text(json_t *record, const char *key, const char *hex_key, const char *text)
{
	if (!text)
		return 0;
	if (utf8_is_valid(text))
		return json_object_set_new(record, key, json_string(text));
	if (json_object_set_new(record, key, readable(text)) < 0)
		return -1;
	return json_object_set_new(record, hex_key, hex(text));
}

static int digit(char c)
{
	return c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static int from_hex(const char *text, char **ret)
{
	size_t size = strlen(text) / 2;
	char *bytes = malloc(size + 1);

	if (!bytes)
		return -ENOMEM;
	for (size_t i = 0; i < size; i++) {
		int high = digit(text[2 * i]), low = digit(text[2 * i + 1]);

		if (high < 0 || low < 0 || high + low == 0) {
			free(bytes);
			return -EINVAL;
		}
		bytes[i] = (char)(high << 4 | low);
	}
	bytes[size] = '\0';
	*ret = bytes;
	return 0;
}

static int get_text(const json_t *record, const char *key, const char *hex_key, char **ret)
{
	const char *exact = json_string_value(json_object_get(record, hex_key));
	const char *text = json_string_value(json_object_get(record, key));

	if (exact)
		return strlen(exact) % 2 == 0 ? from_hex(exact, ret) : -EINVAL;
	if (!text)
		return -EINVAL;
	*ret = strdup(text);
	return *ret ? 0 : -ENOMEM;
}

int record_input(const json_t *record, char **ret_input)
{
	return get_text(record, "input", "input_hex", ret_input);
}

int record_command(const json_t *record, char **ret_command)
{
	return get_text(record, "command", "command_hex", ret_command);
}

/* ---- times ---- */

static int64_t nanoseconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

static int64_t wall_offset_ns;

/*
 * Before main, once: a clock that is set during an hour's run would else put jobs before those that started ahead of them. What the
 * machine slept is missing from CLOCK_MONOTONIC, and so from these times.
 */
__attribute__((constructor)) static void take_offset(void)
{
	int64_t closest_ns = INT64_MAX;

	/* Held up between the clocks, every job would seem to have started later: of several looks the one counts that took least. */
	for (int i = 0; i < 5; i++) {
		const int64_t before_ns = nanoseconds(CLOCK_MONOTONIC), wall_ns = nanoseconds(CLOCK_REALTIME);
		const int64_t took_ns = nanoseconds(CLOCK_MONOTONIC) - before_ns;

		if (took_ns < closest_ns) {
			closest_ns = took_ns;
			wall_offset_ns = wall_ns - before_ns;
		}
	}
}

static int set_started(json_t *record, int64_t start_ns)
{
	int64_t wall_ns = start_ns + wall_offset_ns;
	time_t seconds = (time_t)(wall_ns / 1000000000);
	char date[32], text[48];
	struct tm parts;

	if (start_ns == 0 || !gmtime_r(&seconds, &parts))
		return 0;
	strftime(date, sizeof(date), "%Y-%m-%dT%H:%M:%S", &parts);
	snprintf(text, sizeof(text), "%s.%06dZ", date, (int)(wall_ns % 1000000000 / 1000));
	return json_object_set_new(record, "started", json_string(text));
}

/* From the first start to the last end. */
static int set_times(json_t *record, const brood_result *result)
{
	int64_t first_ns = 0, last_ns = 0;

	for (size_t i = 0; i < brood_result_stages(result); i++) {
		int64_t start_ns, end_ns;

		brood_result_times(result, i, &start_ns, &end_ns);
		if (start_ns && (first_ns == 0 || start_ns < first_ns))
			first_ns = start_ns;
		if (end_ns > last_ns)
			last_ns = end_ns;
	}
	if (set_started(record, first_ns) < 0)
		return -1;
	return json_object_set_new(record, "seconds", json_real(first_ns && last_ns > first_ns ? (double)(last_ns - first_ns) / 1e9 : 0));
}

/* ---- how it ended ---- */

/* In the library's words. One stage that was ended by somebody is the answer for all; an undone start comes last. */
static const char *chain_cause(const json_t *stages, bool timed_out, bool failed_start)
{
	size_t i;
	json_t *stage;

	if (timed_out)
		return "deadline";
	json_array_foreach(stages, i, stage) {
		const char *cause = json_string_value(json_object_get(stage, "cause"));

		if (cause && strcmp(cause, "itself") != 0 && strcmp(cause, "failure") != 0)
			return cause;
	}
	return failed_start ? "failure" : "itself";
}

static int set_end(json_t *record, const json_t *json, const brood_result *result)
{
	const char *cause = chain_cause(json_object_get(json, "stages"), json_is_true(json_object_get(json, "timed_out")),
					brood_result_errno(result) != 0);
	int r = 0;

	r |= json_object_set_new(record, "ok", json_boolean(brood_result_ok(result)));
	r |= json_object_set_new(record, "status", json_integer(brood_result_shell_status(result)));
	r |= json_object_set(record, "description", json_object_get(json, "description"));
	r |= json_object_set_new(record, "cause", json_string(cause));
	return r;
}

/* Members that are there when there is something to say. */
static int set_remarks(json_t *record, const json_t *json, const brood_result *result)
{
	static const char *const names[] = { "timed_out", "held", "failure" };
	int r = 0;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (json_object_get(json, names[i]))
			r |= json_object_set(record, names[i], json_object_get(json, names[i]));
	if (brood_result_truncated(result, BROOD_STDOUT) || brood_result_truncated(result, BROOD_STDERR))
		r |= json_object_set_new(record, "truncated", json_true());
	return r;
}

static int set_bytes(json_t *record, const brood_result *result)
{
	int r = 0;

	r |= json_object_set_new(record, "bytes_out", json_integer((json_int_t)brood_result_bytes(result, BROOD_STDOUT)));
	r |= json_object_set_new(record, "bytes_err", json_integer((json_int_t)brood_result_bytes(result, BROOD_STDERR)));
	return r;
}

static int set_facts(json_t *record, const struct job_facts *facts)
{
	int r = 0;

	if (facts->number)
		r |= json_object_set_new(record, "job", json_integer((json_int_t)facts->number));
	r |= set_text(record, "input", "input_hex", facts->input);
	r |= set_text(record, "command", "command_hex", facts->command);
	r |= set_times(record, facts->result);
	r |= json_object_set_new(record, "tries", json_integer(facts->tries));
	return r;
}

/* JSON_ALLOW_NUL: captured bytes are in the text until they are dropped here, and they may be any. */
static json_t *result_as_json(const brood_result *result)
{
	char *text = brood_result_json(result);
	json_t *json = NULL;

	if (text)
		jsontext_read(text, strlen(text), JSON_ALLOW_NUL, &json);
	free(text);
	return json;
}

json_t *record_new(const struct job_facts *facts)
{
	json_t *json = result_as_json(facts->result);
	json_t *record = json_object();
	int r;

	r = json && record ? 0 : -1;
	if (r == 0)
		r |= set_facts(record, facts);
	if (r == 0)
		r |= set_end(record, json, facts->result);
	if (r == 0)
		r |= set_remarks(record, json, facts->result);
	if (r == 0)
		r |= set_bytes(record, facts->result);
	if (r == 0)
		r |= json_object_set(record, "stages", json_object_get(json, "stages"));
	json_decref(json);
	if (r == 0)
		return record;
	json_decref(record);
	return NULL;
}
