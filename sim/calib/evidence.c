/* evidence.c - see evidence.h. */
#include "sim/calib/evidence.h"

#include <string.h>

struct loaded_device {
	const char *machine, *runtime; /* NULL: any */
	struct known_device device;
};

struct loaded_model {
	const char *name;
	struct model *model;
};

struct gathering {
	struct loader *l;
	enum evidence_profile profile;
	VEC(struct loaded_device *) devices;
	VEC(struct loaded_model) models;
};

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static int load_as(struct gathering *g, const char *machine, const char *runtime, struct known_device *d)
{
	switch (g->profile) {
	case EVIDENCE_PROFILE:
		return known_device_load(g->l, machine, NULL, runtime, d);
	case EVIDENCE_STRANGER:
		return known_stranger_load(g->l, machine, NULL, runtime, d);
	case EVIDENCE_NO_PROFILE:
		break;
	}
	return known_machine_load(g->l, machine, NULL, d);
}

static const struct known_device *device_of(struct gathering *g, const char *machine, const char *runtime)
{
	struct loaded_device *d;

	for (size_t i = 0; i < g->devices.n; i++)
		if (same_text(g->devices.at[i]->machine, machine) &&
		    same_text(g->devices.at[i]->runtime, runtime))
			return &g->devices.at[i]->device;
	d = arena_alloc(g->l->arena, sizeof *d);
	*d = (struct loaded_device){.machine = machine, .runtime = runtime};
	if (load_as(g, machine, runtime, &d->device) != 0)
		return NULL;
	VEC_ADD(&g->devices, d);
	return &d->device;
}

static const struct model *model_of(struct gathering *g, const char *name)
{
	struct model *m;

	for (size_t i = 0; i < g->models.n; i++)
		if (!strcmp(g->models.at[i].name, name))
			return g->models.at[i].model;
	m = known_model_load(g->l, name);
	if (m)
		VEC_ADD(&g->models, ((struct loaded_model){name, m}));
	return m;
}

static int take(struct gathering *g, const struct run *run, const char *runtime, struct evidence_row *row,
		struct err *err)
{
	const enum dtype compute = DTYPE_F16;

	*row = (struct evidence_row){.run = run, .device = device_of(g, run->machine, runtime)};
	row->model = row->device ? model_of(g, run->model) : NULL;
	if (!row->model)
		return -1;
	return guess_precision(run, run->weights, row->device->profile ? row->device->compute : compute,
			       &row->precision, err);
}

int evidence_load(struct loader *l, const struct runs *runs, enum evidence_profile profile,
		  struct evidence *e, struct err *err)
{
	struct gathering g = {.l = l, .profile = profile};
	int rc = 0;

	*e = (struct evidence){arena_array(l->arena, runs->n, sizeof *e->at), 0};
	if (!runs_name_machines(runs))
		rc = err_set(err, "%s: its rows do not say which machine they are of", runs->path);
	for (size_t i = 0; i < runs->n && rc == 0; i++) {
		const struct run *run = &runs->at[i];

		rc = take(&g, run, profile ? run->runtime : NULL, &e->at[e->n], err);
		e->n += rc == 0;
	}
	VEC_FREE(&g.devices);
	VEC_FREE(&g.models);
	return rc;
}

const char *evidence_name(struct arena *a, const struct evidence_row *row)
{
	return arena_printf(a, "%s %s %s", row->run->model, mix_names[row->precision.weights],
			    run_name(a, row->run));
}
