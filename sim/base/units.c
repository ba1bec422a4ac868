/* units.c - the table of units; a unit is added as a row. */
#include "sim/base/units.h"

#include <math.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct unit {
	enum dim dim;
	const char *name;
	double in_base;
	char shown; /* units_format() may use this unit */
};

static const struct unit units[] = {
	{DIM_BYTES, "B", 1, 1},
	{DIM_BYTES, "kB", 1e3, 1},
	{DIM_BYTES, "MB", 1e6, 1},
	{DIM_BYTES, "GB", 1e9, 1},
	{DIM_BYTES, "TB", 1e12, 1},
	{DIM_BYTES, "KiB", 1024.0, 0},
	{DIM_BYTES, "MiB", 1048576.0, 0},
	{DIM_BYTES, "GiB", 1073741824.0, 0},
	{DIM_BYTES, "TiB", 1099511627776.0, 0},
	{DIM_BANDWIDTH, "B/s", 1, 1},
	{DIM_BANDWIDTH, "kB/s", 1e3, 1},
	{DIM_BANDWIDTH, "MB/s", 1e6, 1},
	{DIM_BANDWIDTH, "GB/s", 1e9, 1},
	{DIM_BANDWIDTH, "TB/s", 1e12, 1},
	{DIM_BANDWIDTH, "KiB/s", 1024.0, 0},
	{DIM_BANDWIDTH, "MiB/s", 1048576.0, 0},
	{DIM_BANDWIDTH, "GiB/s", 1073741824.0, 0},
	{DIM_BANDWIDTH, "Mbit/s", 1e6 / 8, 0},
	{DIM_BANDWIDTH, "Gbit/s", 1e9 / 8, 0},
	{DIM_FLOPS, "FLOPS", 1, 1},
	{DIM_FLOPS, "MFLOPS", 1e6, 1},
	{DIM_FLOPS, "GFLOPS", 1e9, 1},
	{DIM_FLOPS, "TFLOPS", 1e12, 1},
	{DIM_FLOPS, "PFLOPS", 1e15, 1},
	{DIM_TIME, "s", 1, 1},
	{DIM_TIME, "ns", 1e-9, 1},
	{DIM_TIME, "us", 1e-6, 1},
	{DIM_TIME, "ms", 1e-3, 1},
	{DIM_TIME, "min", 60, 0},
	{DIM_TIME, "h", 3600, 0},
	{DIM_FREQUENCY, "Hz", 1, 1},
	{DIM_FREQUENCY, "MHz", 1e6, 1},
	{DIM_FREQUENCY, "GHz", 1e9, 1},
	{DIM_TRANSFERS, "MT/s", 1e6, 1},
	{DIM_TRANSFERS, "GT/s", 1e9, 0},
	{DIM_TOKENS, "tok", 1, 1},
	{DIM_TOKENS, "Ktok", 1024, 0},
	{DIM_TOKEN_RATE, "tok/s", 1, 1},
	{DIM_REQUEST_RATE, "req/s", 1, 1},
	{DIM_REQUEST_RATE, "req/min", 1 / 60.0, 0},
	{DIM_REQUEST_RATE, "req/h", 1 / 3600.0, 0},
	{DIM_SHARE, "%", 0.01, 1},
	{DIM_POWER, "mW", 1e-3, 1},
	{DIM_POWER, "W", 1, 1},
	{DIM_POWER, "kW", 1e3, 1},
	{DIM_MONEY, "USD", 1, 1},
	{DIM_TARIFF, "USD/kWh", 1 / 3.6e6, 1},
	{DIM_TARIFF, "USD/MWh", 1 / 3.6e9, 0},
	{DIM_LIFE, "days", 86400, 0},
	{DIM_LIFE, "months", 2629800, 0}, /* one twelfth of a year */
	{DIM_LIFE, "year", 31557600, 0},
	{DIM_LIFE, "years", 31557600, 1}, /* Julian year: 365.25 days */
	{DIM_BITS, "bit", 1, 1},
};

