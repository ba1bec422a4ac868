/* observations.c - see observations.h. */
#include "sim/family/observations.h"
#include "sim/family/report_rows.h"
#include "sim/family/run_weights.h"

#include <string.h>

struct loaded_device {
	enum observations_profile profile;
	const char *machine, *runtime; /* NULL: any */
	struct catalogue_device device;
};

struct loaded_model {
	const char *name;
	struct model *model;
};

struct observations_loader {
	struct loader *l;
	enum observations_profile profile;
	VEC(struct loaded_device *) devices;
	VEC(struct loaded_model) models;
	size_t loaded; /* rows, the other machines' rows of ratios included */
};

static bool same_text(const char *a, const char *b)
{
	return a == b || (a && b && !strcmp(a, b));
}

static int load_device(struct observations_loader *g, const char *machine, const char *runtime,
		       struct catalogue_device *d)
{
	switch (g->profile) {
	case OBSERVATIONS_PROFILE:
		return catalogue_device_load(g->l, machine, NULL, runtime, d);
	case OBSERVATIONS_UNMEASURED:
		return catalogue_unmeasured_load(g->l, machine, NULL, runtime, d);
	case OBSERVATIONS_NO_PROFILE:
		break;
	}
	return catalogue_machine_load(g->l, machine, NULL, d);
}

static const struct catalogue_device *device_of(struct observations_loader *g, const char *machine,
						const char *runtime)
{
	struct loaded_device *d;

	for (size_t i = 0; i < g->devices.n; i++)
		if (g->devices.at[i]->profile == g->profile &&
		    same_text(g->devices.at[i]->machine, machine) &&
		    same_text(g->devices.at[i]->runtime, runtime))
			return &g->devices.at[i]->device;
	d = arena_alloc(g->l->arena, sizeof *d);
	*d = (struct loaded_device){.profile = g->profile, .machine = machine, .runtime = runtime};
	if (load_device(g, machine, runtime, &d->device) != 0)
		return NULL;
	VEC_ADD(&g->devices, d);
	return &d->device;
}

static const struct model *model_of(struct observations_loader *g, const char *name)
{
	struct model *m;

	for (size_t i = 0; i < g->models.n; i++)
		if (!strcmp(g->models.at[i].name, name))
			return g->models.at[i].model;
	m = catalogue_model_load(g->l, name);
	if (m)
		VEC_ADD(&g->models, ((struct loaded_model){name, m}));
	return m;
}

static int load_row(struct observations_loader *g, const struct run *run, struct observation *row,
		    struct err *err)
{
	const char *runtime = g->profile ? run->runtime : NULL, *note;
	enum run_column column;
	struct err why = ERR_INIT;

	*row = (struct observation){
		.run = run, .device = device_of(g, run->machine, runtime), .id = g->loaded++};
	if (!row->device)
		return -1;
	if (run_is_operator(run))
		return row->device->profile ? observations_check(row, row->device->profile, err) : 0;
	row->model = model_of(g, run->model);
	if (!row->model)
		return -1;
	if (run_weights(g->l->arena, run, row->model, run->weights,
			row->device->profile
				? run_compute(run, row->model, row->device->device, row->device->profile)
				: DTYPE_F16,
			&row->precision, &note, &column, &why) == 0)
		return 0;
	err_set(err, "%s:%d: %s: %s", run->path, run->line, run_column_name(run, column), why.msg);
	return err_hint(err, "%s", why.hint);
}

/* The row of a ratio's other machine: the same run there, under the catalogue's profile where the runtime is another. */
static int load_ratio_base(struct observations_loader *g, struct observation *row, struct err *err)
{
	const enum observations_profile profile = g->profile;
	struct run *other;
	struct observation *over;
	int rc;

	if (!row->run->over)
		return 0;
	other = arena_alloc(g->l->arena, sizeof *other);
	over = arena_alloc(g->l->arena, sizeof *over);
	*other = *row->run;
	other->machine = row->run->over;
	other->runtime = row->run->over_runtime;
	other->over = other->over_runtime = NULL;
	other->seconds = 0;
	if (profile == OBSERVATIONS_UNMEASURED || !same_text(other->runtime, row->run->runtime))
		g->profile = OBSERVATIONS_PROFILE;
	rc = load_row(g, other, over, err);
	g->profile = profile;
	row->over = over;
	return rc;
}

int observations_load(struct loader *l, const struct runs *runs, enum observations_profile profile,
		      struct observations *e, struct err *err)
{
	struct observations_loader g = {.l = l, .profile = profile};
	int rc = 0;

	*e = (struct observations){arena_array(l->arena, runs->n, sizeof *e->at), 0};
	if (!runs_name_machines(runs))
		rc = err_set(err, "%s: its rows do not say which machine they are of", runs->path);
	for (size_t i = 0; i < runs->n && rc == 0; i++) {
		const struct run *run = &runs->at[i];

		rc = load_row(&g, run, &e->at[e->n], err);
		rc = rc == 0 ? load_ratio_base(&g, &e->at[e->n], err) : rc;
		e->n += rc == 0;
	}
	VEC_FREE(&g.devices);
	VEC_FREE(&g.models);
	return rc;
}

static enum dtype compute_of(const struct observation *row, const struct profile *p)
{
	return row->run->kind == RUN_GEMM ? row->run->product.dtype
					  : run_compute(row->run, row->model, row->device->device, p);
}

int observations_check(const struct observation *row, const struct profile *p, struct err *err)
{
	const enum dtype t = compute_of(row, p);

	if (p->gemm[t])
		return 0;
	err_set(err, "%s:%d: runtime '%s' of %s has no 'gemm_%s' table", row->run->path, row->run->line,
		p->origin.name, row->run->machine, dtype_names[t]);
	return err_hint(err, "it is not known what its products of that dtype reach");
}

