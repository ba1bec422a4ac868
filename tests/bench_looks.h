/*
 * bench_looks.h - what a look at a candidate of the annealing costs: the bound of its step, whether its weights fit, and the move
 * that led to it.
 */
#ifndef TESTS_BENCH_LOOKS_H
#define TESTS_BENCH_LOOKS_H
#include <stdio.h>
#include <time.h>

#include "sim/conf/load.h"
#include "sim/search/anneal.h"
#include "sim/world/world.h"

/* Looks at so many chains of the candidates for training in a scenario, and prints how many there were and the microseconds of
 * each. */
static void count_looks(const char *scenario, size_t chains)
{
	const char *const here[] = {"."};
	struct arena a = ARENA_INIT;
	struct diags diags;
	struct loader loader;
	struct variant variants[VARIANTS];
	struct anneal_ask ask = {.job = JOB_TRAIN, .variants = variants, .seed = 1};
	struct anneal *looks;
	clock_t begin;

	diags_init(&diags, &a);
	loader_init(&loader, &a, &diags);
	loader.paths = here;
	loader.paths_n = ARRAY_LEN(here);
	ask.w = world_load(&loader, scenario, NULL, 0);
	if (!ask.w || goal_parse("train_tok_per_s", &ask.goal, NULL) != 0)
		BUG("%s: no scenario", scenario);
	ask.variants_n = variants_make(&a, ask.w, ask.job, variants);
	looks = anneal_new(&ask);
	begin = clock();
	while (chains-- && anneal_step(looks, 1))
		;
	printf("%zu looks %.2f us each\n", anneal_tried(looks),
	       1e6 * (double)(clock() - begin) / CLOCKS_PER_SEC / (double)anneal_tried(looks));
	anneal_free(looks);
	arena_release(&a);
}

#endif
