/* SPDX-License-Identifier: MIT */
/*
 * Numbers with units: whatever is typed, the answer is what a long double says, within its rounding; a digit more never makes a number smaller;
 * what is shown is read back as what it was; and a refusal fills nothing but its words.
 */
#include "fuzz/fuzz.h"

#include <errno.h>
#include <float.h>
#include <math.h>
#include <signal.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "units.h"

enum { TEXT_MOST = 4096 };

/* Words behind a value: there, and short enough for a line. */
static void check_why(const char *why)
{
	FUZZ_CHECK(why && *why && strlen(why) < 200);
}

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The digits and the point that a text begins with. */
static size_t mantissa(const char *text)
{
	return strspn(text, "0123456789.");
}

static bool has_value(const char *text)
{
	return strcspn(text, "123456789") < mantissa(text);
}

/* |got - expected| within what rounding does; a long double is a double on some systems, and under valgrind. */
static void check_near(uint64_t got, long double expected)
{
	long double difference = expected > (long double)got ? expected - (long double)got : (long double)got - expected;

	FUZZ_CHECK(difference <= 1 + expected * 8 * DBL_EPSILON);
}

/* Up to eighteen digits without an exponent can be had to the last one: times the unit, rounded up. */
static void check_exact(const char *text, uint64_t got, long double unit)
{
#ifdef __SIZEOF_INT128__
	size_t length = mantissa(text), point = strcspn(text, ".");
	unsigned __int128 value = 0, scale = 1;

	if (length > 18 || text[length] == 'e' || text[length] == 'E')
		return;
	for (size_t i = 0; i < length; i++) {
		if (text[i] == '.')
			continue;
		value = value * 10 + (unsigned)(text[i] - '0');
		if (i > point)
			scale *= 10;
	}
	value = (value * (uint64_t)unit + scale - 1) / scale;
	if (value <= INT64_MAX)
		FUZZ_CHECK(got == value);
#endif
}

/* The text with a digit more at the end of its digits. */
static void with_digit(char *longer, const char *text, char digit)
{
	size_t length = mantissa(text);

	memcpy(longer, text, length);
	longer[length] = digit;
	strcpy(longer + length + 1, text + length);
}

/* ---- durations ------------------------------------------------------------------------------------------------ */

static long double ms_of_unit(const char *unit)
{
	static const struct { const char *name; long double ms; } units[] = {
		{ "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
	};

	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++)
		if (strcmp(units[i].name, unit) == 0)
			return units[i].ms;
	FUZZ_CHECK(!"a unit that was taken is known");
	return 0;
}

/* "1.53 s", "3 m 20 s": pairs of a number and a unit, added up. Below a millisecond there is nothing to read back. */
static void check_duration_text(int64_t ms)
{
	char text[UNITS_TEXT], *rest = text, *number, *unit, part[UNITS_TEXT * 2];
	int64_t sum = 0, one = 0;
	const char *why;

	if (ms == 0 || ms > INT64_MAX / 1000000)
		return;
	units_duration_text(ms * 1000000, text);
	while ((number = strsep(&rest, " "))) {
		unit = strsep(&rest, " ");
		FUZZ_CHECK(unit);
		snprintf(part, sizeof(part), "%s%s", number, unit);
		FUZZ_CHECK(units_duration_ms(part, &one, &why) == 0);
		sum += one;
	}
	/* The second unit may be off by half: half an hour of a day. */
	FUZZ_CHECK(fabsl((long double)sum - (long double)ms) <= 1 + (long double)ms * (ms < 60000 ? 0.0051L : 0.021L));
}

static void check_duration(const char *text)
{
	char longer[TEXT_MOST + 2], *end;
	int64_t ms = -7, again = -7;
	const char *why = NULL;
	int r = units_duration_ms(text, &ms, &why);

	FUZZ_CHECK(r == 0 || r == -EINVAL);
	if (r < 0) {
		FUZZ_CHECK(ms == -7);
		check_why(why);
		return;
	}
	FUZZ_CHECK(ms >= 0);
	snprintf(longer, sizeof(longer), "%lldms", (long long)ms);
	FUZZ_CHECK(units_duration_ms(longer, &again, &why) == 0 && again == ms);
	if (!is_digit(text[0]) && text[0] != '.') {
		FUZZ_CHECK(ms == INT64_MAX && (strcasecmp(text, "inf") == 0 || strcasecmp(text, "infinity") == 0));
		return;
	}
	long double model = strtold(text, &end);
	check_exact(text, (uint64_t)ms, ms_of_unit(end));
	model *= ms_of_unit(end);
	if (model < 0x1p62L)
		check_near((uint64_t)ms, model);
	else
		FUZZ_CHECK(ms >= INT64_C(1) << 61);
	if (model > 0x1.01p63L)
		FUZZ_CHECK(ms == INT64_MAX);
	FUZZ_CHECK((ms > 0) == has_value(text));
	with_digit(longer, text, '7');
	FUZZ_CHECK(units_duration_ms(longer, &again, &why) == 0 && again >= ms);
	check_duration_text(ms);
}

