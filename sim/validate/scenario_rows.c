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
} rules[] = {{COLUMN_MACHINE, check_machine},
	     {COLUMN_RUNTIME, check_runtime},
	     {COLUMN_MODEL, check_model},
	     {COLUMN_PARAMS, check_params},
	     {COLUMN_DTYPE, check_dtype}};

int scenario_rows_check(struct model_shelf *shelf, const struct world *w, const struct run *run,
			enum run_column *column, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		*column = rules[i].column;
		if (rules[i].check(shelf, w, run, err) != 0)
			return err_hint(err, "--skip-foreign leaves such rows out");
	}
	return 0;
}
