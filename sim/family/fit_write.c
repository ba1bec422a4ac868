/* fit_write.c - a runtime as text: the numbers of another one, scaled; see fit_work.h. */
#include "sim/family/fit_work.h"

#include <math.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/base/jsonw.h"
#include "sim/calib/fit.h"
#include "sim/cost/op_rates.h"
#include "sim/family/beyond_fit.h"

/* Blocks may be multiplied as integers, by units that pass the dtype's peak: what hw/profile_fields.c allows. */
static const double most_by_weights = 10, most_of_rows = 100;
/* Of a ramp, likewise. */
static const double most_tokens = 4096, most_context = 1e9;

void fit_write_quoted(struct str *out, const char *text)
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

double fit_spread_left(double spread, const struct fit_scale *by)
{
	const double told = fmin(by->told_sd, spread);

	return told > 0 ? fmax(sqrt(spread * spread - told * told), fmin(spread / sqrt(2), by->models_sd))
			: spread;
}

/* Appends "KEY: {value: ..., sd: ..., how: ..., source: ...}". */
static void add_number(const struct fit_written *w, struct str *out, const char *key, const struct qty *q,
		       const struct manner *as)
{
	const double value = fmin(q->value * as->by->factor, as->most);
	const double own = fit_spread_left(q->spread, as->by);
	const double sd = value * exact_hypot(exact_hypot(own, as->by->se), as->by->extra_sd);
	const enum dim dim = as->per > 0 ? DIM_SHARE : as->dim;
	const double unit = as->per > 0 ? as->per : 1;

	str_addf(out, "%s: {value: ", key);
	units_format(out, value / unit, dim, 6);
	str_add(out, ", sd: ");
	units_format(out, sd / unit, dim, 3);
	str_addf(out, ", how: %s, source: ",
		 provenance_names[as->by->fitted ? PROVENANCE_MEASURED : PROVENANCE_TRANSFERRED]);
	fit_write_quoted(out, source_of(w, key, q, as));
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

static struct manner rate_by(const struct fit_written *w, const struct fit_scale *by)
{
	const double bus = w->at->machine->memory.bandwidth.value;

	return (struct manner){by, DIM_BANDWIDTH, bus, w->as_shares ? bus : 0};
}

void fit_written_alike(struct fit_written *w)
{
	w->cache = w->memory;
	w->cache_u = w->prompt = w->other_u = w->alone_u = w->first = w->arithmetic;
	for (int i = 0; i < WEIGHTS_RATES; i++) {
		w->read[i] = w->read_rows[i] = w->memory;
		w->product[i] = w->several[i] = w->arithmetic;
		w->dequant[i] = w->experts[i] = (struct fit_scale){.factor = 1};
	}
	w->ramp = w->ramp_experts = w->ramp_context = (struct fit_scale){.factor = 1};
}

static void add_rates(const struct fit_written *w, struct str *out)
{
	const struct profile *p = w->from;
	const struct {
		const char *key;
		const struct qty *q;
		const struct fit_scale *by;
	} rates[] = {{"read", &p->read, &w->memory},
		     {"copy", &p->copy, &w->memory},
		     {"gemv", &p->gemv, &w->read[WEIGHTS_WHOLE]},
		     {"gemv_q8", &p->gemv_q8, &w->read[WEIGHTS_Q8]},
		     {"gemv_q4", &p->gemv_q4, &w->read[WEIGHTS_Q4]}};

	for (size_t i = 0; i < ARRAY_LEN(rates); i++) {
		const struct manner as = rate_by(w, rates[i].by);

		add_line(w, out, 8, rates[i].key, rates[i].q, &as);
	}
}

/* The number that holds for a format whose own is not given: that of whole weights, or of none of them. */
static struct qty stands_for(const struct by_weights *b, const struct qty *own, bool is_share_of_table)
{
	const struct qty one = {.value = 1, .provenance = PROVENANCE_TRANSFERRED, .given = is_share_of_table};

	return own->given ? *own : b->f16.given ? b->f16 : one;
}

/* The numbers of a table by weights, with the scales for each. What is not given is written only where the scale of its
 * format is not that of whole weights. `of_table`: shares of a table that is scaled itself, 1 where not given. */
static void add_by_weights(const struct fit_written *w, struct str *out, size_t indent, const char *key,
			   const struct by_weights *b, const struct fit_scale by[WEIGHTS_RATES],
			   bool of_table)
{
	const struct {
		const char *key;
		const struct qty *q;
		enum weights_rate of;
	} kinds[] = {{"f16", &b->f16, WEIGHTS_WHOLE}, {"q8", &b->q8, WEIGHTS_Q8},
		     {"q4", &b->q4, WEIGHTS_Q4},      {"k", &b->k, WEIGHTS_Q4},
		     {"fp4", &b->fp4, WEIGHTS_Q4},    {"bf16", &b->bf16, WEIGHTS_BF16}};
	struct str lines = STR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
		const struct manner share = {&by[kinds[i].of], DIM_SHARE, most_by_weights, 0};
		const bool other =
			share.by->factor != by[WEIGHTS_WHOLE].factor || (of_table && share.by->factor != 1);
		const struct qty q = other ? stands_for(b, kinds[i].q, of_table) : *kinds[i].q;

		add_line(w, &lines, indent + 2, kinds[i].key, &q, &share);
	}
	if (lines.len) {
		str_pad(out, ' ', indent);
		str_addf(out, "%s:\n%s", key, lines.text);
	}
	str_release(&lines);
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
		fit_write_quoted(out, node->text);
}