static const struct {
	const char *name, *example, *unit;
} dims[] = {
	[DIM_COUNT] = {"count", "32", ""},
	[DIM_BYTES] = {"size", "24 GiB", "GiB"},
	[DIM_BANDWIDTH] = {"bandwidth", "118 GB/s", "GB/s"},
	[DIM_FLOPS] = {"arithmetic rate", "13.84 TFLOPS", "TFLOPS"},
	[DIM_TIME] = {"time", "30 us", "us"},
	[DIM_FREQUENCY] = {"frequency", "1578 MHz", "MHz"},
	[DIM_TRANSFERS] = {"transfer rate", "9600 MT/s", "MT/s"},
	[DIM_TOKENS] = {"tokens", "512 tok", "tok"},
	[DIM_TOKEN_RATE] = {"token rate", "40 tok/s", "tok/s"},
	[DIM_REQUEST_RATE] = {"request rate", "0.3 req/s", "req/s"},
	[DIM_SHARE] = {"share", "85 %", "%"},
	[DIM_POWER] = {"power", "40 W", "W"},
	[DIM_MONEY] = {"money", "1699 USD", "USD"},
	[DIM_TARIFF] = {"price of energy", "0.30 USD/kWh", "USD/kWh"},
	[DIM_LIFE] = {"life", "3 years", "years"},
	[DIM_BITS] = {"bits", "4.5 bit", "bit"},
};
_Static_assert(ARRAY_LEN(dims) == DIM_N, "a row for each dimension");

const char *units_example(enum dim dim)
{
	return dims[dim].example;
}

const char *units_name(enum dim dim)
{
	return dims[dim].name;
}

/* Is the unit one of bits, or may it be meant so, as in 'Gb/s', 'Gbps' or 'mb'? */
static int looks_like_bits(const char *unit)
{
	const size_t n = strlen(unit);

	return strstr(unit, "bps") || strstr(unit, "b/s") || strstr(unit, "bit") || (n && unit[n - 1] == 'b');
}

static int bad_unit(const char *unit, const char *text, double number, enum dim dim, struct err *err)
{
	if (!*unit) {
		err_set(err, "expected a unit such as '%s' after the number in '%.80s'", dims[dim].unit,
			text);
		return err_hint(err, "write it like '%s'", dims[dim].example);
	}
	if ((dim == DIM_BANDWIDTH || dim == DIM_BYTES) && looks_like_bits(unit)) {
		err_set(err, "'%.40s' in '%.80s' counts bits; this wants bytes", unit, text);
		if (dim == DIM_BYTES)
			return err_hint(err, "write it like '%s'", dims[dim].example);
		return err_hint(err, "write '%g Gbit/s' for bits or '%g GB/s' for bytes", number, number);
	}
	err_set(err, "unknown unit '%.40s' for %s in '%.80s'", unit, dims[dim].name, text);
	return err_hint(err, "write it like '%s'", dims[dim].example);
}

/* Reads a number such as '118' or '0.85', of at most 15 digits and without an exponent. Its digits and the power of ten
 * are exact in a double, so that their quotient is the number that strtod() returns (W. D. Clinger, How to Read
 * Floating Point Numbers Accurately, PLDI 1990). Returns its end; NULL where it is not of that kind. */
static const char *scan_short(const char *text, double *number)
{
	static const double tens[] = {1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6, 1e7,
				      1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14};
	const char *s = text, *point = NULL;
	int64_t digits = 0;

	for (; (*s >= '0' && *s <= '9') || (*s == '.' && !point); s++) {
		if (s - text == 15)
			return NULL;
		if (*s == '.')
			point = s;
		else
			digits = digits * 10 + (*s - '0');
	}
	if (s == text || *s == 'e' || *s == 'E' || *s == 'x' || *s == 'X' || (point && s == point + 1))
		return NULL;
	*number = (double)digits / tens[point ? s - point - 1 : 0];
	return s;
}

/* Reads a decimal number. strtod() would also accept hexadecimal numbers, inf and nan, which are refused
 * here. Returns the end of the number, or NULL. */
