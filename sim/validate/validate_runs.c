/* validate_runs.c - see validate_runs.h. */
#include "sim/validate/validate_runs.h"

#include <math.h>
#include <string.h>

#include "sim/base/jsonw.h"
#include "sim/base/rng.h"
#include "sim/family/family_model.h"
#include "sim/stats/quantile.h"

enum { DRAWS = 200 };

/* What a profile says of a row: a rate. */
struct said {
	double rate, lo, hi;
	enum param bound; /* what most of the time goes to */
	double bound_share;
};

static double seconds_drawn(const struct replay *r, struct rng *rng)
{
	struct params z = {{0}};

	for (int p = 0; p < PARAM_LINKS; p++)
		z.of[p] = rng_normal(rng);
	return replay_seconds_drawn(r, &z);
}

/* What is not known of the two machines of a ratio is drawn for each by itself. */
static struct said predict(const struct validate_ask *ask, const struct observation *row)
{
	struct arena scratch = ARENA_INIT;
	const struct replay r = observations_replay(&scratch, row, row->device->profile);
	const struct replay over =
		row->over ? observations_replay(&scratch, row->over, row->over->device->profile)
			  : (struct replay){0};
	const char *stream =
		arena_printf(ask->loader->arena, "validate/%s/%s", row->run->machine, row->run->runtime);
	struct rng *rng = rng_new(ask->draws.seed >= 0 ? (uint64_t)ask->draws.seed : 1, stream);
	const size_t n = ask->draws.n > 0 ? (size_t)ask->draws.n : DRAWS;
	double *rate = arena_array(&scratch, n, sizeof *rate);
	struct said said = {
		.rate = run_rate_of(row->run, replay_seconds(&r, NULL) /
						      (row->over ? replay_seconds(&over, NULL) : 1))};

	said.bound = replay_bound(&r, &said.bound_share);
	for (size_t i = 0; i < n; i++) {
		const double seconds = seconds_drawn(&r, rng);

		rate[i] = run_rate_of(row->run, row->over ? seconds / seconds_drawn(&over, rng) : seconds);
	}
	said.lo = quantile_of(rate, n, 0.1);
	said.hi = quantile_of(rate, n, 0.9);
	rng_free(rng);
	arena_release(&scratch);
	return said;
}

/* A family's law, fitted to all its rows. */
struct fitted {
	struct family_model family_model;
	struct observations facts;
	struct family_values all;
};

/* Fits with holes, and the profiles whose intervals go with them: with the model left out the catalogue's of
 * the machine, with the chip left out what it gives a chip that nobody measured. */
static int leave_out(const struct validate_ask *ask, const struct fitted *f, enum family_hole hole,
		     const struct observations *profiles, struct validate_runs *r, struct err *err)
{
	struct family_errors errors = {arena_array(ask->loader->arena, r->n, sizeof(double)),
				       arena_array(ask->loader->arena, r->n, sizeof(double))};

	if (family_leave_out(&f->family_model, &f->facts, &f->all, hole, &errors, err) != 0)
		return -1;
	for (size_t i = 0; i < r->n; i++) {
		struct validate_run *c = &r->at[i];
		struct left_out *left = hole == FAMILY_HOLE_MODEL ? &c->no_model : &c->no_chip;
		const double rate = c->measured * (1 + errors.without[i]);
		struct said said;

		if (isnan(errors.without[i]) || c->held_out)
			continue;
		said = predict(ask, &profiles->at[i]);
		*left = (struct left_out){errors.without[i],
					  c->measured >= said.lo * rate / said.rate &&
						  c->measured <= said.hi * rate / said.rate};
	}
	return 0;
}

static int leave_out_both(const struct validate_ask *ask, const struct runs *runs,
			  const struct observations *profiles, struct validate_runs *r, struct err *err)
{
	struct fitted f;
	struct observations strangers;

	if (family_load(ask->loader, ask->family, &f.family_model, err) != 0 ||
	    observations_load(ask->loader, runs, OBSERVATIONS_NO_PROFILE, &f.facts, err) != 0 ||
	    observations_load(ask->loader, runs, OBSERVATIONS_UNMEASURED, &strangers, err) != 0 ||
	    family_fit(&f.family_model, &f.facts, &f.all, err) != 0 ||
	    leave_out(ask, &f, FAMILY_HOLE_MODEL, profiles, r, err) != 0)
		return -1;
	return leave_out(ask, &f, FAMILY_HOLE_CHIP, &strangers, r, err);
}