/* ---- sizes ---------------------------------------------------------------------------------------------------- */

static long double bytes_of_unit(const char *unit)
{
	static const char letters[] = "kmgt";
	const char *letter = *unit ? strchr(letters, *unit | 0x20) : NULL;
	long double base = letter && strcasecmp(unit + 1, "b") == 0 ? 1000 : 1024, bytes = 1;

	FUZZ_CHECK(letter || !*unit || strcasecmp(unit, "b") == 0);
	for (const char *at = letters; letter && at <= letter; at++)
		bytes *= base;
	return bytes;
}

static void check_size_text(uint64_t bytes)
{
	char text[UNITS_TEXT], joined[UNITS_TEXT * 2];
	uint64_t again = 0;
	const char *why;
	char *blank;

	units_size_text(bytes, text);
	blank = strchr(text, ' ');
	FUZZ_CHECK(blank);
	snprintf(joined, sizeof(joined), "%.*s%s", (int)(blank - text), text, blank + 1);
	/* What is shown as 16777216 TiB was a little less, and that is too large to be read. */
	if (units_size(joined, &again, &why) < 0) {
		FUZZ_CHECK(bytes >= UINT64_MAX - (UINT64_C(1) << 40));
		return;
	}
	FUZZ_CHECK(fabsl((long double)again - (long double)bytes) <= 1 + (long double)bytes * 0.0051L);
}

static void check_size(const char *text)
{
	char longer[TEXT_MOST + 2], *end;
	uint64_t bytes = 7, again = 7;
	const char *why = NULL;
	int r = units_size(text, &bytes, &why);

	FUZZ_CHECK(r == 0 || r == -EINVAL || r == -ERANGE);
	if (r < 0) {
		FUZZ_CHECK(bytes == 7);
		check_why(why);
	}
	if (r == -EINVAL)
		return;
	long double model = strtold(text, &end);
	model *= bytes_of_unit(end);
	if (r == -ERANGE) {
		FUZZ_CHECK(model >= 0x0.ffp64L);
		return;
	}
	check_near(bytes, model);
	check_exact(text, bytes, bytes_of_unit(end));
	FUZZ_CHECK((bytes > 0) == has_value(text));
	snprintf(longer, sizeof(longer), "%llu", (unsigned long long)bytes);
	FUZZ_CHECK(units_size(longer, &again, &why) == 0 && again == bytes);
	with_digit(longer, text, '3');
	r = units_size(longer, &again, &why);
	FUZZ_CHECK(r == -ERANGE || (r == 0 && again >= bytes));
	check_size_text(bytes);
}

/* ---- counts and signals --------------------------------------------------------------------------------------- */

static void check_count(const char *text)
{
	uint64_t count = 7, bytes;
	const char *why = NULL;
	int r = units_count(text, 10, UINT64_MAX - 10, &count, &why);

	FUZZ_CHECK(r == 0 || r == -EINVAL || r == -ERANGE);
	if (r < 0) {
		FUZZ_CHECK(count == 7);
		check_why(why);
	} else {
		/* Whatever is a count is a size without a unit. */
		FUZZ_CHECK(count >= 10 && count <= UINT64_MAX - 10);
		FUZZ_CHECK(units_size(text, &bytes, &why) == 0 && bytes == count);
	}
}

static void check_signal(const char *text)
{
	int number = -7, again;
	const char *why = NULL;
	char digits[16];

	if (units_signal(text, &number, &why) < 0) {
		FUZZ_CHECK(number == -7);
		check_why(why);
		return;
	}
	FUZZ_CHECK(number >= 1 && number <= SIGRTMAX);
	snprintf(digits, sizeof(digits), "%d", number);
	FUZZ_CHECK(units_signal(digits, &again, &why) == 0 && again == number);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char text[TEXT_MOST + 1];

	if (size > TEXT_MOST)
		size = TEXT_MOST;
	/* An empty input comes with no data at all. */
	if (size > 0)
		memcpy(text, data, size);
	text[size] = '\0';
	check_duration(text);
	check_size(text);
	check_count(text);
	check_signal(text);
	return 0;
}
