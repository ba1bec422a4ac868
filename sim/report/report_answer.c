/*
 * report_answer.c - the sections of a report that say what was found: sentences, ranges, the table, what limits.
 *
 * Layer report.
 */
#include <math.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/predict/job.h"
#include "sim/report/class_rows.h"
#include "sim/report/columns.h"
#include "sim/report/html.h"
#include "sim/report/ranges.h"
#include "sim/report/report_sections.h"

void section_open(struct str *out, const struct section_place *at, const char *name, const char *title)
{
	struct str id = STR_INIT;

	str_addf(&id, "%s%s", at->id, name);
	str_addf(out, "<section aria-labelledby=\"%s\">\n", id.text);
	html_heading(out, at->level, id.text, title);
	str_release(&id);
}

void section_close(struct str *out)
{
	str_add(out, "</section>\n");
}

/* ---- the answer in sentences ---- */

/* "20.1 s (18.0–22.4)", or in milliseconds */
static void add_time(struct str *out, const struct metric *m)
{
	const bool small = fabs(m->value) < 1;
	const struct column c = {.metric = m->name, .unit = small ? "ms" : "s", .scale = small ? 1e3 : 1};
	struct str interval = STR_INIT;

	columns_value(out, m, &c);
	str_addf(out, "&nbsp;%s", c.unit);
	columns_interval(&interval, m, &c);
	if (interval.len)
		str_addf(out, " (%s)", interval.text);
	str_release(&interval);
}

struct ranked {
	const struct assignment_row *first, *second;
	size_t n;
};

static double time_of(const struct assignment_row *row, const char *metric)
{
	const struct metric *m = row->fits || row->short_phase ? rows_metric(row, metric) : NULL;

	return m ? m->value : INFINITY;
}

/* The share of runs in which the SLO of a load holds; NAN: the job is none that serves, or there is no SLO. */
static double holds_of(const struct assignment_row *row, enum job job)
{
	const struct metric *m = job == JOB_SERVE ? rows_metric(row, "holds") : NULL;

	return m ? m->value : (double)NAN;
}

/* The SLO comes before the time: what is quick and misses it is no answer. */
static bool is_better(const struct assignment_row *a, const struct assignment_row *b, enum job job)
{
	const char *metric = metric_compared(job)->name;
	const double x = holds_of(a, job), y = holds_of(b, job);

	return x > y || (!(x < y) && time_of(a, metric) < time_of(b, metric));
}

static struct ranked rank(const struct result *r, enum job job)
{
	struct ranked all = {.n = 0};

	for (size_t i = 0; i < r->rows_n; i++) {
		const struct assignment_row *row = &r->rows[i];

		if (!isfinite(time_of(row, metric_compared(job)->name)))
			continue;
		all.n++;
		if (!all.first || is_better(row, all.first, job)) {
			all.second = all.first;
			all.first = row;
		} else if (!all.second || is_better(row, all.second, job)) {
			all.second = row;
		}
	}
	return all;
}

/* The first job that a row has a time for; JOB_N: none. */
static int first_job(const struct assignment_row *rows, size_t n)
{
	for (int j = 0; j < JOB_N; j++)
		for (size_t i = 0; i < n; i++)
			if (isfinite(time_of(&rows[i], metric_compared((enum job)j)->name)))
				return j;
	return JOB_N;
}

void report_sort(struct assignment_row *rows, size_t n)
{
	const int job = first_job(rows, n);

	for (size_t i = 1; i < n && job < JOB_N;
	     i++) { /* by insertion: equals keep their order, and rows are few */
		const struct assignment_row row = rows[i];
		size_t k = i;

		for (; k && is_better(&row, &rows[k - 1], (enum job)job); k--)
			rows[k] = rows[k - 1];
		rows[k] = row;
	}
}

const char *report_quickest(const struct result *r, enum job job)
{
	const struct ranked all = rank(r, job);

	return all.n ? all.first->name : NULL;
}

/* "; its SLO holds in 80 % of the runs" */
static void add_holds(struct str *out, const struct assignment_row *row, enum job job)
{
	const double share = holds_of(row, job);

	if (isfinite(share))
		str_addf(out, ", its SLO holds in %.0f %% of the runs", 100 * share);
}