int validate_runs_make(const struct validate_ask *ask, const struct runs *runs, struct validate_runs *r,
		       struct err *err)
{
	struct observations e;

	if (observations_load(ask->loader, runs, OBSERVATIONS_PROFILE, &e, err) != 0)
		return -1;
	*r = (struct validate_runs){.at = arena_array(ask->loader->arena, e.n, sizeof *r->at), .n = e.n};
	for (size_t i = 0; i < e.n; i++) {
		const struct run *run = e.at[i].run;
		const struct said said = predict(ask, &e.at[i]);

		r->at[i] = (struct validate_run){.set = run->set ? run->set : "all",
						 .machine = run->machine,
						 .runtime = run->runtime,
						 .run = observations_name(ask->loader->arena, &e.at[i]),
						 .source = run->source,
						 .limited_by = param_names[said.bound],
						 .limited_share = said.bound_share,
						 .unit = run_unit(run),
						 .measured = run_rate(run),
						 .predicted = said.rate,
						 .lo = said.lo,
						 .hi = said.hi,
						 .no_model.error = NAN,
						 .no_chip.error = NAN,
						 .held_out = run->held_out};
	}
	return ask->family ? leave_out_both(ask, runs, &e, r, err) : 0;
}

static double error_of(const struct validate_run *c)
{
	return c->predicted / c->measured - 1;
}

double validate_runs_worst(const struct validate_runs *r)
{
	double worst = 0;

	for (size_t i = 0; i < r->n; i++)
		worst = fmax(worst, isnan(r->at[i].predicted) ? INFINITY : fabs(error_of(&r->at[i])));
	return worst;
}

static bool is_inside(const struct validate_run *c)
{
	return c->measured >= c->lo && c->measured <= c->hi;
}

/* ---- sums by set ---- */

/* Of rows that a family's law left out. */
struct left_sum {
	size_t n, inside;
	double error;
};

struct sum {
	const char *set;
	size_t n, compared, held_out, inside;
	double error;
	struct left_sum no_model, no_chip;
	const struct validate_run *worst;
	double worst_error;
};

static void add_left(struct left_sum *s, const struct left_out *left)
{
	if (isnan(left->error))
		return;
	s->n++;
	s->inside += left->inside;
	s->error += fabs(left->error);
}

static void add_to(struct sum *s, const struct validate_run *c)
{
	const double error = isnan(c->no_model.error) ? error_of(c) : c->no_model.error;

	s->n++;
	s->held_out += c->held_out;
	s->inside += is_inside(c);
	if (isnan(error))
		return;
	s->compared++;
	s->error += fabs(error_of(c));
	add_left(&s->no_model, &c->no_model);
	add_left(&s->no_chip, &c->no_chip);
	if (s->worst && fabs(error) <= fabs(s->worst_error))
		return;
	s->worst = c;
	s->worst_error = error;
}

/* In the order in which sets are first met; the last sum is of all rows. */
static struct sum *sum_up(struct arena *a, const struct validate_runs *r, size_t *n)
{
	struct sum *sums = arena_array(a, r->n + 1, sizeof *sums), all = {.set = "all"};

	*n = 0;
	for (size_t i = 0; i < r->n; i++) {
		size_t k = 0;

		while (k < *n && strcmp(sums[k].set, r->at[i].set) != 0)
			k++;
		if (k == *n)
			sums[(*n)++].set = r->at[i].set;
		add_to(&sums[k], &r->at[i]);
		add_to(&all, &r->at[i]);
	}
	sums[(*n)++] = all;
	return sums;
}

/* ---- printing ---- */

/* Cells of a table, as wide as they have to be; with bars it is Markdown. */
struct cells {
	const char **at;
	size_t columns, n;
	bool md;
};

static void print_cells(const struct cells *c, struct str *out)
{
	for (size_t i = 0; i < c->n; i++) {
		const size_t column = i % c->columns;
		size_t width = 0;

		for (size_t k = column; k < c->n; k += c->columns)
			width = str_width(c->at[k]) > width ? str_width(c->at[k]) : width;
		str_add(out, c->md ? "| " : column ? "  " : "");
		str_add(out, c->at[i]);
		if (c->md || column + 1 < c->columns)
			str_pad(out, ' ', width - str_width(c->at[i]));
		str_add(out, c->md ? " " : "");
		if (column + 1 < c->columns)
			continue;
		str_add(out, c->md ? "|\n" : "\n");
		for (size_t k = 0; i + 1 == c->columns && c->md && k < c->columns; k++)
			str_add(out, k + 1 < c->columns ? "|---" : "|---|\n");
	}
}