void fit_write_tree(struct str *out, const struct yml *node)
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
		fit_write_tree(out, node->items[i]);
	}
	str_add(out, is_map ? "}" : "]");
}

void fit_write_keys(struct str *out, size_t indent, const struct yml *node, const char *const *not_these,
		    size_t n)
{
	for (size_t i = 0; node && i < node->n; i++) {
		const char *key = node->keys[i]->text;

		if (node->items[i]->is_default || str_find(key, not_these, n) < n)
			continue;
		str_pad(out, ' ', indent);
		str_addf(out, "%s: ", key);
		fit_write_tree(out, node->items[i]);
		str_add(out, "\n");
	}
}

static void add_few(const struct fit_written *w, struct str *out)
{
	static const char *const scaled[] = {"first", "further"};
	const struct few *f = &w->from->few;
	struct fit_scale alone[WEIGHTS_RATES]; /* of a pass's first row */

	for (int i = 0; i < WEIGHTS_RATES; i++)
		alone[i] = w->first;
	if (!f->origin.node)
		return;
	str_add(out, "        few:\n");
	fit_write_keys(out, 10, f->origin.node, scaled, ARRAY_LEN(scaled));
	add_by_weights(w, out, 10, "first", &f->first, alone, false);
	add_by_weights(w, out, 10, "further", &f->further, w->several, false);
}

static void add_as_it_was(struct str *out, size_t indent, const char *key, const struct origin *from)
{
	if (!from->node)
		return;
	str_pad(out, ' ', indent);
	str_addf(out, "%s: ", key);
	fit_write_tree(out, from->node);
	str_add(out, "\n");
}

static bool any_told(const struct fit_scale by[WEIGHTS_RATES])
{
	for (int i = 0; i < WEIGHTS_RATES; i++)
		if (by[i].factor != 1)
			return true;
	return false;
}

/* Experts run in a kernel of their own, of which runs of other models say nothing: those numbers stand that they had, under
 * whichever name. */
static void add_dequant_experts(const struct fit_written *w, struct str *out)
{
	const struct by_weights *all = &w->from->dequant, *experts = &w->from->dequant_experts;
	const struct by_weights *had = experts->origin.node ? experts : all;

	if (w->experts_told && any_told(w->experts))
		add_by_weights(w, out, 8, "dequant_experts", had, w->experts, true);
	else if (had->origin.node)
		add_as_it_was(out, 8, "dequant_experts", &had->origin);
	else
		str_add(out, "        dequant_experts: {f16: 100 %}\n");
}

/* Products of many rows in blocks, as a share of the table's, which is scaled itself: as they were, where those runs say
 * nothing of one format against another. Those of experts are written where they are others than these. */
static void add_dequant(const struct fit_written *w, struct str *out)
{
	const struct by_weights *all = &w->from->dequant, *experts = &w->from->dequant_experts;
	bool apart = experts->origin.node != NULL;

	for (int i = 0; i < WEIGHTS_RATES; i++)
		apart |= (w->experts_told ? w->experts[i].factor : 1) != w->dequant[i].factor;
	if (any_told(w->dequant))
		add_by_weights(w, out, 8, "dequant", all, w->dequant, true);
	else
		add_as_it_was(out, 8, "dequant", &all->origin);
	if (apart)
		add_dequant_experts(w, out);
}