/* Why the first is the first: its SLO, or else its time. */
static const char *reason(const struct ranked *all, enum job job)
{
	return holds_of(all->first, job) > holds_of(all->second, job) ? "holds the SLO most often"
								      : "is the quickest";
}

/* What limits a row in one job: the words of several jobs stand behind each other, "...; training: ...", the first without
 * its noun. */
static void add_bound(struct str *out, const struct assignment_row *row, const struct job_type *job)
{
	const char *from = row->bound, *end = NULL;
	struct str begin = STR_INIT, words = STR_INIT;

	for (int j = 0; j < JOB_N; j++) {
		const char *at;

		str_clear(&begin);
		str_addf(&begin, "; %s: ", job_types[j]->noun);
		at = strstr(row->bound, begin.text);
		if (!at)
			continue;
		if (job_types[j] == job)
			from = at + begin.len;
		else if (at >= from && (!end || at < end))
			end = at;
	}
	str_add_n(&words, from, end && end > from ? (size_t)(end - from) : strlen(from));
	html_sentence(out, words.text);
	str_release(&words);
	str_release(&begin);
}

/* Are they the same in all digits that are printed? */
static bool are_even(const struct assignment_row *a, const struct assignment_row *b, const char *metric,
		     enum job job)
{
	const double x = time_of(a, metric), y = time_of(b, metric);
	struct str of_a = STR_INIT, of_b = STR_INIT;
	bool even = isfinite(x) && isfinite(y) && !(holds_of(a, job) > holds_of(b, job)) &&
		    !(holds_of(a, job) < holds_of(b, job));

	units_format_number(&of_a, x);
	units_format_number(&of_b, y);
	even = even && !strcmp(of_a.text, of_b.text);
	str_release(&of_a);
	str_release(&of_b);
	return even;
}

/* The others that are as quick as the first. */
static size_t count_even(const struct result *r, const struct assignment_row *first, const char *metric,
			 enum job job)
{
	size_t n = 0;

	for (size_t i = 0; i < r->rows_n; i++)
		n += &r->rows[i] != first && are_even(first, &r->rows[i], metric, job);
	return n;
}

static void add_second(struct str *out, const struct result *r, const struct ranked *all,
		       const struct metric_info *by)
{
	const size_t even = count_even(r, all->first, by->name, by->job);

	str_add(out, "; ");
	html_text(out, all->second->name);
	if (even > 1)
		str_addf(out, " and %zu more are as good", even - 1);
	else if (even)
		str_add(out, " is as good");
	else {
		str_add(out, " follows with ");
		add_time(out, rows_metric(all->second, by->name));
		add_holds(out, all->second, by->job);
	}
}

/* A sentence on one job: the SLO of a load decides, then the time that its assignments are compared by. */
static void answer_job(struct str *out, const struct result *r, const struct job_type *job)
{
	const struct metric_info *by = &job->metrics[job->compared];
	const struct ranked all = rank(r, by->job);

	if (!all.n)
		return;
	str_add(out, "<p>");
	if (all.n == 1) {
		str_add(out, "<strong>");
		html_text(out, all.first->name);
		str_add(out, "</strong>: ");
	} else {
		str_addf(out, "Of %zu assignments%s, <strong>", all.n,
			 all.n < r->rows_n ? " that fit and keep up" : "");
		html_text(out, all.first->name);
		str_addf(out, "</strong> %s in %s: ", reason(&all, by->job), job->noun);
	}
	html_text(out, by->head ? by->head : "");
	str_add(out, by->head ? " " : "");
	add_time(out, rows_metric(all.first, by->name));
	str_add(out, by->head ? "" : " in all");
	add_holds(out, all.first, by->job);
	if (all.second)
		add_second(out, r, &all, by);
	str_add(out, ". It is limited by ");
	add_bound(out, all.first, job);
	str_add(out, ".</p>\n");
}

static void answer_unfit(struct str *out, const struct result *r)
{
	struct str fits = STR_INIT;
	size_t n = 0;

	for (size_t i = 0; i < r->rows_n; i++) {
		if (r->rows[i].fits)
			continue;
		str_add(out, n++ ? "; " : "<p>What does not fit: ");
		html_text(out, r->rows[i].name);
		str_add(out, " (");
		str_clear(&fits);
		columns_fits(&fits, &r->rows[i]);
		html_text(out, fits.text);
		str_add(out, ")");
	}
	str_add(out, n ? ".</p>\n" : "");
	str_release(&fits);
}

