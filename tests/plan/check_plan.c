/*
 * check_plan.c - planning: capacity by bisection, the search for a fleet against all fleets there are, early
 * verdicts against whole runs, bounds against simulation.
 */
#include <math.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/lib/handles.h"
#include "sim/plan/capacity.h"
#include "sim/plan/fleets.h"
#include "sim/plan/group.h"
#include "sim/plan/hours.h"
#include "sim/plan/money.h"
#include "sim/plan/verdicts.h"
#include "sim/serve/service_bound.h"
#include "sim/stats/quantile.h"
#include "tests/fixtures.h"
#include "tests/serve/serve_toy.h"
#include "tests/suites.h"

static int64_t draw(struct rng *r, int64_t least, int64_t most)
{
	return fixture_draw(r, least, most);
}

static double uniform(struct rng *r, double least, double most)
{
	return least + (most - least) * (double)draw(r, 0, 1 << 20) / (1 << 20);
}

/* ---- capacity ---- */

struct line { /* holds up to `most`, but for a gap; counts what it is asked */
	double most, gap_from, gap_to;
	int asked;
};

static int line_holds(void *self, double load)
{
	struct line *l = self;

	l->asked++;
	return load <= l->most && !(load > l->gap_from && load < l->gap_to);
}

START_TEST(capacity_is_found_within_a_hundredth)
{
	struct rng *r = rng_new(1, "capacity");

	for (int i = 0; i < 2000; i++) {
		struct line l = {exp(uniform(r, -6, 6)), INFINITY, INFINITY, 0};
		struct capacity_ask ask = {line_holds, &l, exp(uniform(r, -6, 6)), INFINITY, 1e-9, false};
		struct capacity c;

		if (i & 1)
			ask.most = l.most * uniform(r, 1, 3);
		c = capacity_find(&ask);
		MUST(c.load <= l.most && c.load > l.most / 1.0101 && !(c.hole > 0) && c.runs == l.asked);
		MUST(c.fails > l.most);
	}
	for (int i = 0; i < 2000; i++) {
		struct line l = {(double)draw(r, 0, 300), INFINITY, INFINITY, 0};
		const struct capacity_ask ask = {line_holds, &l, (double)draw(r, 1, 300), INFINITY, 1, true};
		const struct capacity c = capacity_find(&ask);

		MUST(c.load == l.most && c.fails == l.most + 1);
	}
	rng_free(r);
}
END_TEST

START_TEST(a_gap_below_the_answer_is_told)
{
	struct line l = {100, 79, 98, 0};
	const struct capacity_ask ask = {line_holds, &l, 70, INFINITY, 1e-3, false};
	const struct capacity c = capacity_find(&ask);

	ck_assert_double_ge(c.load, 98);
	ck_assert(c.hole > 79 && c.hole < 98);
}
END_TEST

/* ---- fleets ---- */

enum { KINDS = 4, MOST = 3, CASES = 1000, REQUESTS = 30 };

struct toy { /* kinds as tables of step times; a fleet is run under a list of requests */
	struct fleets_ask ask;
	struct fleet_kind kinds[KINDS];
	struct fixture_time time[KINDS];
	struct serve_settings set[KINDS];
	struct request *requests;
	double bound_s;
	double true_rate[KINDS]; /* of cases without simulation */
	bool simulated;
	int asked;
	struct plan_verdicts *verdicts; /* what it was asked; NULL: that is not kept */
};

static int64_t worst_ttft(struct toy *t, const int *counts)
{
	static const struct serve_path paths[KINDS * MOST * KINDS * MOST];
	struct batch_time times[KINDS];
	struct serve_server servers[KINDS * MOST];
	struct serve_config c = {.servers = servers, .route = ROUTE_LEAST_REQUESTS};
	struct fixture_outcome out;
	int64_t worst = 0;

	for (int k = 0; k < KINDS; k++) {
		times[k] = fixture_batch_time(&t->time[k], 0);
		for (int i = 0; i < counts[k]; i++)
			servers[c.servers_n++] = (struct serve_server){
				&t->set[k], &times[k], (enum serve_pool)t->kinds[k].role, 0, 0};
	}
	c.links = (struct serve_links){.paths = paths}; /* of pools: one memory */
	fixture_serve(&c, (struct fixture_source){.at = t->requests, .n = REQUESTS}, &out);
	for (size_t i = 0; i < REQUESTS; i++) {
		const struct fixture_end *e = &out.watch.ends.at[i];

		worst = e->t.first_ns - e->r.arrive_ns > worst ? e->t.first_ns - e->r.arrive_ns : worst;
	}
	fixture_watch_release(&out.watch);
	return worst;
}

