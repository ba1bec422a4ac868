/* report_rows.c - see report_rows.h. */
#include "sim/family/report_rules.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/vec.h"
#include "sim/cost/formats.h"
#include "sim/family/report_backends.h"
#include "sim/family/vulkan_device.h"
#include "sim/hw/builds.h"

/* --- what is used --------------------------------------------------------------------------------- */

/* Builds of llama.cpp whose month is known: release dates, and the rows of hardware/measured. */
static const struct {
	int64_t build;
	int year, month;
} builds[] = {{1550, 2023, 11}, {2953, 2024, 5},  {4748, 2025, 2}, {5062, 2025, 4}, {5930, 2025, 7},
	      {6118, 2025, 8},  {7423, 2025, 12}, {8268, 2026, 3}, {9187, 2026, 5}, {10050, 2026, 8}};

static int64_t month_of(size_t i)
{
	return 12 * (int64_t)builds[i].year + builds[i].month - 1;
}

int64_t build_month(int64_t build)
{
	size_t i = 1;

	if (build <= 0)
		return 0;
	while (i + 1 < ARRAY_LEN(builds) && build > builds[i].build)
		i++;
	return month_of(i - 1) + (int64_t)llround((double)(build - builds[i - 1].build) /
						  (double)(builds[i].build - builds[i - 1].build) *
						  (double)(month_of(i) - month_of(i - 1)));
}

/* Of "llama.cpp@2026-02"; 0: the name has no date. */
static int64_t profile_month(const struct profile *p)
{
	const char *date = strchr(p->origin.name, '@');
	char *end;
	long year, month;

	if (!date)
		return 0;
	year = strtol(date + 1, &end, 10);
	month = *end == '-' ? strtol(end + 1, NULL, 10) : 0;
	return year > 0 && month > 0 ? 12 * (int64_t)year + month - 1 : 0;
}

bool report_same_runtime(const struct profile *a, const struct profile *b)
{
	return runtime_same(a->origin.name, b->origin.name);
}

const struct profile *report_nearest(const struct device *d, const struct profile *like, int64_t build)
{
	const struct profile *all = d->runtimes.at, *best = like;
	const enum dtype compute = compute_dtype_of_profile(like);
	const int64_t month = build_month(build);

	for (size_t i = 0; month && i < d->runtimes.n; i++)
		if (report_same_runtime(&all[i], like) && profile_month(&all[i]) && profile_month(best) &&
		    all[i].gemm[compute] &&
		    llabs(profile_month(&all[i]) - month) < llabs(profile_month(best) - month))
			best = &all[i];
	return best;
}

static const struct profile *profile_of(const struct held *x)
{
	const struct catalogue_device *d = x->ask->device;

	return x->ask->dated ? d->profile : report_nearest(d->device, d->profile, run_build(x->run));
}

/* llama.cpp without flash attention: K Q, soft_max, V times that and a copy into rows (build_attn_mha() of
 * src/llama-graph.cpp), where the scores are written in f32 and read, twice. With it: two kernels, which keep them. */
void report_attention(struct profile *p, enum flash flash)
{
	enum { PLAIN = 4, FUSED = 2 };

	if (flash == FLASH_UNSAID || (p->scores.kernels >= PLAIN) == (flash == FLASH_OFF))
		return;
	p->scores.kernels = flash == FLASH_OFF ? PLAIN : FUSED;
	p->scores.passes = flash == FLASH_OFF ? 4 : 0;
}

/* A table of llama-bench that names no build is taken for one of the profile's date, and for that date's default of -fa. */
static enum flash flash_of(const struct profile *p, const struct run *run)
{
	static const int64_t auto_since = 12 * 2026 + 5; /* June 2026, see enum flash */
	const int64_t month = profile_month(p);

	if (run->flash != FLASH_UNSAID || !run->tool || strcmp(run->tool, "llama-bench") != 0 ||
	    run_build(run))
		return run->flash;
	return month && month < auto_since ? FLASH_OFF : FLASH_UNSAID;
}

