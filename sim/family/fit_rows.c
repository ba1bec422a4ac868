/* fit_rows.c - the rows of a fit's inputs; see fit_work.h. */
#include "sim/family/fit_work.h"

#include <string.h>

static bool is_like(const struct report_row *a, const struct report_row *b)
{
	return !strcmp(a->model->title, b->model->title) && a->precision.weights == b->precision.weights;
}

/* A note for each model and format: a table may have several. */
static void note_models(struct runtime_fit *f, const char *path, const struct report_rows *rows)
{
	for (size_t i = 0; i < rows->n; i++) {
		size_t n = 0;

		for (size_t k = 0; k < rows->n; k++) {
			if (!is_like(&rows->at[i], &rows->at[k]))
				continue;
			if (k < i)
				break;
			n++;
		}
		if (n)
			VEC_ADD(&f->notes, arena_printf(f->arena, "%s: %zu runs of %s with %s weights", path,
							n, rows->at[i].model->title,
							mix_names[rows->at[i].precision.weights]));
	}
}

/* The rows of an input that are of what is asked. */
static int read_input(struct runtime_fit *f, struct model_shelf *shelf, const struct fit_runtime_input *in,
		      struct runs *runs, struct report_rows *rows, struct err *err)
{
	struct report_ask ask = {.shelf = shelf,
				 .device = &f->base,
				 .model = in->model,
				 .weights = in->weights,
				 .fitting = true,
				 .ran = fit_ran(f),
				 .any_backend = f->bare,
				 .skip = f->ask->skip};

	if (in->model)
		ask.given = catalogue_model_typed(f->loader, &ask.model, err);
	if ((in->model && !ask.given) || runs_of_models(runs, err) != 0 ||
	    report_rows_make(&ask, runs, rows, err) != 0)
		return -1;
	for (size_t i = 0; i < rows->notes.n; i++)
		fit_tell(f, rows->notes.at[i]);
	note_models(f, in->path, rows);
	return 0;
}

/* The rows of all inputs, in their order. */
static void join_rows(struct runtime_fit *f, const struct report_rows *each)
{
	struct report_row *rows;
	struct run *runs;
	size_t at = 0;

	for (size_t i = 0; i < f->ask->n; i++)
		f->n += each[i].n;
	rows = arena_array(f->arena, f->n, sizeof *rows);
	runs = arena_array(f->arena, f->n, sizeof *runs);
	for (size_t i = 0; i < f->ask->n; i++)
		for (size_t j = 0; j < each[i].n; j++, at++) {
			rows[at] = each[i].at[j];
			runs[at] = *rows[at].run;
			rows[at].run = &runs[at];
		}
	f->rows = rows;
	f->all.at = runs;
	f->all.n = f->n;
}

static int check_rows(const struct runtime_fit *f, struct err *err)
{
	int64_t samples = 0;

	for (size_t i = 0; i < f->all.n; i++)
		samples += f->all.at[i].n;
	return samples < 2 ? err_set(err, "%s: one sample only: nothing says how far it may be off",
				     f->ask->inputs[0].path)
			   : 0;
}

/* A table of llama-bench may have its rows without flash attention and with it. One profile runs a layer in one way: that which
 * llama.cpp takes by itself since August 2025 (-fa auto, ggml-org/llama.cpp pull request 15434). */
static void take_fused(struct runtime_fit *f, struct runs *runs)
{
	const size_t n = runs_take_fused(runs);

	if (n)
		fit_tell(f,
			 arena_printf(f->arena,
				      "%zu of %zu rows are without flash attention, and left out: one "
				      "profile is with it or without it, and llama.cpp takes it by itself; "
				      "a table of these rows alone gives the other",
				      n, runs->n + n));
}

/* Reads every file, chooses the base by what they say of program and build, and keeps the rows that are of what is asked. */
int fit_read_rows(struct runtime_fit *f, struct err *err)
{
	const struct fit_runtime_ask *ask = f->ask;
	const char **paths = arena_array(f->arena, ask->n, sizeof *paths);
	struct report_rows *each = arena_array(f->arena, ask->n, sizeof *each);
	struct runs *files = arena_array(f->arena, ask->n, sizeof *files);
	struct model_shelf shelf = {.loader = f->loader};
	bool fused;

	for (size_t i = 0; i < ask->n; i++)
		paths[i] = ask->inputs[i].path;
	if (runs_read_all(f->arena, paths, ask->n, &f->all, err) != 0)
		return -1;
	for (size_t i = 0; i < f->all.notes.n; i++)
		fit_tell(f, f->all.notes.at[i]);
	fused = runs_flash_on_and_off(&f->all);
	if (fused)
		take_fused(f, &f->all);
	if (runs_one_runtime(&f->all, err) != 0)
		return -1;
	f->all.tool = f->all.at[0].tool ? f->all.at[0].tool : f->all.tool;
	if (fit_base_choose(f, f->all.tool, runs_build(&f->all), err) != 0)
		return -1;
	for (size_t i = 0; i < ask->n; i++) {
		if (runs_read(f->arena, paths[i], &files[i], err) != 0)
			return -1;
		if (fused)
			runs_take_fused(&files[i]);
		if (files[i].n && read_input(f, &shelf, &ask->inputs[i], &files[i], &each[i], err) != 0)
			return -1;
	}
	join_rows(f, each);
	return check_rows(f, err);
}
