/* trace_csv.c - rows of the three kinds of csv; see trace.h. */
#include <string.h>

#include "sim/base/str.h"
#include "sim/load/trace_parts.h"

enum { TIME, PROMPT, OUTPUT, SESSION };

static const struct {
	const char *column[TRACE_WANTED]; /* NULL: this kind has none */
} kinds[] = {
	[TRACE_OWN] = {{"arrived_s", "prompt_tokens", "output_tokens", NULL}},
	[TRACE_AZURE] = {{"TIMESTAMP", "ContextTokens", "GeneratedTokens", NULL}},
	[TRACE_BURSTGPT] = {{"Timestamp", "Request tokens", "Response tokens", "Session ID"}},
};

static size_t find_column(const struct cell *cells, size_t n, const char *name)
{
	for (size_t i = 0; name && i < n; i++)
		if (cells[i].len == strlen(name) && !memcmp(cells[i].text, name, cells[i].len))
			return i;
	return TRACE_COLUMNS;
}

/* The first two columns of a kind tell it; what is missing of it is said by name. */
static int columns_of(struct trace *t, const struct cell *cells, size_t n, size_t kind, struct err *err)
{
	char hint[128];

	for (size_t i = 0; i < TRACE_WANTED; i++) {
		const char *name = kinds[kind].column[i];

		t->column[i] = find_column(cells, n, name);
		if (t->column[i] < n &&
		    find_column(cells + t->column[i] + 1, n - t->column[i] - 1, name) < n - t->column[i] - 1)
			return lines_wrong(&t->lines, cells[t->column[i]].text, err, NULL,
					   "column '%s' is there twice", name);
		if (t->column[i] < TRACE_COLUMNS || !name || i == SESSION)
			continue;
		snprintf(hint, sizeof hint, "it goes with %s, %s and %s", kinds[kind].column[TIME],
			 kinds[kind].column[PROMPT], kinds[kind].column[OUTPUT]);
		return lines_wrong(&t->lines, NULL, err, hint, "column '%s' is missing", name);
	}
	t->kind = (enum trace_kind)kind;
	return 0;
}

int trace_csv_header(struct trace *t, struct err *err)
{
	struct cell cells[TRACE_COLUMNS];
	size_t n = lines_cells(&t->lines, cells, TRACE_COLUMNS, err);
	struct quoted q;

	if (!n)
		return -1;
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		if (find_column(cells, n, kinds[k].column[TIME]) < n)
			return columns_of(t, cells, n, k, err);
	for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
		if (find_column(cells, n, kinds[k].column[PROMPT]) < n)
			return columns_of(t, cells, n, k, err);
	q = lines_quote(t->lines.line.at, t->lines.line.n);
	return lines_wrong(
		&t->lines, NULL, err,
		"arrived_s,prompt_tokens,output_tokens; or the names that Azure's traces or BurstGPT "
		"have; or one JSON object a line",
		"no trace begins like '%s'", q.text);
}

/* Two digits, or four; -1 where there are none. */
static int digits(const char *s, int n)
{
	int value = 0;

	for (int i = 0; i < n; i++) {
		if (s[i] < '0' || s[i] > '9')
			return -1;
		value = value * 10 + (s[i] - '0');
	}
	return value;
}

/* Days from 1 March of year 0 in the Gregorian calendar. */
static int64_t days(int year, int month, int day)
{
	const int64_t y = month <= 2 ? year - 1 : year, m = (month + 9) % 12;

	return 365 * y + y / 4 - y / 100 + y / 400 + (m * 306 + 5) / 10 + day - 1;
}

static bool is_day(int year, int month, int day)
{
	if (month < 1 || month > 12 || day < 1)
		return false;
	return day <= days(year + month / 12, month % 12 + 1, 1) - days(year, month, 1);
}

/* "2023-11-16 18:17:03.9799600", with a zone of +00:00 or Z perhaps; since year 0. The fraction is a decimal.
 */
static int parse_date(const struct lines *l, struct cell c, int64_t *ns, struct err *err)
{
	static const char shape[] = "dddd-dd-dd dd:dd:dd";
	const struct quoted q = lines_quote(c.text, c.len);
	int year, month, day, hour, minute;
	int64_t seconds;
	size_t len = c.len;
	bool exact, fine = len >= sizeof shape - 1;

	if (fine && c.text[len - 1] == 'Z')
		len--;
	else if (fine && len > 6 && !memcmp(c.text + len - 6, "+00:00", 6))
		len -= 6;
	for (size_t i = 0; fine && shape[i]; i++)
		fine = shape[i] == 'd'   ? c.text[i] >= '0' && c.text[i] <= '9'
		       : shape[i] == ' ' ? c.text[i] == ' ' || c.text[i] == 'T'
					 : c.text[i] == shape[i];
	if (fine) {
		year = digits(c.text, 4);
		month = digits(c.text + 5, 2);
		day = digits(c.text + 8, 2);
		hour = digits(c.text + 11, 2);
		minute = digits(c.text + 14, 2);
		fine = year >= 1970 && year < 2200 && is_day(year, month, day) && hour < 24 && minute < 60 &&
		       decimal_parse(c.text + 17, len - 17, 9, &seconds, &exact) == DECIMAL_FINE &&
		       seconds <= 61000000000;
	}
	if (!fine)
		return lines_wrong(l, c.text, err, "such as 2023-11-16 18:17:03.9799600",
				   "'%s' is not a date and time", q.text);
	/* from 1970, so that nanoseconds fit */
	*ns = ((days(year, month, day) - days(1970, 1, 1)) * 1440 + hour * 60 + minute) * 60000000000 +
	      seconds;
	return 0;
}

static uint64_t session_of(struct cell c)
{
	uint64_t h = 14695981039346656037u; /* FNV-1a */

	for (size_t i = 0; i < c.len; i++)
		h = (h ^ (unsigned char)c.text[i]) * 1099511628211u;
	return c.len ? h | 1 : 0;
}

static int time_of(struct trace *t, struct cell c, int64_t *ns, struct err *err)
{
	if (t->kind != TRACE_AZURE)
		return lines_time(&t->lines, c, 9, ns, err);
	if (parse_date(&t->lines, c, ns, err) != 0)
		return -1;
	if (!t->rows && !trace_any_skipped(t))
		t->first_ns = *ns;
	*ns -= t->first_ns; /* negative where it goes back, which the caller refuses */
	return 0;
}

int trace_csv_row(struct trace *t, struct trace_row *row, struct err *err)
{
	struct cell cells[TRACE_COLUMNS];
	const size_t n = lines_cells(&t->lines, cells, TRACE_COLUMNS, err);
	const char *const *names = kinds[t->kind].column;
	size_t last = 0;

	if (!n)
		return -1;
	for (size_t i = 0; i < SESSION; i++)
		last = t->column[i] > last ? t->column[i] : last;
	if (last >= n)
		return lines_wrong(&t->lines, NULL, err, NULL, "the line has %zu cells, column %zu is wanted",
				   n, last + 1);
	if (time_of(t, cells[t->column[TIME]], &row->arrive_ns, err) != 0 ||
	    lines_tokens(&t->lines, cells[t->column[PROMPT]], names[PROMPT], &row->prompt, err) != 0 ||
	    lines_tokens(&t->lines, cells[t->column[OUTPUT]], names[OUTPUT], &row->output, err) != 0)
		return -1;
	if (t->column[SESSION] < n)
		row->session = session_of(cells[t->column[SESSION]]);
	return 0;
}
