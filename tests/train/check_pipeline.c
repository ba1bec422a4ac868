/* check_pipeline.c - pipeline schedules: bubbles and memory in closed form at equal stages, and what must
 * hold at any. */
#include "sim/train/pipeline.h"

#include <string.h>

#include "sim/base/rng.h"
#include "tests/suites.h"

enum { P_MIN = 2, P_MAX = 5, M_MAX = 16, CHUNKS_MAX = 64 };
enum { F = 60, B = 60, W = 60 }; /* of a stage; divides by 1..5 chunks */

static struct chunk chunks[CHUNKS_MAX];

/* p stages of v chunks each, of these times for a stage as a whole. */
static struct pipeline even(enum train_schedule s, size_t p, size_t v, uint32_t m, const sim_ns ns[PASS_N])
{
	for (size_t c = 0; c < p * v; c++) {
		const size_t at = s == SCHEDULE_ZB_V && c >= p ? 2 * p - 1 - c : c % p;

		chunks[c] = (struct chunk){{at, at, at}, {0}, {0, 0}};
		for (int x = 0; x < PASS_N; x++)
			chunks[c].ns[x] = ns[x] / (sim_ns)v;
	}
	return (struct pipeline){.chunks = chunks, .chunks_n = p * v, .stages_n = p, .micros = m};
}

static struct simulated_orders run(struct arena *a, enum train_schedule s, const struct pipeline *p,
				   struct stage_orders *o)
{
	struct pipeline seen = *p;
	struct simulated_orders r;

	*o = pipeline_make(a, s, p);
	if (o->joined)
		seen = pipeline_joined(a, p);
	r = pipeline_simulate(a, &seen, o);
	ck_assert_msg(r.whole, "%s: p %zu, m %u", schedule_names[s], p->stages_n, p->micros);
	return r;
}

/* ---- equal stages: the bubble, and micro-batches held ---- */

/* Idle time of the whole step beyond m (F + B + W), in closed form. */
static sim_ns bubble(enum train_schedule s, int64_t p, int64_t v, int64_t m)
{
	switch (s) {
	case SCHEDULE_SERIAL:
		return m * (p - 1) * (F + B + W);
	case SCHEDULE_GPIPE: /* (p - 1)/(m + p - 1) of the step */
	case SCHEDULE_1F1B:
		return (p - 1) * (F + B + W);
	case SCHEDULE_INTERLEAVED: /* (p - 1)/(v m + p - 1); Narayanan et al., arXiv:2104.04473, section 2.2
				    */
		return (p - 1) * (F + B + W) / v;
	case SCHEDULE_ZB_H1: /* Qi et al., arXiv:2401.10241, table 1 */
		return (p - 1) * (F + B - W);
	case SCHEDULE_ZB_H2: /* F + B - 2 W: what is left is the ramp of a lone step */
		return (p - 1) * F;
	case SCHEDULE_ZB_V: /* likewise, half a stage each way */
		return (p - 1) * F / 2;
	case SCHEDULE_N:
		break;
	}
	return -1;
}

/* Chunks held on stage i. */
static int64_t held(enum train_schedule s, int64_t p, int64_t v, int64_t m, int64_t i)
{
	const int64_t n[SCHEDULE_N] = {
		[SCHEDULE_SERIAL] = 1,   [SCHEDULE_GPIPE] = m,
		[SCHEDULE_1F1B] = p - i, [SCHEDULE_INTERLEAVED] = 2 * (p - 1 - i) + (v - 1) * p + 1,
		[SCHEDULE_ZB_H1] = p,    [SCHEDULE_ZB_H2] = 2 * p - 1,
		[SCHEDULE_ZB_V] = 2 * p};
	return n[s];
}

