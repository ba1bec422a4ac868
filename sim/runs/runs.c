/* runs.c - names, rates and checks of runs; see ingest.h. */
#include <math.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/runs/ingest.h"

bool runs_name_machines(const struct runs *r)
{
	return r->n && r->at[0].machine;
}

/* One number that rows say, some of which may not; 0: none does, or they say several. */
static double same_said(double before, double x, bool *several)
{
	*several = *several || (before > 0 && x > 0 && before != x);
	return *several ? 0 : before > 0 ? before : x;
}

struct memory_said runs_memory(const struct runs *r)
{
	struct memory_said m = {0, 0, 0};
	bool rams = false, workings = false;

	for (size_t i = 0; i < r->n; i++) {
		m.held_B = fmax(m.held_B, fmax(r->at[i].bytes, r->at[i].peak_B));
		m.ram_B = same_said(m.ram_B, r->at[i].ram_B, &rams);
		m.working_B = same_said(m.working_B, r->at[i].working_B, &workings);
	}
	return m;
}

const char *run_says_machine(const struct run *r)
{
	return r->machine ? r->machine : r->says[COLUMN_GPU];
}

/* Does a row before this one name the same machine? */
static bool is_named_before(const struct runs *r, size_t i)
{
	for (size_t k = 0; k < i; k++) {
		const char *before = run_says_machine(&r->at[k]);

		if (before && !strcmp(before, run_says_machine(&r->at[i])))
			return true;
	}
	return false;
}

const char *runs_machines_named(struct arena *a, const struct runs *r, const char **first)
{
	enum { LISTED_MOST = 6 };
	const char *all = "";
	size_t n = 0;

	for (size_t i = 0; i < r->n; i++) {
		const char *said = run_says_machine(&r->at[i]);

		if (!said || is_named_before(r, i))
			continue;
		if (n < LISTED_MOST)
			all = arena_printf(a, "%s%s'%.60s'", all, n ? ", " : "", said);
		*first = n++ ? *first : said;
	}
	if (n < 2)
		return NULL;
	return arena_printf(a, "its rows name %zu machines: %s%s", n, all, n > LISTED_MOST ? ", ..." : "");
}

int runs_of_models(const struct runs *r, struct err *err)
{
	for (size_t i = 0; i < r->n; i++) {
		if (!run_is_operator(&r->at[i]) && !r->at[i].over)
			continue;
		err_set(err, "%s:%d: %s is no run of a model on one machine", r->path, r->at[i].line,
			r->at[i].over ? "a ratio" : "an operator alone");
		return err_hint(err, "'calibrate --family FILE' and 'validate' without a machine take it");
	}
	return 0;
}

int runs_one_model(const struct runs *r, struct err *err)
{
	if (runs_of_models(r, err) != 0)
		return -1;
	for (size_t i = 1; i < r->n; i++) {
		const char *a = r->at[0].model, *b = r->at[i].model;

		if ((!a || !b || !strcmp(a, b)) &&
		    (!(r->at[i].bytes > 0) || !(r->at[0].bytes > 0) || r->at[i].bytes == r->at[0].bytes))
			continue; /* llama-batched-bench says neither */
		err_set(err, "%s:%d: model '%.100s' after '%.100s' at line %d", r->path, r->at[i].line,
			b ? b : "?", a ? a : "?", r->at[0].line);
		return err_hint(err, "one model a file: split it");
	}
	return 0;
}

/* ---- names, rates and checks of runs ---- */

const char *const run_kind_names[RUN_KIND_N + 1] = {
	[RUN_PP] = "pp",     [RUN_TG] = "tg",     [RUN_PG] = "pg",    [RUN_GEMM] = "gemm",
	[RUN_COPY] = "copy", [RUN_READ] = "read", [RUN_KIND_N] = NULL};

int64_t run_build(const struct run *r)
{
	return r->build < RUN_BUILD_LEAST ? 0 : r->build;
}

bool run_is_operator(const struct run *r)
{
	return r->kind >= RUN_GEMM;
}

double run_work(const struct run *r)
{
	if (r->kind == RUN_GEMM)
		return 2 * (double)r->product.m * (double)r->product.n * (double)r->product.k;
	return run_is_operator(r) ? r->moved_B : (double)r->batch * (double)(r->prompt + r->gen);
}

double run_rate_of(const struct run *r, double seconds)
{
	const double unit = r->kind == RUN_GEMM ? 1e12 : run_is_operator(r) ? 1e9 : 1;

	return r->over ? 1 / seconds : run_work(r) / seconds / unit;
}

double run_rate(const struct run *r)
{
	return run_rate_of(r, r->seconds);
}

const char *run_unit(const struct run *r)
{
	if (r->over)
		return "times";
	return r->kind == RUN_GEMM ? "TFLOPS" : run_is_operator(r) ? "GB/s" : "tok/s";
}

static void add_operator(const struct run *r, struct str *s)
{
	str_add(s, run_kind_names[r->kind]);
	if (r->kind != RUN_GEMM) {
		str_add(s, " ");
		units_format(s, r->moved_B, DIM_BYTES, 4);
		return;
	}
	str_addf(s, " %s %lld", dtype_names[r->product.dtype], (long long)r->product.m);
	if (r->product.m != r->product.n || r->product.m != r->product.k)
		str_addf(s, "x%lldx%lld", (long long)r->product.n, (long long)r->product.k);
}

const char *run_name(struct arena *a, const struct run *r)
{
	struct str s = STR_INIT;
	const char *name;

	if (run_is_operator(r))
		add_operator(r, &s);
	if (r->prompt)
		str_addf(&s, "pp%lld", (long long)r->prompt);
	if (r->gen)
		str_addf(&s, "%stg%lld", r->prompt ? "+" : "", (long long)r->gen);
	if (r->depth)
		str_addf(&s, " @ d%lld", (long long)r->depth);
	if (r->batch > 1)
		str_addf(&s, " x %lld", (long long)r->batch);
	if (r->over)
		str_addf(&s, " over %s", r->over);
	if (r->over_runtime && strcmp(r->over_runtime, r->runtime) != 0)
		str_addf(&s, " %s", r->over_runtime);
	name = arena_strdup(a, s.text);
	str_release(&s);
	return name;
}
