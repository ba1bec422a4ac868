/* fit_write.c - a runtime as text: the numbers of another one, scaled; see fit_work.h. */
#include "sim/family/fit_work.h"

#include <math.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/base/jsonw.h"
#include "sim/calib/fit.h"

static void add_quoted(struct str *out, const char *text)
{
	struct jsonw w;

	jsonw_init(&w, out, 0);
	jsonw_string(&w, text);
}

/* How a kind of number is written: scaled, held at `most`, and, where `per` is positive, as a share of it. */
struct manner {
	const struct fit_scale *by;
	enum dim dim;
	double most, per;
};

static const char *source_of(const struct fit_written *w, const char *key, const struct qty *q,
			     const struct manner *as)
{
	const char *held = q->value * as->by->factor > as->most ? "; held at what the machine can do" : "";

	if (w->as_shares)
		return arena_printf(w->arena, "%s of '%s' on %s, another machine", key, w->from->origin.name,
				    w->at->machine->title);
	return arena_printf(w->arena, "%s of '%s' x %.4g%s%s", key, w->from->origin.name, as->by->factor,
			    as->by->fitted ? ", fitted to runs" : ", not told by these runs", held);
}

/* Appends "KEY: {value: ..., sd: ..., how: ..., source: ...}". */
static void add_number(const struct fit_written *w, struct str *out, const char *key, const struct qty *q,
		       const struct manner *as)
{
	const double value = fmin(q->value * as->by->factor, as->most);
	const double sd = value * exact_hypot(exact_hypot(q->spread, as->by->se), as->by->extra_sd);
	const enum dim dim = as->per > 0 ? DIM_SHARE : as->dim;
	const double unit = as->per > 0 ? as->per : 1;

	str_addf(out, "%s: {value: ", key);
	units_format(out, value / unit, dim, 6);
	str_add(out, ", sd: ");
	units_format(out, sd / unit, dim, 3);
	str_addf(out, ", how: %s, source: ",
		 provenance_names[as->by->fitted ? PROVENANCE_MEASURED : PROVENANCE_TRANSFERRED]);
	add_quoted(out, source_of(w, key, q, as));
	str_add(out, "}");
}

/* The same in a line of its own, where the number is given. */
static void add_line(const struct fit_written *w, struct str *out, size_t indent, const char *key,
		     const struct qty *q, const struct manner *as)
{
	if (!q->given)
		return;
	str_pad(out, ' ', indent);
	add_number(w, out, key, q, as);
	str_add(out, "\n");
}

static struct manner rate_of(const struct fit_written *w)
{
	const double bus = w->at->machine->memory.bandwidth.value;

	return (struct manner){&w->memory, DIM_BANDWIDTH, bus, w->as_shares ? bus : 0};
}

static void add_rates(const struct fit_written *w, struct str *out)
{
	const struct profile *p = w->from;
	const struct manner as = rate_of(w);
	const struct {
		const char *key;
		const struct qty *q;
	} rates[] = {{"read", &p->read},
		     {"copy", &p->copy},
		     {"gemv", &p->gemv},
		     {"gemv_q8", &p->gemv_q8},
		     {"gemv_q4", &p->gemv_q4}};

	for (size_t i = 0; i < ARRAY_LEN(rates); i++)
		add_line(w, out, 8, rates[i].key, rates[i].q, &as);
}

static void add_by_weights(const struct fit_written *w, struct str *out, const char *key,
			   const struct by_weights *b)
{
	const struct manner share = {&w->arithmetic, DIM_SHARE, 1, 0};
	const struct {
		const char *key;
		const struct qty *q;
	} kinds[] = {{"f16", &b->f16}, {"q8", &b->q8}, {"q4", &b->q4}, {"k", &b->k}, {"fp4", &b->fp4}};

	if (!b->origin.node)
		return;
	str_addf(out, "          %s:\n", key);
	for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
		add_line(w, out, 12, kinds[i].key, kinds[i].q, &share);
}

/* A scalar as the file had it: a number, a quantity or a word needs no quotes. */
static void add_scalar(struct str *out, const struct yml *node)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.% ";

	if (node->kind == YML_NULL)
		str_add(out, "null");
	else if (!node->quoted && strspn(node->text, plain) == strlen(node->text))
		str_add(out, node->text);
	else
		add_quoted(out, node->text);
}

static void add_tree(struct str *out, const struct yml *node)
{
	const bool is_map = node->kind == YML_MAP;

	if (node->kind == YML_SCALAR || node->kind == YML_NULL) {
		add_scalar(out, node);
		return;
	}
	str_add(out, is_map ? "{" : "[");
	for (size_t i = 0; i < node->n; i++) {
		str_add(out, i ? ", " : "");
		if (is_map)
			str_addf(out, "%s: ", node->keys[i]->text);
		add_tree(out, node->items[i]);
	}
	str_add(out, is_map ? "}" : "]");
}