static int toy_holds(void *self, const int *counts)
{
	struct toy *t = self;
	double rate = 0, halves[2] = {0, 0};
	int roles = 0;

	t->asked++;
	if (t->verdicts)
		plan_verdicts_add(t->verdicts, PLAN_ASK_HOLDS,
				  plan_fleet_name(t->verdicts->arena, counts, KINDS), 0);
	for (int k = 0; k < KINDS; k++)
		roles |= counts[k] ? 1 << t->kinds[k].role : 0;
	if (roles == 1 << FLEET_PREFILL || roles == 1 << FLEET_DECODE)
		return 0;
	if (t->simulated)
		return (double)worst_ttft(t, counts) / 1e9 <= t->bound_s;
	for (int k = 0; k < KINDS; k++) {
		rate += counts[k] * t->true_rate[k];
		halves[t->kinds[k].role == FLEET_DECODE] += counts[k] * t->true_rate[k];
	}
	return (roles != 1 << FLEET_WHOLE ? fmin(halves[0], halves[1]) : rate) >= t->ask.work;
}

/* A goal that is no price: it is known of a fleet that was run, and bounded by half of itself. */
static double toy_value(void *self, const int *counts)
{
	const struct toy *t = self;
	double sum = 0;

	for (int k = 0; k < KINDS; k++)
		sum += counts[k] * (double)(t->time[k].base_fs % 977);
	return sum;
}

static double toy_least(void *self, const int *counts)
{
	return toy_value(self, counts) / 2;
}

static void draw_kind(struct toy *t, struct rng *r, int k)
{
	const double rate = uniform(r, 0.5, 4), slack = uniform(r, 1, 1.5);

	t->true_rate[k] = rate;
	t->time[k] = (struct fixture_time){.base_fs = draw(r, 1, 40) * 1000000000000,
					   .per_row_fs = draw(r, 1, 30) * 10000000000,
					   .per_context_fs = 1000000};
	t->set[k] = (struct serve_settings){.rules = SERVE_VLLM,
					    .block = 16,
					    .kv_blocks = 4000,
					    .seqs = draw(r, 1, 6),
					    .batched_tokens = draw(r, 64, 512)};
	t->kinds[k] = (struct fleet_kind){.usd = (double)draw(r, 1, 9),
					  .machines = (int)draw(r, 1, 2),
					  .up_to = (int)draw(r, 1, MOST),
					  .rate = rate * slack,
					  .prompt = rate * slack,
					  .answer = rate * slack * 1.1,
					  .never = draw(r, 0, 9) == 0,
					  .set = (int)draw(r, 0, 3) ? 0 : 1,
					  .name = draw(r, 0, 3) ? k : 0};
	if (draw(r, 0, 2) == 0) { /* half a server; its set is none of a whole one */
		t->kinds[k].role = draw(r, 0, 1) ? FLEET_PREFILL : FLEET_DECODE;
		t->kinds[k].set += 2;
	}
}

static void draw_toy(struct toy *t, uint64_t seed)
{
	struct rng *r = rng_new(seed, "fleets");

	*t = (struct toy){.simulated = seed % 2};
	for (int k = 0; k < KINDS; k++)
		draw_kind(t, r, k);
	t->kinds[0].name = 0;
	for (int k = 2; k < KINDS && seed % 4 == 0;
	     k++) { /* halves that can be paired, of one machine or two */
		t->kinds[k].role = k == 2 ? FLEET_PREFILL : FLEET_DECODE;
		t->kinds[k].set = 9;
		t->kinds[k].name = draw(r, 0, 1) ? k : 2;
		t->kinds[k].usd = (double)draw(r, 1, 3);
		t->kinds[k - 2].never |= seed % 8 == 0; /* so that nothing whole competes */
	}
	t->requests = fixture_requests(r, REQUESTS, uniform(r, 2, 60), 300, 20);
	t->bound_s = uniform(r, 0.02, 0.6);
	t->ask = (struct fleets_ask){.kinds = t->kinds,
				     .n = KINDS,
				     .up_to = (int)draw(r, 1, 5),
				     .mixed = (int)draw(r, 1, 3),
				     .spare = (int)draw(r, 0, 2),
				     .work = t->simulated ? 0 : uniform(r, 0.5, 14),
				     .budget = draw(r, 0, 2) ? INFINITY : uniform(r, 4, 30),
				     .holds = toy_holds,
				     .self = t,
				     .runs_most = 100000};
	if (seed % 8 == 0) {
		t->ask.up_to = 6;
		t->ask.mixed = 2;
		t->ask.spare = seed % 16 == 0;
	}
	if (seed % 3 == 0) {
		t->ask.least = toy_least;
		t->ask.value = toy_value;
	}
	rng_free(r);
}

