/* scenario_load.c - see scenario_load.h. */
#include "sim/predict/scenario_load.h"

#include "sim/step/program.h"
#include "sim/train/stages.h"

void scenario_check_devices(struct loader *l, const struct world *w)
{
	for (size_t i = 0; i < w->units_n; i++) {
		const struct device_model device_model = program_device_model(l->arena, w, i);
		const struct yml *compute = yml_get(w->scenario->precision.origin.node, "compute");
		struct err err = ERR_INIT;

		if (device_model_check(&device_model, &err) != 0)
			diag_err(l->diags,
				 (compute->is_default ? device_model.profile->origin.node : compute)->place,
				 &err);
	}
}

const struct world *scenario_load(struct loader *l, const char *path, const struct texts *sets)
{
	const struct world *w = world_load(l, path, sets->at, sets->n);

	if (w)
		scenario_check_devices(l, w);
	return l->diags->total ? NULL : w;
}

struct placement *scenario_place(struct loader *l, const struct world *w)
{
	const struct assignment *a = w->scenario->assignments.at;
	const size_t n = w->scenario->assignments.n;
	struct placement *all = arena_array(l->arena, n, sizeof *all);

	if (w->scenario->workload.serve)
		diag_add(l->diags, w->scenario->workload.serve->origin.node->place, NULL,
			 "serve is not simulated yet");
	for (size_t i = 0; i < n && !w->scenario->workload.serve; i++)
		if (placement_make(l->arena, w, &a[i], &all[i], l->diags) == 0)
			stages_check(&all[i], l->diags);
	return l->diags->total ? NULL : all;
}