/* Appends a node's keys that no other function writes as they are: counts, shares that nothing scales, names. */
static void copy_keys(struct str *out, size_t indent, const struct yml *node, const char *const *not_these,
		      size_t n)
{
	for (size_t i = 0; node && i < node->n; i++) {
		const char *key = node->keys[i]->text;

		if (node->items[i]->is_default || str_find(key, not_these, n) < n)
			continue;
		str_pad(out, ' ', indent);
		str_addf(out, "%s: ", key);
		add_tree(out, node->items[i]);
		str_add(out, "\n");
	}
}

static void add_few(const struct fit_written *w, struct str *out)
{
	static const char *const scaled[] = {"first", "further"};
	const struct few *f = &w->from->few;

	if (!f->origin.node)
		return;
	str_add(out, "        few:\n");
	copy_keys(out, 10, f->origin.node, scaled, ARRAY_LEN(scaled));
	add_by_weights(w, out, "first", &f->first);
	add_by_weights(w, out, "further", &f->further);
}

static void add_gemm(const struct fit_written *w, struct str *out, enum dtype t)
{
	static const char *const fitted[] = {"roof", "sync", "u", "points"};
	const struct gemm_table *g = w->from->gemm[t];
	const struct gemm_point *p = g->points.at;
	const double peak = w->at->device->peak[t].value;
	const struct manner share = {&w->arithmetic, DIM_SHARE, 1, 0},
			    roof = {&w->arithmetic, DIM_FLOPS, peak, w->as_shares ? peak : 0};

	str_addf(out, "        gemm_%s:\n", dtype_names[t]);
	add_line(w, out, 10, "roof", &g->roof, &roof);
	str_add(out, "          sync: 0 s\n");
	add_line(w, out, 10, "u", &g->u, &share);
	copy_keys(out, 10, g->origin.node, fitted,
		  ARRAY_LEN(fitted)); /* its errors between points and beyond */
	str_add(out, g->points.n ? "          points:\n" : "");
	for (size_t i = 0; i < g->points.n; i++) {
		str_addf(out, "            - {m: %lld, n: %lld, k: %lld, ", (long long)p[i].m,
			 (long long)p[i].n, (long long)p[i].k);
		add_number(w, out, "u", &p[i].u, &share);
		str_add(out, "}\n");
	}
}

static void add_attention(const struct fit_written *w, struct str *out)
{
	static const char *const fitted[] = {"skips_mask", "u", "points", "decode", "decode_u"};
	const struct attention_table *a = &w->from->attention;
	const struct attention_point *p = a->points.at;
	const struct manner share = {&w->arithmetic, DIM_SHARE, 1, 0}, rate = rate_of(w);

	str_addf(out, "        attention:\n          skips_mask: %s\n",
		 w->kernels->attention.skips_mask ? "true" : "false");
	add_line(w, out, 10, "u", &a->u, &share);
	copy_keys(out, 10, a->origin.node, fitted, ARRAY_LEN(fitted));
	str_add(out, a->points.n ? "          points:\n" : "");
	for (size_t i = 0; i < a->points.n; i++) {
		str_addf(out, "            - {query: %lld, context: %lld, ", (long long)p[i].query,
			 (long long)p[i].context);
		add_number(w, out, "u", &p[i].u, &share);
		str_add(out, "}\n");
	}
	add_line(w, out, 10, "decode", &a->decode, &rate);
	add_line(w, out, 10, "decode_u", &a->decode_u, &share);
}

static void add_fusions(const struct profile *p, struct str *out)
{
	const struct {
		const char *key;
		const struct fusion *f;
	} all[] = {{"norm", &p->norm},
		   {"rope", &p->rope},
		   {"kv_append", &p->kv_append},
		   {"kv_repeat", &p->kv_repeat},
		   {"scores", &p->scores},
		   {"linear", &p->linear},
		   {"activation", &p->activation},
		   {"residual", &p->residual}};

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		str_addf(out, "        %s: {kernels: %lld, passes: %g}\n", all[i].key,
			 (long long)all[i].f->kernels, all[i].f->passes);
}

