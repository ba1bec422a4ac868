/* train_idle.c - see train_idle.h. */
#include "sim/predict/train_idle.h"

#include <string.h>

#include "sim/train/pipeline.h"

static bool splits(const struct assignment *a, enum rule_split split)
{
	const struct rule *rules = a->place.at;

	for (size_t i = 0; i < a->place.n; i++)
		if (rules[i].split == (int)split)
			return true;
	return false;
}

static bool same_names(const struct field_list *a, const struct field_list *b)
{
	const char *const *x = a->at, *const *y = b->at;

	for (size_t i = 0; i < a->n && i < b->n; i++)
		if (strcmp(x[i], y[i]) != 0)
			return false;
	return a->n == b->n;
}

/* Rules of prefill and decode place nothing of a training step. */
static bool is_of_training(const struct rule *rule)
{
	const char *const *phases = rule->phase.at;

	for (size_t i = 0; i < rule->phase.n; i++)
		if (strcmp(phases[i], phase_names[PHASE_PREFILL]) != 0 &&
		    strcmp(phases[i], phase_names[PHASE_DECODE]) != 0)
			return true;
	return !rule->phase.n;
}

/* Returns whether there is no pipeline: all is on the same devices, which share each layer, or the micro-batches. */
static bool has_one_stage(const struct assignment *a)
{
	const struct rule *rules = a->place.at, *first = NULL;

	for (size_t i = 0; i < a->place.n; i++) {
		if (!is_of_training(&rules[i]))
			continue;
		if (first && (!same_names(&rules[i].on, &first->on) || rules[i].split != first->split))
			return false;
		first = &rules[i];
	}
	return first;
}

/* Returns whether an option changes nothing in an assignment. */
typedef bool idle(const struct assignment *a, const struct train *t);

static bool idle_sums(const struct assignment *a, const struct train *t)
{
	return train_gradient_ranks(&t->options) == 1 && !splits(a, RULE_DATA);
}

static bool idle_zero(const struct assignment *a, const struct train *t)
{
	return t->options.zero && idle_sums(a, t);
}

static bool idle_tokens(const struct assignment *a, const struct train *t)
{
	return t->options.sequence_parallel && t->options.tensor_parallel == 1 && !splits(a, RULE_TENSOR);
}

static bool idle_pieces(const struct assignment *a, const struct train *t)
{
	(void)a;
	return t->options.tensor_overlap &&
	       (t->options.tensor_parallel == 1 || !t->options.sequence_parallel);
}

static bool idle_gathers(const struct assignment *a, const struct train *t)
{
	return t->options.step_overlap && (!t->options.zero || t->options.zero > 2 || idle_zero(a, t));
}

static bool has_one_micro_batch(const struct train *t)
{
	return t->micro_batches == t->options.data_parallel;
}

/* A stage that waits for no other holds one micro-batch after the other. */
static bool idle_limit(const struct assignment *a, const struct train *t)
{
	return has_one_micro_batch(t) || has_one_stage(a);
}

/* Passes of one micro-batch come in one order, unless gradients of weights are passes of their own. One stage runs each micro-batch
 * forward and back under every schedule but GPipe, which holds them all; there such passes make a difference to a tensor split alone, whose
 * sums they may run beside. */
static bool idle_order(const struct assignment *a, const struct train *t)
{
	const enum train_schedule schedule = (enum train_schedule)t->options.schedule;
	const bool split = t->options.tensor_parallel > 1 || splits(a, RULE_TENSOR);

	if (has_one_micro_batch(t) && !schedule_splits(schedule))
		return true;
	return has_one_stage(a) && schedule != SCHEDULE_GPIPE && !(schedule_splits(schedule) && split);
}

static const struct idle_option {
	const char *key;
	bool has_default; /* it has a meaning where it is not said: told only where it is */
	idle *is_idle;
	const char *why;
} options[] = {
	{"zero", false, idle_zero, "there are no replicas to share an update"},
	{"sequence_parallel", false, idle_tokens, "there is no tensor split"},
	{"tensor_overlap", false, idle_pieces, "it needs sequence_parallel, and tensor_parallel above 1"},
	{"step_overlap", false, idle_gathers,
	 "no replica has to gather weights that others have updated: zero: 1 or 2, and replicas"},
	{"bucket", true, idle_sums, "there are no replicas whose gradients are summed"},
	{"overlap", true, idle_sums, "there are no replicas whose gradients are summed"},
	{"all_reduce", true, idle_sums, "there are no replicas whose gradients are summed"},
	{"schedule", true, idle_order, "one micro-batch, or one stage, has one order"},
	{"in_flight", true, idle_limit, "one micro-batch, or one stage, holds no more"},
};

static bool says(const struct origin *of, const char *key)
{
	const struct yml *at = yml_get(of->node, key);

	return at && !at->is_default;
}

static bool is_idle(const struct world *w, const struct idle_option *o, size_t i)
{
	const struct assignment *a = (const struct assignment *)w->scenario->assignments.at + i;
	const struct train t = train_as(w->scenario->workload.train, a);

	return o->is_idle(a, &t);
}

/* Returns whether an option that has a default is said where it changes nothing: in the assignment, or in the workload and
 * without any use there. */
static bool is_said(const struct world *w, const struct idle_option *o, size_t i)
{
	const struct assignment *all = w->scenario->assignments.at;

	if (all[i].train && says(&all[i].train->origin, o->key))
		return true;
	for (size_t k = 0; k < w->scenario->assignments.n; k++)
		if (!is_idle(w, o, k))
			return false;
	return says(&w->scenario->workload.train->origin, o->key);
}

static void say_option(struct str *out, const struct world *w, const struct idle_option *o)
{
	const struct assignment *all = w->scenario->assignments.at;
	bool first = true;

	for (size_t i = 0; i < w->scenario->assignments.n; i++) {
		if (!is_idle(w, o, i) || (o->has_default && !is_said(w, o, i)))
			continue;
		if (first)
			str_addf(out, " %s changes nothing in ", o->key);
		str_addf(out, "%s'%s'", first ? "" : ", ", all[i].name);
		first = false;
	}
	if (!first)
		str_addf(out, ": %s.", o->why);
}

/* ---- keys of the workload alone ---- */

static bool is_full(const struct train *t)
{
	return t->method == TRAIN_FULL;
}

static bool has_no_update(const struct train *t)
{
	return t->optimizer == OPTIMIZER_NONE;
}

static bool has_no_moments(const struct train *t)
{
	return t->optimizer == OPTIMIZER_NONE || t->optimizer == OPTIMIZER_SGD ||
	       t->optimizer == OPTIMIZER_ADAM_8BIT;
}

static const struct {
	const char *key;
	bool (*is_idle)(const struct train *t);
	const char *why;
} keys[] = {
	{"rank", is_full, "all is trained, without adapters"},
	{"targets", is_full, "all is trained, without adapters"},
	{"master", has_no_update, "no weights are updated"},
	{"states", has_no_moments, "the optimizer keeps no moments, or those of 8 bits"},
};

void train_idle_say(struct str *out, const struct world *w)
{
	const struct train *t = w->scenario->workload.train;

	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		say_option(out, w, &options[i]);
	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		if (says(&t->origin, keys[i].key) && keys[i].is_idle(t))
			str_addf(out, " %s changes nothing: %s.", keys[i].key, keys[i].why);
}