static const char *scan_number(const char *text, double *number)
{
	const char *const brief = scan_short(text, number);
	const size_t span = brief ? 0 : strspn(text, "+-.0123456789eE");
	char *end;

	if (brief)
		return brief;
	if (!span || strspn(text, "+-.eE") == span)
		return NULL;
	*number = strtod(text, &end);
	return end == text || end > text + span ? NULL : end;
}

const char *units_number(const char *text, double *number)
{
	const char *end = scan_number(text, number);

	return end && isfinite(*number) ? end : NULL;
}

int units_parse(const char *text, enum dim dim, double *value, struct err *err)
{
	double number = 0;
	const char *unit = scan_number(text, &number);

	if (!unit)
		return err_set(err, "expected a number like '%s', got '%.80s'", dims[dim].example, text);
	if (!isfinite(number))
		return err_set(err, "the number in '%.80s' is too large", text);
	unit += strspn(unit, " ");
	if (!*unit && (dim == DIM_COUNT || dim == DIM_SHARE || number == 0)) {
		*value = number;
		return 0;
	}
	if (dim == DIM_COUNT)
		return err_set(err, "expected a bare number, got '%.80s'", text);
	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		if (units[i].dim == dim && units[i].name[0] == *unit && !strcmp(units[i].name, unit)) {
			*value = number * units[i].in_base;
			return 0;
		}
	}
	return bad_unit(unit, text, number, dim, err);
}

/* The largest unit that is not larger than the value; for a value below all units the smallest one; for 0
 * the base unit. */
static const struct unit *best_unit(double value, enum dim dim)
{
	const struct unit *best = NULL;

	for (size_t i = 0; i < ARRAY_LEN(units); i++) {
		const struct unit *u = &units[i];
		const bool fits = value == 0 ? u->in_base == 1 : u->in_base <= fabs(value);

		if (u->dim != dim || !u->shown)
			continue;
		if (!best || (fits ? u->in_base > best->in_base || best->in_base > fabs(value)
				   : u->in_base < best->in_base && best->in_base > fabs(value)))
			best = u;
	}
	return best;
}

/* The nearest power of ten: beside such a number a mantissa says nothing. */
static void as_power(double size, bool negative, struct figure *f)
{
	char text[32];

	snprintf(text, sizeof text, "%.1e", size);
	snprintf(f->text, sizeof f->text, "%s10^%d", negative ? "-" : "",
		 atoi(strchr(text, 'e') + 1) + (text[0] >= '4'));
}

/* A number below one with all its zeros after the point, and none after its digits. */
static void with_zeros(double x, int digits, int power, struct figure *f)
{
	size_t end;

	snprintf(f->text, sizeof f->text, "%.*f", digits - 1 - power, x);
	for (end = strlen(f->text); f->text[end - 1] == '0'; end--)
		f->text[end - 1] = '\0';
}

struct figure units_digits(double x, int digits)
{
	const double size = fabs(x), most = 1e16, least = 1e-9;
	struct figure f = {"-"};
	const char *e;

	if (isnan(x))
		return f;
	snprintf(f.text, sizeof f.text, "%.*g", digits, x);
	e = strchr(f.text, 'e');
	if (!e)
		return f;
	if (size >= most || size < least)
		as_power(size, x < 0, &f);
	else if (size >= 1)
		snprintf(f.text, sizeof f.text, "%.0f", x);
	else
		with_zeros(x, digits, atoi(e + 1), &f);
	return f;
}

struct figure units_amount(double x)
{
	static const struct {
		double of;
		const char *name;
	} names[] = {{1e12, "trillion"}, {1e9, "billion"}, {1e6, "million"}};
	struct figure f;

	for (size_t i = 0; i < ARRAY_LEN(names) && x < 1e15; i++)
		if (x >= names[i].of) {
			snprintf(f.text, sizeof f.text, "%.36s %s", units_digits(x / names[i].of, 3).text,
				 names[i].name);
			return f;
		}
	return units_digits(x, 3);
}