void answer_sentences(struct str *out, const struct result *r)
{
	for (int j = 0; j < JOB_N; j++)
		answer_job(out, r, job_types[j]);
	answer_unfit(out, r);
}

void section_answer(struct str *out, const struct section_place *at, const struct result *r)
{
	section_open(out, at, "answer", "Answer");
	str_add(out, "<div class=\"answer\">\n");
	answer_sentences(out, r);
	str_add(out, "</div>\n");
	section_close(out);
}

/* ---- ranges ---- */

enum { RANGES_MAX = 6 };

void section_ranges(struct str *out, const struct section_place *at, const struct result *r)
{
	struct column columns[COLUMNS_MAX];
	const size_t n = columns_of(r, columns);

	if (r->rows_n < 2)
		return;
	section_open(out, at, "ranges", "At a glance");
	str_add(out, "<p>A mark is the prediction, its bar the interval from P10 to P90; a filled mark is "
		     "the best.</p>\n"
		     "<div class=\"ranges\">\n");
	for (size_t k = 0; k < n && k < RANGES_MAX; k++)
		ranges_add(out, r, &columns[k]);
	str_add(out, "</div>\n");
	section_close(out);
}

/* ---- the table ---- */

static const char *text_of(struct arena *a, struct str *s)
{
	const char *text = arena_strdup(a, s->text);

	str_release(s);
	return text;
}

static struct html_cell value_cell(struct arena *a, const struct result *r, size_t row,
				   const struct column *column)
{
	const struct metric *m = columns_metric(&r->rows[row], column);
	struct str value = STR_INIT, under = STR_INIT;

	if (!m)
		return (struct html_cell){.text = "", .value = NAN};
	columns_value(&value, m, column);
	columns_chance(&under, m, column);
	str_add(&under, under.len ? "\n" : "");
	columns_interval(&under, m, column);
	return (struct html_cell){.text = text_of(a, &value),
				  .under = text_of(a, &under),
				  .value = m->value,
				  .best = columns_is_best(r, column, row)};
}

static const char *fits_text(struct arena *a, const struct assignment_row *row)
{
	struct str s = STR_INIT;

	columns_fits(&s, row);
	return text_of(a, &s);
}

static void add_table(struct arena *a, struct str *out, const struct result *r, bool ranked)
{
	struct column metrics[COLUMNS_MAX];
	const size_t metrics_n = columns_of(r, metrics), n = metrics_n + 2;
	struct html_column *columns = arena_array(a, n, sizeof *columns);
	struct html_cell *cells = arena_array(a, r->rows_n * n + 1, sizeof *cells);

	for (size_t k = 0; k < metrics_n && !ranked; k++)
		metrics[k].best = metrics[k].worst;
	columns[0] = (struct html_column){.head = "assignment"};
	columns[1] = (struct html_column){.head = "fits?"};
	for (size_t k = 0; k < metrics_n; k++)
		columns[k + 2] = (struct html_column){metrics[k].head, metrics[k].unit, true};
	for (size_t i = 0; i < r->rows_n; i++) {
		cells[i * n] = (struct html_cell){.text = r->rows[i].name, .value = NAN};
		cells[i * n + 1] = (struct html_cell){.text = fits_text(a, &r->rows[i]), .value = NAN};
		for (size_t k = 0; k < metrics_n; k++)
			cells[i * n + k + 2] = value_cell(a, r, i, &metrics[k]);
	}
	html_table(out, &(struct html_table){"Every assignment", columns, n, cells, r->rows_n});
}

static void add_class_table(struct arena *a, struct str *out, const struct result *r)
{
	const struct result classes = class_rows(a, r);
	struct column metrics[COLUMNS_MAX];
	const size_t metrics_n = class_rows_columns(&classes, metrics), n = metrics_n + 1;
	struct html_column *columns = arena_array(a, n, sizeof *columns);
	struct html_cell *cells = arena_array(a, classes.rows_n * n + 1, sizeof *cells);

	if (!classes.rows_n)
		return;
	columns[0] = (struct html_column){.head = "class"};
	for (size_t k = 0; k < metrics_n; k++)
		columns[k + 1] = (struct html_column){metrics[k].head, metrics[k].unit, true};
	for (size_t i = 0; i < classes.rows_n; i++) {
		cells[i * n] = (struct html_cell){.text = classes.rows[i].name, .value = NAN};
		for (size_t k = 0; k < metrics_n; k++)
			cells[i * n + k + 1] = value_cell(a, &classes, i, &metrics[k]);
	}
	html_table(out, &(struct html_table){"Every class of requests", columns, n, cells, classes.rows_n});
}

