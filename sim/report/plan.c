/* plan.c - see plan.h. */
#include "sim/report/plan.h"

#include <math.h>

#include "sim/base/csv.h"
#include "sim/base/jsonw.h"
#include "sim/base/mem.h"
#include "sim/report/columns.h"
#include "sim/report/text_cells.h"

static const char *const verdicts[] = {[PLAN_HOLDS] = "yes",
				       [PLAN_MISSES] = "no",
				       [PLAN_NO_SPARE] = "not with one gone",
				       [PLAN_SLOW] = "no: too slow alone",
				       [PLAN_TOO_MUCH] = "no: too much work",
				       [PLAN_TOO_DEAR] = "no: above the budget",
				       [PLAN_UNFIT] = "no: does not fit"};

/* A column of numbers, NAN where a row has no such number; the csv's name and unit are those of plan_csv_values. */
struct value {
	const char *head, *unit; /* of the tables */
	double (*of)(const struct plan_row *row);
	double scale; /* the tables' numbers are so many times those of the csv */
};

static double of_usd(const struct plan_row *row)
{
	return row->usd;
}

static double of_month(const struct plan_row *row)
{
	return row->ran ? row->usd_month : NAN;
}

static double of_load(const struct plan_row *row)
{
	return row->holds.known ? row->holds.load : NAN;
}

static double of_ttft(const struct plan_row *row)
{
	return row->ran && !row->m.overloaded ? row->m.of[SERVICE_TTFT_P95] : NAN;
}

static double of_tpot(const struct plan_row *row)
{
	return row->ran ? row->m.of[SERVICE_TPOT_P95] : NAN;
}

static double of_e2el(const struct plan_row *row)
{
	return row->ran && !row->m.overloaded ? row->m.of[SERVICE_E2EL_P95] : NAN;
}

static double of_requests(const struct plan_row *row)
{
	return row->ran ? row->m.of[SERVICE_REQUESTS_PER_S] : NAN;
}

static double of_watts(const struct plan_row *row)
{
	return row->ran ? row->watts : NAN;
}

static double of_energy(const struct plan_row *row)
{
	return row->ran ? row->energy : NAN;
}

static const struct value values[PLAN_CSV_VALUES] = {
	{"price", "USD", of_usd, 1},       {"a month", "USD", of_month, 1},
	{"holds", "", of_load, 1},         {"requests", "req/s", of_requests, 1},
	{"TTFT p95", "s", of_ttft, 1},     {"TPOT p95", "ms", of_tpot, 1e3},
	{"E2EL p95", "s", of_e2el, 1},     {"power", "W", of_watts, 1},
	{"energy", "J/tok", of_energy, 1},
};
const struct output_column plan_csv_first[PLAN_CSV_FIRST] = {
	{"fleet", "", "its machines: how many of which kind"},
	{"settings", "", "how each server runs: runtime, format, sequences at once"},
	{"verdict", "", "yes, or why it does not hold the load"},
	{"best", "", "true of the one that is recommended"},
	{"pareto", "", "true where no other is better in price, latency and energy at once"},
	{"machines", "", "how many"}};
const struct output_column plan_csv_values[PLAN_CSV_VALUES] = {
	{"price_usd", "USD", "list prices together"},
	{"usd_per_month", "USD", "price over its years, and electricity under the load"},
	{"holds", "of the load",
	 "the largest load that meets the SLO; 'load_unit' of the JSON names the unit"},
	{"req_per_s", "req/s", "requests answered in a second, under the load as asked"},
	{"ttft_s_p95", "s", "arrival to first token, 95 of 100 requests"},
	{"tpot_s_p95", "s", "from token to token, 95 of 100 requests"},
	{"e2el_s_p95", "s", "arrival to last token, 95 of 100 requests"},
	{"power_W", "W", "at the wall, on average"},
	{"energy_J_per_served_tok", "J/tok", "at the wall, for each token of an answer"}};