void units_format(struct str *out, double value, enum dim dim, int digits)
{
	const struct unit *u = best_unit(value, dim);
	const double number = u && isfinite(value / u->in_base) ? value / u->in_base : value;
	const struct figure f = units_digits(number, digits);
	const char *unit = u && isfinite(value / u->in_base) ? u->name : "";

	if (strchr(f.text, '^') ||
	    isnan(number)) /* files are written by this too: what it writes is read again */
		str_addf(out, "%.*g", digits, number);
	else
		str_add(out, f.text);
	str_addf(out, "%s%s", *unit ? " " : "", unit);
}

void units_format_memory(struct str *out, double bytes)
{
	static const char *const names[] = {"KiB", "MiB", "GiB", "TiB"};
	double size = bytes / 1024;
	struct figure f;
	size_t i = 0;

	for (; size >= 999.5 && i + 1 < ARRAY_LEN(names); i++)
		size /= 1024;
	snprintf(f.text, sizeof f.text, "%#.3g", size);
	if (str_ends(f.text, "."))
		f.text[strlen(f.text) - 1] = '\0';
	str_addf(out, "%s %s", strchr(f.text, 'e') ? units_digits(size, 3).text : f.text, names[i]);
}

const char *units_text(struct arena *a, double value, enum dim dim, int digits)
{
	struct str s = STR_INIT;
	const char *text;

	units_format(&s, value, dim, digits);
	text = arena_strdup(a, s.text);
	str_release(&s);
	return text;
}

/* The digits of the value to 15 places, zeros at the end left out. Fewer digits than these are off by more than an
 * ulp or two, and are not read as the same value. */
static int fewest_digits(double value)
{
	char text[64];
	int digits = 0, zeros = 0;

	snprintf(text, sizeof text, "%.14e", value);
	for (const char *s = text; *s && *s != 'e'; s++) {
		if (*s < '0' || *s > '9')
			continue;
		digits++;
		zeros = *s == '0' ? zeros + 1 : 0;
	}
	return digits > zeros ? digits - zeros : 1;
}

/* Appends value / u with the fewest digits that units_parse() reads as the same value; returns false if 17
 * digits do not suffice. */
static bool format_digits(struct str *out, double value, const struct unit *u, enum dim dim)
{
	const double in_unit = u ? value / u->in_base : value;
	char text[64];

	for (int digits = fewest_digits(in_unit); digits <= 17; digits++) {
		double back;

		snprintf(text, sizeof text, "%.*g%s%s", digits, in_unit, u ? " " : "", u ? u->name : "");
		if (units_parse(text, dim, &back, NULL) == 0 && back == value) {
			str_add(out, text);
			return true;
		}
	}
	return false;
}

struct figure units_figure(double x)
{
	const bool long_whole = fabs(x) >= 1000 && fabs(x) < 1e15;
	struct figure f;

	if (!long_whole)
		return units_digits(x, 4);
	snprintf(f.text, sizeof f.text, "%.0f", x);
	return f;
}

void units_format_number(struct str *out, double value)
{
	char text[32];
	int power;

	snprintf(text, sizeof text, "%.2e", value); /* rounds once: 999.6 is 1.00e+03 */
	power = atoi(strchr(text, 'e') ? strchr(text, 'e') + 1 : "0");
	if (value == 0.0 || !isfinite(value))
		str_addf(out, "%g", value);
	else if (power < -4 || power > 8)
		str_add(out, units_digits(value, 3).text);
	else
		str_addf(out, "%.*f", power < 2 ? 2 - power : 0, strtod(text, NULL));
}

void units_format_exact(struct str *out, double value, enum dim dim)
{
	const struct unit *best = best_unit(value, dim);

	if (format_digits(out, value, best, dim))
		return;
	for (size_t i = ARRAY_LEN(units); i-- > 0;) /* a smaller unit may be exact; the base unit always is */
		if (units[i].dim == dim && units[i].shown && units[i].in_base < best->in_base &&
		    format_digits(out, value, &units[i], dim))
			return;
	if (!format_digits(out, value, NULL, dim)) /* a share may be written as a bare number */
		units_format(out, value, dim, 17);
}
