/* fixtures.c - see fixtures.h. */
#include "tests/fixtures.h"

#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/step/walk.h"

static const char *const here[] = {"."};

const char *fixture_complaints(struct fixture *t)
{
	struct str text = STR_INIT;
	const char *kept;

	diags_format(&t->diags, &text);
	kept = arena_strdup(&t->arena, text.text);
	str_release(&text);
	return kept;
}

void fixture_init(struct fixture *t)
{
	*t = (struct fixture){.arena = ARENA_INIT};
	diags_init(&t->diags, &t->arena);
	loader_init(&t->loader, &t->arena, &t->diags);
}

void fixture_load(struct fixture *t, const char *path, const char *const *sets)
{
	const char *kept[32]; /* a world points into its arguments */
	size_t n = 0;

	fixture_init(t);
	for (; sets && sets[n]; n++) {
		ck_assert_uint_lt(n, ARRAY_LEN(kept));
		kept[n] = arena_strdup(&t->arena, sets[n]);
	}
	t->loader.paths = here;
	t->loader.paths_n = ARRAY_LEN(here);
	t->world = world_load(&t->loader, arena_strdup(&t->arena, path), kept, n);
	ck_assert_msg(t->world != NULL, "%s", fixture_complaints(t));
}

void fixture_text(struct fixture *t, const char *yaml, const char *const *sets)
{
	char path[] = "/tmp/lemursim-fixture-XXXXXX";
	const int fd = mkstemp(path);
	FILE *f = fd < 0 ? NULL : fdopen(fd, "w");

	ck_assert_ptr_nonnull(f);
	fputs(yaml, f);
	ck_assert_int_eq(fclose(f), 0);
	fixture_load(t, path, sets);
	unlink(path);
}

void fixture_mesh(struct fixture *t, int n, const char *link, const char *workload, const char *const *sets)
{
	struct str text = STR_INIT;

	str_add(&text, FIXTURE_HEAD "model: " FIXTURE_MODEL("2") "\nmachines: {");
	for (int i = 0; i < n; i++)
		str_addf(&text, "%sm%d: %s", i ? ", " : "", i, FIXTURE_MACHINE);
	str_add(&text, "}\nlinks: {");
	for (int i = 0; i < n; i++)
		for (int j = 0; j < i; j++)
			str_addf(&text,
				 "%sl%d%d: {schema: lemursim/hardware/1, kind: link, title: fixture, %s, "
				 "between: [m%d, m%d]}",
				 i + j > 1 ? ", " : "", i, j, link, i, j);
	str_addf(&text, "}\nworkload: %s\nassignments: [{name: x, place: [{on: m0}]}]\n", workload);
	fixture_text(t, text.text, sets);
	str_release(&text);
}

void fixture_release(struct fixture *t)
{
	arena_release(&t->arena);
}

int fixture_try_place(struct fixture *t, size_t assignment, struct placement *p)
{
	const struct assignment *a = t->world->scenario->assignments.at;

	ck_assert_uint_lt(assignment, t->world->scenario->assignments.n);
	return placement_make(&t->arena, t->world, &a[assignment], p, &t->diags);
}

struct placement fixture_place(struct fixture *t, size_t assignment)
{
	struct placement p;

	ck_assert_msg(fixture_try_place(t, assignment, &p) == 0, "%s", fixture_complaints(t));
	return p;
}

struct placement fixture_place_named(struct fixture *t, const char *assignment)
{
	const struct assignment *a = t->world->scenario->assignments.at;

	for (size_t i = 0; i < t->world->scenario->assignments.n; i++)
		if (!strcmp(a[i].name, assignment))
			return fixture_place(t, i);
	ck_abort_msg("no assignment '%s'", assignment);
	return (struct placement){0};
}

struct shards fixture_even(int n)
{
	struct shards shards = {.n = n};

	for (int i = 0; i < n; i++) {
		shards.unit[i] = (size_t)i;
		shards.share[i] = 1.0 / n;
	}
	return shards;
}

struct part fixture_part(const struct model *m, enum role role)
{
	return model_block(m, model_block_of(m, role, 0)).part;
}

struct placement fixture_all_on(struct fixture *t, size_t unit)
{
	const struct world *w = t->world;
	struct placement p = {
		.world = w, .assignment = w->scenario->assignments.at, .blocks_n = model_blocks(w->model)};

