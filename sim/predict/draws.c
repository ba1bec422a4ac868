/* draws.c - see draws.h. */
#include "sim/predict/draws.h"

#include <string.h>

#include "sim/base/err.h"
#include "sim/base/rng.h"
#include "sim/base/str.h"

static const char *device_stream(struct arena *a, const struct machine *machine, const struct device *device)
{
	return arena_printf(a, "draws/%s/%s", machine->title, device->origin.name);
}

/* The name of the random stream of a source's errors. Errors are those of a calibration: two machines of one
 * hardware file share them, whatever the scenario calls them. */
static const char *source_name(struct arena *a, const struct world *w, size_t index)
{
	const struct param_source s = source_at(w, index);

	switch (s.kind) {
	case QUEUE_DEVICE:
		return device_stream(a, &w->machines[w->units[s.of].machine], w->units[s.of].device);
	case QUEUE_LINK:
		return arena_printf(a, "draws/%s", w->links[s.of].title);
	case QUEUE_DISK:
		return arena_printf(a, "draws/%s/disk", w->machines[s.of].title);
	}
	BUG("source kind %d", (int)s.kind);
}

/* Draw i's numbers go to z[i * step], for those parameters that `has` names. */
static void draw_source(const char *stream, uint64_t seed, size_t n, const bool has[PARAM_N],
			struct params *z, size_t step)
{
	struct rng *rng = rng_new(seed, stream);

	for (size_t i = 0; i < n; i++)
		for (int p = 0; p < PARAM_N; p++)
			if (has[p])
				z[i * step].of[p] = rng_normal(rng);
	rng_free(rng);
}

static void draw_params(struct arena *a, const struct world *w, uint64_t seed, struct draws *d)
{
	for (size_t s = 0; s < d->sources; s++) {
		bool has[PARAM_N];

		for (int p = 0; p < PARAM_N; p++)
			has[p] = program_has_param(w, s, (enum param)p);
		draw_source(source_name(a, w, s), seed, d->n, has, &d->z[s], d->sources);
	}
}

struct params *draws_of_device(struct arena *a, const struct machine *machine, const struct device *device,
			       uint64_t seed, size_t n)
{
	struct params *z = arena_array(a, n, sizeof *z);
	bool has[PARAM_N];

	for (int p = 0; p < PARAM_N; p++)
		has[p] = p < PARAM_LINKS;
	draw_source(device_stream(a, machine, device), seed, n, has, z, 1);
	return z;
}

static const char *socket_title(const struct world *w, size_t socket)
{
	return socket < w->machines_n ? w->machines[socket].title : w->links[socket - w->machines_n].title;
}

static void draw_power(struct arena *a, const struct world *w, uint64_t seed, struct draws *d)
{
	for (size_t s = 0; s < d->sockets; s++) {
		struct rng *rng = rng_new(seed, arena_printf(a, "draws/%s/power", socket_title(w, s)));

		for (size_t i = 0; i < d->n; i++) {
			struct power_draw *l = &d->power[i * d->sockets + s];

			l->idle = rng_normal(rng);
			l->active = rng_normal(rng);
		}
		rng_free(rng);
	}
}

/* The names of all streams of a world, and which parameters each source has. */
static const char *drawn_for(struct arena *a, const struct world *w)
{
	struct str s = STR_INIT;
	const char *text;

	for (size_t i = 0; i < program_sources(w); i++) {
		str_add(&s, source_name(a, w, i));
		for (int p = 0; p < PARAM_N; p++)
			str_add(&s, program_has_param(w, i, (enum param)p) ? " 1" : " 0");
		str_add(&s, "\n");
	}
	for (size_t i = 0; i < w->machines_n + w->links_n; i++) {
		str_add(&s, socket_title(w, i));
		str_add(&s, "\n");
	}
	text = arena_strdup(a, s.text ? s.text : "");
	str_release(&s);
	return text;
}

struct draws draws_make(struct arena *a, const struct world *w, uint64_t seed, size_t n)
{
	struct draws d = {.seed = seed,
			  .n = n,
			  .threads = 1,
			  .sources = program_sources(w),
			  .sockets = w->machines_n + w->links_n,
			  .of = drawn_for(a, w)};

	d.z = arena_array(a, n * d.sources, sizeof *d.z);
	d.power = arena_array(a, n * d.sockets, sizeof *d.power);
	draw_params(a, w, seed, &d);
	draw_power(a, w, seed, &d);
	return d;
}

uint64_t draws_asked_seed(const struct draws_ask *ask, const struct world *w)
{
	return (uint64_t)(ask->seed >= 0 ? ask->seed : w->scenario->seed);
}

/* Each draw of a service is a whole load served: fewer do unless the scenario says how many. */
enum { SERVE_DRAWS = 32 };

static size_t usual_draws(const struct world *w)
{
	const struct yml *said = yml_get(w->scenario->origin.node, "draws");

	return workload_asks(&w->scenario->workload, JOB_SERVE) && (!said || said->is_default)
		       ? SERVE_DRAWS
		       : (size_t)w->scenario->draws;
}

static size_t asked_n(const struct world *w, const struct draws_ask *ask)
{
	return ask->n > 1 ? (size_t)ask->n : usual_draws(w);
}

bool draws_serve(const struct draws *d, const struct world *w, const struct draws_ask *ask)
{
	struct arena scratch = ARENA_INIT;
	const bool same = d->of && d->seed == draws_asked_seed(ask, w) && d->n == asked_n(w, ask) &&
			  !strcmp(d->of, drawn_for(&scratch, w));

	arena_release(&scratch);
	return same;
}

struct draws draws_asked(struct arena *a, const struct world *w, const struct draws_ask *ask)
{
	struct draws d = draws_make(a, w, draws_asked_seed(ask, w), asked_n(w, ask));

	d.threads = workers_count(ask->workers.threads, d.n);
	d.each_iteration = ask->each_iteration;
	d.watch = ask->watch;
	return d;
}
