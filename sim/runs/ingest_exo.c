/* ingest_exo.c - what exo's benchmark logs and writes (bench/exo_bench.py, exo-explore/exo@00993ada); see ingest_apps.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/conf/yml.h"
#include "sim/runs/ingest_apps.h"
#include "sim/runs/numbers.h"

/* exo runs mlx_lm, on one node or several. */
static const char tool[] = "mlx_lm of exo";

struct exo {
	const char *model, *nodes; /* nodes: what takes part where they are several; NULL: one */
	bool cached;               /* prompts are in the cache, so that their rates say nothing */
	int64_t at_once;
};

/* The number behind a key, which begins a word. */
static double behind(const char *line, const char *key)
{
	const char *at = strstr(line, key);

	return at && (at == line || at[-1] == ' ') ? ingest_behind(at, key) : NAN;
}

static const char *several(struct arena *a, double nodes)
{
	return nodes > 1 && nodes < 1e6 ? arena_printf(a, "exo on %.0f nodes", nodes) : NULL;
}

/* A prompt and the answer to it. */
static int add_pair(struct reading *r, int line, const struct exo *x, double prompt, double gen,
		    double prompt_tps, double gen_tps)
{
	struct run pp = {.line = line,
			 .model = x->model,
			 .prompt = whole_count(prompt),
			 .seconds = prompt / prompt_tps,
			 .n = 1,
			 .says[COLUMN_RPC] = x->nodes};
	struct run tg = pp;

	if (!(prompt >= 1) || !(gen >= 1) || !(prompt_tps > 0) || !(gen_tps > 0) || prompt > 1e8 || gen > 1e8)
		return err_set(r->err, "%s:%d: expected rates and numbers of tokens above 0", r->path, line);
	if (x->at_once > 1)
		return err_set(r->err, "%s:%d: %lld requests at once, whose prompts shared the time", r->path,
			       line, (long long)x->at_once);
	tg.prompt = 0;
	tg.gen = whole_count(gen);
	tg.depth = whole_count(prompt);
	tg.seconds = gen / gen_tps;
	if (!x->cached && reading_add(r, pp) != 0)
		return -1;
	return reading_add(r, tg);
}

bool ingest_exo_is(const char *text)
{
	return strstr(text, "prompt_tps=") && strstr(text, " gen_tps=") && strstr(text, " gen_tokens=");
}

/* "exo-bench model: short_id=... full_id=...", "PLACEMENT: Pipeline / MlxRing / nodes=2 / ...",
 * "--- pp=8192 tg=512 concurrency=1 ---", and at the beginning of a run with the cache a warning. */
static void take_fact(struct reading *r, const char *line, struct exo *x)
{
	const char *id = strstr(line, "full_id=");
	const double nodes = behind(line, "nodes="), at_once = behind(line, "concurrency=");

	if (strstr(line, "exo-bench model:") && id) {
		id += strlen("full_id=");
		x->model = arena_strndup(r->arena, id, strcspn(id, " \t"));
	}
	if (strstr(line, "PLACEMENT:"))
		x->nodes = several(r->arena, nodes);
	if (strstr(line, "--- pp="))
		x->at_once = whole_count(at_once);
	if (strstr(line, "--use-prefix-cache"))
		x->cached = true;
	if (strstr(line, "=== iter"))
		x->cached = false;
}

int ingest_exo(struct reading *r, const char *text)
{
	struct exo x = {.model = NULL};
	int rc = 0;

	r->tool = tool;
	for (int at = 1; *text && rc == 0; at++) {
		const char *line = reading_line(r, &text);

		if (ingest_exo_is(line))
			rc = add_pair(r, at, &x, behind(line, "prompt_tokens="), behind(line, "gen_tokens="),
				      behind(line, "prompt_tps="), behind(line, "gen_tps="));
		else
			take_fact(r, line, &x);
	}
	return rc;
}

static double number_at(const struct yml *map, const char *key)
{
	const struct yml *v = map ? yml_get(map, key) : NULL;
	double x;
	const char *end = v && v->kind == YML_SCALAR ? number_decimal(v->text, &x) : NULL;

	return end && !*end ? x : NAN;
}

/* {"runs": [{"stats": {"prompt_tps": ...}, "model_id": ..., "placement_nodes": ..., "concurrency": ...}]}; 1: of another
 * program. */
int ingest_exo_json(const struct record *c)
{
	const struct yml *runs = yml_get(c->object, "runs");

	c->r->tool = tool;
	for (size_t i = 0; runs && runs->kind == YML_LIST && i < runs->n; i++) {
		const struct yml *run = runs->items[i];
		const struct yml *stats = run->kind == YML_MAP ? yml_get(run, "stats") : NULL;
		const struct record one = {.r = c->r, .line = c->line, .object = run};
		struct exo x;

		if (!stats || stats->kind != YML_MAP || !yml_get(run, "placement_nodes"))
			return 1;
		x = (struct exo){.model = record_text(&one, "model_id"),
				 .nodes = several(c->r->arena, number_at(run, "placement_nodes")),
				 .at_once = whole_count(number_at(run, "concurrency"))};
		if (add_pair(c->r, c->line + run->place.line - c->object->place.line, &x,
			     number_at(stats, "prompt_tokens"), number_at(stats, "generation_tokens"),
			     number_at(stats, "prompt_tps"), number_at(stats, "generation_tps")) != 0)
			return -1;
	}
	return runs && runs->kind == YML_LIST && runs->n ? 0 : 1;
}