/* Every fleet that is left holds the load: asked of each anew. */
static bool stands(struct toy *t, int *counts, int spare)
{
	bool fine = toy_holds(t, counts) > 0;
	int left = 0;

	for (int k = 0; k < KINDS; k++)
		left += counts[k];
	if (left <= spare)
		return false;
	for (int k = 0; k < KINDS && spare && fine; k++)
		if (counts[k]) {
			int fewer[KINDS];

			memcpy(fewer, counts, sizeof fewer);
			fewer[k]--;
			fine = spare > 1 ? stands(t, fewer, spare - 1) : toy_holds(t, fewer) > 0;
		}
	return fine;
}

static bool allowed(const struct toy *t, const int *counts)
{
	double usd = 0;
	int machines = 0, kinds = 0, set = -1, roles[3] = {0, 0, 0};

	for (int k = 0; k < KINDS; k++) {
		if (!counts[k])
			continue;
		if (t->kinds[k].never || (set >= 0 && t->kinds[k].set != set))
			return false;
		for (int i = 0; i < k; i++)
			if (counts[i] && t->kinds[i].name == t->kinds[k].name) {
				if (t->kinds[k].role == FLEET_WHOLE)
					return false;
				kinds--;
			}
		set = t->kinds[k].set;
		kinds++;
		roles[t->kinds[k].role]++;
		usd += counts[k] * t->kinds[k].usd;
		machines += counts[k] * t->kinds[k].machines;
	}
	if (roles[FLEET_PREFILL] != roles[FLEET_DECODE] || roles[FLEET_PREFILL] > 1)
		return false;
	return kinds && kinds <= t->ask.mixed && machines <= t->ask.up_to && usd <= t->ask.budget;
}

static double goal(struct toy *t, const int *counts)
{
	double usd = 0;

	for (int k = 0; k < KINDS; k++)
		usd += counts[k] * t->kinds[k].usd;
	return t->ask.value ? toy_value(t, counts) : usd;
}

/* The least goal of all fleets, each run. */
static double brute_force(struct toy *t)
{
	double best = INFINITY;
	int c[KINDS];

	for (c[0] = 0; c[0] <= t->kinds[0].up_to; c[0]++)
		for (c[1] = 0; c[1] <= t->kinds[1].up_to; c[1]++)
			for (c[2] = 0; c[2] <= t->kinds[2].up_to; c[2]++)
				for (c[3] = 0; c[3] <= t->kinds[3].up_to; c[3]++)
					if (allowed(t, c) && goal(t, c) < best && stands(t, c, t->ask.spare))
						best = goal(t, c);
	return best;
}

START_TEST(the_search_finds_what_brute_force_finds)
{
	int held = 0, fewer = 0, pools = 0;

	for (uint64_t seed = 0; seed < CASES; seed++) {
		struct arena a = ARENA_INIT;
		struct toy t;
		struct fleets f;
		double best;

		draw_toy(&t, seed);
		f = fleets_find(&a, &t.ask);
		MUST(f.proved && f.runs == (size_t)t.asked);
		t.asked = 0;
		best = brute_force(&t);
		if (f.best)
			MUST(f.best->value == best && allowed(&t, f.best->counts));
		else
			MUST(isinf(best));
		held += f.best != NULL;
		for (int k = 0; k < KINDS; k++)
			pools += f.best && f.best->counts[k] && t.kinds[k].role == FLEET_PREFILL;
		fewer += f.runs < (size_t)t.asked;
		free(t.requests);
		arena_release(&a);
	}
	ck_assert_int_gt(held, CASES / 7);
	ck_assert_int_gt(fewer, CASES / 4);
	ck_assert_int_gt(pools, CASES / 100);
}
END_TEST

struct told { /* a toy, and the fleets that are asked for next while none holds */
	struct toy toy;
	int next[FLEETS_AHEAD][KINDS];
	size_t at, n, in_order;
	bool held; /* what follows, of the fleet's own servers, is not told */
};

static void toy_ahead(void *self, int *const *counts, size_t n)
{
	struct told *t = self;

	MUST(n > 0 && n <= FLEETS_AHEAD);
	if (!t->held && t->at < t->n) {
		MUST(!memcmp(t->next[t->at], counts[0], sizeof t->next[0]));
		t->in_order++;
	}
	for (size_t i = 0; i < n; i++)
		memcpy(t->next[i], counts[i], sizeof t->next[0]);
	t->at = 0;
	t->n = n;
	t->held = false;
}

