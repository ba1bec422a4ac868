/* check_papers.c - the formulas that papers on training at scale print, against the operators, the memory and the schedules
 * of the simulator. */
#include <string.h>

#include "sim/llm/memory.h"
#include "sim/train/train.h"
#include "tests/suites.h"
#include "tests/fixtures.h"

static struct fixture fixture;

/* Models of Narayanan et al., arXiv:2104.04473, table 1: GPT with a vocabulary of 51,200 and 2,048 tokens. */
static const struct gpt {
	int64_t heads, hidden, layers;
} gpts[] = {{24, 2304, 24},  {32, 3072, 30},  {32, 4096, 36},   {48, 6144, 40},    {64, 8192, 48},
	    {80, 10240, 60}, {96, 12288, 80}, {128, 16384, 96}, {128, 20480, 105}, {160, 25600, 128}};
enum { VOCABULARY = 51200, TOKENS = 2048 };

static void load(const struct gpt *g)
{
	struct arena a = ARENA_INIT;
	const char *const sets[] = {
		arena_printf(&a, "model.layers=%lld", (long long)g->layers),
		arena_printf(&a, "model.hidden=%lld", (long long)g->hidden),
		arena_printf(&a, "model.vocabulary=%d", VOCABULARY),
		arena_printf(&a, "model.positions=%d", TOKENS),
		"model.tied_head=true",
		arena_printf(&a, "model.attention.heads=%lld", (long long)g->heads),
		arena_printf(&a, "model.attention.kv_heads=%lld", (long long)g->heads),
		arena_printf(&a, "model.attention.head_dim=%lld", (long long)(g->hidden / g->heads)),
		"model.attention.rope=false",
		"model.ffn.kind=gelu",
		arena_printf(&a, "model.ffn.inner=%lld", (long long)(4 * g->hidden)),
		NULL};

	fixture_mesh(&fixture, 1, "latency: 0, bandwidth: 1 GB/s",
		     "{train: {tokens: 2048 tok, method: full}}", sets);
	arena_release(&a);
}

static struct shape shape_of(int64_t batch)
{
	return (struct shape){.batch = batch, .tokens = TOKENS, .all_logits = true, .train_weights = true};
}

/* Products of a block's pass, the masked half of the scores included, as the papers count. */
static double flop_of(enum role role, enum phase phase, const struct shape *s)
{
	const struct world *w = fixture.world;
	struct op ops[GRAPH_OPS];
	const size_t n =
		graph_block(w->model, &w->scenario->precision, s, fixture_part(w->model, role), phase, ops);
	double flop = 0;

	for (size_t i = 0; i < n; i++)
		flop += ops[i].kind == OP_LINEAR   ? ops[i].flop
			: ops[i].kind == OP_SCORES ? ops[i].dense_flop
						   : 0;
	return flop;
}

/* Equation 3 of the same paper: F = 96 B s l h^2 (1 + s/(6h) + V/(16 l h)), the layers' forward pass run twice. */
START_TEST(flop_of_an_iteration)
{
	const struct gpt *g = &gpts[_i];
	const double B = 3, s = TOKENS, h = (double)g->hidden, l = (double)g->layers, V = VOCABULARY;
	const struct shape shape = shape_of(3);
	double layer = 0, head;

	load(g);
	for (int x = 0; x < 2; x++) {
		const enum role role = x ? ROLE_FFN : ROLE_ATTENTION;

		layer += 2 * flop_of(role, PHASE_FORWARD, &shape) + flop_of(role, PHASE_BACKWARD, &shape);
	}
	head = flop_of(ROLE_HEAD, PHASE_FORWARD, &shape) + flop_of(ROLE_HEAD, PHASE_BACKWARD, &shape);
	ck_assert_double_eq_tol((l * layer + head) /
					(96 * B * s * l * h * h * (1 + s / (6 * h) + V / (16 * l * h))),
				1, 1e-12);
	fixture_release(&fixture);
}
END_TEST

/* Equation 2: P = 12 l h^2 (1 + 13/(12h) + (V + s)/(12 l h)); 13/(12h) is of biases and norms, which this GPT lacks but for
 * the weights of two norms in each layer and one at the end. */
START_TEST(parameters)
{
	const struct gpt *g = &gpts[_i];
	const double s = TOKENS, h = (double)g->hidden, l = (double)g->layers, V = VOCABULARY;

	load(g);
	ck_assert_double_eq_tol(model_weights(fixture.world->model) /
					(12 * l * h * h * (1 + 2 / (12 * h) + (V + s + 1) / (12 * l * h))),
				1, 1e-12);
	fixture_release(&fixture);
}
END_TEST

