/* fuzz_serve.c - any bytes as a load and as an assignment's servers: what is accepted can be drawn from. */
#include "tests/fuzz/fuzz.h"

#include "sim/load/arrivals.h"
#include "sim/world/scenario.h"

/* A few requests, each refused or answered at once. */
static void draw(const struct serve *s)
{
	struct err err = ERR_INIT;
	struct arrivals *a = arrivals_new(s, 1, 0, &err);
	struct request_source source = arrivals_source(a);
	struct request r;
	int64_t last = 0;

	for (int i = 0; i < 40 && source.next(source.self, INT64_MAX, &r); i++) {
		struct request_times t = {.end_ns = r.arrive_ns, .last_ns = r.arrive_ns, .tokens = r.output};
		int64_t sum = 0;

		for (size_t k = 0; k < r.prefix_n; k++)
			sum += r.prefix[k].tokens;
		BUG_ON(r.arrive_ns < last || r.prompt < 1 || r.output < 1 || sum > r.prompt);
		last = r.arrive_ns;
		t.end = i % 3 ? REQUEST_DONE : REQUEST_REFUSED;
		if (i % 5 != 4)
			source.ended(source.self, &r, &t);
	}
	arrivals_free(a);
}

static void load(struct yml *tree, struct diags *diags)
{
	struct scenario s = {.seed = 1};
	struct serve serve = {.requests = 0};

	s.workload.serve = &serve;
	if (field_load(&serve_table, tree, "serve", &serve, diags) != 0)
		return;
	/* a trace would be a file of this machine; a million numbers are drawn for exact_rate alone */
	if (scenario_check_serve(&s, diags) == 0 && serve.arrivals.kind != ARRIVALS_TRACE &&
	    !(serve.arrivals.exact_rate && serve.requests > 10000) && serve.arrivals.users < 10000)
		draw(&serve);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	struct diags diags;
	struct source source = {"f", arena_strndup(&arena, (const char *)data, size), size};
	struct serve_how provenance = {.server = NULL};
	struct yml *tree;

	diags_init(&diags, &arena);
	tree = yml_parse(&arena, &source, &diags);
	if (tree) {
		load(tree, &diags);
		field_load(&serve_how_table, tree, "serve", &provenance, &diags);
	}
	arena_release(&arena);
	return 0;
}