/* Tokens at which products reach half of their rate: those that the base has, and those that the runs tell. */
static void add_ramp(const struct fit_written *w, struct str *out)
{
	const struct {
		const char *key;
		const struct qty *q;
		const struct fit_scale *by;
		double usual, most;
	} all[] = {{"products", &w->from->ramp.products, &w->ramp, RAMP_TOKENS, most_tokens},
		   {"experts", &w->from->ramp.experts, &w->ramp_experts, RAMP_TOKENS, most_tokens},
		   {"context", &w->from->ramp.context, &w->ramp_context, RAMP_CONTEXT, most_context}};
	struct str lines = STR_INIT;

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const struct qty usual = {.value = all[i].usual,
					  .provenance = PROVENANCE_TRANSFERRED,
					  .given = all[i].by->fitted};
		const struct manner as = {all[i].by, DIM_COUNT, all[i].most, 0};

		add_line(w, &lines, 10, all[i].key, all[i].q->given ? all[i].q : &usual, &as);
	}
	if (lines.len)
		str_addf(out, "        ramp:\n%s", lines.text);
	str_release(&lines);
}

/* Tables of products as they were measured: those of a few rows are bound by reading. */
static void add_rows_table(const struct fit_written *w, struct str *out, const char *key,
			   const struct rows_table *t, enum weights_rate of)
{
	static const char *const fitted[] = {"points"};
	const struct gemm_point *p = t->points.at;

	str_addf(out, "          %s:\n", key);
	fit_write_keys(out, 12, t->origin.node, fitted, ARRAY_LEN(fitted));
	str_add(out, t->points.n ? "            points:\n" : "");
	for (size_t i = 0; i < t->points.n; i++) {
		const struct manner share = {gemm_point_rows(&p[i]) > MEASURED_FEW_ROWS ? &w->product[of]
					     : gemm_point_rows(&p[i]) > 1               ? &w->read_rows[of]
											: &w->read[of],
					     DIM_SHARE, most_of_rows, 0};

		str_addf(out, "              - {m: %lld, n: %lld, k: %lld, ", (long long)p[i].m,
			 (long long)p[i].n, (long long)p[i].k);
		if (p[i].per)
			str_addf(out, "per: %lld, ", (long long)p[i].per);
		add_number(w, out, "u", &p[i].u, &share);
		str_add(out, "}\n");
	}
}

static void add_rows_tables(const struct fit_written *w, struct str *out, const char *key,
			    const struct rows_tables *t)
{
	static const struct {
		const char *key;
		enum weights_rate of;
	} all[ROWS_FORMATS] = {[ROWS_WHOLE] = {"f16", WEIGHTS_WHOLE},
			       [ROWS_Q8] = {"q8", WEIGHTS_Q8},
			       [ROWS_Q4] = {"q4", WEIGHTS_Q4}};

	if (!t->origin.node)
		return;
	str_addf(out, "        %s:\n", key);
	for (int i = 0; i < ROWS_FORMATS; i++)
		if (t->of[i])
			add_rows_table(w, out, all[i].key, t->of[i], all[i].of);
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
	fit_write_keys(out, 10, g->origin.node, fitted,
		       ARRAY_LEN(fitted)); /* its errors between points and beyond */
	str_add(out, g->points.n ? "          points:\n" : "");
	for (size_t i = 0; i < g->points.n; i++) {
		str_addf(out, "            - {m: %lld, n: %lld, k: %lld, ", (long long)p[i].m,
			 (long long)p[i].n, (long long)p[i].k);
		add_number(w, out, "u", &p[i].u, &share);
		str_add(out, "}\n");
	}
}

/* Attention of heads of one size; `prefill` is a share of the table's utilisation, which is scaled itself. */
static void add_attention_kernels(const struct fit_written *w, struct str *out)
{
	static const char *const fitted[] = {"decode", "decode_u"};
	const struct attention_table *a = &w->from->attention;
	const struct attention_kernel *k = a->kernels.at;
	const struct manner rate = rate_by(w, &w->cache), one = {&w->cache_u, DIM_SHARE, 1, 0};

	str_add(out, a->kernels.n ? "          kernels:\n" : "");
	for (size_t i = 0; i < a->kernels.n; i++) {
		str_addf(out, "            - head_dim: %lld\n", (long long)k[i].head_dim);
		fit_write_keys(out, 14, k[i].origin.node,
			       (const char *const[]){"head_dim", fitted[0], fitted[1]}, 3);
		add_line(w, out, 14, fitted[0], &k[i].decode, &rate);
		add_line(w, out, 14, fitted[1], &k[i].decode_u, &one);
	}
}