	for (int x = 0; x < PHASE_N; x++) {
		struct shards *shard_groups = arena_array(&t->arena, p.blocks_n, sizeof *shard_groups);

		for (size_t b = 0; b < p.blocks_n; b++)
			shard_groups[b] = (struct shards){.n = 1, .unit = {unit}, .share = {1}};
		p.shard_groups[x] =
			workload_runs(&w->scenario->workload, (enum phase)x) ? shard_groups : NULL;
	}
	return p;
}

const struct world *fixture_asking(struct fixture *t, struct generate g)
{
	struct world *w = arena_alloc(&t->arena, sizeof *w);
	struct scenario *s = arena_alloc(&t->arena, sizeof *s);
	struct generate *kept = arena_alloc(&t->arena, sizeof *kept);

	*kept = g;
	*s = *t->world->scenario;
	s->workload.generate = kept;
	*w = *t->world;
	w->scenario = s;
	return w;
}

struct fixture_run fixture_run(struct arena *a, struct program *p)
{
	struct fixture_run r = {.program = p};

	r.times = program_times(a, p);
	r.run = program_run(a, p, &r.times, &r.graph);
	r.compiled = compile(a, p, &r.run);
	return r;
}

sim_ns fixture_block_ns(struct fixture *t, const struct shape *s, enum role role, enum phase phase)
{
	const struct unit *u = &t->world->units[0];
	const struct device_model device_model =
		device_model_make(&t->arena, &t->world->machines[0], u->device, u->profile, DTYPE_F16);
	struct op ops[GRAPH_OPS];
	const size_t n = graph_block(t->world->model, &t->world->scenario->precision, s,
				     fixture_part(t->world->model, role), phase, ops);
	sim_ns sum = 0;

	for (size_t i = 0; i < n; i++) {
		const struct cost c = cost_of(&ops[i], &device_model, 1);

		sum += sim_ns_of_s(cost_seconds(&c));
	}
	return sum;
}

double fixture_step_s(const struct generate_programs *g, int i)
{
	struct arena a = ARENA_INIT;
	double s = 0;

	if (g->later[i]) {
		const struct fixture_run r = fixture_run(&a, g->later[i]);
		const struct compiled_ends e = compiled_run(r.compiled, &r.times);

		s = generate_step_s(g, &e);
	}
	arena_release(&a);
	return s;
}

double fixture_link_B(const struct program *p, enum payload payload)
{
	double bytes = 0;

	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct program_task *t = &p->tasks.at[i];

		if (queue_at(p->world, t->queue).kind != QUEUE_DEVICE &&
		    (!payload || t->label.payload == payload))
			bytes += p->op_classes.at[t->op_class].bytes;
	}
	return bytes;
}

double fixture_flop(const struct program *p)
{
	double flop = 0;

	for (size_t i = 0; i < p->tasks.n; i++)
		if (p->op_classes.at[p->tasks.at[i].op_class].kind == CLASS_OP)
			flop += p->op_classes.at[p->tasks.at[i].op_class].cost.flop;
	return flop;
}

void fixture_founding(struct fixture *t, const char *place, const char *more)
{
	struct arena a = ARENA_INIT;
	const char *const sets[] = {arena_printf(&a, "assignments=[{name: x, place: %s}]", place), more,
				    NULL};

	fixture_load(t, FIXTURE_FOUNDING, sets);
	arena_release(&a);
}

const struct shape fixture_shape = {.batch = 2, .tokens = 10, .all_logits = true};

void fixture_experts(struct fixture *t, const char *place, const char *more)
{
	struct arena a = ARENA_INIT;
	const char *const sets[] = {arena_printf(&a, "assignments.0.place=%s", place), more, NULL};

	fixture_text(t, FIXTURE_EXPERTS, sets);
	arena_release(&a);
}

struct program *fixture_walked(struct fixture *t, const struct placement *at, enum phase phase)
{
	struct program *p = program_new(t->world);
	struct walk k = walk_begin(p, at, phase, fixture_shape, 0);
	const size_t first = walk_first(t->world), last = walk_last(t->world);

	for (size_t i = first; i <= last; i++)
		walk_block(&k, phase == PHASE_BACKWARD ? last + first - i : i, NULL);
	return p;
}

struct generate_programs fixture_generate(struct fixture *t, const char *yaml, const char *const *sets,
					  struct placement *p)
{
	fixture_text(t, yaml, sets);
	*p = fixture_place(t, 0);
	return generate_build(p);
}

const struct metric_info *fixture_metric(const char *name)
{
	struct err err = ERR_INIT;
	const struct metric_info *m = metric_find(name, &err);

	ck_assert_msg(m != NULL, "%s", err.msg);
	return m;
}
