/* scenario_rows.c - see scenario_rows.h. */
#include "sim/validate/scenario_rows.h"

#include <math.h>
#include <string.h>

#include "sim/family/fit_runtime.h"
#include "sim/family/report_rules.h"
#include "sim/family/run_machine.h"

/* The scenario's file may name the machine from a catalogue that is not found from here. */
static int check_machine(struct model_shelf *shelf, const struct world *w, const struct run *run,
			 struct err *err)
{
	struct catalogue_device named;
	const bool known = run->machine && catalogue_is_machine(shelf->loader, run->machine, NULL, &named);

	if (!run->machine)
		return 0;
	for (size_t i = 0; i < w->machines_n; i++) {
		const struct yml *node = w->machines[i].origin.node,
				 *base = node ? yml_get(node, "base") : NULL;

		if ((base && base->kind == YML_SCALAR && !strcmp(base->text, run->machine)) ||
		    (known && machines_of_one_chip(&w->machines[i], named.machine)))
			return 0;
	}
	return err_set(err, "the scenario has no machine '%.60s'", run->machine);
}

/* A text that nothing is called contradicts nothing; nor does one that is of any of the scenario's machines. */
static int check_chip(struct model_shelf *shelf, const struct world *w, const char *said, struct err *err)
{
	const char *other = NULL;

	for (size_t i = 0; said && i < w->machines_n; i++) {
		struct machine m = w->machines[i];
		const struct catalogue_device d = {
			.machine = &m, .device = machine_device(&m, NULL), .ref = m.title};

		other = run_other_machine(shelf->loader, said, &d);
		if (!other)
			return 0;
	}
	if (!other)
		return 0;
	return err_set(err, "it ran on '%.80s' (as in %.80s), which is none of the scenario's machines", said,
		       other);
}

static int check_gpu(struct model_shelf *shelf, const struct world *w, const struct run *run, struct err *err)
{
	return check_chip(shelf, w, run->says[COLUMN_GPU], err);
}

static int check_runtime(struct model_shelf *shelf, const struct world *w, const struct run *run,
			 struct err *err)
{
	(void)shelf;
	if (!run->runtime)
		return 0;
	for (size_t i = 0; i < w->units_n; i++) {
		const struct profile *p = w->units[i].profile;

		if (p && !strncmp(p->origin.name, run->runtime, strlen(run->runtime)) &&
		    strchr("@", p->origin.name[strlen(run->runtime)]))
			return 0;
	}
	return err_set(err, "the scenario has no runtime '%.60s'", run->runtime);
}

/* Models of equal numbers of weights are one model under two names, or were trained further. A name that the catalogue does
 * not know contradicts nothing. */
static int check_model(struct model_shelf *shelf, const struct world *w, const struct run *run,
		       struct err *err)
{
	struct named_model found;
	enum run_column ignored;
	struct err unknown = ERR_INIT;
	const char *other = run_other_model(shelf, run, "", w->model);

	if (other)
		return err_set(err, "the row is of '%.80s', which is %s, the scenario of %s", run->model,
			       other, w->model->title);
	if (!run->model || run_model(shelf, run, &found, &ignored, &unknown) != 0 ||
	    !strcmp(found.model->title, w->model->title) ||
	    fabs(model_weights(found.model) / model_weights(w->model) - 1) < 1e-3)
		return 0;
	return err_set(err, "the row is of %s, the scenario of %s", found.model->title, w->model->title);
}

static int check_params(struct model_shelf *shelf, const struct world *w, const struct run *run,
			struct err *err)
{
	const struct report_row row = {.run = run, .model_name = w->model->title, .model = w->model};
	const struct held x = {.run = run, .row = &row};
	struct err why = ERR_INIT;

	(void)shelf;
	return rule_params(&x, &why) == 0 ? 0 : err_set(err, "%s", why.msg);
}

static int check_dtype(struct model_shelf *shelf, const struct world *w, const struct run *run,
		       struct err *err)
{
	const char *said = run->says[COLUMN_DTYPE], *ours = dtype_names[w->scenario->precision.compute];

	(void)shelf;
	return !said || !strcmp(said, ours)
		       ? 0
		       : err_set(err, "the row computed in %.20s, the scenario says %s", said, ours);
}

static const struct {
	enum run_column column;
	int (*check)(struct model_shelf *shelf, const struct world *w, const struct run *run,
		     struct err *err);
} rules[] = {{COLUMN_MACHINE, check_machine}, {COLUMN_GPU, check_gpu},       {COLUMN_RUNTIME, check_runtime},
	     {COLUMN_MODEL, check_model},     {COLUMN_PARAMS, check_params}, {COLUMN_DTYPE, check_dtype}};

int scenario_rows_check(struct model_shelf *shelf, const struct world *w, const struct run *run,
			enum run_column *column, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		*column = rules[i].column;
		if (rules[i].check(shelf, w, run, err) != 0)
			return err_hint(err, "--skip-foreign leaves such rows out");
	}
	if (scenario_settings_check(shelf->loader->arena, w, run, column, err) != 0)
		return err_hint(err, "--skip-foreign leaves such rows out");
	return 0;
}