static void add_attention(const struct fit_written *w, struct str *out)
{
	static const char *const fitted[] = {"skips_mask",   "u",       "points",       "decode",
					     "decode_u",     "kernels", "other_u",      "alone_u",
					     "decode_alone", "several", "several_start"};
	const struct attention_table *a = &w->from->attention;
	const struct attention_point *p = a->points.at;
	const struct manner share = {&w->prompt, DIM_SHARE, 1, 0}, other = {&w->other_u, DIM_SHARE, 1, 0},
			    alone = {&w->alone_u, DIM_SHARE, 1, 0}, rate = rate_by(w, &w->cache),
			    one = {&w->cache_u, DIM_SHARE, 1, 0}, start = {&w->kernel, DIM_TIME, INFINITY, 0};

	str_addf(out, "        attention:\n          skips_mask: %s\n",
		 w->kernels->attention.skips_mask ? "true" : "false");
	add_line(w, out, 10, "u", &a->u, &share);
	fit_write_keys(out, 10, a->origin.node, fitted, ARRAY_LEN(fitted));
	str_add(out, a->points.n ? "          points:\n" : "");
	for (size_t i = 0; i < a->points.n; i++) {
		str_addf(out, "            - {query: %lld, context: %lld, ", (long long)p[i].query,
			 (long long)p[i].context);
		add_number(w, out, "u", &p[i].u, &share);
		str_add(out, "}\n");
	}
	add_line(w, out, 10, "decode", &a->decode, &rate);
	add_line(w, out, 10, "decode_u", &a->decode_u, &one);
	add_line(w, out, 10, "other_u", &a->other_u, &other);
	add_line(w, out, 10, "alone_u", &a->alone_u, &alone);
	add_line(w, out, 10, "decode_alone", &a->decode_alone, &rate);
	add_line(w, out, 10, "several", &a->several, &rate);
	add_line(w, out, 10, "several_start", &a->several_start, &start);
	add_attention_kernels(w, out);
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

/* The scale of a rate whose time is multiplied. */
static struct fit_scale of_rate(const struct fit_scale *time)
{
	struct fit_scale s = *time;

	s.factor = time->factor > 0 ? 1 / time->factor : 1;
	return s;
}

/* Everything that a fit multiplies with the kernels' overhead, or with that of a step (predicted_run_seconds_at()). */
static void add_overhead(const struct fit_written *w, struct str *out)
{
	static const char *const scaled[] = {"kernel", "product", "attention", "norm", "unlike",
					     "route",  "buffer",  "cache",     "host", "step",
					     "token",  "mask",    "logits",    "wire"};
	const struct overhead *o = &w->from->overhead;
	const struct fit_scale kernel = of_rate(&w->kernel), step = of_rate(&w->step);
	const struct {
		const char *key;
		const struct qty *q;
		const struct fit_scale *by;
		enum dim dim;
	} all[] = {{"kernel", &o->kernel, &w->kernel, DIM_TIME},
		   {"product", &o->product, &w->kernel, DIM_TIME},
		   {"attention", &o->attention, &w->kernel, DIM_TIME},
		   {"norm", &o->norm, &w->kernel, DIM_TIME},
		   {"unlike", &o->unlike, &w->kernel, DIM_TIME},
		   {"route", &o->route, &w->kernel, DIM_TIME},
		   {"buffer", &o->buffer, &w->kernel, DIM_TIME},
		   {"cache", &o->cache, &w->kernel, DIM_TIME},
		   {"host", &o->host, &w->kernel, DIM_TIME},
		   {"wire", &o->wire, &kernel, DIM_BANDWIDTH},
		   {"step", &o->step, &w->step, DIM_TIME},
		   {"token", &o->token, &w->step, DIM_TIME},
		   {"mask", &o->mask, &w->step, DIM_TIME},
		   {"logits", &o->logits, &step, DIM_BANDWIDTH}};

	str_add(out, "        overhead:\n");
	fit_write_keys(out, 10, o->origin.node, scaled, ARRAY_LEN(scaled)); /* of machines that are joined */
	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const struct manner as = {all[i].by, all[i].dim, INFINITY, 0};

		add_line(w, out, 10, all[i].key, all[i].q, &as);
	}
}

