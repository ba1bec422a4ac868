/* ingest_own.c - a row of our own csv: a run of a model, an operator alone, a ratio of two machines; see
 * ingest.h. */
#include <stdlib.h>
#include <string.h>

#include "sim/base/nearest.h"
#include "sim/base/str.h"
#include "sim/base/csv.h"
#include "sim/runs/ingest.h"

static const double seconds_max = READING_SECONDS_MAX, samples_max = 1e6, size_max = 1 << 24,
		    bytes_max = 1e15;

/* The index of the cell's name; -1 with err where it is none of them. */
static int choose(const struct record *c, const char *key, const char *const *names, size_t n)
{
	const char *text = record_text(c, key), *near;
	struct str all = STR_INIT;

	for (size_t i = 0; i < n; i++) {
		if (text && !strcmp(names[i], text)) {
			str_release(&all);
			return (int)i;
		}
		str_addf(&all, "%s%s", !i ? "" : i + 1 < n ? ", " : " or ", names[i]);
	}
	err_set(c->r->err, "%s:%d: %s: expected %s, got '%.60s'", c->r->path, c->line, key, all.text,
		text ? text : "");
	str_release(&all);
	near = text ? nearest_of(text, names, n) : NULL;
	return near ? err_hint(c->r->err, "did you mean '%s'?", near) : -1;
}

/* Reads a positive number with its unit, as in our YAML; absent: *value stays. */
static int quantity_of(const struct record *c, const char *key, enum dim dim, double max, double *value)
{
	const char *text = record_text(c, key);
	struct err why = ERR_INIT;
	double x;

	if (!text)
		return 0;
	if (units_parse(text, dim, &x, &why) != 0)
		return err_set(c->r->err, "%s:%d: %s: %s", c->r->path, c->line, key, why.msg);
	if (!(x > 0) || x > max)
		return reading_fail(c->r, c->line, "out of range:", text);
	*value = x;
	return 0;
}

/* Reads the size of a GEMM: "4096", "512x4096x14336". */
static int product_of(const struct record *c, struct run *run)
{
	const char *text = record_text(c, "size");
	int64_t *const side[] = {&run->product.m, &run->product.n, &run->product.k};
	const char *at = text ? text : "";
	size_t n = 0;

	for (; n < ARRAY_LEN(side); n++) {
		char digits[12] = "";
		const size_t len = strspn(at, "0123456789");
		double x = 0;

		if (!len || len >= sizeof digits)
			break;
		memcpy(digits, at, len);
		if (reading_number(c->r, c->line, "size", digits, size_max, &x) != 0)
			return -1;
		*side[n] = (int64_t)x;
		at += len;
		if (*at != 'x' || x < 1)
			break;
		at++;
	}
	if (n == 0)
		run->product.n = run->product.k = run->product.m;
	if (!text || *at || (n != 0 && n != 2) || !run->product.m || !run->product.n || !run->product.k)
		return reading_fail(c->r, c->line, "size: expected 4096 or 512x4096x14336, got",
				    text ? text : "");
	return 0;
}

/* Sets the time from the rate, if a rate is given; seconds stay 0 where neither is. */
static int take_rate(const struct record *c, double rate, struct run *run)
{
	if (run->seconds > 0 && rate > 0)
		return err_set(c->r->err, "%s:%d: a row has 'seconds' or a rate, not both", c->r->path,
			       c->line);
	if (rate > 0)
		run->seconds = run_work(run) / rate;
	return 0;
}

static int take_operator(const struct record *c, struct run *run)
{
	const int dtype = run->kind == RUN_GEMM ? choose(c, "dtype", dtype_names, DTYPE_N) : 0;
	double rate = 0;

	if (dtype < 0)
		return -1;
	run->product.dtype = (enum dtype)dtype;
	if (run->kind == RUN_GEMM ? product_of(c, run) != 0
				  : quantity_of(c, "size", DIM_BYTES, bytes_max, &run->moved_B) != 0)
		return -1;
	if (run->kind != RUN_GEMM && !(run->moved_B > 0))
		return reading_fail(c->r, c->line, "size: expected 1 GiB, got", "");
	if (quantity_of(c, "rate", run->kind == RUN_GEMM ? DIM_FLOPS : DIM_BANDWIDTH, 1e18, &rate) != 0)
		return -1;
	return take_rate(c, rate, run);
}

