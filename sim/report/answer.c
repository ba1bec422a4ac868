/* answer.c - see answer.h. */
#include "sim/report/answer.h"

#include <math.h>
#include <string.h>

#include "sim/ask/scenario_text.h"
#include "sim/base/texts.h"
#include "sim/report/columns.h"
#include "sim/report/text_cells.h"

enum { LABEL = 14 };

static size_t text_width(int width)
{
	return width < 40 ? 40 : width > 120 ? 120 : (size_t)width;
}

static void add_line(struct str *out, const char *label, const char *text, int width)
{
	str_add(out, label);
	str_pad(out, ' ', str_width(label) < LABEL ? LABEL - str_width(label) : 1);
	str_add_wrapped(out, text, LABEL, LABEL, text_width(width));
}

/* "8.71 tok/s (7.80-9.40)" */
static void add_metric(struct str *out, const struct metric *m)
{
	units_format_number(out, m->value);
	str_addf(out, "%s%s", *m->unit ? " " : "", m->unit);
	if (!isfinite(m->lo) || !isfinite(m->hi))
		return;
	str_add(out, " (");
	units_format_number(out, m->lo);
	str_add(out, "\xe2\x80\x93");
	units_format_number(out, m->hi);
	str_add(out, ")");
}

static void metric_line(struct str *out, const struct assignment_row *row, const char *name,
			const char *label, const char *more, int width)
{
	const struct metric *m = rows_metric(row, name);
	struct str s = STR_INIT;

	if (!m)
		return;
	add_metric(&s, m);
	str_add(&s, more);
	add_line(out, label, s.text, width);
	str_release(&s);
}

/* ---- what was assumed, and the verdict ---- */

static void add_assumed(struct str *out, const struct answer *a, int width)
{
	struct str s = STR_INIT;

	str_addf(&s, "Assumed: %s.", *a->asked.assumed ? a->asked.assumed : "nothing");
	str_add_wrapped(out, s.text, 0, 2, text_width(width));
	str_release(&s);
}

/* "Llama 3.3 70B on Apple M4 Max, 40-core GPU: it fits, 41.2 GiB of 49.2 GiB" */
static void add_verdict(struct str *out, const struct answer *a, int width)
{
	const bool fits = a->best < a->rows_n;
	const struct assignment_row *row = &a->rows[fits ? a->best : 0];
	struct str s = STR_INIT;

	str_addf(&s, "%s on ", a->asked.model->title);
	for (size_t i = 0; i < a->asked.machines_n; i++)
		str_addf(&s, "%s%s", i ? " and " : "", a->asked.machines[i].title);
	str_add(&s, fits ? ": yes" : ": no");
	for (size_t i = 0; i < row->memory_n; i++) {
		const struct memory_row *m = &row->memory[i];

		str_add(&s, i ? "; " : ", ");
		columns_size(&s, m->need_B);
		str_add(&s, fits ? " of " : " needed, ");
		columns_size(&s, m->usable_B);
		str_addf(&s, "%s%s%s", fits ? "" : " usable", row->memory_n > 1 ? " on " : "",
			 row->memory_n > 1 ? m->machine : "");
	}
	str_add(&s, ".");
	str_add_wrapped(out, s.text, 0, 2, text_width(width));
	str_release(&s);
}

/* ---- money and power ---- */

/* The first of the sources that are listed, as far as its words fit. */
static void add_source(struct str *out, const char *source)
{
	enum { MOST = 100 };
	const size_t first = strcspn(source, ";");
	size_t n = first;

	if (n > MOST)
		for (n = MOST; n && source[n] != ' ';)
			n--;
	str_addf(out, ": %.*s%s", (int)n, source, n < first ? " ..." : "");
}

static void add_qty(struct str *out, const struct qty *q, enum dim dim, const char *what)
{
	units_format(out, q->value, dim, 6);
	str_addf(out, ", %s (%s", what, provenance_names[q->provenance]);
	if (q->source)
		add_source(out, q->source);
	str_add(out, ")");
}

static bool uses(const struct answer *a, const struct assignment_row *row, size_t machine)
{
	for (size_t i = 0; i < row->memory_n; i++)
		if (row->memory[i].need_B > 0 &&
		    !strcmp(row->memory[i].machine, a->asked.machines[machine].name))
			return true;
	return false;
}

