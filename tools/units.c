/* SPDX-License-Identifier: MIT */
/*
 * Numbers with units. Everything is computed in whole numbers of any length, digit by digit: what is typed is what is meant.
 */
#ifdef HAVE_CONFIG_H
#include "config.h"
#endif

#include "units.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* What is wrong, where it has something of the value in it. One for a thread, until the next refusal. */
static _Thread_local char refusal[96];

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* Not isalpha: what is a letter is not the locale's to say. */
static bool is_letter(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* Not strcasecmp: where the locale is Turkish, an I is no i. At most `most` characters are looked at. */
static bool same_letters(const char *one, const char *other, size_t most)
{
	for (size_t i = 0; i < most; i++) {
		char a = is_letter(one[i]) ? one[i] | 0x20 : one[i];
		char b = is_letter(other[i]) ? other[i] | 0x20 : other[i];

		if (a != b)
			return false;
		if (!a)
			break;
	}
	return true;
}

/* ---- decimal numbers, exactly --------------------------------------------------------------------------------- */

/*
 * A number as it is written: `digits` of them from `text` on, a point among them perhaps, and 10 to the `exponent`. No floating point: 0.1 would
 * not be 0.1, nor 9223372036854775807 itself, and strtod(3) reads what the locale calls a number.
 */
struct decimal {
	const char *text;
	size_t length;          /* of the digits and the point */
	int64_t whole;          /* so many digits stand before the point, after the exponent has moved it; may be negative */
};

/* Exponents beyond this are all the same: no text is so long that its digits could make up for them. */
#define EXPONENT_MOST (INT64_C(1) << 60)

/* "e12", "E-3", "e+5"; an e that no digit follows belongs to the unit. Returns its length. */
static size_t read_exponent(const char *text, int64_t *ret_exponent)
{
	const char *at = text;
	int64_t exponent = 0;
	bool negative;

	*ret_exponent = 0;
	if (*at != 'e' && *at != 'E')
		return 0;
	at++;
	negative = *at == '-';
	if (*at == '-' || *at == '+')
		at++;
	if (!is_digit(*at))
		return 0;
	for (; is_digit(*at); at++)
		if (exponent < EXPONENT_MOST / 16)
			exponent = exponent * 10 + (*at - '0');
	*ret_exponent = negative ? -exponent : exponent;
	return (size_t)(at - text);
}

/* Returns the length, the exponent included; 0 when it does not begin with a number. */
static size_t read_decimal(const char *text, struct decimal *ret)
{
	size_t length = 0, digits = 0;
	int64_t exponent;

	*ret = (struct decimal){ .text = text, .whole = -1 };
	for (; is_digit(text[length]) || (text[length] == '.' && ret->whole < 0); length++) {
		if (text[length] == '.')
			ret->whole = (int64_t)digits;
		else
			digits++;
	}
	if (digits == 0)
		return 0;
	if (ret->whole < 0)
		ret->whole = (int64_t)digits;
	ret->length = length;
	length += read_exponent(text + length, &exponent);
	ret->whole += exponent;
	return length;
}

/*
 * The digits behind the point, times `unit`: from the last to the first, as one multiplies on paper. What is carried out of the first of them
 * is whole; *ret_rest tells that something was left over.
 */
static uint64_t fraction_times(const struct decimal *number, uint64_t unit, bool *ret_rest)
{
	uint64_t carry = 0;
	int64_t index = 0;

	*ret_rest = false;
	for (size_t i = 0; i < number->length; i++)
		index += number->text[i] != '.';
	for (size_t i = number->length; i-- > 0 && index > number->whole;) {
		if (number->text[i] == '.')
			continue;
		index--;
		carry += (uint64_t)(number->text[i] - '0') * unit;
		*ret_rest |= carry % 10 != 0;
		carry /= 10;
	}
	/* 1e-9 is 0.000000001: zeros that are not written, and past twenty of them nothing is carried any more. */
	for (; index > number->whole && carry > 0; index--) {
		*ret_rest |= carry % 10 != 0;
		carry /= 10;
	}
	return carry;
}

/* The digits before the point. False: more than 64 bits. */
static bool whole_part(const struct decimal *number, uint64_t *ret)
{
	uint64_t value = 0;
	int64_t index = 0;

	for (size_t i = 0; i < number->length && index < number->whole; i++) {
		if (number->text[i] == '.')
			continue;
		index++;
		if (__builtin_mul_overflow(value, 10, &value) || __builtin_add_overflow(value, (uint64_t)(number->text[i] - '0'), &value))
			return false;
	}
	/* 1e3 is 1000: zeros that are not written. */
	for (; value > 0 && index < number->whole; index++)
		if (__builtin_mul_overflow(value, 10, &value))
			return false;
	*ret = value;
	return true;
}

/* The number times `unit` (below 2^60), rounded up. False: more than 64 bits. */
static bool decimal_times(const struct decimal *number, uint64_t unit, uint64_t *ret)
{
	uint64_t whole, fraction;
	bool rest;

	if (!whole_part(number, &whole) || __builtin_mul_overflow(whole, unit, &whole))
		return false;
	fraction = fraction_times(number, unit, &rest);
	return !__builtin_add_overflow(whole, fraction, ret) && !(rest && __builtin_add_overflow(*ret, 1, ret));
}

/* ---- units ---------------------------------------------------------------------------------------------------- */

struct unit {
	const char *name;
	uint64_t times;
};

static const struct unit *find_unit(const struct unit *units, size_t count, const char *name, bool any_case)
{
	for (size_t i = 0; i < count; i++)
		if (any_case ? same_letters(units[i].name, name, SIZE_MAX) : strcmp(units[i].name, name) == 0)
			return &units[i];
	return NULL;
}

/* What follows the number is no unit: say so, or that the whole is no number (1,5 and 1.5.2). */
static int refuse_unit(const char *rest, const char *known, const char *form, const char **ret_why)
{
	*ret_why = form;
	if (is_letter(*rest)) {
		snprintf(refusal, sizeof(refusal), "unknown unit '%.20s%s' (%s)", rest, strlen(rest) > 20 ? "..." : "", known);
		*ret_why = refusal;
	}
	return -EINVAL;
}

int units_duration_ms(const char *text, int64_t *ret_ms, const char **ret_why)
{
	static const char form[] = "not a time (as 5, 1.5s, 200ms, 2m)";
	static const struct unit units[] = {
		{ "", 1000 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 }, { "d", 86400000 },
	};
	const struct unit *unit;
	struct decimal number;
	uint64_t ms;
	size_t length;

	if (same_letters(text, "inf", SIZE_MAX) || same_letters(text, "infinity", SIZE_MAX)) {
		*ret_ms = INT64_MAX;
		return 0;
	}
	*ret_why = form;
	length = read_decimal(text, &number);
	if (length == 0)
		return -EINVAL;
	unit = find_unit(units, sizeof(units) / sizeof(units[0]), text + length, false);
	if (!unit)
		return refuse_unit(text + length, "ms, s, m, h, d", form, ret_why);
	if (!decimal_times(&number, unit->times, &ms) || ms > INT64_MAX)
		ms = INT64_MAX;
	*ret_ms = (int64_t)ms;
	return 0;
}

#define KIBI UINT64_C(1024)
#define KILO UINT64_C(1000)

int units_size(const char *text, uint64_t *ret_bytes, const char **ret_why)
{
	static const char form[] = "not a size (as 4096, 64K, 1.5G)";
	static const struct unit units[] = {
		{ "", 1 }, { "B", 1 },
		{ "K", KIBI }, { "KiB", KIBI }, { "KB", KILO },
		{ "M", KIBI * KIBI }, { "MiB", KIBI * KIBI }, { "MB", KILO * KILO },
		{ "G", KIBI * KIBI * KIBI }, { "GiB", KIBI * KIBI * KIBI }, { "GB", KILO * KILO * KILO },
		{ "T", KIBI * KIBI * KIBI * KIBI }, { "TiB", KIBI * KIBI * KIBI * KIBI }, { "TB", KILO * KILO * KILO * KILO },
	};
	const struct unit *unit;
	struct decimal number;
	uint64_t bytes;
	size_t length;

	*ret_why = form;
	length = read_decimal(text, &number);
	if (length == 0)
		return -EINVAL;
	unit = find_unit(units, sizeof(units) / sizeof(units[0]), text + length, true);
	if (!unit)
		return refuse_unit(text + length, "K, M, G, T, KB, MB, GB, TB", form, ret_why);
	*ret_why = "too large";
	if (!decimal_times(&number, unit->times, &bytes))
		return -ERANGE;
	*ret_bytes = bytes;
	return 0;
}

int units_count(const char *text, uint64_t least, uint64_t most, uint64_t *ret_count, const char **ret_why)
{
	uint64_t count = 0;
	bool fits = true;

	*ret_why = "not a whole number";
	if (!*text || text[strspn(text, "0123456789")])
		return -EINVAL;
	for (; *text && fits; text++)
		fits = !__builtin_mul_overflow(count, 10, &count) && !__builtin_add_overflow(count, (uint64_t)(*text - '0'), &count);
	if (fits && count >= least && count <= most) {
		*ret_count = count;
		return 0;
	}
	if (fits && count < least)
		snprintf(refusal, sizeof(refusal), "less than %" PRIu64, least);
	else
		snprintf(refusal, sizeof(refusal), "more than %" PRIu64, most);
	*ret_why = refusal;
	return -ERANGE;
}

/* ---- signals -------------------------------------------------------------------------------------------------- */

/* sigabbrev_np(3) is young, and knows neither the second names nor case. */
static const struct {
	const char *name;
	int number;
} signals[] = {
	{ "HUP", SIGHUP }, { "INT", SIGINT }, { "QUIT", SIGQUIT }, { "ILL", SIGILL }, { "TRAP", SIGTRAP }, { "ABRT", SIGABRT }, { "IOT", SIGABRT },
	{ "BUS", SIGBUS }, { "FPE", SIGFPE }, { "KILL", SIGKILL }, { "USR1", SIGUSR1 }, { "SEGV", SIGSEGV }, { "USR2", SIGUSR2 },
	{ "PIPE", SIGPIPE }, { "ALRM", SIGALRM }, { "TERM", SIGTERM }, { "CHLD", SIGCHLD }, { "CLD", SIGCHLD }, { "CONT", SIGCONT },
	{ "STOP", SIGSTOP }, { "TSTP", SIGTSTP }, { "TTIN", SIGTTIN }, { "TTOU", SIGTTOU }, { "URG", SIGURG }, { "XCPU", SIGXCPU },
	{ "XFSZ", SIGXFSZ }, { "VTALRM", SIGVTALRM }, { "PROF", SIGPROF }, { "SYS", SIGSYS },
#ifdef SIGWINCH
	{ "WINCH", SIGWINCH },
#endif
#ifdef SIGIO
	{ "IO", SIGIO }, { "POLL", SIGIO },
#endif
#ifdef SIGPWR
	{ "PWR", SIGPWR },
#endif
#ifdef SIGSTKFLT
	{ "STKFLT", SIGSTKFLT },
#endif
};

/* "RTMIN+3", "RTMAX-1", "RTMIN": 0 when it is none of them, or beyond the other end. */
static int real_time_signal(const char *name)
{
	bool from_least = same_letters(name, "RTMIN", 5);
	uint64_t offset = 0;
	const char *why;

	if (!from_least && !same_letters(name, "RTMAX", 5))
		return 0;
	name += 5;
	if (*name && *name != (from_least ? '+' : '-'))
		return 0;
	if (*name && units_count(name + 1, 0, (uint64_t)(SIGRTMAX - SIGRTMIN), &offset, &why) < 0)
		return 0;
	return from_least ? SIGRTMIN + (int)offset : SIGRTMAX - (int)offset;
}

const char *units_signal_text(int signal, char text[UNITS_TEXT])
{
	for (size_t i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		if (signals[i].number == signal) {
			snprintf(text, UNITS_TEXT, "SIG%s", signals[i].name);
			return text;
		}
	snprintf(text, UNITS_TEXT, "signal %d", signal);
	return text;
}

int units_signal(const char *text, int *ret_signal, const char **ret_why)
{
	const char *name = same_letters(text, "SIG", 3) ? text + 3 : text;
	uint64_t number;
	int found;

	if (is_digit(*text)) {
		int r = units_count(text, 1, (uint64_t)SIGRTMAX, &number, ret_why);

		if (r >= 0)
			*ret_signal = (int)number;
		return r;
	}
	found = real_time_signal(name);
	for (size_t i = 0; !found && i < sizeof(signals) / sizeof(signals[0]); i++)
		if (same_letters(signals[i].name, name, SIZE_MAX))
			found = signals[i].number;
	*ret_why = "not a signal (as TERM, SIGINT, 9, RTMIN+1)";
	if (!found)
		return -EINVAL;
	*ret_signal = found;
	return 0;
}

/* ---- for people ----------------------------------------------------------------------------------------------- */

/*
 * value / unit with three digits, rounded, without zeros at the end of a fraction: 1.53, 12.3, 120, 12. False when that is `limit` or more, where
 * the next unit begins: 999.7 ms are 1 s.
 */
static bool three_digits(uint64_t value, uint64_t unit, unsigned limit, const char *name, char text[UNITS_TEXT])
{
	unsigned places = value / unit >= 100 ? 0 : value / unit >= 10 ? 1 : 2;
	unsigned scale = places == 0 ? 1 : places == 1 ? 10 : 100;
	uint64_t whole = value / unit;
	uint64_t rest = value % unit;
	/* In halves of the last place, exactly: `rest` is below 2^44 where a unit is a tebibyte. */
	uint64_t last = (rest * scale * 2 / unit + 1) / 2;

	whole += last / scale;
	last %= scale;
	if (whole >= limit)
		return false;
	for (; places > 0 && last % 10 == 0; places--)
		last /= 10;
	if (places == 0)
		snprintf(text, UNITS_TEXT, "%" PRIu64 " %s", whole, name);
	else
		snprintf(text, UNITS_TEXT, "%" PRIu64 ".%0*" PRIu64 " %s", whole, (int)places, last, name);
	return true;
}

/* "3 m 20 s", "2 h", "1 d 5 h": two units, the second where it is not 0. */
static const char *two_units(uint64_t seconds, char text[UNITS_TEXT])
{
	static const struct { uint64_t seconds, second; const char *name, *second_name; } steps[] = {
		{ 86400, 3600, "d", "h" }, { 3600, 60, "h", "m" }, { 60, 1, "m", "s" },
	};
	size_t i = 0;

	while (i < 2 && seconds < steps[i].seconds)
		i++;
	/* Rounding may reach the next step: 59 m 59.9 s have been an hour since the caller rounded to seconds. */
	uint64_t rounded = (seconds + steps[i].second / 2) / steps[i].second * steps[i].second;
	if (i > 0 && rounded >= steps[i - 1].seconds)
		i--;
	uint64_t first = rounded / steps[i].seconds, rest = rounded % steps[i].seconds / steps[i].second;
	if (rest == 0)
		snprintf(text, UNITS_TEXT, "%" PRIu64 " %s", first, steps[i].name);
	else
		snprintf(text, UNITS_TEXT, "%" PRIu64 " %s %" PRIu64 " %s", first, steps[i].name, rest, steps[i].second_name);
	return text;
}

const char *units_duration_text(int64_t ns, char text[UNITS_TEXT])
{
	uint64_t value = ns < 0 ? 0 : (uint64_t)ns;

	if (three_digits(value, 1, 1000, "ns", text) || three_digits(value, 1000, 1000, "us", text) ||
	    three_digits(value, 1000000, 1000, "ms", text) || three_digits(value, 1000000000, 60, "s", text))
		return text;
	return two_units(value / 1000000000 + (value % 1000000000 >= 500000000), text);
}

const char *units_size_text(uint64_t bytes, char text[UNITS_TEXT])
{
	static const char *const names[] = { "B", "KiB", "MiB", "GiB" };
	uint64_t unit = 1;

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++, unit *= KIBI)
		if (three_digits(bytes, unit, 1024, names[i], text))
			return text;
	three_digits(bytes, unit, UINT32_MAX, "TiB", text);
	return text;
}