static double saved_B(enum role role, const struct shape *s, double scores)
{
	const struct world *w = fixture.world;
	const struct copies copies = {.scores = scores};

	return graph_saved_B(w->model, &w->scenario->precision, s, fixture_part(w->model, role), &copies);
}

/* Korthikanti et al., arXiv:2205.05198, equation 2: a layer keeps sbh (34 + 5 a s/h) bytes. Of these the masks of three
 * dropouts are 2 sbh + a s^2 b; nothing is dropped out here. The scores are kept before and after dropout, 2 a s^2 b each.
 * Selective recomputation keeps none: sbh 34 (equation 6). A rank of a tensor split with sequence parallelism keeps its
 * share of all (equation 4), as a device here keeps that of its block. */
START_TEST(activations_of_a_layer)
{
	const struct gpt *g = &gpts[_i];
	const double s = TOKENS, b = 2, h = (double)g->hidden, a = (double)g->heads;
	struct shape shape = shape_of(2);

	load(g);
	ck_assert_double_eq_tol(saved_B(ROLE_ATTENTION, &shape, 2) + saved_B(ROLE_FFN, &shape, 2),
				s * b * h * (34 - 2 + (5 - 1) * a * s / h), 1);
	shape.scores_again = true;
	ck_assert_double_eq_tol(saved_B(ROLE_ATTENTION, &shape, 2) + saved_B(ROLE_FFN, &shape, 2),
				s * b * h * (34 - 2), 1);
	fixture_release(&fixture);
}
END_TEST

/* ---- the bubble of a whole step ---- */

enum { PIPE_LAYERS = 24 };

/* p machines, bare layers, links that cost nothing, no host; layers dealt out in p v runs, machine after machine. */
static sim_ns step_ns(int p, int v, int m)
{
	struct arena a = ARENA_INIT;
	const char *sets[16];
	struct placement at;
	struct program *program;
	sim_ns ns;
	size_t n = 0;

	sets[n++] = arena_printf(&a, "model.layers=%d", PIPE_LAYERS);
	sets[n++] = "model.ends=false";
	for (int i = 0; i < p; i++)
		sets[n++] = arena_printf(&a, "machines.m%d.devices.gpu.runtimes.fixture.overhead.step=0", i);
	sets[n] = NULL;
	fixture_mesh(
		&fixture, p, "latency: 0, bandwidth: 1e15 B/s",
		arena_printf(&a,
			     "{train: {tokens: 64 tok, optimizer: none, micro_batches: %d, schedule: %s}}", m,
			     v > 1 ? "interleaved" : "1f1b"),
		sets);
	at = fixture_all_on(&fixture, 0);
	for (int x = PHASE_FORWARD; x < PHASE_N; x++) {
		struct shards *shard_groups = arena_array(&a, at.blocks_n, sizeof *shard_groups);

		for (size_t k = 1; k < at.blocks_n - 1; k++)
			shard_groups[k] =
				(struct shards){.n = 1,
						.unit = {(size_t)(model_block(fixture.world->model, k).layer *
								  p * v / PIPE_LAYERS) %
							 (size_t)p},
						.share = {1}};
		at.shard_groups[x] = shard_groups;
	}
	program = train_build(&at);
	ns = fixture_run(&a, program).run.makespan_ns;
	program_free(program);
	fixture_release(&fixture);
	arena_release(&a);
	return ns;
}

/* Narayanan et al., section 2.2: idle over ideal time is (p - 1)/m, with v chunks on each device (p - 1)/(v m). */
START_TEST(bubble_of_a_step)
{
	static const struct {
		int p, v, m;
	} rows[] = {{2, 1, 4}, {4, 1, 4}, {4, 1, 16}, {2, 2, 4}, {4, 2, 8}, {4, 3, 4}, {4, 6, 8}};
	const int p = rows[_i].p, v = rows[_i].v, m = rows[_i].m;
	const sim_ns one =
		step_ns(1, 1, 2) / 2; /* a micro-batch of several on one machine, with its sum of gradients */

	ck_assert_int_eq(one % (p * v), 0);
	ck_assert_int_eq(step_ns(p, v, m) * p * v, one * (m * v + p - 1));
}
END_TEST

Suite *suite_papers(void)
{
	Suite *s = suite_create("papers");
	TCase *tc = tcase_create("papers");

	tcase_add_loop_test(tc, flop_of_an_iteration, 0, (int)ARRAY_LEN(gpts));
	tcase_add_loop_test(tc, parameters, 0, (int)ARRAY_LEN(gpts));
	tcase_add_loop_test(tc, activations_of_a_layer, 0, (int)ARRAY_LEN(gpts));
	tcase_add_loop_test(tc, bubble_of_a_step, 0, 7);
	suite_add_tcase(s, tc);
	return s;
}
