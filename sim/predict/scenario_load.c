/* scenario_load.c - see scenario_load.h. */
#include "sim/predict/scenario_load.h"

#include "sim/load/arrivals.h"
#include "sim/serve/service.h"
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

int scenario_load_broke(struct loader *l, const struct world *w, const struct err *err)
{
	const struct yml *arrivals = w->scenario->workload.serve->arrivals.origin.node,
			 *trace = yml_get(arrivals, "trace");

	return diag_err(l->diags, (trace ? trace : arrivals)->place, err);
}

void scenario_check_load(struct loader *l, const struct world *w)
{
	const struct serve *load = w->scenario->workload.serve;
	struct err err = ERR_INIT;

	if (load && arrivals_check(load, SERVICE_FIRST_REQUESTS, &err) != 0)
		scenario_load_broke(l, w, &err);
}

const struct world *scenario_load(struct loader *l, const char *path, const struct texts *sets)
{
	const struct world *w = world_load(l, path, sets->at, sets->n);
	const struct serve *load = w ? w->scenario->workload.serve : NULL;

	if (w)
		scenario_check_devices(l, w);
	if (load && load->arrivals.kind == ARRIVALS_TRACE)
		loader_add_file(l, load->arrivals.trace);
	return l->diags->total ? NULL : w;
}

/* Several servers stand for one another nowhere but in the job serve, which places each by itself. */
static void check_alone(struct loader *l, const struct world *w, const struct assignment *a)
{
	for (int j = 0; j < JOB_N && a->serving.servers_n > 1; j++)
		if (j != JOB_SERVE && workload_asks(&w->scenario->workload, (enum job)j))
			diag_add(l->diags, a->origin.node->place, "give it a 'place', or leave the job out",
				 "assignment '%s': several servers do not %s", a->name,
				 job_name((enum job)j));
}

/* The placement of a service is that of its first server, under the name of all. */
static int place_service(struct loader *l, const struct world *w, const struct assignment *a,
			 struct placement *at)
{
	struct service *s = service_new(l->arena, w, a, l->diags);

	if (!s)
		return -1;
	*at = *service_placement(s, 0);
	at->assignment = a;
	service_free(s);
	check_alone(l, w, a);
	return 0;
}

int scenario_check_placed(struct loader *l, const struct world *w)
{
	if (!w->scenario->plan)
		return 0;
	return diag_add(l->diags, w->scenario->plan->origin.node->place,
			"'lemursim plan' finds them, with -o FILE.yaml as a scenario of their own",
			"the scenario plans: it has no assignments yet");
}

struct placement *scenario_place(struct loader *l, const struct world *w)
{
	const struct assignment *a = w->scenario->assignments.at;
	const size_t n = w->scenario->assignments.n;
	struct placement *all = arena_array(l->arena, n, sizeof *all);
	const bool serves = workload_asks(&w->scenario->workload, JOB_SERVE);

	scenario_check_placed(l, w);
	if (serves && w->scenario->workload.serve->arrivals.kind != ARRIVALS_TRACE)
		scenario_check_load(
			l, w); /* a trace is read once, by the first run, which says what is wrong with it */
	for (size_t i = 0; i < n; i++)
		if ((serves ? place_service(l, w, &a[i], &all[i])
			    : placement_make(l->arena, w, &a[i], &all[i], l->diags)) == 0)
			stages_check(&all[i], l->diags);
	return l->diags->total ? NULL : all;
}