/* The keys that fit_write_runtime() writes itself, or that are settled in the numbers: the factors of chips and of dies. */
static const char *const written[] = {
	"version",   "read",      "copy",       "gemv",        "gemv_q8",    "gemv_q4",
	"gemm_f32",  "gemm_f16",  "gemm_bf16",  "attention",   "norm",       "rope",
	"kv_append", "kv_repeat", "scores",     "linear",      "activation", "residual",
	"overhead",  "few",       "all_logits", "chips",       "chips_like", "dies",
	"dequant",   "products",  "experts",    "experts_few", "suite",      "dequant_experts",
	"models",    "beyond",    "ramp",       "other_models"};

/* A runtime of the same name in the file's base has numbers that this one has settled: they are removed. */
static void remove_settled(const struct fit_written *w, struct str *out)
{
	static const char *const settled[] = {"chips", "chips_like", "dies", "suite"};

	for (size_t i = 0; w->over && i < ARRAY_LEN(settled); i++)
		if (yml_get(w->over, settled[i]))
			str_addf(out, "        %s: null\n", settled[i]);
}

/* A kind's widths, which then do not apply to this chip. */
static void add_seen(struct str *out, const struct yml *kind, const char *chip)
{
	const struct yml *had = yml_get(kind, "seen_on");

	for (size_t i = 0; had && had->kind == YML_LIST && i < had->n; i++)
		if (!strcmp(had->items[i]->text, chip)) {
			fit_write_tree(out, kind);
			return;
		}
	str_add(out, "{seen_on: [");
	for (size_t i = 0; had && had->kind == YML_LIST && i < had->n; i++) {
		fit_write_tree(out, had->items[i]);
		str_add(out, ", ");
	}
	fit_write_quoted(out, chip);
	str_add(out, "]");
	for (size_t i = 0; i < kind->n; i++) {
		if (kind->items[i] == had)
			continue;
		str_addf(out, ", %s: ", kind->keys[i]->text);
		fit_write_tree(out, kind->items[i]);
	}
	str_add(out, "}");
}

/* What runs proved to be off by where no fit had the kind: of those that these runs were of, the chip is measured now. */
static void add_beyond(const struct fit_written *w, struct str *out)
{
	const struct yml *node = w->from->beyond.origin.node;
	const char *chip = w->at->machine->chip;

	if (!node)
		return;
	str_add(out, "        beyond: {");
	for (size_t i = 0; i < node->n; i++) {
		const size_t kind = str_find(node->keys[i]->text, beyond_keys, BEYOND_KINDS);

		str_addf(out, "%s%s: ", i ? ", " : "", node->keys[i]->text);
		if (chip && kind < BEYOND_KINDS && w->seen[kind] && node->items[i]->kind == YML_MAP)
			add_seen(out, node->items[i], chip);
		else
			fit_write_tree(out, node->items[i]);
	}
	str_add(out, "}\n");
}

/* Decode and prefill; of which one model alone, far off, leaves in doubt whether it is the machine's. */
static void add_other_models(const struct fit_written *w, struct str *out)
{
	if (!w->others_sd || !(w->others_sd[0] > 0 || w->others_sd[1] > 0)) {
		if (w->over && yml_get(w->over, "other_models"))
			str_add(out, "        other_models: null\n");
		return;
	}
	str_add(out, "        other_models: {prefill: ");
	units_format(out, w->others_sd[1], DIM_SHARE, 3);
	str_add(out, ", decode: ");
	units_format(out, w->others_sd[0], DIM_SHARE, 3);
	str_add(out, "}\n");
}

void fit_write_runtime(const struct fit_written *w, struct str *out)
{
	str_addf(out, "      %s:\n        version: ", w->name);
	fit_write_quoted(out, w->version);
	str_add(out, "\n");
	add_rates(w, out);
	for (int t = 0; t < DTYPE_N; t++)
		if (w->from->gemm[t] && w->to->peak[t].given)
			add_gemm(w, out, (enum dtype)t);
	add_attention(w, out);
	add_fusions(w->kernels, out);
	add_few(w, out);
	add_dequant(w, out);
	add_ramp(w, out);
	add_rows_tables(w, out, "products", &w->from->products);
	add_rows_tables(w, out, "experts", &w->from->experts);
	add_rows_tables(w, out, "experts_few", &w->from->experts_few);
	fit_write_keys(out, 8, w->from->origin.node, written, ARRAY_LEN(written));
	add_beyond(w, out);
	add_other_models(w, out);
	fit_write_models(w, out);
	remove_settled(w, out);
	str_addf(out, "        all_logits: %s\n", w->kernels->all_logits ? "true" : "false");
	add_overhead(w, out);
}