static int told_holds(void *self, const int *counts)
{
	struct told *t = self;
	int verdict;

	if (!t->held) {
		MUST(t->at < t->n && !memcmp(t->next[t->at], counts, sizeof t->next[0]));
		t->at++;
	}
	verdict = toy_holds(&t->toy, counts);
	t->held |= verdict > 0;
	return verdict;
}

/* Fleets are asked for as was told until one holds, and telling changes nothing. */
START_TEST(the_fleets_that_are_asked_for_next_are_told)
{
	size_t in_order = 0;

	for (uint64_t seed = 0; seed < CASES; seed++) {
		struct arena a = ARENA_INIT;
		struct told t = {.at = 0};
		struct fleets alone, told;

		draw_toy(&t.toy, seed);
		alone = fleets_find(&a, &t.toy.ask);
		t.toy.ask.holds = told_holds;
		t.toy.ask.ahead = toy_ahead;
		t.toy.ask.self = &t;
		told = fleets_find(&a, &t.toy.ask);
		MUST(told.runs == alone.runs && told.bounds == alone.bounds &&
		     told.ruled_out == alone.ruled_out && !told.best == !alone.best);
		if (told.best)
			MUST(!memcmp(told.best->counts, alone.best->counts, sizeof t.next[0]));
		in_order += t.in_order;
		free(t.toy.requests);
		arena_release(&a);
	}
	ck_assert_uint_gt(in_order, CASES / 4);
}
END_TEST

static bool toy_mine(void *self, const int *counts)
{
	const struct toy *t = self;

	return plan_verdicts_share(t->verdicts, plan_fleet_name(t->verdicts->arena, counts, KINDS));
}

/* Whatever one process asks is asked by one of several that look at a share of the fleets each. */
START_TEST(shares_ask_all_that_one_process_asks)
{
	int shared = 0;

	for (uint64_t seed = 0; seed < CASES; seed++) {
		struct arena a = ARENA_INIT;
		struct plan_verdicts one = {.arena = &a}, all = {.arena = &a, .n = 1 + seed % 5};
		struct toy t;

		draw_toy(&t, seed);
		t.verdicts = &one;
		fleets_find(&a, &t.ask);
		t.verdicts = &all;
		t.ask.mine = toy_mine;
		for (all.k = 1; all.k <= all.n; all.k++) {
			t.asked = 0;
			fleets_find(&a, &t.ask);
			shared += t.asked > 0 && (size_t)t.asked < one.keys[PLAN_ASK_HOLDS].n;
		}
		for (size_t i = 0; i < one.keys[PLAN_ASK_HOLDS].n; i++)
			MUST(map_find(&all.keys[PLAN_ASK_HOLDS], one.keys[PLAN_ASK_HOLDS].keys[i]) !=
			     MAP_NONE);
		free(t.requests);
		plan_verdicts_release(&one);
		plan_verdicts_release(&all);
		arena_release(&a);
	}
	ck_assert_int_gt(shared, CASES / 4);
}
END_TEST

/* Lines that are written are read again; others are refused with their number. */
START_TEST(verdicts_are_read_as_written)
{
	static const char *const broken[] = {"{\"fleet\":\"1:2\"}",
					     "{\"fleet\":\"1:2\",\"holds\":2}",
					     "{\"fleet\":\"1:2\",\"holds\":1,\"x\":1}",
					     "{\"fleet\":\"3:1,4:2\",\"holds\":0}",
					     "{\"holds\":1}",
					     "[]"};
	struct arena a = ARENA_INIT;
	struct plan_verdicts v = {.arena = &a};
	struct plan_verdicts_head head = {.scenario = "s.yaml", .seed = -1, .draws = 12, .k = 2, .n = 3}, got;
	struct str s = STR_INIT;
	struct err err = ERR_INIT;
	double number;

	memset(head.key, '0', 64);
	plan_verdicts_write_head(&s, &head, "1");
	plan_verdicts_write(&s, PLAN_ASK_HOLDS, "3:1,4:2", 1);
	plan_verdicts_write(&s, PLAN_ASK_VALUE, "3:1,4:2", 0.1);
	plan_verdicts_write(&s, PLAN_ASK_VALUE, "4:2", INFINITY);
	plan_verdicts_write_end(&s);
	ck_assert(plan_verdicts_is(s.text, s.len));
	ck_assert_int_eq(plan_verdicts_read(&a, &v, "x", s.text, s.len, "1", &got, &err), 0);
	ck_assert(got.ended && got.k == 2 && got.n == 3 && got.seed == -1 && got.draws == 12);
	ck_assert_str_eq(got.key, head.key);
	ck_assert(plan_verdicts_find(&v, PLAN_ASK_HOLDS, "3:1,4:2", &number) && number == 1);
	ck_assert(plan_verdicts_find(&v, PLAN_ASK_VALUE, "3:1,4:2", &number) && number == 0.1);
	ck_assert(plan_verdicts_find(&v, PLAN_ASK_VALUE, "4:2", &number) && isinf(number));
	ck_assert(!plan_verdicts_find(&v, PLAN_ASK_HOLDS, "4:2", &number));
	ck_assert_int_eq(plan_verdicts_read(&a, &v, "x", s.text, s.len, "2", &got, &err), -1);
	for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
		const size_t len = s.len;

		err = (struct err)ERR_INIT;
		str_add(&s, broken[i]);
		ck_assert_int_eq(plan_verdicts_read(&a, &v, "x", s.text, s.len, "1", &got, &err), -1);
		ck_assert_msg(strstr(err.msg, "line 6") != NULL, "%s: %s", broken[i], err.msg);
		s.len = len;
		s.text[len] = '\0';
	}
	str_release(&s);
	plan_verdicts_release(&v);
	arena_release(&a);
}
END_TEST