static const struct {
	enum train_schedule schedule;
	size_t v;
} kinds[] = {
	{SCHEDULE_SERIAL, 1},      {SCHEDULE_GPIPE, 1},       {SCHEDULE_1F1B, 1},
	{SCHEDULE_INTERLEAVED, 2}, {SCHEDULE_INTERLEAVED, 3}, {SCHEDULE_INTERLEAVED, 4},
	{SCHEDULE_ZB_H1, 1},       {SCHEDULE_ZB_H2, 1},       {SCHEDULE_ZB_V, 2},
};

/* Papers give their orders for enough micro-batches; interleaving for multiples of p. */
static bool enough(enum train_schedule s, size_t p, uint32_t m)
{
	if (s == SCHEDULE_INTERLEAVED)
		return m % p == 0 && m > p;
	return m >= (s >= SCHEDULE_ZB_H1 ? 2 * p - 1 : p);
}

START_TEST(closed_form)
{
	static const sim_ns ns[PASS_N] = {F, B, W};
	const enum train_schedule s = kinds[_i].schedule;
	const size_t v = kinds[_i].v;
	size_t seen = 0;

	for (size_t p = P_MIN; p <= P_MAX; p++) {
		for (uint32_t m = 1; m <= M_MAX; m++) {
			struct arena a = ARENA_INIT;
			const struct pipeline pipe = even(s, p, v, m, ns);
			struct stage_orders o;
			const struct simulated_orders r = run(&a, s, &pipe, &o);
			const sim_ns work = m * (F + B + W);

			for (size_t i = 0; i < p; i++)
				ck_assert_int_eq(r.stages[i].busy_ns, work);
			if (enough(s, p, m)) {
				ck_assert(o.published);
				ck_assert_int_eq(r.makespan_ns - work, bubble(s, (int64_t)p, (int64_t)v, m));
				for (size_t i = 0; i < p; i++)
					ck_assert_int_eq(r.stages[i].held,
							 held(s, (int64_t)p, (int64_t)v, m, (int64_t)i));
				seen++;
			}
			/* ZB-H2 and ZB-V: no stage idles between its first pass and its last */
			for (size_t i = 0; i < p && s >= SCHEDULE_ZB_H2 && enough(s, p, m); i++)
				ck_assert_int_eq(r.stages[i].last_ns - r.stages[i].first_ns, work);
			arena_release(&a);
		}
	}
	ck_assert_uint_gt(seen, 4);
}
END_TEST

/* Where F, B and W differ: what ZB-H1 leaves of a stage's wait is (p - 1)(F + B - W), as table 1 of
 * arXiv:2401.10241 has it, as long as W is no longer than F and B. */
START_TEST(zb_h1_unequal)
{
	static const sim_ns times[][PASS_N] = {{60, 60, 60}, {60, 90, 60}, {60, 70, 60},
					       {50, 80, 50}, {60, 60, 40}, {70, 80, 50}};

	for (size_t p = P_MIN; p <= P_MAX; p++) {
		struct arena a = ARENA_INIT;
		const sim_ns *ns = times[_i];
		const struct pipeline pipe = even(SCHEDULE_ZB_H1, p, 1, (uint32_t)(4 * p), ns);
		struct stage_orders o;
		const struct simulated_orders r = run(&a, SCHEDULE_ZB_H1, &pipe, &o);

		ck_assert_int_eq(r.makespan_ns - (sim_ns)(4 * p) * (ns[0] + ns[1] + ns[2]),
				 (sim_ns)(p - 1) * (ns[0] + ns[1] - ns[2]));
		arena_release(&a);
	}
}
END_TEST

/* ---- any stages ---- */

static size_t below(struct rng *rng, size_t n)
{
	const size_t i = (size_t)(rng_uniform(rng) * (double)n);

	return i < n ? i : n - 1;
}

/* Unlike stages, hops, and a layout of its own; some of the lowest chunks frozen. */
static struct pipeline uneven(struct rng *rng, enum train_schedule s)
{
	const size_t p = 1 + below(rng, 4);
	const size_t v = s == SCHEDULE_ZB_V ? 2 : 1 + below(rng, 3);
	const bool scattered = s != SCHEDULE_ZB_V && below(rng, 3) == 0, apart = below(rng, 3) == 0;
	const size_t frozen = below(rng, 2) ? below(rng, p * v) : 0;
	static const sim_ns none[PASS_N] = {0};
	struct pipeline pipe = even(s, p, v, 1 + (uint32_t)below(rng, 12), none);

