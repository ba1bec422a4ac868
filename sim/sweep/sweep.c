/* sweep.c - see sweep.h. */
#include "sim/sweep/sweep.h"

#include <string.h>

static int read_axis(struct arena *a, const char *text, struct sweep_axis *axis, struct err *err)
{
	const char *equals = strchr(text, '=');

	if (!equals || equals == text || !equals[1]) {
		err_set(err, "--over: expected PATH=VALUE,VALUE, got '%.80s'", text);
		return err_hint(err, "such as workload.generate.batch=1,4,16");
	}
	axis->path = arena_strndup(a, text, (size_t)(equals - text));
	axis->values = texts_cut(a, equals + 1, ',');
	for (size_t i = 0; i < axis->values.n; i++) {
		const char *value = axis->values.at[i];

		if (!*value)
			return err_set(err, "--over: a value of '%.80s' is empty", text);
		for (size_t k = 0; k < i; k++)
			if (!strcmp(axis->values.at[k], value))
				return err_set(err, "--over: '%.80s' has the value '%.40s' twice", axis->path,
					       value);
	}
	return 0;
}

static int read_axes(struct arena *a, const struct texts *over, struct sweep *s, struct err *err)
{
	struct sweep_axis *axes = arena_array(a, over->n, sizeof *axes);

	s->axes = axes;
	s->cells_n = 1;
	for (size_t i = 0; i < over->n; i++) {
		if (read_axis(a, over->at[i], &axes[i], err) != 0)
			return -1;
		for (size_t k = 0; k < i; k++)
			if (!strcmp(axes[k].path, axes[i].path))
				return err_set(err, "--over: '%.80s' is an axis already", axes[i].path);
		s->cells_n *= axes[i].values.n;
		if (s->cells_n > SWEEP_CELLS)
			return err_set(err, "--over: the grid has more than %d cells", SWEEP_CELLS);
		s->axes_n++;
	}
	return 0;
}

int sweep_lay_out(struct arena *a, const struct texts *over, struct sweep *s, struct err *err)
{
	*s = (struct sweep){0};
	if (read_axes(a, over, s, err) != 0)
		return -1;
	s->cells = arena_array(a, s->cells_n, sizeof *s->cells);
	for (size_t i = 0; i < s->cells_n; i++) {
		const char **values = arena_array(a, s->axes_n, sizeof *values);

		for (size_t k = s->axes_n, left = i; k-- > 0; left /= s->axes[k].values.n)
			values[k] = s->axes[k].values.at[left % s->axes[k].values.n];
		s->cells[i].values = values;
	}
	return 0;
}

int sweep_grid(const struct sweep_ask *ask, struct sweep *s, struct err *err)
{
	for (size_t i = 0; i < ask->metrics.n; i++)
		if (!metric_find(ask->metrics.at[i], err))
			return -1;
	if (!ask->over.n) {
		err_set(err, "sweep needs at least one --over");
		return err_hint(err, "such as --over workload.generate.batch=1,4,16");
	}
	return sweep_lay_out(ask->loader->arena, &ask->over, s, err);
}

const struct metric_info *sweep_median_of(struct arena *a, const struct metric_info *m)
{
	const size_t n = strlen(m->name);
	struct err err = ERR_INIT;

	if (n < 4 || strcmp(m->name + n - 4, "_p95") != 0)
		return NULL;
	return metric_find(arena_printf(a, "%.*s_p50", (int)(n - 4), m->name), &err);
}

bool sweep_found(const struct sweep *s)
{
	for (size_t i = 0; i < s->cells_n; i++)
		for (size_t k = 0; s->cells[i].entries && k < s->names_n; k++)
			if (s->cells[i].entries[k].metric)
				return true;
	return false;
}
