/* variants.c - see variants.h. */
#include "sim/search/variants.h"

/* A value to try: what it makes of the workload; false where that would be nothing new, or cannot be. */
struct trial {
	enum job job;
	int64_t value;
	const char *key;
	bool (*set)(struct workload *k, int64_t value);
};

/* Sequences in groups that follow one another. */
static bool set_groups(struct workload *k, int64_t groups)
{
	if (groups > k->generate->batch || groups == k->generate->options.micro_batches)
		return false;
	k->generate->options.micro_batches = groups;
	return true;
}

/* Of one micro-batch all orders are one, but for what is put off. */
static bool set_schedule(struct workload *k, int64_t schedule)
{
	if (schedule == k->train->options.schedule ||
	    (k->train->micro_batches == 1 && schedule != SCHEDULE_ZB_H1))
		return false;
	k->train->options.schedule = (int)schedule;
	return true;
}

/* Interleaved and zb-v want devices to come back, which seatings do not. */
static const struct trial trials[] = {
	{JOB_GENERATE, 1, "micro_batches", set_groups},
	{JOB_GENERATE, 2, "micro_batches", set_groups},
	{JOB_GENERATE, 3, "micro_batches", set_groups},
	{JOB_GENERATE, 4, "micro_batches", set_groups},
	{JOB_TRAIN, SCHEDULE_1F1B, "schedule", set_schedule},
	{JOB_TRAIN, SCHEDULE_GPIPE, "schedule", set_schedule},
	{JOB_TRAIN, SCHEDULE_ZB_H1, "schedule", set_schedule},
	{JOB_TRAIN, SCHEDULE_ZB_H2, "schedule", set_schedule},
};

/* The world with a workload of its own to change: *k. */
static const struct world *world_with(struct arena *a, const struct world *w, struct workload **k)
{
	struct world *copy = arena_alloc(a, sizeof *copy);
	struct scenario *s = arena_alloc(a, sizeof *s);

	*copy = *w;
	*s = *w->scenario;
	if (s->workload.generate) {
		s->workload.generate = arena_alloc(a, sizeof *s->workload.generate);
		*s->workload.generate = *w->scenario->workload.generate;
	}
	if (s->workload.train) {
		s->workload.train = arena_alloc(a, sizeof *s->workload.train);
		*s->workload.train = *w->scenario->workload.train;
	}
	copy->scenario = s;
	*k = &s->workload;
	return copy;
}

static const char *value_text(struct arena *a, const struct trial *t)
{
	return t->job == JOB_TRAIN ? schedule_names[t->value] : arena_printf(a, "%d", (int)t->value);
}

static void add(struct arena *a, const struct world *w, const struct trial *t, struct variant *v)
{
	struct workload *k;
	const struct world *copy = world_with(a, w, &k);

	*v = (struct variant){.w = t->set(k, t->value) ? copy : NULL};
	if (!v->w)
		return;
	v->options = arena_printf(a, "%s: {%s: %s}", t->job == JOB_TRAIN ? "train" : "generate", t->key,
				  value_text(a, t));
	v->words = arena_printf(a, t->job == JOB_TRAIN ? "schedule %s" : "%s groups", value_text(a, t));
}

size_t variants_make(struct arena *a, const struct world *w, enum job job, struct variant out[VARIANTS])
{
	const struct train *t = w->scenario->workload.train;
	size_t n = 0;

	if (job != JOB_TRAIN || t->options.schedule != SCHEDULE_ZB_V)
		out[n++] = (struct variant){.w = w, .options = "", .words = ""};
	for (size_t i = 0; i < ARRAY_LEN(trials) && w->units_n > 1; i++) {
		if (trials[i].job != job)
			continue;
		add(a, w, &trials[i], &out[n]);
		n += out[n].w != NULL;
	}
	for (size_t i = 0; i < n; i++)
		block_costs_make(a, out[i].w, job, &out[i].block_costs);
	return n;
}