/* Of a machine that is used: how many of its kind are, told at the first of them; 0 at the others. */
static size_t equals_of(const struct answer *a, const struct assignment_row *row, size_t machine)
{
	size_t n = 0;

	for (size_t i = 0; i < a->asked.machines_n; i++)
		if (uses(a, row, i) && !strcmp(a->asked.machines[i].id, a->asked.machines[machine].id)) {
			if (i < machine)
				return 0;
			n++;
		}
	return n;
}

static void add_of_each(struct str *out, const struct answer *a, const struct assignment_row *row,
			size_t machine, const struct qty *q, enum dim dim, const char *what)
{
	const size_t n = equals_of(a, row, machine);

	if (!n)
		return;
	if (out->len)
		str_add(out, "; ");
	if (!q->given) {
		str_addf(out, "not known of %s", a->asked.machines[machine].id);
		return;
	}
	if (n > 1)
		str_addf(out, "%zu times ", n);
	add_qty(out, q, dim, what);
}

static void add_price(struct str *out, const struct answer *a, const struct assignment_row *row, int width)
{
	struct str s = STR_INIT;
	double sum = 0;
	size_t n = 0, missing = 0;

	for (size_t i = 0; i < a->asked.machines_n; i++) {
		const struct qty *price = &a->asked.machines[i].facts->price;

		if (!uses(a, row, i))
			continue;
		n++;
		missing += !price->given;
		sum += price->given ? price->value : 0;
		add_of_each(&s, a, row, i, price, DIM_MONEY, "list price");
	}
	if (n > 1 && !missing)
		str_addf(&s, "; %.0f USD in all", sum);
	add_line(out, "price", s.text, width);
	str_release(&s);
}

static void add_power(struct str *out, const struct answer *a, const struct assignment_row *row, int width)
{
	const struct metric *m = rows_metric(row, a->asked.train          ? "energy_J_per_train_tok"
						  : asked_load(&a->asked) ? "energy_J_per_served_tok"
									  : "energy_J_per_tok");
	struct str s = STR_INIT;

	for (size_t i = 0; i < a->asked.machines_n; i++)
		if (uses(a, row, i))
			add_of_each(&s, a, row, i, &a->asked.machines[i].facts->active_power, DIM_POWER,
				    "under load");
	if (m)
		str_add(&s, "; ");
	if (m)
		add_metric(&s, m);
	add_line(out, "power", s.text, width);
	str_release(&s);
}

/* ---- numbers ---- */

static void add_generation(struct str *out, const struct answer *a, const struct assignment_row *row,
			   int width)
{
	const bool many = a->asked.users > 1;
	const struct metric *prefill = rows_metric(row, "prefill_tok_per_s");
	struct str more = STR_INIT, all = STR_INIT;

	metric_line(out, row, many ? "decode_tok_per_s_per_seq" : "decode_tok_per_s",
		    many ? "each user" : "decode", "", width);
	str_addf(&all, ", all %lld users together", (long long)a->asked.users);
	if (many)
		metric_line(out, row, "decode_tok_per_s", "decode", all.text, width);
	if (prefill) {
		str_addf(&more, " to the first token: the prompt%s at ", many ? "s, all at once," : "");
		units_format_number(&more, prefill->value);
		str_add(&more, " tok/s");
	}
	metric_line(out, row, "ttft_s", "TTFT", more.text, width);
	metric_line(out, row, "e2el_s", "answer", " until the last token", width);
	str_release(&all);
	str_release(&more);
}

/* The reason that latencies of a server are left out. */
static void add_overload(struct str *out, const struct assignment_row *row, int width)
{
	const struct metric *stable = rows_metric(row, "stable"),
			    *growth = rows_metric(row, "growth_req_per_s");
	struct str s = STR_INIT;

	if (!stable || stable->value > 0)
		return;
	str_add(&s, "more requests come than are served");
	if (growth) {
		str_add(&s, ": ");
		units_format_number(&s, growth->value);
		str_add(&s, " more wait every second");
	}
	str_add(&s, "; TTFT and the time of an answer hang on how long this lasts and are left out");
	add_line(out, "overloaded", s.text, width);
	str_release(&s);
}