START_TEST(a_verdict_is_of_a_fleet_that_the_plan_has)
{
	static const char *const missing[] = {"",     "2:1",  "0:4",     "0:3,1:2", "1:1,0:1", "0:0", "0:+1",
					      "-1:1", "0:1,", "0:1,0:1", "00:1",    "0:1x",    "0",   "a"};
	static const char *const there[] = {"0:1", "1:2", "0:3", "0:2,1:1"};
	const struct fleet_kind kinds[] = {{.up_to = 3, .machines = 1}, {.up_to = 2, .machines = 2}};
	struct arena a = ARENA_INIT;
	struct plan_verdicts v = {.arena = &a};
	struct diags d;

	diags_init(&d, &a);
	for (size_t i = 0; i < ARRAY_LEN(there); i++)
		plan_verdicts_add(&v, PLAN_ASK_HOLDS, there[i], 1);
	ck_assert_int_eq(plan_verdicts_begin(&v, &d, kinds, 2, 4), 0);
	plan_verdicts_release(&v);
	for (size_t i = 0; i < ARRAY_LEN(missing); i++) {
		v = (struct plan_verdicts){.arena = &a};
		diags_init(&d, &a);
		plan_verdicts_add(&v, PLAN_ASK_VALUE, missing[i], 1);
		ck_assert_msg(plan_verdicts_begin(&v, &d, kinds, 2, 4) == -1, "%s", missing[i]);
		ck_assert_uint_eq(d.total, 1);
		plan_verdicts_release(&v);
	}
	arena_release(&a);
}
END_TEST

START_TEST(a_budget_of_runs_ends_the_search)
{
	struct arena a = ARENA_INIT;
	struct toy t;
	struct fleets f;

	for (uint64_t seed = 0;; seed += 2) {
		draw_toy(&t, seed);
		t.ask.runs_most = 1;
		t.ask.work = 0;
		f = fleets_find(&a, &t.ask);
		free(t.requests);
		if (f.stopped)
			break;
	}
	ck_assert(!f.proved);
	ck_assert_uint_eq(f.runs, 1);
	arena_release(&a);
}
END_TEST

/* ---- verdicts, bounds, services joined ---- */

static struct fixture fixture;

#define WORLD                                                                                                \
	"schema: lemursim/scenario/1\ntitle: planned\nmodel: llama-3.1-8b\n"                                 \
	"precision: {weights: q4_K_M, kv: f16, compute: f16}\nruntime: llama.cpp\n"                          \
	"machines: {a: apple-m4-pro-16c-24gb, b: apple-m4-pro-16c-24gb, c: apple-m5-10c-24gb}\n"             \
	"workload: {serve: {arrivals: {rate: 1 req/s}, prompt: {uniform: [20 tok, 1500 tok]}, "              \
	"output: {uniform: [1 tok, 150 tok]}, requests: 160, replications: 1, slo: {ttft_p95: 1 s}}}\n"      \
	"assignments:\n"                                                                                     \
	"  - {name: split, place: [{on: a}], serve: {slots: 4, context: 8192 tok}}\n"                        \
	"  - {name: unified, place: [{on: a}], serve: {slots: 8, kv: unified, context: 4096 tok}}\n"         \
	"  - {name: mlx, place: [{on: c}], serve: {scheduler: mlx}}\n"                                       \
	"  - {name: vllm, place: [{on: c}], serve: {scheduler: vllm, seqs: 16}}\n"                           \
	"  - {name: static, place: [{on: a}], serve: {scheduler: static, seqs: 4}}\n"                        \
	"  - {name: other, place: [{on: c}], serve: {slots: 4, context: 8192 tok}}\n"                        \
	"  - {name: both, replicas: [{place: [{on: a}]}, {place: [{on: b}]}, {place: [{on: c}]}], "          \
	"serve: {slots: 4, context: 8192 tok}}\n"