const struct profile *report_as_run(const struct profile *of, const struct run *run, struct arena *a)
{
	const enum flash flash = flash_of(of, run);
	const struct profile *p = vulkan_device_as_run(a, profile_at_build(a, of, run_build(run)), run);
	struct profile *own;

	if (flash == FLASH_UNSAID || !report_runs(p, "llama"))
		return p;
	own = arena_alloc(a, sizeof *own);
	*own = *p;
	report_attention(own, flash);
	return own;
}

const struct profile *report_named_runtime(const struct device *d, const char *name)
{
	const struct profile *found = device_runtime(d, name), *all = d->runtimes.at;

	for (size_t i = 0; i < d->runtimes.n && !found; i++)
		if (report_runs(&all[i], name))
			found = device_newest(d, &all[i]);
	return found;
}

const char *report_runtime(struct loader *l, const char *machine, const struct runs *runs, int weights)
{
	struct err unread = ERR_INIT;
	struct catalogue_device d;
	const struct profile *p;

	if (!catalogue_is_machine(l, machine, NULL, &d)) /* whoever loads it tells why */
		return NULL;
	p = d.device->runtimes.n ? report_row_runtime(l->arena, d.device, d.device->runtimes.at, &runs->at[0])
				 : NULL;
	if (p)
		return runs->at[0].runtime ? p->origin.name : runtime_undated(l->arena, p->origin.name);
	p = d.device->runtimes.at;
	for (size_t i = 0; i < d.device->runtimes.n; i++)
		if (runs->at[0].tool && report_runs(&p[i], runs->at[0].tool) &&
		    (weights == MIX_N || format_check(p[i].origin.name, (enum mix_id)weights, &unread) == 0))
			return runtime_undated(l->arena, p[i].origin.name);
	return NULL;
}

/* --- rows ----------------------------------------------------------------------------------------- */

static void add_note(struct arena *a, struct texts *notes, const char *note)
{
	for (size_t i = 0; i < notes->n; i++)
		if (!strcmp(notes->at[i], note))
			return;
	*notes = texts_join(a, notes, &note, 1);
}

/* Later builds are predicted as the newest that is known, which is told. */
static void note_later_build(const struct held *x, struct texts *notes)
{
	const size_t last = ARRAY_LEN(builds) - 1;
	struct arena *a = x->ask->shelf->loader->arena;

	if (x->run->build > builds[last].build)
		add_note(a, notes,
			 arena_printf(
				 a,
				 "%s: build %lld is later than any that is known here (%lld, of %d-%02d): "
				 "predicted as builds of that time ran",
				 x->run->path, (long long)x->run->build, (long long)builds[last].build,
				 builds[last].year, builds[last].month));
}

/* A profile this many months from a build may lack what was made faster between them. */
enum { BUILD_MONTHS = 6 };
/* Since May 2025 a prompt's tokens are multiplied with all experts at once: pull requests 13199 (CUDA, 29 April) and 13388 (Metal, 8 May). */
static const int64_t experts_at_once = 12 * 2025 + 4;

static void note_build(const struct held *x, const struct profile *p, struct texts *notes)
{
	const int64_t month = build_month(run_build(x->run)), dated = profile_month(p);
	const bool one_by_one = x->row->model->experts && month < experts_at_once && dated >= experts_at_once;
	struct arena *a = x->ask->shelf->loader->arena;

	if (x->run->build && !run_build(x->run))
		add_note(a, notes,
			 arena_printf(
				 a,
				 "%s: build %lld is no build of llama.cpp that has llama-bench (a shallow "
				 "clone counts the commits that it has): taken as not said",
				 x->run->path, (long long)x->run->build));
	note_later_build(x, notes);
	if (!month || !dated || (llabs(month - dated) <= BUILD_MONTHS && !one_by_one) ||
	    x->run->build > builds[ARRAY_LEN(builds) - 1].build)
		return;
	add_note(a, notes,
		 arena_printf(
			 a,
			 "%s: build %lld is of %lld-%02lld, and no profile is nearer than '%s': what changed "
			 "between them is not predicted%s",
			 x->run->path, (long long)x->run->build, (long long)(month / 12),
			 (long long)(month % 12 + 1), p->origin.name,
			 one_by_one
				 ? "; mixtures of experts ran several times slower in prompts before mid-2025"
				 : ""));
}