/* What users of a server get. */
static void add_served(struct str *out, const struct assignment_row *row, int width)
{
	add_overload(out, row, width);
	metric_line(out, row, "ttft_s_p50", "TTFT", " to the first token, half of the requests", width);
	metric_line(out, row, "ttft_s_p95", "", " 95 of 100", width);
	metric_line(out, row, "tpot_s_p95", "TPOT", " from token to token, 95 of 100", width);
	metric_line(out, row, "e2el_s_p95", "answer", " until the last token, 95 of 100", width);
	metric_line(out, row, "out_tok_per_s", "server", " of answers", width);
	metric_line(out, row, "req_per_s", "", "", width);
	metric_line(out, row, "batch_mean", "batch", " at once while it works", width);
}

static void add_training(struct str *out, const struct assignment_row *row, int width)
{
	metric_line(out, row, "train_tok_per_s", "training", "", width);
	metric_line(out, row, "train_step_s", "step", "", width);
}

static void add_others(struct str *out, const struct answer *a, int width)
{
	for (size_t i = 0; i < a->rows_n; i++) {
		const struct assignment_row *row = &a->rows[i];
		const char *const names[] = {a->asked.train          ? "train_tok_per_s"
					     : asked_load(&a->asked) ? "out_tok_per_s"
					     : a->asked.users > 1    ? "decode_tok_per_s_per_seq"
								     : "decode_tok_per_s",
					     a->asked.train          ? "train_step_s"
					     : asked_load(&a->asked) ? "ttft_s_p95"
								     : "ttft_s"};
		struct str s = STR_INIT;

		if (i == a->best || (a->best == a->rows_n && a->rows_n == 1))
			continue;
		str_addf(&s, "%s: ", row->name);
		if (!row->fits)
			columns_fits(&s, row);
		for (size_t k = 0; row->fits && k < ARRAY_LEN(names); k++) {
			const struct metric *m = rows_metric(row, names[k]);

			str_add(&s, k ? ", " : "");
			if (m)
				units_format_number(&s, m->value);
			str_addf(&s, "%s%s", m ? " " : "no ", m ? m->unit : names[k]);
			str_add(&s, k && m && !a->asked.train ? " to the first token" : "");
		}
		add_line(out, "otherwise", s.text, width);
		str_release(&s);
	}
	if (a->asked.no_tensor && scenario_may_split(&a->asked)) {
		struct str s = STR_INIT;

		str_addf(&s, "tensor split: no: %s", a->asked.no_tensor);
		add_line(out, "otherwise", s.text, width);
		str_release(&s);
	}
}

/* What limits the whole answer may be the prompt's, and what would help the decode's: then it is said of what the first is. */
static void add_bound(struct str *out, const struct answer *a, const struct assignment_row *row, int width)
{
	const bool whole = !a->asked.train && !asked_load(&a->asked) && *row->bound && row->advice &&
			   !strstr(row->advice, row->bound);
	struct str s = STR_INIT;

	str_addf(&s, "%s%s", row->bound, whole ? ", of prompt and answer together" : "");
	add_line(out, "limited by", s.text, width);
	str_release(&s);
}

/* Where the rates behind the numbers come from, at worst; "transferred" ones nobody measured on this chip. */
static void add_rests(struct str *out, const struct assignment_row *row, int width)
{
	static const char *const of[][2] = {{"decode_tok_per_s", "decode"},
					    {"ttft_s", "TTFT"},
					    {"ttft_s_p95", "TTFT"},
					    {"tpot_s_p95", "TPOT"},
					    {"train_step_s", "step"}};
	struct str s = STR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(of); i++) {
		const struct metric *m = rows_metric(row, of[i][0]);

		if (m)
			str_addf(&s, "%s%s %s", s.len ? ", " : "", of[i][1], provenance_names[m->from]);
	}
	if (s.len)
		add_line(out, "rests on", s.text, width);
	str_release(&s);
}