enum { SERVICES = 5 };

struct drawn { /* a load of the fixture's world with other numbers */
	struct serve serve;
	struct load_class class;
	struct slo slo;
};

static void draw_load(struct drawn *d, struct rng *r)
{
	d->serve = *fixture.world->scenario->workload.serve;
	d->class = *(const struct load_class *)d->serve.classes.at;
	d->slo = (struct slo){.origin = d->class.slo->origin};
	d->class.slo = &d->slo;
	d->serve.classes = (struct field_list){&d->class, 1};
	d->serve.arrivals.rate = exp(uniform(r, -4, 1));
	d->serve.measure = draw(r, 0, 3) ? MEASURE_STEADY : MEASURE_ALL;
	if (draw(r, 0, 4) == 0) {
		d->serve.arrivals.kind = ARRIVALS_USERS;
		d->serve.arrivals.users = draw(r, 1, 12);
		d->serve.arrivals.think = uniform(r, 0, 30);
	}
	for (int k = 0; k < 2; k++)
		d->slo.bound[draw(r, 0, SLO_METRICS - 1)][draw(r, 0, SLO_STATS - 1)] = exp(uniform(r, -4, 4));
}

static struct service *service_of(size_t i)
{
	const struct assignment *a = fixture.world->scenario->assignments.at;
	struct service *s = service_new(&fixture.arena, fixture.world, &a[i], &fixture.diags);

	ck_assert_msg(s != NULL, "%s", fixture_complaints(&fixture));
	return s;
}

static struct service_summary run_load(struct service *s, const struct drawn *d, uint64_t seed, bool verdict)
{
	const struct service_ask ask = {
		.seed = seed, .replications = 1, .load = &d->serve, .verdict = verdict};
	struct service_summary m;
	struct err err = ERR_INIT;

	ck_assert_msg(service_run(s, &ask, &m, &err) == 0, "%s", err.msg);
	return m;
}

START_TEST(an_early_verdict_is_that_of_the_whole_run)
{
	int held = 0, failed = 0, early = 0;

	fixture_text(&fixture, WORLD, NULL);
	for (size_t i = 0; i < SERVICES; i++) {
		struct service *s = service_of(i);

		for (uint64_t seed = 0; seed < 80; seed++) {
			struct rng *r = rng_new(seed, "verdict");
			struct drawn d;
			struct service_summary whole, verdict;

			draw_load(&d, r);
			whole = run_load(s, &d, seed, false);
			verdict = run_load(s, &d, seed, true);
			MUST((verdict.of[SERVICE_HOLDS] >= 1) ==
			     (whole.of[SERVICE_HOLDS] >= 1 && !(whole.of[SERVICE_REFUSED] > 0)));
			held += verdict.of[SERVICE_HOLDS] >= 1;
			failed += !(verdict.of[SERVICE_HOLDS] >= 1);
			early += verdict.span_s < whole.span_s;
			rng_free(r);
		}
		service_free(s);
	}
	ck_assert_int_gt(held, 40);
	ck_assert_int_gt(failed, 40);
	ck_assert_int_gt(early, 40);
	fixture_release(&fixture);
}
END_TEST

/* A bound that says no is never contradicted, and no steady load that comes faster than the bound of the rate
 * holds. */
START_TEST(bounds_bound_what_is_simulated)
{
	int missed = 0, beyond = 0;

	fixture_text(&fixture, WORLD, NULL);
	for (size_t i = 0; i < SERVICES; i++) {
		struct service *s = service_of(i);

		for (uint64_t seed = 0; seed < 80; seed++) {
			struct rng *r = rng_new(seed, "bound");
			struct drawn d;
			struct service_bound b;
			struct service_summary m;
			struct err err = ERR_INIT;

			draw_load(&d, r);
			ck_assert_int_eq(service_bound_of(s, &d.serve, seed, 0, &b, &err), 0);
			m = run_load(s, &d, seed, false);
			if (b.misses) {
				MUST(!(m.of[SERVICE_HOLDS] >= 1 && !(m.of[SERVICE_REFUSED] > 0)));
				missed++;
			}
			/* in the long run: a queue that is empty at the end has been worked off */
			if (d.serve.arrivals.kind == ARRIVALS_RATE) {
				const double busy_s = 160 / b.rate;

				MUST(m.span_s >= busy_s * (m.of[SERVICE_REFUSED] > 0 ? 0 : 1) * (1 - 1e-9));
				beyond += d.serve.arrivals.rate > b.rate;
			}
			rng_free(r);
		}
		service_free(s);
	}
	ck_assert_int_gt(missed, 20);
	ck_assert_int_gt(beyond, 20);
	fixture_release(&fixture);
}
END_TEST

