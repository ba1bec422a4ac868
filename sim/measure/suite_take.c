/* suite_take.c - see suite_take.h. */
#include "sim/measure/suite_take.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "sim/stats/quantile.h"

enum { WINDOWS_MAX = 10, CANARY_BATCHES = 6, CANARY_TRIES = 5, REPS_MAX = 1 << 24 };
static const double windows_agree = 0.03, canary_min_s = 0.004, canary_fine = 1.05;
/* The share of a case's limit after which its warm-up ends; the share of the time so far that repeated canaries may take,
 * beyond a second. */
static const double warm_share = 0.4, canary_share = 0.1;

double take_now(const struct taker *t)
{
	struct timespec now;

	if (t->o->now)
		return t->o->now(t->o->now_self);
	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
}

bool take_stopped(const struct taker *t)
{
	return t->o->stop && *t->o->stop;
}

uint64_t take_random(struct taker *t) /* splitmix64 */
{
	uint64_t z = t->random += 0x9e3779b97f4a7c15ULL;

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static int run(struct taker *t, int64_t reps, double *each, struct err *err)
{
	double seconds = -1;

	if (t->m.backend->run(t->m.self, reps, &seconds, err) != 0)
		return -1;
	if (!(seconds >= 0) || !isfinite(seconds)) /* 0: below the clock's resolution */
		return err_set(err, "the backend says that %lld repetitions took %g s", (long long)reps,
			       seconds);
	*each = seconds / (double)reps;
	return 0;
}

static int64_t reps_for(double min_s, double each)
{
	return each > 0 ? (int64_t)fmin(fmax(ceil(min_s / each), 1), REPS_MAX) : REPS_MAX;
}

/* Finds the repetitions with which a batch lasts min_s: quadrupled from one until a tenth of that is reached, then in one
 * step; the warm-up corrects them further. *each: seconds of a repetition where the last trial had that number, else -1. */
static int find_reps(struct taker *t, double min_s, int64_t *reps, double *each, struct err *err)
{
	int64_t tried;

	for (tried = 1; tried < REPS_MAX; tried *= 4) {
		if (run(t, tried, each, err) != 0)
			return -1;
		if (*each * (double)tried >= 0.1 * min_s)
			break;
	}
	*reps = reps_for(min_s, *each);
	*each = *reps == tried ? *each : -1;
	return 0;
}

/* Runs windows until two in a row agree: clocks ramp up, pages are touched, threads wake. before: seconds of a repetition
 * in a window that was run already; -1: none. */
static int warm_up(struct taker *t, double min_s, double until, int64_t *reps, double before, struct err *err)
{
	double each = 0;

	for (int i = 0; i < WINDOWS_MAX && !take_stopped(t); i++) {
		if (before > 0 && take_now(t) >= until)
			break;
		if (run(t, *reps, &each, err) != 0)
			return -1;
		*reps = reps_for(min_s, each);
		if (before > 0 && fabs(each - before) <= windows_agree * before)
			break;
		before = each;
	}
	return 0;
}

/* The length of a batch: min_s, or less where the limit has no room for `most` of them after the warm-up. */
static double batch_s(const struct take *plan)
{
	if (!(plan->limit_s > 0))
		return plan->min_s;
	return fmax(0.1 * plan->min_s, fmin(plan->min_s, (1 - warm_share) * plan->limit_s / plan->most));
}

static int take_batches(struct taker *t, const struct take *plan, int64_t reps, double until, batches *to,
			struct err *err)
{
	for (int i = 0; i < plan->most && !take_stopped(t); i++) {
		struct batch batch = {.segment = take_segment(t)};

		if (i >= plan->least && take_now(t) >= until)
			break;
		if (run(t, reps, &batch.s, err) != 0)
			return -1;
		if (!(batch.s > 0))
			return err_set(err, "the clock stood still for a batch of %lld repetitions",
				       (long long)reps);
		VEC_ADD(to, batch);
	}
	return 0;
}

int take_case(struct taker *t, const struct bench_case *c, const struct take *plan, batches *to,
	      struct err *err)
{
	const struct backend *b = t->m.backend;
	const bool cold_start =
		c->kind == SAMPLE_SUSTAINED; /* no warm-up: it measures how the device slows down from rest */
	const double began = take_now(t), limit = plan->limit_s > 0 ? plan->limit_s : INFINITY,
		     min_s = batch_s(plan);
	double each;
	int64_t reps;
	int rc = b->prepare(t->m.self, c, err);

	if (rc == 0)
		rc = find_reps(t, min_s, &reps, &each, err);
	if (rc == 0 && !cold_start)
		rc = warm_up(t, min_s, began + warm_share * limit, &reps, each, err);
	if (rc == 0)
		rc = take_batches(t, plan, reps, began + limit, to, err);
	b->finish(t->m.self);
	return rc;
}

/* A canary's normal time: the first quartile of its rounds, since other programs slow a machine down, never speed it up. */
static double normal_s(const struct canary *k)
{
	return quantile_of(k->seconds.at, k->seconds.n, 0.25);
}

static int fastest_batch(struct taker *t, struct canary *k, double *least, struct err *err)
{
	const struct take plan = {canary_min_s, CANARY_BATCHES, CANARY_BATCHES, 0};
	batches got = {0};
	const int rc = take_case(t, &k->c, &plan, &got, err);

	for (size_t i = 0; i < got.n; i++) {
		*least = fmin(*least, got.at[i].s);
		k->first_s = k->seconds.n ? k->first_s : fmax(k->first_s, got.at[i].s);
	}
	VEC_FREE(&got);
	return rc;
}

/* One round of a canary: the fastest of a few batches, tried again where that is slow. The machine's state, its clock and
 * heat, lasts; a short disturbance passes, and the samples' medians tolerate it. */
static int take_canary(struct taker *t, struct canary *k, struct err *err)
{
	const double began = take_now(t);
	double least = INFINITY;

	for (int i = 0; i < CANARY_TRIES && !take_stopped(t); i++) {
		const double spent = t->canary_s + take_now(t) - began;

		if (i && spent > 1 + canary_share * (take_now(t) - t->began_s))
			break;
		if (fastest_batch(t, k, &least, err) != 0)
			return -1;
		if (k->seconds.n < 2 || least <= canary_fine * normal_s(k))
			break;
	}
	if (isfinite(least))
		VEC_ADD(&k->seconds, least);
	t->canary_s += take_now(t) - began;
	return 0;
}

int take_canaries(struct taker *t, struct err *err)
{
	for (size_t i = 0; i < CANARY_N; i++)
		if (t->canaries[i].used && !take_stopped(t) && take_canary(t, &t->canaries[i], err) != 0)
			return -1;
	return 0;
}

size_t take_segment(const struct taker *t)
{
	size_t rounds = 0;

	for (size_t i = 0; i < CANARY_N; i++)
		rounds = t->canaries[i].seconds.n > rounds ? t->canaries[i].seconds.n : rounds;
	return rounds ? rounds - 1 : 0;
}

/* A round's deviation from the canary's normal time. */
static double off_from(const struct canary *k, double normal, size_t round)
{
	return fabs(k->seconds.at[round] / normal - 1);
}

static double off_at(const struct canary *k, size_t round)
{
	return round < k->seconds.n ? off_from(k, normal_s(k), round) : 0;
}

static const struct canary *canary_of(const struct taker *t, enum sample_kind kind)
{
	const bool computes = kind == SAMPLE_GEMM || kind == SAMPLE_PREFILL || kind == SAMPLE_SUSTAINED;
	const struct canary *k = &t->canaries[computes ? CANARY_COMPUTE : CANARY_MEMORY];

	if (!k->used)
		k = &t->canaries[computes ? CANARY_MEMORY : CANARY_COMPUTE];
	return k->seconds.n ? k : NULL;
}

double take_canary_off(const struct taker *t, enum sample_kind kind, size_t segment)
{
	const struct canary *k = canary_of(t, kind);

	if (!k)
		return 0;
	if (segment + 1 >= k->seconds.n)
		return off_at(k, segment);
	return fmin(off_at(k, segment), off_at(k, segment + 1));
}

double take_canary_limit(const struct taker *t, enum sample_kind kind, double least)
{
	const struct canary *k = canary_of(t, kind);
	double *off, limit, normal;

	if (!k)
		return least;
	normal = normal_s(k);
	off = xmalloc(k->seconds.n * sizeof *off);
	for (size_t i = 0; i < k->seconds.n; i++)
		off[i] = off_from(k, normal, i);
	limit = 3 * 1.4826 * quantile_of(off, k->seconds.n, 0.5); /* three robust standard deviations */
	free(off);
	return fmax(least, fmin(limit, 3 * least));
}

double take_canary_worst(const struct taker *t)
{
	double worst = 0;

	for (size_t i = 0; i < CANARY_N; i++) {
		const struct canary *k = &t->canaries[i];
		const double normal = k->seconds.n ? normal_s(k) : 0;

		for (size_t round = 0; round < k->seconds.n; round++)
			worst = fmax(worst, off_from(k, normal, round));
	}
	return worst;
}
