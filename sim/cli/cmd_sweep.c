/* cmd_sweep.c - lemursim sweep SCENARIO --over PATH=VALUE,VALUE...: a grid of what-ifs, and where a split
 * pays. */
#include <math.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "sim/cli/answer.h"
#include "sim/report/sweep.h"

enum { CELLS_MAX = 10000 };

struct axis {
	const char *path;
	struct texts values;
};

struct sweeping {
	const struct opts *o;
	struct arena arena;
	struct axis *axes;
	size_t axes_n, cells_n;
	const char *metric; /* NULL: e2el_s or train_step_s, whichever comes first */
	struct sweep result;
	bool found; /* a value of the metric, anywhere */
};

static int parse_axes(struct sweeping *s, struct err *err)
{
	s->axes_n = s->o->over.n;
	s->axes = arena_array(&s->arena, s->axes_n, sizeof *s->axes);
	s->cells_n = 1;
	if (!s->axes_n) {
		err_set(err, "sweep needs at least one --over");
		return err_hint(err, "such as --over workload.generate.batch=1,4,16");
	}
	for (size_t i = 0; i < s->axes_n; i++) {
		const char *text = s->o->over.at[i], *equals = strchr(text, '=');

		if (!equals || equals == text || !equals[1]) {
			err_set(err, "--over: expected PATH=VALUE,VALUE, got '%.80s'", text);
			return err_hint(err, "such as workload.generate.batch=1,4,16");
		}
		s->axes[i].path = arena_strndup(&s->arena, text, (size_t)(equals - text));
		s->axes[i].values = texts_cut(&s->arena, equals + 1, ',');
		for (size_t k = 0; k < s->axes[i].values.n; k++)
			if (!*s->axes[i].values.at[k])
				return err_set(err, "--over: a value of '%.80s' is empty", text);
		for (size_t k = 0; k < i; k++)
			if (!strcmp(s->axes[k].path, s->axes[i].path))
				return err_set(err, "--over: '%.80s' is an axis already", s->axes[i].path);
		s->cells_n *= s->axes[i].values.n;
		if (s->cells_n > CELLS_MAX)
			return err_set(err, "--over: the grid has more than %d cells", CELLS_MAX);
	}
	return 0;
}

/* What a sweep is about if nobody says: the whole of a generation, or of a training step. */
static const char *usual_metric(const struct world *w)
{
	return w->scenario->workload.generate ? "e2el_s" : "train_step_s";
}

static bool better(const struct metric *a, const struct metric *b)
{
	return a->less ? a->value < b->value : a->value > b->value;
}

static void compare(struct sweep_entry *e, const struct metric *alone, size_t draws)
{
	size_t won = 0;

	e->times = e->won = NAN;
	if (!e->metric || !alone)
		return;
	e->times = alone->less ? alone->value / e->metric->value : e->metric->value / alone->value;
	for (size_t i = 0; i < draws; i++)
		won += alone->less ? e->metric->drawn[i] < alone->drawn[i]
				   : e->metric->drawn[i] > alone->drawn[i];
	e->won = (double)won / (double)draws;
}

static void keep(struct sweeping *s, struct sweep_cell *cell, struct sweep_entry *entries, size_t draws)
{
	const size_t n = s->result.names_n;

	cell->entries = entries;
	cell->best_alone = n;
	for (size_t i = 0; i < n; i++)
		if (entries[i].alone && entries[i].metric &&
		    (cell->best_alone == n || better(entries[i].metric, entries[cell->best_alone].metric)))
			cell->best_alone = i;
	for (size_t i = 0; i < n; i++)
		compare(&entries[i], cell->best_alone < n ? entries[cell->best_alone].metric : NULL, draws);
}

static const struct metric *copy(struct arena *a, const struct metric *m, size_t draws)
{
	struct metric *to = arena_alloc(a, sizeof *to);
	double *drawn = arena_array(a, draws, sizeof *drawn);

	memcpy(drawn, m->drawn, draws * sizeof *drawn);
	*to = *m;
	to->drawn = drawn;
	return to;
}