void section_table(struct str *out, const struct section_place *at, const struct result *r, bool ranked)
{
	struct arena a = ARENA_INIT;

	section_open(out, at, "table", "The assignments");
	add_table(&a, out, r, ranked);
	add_class_table(&a, out, r);
	str_addf(out, "<p class=\"note\">%sBelow a value: P10\xe2\x80\x93P90",
		 ranked ? "Bold and tinted: the best of its column. " : "");
	if (r->draws > 0)
		str_addf(out, " of %d draws", r->draws);
	str_add(out, "; \xc2\xb1 is chance, 95 %.</p>\n");
	section_close(out);
	arena_release(&a);
}

/* ---- sentences, limits ---- */

static void add_name(struct str *out, const struct note *note)
{
	struct str name = STR_INIT;

	str_add_n(&name, note->text, note->about - 2);
	html_element(out, "h3", NULL, name.text);
	str_release(&name);
}

/* "generation pays: 29.1 s against 29.9 s ...": what comes before the colon stands out. */
static void add_sentence(struct str *out, const char *text, bool has_verdict)
{
	const char *colon = has_verdict ? strstr(text, ": ") : NULL;
	struct str verdict = STR_INIT;

	str_add(out, "<li>");
	if (colon) {
		str_add_n(&verdict, text, (size_t)(colon - text));
		str_add(out, "<b>");
		html_text(out, verdict.text);
		str_add(out, "</b>");
	}
	html_sentence(out, colon ? colon : text);
	str_add(out, "</li>\n");
	str_release(&verdict);
}

/* What is found of one assignment stands below its name, what is found of all below another heading. */
void section_findings(struct str *out, const struct section_place *at, const struct result *r)
{
	if (!r->notes_n)
		return;
	section_open(out, at, "findings", "Findings");
	for (size_t i = 0; i < r->notes_n; i++) {
		const struct note *note = &r->notes[i];

		if (!i || !notes_alike(note - 1, note)) {
			str_add(out, i ? "</ul>\n" : "");
			if (note->about)
				add_name(out, note);
			else if (i)
				html_element(out, "h3", NULL, "Of all");
			str_add(out, "<ul>\n");
		}
		add_sentence(out, note->text + note->about, note->about > 0);
	}
	str_add(out, "</ul>\n");
	section_close(out);
}

/* "m5.gpu 93 %, tb m5>m4pro 4 % (generate)" */
static const char *busy_text(struct arena *a, const struct assignment_row *row)
{
	struct str s = STR_INIT;

	for (size_t i = 0; i < row->busy_n; i++) {
		str_addf(&s, "%s%s ", i ? ", " : "", row->busy[i].name);
		units_format_number(&s, 100 * row->busy[i].share);
		str_add(&s, " %");
		if (row->busy[i].phase && *row->busy[i].phase)
			str_addf(&s, " (%s)", row->busy[i].phase);
	}
	return text_of(a, &s);
}

void section_limits(struct str *out, const struct section_place *at, const struct result *r)
{
	static const struct html_column columns[] = {
		{"assignment", NULL, false},
		{"limited by", NULL, false},
		{"what would change that", NULL, false},
		{"busy", NULL, false},
	};
	enum { N = ARRAY_LEN(columns) };
	struct arena a = ARENA_INIT;
	struct html_cell *cells = arena_array(&a, r->rows_n * N + 1, sizeof *cells);

	for (size_t i = 0; i < r->rows_n; i++) {
		const struct assignment_row *row = &r->rows[i];
		const char *const texts[N] = {row->name, row->bound, row->advice, busy_text(&a, row)};

		for (size_t k = 0; k < N; k++)
			cells[i * N + k] = (struct html_cell){.text = texts[k], .value = NAN};
	}
	section_open(out, at, "limits", "What limits each");
	html_table(out, &(struct html_table){"What limits each assignment", columns, N, cells, r->rows_n});
	section_close(out);
	arena_release(&a);
}
