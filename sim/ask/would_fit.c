/* would_fit.c - see would_fit.h. */
#include "sim/ask/would_fit.h"

#include "sim/predict/predict.h"
#include "sim/predict/scenario_load.h"

enum { CHANGES_MAX = 6 };

struct search {
	const struct would_fit_ask *ask;
	struct arena *arena;
	const char *found[CHANGES_MAX];
	size_t n;
};

const char *const *would_fit_formats(enum format_reader reader)
{
	static const char *const gguf[] = {"q8_0",   "q6_K",   "q5_K_M", "q4_K_M", "iq4_xs",
					   "q3_K_M", "q3_K_S", "q2_K",   NULL};
	static const char *const mlx[] = {"mlx_q8", "mlx_q6", "mlx_q5", "mlx_q4", "mlx_q3", "mlx_q2", NULL};
	static const char *const none[] = {NULL};

	return reader == READS_GGUF ? gguf : reader == READS_MLX ? mlx : none;
}

/* Tries one change more; what is refused does not fit. */
static bool fits_with(const struct search *s, const char *change)
{
	struct arena scratch = ARENA_INIT;
	struct diags unheard;
	struct loader apart;
	struct texts sets;
	const struct world *w;
	bool fits = false;

	diags_init(&unheard, &scratch);
	loader_begin_inner(&apart, &scratch, s->ask->loader);
	apart.diags = &unheard;
	sets = texts_join(&scratch, s->ask->sets, &change, 1);
	w = scenario_load(&apart, s->ask->path, &sets);
	if (w)
		fits = s->ask->fits ? s->ask->fits(s->ask->self, w)
				    : prediction_any_fits(scenario_place(&apart, w));
	arena_release(&scratch);
	return fits;
}

static void add(struct search *s, const char *change)
{
	if (s->n < CHANGES_MAX)
		s->found[s->n++] = change;
}

static void smaller_formats(struct search *s)
{
	static const enum format_reader readers[] = {READS_GGUF, READS_MLX};

	for (size_t k = 0; k < ARRAY_LEN(readers); k++)
		for (const char *const *f = would_fit_formats(readers[k]); *f; f++) {
			const char *change = arena_printf(s->arena, "precision.weights=%s", *f);

			if (!fits_with(s, change))
				continue;
			add(s, change);
			return;
		}
}

static void smaller_cache(struct search *s)
{
	if (fits_with(s, "precision.kv=q8_0"))
		add(s, "precision.kv=q8_0");
}

int64_t would_fit_most(int64_t too_many, bool (*fits)(void *self, int64_t n), void *self)
{
	int64_t most = 0;

	while (too_many - most > 1) {
		const int64_t half = (most + too_many) / 2;

		if (fits(self, half))
			most = half;
		else
			too_many = half;
	}
	return most;
}

struct count {
	const struct search *s;
	const char *path, *unit;
	int64_t step;
};

static const char *count_change(const struct count *c, int64_t steps)
{
	return arena_printf(c->s->arena, "%s=%lld%s", c->path, (long long)(steps * c->step), c->unit);
}

static bool fits_with_count(void *count, int64_t steps)
{
	const struct count *c = count;

	return fits_with(c->s, count_change(c, steps));
}

/* The largest multiple of step below what is asked for. */
static void fewer(struct search *s, const char *path, int64_t now, int64_t step, const char *unit)
{
	struct count c = {s, path, unit, step};
	const int64_t most = would_fit_most((now + step - 1) / step, fits_with_count, &c);

	if (most)
		add(s, count_change(&c, most));
}

static void fewer_of(struct search *s, const struct workload *load)
{
	if (load->generate) {
		fewer(s, "workload.generate.prompt", load->generate->prompt, 256, " tok");
		fewer(s, "workload.generate.batch", load->generate->batch, 1, "");
	}
	if (load->train) {
		fewer(s, "workload.train.tokens", load->train->tokens, 256, " tok");
		fewer(s, "workload.train.batch", load->train->batch, 1, "");
	}
}

struct texts would_fit(struct arena *a, const struct would_fit_ask *ask)
{
	struct search s = {.ask = ask, .arena = a};
	struct arena scratch = ARENA_INIT;
	struct diags unheard;
	struct loader apart;
	const struct world *w;

	diags_init(&unheard, &scratch);
	loader_begin_inner(&apart, &scratch, ask->loader);
	apart.diags = &unheard;
	w = scenario_load(&apart, ask->path, ask->sets);
	if (w) {
		smaller_formats(&s);
		smaller_cache(&s);
		fewer_of(&s, &w->scenario->workload);
	}
	arena_release(&scratch);
	return texts_join(a, &(struct texts){NULL, 0}, s.found, s.n);
}
