/* variants.c - see variants.h. */
#include "sim/search/search_job.h"

/* A copy of the world with its own workload *k, which the caller may change. */
static const struct world *copy_world(struct arena *a, const struct world *w, struct workload **k)
{
	struct world *copy = arena_alloc(a, sizeof *copy);
	struct scenario *s = arena_alloc(a, sizeof *s);

	*copy = *w;
	*s = *w->scenario;
	s->workload = workload_copy(a, &w->scenario->workload);
	copy->scenario = s;
	*k = &s->workload;
	return copy;
}

static void add_trial(struct arena *a, const struct world *w, enum job job, const struct trial *t,
		      struct variant *v)
{
	const struct search_job *search = search_job(job);
	struct workload *k;
	const struct world *copy = copy_world(a, w, &k);
	const char *text;

	*v = (struct variant){.w = t->set(k, t->value) ? copy : NULL};
	if (!v->w)
		return;
	text = search->value_text(a, t->value);
	v->options = arena_printf(a, "%s: {%s: %s}", job_name(job), t->key, text);
	v->words = search->trial_words(a, text);
}

size_t variants_make(struct arena *a, const struct world *w, enum job job, struct variant out[VARIANTS])
{
	const struct search_job *search = search_job(job);
	size_t n = 0;

	if (!search->as_given || search->as_given(&w->scenario->workload))
		out[n++] = (struct variant){.w = w, .options = "", .words = ""};
	for (size_t i = 0; i < search->trials_n && w->units_n > 1; i++) {
		add_trial(a, w, job, &search->trials[i], &out[n]);
		n += out[n].w != NULL;
	}
	for (size_t i = 0; i < n; i++)
		block_costs_make(a, out[i].w, job, &out[i].block_costs);
	return n;
}