void answer_write(struct str *out, const struct answer *a, int width)
{
	const bool fits = a->best < a->rows_n;
	const struct assignment_row *row = &a->rows[fits ? a->best : 0];

	add_assumed(out, a, width);
	add_verdict(out, a, width);
	str_add(out, "\n");
	if (fits && a->rows_n > 1)
		add_line(out, "best", row->name, width);
	if (fits && a->asked.train)
		add_training(out, row, width);
	else if (fits && asked_load(&a->asked))
		add_served(out, row, width);
	else if (fits)
		add_generation(out, a, row, width);
	add_price(out, a, row, width);
	if (fits) {
		add_power(out, a, row, width);
		add_rests(out, row, width);
		add_bound(out, a, row, width);
		if (row->advice)
			add_line(out, "would help", row->advice, width);
	}
	for (size_t i = 0; i < a->remedies.n; i++)
		add_line(out, i ? "or" : "it would with", a->remedies.at[i], width);
	if (!fits && !a->remedies.n)
		add_line(out, "it would with", "nothing tried here: a smaller model, or more memory", width);
	add_others(out, a, width);
}

/* ---- the whole catalogue ---- */

enum { BUDGET_ROWS = 12 };

/* The machine's name stays in one piece, to be copied; where a line has no room for the rest it stands below. */
static void add_budget_row(struct str *out, const struct budget_row *row, size_t name, bool trains, int width)
{
	struct str rate = STR_INIT, first = STR_INIT, facts = STR_INIT;

	units_format_number(&rate, row->rate);
	units_format_number(&first, row->first_s);
	str_addf(&facts, "%6.0f USD  %6s tok/s%s  %6s s %s", row->usd, rate.text, trains ? "" : " each",
		 first.text, trains ? "a step" : "to the first token");
	if (name + 2 + facts.len <= text_width(width)) {
		cells_pad(out, row->id, name + 2);
		str_addf(out, "%s\n", facts.text);
	} else {
		str_addf(out, "%s\n    ", row->id);
		str_add_wrapped(out, facts.text + strspn(facts.text, " "), 4, 4, text_width(width));
	}
	str_release(&rate);
	str_release(&first);
	str_release(&facts);
}

static void add_budget_rows(struct str *out, const struct budget_row *rows, size_t n, bool trains, int width)
{
	size_t name = 0;

	for (size_t i = 0; i < n && i < BUDGET_ROWS; i++)
		name = strlen(rows[i].id) > name ? strlen(rows[i].id) : name;
	for (size_t i = 0; i < n && i < BUDGET_ROWS; i++)
		add_budget_row(out, &rows[i], name, trains, width);
	if (n > BUDGET_ROWS)
		str_addf(out, "and %zu more\n", n - BUDGET_ROWS);
}

/* "Left out: 12 cost more, ...": every machine of the catalogue is counted somewhere. */
static void add_left_out(struct str *out, const struct budget *b, int width)
{
	struct str s = STR_INIT;

	str_addf(&s, "Left out: %zu cost more, %zu do not hold it, %zu are too slow, %zu cannot run it",
		 b->too_dear, b->too_small, b->slow_n, b->no_runtime);
	if (b->no_price.n)
		str_addf(&s, "; of %zu no price is known:", b->no_price.n);
	for (size_t i = 0; i < b->no_price.n; i++)
		str_addf(&s, "%s %s", i ? "," : "", b->no_price.at[i]);
	str_add(&s, ".");
	str_add_wrapped(out, s.text, 0, 2, text_width(width));
	str_release(&s);
}

static const struct budget_row *quickest(const struct budget_row *rows, size_t n)
{
	const struct budget_row *best = NULL;

	for (size_t i = 0; i < n; i++)
		if (!best || rows[i].rate > best->rate)
			best = &rows[i];
	return best;
}

void budget_write(struct str *out, const struct budget *b, int width)
{
	const bool trains = b->ask->question.train != NULL;
	const struct budget_row *near = quickest(b->slow, b->slow_n);

	if (b->any) {
		answer_write(out, &b->answer, width);
		str_addf(out, "\n%zu do it, cheapest first:\n", b->rows_n);
		add_budget_rows(out, b->rows, b->rows_n, trains, width);
	} else {
		str_addf(out, "Nothing in the catalogue does it for %.0f USD.\n", b->ask->usd);
	}
	if (!b->any && near) {
		str_add(out, "The quickest that fits:\n");
		add_budget_row(out, near, strlen(near->id), trains, width);
	}
	str_add(out, "\n");
	add_left_out(out, b, width);
}