const struct output_column plan_csv_last[1] = {{"computed", "", "the load in words"}};
enum { KEYS = 2, TEXTS, CELLS = TEXTS + ARRAY_LEN(values) }; /* the name and its settings tell rows apart */

/* ---- tables of text ---- */

static const char *number(struct arena *a, double value)
{
	struct str s = STR_INIT;
	const char *text;

	if (!isfinite(value))
		return "";
	if (value >= 1000)
		return arena_printf(a, "%.0f", value);
	units_format_number(&s, value);
	text = arena_strdup(a, s.text);
	str_release(&s);
	return text;
}

const char *plan_row_verdict(const struct plan_row *row)
{
	return verdicts[row->why];
}

const struct metric *plan_row_metrics(struct arena *a, const struct plan_result *r,
				      const struct plan_row *row, size_t *n)
{
	struct metric *all = arena_array(a, ARRAY_LEN(values), sizeof *all);

	*n = 0;
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		const double value = values[i].of(row);
		const bool load = values[i].of == of_load;

		if (isfinite(value))
			all[(*n)++] = (struct metric){
				.name = plan_csv_values[i].name,
				.unit = load ? r->load.unit : plan_csv_values[i].unit,
				.value = value,
				.lo = load ? row->holds.lo : value,
				.hi = load ? row->holds.hi : value,
				.ci = load && isfinite(row->holds.half) ? row->holds.half : 0};
	}
	return all;
}

static void fill_heads(struct arena *a, const struct plan_result *r, const char **cells)
{
	cells[0] = "fleet";
	cells[1] = "settings";
	cells[2] = "holds?";
	for (size_t i = 0; i < ARRAY_LEN(values); i++) {
		const char *unit = values[i].of == of_load ? r->load.unit : values[i].unit;

		cells[TEXTS + i] = arena_printf(a, "%s, %s", values[i].head, unit);
	}
}

/* mark: of a row that no other is better than in price, latency and energy. */
static void fill_row(struct arena *a, const struct plan_row *row, const char *mark, const char **cells)
{
	cells[0] = arena_printf(a, "%s%s%s", row->pareto ? mark : "", row->name, row->pareto ? mark : "");
	cells[1] = row->settings;
	cells[2] = verdicts[row->why];
	for (size_t i = 0; i < ARRAY_LEN(values); i++)
		cells[TEXTS + i] = number(a, values[i].of(row) * values[i].scale);
}

static void write_md(struct str *out, const char **cells, size_t rows)
{
	for (size_t row = 0; row < rows; row++) {
		for (size_t c = 0; c < CELLS; c++)
			str_addf(out, "| %s ", cells[row * CELLS + c]);
		str_add(out, "|\n");
		for (size_t c = 0; c < CELLS && !row; c++)
			str_add(out, c < TEXTS ? "|---" : "|--:");
		str_add(out, row ? "" : "|\n");
	}
}

static void write_rows(struct str *out, const struct plan_result *r, bool md, size_t most)
{
	struct arena a = ARENA_INIT;
	const char **cells = arena_array(&a, (r->rows_n + 1) * CELLS, sizeof *cells);

	fill_heads(&a, r, cells);
	for (size_t i = 0; i < r->rows_n; i++)
		fill_row(&a, &r->rows[i], md ? "**" : "*", &cells[(i + 1) * CELLS]);
	if (md)
		write_md(out, cells, r->rows_n + 1);
	else
		text_grid_write(out, &(struct text_grid){cells, r->rows_n + 1, CELLS, KEYS, TEXTS}, most);
	arena_release(&a);
}

