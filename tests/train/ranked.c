/* ranked.c - see ranked.h. */
#include "tests/train/ranked.h"

#include <string.h>

#include "sim/base/err.h"

static int below(struct rng *r, int n)
{
	return (int)(rng_uniform(r) * n);
}

static const char *const schedules[] = {"serial", "gpipe", "1f1b", "interleaved", "zb-h1", "zb-h2", "zb-v"};
static const char *const links[] = {"latency: 0, bandwidth: 1e15 B/s", "latency: 20 us, bandwidth: 2 GB/s",
				    "latency: 300 us, bandwidth: 0.1 GB/s"};

void ranked_load(struct fixture *fixture, const struct ranked *j)
{
	static const char *const kinds[] = {"tensor", "data", "context"};
	const int runs = j->runs * j->stages;
	struct str s = STR_INIT;

	str_addf(&s, "%smodel: %s\nmachines: {", FIXTURE_HEAD, FIXTURE_MODEL("6"));
	for (int i = 0; i < j->stages; i++)
		str_addf(&s, "%sm%d: %s", i ? ", " : "", i, FIXTURE_MACHINE);
	str_add(&s, "}\nlinks:\n");
	for (int i = 0; i < j->stages; i++)
		for (int k = 0; k < i; k++)
			str_addf(&s,
				 "  l%d_%d: {schema: lemursim/hardware/1, kind: link, title: fixture, %s, "
				 "between: [m%d, m%d]}\n",
				 i, k, j->link, k, i);
	for (size_t e = 0; e < ARRAY_LEN(kinds); e++)
		str_addf(
			&s,
			"  %s: {schema: lemursim/hardware/1, kind: link, title: fixture, %s, all_reduce: %s, "
			"equals: %s}\n",
			kinds[e], j->link, j->how, kinds[e]);
	str_addf(&s,
		 "workload: {train: {tokens: 64 tok, micro_batches: %d, schedule: %s, %s, tensor_parallel: "
		 "%d, data_parallel: %d, context_parallel: %d}}\n",
		 j->micros * j->replicas, j->schedule, j->method, j->ranks, j->replicas, j->contexts);
	str_add(&s, "assignments:\n  - name: x\n    place:\n      - {on: m0}\n");
	for (int k = 1; k < runs; k++)
		str_addf(&s, "      - {layers: %d-%d, on: m%d}\n", k * j->layers / runs,
			 (k + 1) * j->layers / runs - 1,
			 j->vee && k >= j->stages ? 2 * j->stages - 1 - k : k % j->stages);
	str_addf(&s, "      - {op: head, on: m%d}\n", j->vee ? 0 : j->stages - 1);
	fixture_text(fixture, s.text,
		     (const char *const[]){"model.attention.kv_heads=8",
					   j->layers == 12 ? "model.layers=12" : "model.layers=6", NULL});
	str_release(&s);
}

struct ranked ranked_random(struct rng *rng)
{
	static const char *const methods_of_ranks[] = {
		"method: full",
		"method: full, recompute: full",
		"method: full, recompute: selective, sequence_parallel: true",
		"method: lora, rank: 4, targets: [q, down]",
		"method: full, zero: 1, overlap: false",
		"method: full, zero: 2",
		"method: full, zero: 2, overlap: false",
		"method: full, zero: 1, step_overlap: true",
		"method: full, zero: 2, step_overlap: true",
		"method: full, zero: 3",
		"method: full, zero: 3, recompute: full",
		"method: full, sequence_parallel: true, tensor_overlap: true",
		"method: full, zero: 1, step_overlap: true, sequence_parallel: true, tensor_overlap: true"};
	static const char *const ways[] = {"ring", "tree", "halving", "auto"};
	struct ranked j = {.stages = 1 + below(rng, 3),
			   .runs = 1,
			   .layers = below(rng, 2) ? 6 : 12,
			   .ranks = 1 << below(rng, 4),
			   .contexts = below(rng, 4) ? 1 : 2,
			   .replicas = 1 << below(rng, 2),
			   .micros = 1 + below(rng, 60),
			   .schedule = schedules[below(rng, (int)ARRAY_LEN(schedules))],
			   .method = methods_of_ranks[below(rng, (int)ARRAY_LEN(methods_of_ranks))],
			   .link = links[below(rng, (int)ARRAY_LEN(links))],
			   .how = ways[below(rng, (int)ARRAY_LEN(ways))]};

	j.vee = !strcmp(j.schedule, "zb-v");
	if (j.vee || (!strcmp(j.schedule, "interleaved") && j.stages > 1))
		j.runs = j.vee ? 2 : 1 + below(rng, 6 / j.stages);
	return j;
}