	for (size_t c = 0; c < pipe.chunks_n; c++) {
		struct chunk *k = &chunks[c];

		for (int x = 0; x < PASS_N; x++) {
			k->ns[x] = 1 + (sim_ns)below(rng, 100);
			if (scattered && x < PASS_WEIGHTS && (x == 0 || apart))
				k->stage[x] = below(rng, p);
			else if (scattered)
				k->stage[x] = k->stage[x - 1];
		}
		if (c < frozen)
			k->ns[PASS_INPUT] = k->ns[PASS_WEIGHTS] = -1;
		else if (below(rng, 4) == 0)
			k->ns[PASS_WEIGHTS] = -1;
		k->hop_ns[0] = (sim_ns)below(rng, 40);
		k->hop_ns[1] = (sim_ns)below(rng, 40);
	}
	return pipe;
}

/* Whatever the stages, a schedule gets through, does each pass once, and holds no more than it may; the event
 * order makes sure that a stage never does two things at once. */
START_TEST(any_stages)
{
	struct rng *rng = rng_new((uint64_t)_i, "pipeline");

	for (int i = 0; i < 40; i++) {
		struct arena a = ARENA_INIT;
		const enum train_schedule s = (enum train_schedule)below(rng, SCHEDULE_N);
		const struct pipeline pipe = uneven(rng, s);
		struct stage_orders o;
		const struct simulated_orders r = run(&a, s, &pipe, &o);
		sim_ns work = 0, busy = 0, alone = 0;

		for (size_t c = 0; c < pipe.chunks_n; c++) {
			for (int x = 0; x < PASS_N; x++) {
				const sim_ns ns = chunks[c].ns[x] > 0 ? chunks[c].ns[x] : 0;

				work += ns * pipe.micros;
				alone += x < PASS_WEIGHTS ? ns : 0; /* one micro-batch, to and fro */
			}
		}
		for (size_t k = 0; k < pipe.stages_n; k++)
			busy += r.stages[k].busy_ns;
		ck_assert_int_eq(busy, work);
		ck_assert_int_ge(r.makespan_ns * (sim_ns)pipe.stages_n, work);
		ck_assert_int_ge(r.makespan_ns, alone);
		arena_release(&a);
	}
	rng_free(rng);
}
END_TEST

/* ZB-V holds two chunks' activations of a micro-batch for each stage however unlike stages are and however many micro-batches come: what is
 * due to W may wait for a gap, but not pile up until the end. */
START_TEST(zb_v_holds_few)
{
	static const sim_ns ns[PASS_N] = {F, B, W};
	struct rng *rng = rng_new((uint64_t)_i, "vee");

	for (int k = 0; k < 20; k++) {
		const size_t p = P_MIN + (size_t)(rng_uniform(rng) * 4);
		struct pipeline pipe = even(SCHEDULE_ZB_V, p, 2, 40 + (uint32_t)(rng_uniform(rng) * 300), ns);
		struct arena a = ARENA_INIT;
		struct stage_orders o;
		struct simulated_orders r;

		for (size_t c = 0; c < pipe.chunks_n; c++) {
			for (int x = 0; x < PASS_N; x++)
				chunks[c].ns[x] = 1 + (sim_ns)(rng_uniform(rng) * rng_uniform(rng) * 1000);
			chunks[c].hop_ns[0] = chunks[c].hop_ns[1] = (sim_ns)(rng_uniform(rng) * 30);
		}
		r = run(&a, SCHEDULE_ZB_V, &pipe, &o);
		for (size_t i = 0; i < p; i++)
			ck_assert_int_le(r.stages[i].held, 2 * (int64_t)p);
		arena_release(&a);
	}
	rng_free(rng);
}
END_TEST