/* True where two operators cost the same on every device. Field by field, since padding may differ. */
static bool same_op(const struct op *a, const struct op *b)
{
	return a->kind == b->kind && a->split == b->split && a->role == b->role && a->phase == b->phase &&
	       a->m == b->m && a->n == b->n && a->k == b->k && a->copies == b->copies &&
	       a->query == b->query && a->context == b->context && a->flop == b->flop &&
	       a->dense_flop == b->dense_flop && a->weight_B == b->weight_B && a->format == b->format &&
	       a->rows == b->rows && a->experts == b->experts && a->experts_all == b->experts_all &&
	       a->gradient == b->gradient && a->adapter == b->adapter && a->tensor_B == b->tensor_B &&
	       a->kv_B == b->kv_B && a->cells == b->cells && a->kv_of_all == b->kv_of_all &&
	       a->groups == b->groups && a->head_dim == b->head_dim && a->times == b->times;
}

/* Chunks of a prompt and steps of a generation differ in their attention only. A fit predicts a row thousands of times,
 * so that operators which recur in a plan are kept once, with the sum of their weights. */
static void merge_alike(struct run_plan *plan)
{
	size_t kept = 0;

	for (size_t i = 0; i < plan->n; i++) {
		size_t k = 0;

		while (k < kept && !same_op(&plan->at[k].op, &plan->at[i].op))
			k++;
		if (k < kept)
			plan->at[k].times += plan->at[i].times;
		else
			plan->at[kept++] = plan->at[i];
	}
	plan->n = kept;
}

/* What of a profile a row's plan depends on, see run_plan_make(). */
struct plan_key {
	bool last_row, last_apart, all_logits, caches_only, wires, masks, fetches, honours[HONOUR_N],
		by_hand[BY_HAND_N];
};

struct observations_plan {
	const struct observation *row;
	struct run_plan plan;
	struct plan_key key;
};

static void grow_plans(struct observations_scratch *s, size_t n)
{
	struct observations_plan **plans = arena_array(s->arena, n, sizeof(struct observations_plan *));

	for (size_t i = 0; i < n; i++)
		plans[i] = i < s->plans_n ? s->plans[i]
					  : arena_alloc(s->arena, sizeof(struct observations_plan));
	s->plans = plans;
	s->plans_n = n;
}

static struct plan_key plan_key_of(const struct observation *row, const struct profile *p)
{
	struct plan_key key = {p->last_row,
			       p->last_apart,
			       p->all_logits,
			       p->caches_only,
			       p->overhead.wire.given,
			       p->overhead.mask.given,
			       p->overhead.logits.given,
			       {false},
			       {false}};

	for (int i = 0; i < HONOUR_N; i++)
		key.honours[i] = profile_honours(p, (enum honour)i, row->model->architecture);
	for (int i = 0; i < BY_HAND_N; i++)
		key.by_hand[i] = profile_by_hand(p, (enum by_hand)i, row->model->architecture);
	return key;
}

static bool same_key(const struct plan_key *a, const struct plan_key *b)
{
	return a->last_row == b->last_row && a->last_apart == b->last_apart &&
	       a->all_logits == b->all_logits && a->caches_only == b->caches_only && a->wires == b->wires &&
	       a->masks == b->masks && a->fetches == b->fetches &&
	       !memcmp(a->honours, b->honours, sizeof a->honours) &&
	       !memcmp(a->by_hand, b->by_hand, sizeof a->by_hand);
}

/* The row's plan is made again only where the profile asks for another. */
static const struct run_plan *plan_of(struct observations_scratch *s, const struct observation *row,
				      const struct profile *p)
{
	const struct plan_key key = plan_key_of(row, p);
	struct observations_plan *kept;

	if (row->id >= s->plans_n)
		grow_plans(s, 2 * row->id + 64);
	kept = s->plans[row->id];
	if (kept->row != row || !same_key(&kept->key, &key)) {
		*kept = (struct observations_plan){
			row, run_plan_make(s->arena, row->model, &row->precision, p, row->run), key};
		merge_alike(&kept->plan);
	}
	return &kept->plan;
}

static struct device_model device_model_of(struct arena *a, const struct observation *row,
					   const struct profile *p)
{
	const struct catalogue_device *d = row->device;

	struct device_model s = device_model_make(a, d->machine, d->device, report_as_run(p, row->run, a),
						  compute_of(row, p));

	if (row->model)
		device_model_for(&s, row->model);
	return s;
}

struct predicted_run observations_predict(struct arena *a, const struct observation *row,
					  const struct profile *p)
{
	const struct device_model device_model = device_model_of(a, row, p);

	return predicted_run_make(a, row->model, &row->precision, &device_model, row->run);
}

double observations_seconds(struct observations_scratch *s, const struct observation *row,
			    const struct profile *p)
{
	struct arena a = ARENA_INIT;
	const struct device_model device_model = device_model_of(&a, row, p);
	double seconds;

	if (row->model) {
		seconds = run_plan_seconds(plan_of(s, row, p), &device_model);
	} else {
		const struct predicted_run r = predicted_run_make(&a, NULL, NULL, &device_model, row->run);

		seconds = predicted_run_seconds(&r); /* an operator alone is not rounded */
	}
	arena_release(&a);
	return seconds;
}

const char *observations_name(struct arena *a, const struct observation *row)
{
	const char *name = run_name(a, row->run);

	return row->model
		       ? arena_printf(a, "%s %s %s", row->run->model, mix_names[row->precision.weights], name)
		       : name;
}