/* Predicts every assignment under the scenario that a cell makes. */
static void run_cell(struct sweeping *s, const struct placement *at, struct sweep_cell *cell)
{
	const struct world *w = at->world;
	const size_t n = w->scenario->assignments.n;
	struct arena scratch = ARENA_INIT;
	const struct draws_ask luck = answer_luck(s->o);
	const struct draws draws = draws_asked(&scratch, w, &luck);
	struct sweep_entry *entries = arena_array(&s->arena, n, sizeof *entries);
	const char *metric = s->metric ? s->metric : usual_metric(w);

	if (!s->result.names) {
		const char **names = arena_array(&s->arena, n, sizeof *names);

		for (size_t i = 0; i < n; i++)
			names[i] = arena_strdup(&s->arena, at[i].assignment->name);
		s->result.names = names;
		s->result.names_n = n;
		s->result.title = arena_strdup(&s->arena, w->scenario->title);
		s->result.metric = arena_strdup(&s->arena, metric);
	}
	for (size_t i = 0; i < n; i++) {
		struct prediction p;
		struct assignment_row row;
		const struct metric *m;

		prediction_make(&scratch, &at[i], &p);
		row = prediction_row(&scratch, &p, &draws);
		m = rows_metric(&row, metric);
		entries[i] = (struct sweep_entry){.alone = prediction_machines(&p) == 1,
						  .fits = m != NULL,
						  .metric = m ? copy(&s->arena, m, draws.n) : NULL};
		s->found |= m != NULL;
		prediction_release(&p);
	}
	keep(s, cell, entries, draws.n);
	arena_release(&scratch);
}

static int load_cell(struct sweeping *s, size_t cell_i, struct sweep_cell *cell)
{
	struct opts o = *s->o;
	const char **sets = arena_array(&s->arena, o.sets.n + s->axes_n, sizeof *sets);
	const char **values = arena_array(&s->arena, s->axes_n, sizeof *values);
	struct session session;
	const struct world *w;
	const struct placement *at;
	struct err err = ERR_INIT;
	int rc = EXIT_USAGE;

	if (o.sets.n)
		memcpy(sets, o.sets.at, o.sets.n * sizeof *sets);
	for (size_t k = s->axes_n; k-- > 0;) { /* the last axis changes fastest */
		values[k] = s->axes[k].values.at[cell_i % s->axes[k].values.n];
		cell_i /= s->axes[k].values.n;
		sets[o.sets.n + k] = arena_printf(&s->arena, "%s=%s", s->axes[k].path, values[k]);
	}
	o.sets = (struct texts){sets, o.sets.n + s->axes_n};
	cell->values = values;
	session_begin(&session, &o);
	w = session_world(&session, &o, s->o->files.at[0]);
	at = w ? session_placements(&session, w) : NULL;
	if (at && s->result.names && w->scenario->assignments.n != s->result.names_n) {
		err_set(&err, "--over may not change the number of assignments");
		rc = complain(&err, EXIT_USAGE);
	} else if (at) {
		run_cell(s, at, cell);
		rc = EXIT_FINE;
	}
	session_end(&session);
	return rc;
}

static int run_grid(struct sweeping *s)
{
	struct sweep_cell *cells = arena_array(&s->arena, s->cells_n, sizeof *cells);
	const char **paths = arena_array(&s->arena, s->axes_n, sizeof *paths);
	const bool progress = isatty(STDERR_FILENO) && s->cells_n > 1;

	for (size_t i = 0; i < s->axes_n; i++)
		paths[i] = s->axes[i].path;
	s->result.axes = paths;
	s->result.axes_n = s->axes_n;
	s->result.cells = cells;
	for (size_t i = 0; i < s->cells_n; i++) {
		int rc;

		if (progress)
			fprintf(stderr, "\r\033[K%zu of %zu", i + 1, s->cells_n);
		rc = load_cell(s, i, &cells[i]);
		if (rc != EXIT_FINE)
			return rc;
		s->result.cells_n++;
	}
	if (progress)
		fputs("\r\033[K", stderr);
	return EXIT_FINE;
}

int cmd_sweep(const struct opts *o)
{
	struct sweeping s = {.o = o, .arena = ARENA_INIT, .metric = o->metric};
	enum result_format format;
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	enum metric_id metric;
	int rc = choose_format(o, &format);

	if (rc == EXIT_FINE &&
	    ((s.metric && metric_find(s.metric, &metric, &err) != 0) || parse_axes(&s, &err) != 0))
		rc = complain(&err, EXIT_USAGE);
	if (rc == EXIT_FINE)
		rc = run_grid(&s);
	if (rc == EXIT_FINE) {
		sweep_write(&out, &s.result, format);
		rc = deliver(o, &out);
	}
	if (rc == EXIT_FINE && !s.found)
		rc = EXIT_NOTHING_FITS;
	str_release(&out);
	arena_release(&s.arena);
	return rc;
}