/* On unlike stages: GPipe is no faster than 1F1B's order with as much memory would be; splitting backward
 * never loses; more memory never loses; never more than what memory allows. */
START_TEST(splitting_pays)
{
	struct rng *rng = rng_new((uint64_t)_i, "unlike");

	for (int i = 0; i < 20; i++) {
		struct arena a = ARENA_INIT;
		const size_t p = 2 + below(rng, 3);
		static const sim_ns none[PASS_N] = {0};
		const struct pipeline pipe = even(SCHEDULE_1F1B, p, 1, 1 + (uint32_t)below(rng, 12), none);
		struct stage_orders o;
		struct simulated_orders one, h1, h2;

		for (size_t c = 0; c < p; c++) {
			const sim_ns speed = 1 + (sim_ns)below(rng, 5);

			for (int x = 0; x < PASS_N; x++)
				chunks[c].ns[x] = speed * (20 + (sim_ns)below(rng, 20));
		}
		one = run(&a, SCHEDULE_1F1B, &pipe, &o);
		h1 = run(&a, SCHEDULE_ZB_H1, &pipe, &o);
		ck_assert_int_le(h1.makespan_ns, one.makespan_ns);
		h2 = run(&a, SCHEDULE_ZB_H2, &pipe, &o);
		for (size_t k = 0; k < p; k++) {
			ck_assert_int_le(one.stages[k].held, (int64_t)(p - k));
			ck_assert_int_le(h1.stages[k].held, (int64_t)p);
			ck_assert_int_le(h2.stages[k].held, (int64_t)(2 * p - 1));
		}
		arena_release(&a);
	}
	rng_free(rng);
}
END_TEST

/* A limit of memory is kept, down to one micro-batch at a time, which is the serial schedule. */
START_TEST(in_flight)
{
	static const sim_ns ns[PASS_N] = {F, B, W};
	static const enum train_schedule limited[] = {SCHEDULE_1F1B, SCHEDULE_ZB_H1, SCHEDULE_ZB_H2};
	const enum train_schedule s = limited[_i];

	for (int64_t most = 1; most <= 8; most++) {
		struct arena a = ARENA_INIT;
		struct pipeline pipe = even(s, 4, 1, 9, ns);
		struct stage_orders o;
		struct simulated_orders r;

		pipe.in_flight = most;
		r = run(&a, s, &pipe, &o);
		for (size_t i = 0; i < 4; i++)
			ck_assert_int_le(r.stages[i].held, most);
		if (most == 1 && o.joined)
			ck_assert_int_eq(r.makespan_ns, 9 * 4 * (F + B + W));
		arena_release(&a);
	}
}
END_TEST

/* ---- against every order there is ---- */

enum { TINY_P = 3, TINY_M = 4, NODES = 60000 };

/* Branch and bound over all orders in which each stage takes micro-batches one after the other. */
struct search {
	const struct pipeline *p;
	int64_t hold;
	sim_ns best, free_ns[TINY_P], end_ns[TINY_P][PASS_N][TINY_M];
	uint32_t next[TINY_P][PASS_N];
	int64_t held[TINY_P];
	size_t nodes;
};

/* When the next of a pass may start on a stage; -1: not now. */
static sim_ns may_start(const struct search *s, size_t i, enum pass_kind pass)
{
	const uint32_t k = s->next[i][pass];
	sim_ns at = 0;

	if (k == s->p->micros)
		return -1;
	if (pass == PASS_FORWARD) {
		if (s->held[i] >= s->hold || (i && s->next[i - 1][PASS_FORWARD] <= k))
			return -1;
		at = i ? s->end_ns[i - 1][PASS_FORWARD][k] : 0;
	} else if (s->next[i][pass - 1] <= k) {
		return -1;
	} else {
		at = s->end_ns[i][pass - 1][k];
		if (pass == PASS_INPUT && i + 1 < s->p->stages_n) {
			if (s->next[i + 1][PASS_INPUT] <= k)
				return -1;
			at = s->end_ns[i + 1][PASS_INPUT][k] > at ? s->end_ns[i + 1][PASS_INPUT][k] : at;
		}
	}
	return at > s->free_ns[i] ? at : s->free_ns[i];
}

