/* wide_rate.c - cells of tables that people write of their results: rates, and how the table writes fractions. See ingest_wide.h. */
#include <string.h>
#include <strings.h>

#include "sim/base/str.h"
#include "sim/runs/ingest_wide.h"
#include "sim/runs/numbers.h"

bool wide_is_any(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcasecmp(text, words[i]))
			return true;
	return false;
}

bool wide_is_empty(const char *cell)
{
	/* with the dashes of typesetters: U+2013, U+2014, U+2212 */
	static const char *const words[] = {
		"",    "-",    "--",  "\xe2\x80\x93", "\xe2\x80\x94", "\xe2\x88\x92",
		"n/a", "n.a.", "oom", "out of memory"};

	return wide_is_any(cell, words, ARRAY_LEN(words));
}

bool wide_is_rate_unit(const char *text)
{
	static const char *const units[] = {"t/s", "tok/s",      "toks/s",  "tokens/s", "token/s",
					    "tps", "tokens/sec", "tok/sec", "tk/s",     "t/sec"};

	return wide_is_any(text, units, ARRAY_LEN(units));
}

/* --- points and commas ---------------------------------------------------------------------------- */

enum { DIGITS_OF_GROUP = 3 };

/* Do groups of three digits follow the first, of three at most and not "0", each behind the character? */
static bool is_grouped(const char *number, size_t len, char by)
{
	size_t first = strspn(number, "0123456789");

	if (!first || first > DIGITS_OF_GROUP || *number == '0' || first >= len)
		return false;
	for (; first < len; first += DIGITS_OF_GROUP + 1)
		if (number[first] != by || strspn(number + first + 1, "0123456789") != DIGITS_OF_GROUP)
			return false;
	return first == len;
}

/* "1.234" and "1,234": a fraction, or thousands. */
static bool is_doubtful(const char *number, size_t len)
{
	const char *mark = number + strcspn(number, ".,");

	return mark < number + len && is_grouped(number, len, *mark) &&
	       mark + DIGITS_OF_GROUP + 1 == number + len;
}

/* Of a number that is `len` bytes of digits, points and commas; 0: it shows nothing. */
static unsigned style_shown(const char *number, size_t len)
{
	const char *text_end = number + len, *last = NULL;
	bool other = false;

	for (const char *at = number; at < text_end; at++)
		if (*at == '.' || *at == ',') {
			other = other || (last && *last != *at);
			last = at;
		}
	if (!last || last + 1 == text_end || is_doubtful(number, len))
		return 0;
	if (!other && is_grouped(number, len, *last)) /* "1.234.567" */
		return *last == '.' ? WIDE_COMMAS : WIDE_POINTS;
	return *last == '.' ? WIDE_POINTS : WIDE_COMMAS;
}

static const char *skip_nearly(const char *cell)
{
	return cell + strspn(cell, "~ ");
}

/* Of all numbers in a cell, "17,6 ± 0,2 GB". */
static unsigned style_in(const char *cell)
{
	unsigned style = 0;

	while (*cell) {
		const size_t n = number_span(cell);

		style |= n ? style_shown(cell, n) : 0;
		cell += n ? n : 1;
	}
	return style;
}

unsigned wide_style_of(const struct wide_head *h, const struct cells *row)
{
	unsigned style = 0;

	for (size_t i = 0; i < h->n && i < row->n; i++) {
		const enum wide_kind kind = h->at[i].kind;

		if ((kind >= WIDE_TEST && kind <= WIDE_OF_MODEL) || kind == WIDE_SIZE || kind == WIDE_PARAMS)
			style |= style_in(row->at[i]);
	}
	return style;
}

/* --- rates ---------------------------------------------------------------------------------------- */

static const char rate_hint[] = "a rate such as 45.6; '-', 'N/A', 'OOM' or nothing where none was measured";

/* Without the marks between groups, and with a point before the fraction. */
static const char *respelled(struct arena *a, const char *number, size_t len, unsigned style)
{
	char *out = arena_strndup(a, number, len), *to = out;
	const char fraction = style == WIDE_COMMAS ? ',' : '.';

	for (const char *at = out; *at; at++)
		if (*at == fraction || (*at != ',' && *at != '.'))
			*to++ = *at == fraction ? '.' : *at;
	*to = '\0';
	return out;
}

static int refuse_doubtful(struct reading *r, int line, const char *column, const char *text)
{
	err_set(r->err,
		"%s:%d: %s: '%.40s' may be a fraction or thousands, and the table's other numbers do not say "
		"which",
		r->path, line, column, text);
	return err_hint(
		r->err,
		"write it without a mark between thousands, or with one or two digits behind the point");
}

/* A number of `len` bytes by the head's style. */
static int number_of(struct reading *r, int line, const struct wide_head *h, const char *column,
		     const char *text, size_t len, double *x)
{
	const char *plain = arena_strndup(r->arena, text, len), *end;

	if (is_doubtful(plain, len)) {
		if (h->style != WIDE_POINTS && h->style != WIDE_COMMAS)
			return refuse_doubtful(r, line, column, plain);
		plain = respelled(r->arena, text, len, h->style);
	}
	end = number_decimal(plain, x);
	if (end && !*end && *x <= 1e9)
		return 0;
	return reading_number(r, line, column, plain, 1e9, x) == 0 ? 0 : err_hint(r->err, "%s", rate_hint);
}

static int refuse_cell(struct reading *r, int line, const char *column, const char *why, const char *cell)
{
	err_set(r->err, "%s:%d: %s: %s '%.60s'", r->path, line, column, why, cell);
	return err_hint(r->err, "%s", rate_hint);
}

/* The bytes of a number and of what stands at it without a blank, up to a deviation. */
static size_t rate_span(const char *text)
{
	const size_t n = number_span(text);

	return n + strcspn(text + n, " \xc2+");
}

static void count_empty(struct reading *r, int line)
{
	r->empty_first = r->empty++ ? r->empty_first : line;
	r->empty_last = line;
}

int wide_rate(struct reading *r, int line, const struct wide_head *h, size_t column, const char *cell,
	      double *rate, double *sd)
{
	const struct wide_column *c = &h->at[column];
	const char *at = skip_nearly(cell), *more;
	size_t n = rate_span(at);

	if (wide_is_empty(cell)) {
		count_empty(r, line);
		return 1;
	}
	if (str_ends(cell, "%"))
		return 1;
	if (number_of(r, line, h, c->name, at, n, rate) != 0)
		return -1;
	more = at + n + strspn(at + n, " ");
	if (str_starts(more, "\xc2\xb1") || str_starts(more, "+-")) {
		more += 2;
		more += strspn(more, " ");
		n = rate_span(more);
		if (number_of(r, line, h, c->name, more, n, sd) != 0)
			return -1;
		more += n + strspn(more + n, " ");
	}
	if (*more ? !wide_is_rate_unit(more) : c->bare)
		return refuse_cell(r, line, c->name, "expected a rate such as '45.6 t/s', got", cell);
	return *rate > 0 ? 0 : refuse_cell(r, line, c->name, "a rate must be positive, got", cell);
}