/* Prose may compare with another machine: it is told, and no error. */
static void note_spoken(const struct held *x, struct texts *notes)
{
	struct arena *a = x->ask->shelf->loader->arena;

	if (x->run->spoken && rule_other_machine(x, x->run->spoken))
		add_note(a, notes,
			 arena_printf(a,
				      "%s: the text speaks of '%.40s', and rows that do not say what they "
				      "ran on are taken for "
				      "runs of '%.80s': name the machine, if they were of the other",
				      x->run->path, x->run->spoken, x->ask->device->ref));
}

static void note_vulkan(const struct held *x, const struct profile *p, struct texts *notes)
{
	struct arena *a = x->ask->shelf->loader->arena;
	const char *note =
		vulkan_device_note(a, x->run, p, !strcmp(mix_names[x->row->precision.weights], "bf16"));

	if (note)
		add_note(a, notes, arena_printf(a, "%s: %s", x->run->path, note));
}

/* The row's own name of a model holds against the one that is asked. */
static int check_name(const struct held *x, enum run_column *column, struct err *err)
{
	const struct report_ask *ask = x->ask;
	const char *other = ask->given ? run_other_model(ask->shelf, x->run, ask->model, ask->given) : NULL;

	if (!other)
		return 0;
	*column = COLUMN_MODEL;
	err_set(err, "the row is of '%.80s', which is %s, --model is %.80s", x->run->model, other,
		ask->model);
	return err_hint(err, "say which --model ran, or --skip-foreign");
}

static void note_alike(const struct held *x, const struct named_model *found, struct texts *notes)
{
	struct arena *a = x->ask->shelf->loader->arena;

	add_note(a, notes,
		 arena_printf(
			 a,
			 "%s: '%.80s' is taken for %s; %s, of the same dimensions, would be predicted alike",
			 x->run->path, x->run->model ? x->run->model : "?", found->name, found->alike));
}

static int identify(struct held *x, struct report_row *row, struct texts *notes, enum run_column *column,
		    struct err *err)
{
	struct named_model found = {.name = x->ask->model, .model = x->ask->given};
	const char *note;

	if (check_name(x, column, err) != 0)
		return -1;
	if (!found.model && run_model(x->ask->shelf, x->run, &found, column, err) != 0)
		return -1;
	if (found.alike)
		note_alike(x, &found, notes);
	run_model_as_kept(x->ask->shelf->loader->arena, x->run, &found);
	row->model_name = found.name;
	row->model = found.model;
	/* another model's size says nothing of the format */
	*column = COLUMN_PARAMS;
	x->row = row;
	if (rule_params(x, err) != 0)
		return -1;
	if (run_weights(x->ask->shelf->loader->arena, x->run, row->model, x->ask->weights,
			run_compute(x->run, row->model, x->ask->device->device, x->ask->device->profile),
			&row->precision, &note, column, err) != 0)
		return -1;
	if (note)
		add_note(x->ask->shelf->loader->arena, notes, note);
	return 0;
}

/* What is asked of a row that tells its runtime, where none was asked for: that it is of its own. */
static const struct report_ask *ask_of(const struct report_ask *ask, const struct run *run)
{
	struct arena *a = ask->shelf->loader->arena;
	const struct profile *p =
		!ask->runtime && !ask->fitting
			? report_row_runtime(a, ask->device->device, ask->device->profile, run)
			: NULL;
	struct catalogue_device *under;
	struct report_ask *own;

	if (!p || p == ask->device->profile || !p->gemm[compute_dtype_of_profile(p)])
		return ask;
	under = arena_alloc(a, sizeof *under);
	*under = *ask->device;
	under->profile = p;
	under->compute = compute_dtype_of_profile(p);
	own = arena_alloc(a, sizeof *own);
	*own = *ask;
	own->device = under;
	own->dated = run->runtime && strchr(run->runtime, '@');
	return own;
}

int report_row_make(const struct report_ask *asked, const struct run *run, struct report_row *row,
		    struct texts *notes, enum run_column *column, struct err *err)
{
	const struct report_ask *ask = ask_of(asked, run);
	struct held x = {.ask = ask, .run = run, .row = row};