static sim_ns no_sooner(const struct search *s)
{
	sim_ns most = 0;

	for (size_t i = 0; i < s->p->stages_n; i++) {
		sim_ns end = s->free_ns[i];

		for (int x = 0; x < PASS_N; x++)
			end += (sim_ns)(s->p->micros - s->next[i][x]) * s->p->chunks[i].ns[x];
		most = end > most ? end : most;
	}
	return most;
}

static void descend(struct search *s)
{
	const sim_ns bound = no_sooner(s);
	bool over = true;

	if (++s->nodes > NODES || bound >= s->best)
		return;
	for (size_t i = 0; i < s->p->stages_n; i++)
		over &= s->next[i][PASS_WEIGHTS] == s->p->micros;
	if (over) {
		s->best = bound;
		return;
	}
	for (size_t i = 0; i < s->p->stages_n; i++) {
		for (int x = 0; x < PASS_N; x++) {
			const sim_ns start = may_start(s, i, (enum pass_kind)x), free_ns = s->free_ns[i];

			if (start < 0)
				continue;
			s->free_ns[i] = start + s->p->chunks[i].ns[x];
			s->end_ns[i][x][s->next[i][x]++] = s->free_ns[i];
			s->held[i] += x == PASS_FORWARD ? 1 : x == PASS_WEIGHTS ? -1 : 0;
			descend(s);
			s->held[i] -= x == PASS_FORWARD ? 1 : x == PASS_WEIGHTS ? -1 : 0;
			s->next[i][x]--;
			s->free_ns[i] = free_ns;
		}
	}
}

/* On unlike stages ZB-H1 is within two per cent of the best order there is under its limit of memory. */
START_TEST(near_the_best)
{
	struct rng *rng = rng_new((uint64_t)_i, "brute force");
	size_t settled = 0;

	for (int i = 0; i < 12; i++) {
		static const sim_ns none[PASS_N] = {0};
		struct arena a = ARENA_INIT;
		const size_t p = 2 + below(rng, TINY_P - 1);
		const struct pipeline pipe =
			even(SCHEDULE_ZB_H1, p, 1, 2 + (uint32_t)below(rng, TINY_M - 1), none);
		struct search s = {.p = &pipe, .hold = (int64_t)p};
		struct stage_orders o;
		struct simulated_orders r;

		for (size_t c = 0; c < p; c++) {
			const sim_ns speed = 1 + (sim_ns)below(rng, 4);

			for (int x = 0; x < PASS_N; x++)
				chunks[c].ns[x] = speed * (20 + (sim_ns)below(rng, 20));
		}
		r = run(&a, SCHEDULE_ZB_H1, &pipe, &o);
		s.best = r.makespan_ns;
		descend(&s);
		settled += s.nodes <= NODES;
		ck_assert_double_le((double)r.makespan_ns, 1.02 * (double)s.best);
		arena_release(&a);
	}
	ck_assert_uint_ge(settled, 5);
	rng_free(rng);
}
END_TEST

Suite *suite_pipeline(void)
{
	Suite *s = suite_create("pipeline");
	TCase *tc = tcase_create("pipeline");

	tcase_add_loop_test(tc, closed_form, 0, (int)ARRAY_LEN(kinds));
	tcase_add_loop_test(tc, zb_h1_unequal, 0, 6);
	tcase_add_loop_test(tc, any_stages, 0, 25);
	tcase_add_loop_test(tc, zb_v_holds_few, 0, 5);
	tcase_add_loop_test(tc, splitting_pays, 0, 10);
	tcase_add_loop_test(tc, in_flight, 0, 3);
	tcase_add_loop_test(tc, near_the_best, 0, 5);
	suite_add_tcase(s, tc);
	return s;
}
