/* computed.c - see computed.h. */
#include "sim/world/computed.h"

#include <string.h>

/* Every runtime of the world once, with the version of the software where it is the only one. */
static void add_runtimes(struct str *out, const struct world *w)
{
	size_t n = 0;

	for (size_t i = 0; i < w->units_n; i++) {
		const struct profile *p = w->units[i].profile;
		bool told = false;

		for (size_t k = 0; k < i && !told; k++)
			told = !strcmp(w->units[k].profile->origin.name, p->origin.name);
		if (told)
			continue;
		str_addf(out, "%s%s", n++ ? " and " : "; runtime ", p->origin.name);
	}
	if (n == 1)
		str_addf(out, " (%s)", w->units[0].profile->version);
}

static void add_generate(struct str *out, const struct generate *g)
{
	str_addf(out, "; prompt %lld tok", (long long)g->prompt);
	if (g->options.chunk && g->options.chunk < g->prompt)
		str_addf(out, " in chunks of %lld tok", (long long)g->options.chunk);
	str_addf(out, ", %lld tok generated, batch %lld", (long long)g->tokens, (long long)g->batch);
}

static void add_train(struct str *out, const struct train *t)
{
	static const char *const methods[] = {
		[TRAIN_FULL] = "full training", [TRAIN_LORA] = "LoRA", [TRAIN_QLORA] = "QLoRA"};

	str_addf(out, "; %s", methods[t->method]);
	if (t->method != TRAIN_FULL)
		str_addf(out, " of rank %lld", (long long)t->rank);
	str_addf(out, ", batch %lld of %lld tok", (long long)t->batch, (long long)t->tokens);
	if (t->micro_batches > 1)
		str_addf(out, ", %lld micro-batches", (long long)t->micro_batches);
}

static void add_model(struct str *out, const struct model *m, const struct precision *p)
{
	str_addf(out, "%s, weights %s, KV %s, computed in %s", m->title, mix_names[p->weights],
		 format_names[p->kv], format_names[p->compute]);
}

static const char *keep(struct arena *a, struct str *s)
{
	const char *text = arena_strdup(a, s->text);

	str_release(s);
	return text;
}

const char *run_computed(struct arena *a, const struct model *m, const struct precision *p,
			 const struct profile *profile, const char *run)
{
	struct str s = STR_INIT;

	add_model(&s, m, p);
	str_addf(&s, "; runtime %s (%s); %s", profile->origin.name, profile->version, run);
	return keep(a, &s);
}

const char *world_run_computed(struct arena *a, const struct world *w, const char *run)
{
	struct str s = STR_INIT;

	add_model(&s, w->model, &w->scenario->precision);
	add_runtimes(&s, w);
	str_addf(&s, "; %s", run);
	return keep(a, &s);
}

const char *world_computed(struct arena *a, const struct world *w, uint64_t seed)
{
	const struct workload *k = &w->scenario->workload;
	struct str s = STR_INIT;

	add_model(&s, w->model, &w->scenario->precision);
	add_runtimes(&s, w);
	if (k->generate)
		add_generate(&s, k->generate);
	if (k->train)
		add_train(&s, k->train);
	if (k->serve)
		str_add(&s, "; a load of requests");
	str_addf(&s, "; seed %llu", (unsigned long long)seed);
	return keep(a, &s);
}