/* width: 0: as wide as it takes */
static void write_people(struct str *out, const struct plan_result *r, bool md, int width)
{
	const size_t most = width > 0 && !md ? (size_t)width : (size_t)-1;
	struct str legend = STR_INIT;

	if (md)
		str_addf(out, "**%s**\n\n", r->title);
	else
		str_add_wrapped(out, r->title, 0, 2, most);
	str_add_wrapped(out, r->computed, 0, 2, most);
	str_add(out, "\n");
	for (size_t i = 0; i < r->notes_n; i++) {
		str_add(out, md ? "- " : "");
		str_add_wrapped(out, r->notes[i], md ? 2 : 0, 2, most);
	}
	str_add(out, "\n");
	write_rows(out, r, md, width > 0 ? (size_t)width : 0);
	str_addf(&legend,
		 "%s: no other of these is better in price, latency and energy at once. 'holds' is the "
		 "largest load that meets the SLO; what stands after it is under the load as asked, without "
		 "headroom.",
		 md ? "Bold" : "*");
	str_add(out, "\n");
	str_add_wrapped(out, legend.text, 0, 2, most);
	str_release(&legend);
}

struct html_table plan_html_table(struct arena *a, const struct plan_result *r)
{
	struct html_column *columns = arena_array(a, CELLS, sizeof *columns);
	struct html_cell *cells = arena_array(a, (r->rows_n + 1) * CELLS, sizeof *cells);
	const char *texts[CELLS];

	fill_heads(a, r, texts);
	for (size_t c = 0; c < CELLS; c++)
		columns[c] = (struct html_column){.head = texts[c], .number = c >= TEXTS};
	for (size_t i = 0; i < r->rows_n; i++) {
		fill_row(a, &r->rows[i], "", texts);
		for (size_t c = 0; c < CELLS; c++)
			cells[i * CELLS + c] = (struct html_cell){
				.text = texts[c],
				.under = c || !r->rows[i].pareto ? NULL : "none is better in all",
				.value = c < TEXTS ? NAN : values[c - TEXTS].of(&r->rows[i]),
				.best = !c && &r->rows[i] == r->best};
	}
	return (struct html_table){.caption = "Fleets that were looked at closely",
				   .columns = columns,
				   .columns_n = CELLS,
				   .cells = cells,
				   .rows_n = r->rows_n};
}

/* ---- for programs ---- */

static void write_csv(struct str *out, const struct plan_result *r)
{
	output_columns_head(out, plan_csv_first, PLAN_CSV_FIRST);
	str_add(out, ",");
	output_columns_head(out, plan_csv_values, PLAN_CSV_VALUES);
	str_addf(out, ",%s\n", plan_csv_last[0].name);
	for (size_t i = 0; i < r->rows_n; i++) {
		const struct plan_row *row = &r->rows[i];

		str_add_csv(out, row->name);
		str_add(out, ",");
		str_add_csv(out, row->settings);
		str_add(out, ",");
		str_add_csv(out, verdicts[row->why]);
		str_addf(out, ",%s,%s,%d", row == r->best ? "true" : "false", row->pareto ? "true" : "false",
			 row->machines);
		for (size_t k = 0; k < ARRAY_LEN(values); k++) {
			const double value = values[k].of(row);
			struct jsonw w;

			str_add(out, ",");
			if (!isfinite(value))
				continue;
			jsonw_init(&w, out, 0);
			jsonw_number(&w, value);
		}
		str_add(out, ",");
		str_add_csv(out, r->computed);
		str_add(out, "\n");
	}
}

static void key_finite(struct jsonw *w, const char *key, double value)
{
	if (isfinite(value))
		jsonw_key_number(w, key, value);
}

static void row_json(struct jsonw *w, const struct plan_result *r, const struct plan_row *row)
{
	jsonw_object(w);
	jsonw_key_string(w, "fleet", row->name);
	jsonw_key_string(w, "settings", row->settings);
	jsonw_key_string(w, "verdict", verdicts[row->why]);
	jsonw_key_bool(w, "best", row == r->best);
	jsonw_key_bool(w, "pareto", row->pareto);
	jsonw_key_int(w, "machines", row->machines);
	for (size_t k = 0; k < ARRAY_LEN(values); k++)
		key_finite(w, plan_csv_values[k].name, values[k].of(row));
	key_finite(w, "holds_lo", row->holds.lo);
	key_finite(w, "holds_hi", row->holds.hi);
	key_finite(w, "holds_mean", row->holds.mean);
	key_finite(w, "holds_ci", row->holds.half);
	jsonw_end(w);
}