static int take_model_run(const struct record *c, struct run *run)
{
	const enum run_kind k = run->kind;
	double rate = 0;

	if (record_count(c, "prompt", &run->prompt) != 0 || record_count(c, "gen", &run->gen) != 0 ||
	    record_count(c, "depth", &run->depth) != 0 || record_count(c, "batch", &run->batch) != 0 ||
	    record_count(c, "chunk", &run->chunk) != 0 || record_build(c, "build", &run->build) != 0 ||
	    record_number(c, "bytes", 1e16, &run->bytes) != 0 ||
	    record_number(c, "params", 1e16, &run->params) != 0 ||
	    record_number(c, "tok_per_s", 1e9, &rate) != 0)
		return -1;
	if ((k != RUN_TG && !run->prompt) || (k != RUN_PP && !run->gen) || (k == RUN_PP && run->gen) ||
	    (k == RUN_TG && run->prompt))
		return reading_fail(c->r, c->line, "prompt and gen do not go with kind", run_kind_names[k]);
	run->batch = run->batch ? run->batch : 1;
	if (record_text(c, "dtype") && choose(c, "dtype", dtype_names, DTYPE_N) < 0)
		return -1;
	return take_rate(c, rate, run);
}

/* The model, the machine and the program of a row. */
static int take_names(const struct record *c, struct run *run)
{
	const char *use = record_text(c, "use");

	run->model = record_text(c, "model");
	run->machine = record_text(c, "machine");
	run->runtime = record_text(c, "runtime");
	run->weights = record_text(c, "weights");
	run->set = record_text(c, "set");
	run->source = record_text(c, "source");
	run->tool = record_text(c, "tool");
	run->flash = reading_flash(record_text(c, "flash_attn"));
	record_columns(c, run);
	if (use && strcmp(use, "fit") != 0 && strcmp(use, "check") != 0)
		return reading_fail(c->r, c->line, "use: expected fit or check, got", use);
	run->held_out = use && !strcmp(use, "check");
	if (csv_column(c->csv, "machine") == (size_t)-1)
		return 0;
	if (!run->machine || !run->runtime || (!run->model && !run_is_operator(run)))
		return err_set(c->r->err, "%s:%d: rows of many machines each say machine, runtime and model",
			       c->r->path, c->line);
	if (run->model && run_is_operator(run))
		return reading_fail(c->r, c->line, "an operator alone is of no model, got", run->model);
	return 0;
}

/* The other machine of a ratio, and the ratio of this machine's rate to that one's. */
static int take_ratio(const struct record *c, struct run *run)
{
	double ratio = 0;

	run->over = record_text(c, "over");
	run->over_runtime = record_text(c, "over_runtime");
	if (record_number(c, "ratio", 1e6, &ratio) != 0)
		return -1;
	if (!run->over && (ratio > 0 || run->over_runtime))
		return err_set(c->r->err, "%s:%d: a ratio needs the other machine, 'over'", c->r->path,
			       c->line);
	if (!run->over)
		return 0;
	if (!(ratio > 0))
		return err_set(c->r->err, "%s:%d: beside 'over' a 'ratio' above 0 is wanted", c->r->path,
			       c->line);
	if (run->seconds > 0)
		return err_set(c->r->err, "%s:%d: a ratio has no time or rate of its own", c->r->path,
			       c->line);
	if (!run->machine)
		return err_set(c->r->err, "%s:%d: a ratio is of a 'machine' over another", c->r->path,
			       c->line);
	run->over_runtime = run->over_runtime ? run->over_runtime : run->runtime;
	run->seconds = 1 / ratio;
	return 0;
}

int ingest_own(const struct record *c)
{
	struct run run = {.line = c->line, .batch = 1};
	const int kind = choose(c, "kind", run_kind_names, RUN_KIND_N);
	double n = 1;

	if (kind < 0 || record_number(c, "sd", seconds_max, &run.sd) != 0 ||
	    record_number(c, "n", samples_max, &n) != 0 ||
	    record_number(c, "seconds", seconds_max, &run.seconds) != 0)
		return -1;
	run.kind = (enum run_kind)kind;
	run.n = (int64_t)n;
	if ((run_is_operator(&run) ? take_operator : take_model_run)(c, &run) != 0 ||
	    take_names(c, &run) != 0 || take_ratio(c, &run) != 0)
		return -1;
	return reading_add(c->r, run);
}