struct steady_load {
	struct service *s;
	struct drawn d;
};

static int steady_holds(void *self, double rate)
{
	struct steady_load *l = self;

	l->d.serve.arrivals.rate = rate;
	return run_load(l->s, &l->d, 3, true).of[SERVICE_HOLDS] >= 1;
}

/* A long run under a bound that a growing queue breaks. */
START_TEST(no_capacity_is_above_its_bound)
{
	fixture_text(&fixture, WORLD, NULL);
	for (size_t i = 0; i < SERVICES; i++) {
		struct steady_load l = {.s = service_of(i)};
		const struct capacity_ask ask = {steady_holds, &l, 0.2, INFINITY, 1e-4, false};
		struct rng *r = rng_new(i, "steady");
		struct service_bound b;
		struct capacity c;
		struct err err = ERR_INIT;

		draw_load(&l.d, r);
		l.d.serve.arrivals.kind = ARRIVALS_RATE;
		l.d.serve.measure = MEASURE_STEADY;
		l.d.serve.requests = 2000;
		l.d.slo = (struct slo){.origin = l.d.slo.origin};
		l.d.slo.bound[SLO_TTFT][SLO_P90] = 20;
		ck_assert_int_eq(service_bound_of(l.s, &l.d.serve, 3, 0, &b, &err), 0);
		c = capacity_find(&ask);
		ck_assert_double_gt(c.load, 0);
		ck_assert_double_le(c.load, b.rate);
		service_free(l.s);
		rng_free(r);
	}
	fixture_release(&fixture);
}
END_TEST

START_TEST(joined_services_are_the_replicas_of_a_scenario)
{
	fixture_text(&fixture, WORLD, NULL);
	{
		struct service *a = service_of(0), *c = service_of(5), *all = service_of(6);
		const struct service_share parts[] = {{a, 2, 0}, {c, 1, 0}};
		struct service *joined = service_join(&fixture.arena, parts, 2);
		struct drawn d;
		struct rng *r = rng_new(1, "join");
		struct service_summary x, y;

		draw_load(&d, r);
		d.serve.arrivals.kind = ARRIVALS_RATE;
		d.serve.arrivals.rate = 0.3;
		x = run_load(joined, &d, 1, false);
		y = run_load(all, &d, 1, false);
		for (int v = 0; v < SERVICE_VALUES; v++)
			ck_assert_msg((isnan(x.of[v]) && isnan(y.of[v])) || x.of[v] == y.of[v],
				      "value %d: %.17g and %.17g", v, x.of[v], y.of[v]);
		ck_assert_double_gt(x.tightest.bound, 0);
		rng_free(r);
		service_free(joined);
		service_free(all);
		service_free(c);
		service_free(a);
	}
	fixture_release(&fixture);
}
END_TEST

/* ---- money ---- */

START_TEST(months_until_paid_by_hand)
{
	const struct money m = {.electricity = 0.36 / 3.6e6, .life = 36 * 2629800.0, .utilisation = 0.5};
	const struct plan_api api = {.input = 1, .output = 2};
	/* 1000 requests a day of 1000 + 500 tokens: 2 USD a day; 100 W idle, 300 W for half a day: 4.8 kWh */
	const struct plan_use use = {1000, 100, 300, 0.5, 1000, 1000, 500};
	const struct plan_money r = plan_money_of(&m, &api, &use);
	const double days = 2629800.0 / 86400, elec = 4.8 * 0.36, saved = (2 - elec) * days;

	ck_assert_double_eq_tol(r.price_month, 1000 / 36.0, 1e-9);
	ck_assert_double_eq_tol(r.electricity_month, elec * days, 1e-9);
	ck_assert_double_eq_tol(r.api_month, 2 * days, 1e-9);
	ck_assert_double_eq_tol(r.months, 1000 / saved, 1e-6);
	ck_assert_double_eq_tol(r.months_by[FACTOR_PRICE][1], 1200 / saved, 1e-6);
	ck_assert_double_eq_tol(r.months_by[FACTOR_ELECTRICITY][0], 1000 / ((2 - 0.8 * elec) * days), 1e-6);
	/* the idle 2.4 kWh and the price of a day, over what is gained with each request */
	ck_assert_double_eq_tol(r.even_tokens_day,
				1500 * (1000 / (36 * days) + 2.4 * 0.36) / (0.002 - 2.4 * 0.36 / 1000), 1e-6);
}
END_TEST

/* ---- hours ---- */