	*row = (struct report_row){.run = run};
	if (identify(&x, row, notes, column, err) != 0 || rules_hold(&x, column, err) != 0)
		return -1;
	row->profile = profile_of(&x);
	*column = COLUMN_DTYPE; /* the profile of the row's build may lack a table that the asked one has */
	if (!ask->fitting && run_check_compute(run, row->model, ask->device->device, row->profile, err) != 0)
		return err_hint(err, "--skip-foreign leaves such rows out");
	note_build(&x, row->profile, notes);
	note_spoken(&x, notes);
	note_vulkan(&x, row->profile, notes);
	row->profile = report_as_run(row->profile, x.run, x.ask->shelf->loader->arena);
	return 0;
}

struct device_model report_device_model(struct arena *a, const struct catalogue_device *d,
					const struct report_row *row, const struct profile *profile)
{
	struct device_model m = device_model_make(a, d->machine, d->device, profile,
						  run_compute(row->run, row->model, d->device, profile));

	device_model_for(&m, row->model);
	return m;
}

/* "Machine 6, Model 2" */
static const char *by_column(struct arena *a, const struct runs *file, const size_t by[COLUMNS], size_t *sum)
{
	const char *all = "";

	*sum = 0;
	for (int c = 0; c < COLUMNS; c++) {
		if (by[c])
			all = arena_printf(a, "%s%s%s %zu", all, *all ? ", " : "",
					   run_column_name(&file->at[0], (enum run_column)c), by[c]);
		*sum += by[c];
	}
	return all;
}

const char *report_left_out(struct arena *a, const struct runs *file, size_t n, const size_t by[COLUMNS])
{
	size_t left_out;
	const char *all = by_column(a, file, by, &left_out);

	return arena_printf(a, "%s: %zu of %zu rows are left out, by column: %s", file->path, left_out, n,
			    all);
}

int report_none_left(struct arena *a, const struct runs *file, const size_t by[COLUMNS], struct err *err)
{
	size_t left_out;

	err_set(err, "%s: every one of its %zu rows is of something else, by column: %s", file->path, file->n,
		by_column(a, file, by, &left_out));
	return err_hint(err, "without --skip-foreign each row says why");
}

/* Rows that say nothing of their model are of the one that is asked; where one is asked and the rows name several, their
 * numbers of parameters tell. */
static int check_models(const struct report_ask *ask, const struct runs *file, struct err *err)
{
	bool counted = true, named = false;

	for (size_t i = 0; i < file->n; i++) {
		counted = counted && file->at[i].params > 0;
		named = named || file->at[i].params > 0 || file->at[i].model;
	}
	if (ask->model)
		return counted ? 0 : runs_one_model(file, err);
	if (named)
		return 0;
	err_set(err, "%s: which model ran?", file->path);
	return err_hint(err, "say --model NAME, or give a scenario");
}

int report_rows_make(const struct report_ask *ask, const struct runs *file, struct report_rows *rows,
		     struct err *err)
{
	struct loader *l = ask->shelf->loader;
	const size_t before = l->diags->total;
	int mix;

	if (check_models(ask, file, err) != 0 ||
	    (ask->weights && run_asked_weights(ask->weights, &mix, err) != 0))
		return -1;
	*rows = (struct report_rows){.at = arena_array(l->arena, file->n ? file->n : 1, sizeof *rows->at)};
	for (size_t i = 0; i < file->n; i++) {
		const struct run *run = &file->at[i];
		enum run_column column = COLUMN_MODEL;
		struct err why = ERR_INIT;

		if (report_row_make(ask, run, &rows->at[rows->n], &rows->notes, &column, &why) == 0) {
			rows->n++;
			continue;
		}
		rows->left_out++;
		rows->by[column]++;
		if (!ask->skip)
			diag_add(l->diags, run_place(run, column), why.hint[0] ? why.hint : NULL, "%s: %s",
				 run_column_name(run, column), why.msg);
	}
	if (rows->left_out)
		add_note(l->arena, &rows->notes, report_left_out(l->arena, file, file->n, rows->by));
	if (l->diags->total > before)
		return -1;
	return rows->n ? 0 : report_none_left(l->arena, file, rows->by, err);
}