static void money_json(struct jsonw *w, const struct plan_money *m)
{
	static const char *const factors[PLAN_FACTORS] = {"price", "electricity", "load"};

	jsonw_key(w, "money");
	jsonw_object(w);
	jsonw_key_number(w, "price_usd_per_month", m->price_month);
	key_finite(w, "electricity_usd_per_month", m->electricity_month);
	if (m->asked) {
		jsonw_key_number(w, "api_usd_per_month", m->api_month);
		jsonw_key_number(w, "tok_per_day", m->tokens_day);
		key_finite(w, "even_tok_per_day", m->even_tokens_day);
		key_finite(w, "months", m->months);
		for (int f = 0; f < PLAN_FACTORS; f++)
			for (int side = 0; side < 2; side++) {
				struct str key = STR_INIT;

				str_addf(&key, "months_%s_%s", factors[f], side ? "more" : "less");
				key_finite(w, key.text, m->months_by[f][side]);
				str_release(&key);
			}
	}
	jsonw_end(w);
}

static void hours_json(struct jsonw *w, const struct plan_hours *h)
{
	jsonw_key(w, "hours");
	jsonw_array(w);
	for (size_t i = 0; i < h->n; i++) {
		jsonw_object(w);
		jsonw_key_number(w, "span_s", h->span_s);
		jsonw_key_number(w, "load", h->at[i].load);
		jsonw_key_int(w, "servers", h->at[i].servers);
		jsonw_key_int(w, "by_one", h->at[i].by_one);
		jsonw_key_int(w, "by_bound", h->at[i].by_bound);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void write_json(struct str *out, const struct plan_result *r, int indent, const char *version)
{
	struct jsonw w;

	jsonw_init(&w, out, indent);
	jsonw_object(&w);
	jsonw_key_string(&w, "schema", "lemursim/plan/1");
	jsonw_key_string(&w, "version", version);
	jsonw_key_string(&w, "title", r->title);
	jsonw_key_string(&w, "computed", r->computed);
	jsonw_key_int(&w, "seed", (int64_t)r->seed);
	jsonw_key_string(&w, "load_unit", r->load.unit);
	jsonw_key_number(&w, "load", r->load.asked);
	jsonw_key_number(&w, "load_with_headroom", r->load.needed);
	jsonw_key(&w, "answer");
	jsonw_array(&w);
	for (size_t i = 0; i < r->notes_n; i++)
		jsonw_string(&w, r->notes[i]);
	jsonw_end(&w);
	jsonw_key(&w, "fleets");
	jsonw_array(&w);
	for (size_t i = 0; i < r->rows_n; i++)
		row_json(&w, r, &r->rows[i]);
	jsonw_end(&w);
	if (r->best)
		money_json(&w, &r->money);
	if (r->hours.n)
		hours_json(&w, &r->hours);
	jsonw_key(&w, "counts");
	jsonw_object(&w);
	jsonw_key_int(&w, "kinds", (int64_t)r->counts.candidates);
	jsonw_key_int(&w, "bounds", (int64_t)r->counts.bounds);
	jsonw_key_int(&w, "ruled_out", (int64_t)r->counts.ruled_out);
	jsonw_key_int(&w, "simulations", (int64_t)r->counts.simulations);
	jsonw_key_bool(&w, "proved", r->counts.proved);
	jsonw_end(&w);
	jsonw_end(&w);
	str_add(out, "\n");
}

void plan_write(struct str *out, const struct plan_result *r, enum result_format format, const char *version,
		int width)
{
	switch (format) {
	case RESULT_TABLE:
	case RESULT_MD:
		write_people(out, r, format == RESULT_MD, width);
		return;
	case RESULT_CSV:
		write_csv(out, r);
		return;
	case RESULT_JSON:
	case RESULT_JSONL:
		write_json(out, r, format == RESULT_JSON ? 2 : 0, version);
		return;
	case RESULT_FORMAT_N:
		break;
	}
	BUG("no such format");
}
