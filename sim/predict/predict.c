/* predict.c - see predict.h. */
#include "sim/predict/predict.h"

#include <math.h>
#include <string.h>

/* Machines that any phase of a job uses. */
static bool *machines_of(struct arena *a, const struct placement *at, enum job job)
{
	const struct job_phases phases = job_phases(job);
	const struct world *w = at->world;
	bool *used = arena_array(a, w->machines_n, sizeof *used);

	for (size_t u = 0; u < w->units_n; u++)
		for (int x = (int)phases.first; x <= (int)phases.last; x++)
			used[w->units[u].machine] |= placement_uses(at, (enum phase)x, u);
	return used;
}

void prediction_make(struct arena *a, const struct placement *at, struct prediction *p)
{
	prediction_make_asked(a, at, NULL, p);
}

/* Whether an assignment says more than where blocks are. */
static bool has_options(const struct placement *at)
{
	const struct assignment *of = at->assignment;

	return of->offload || of->generate || of->train || at->draft || at->copied;
}

/* Whether a job of programs is the same in two placements of a world. */
static bool same_job(const struct placement *x, const struct placement *y, enum job job)
{
	const struct job_phases phases = job_phases(job);

	if (!job_types[job]->programs || x->world != y->world || has_options(x) || has_options(y))
		return false;
	for (int i = (int)phases.first; i <= (int)phases.last; i++)
		for (size_t b = 0; b < x->blocks_n; b++)
			if (!shard_group_same(&x->shard_groups[i][b], &y->shard_groups[i][b]))
				return false;
	return true;
}

/* The same job of the first of all that has it. */
static const struct job_run *find_same(const struct placement *at, size_t i, enum job job,
				       const struct prediction *all)
{
	for (size_t k = 0; k < i; k++)
		if (same_job(&at[k], &at[i], job))
			return &all[k].jobs[job];
	return NULL;
}

void prediction_make_asked(struct arena *a, const struct placement *at, const bool *asked,
			   struct prediction *p)
{
	prediction_make_among(a, at, 0, asked, p);
}

void prediction_make_among(struct arena *a, const struct placement *at, size_t i, const bool *asked,
			   struct prediction *all)
{
	struct prediction *p = &all[i];

	*p = (struct prediction){.at = at[i]};
	for (int j = 0; j < JOB_N; j++) {
		struct job_run *r = &p->jobs[j];

		r->type = job_types[j];
		r->at = &p->at;
		r->asked = workload_asks(&at[i].world->scenario->workload, (enum job)j) &&
			   metrics_ask((enum job)j, asked);
		r->uses = machines_of(a, &at[i], (enum job)j);
		r->same = r->asked ? find_same(at, i, (enum job)j, all) : NULL;
		if (r->asked && !r->same)
			r->type->make(a, r);
	}
}

void prediction_share(struct prediction *p)
{
	for (int j = 0; j < JOB_N; j++) {
		struct job_run *r = &p->jobs[j];

		if (!r->same)
			continue;
		r->footprint = r->same->footprint;
		r->memory = r->same->memory;
		r->fits = r->same->fits;
		r->state = r->same->state;
	}
}

void prediction_release(struct prediction *p)
{
	for (int j = 0; j < JOB_N; j++)
		if (!p->jobs[j].same)
			p->jobs[j].type->release(&p->jobs[j]);
}

bool prediction_fits(const struct prediction *p)
{
	bool fits = false;

	for (int j = 0; j < JOB_N; j++)
		fits |= p->jobs[j].fits;
	return fits;
}

bool prediction_any_fits(const struct placement *at)
{
	bool fits = false;

	for (size_t i = 0; at && i < at->world->scenario->assignments.n && !fits; i++) {
		struct arena scratch = ARENA_INIT;
		struct prediction *p = arena_alloc(&scratch, sizeof *p);

		prediction_make(&scratch, &at[i], p);
		fits = prediction_fits(p);
		prediction_release(p);
		arena_release(&scratch);
	}
	return fits;
}

bool prediction_uses(const struct prediction *p, size_t machine)
{
	bool uses = false;

	for (int j = 0; j < JOB_N; j++)
		uses |= p->jobs[j].uses[machine];
	return uses;
}

size_t prediction_machines(const struct prediction *p)
{
	size_t n = 0;

	for (size_t m = 0; m < p->at.world->machines_n; m++)
		n += prediction_uses(p, m);
	return n;
}

int prediction_values(const struct prediction *p, struct metric_values *v, struct err *err)
{
	const struct conditions calibrated = {.params = NULL};
	int rc = 0;

	for (int j = 0; j < JOB_N && rc == 0; j++) {
		const struct job_run *r = &p->jobs[j];

		for (size_t i = 0; i < METRICS_MAX; i++)
			v->of[j][i] = NAN;
		if (r->state && r->same && r->same->values)
			memcpy(v->of[j], r->same->values, sizeof v->of[j]);
		else if (r->state)
			rc = r->type->values(r, NULL, &calibrated, v->of[j], err);
	}
	return rc;
}

const char *queue_name(struct arena *a, const struct world *w, size_t index)
{
	const struct queue q = queue_at(w, index);

	switch (q.kind) {
	case QUEUE_DEVICE:
		return w->units[q.of].name;
	case QUEUE_DISK:
		return arena_printf(a, "%s.disk", w->machines[q.of].origin.name);
	case QUEUE_LINK:
		return arena_printf(a, "%s %s>%s", w->link_uses[q.of].link->origin.name,
				    w->machines[queue_machine(w, q)].origin.name,
				    w->machines[queue_receiver(w, q)].origin.name);
	}
	BUG("queue kind %d", (int)q.kind);
}