static const char *percent(struct arena *a, double x)
{
	return isnan(x) ? "-" : arena_printf(a, "%+.1f %%", 100 * x);
}

/* 12.3, of rows that are all of tok/s; else with its unit. */
static const char *quantity(struct arena *a, const struct validate_run *c, double value)
{
	struct str s = STR_INIT;
	const char *text;

	if (!strcmp(c->unit, "tok/s"))
		return arena_printf(a, "%.4g", value);
	if (!strcmp(c->unit, "times"))
		return arena_printf(a, "%.4g\xc3\x97", value);
	if (!strcmp(c->unit, "s") || !*c->unit)
		units_format(&s, value, *c->unit ? DIM_TIME : DIM_SHARE, 4);
	else
		str_addf(&s, "%.4g %s", value, c->unit);
	text = arena_strdup(a, s.text);
	str_release(&s);
	return text;
}

static void print_rows(struct arena *a, const struct validate_runs *r, bool md, struct str *out)
{
	static const char *const of_rows[] = {"machine",  "runtime",        "run",
					      "measured", "predicted",      "P10 to P90",
					      "error",    "model left out", "chip left out"},
				 *const of_scenario[] = {"assignment", "runtime",    "metric", "measured",
							 "predicted",  "P10 to P90", "error",  "use"};
	const char *const *head = r->of_scenario ? of_scenario : of_rows;
	const size_t columns = r->of_scenario ? ARRAY_LEN(of_scenario) : ARRAY_LEN(of_rows);
	struct cells c = {arena_array(a, (r->n + 1) * columns, sizeof *c.at), columns, 0, md};

	for (size_t i = 0; i < columns; i++)
		c.at[c.n++] = head[i];
	for (size_t i = 0; i < r->n; i++) {
		const struct validate_run *k = &r->at[i];
		const bool fits = !isnan(k->predicted);

		c.at[c.n++] = k->machine;
		c.at[c.n++] = k->runtime;
		c.at[c.n++] = k->run;
		c.at[c.n++] = quantity(a, k, k->measured);
		c.at[c.n++] = fits ? quantity(a, k, k->predicted) : "does not fit";
		c.at[c.n++] = fits ? arena_printf(a, "%s to %s", quantity(a, k, k->lo), quantity(a, k, k->hi))
				   : "-";
		c.at[c.n++] = percent(a, error_of(k));
		if (r->of_scenario) {
			c.at[c.n++] = k->held_out ? "check" : "fit";
			continue;
		}
		c.at[c.n++] = k->held_out ? "held out" : percent(a, k->no_model.error);
		c.at[c.n++] = k->held_out ? "held out" : percent(a, k->no_chip.error);
	}
	print_cells(&c, out);
	str_add(out, "\n");
}

static const char *share(struct arena *a, double part, size_t n)
{
	return n ? arena_printf(a, "%.0f %%", 100 * part / (double)n) : "-";
}

static const char *mean(struct arena *a, double sum, size_t n)
{
	return n ? arena_printf(a, "%.1f %%", 100 * sum / (double)n) : "-";
}

static const char *worst_of(struct arena *a, const struct sum *s)
{
	const struct validate_run *c = s->worst;

	return arena_printf(
		a, "%s %s: %s%s", c->machine, c->run, percent(a, s->worst_error),
		c->limited_by ? arena_printf(a, ", %s %.0f %%", c->limited_by, 100 * c->limited_share) : "");
}

static void print_sums(struct arena *a, const struct validate_runs *r, bool md, struct str *out)
{
	static const char *const head[] = {"set",           "rows",           "mean error",
					   "in P10-P90",    "model left out", "in P10-P90",
					   "chip left out", "in P10-P90",     "worst"};
	size_t n;
	const struct sum *sums = sum_up(a, r, &n);
	struct cells c = {arena_array(a, (n + 1) * ARRAY_LEN(head), sizeof *c.at), ARRAY_LEN(head), 0, md};

	for (size_t i = 0; i < ARRAY_LEN(head); i++)
		c.at[c.n++] = head[i];
	for (size_t i = 0; i < n; i++) {
		const struct sum *s = &sums[i];

		c.at[c.n++] = s->set;
		c.at[c.n++] = s->held_out ? arena_printf(a, "%zu (%zu held out)", s->n, s->held_out)
					  : arena_printf(a, "%zu", s->n);
		c.at[c.n++] = mean(a, s->error, s->compared);
		c.at[c.n++] = share(a, (double)s->inside, s->n);
		c.at[c.n++] = mean(a, s->no_model.error, s->no_model.n);
		c.at[c.n++] = share(a, (double)s->no_model.inside, s->no_model.n);
		c.at[c.n++] = mean(a, s->no_chip.error, s->no_chip.n);
		c.at[c.n++] = share(a, (double)s->no_chip.inside, s->no_chip.n);
		c.at[c.n++] = s->worst ? worst_of(a, s) : "-";
	}
	print_cells(&c, out);
}