START_TEST(hours_by_hand)
{
	static const double loads[] = {0, 1, 2.5, 6}, holds[] = {1.2, 2.6, 4.5};
	struct arena a = ARENA_INIT;
	const struct plan_hours h = plan_hours_of(&a, loads, 4, holds, 3, 2);

	ck_assert_int_eq(h.at[0].servers, 0);
	ck_assert_int_eq(h.at[1].servers, 1);
	ck_assert_int_eq(h.at[2].servers, 2);
	ck_assert_int_eq(h.at[2].by_one, 3);
	ck_assert_int_eq(h.at[2].by_bound, 2);
	ck_assert_int_eq(h.at[3].servers, 4);
	ck_assert_int_eq(h.peak, 4);
	ck_assert_uint_eq(h.above, 1);
	ck_assert_double_eq_tol(h.mean, 7 / 4.0, 1e-12);
	ck_assert_double_eq_tol(h.mean_by_one, (0 + 1 + 3 + 5) / 4.0, 1e-12);
	ck_assert_double_eq_tol(h.mean_by_bound, (0 + 1 + 2 + 3) / 4.0, 1e-12);
	arena_release(&a);
}
END_TEST

START_TEST(formats_are_read_by_their_runtimes)
{
	ck_assert(group_reads("llama.cpp", "q4_K_M") && !group_reads("mlx", "q4_K_M"));
	ck_assert(group_reads("mlx@2025-10", "mlx_q4") && !group_reads("llama.cpp", "mlx_q4"));
	ck_assert(group_reads("vllm", "bf16") && !group_reads("vllm", "q8_0") && group_reads("cuda", "q8_0"));
}
END_TEST

/* ---- Ctrl-C ---- */

struct interruption {
	volatile int stop;
	int verdicts, at; /* that were found; the one after which the plan is stopped */
};

static int interrupt(void *self, enum plan_question question, const char *fleet, double number)
{
	struct interruption *i = self;

	(void)question, (void)fleet, (void)number;
	if (++i->verdicts == i->at)
		i->stop = 1;
	return 0;
}

/* A plan that is stopped when it has a winner has not looked at its neighbours and its bill, which would read as none. */
START_TEST(a_plan_that_is_stopped_has_no_answer)
{
	struct interruption i = {.at = 1};
	lemursim *l = lemursim_new();
	lemursim_scenario *s = lemursim_load(l, "tests/golden/plan-table/s.yaml");
	int stopped = 0;

	ck_assert(s != NULL);
	do {
		const struct lemursim_options options = {
			.seed = -1, .draws = 2, .threads = 1, .stop = &i.stop};
		struct arena a = ARENA_INIT;
		struct plan_verdicts v = {.arena = &a, .take = interrupt, .self = &i};
		lemursim_result *r;

		i.stop = i.verdicts = 0;
		s->verdicts = &v;
		r = lemursim_plan(s, &options);
		ck_assert_msg((r == NULL) == i.stop, "stopped after %d of %d verdicts", i.at, i.verdicts);
		stopped += i.stop;
		lemursim_result_free(r);
		plan_verdicts_release(&v);
		arena_release(&a);
		i.at += 1 + i.at / 4;
	} while (i.stop);
	ck_assert_int_gt(stopped, 5);
	lemursim_scenario_free(s);
	lemursim_free(l);
}
END_TEST

Suite *suite_plan(void)
{
	Suite *s = suite_create("plan");
	TCase *t = tcase_create("plan");

	tcase_add_test(t, capacity_is_found_within_a_hundredth);
	tcase_add_test(t, a_gap_below_the_answer_is_told);
	tcase_add_test(t, the_search_finds_what_brute_force_finds);
	tcase_add_test(t, the_fleets_that_are_asked_for_next_are_told);
	tcase_add_test(t, shares_ask_all_that_one_process_asks);
	tcase_add_test(t, verdicts_are_read_as_written);
	tcase_add_test(t, a_budget_of_runs_ends_the_search);
	tcase_add_test(t, a_verdict_is_of_a_fleet_that_the_plan_has);
	tcase_add_test(t, an_early_verdict_is_that_of_the_whole_run);
	tcase_add_test(t, bounds_bound_what_is_simulated);
	tcase_add_test(t, no_capacity_is_above_its_bound);
	tcase_add_test(t, a_plan_that_is_stopped_has_no_answer);
	tcase_add_test(t, joined_services_are_the_replicas_of_a_scenario);
	tcase_add_test(t, months_until_paid_by_hand);
	tcase_add_test(t, hours_by_hand);
	tcase_add_test(t, formats_are_read_by_their_runtimes);
	suite_add_tcase(s, t);
	return s;
}