static void add_overhead(const struct fit_written *w, struct str *out)
{
	static const char *const scaled[] = {"kernel", "product", "attention", "step"};
	const struct overhead *o = &w->from->overhead;
	const struct {
		const char *key;
		const struct qty *q;
		const struct fit_scale *by;
	} all[] = {{"kernel", &o->kernel, &w->kernel},
		   {"product", &o->product, &w->kernel},
		   {"attention", &o->attention, &w->kernel},
		   {"step", &o->step, &w->step}};

	str_add(out, "        overhead:\n");
	copy_keys(out, 10, o->origin.node, scaled, ARRAY_LEN(scaled)); /* of machines that are joined */
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const struct manner as = {all[i].by, DIM_TIME, INFINITY, 0};

		add_line(w, out, 10, all[i].key, all[i].q, &as);
	}
}

/* The keys that fit_write_runtime() writes itself, or that are settled in the numbers: the factors of chips and of dies. */
static const char *const written[] = {
	"version",    "read",      "copy",     "gemv", "gemv_q8",    "gemv_q4",   "gemm_f32",   "gemm_f16",
	"gemm_bf16",  "attention", "norm",     "rope", "kv_append",  "kv_repeat", "scores",     "linear",
	"activation", "residual",  "overhead", "few",  "all_logits", "chips",     "chips_like", "dies"};

/* A runtime of the same name in the file's base has numbers that this one has settled: they are removed. */
static void remove_settled(const struct fit_written *w, struct str *out)
{
	static const char *const settled[] = {"chips", "chips_like", "dies"};

	for (size_t i = 0; w->over && i < ARRAY_LEN(settled); i++)
		if (yml_get(w->over, settled[i]))
			str_addf(out, "        %s: null\n", settled[i]);
}

void fit_write_runtime(const struct fit_written *w, struct str *out)
{
	str_addf(out, "      %s:\n        version: ", w->name);
	add_quoted(out, w->version);
	str_add(out, "\n");
	add_rates(w, out);
	for (int t = 0; t < DTYPE_N; t++)
		if (w->from->gemm[t] && w->to->peak[t].given)
			add_gemm(w, out, (enum dtype)t);
	add_attention(w, out);
	add_fusions(w->kernels, out);
	add_few(w, out);
	copy_keys(out, 8, w->from->origin.node, written, ARRAY_LEN(written));
	remove_settled(w, out);
	str_addf(out, "        all_logits: %s\n", w->kernels->all_logits ? "true" : "false");
	add_overhead(w, out);
}

const char *fit_runtime_name(const struct runtime_fit *f)
{
	return f->ask->runtime ? f->ask->runtime : f->all.tool;
}

static struct fit_scale scale_of(const struct runtime_fit *f, enum run_factor p)
{
	return (struct fit_scale){f->fitted[p], f->fitted[p] > 0 ? f->se[p] / f->fitted[p] : 0, f->is_free[p],
				  0};
}

void fit_write_file(struct runtime_fit *f, struct str *out)
{
	const char *name = fit_runtime_name(f);
	const struct profile *same = device_runtime(f->base.device, name);
	const struct fit_written w = {.arena = f->arena,
				      .from = &f->profile,
				      .at = &f->base,
				      .to = f->base.device,
				      .name = name,
				      .version = f->ask->version ? f->ask->version : "as fitted",
				      .kernels = &f->profile,
				      .arithmetic = scale_of(f, FACTOR_ARITHMETIC),
				      .memory = scale_of(f, FACTOR_MEMORY),
				      .kernel = scale_of(f, FACTOR_KERNEL),
				      .step = scale_of(f, FACTOR_STEP),
				      .over = same && !strcmp(same->origin.name, name) ? same->origin.node
										       : NULL};

	str_addf(out, "# Runtime '%s' on %s, fitted to runs of whole models.\n", name,
		 f->base.machine->title);
	for (size_t i = 0; i < f->notes.n; i++)
		str_addf(out, "# - %s\n", f->notes.at[i]);
	str_add(out, "schema: lemursim/hardware/1\nbase: ");
	add_quoted(out, f->base.ref);
	str_addf(out, "\ndevices:\n  %s:\n    runtimes:\n", f->base.device->origin.name);
	fit_write_runtime(&w, out);
}

struct machine *fit_load_text(struct loader *l, const char *path, const char *text)
{
	struct source *source = arena_alloc(l->arena, sizeof *source);
	struct machine *m = arena_alloc(l->arena, sizeof *m);
	struct yml *tree;

	*source = (struct source){path ? path : "out.yaml", arena_strdup(l->arena, text), strlen(text)};
	tree = yml_parse(l->arena, source, l->diags);
	tree = tree ? load_inherit(l, tree, "hardware", HW_SCHEMA) : NULL;
	if (!tree || field_load(&machine_table, tree, "machine", m, l->diags) != 0 ||
	    machine_check(m, l->diags) != 0)
		return NULL;
	return m;
}