static void print_json_row(struct jsonw *w, const struct validate_run *c, bool of_scenario)
{
	jsonw_object(w);
	jsonw_key_string(w, "set", c->set);
	jsonw_key_string(w, of_scenario ? "assignment" : "machine", c->machine);
	jsonw_key_string(w, "runtime", c->runtime);
	jsonw_key_string(w, of_scenario ? "metric" : "run", c->run);
	jsonw_key_string(w, "unit", c->unit);
	jsonw_key_number(w, "measured", c->measured);
	jsonw_key_number(w, "predicted", c->predicted);
	jsonw_key_number(w, "lo", c->lo);
	jsonw_key_number(w, "hi", c->hi);
	jsonw_key_number(w, "error", error_of(c));
	jsonw_key_bool(w, "inside", is_inside(c));
	if (!of_scenario) {
		jsonw_key_number(w, "error_model_left_out", c->no_model.error);
		jsonw_key_number(w, "error_chip_left_out", c->no_chip.error);
	}
	jsonw_key_bool(w, "held_out", c->held_out);
	if (c->limited_by) {
		jsonw_key_string(w, "limited_by", c->limited_by);
		jsonw_key_number(w, "limited_share", c->limited_share);
	}
	if (c->quality)
		jsonw_key_string(w, "quality", c->quality);
	if (c->source)
		jsonw_key_string(w, "source", c->source);
	if (c->note && *c->note)
		jsonw_key_string(w, "note", c->note);
	jsonw_end(w);
}

static void print_json(const struct validate_runs *r, struct str *out)
{
	struct jsonw w;

	jsonw_init(&w, out, 1);
	jsonw_object(&w);
	jsonw_key_string(&w, "schema", "lemursim/validation/3");
	jsonw_key(&w, "rows");
	jsonw_array(&w);
	for (size_t i = 0; i < r->n; i++)
		print_json_row(&w, &r->at[i], r->of_scenario);
	jsonw_end(&w);
	jsonw_end(&w);
	str_add(out, "\n");
}

static void add_csv_left(struct str *out, const struct left_out *left)
{
	if (isnan(left->error))
		str_add(out, ",,");
	else
		str_addf(out, "%.6g,%d,", left->error, left->inside);
}

static void print_csv(const struct validate_runs *r, struct str *out)
{
	str_add(out, "set,machine,runtime,run,measured,predicted,lo,hi,error,inside,error_model_left_out,"
		     "model_left_out_inside,error_chip_left_out,chip_left_out_inside,held_out,unit,"
		     "limited_by,limited_share\n");
	for (size_t i = 0; i < r->n; i++) {
		const struct validate_run *c = &r->at[i];
		const char *const texts[] = {c->set, c->machine, c->runtime, c->run};

		for (size_t k = 0; k < ARRAY_LEN(texts); k++) {
			str_add_csv(out, texts[k]);
			str_add(out, ",");
		}
		str_addf(out, "%.17g,", c->measured);
		if (isnan(c->predicted))
			str_add(out, ",,,,0,");
		else
			str_addf(out, "%.17g,%.17g,%.17g,%.6g,%d,", c->predicted, c->lo, c->hi, error_of(c),
				 is_inside(c));
		add_csv_left(out, &c->no_model);
		add_csv_left(out, &c->no_chip);
		str_addf(out, "%d,%s,", c->held_out, c->unit);
		if (c->limited_by)
			str_addf(out, "%s,%.4g\n", c->limited_by, c->limited_share);
		else
			str_add(out, ",\n");
	}
}

void validate_runs_print(const struct validate_runs *r, const char *format, bool sets_only, struct str *out)
{
	struct arena scratch = ARENA_INIT;
	const bool md = !strcmp(format, "md");

	if (!strcmp(format, "json")) {
		print_json(r, out);
	} else if (!strcmp(format, "csv")) {
		print_csv(r, out);
	} else {
		if (!sets_only)
			print_rows(&scratch, r, md, out);
		print_sums(&scratch, r, md, out);
	}
	arena_release(&scratch);
}
