/* serve.c - the load of a scenario: its tables and its checks; see serve.h. Servers are in serve_how.c. */
#include "sim/world/serve.h"

#include <math.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/units.h"
#include "sim/world/scenario.h"
#include "sim/world/serve_parts.h"

const double slo_shares[SLO_STATS] = {
	[SLO_MEAN] = 0, [SLO_P50] = 0.50, [SLO_P90] = 0.90, [SLO_P95] = 0.95, [SLO_P99] = 0.99};
#define SLO_KEYS(metric)                                                                                     \
	{                                                                                                    \
		metric "_mean", metric "_p50", metric "_p90", metric "_p95", metric "_p99"                   \
	}
const char *const slo_keys[SLO_METRICS][SLO_STATS] = {[SLO_TTFT] = SLO_KEYS("ttft"),
						      [SLO_TPOT] = SLO_KEYS("tpot"),
						      [SLO_ITL] = SLO_KEYS("itl"),
						      [SLO_E2EL] = SLO_KEYS("e2el")};
const char *const slo_metric_names[SLO_METRICS][SLO_STATS] = {[SLO_TTFT] = SLO_KEYS("ttft_s"),
							      [SLO_TPOT] = SLO_KEYS("tpot_s"),
							      [SLO_ITL] = SLO_KEYS("itl_s"),
							      [SLO_E2EL] = SLO_KEYS("e2el_s")};
const char *const slo_heads[SLO_METRICS] = {
	[SLO_TTFT] = "TTFT", [SLO_TPOT] = "TPOT", [SLO_ITL] = "ITL", [SLO_E2EL] = "E2EL"};

#define TOKENS(strukt, member, lo, d, opt, text)                                                             \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_COUNT, .dim = DIM_TOKENS, .min = lo,                \
					   .max = LENGTH_MAX, .def = d, .optional = opt, .help = text        \
	}
#define SECONDS(strukt, member, lo, hi, text)                                                                \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_DOUBLE, .dim = DIM_TIME, .min = lo, .max = hi,      \
					   .optional = true, .help = text                                    \
	}

static const struct field lognormal_fields[] = {
	{FIELD_KEY(struct lognormal_law, p50), .type = FIELD_DOUBLE, .dim = DIM_TOKENS, .min = 1,
	 .max = LENGTH_MAX, .optional = true, .help = "the median"},
	{FIELD_KEY(struct lognormal_law, p90), .type = FIELD_DOUBLE, .dim = DIM_TOKENS, .min = 1,
	 .max = LENGTH_MAX, .optional = true, .help = "what nine in ten do not exceed"},
	{FIELD_KEY(struct lognormal_law, mean), .type = FIELD_DOUBLE, .dim = DIM_TOKENS, .min = 1,
	 .max = LENGTH_MAX, .optional = true, .help = "instead of both, with sigma"},
	{FIELD_KEY(struct lognormal_law, sigma), .type = FIELD_DOUBLE, .min = 1e-6, .max = 10,
	 .optional = true, .help = "standard deviation of the logarithm"},
};
static const struct table lognormal_table = {"lognormal", sizeof(struct lognormal_law), lognormal_fields,
					     ARRAY_LEN(lognormal_fields)};

static const struct field bin_fields[] = {
	TOKENS(struct length_bin, from, 1, NULL, true, "least length of the bin; if not said: 'to' alone"),
	TOKENS(struct length_bin, to, 1, NULL, false, "greatest length of the bin"),
	{FIELD_KEY(struct length_bin, weight), .type = FIELD_DOUBLE, .min = 1e-12, .max = 1e12,
	 .help = "how often, beside the other bins"},
};
static const struct table bin_table = {"bin", sizeof(struct length_bin), bin_fields, ARRAY_LEN(bin_fields)};

static const struct field length_fields[] = {
	{FIELD_KEY(struct length_law, uniform), .type = FIELD_DOUBLES, .dim = DIM_TOKENS, .min = 1,
	 .max = LENGTH_MAX, .optional = true, .help = "[least, greatest], all whole lengths as likely"},
	{FIELD_KEY(struct length_law, lognormal), .type = FIELD_MAYBE, .sub = &lognormal_table,
	 .optional = true, .help = "rounded to the nearest whole length, at least 1"},
	{FIELD_KEY(struct length_law, histogram), .type = FIELD_LIST, .sub = &bin_table, .max = 4096,
	 .optional = true, .help = "bins"},
	TOKENS(struct length_law, max, 1, "4096 Ktok", false, "what is drawn above it becomes it"),
};
static const struct table length_table = {"length", sizeof(struct length_law), length_fields,
					  ARRAY_LEN(length_fields)};

static const struct field arrivals_fields[] = {
	{FIELD_KEY(struct arrivals_law, rate), .type = FIELD_DOUBLE, .dim = DIM_REQUEST_RATE, .min = 1e-9,
	 .max = 1e9, .optional = true,
	 .help = "of requests that come by themselves, later turns of conversations included"},
	{FIELD_KEY(struct arrivals_law, burstiness), .type = FIELD_DOUBLE, .min = 1e-3, .max = 1e6,
	 .optional = true, .help = "shape of the gamma gaps; 1 if not said: Poisson"},
	{FIELD_KEY(struct arrivals_law, exact_rate), .type = FIELD_BOOL, .optional = true,
	 .help = "scale the gaps so that N arrivals take N / rate, as vLLM's benchmark does; if not said: "
		 "with 'measure: all'"},
	SECONDS(struct arrivals_law, every, 1e-9, 1e9, "even gaps instead of a rate"),
	{FIELD_KEY(struct arrivals_law, users), .type = FIELD_COUNT, .min = 1, .max = SERVE_USERS,
	 .optional = true, .help = "closed loop: each asks, waits for the answer, thinks"},
	SECONDS(struct arrivals_law, think, 0, 1e9, "of users: mean, exponential"),
	{FIELD_KEY(struct arrivals_law, concurrency), .type = FIELD_COUNT, .min = 1, .max = SERVE_USERS,
	 .optional = true, .help = "closed loop: so many requests at any time"},
	SECONDS(struct arrivals_law, all_at, 0, 1e9, "every request at this time"),
	{FIELD_KEY(struct arrivals_law, trace), .type = FIELD_TEXT, .optional = true,
	 .help = "a file with a line for each request: csv (own, Azure, BurstGPT) or jsonl (Mooncake)"},
	{FIELD_KEY(struct arrivals_law, speed), .type = FIELD_DOUBLE, .min = 1e-6, .max = 1e6,
	 .optional = true, .help = "of a trace: 2 is twice as fast"},
	{FIELD_KEY(struct arrivals_law, skip_failed), .type = FIELD_BOOL, .optional = true,
	 .help = "of a trace: pass over requests that got no answer"},
};
static const struct table arrivals_table = {"arrivals", sizeof(struct arrivals_law), arrivals_fields,
					    ARRAY_LEN(arrivals_fields)};

static const struct field prefix_fields[] = {
	TOKENS(struct prefix_law, system, 0, "0", false, "tokens before every prompt, the same in a group"),
	{FIELD_KEY(struct prefix_law, groups), .type = FIELD_COUNT, .min = 1, .max = 1e6, .def = "1",
	 .help = "how many different system prompts there are, each as likely"},
	{FIELD_KEY(struct prefix_law, turns), .type = FIELD_COUNT, .min = 1, .max = 4096, .def = "1",
	 .help = "requests of a conversation; each carries what was said before"},
	SECONDS(struct prefix_law, think, 0, 1e9,
		"from an answer to the next turn: mean, exponential; of users: as they think"),
};
static const struct table prefix_table = {"prefix", sizeof(struct prefix_law), prefix_fields,
					  ARRAY_LEN(prefix_fields)};

#define BOUND(m, s, name, text)                                                                              \
	{                                                                                                    \
		.key = name, .offset = offsetof(struct slo, bound) + ((m)*SLO_STATS + (s)) * sizeof(double), \
		.type = FIELD_DOUBLE, .dim = DIM_TIME, .min = 1e-6, .max = 1e6, .optional = true,            \
		.help = text                                                                                 \
	}
#define BOUNDS(m, name, text)                                                                                \
	BOUND(m, SLO_MEAN, name "_mean", text " on average"), BOUND(m, SLO_P50, name "_p50", "likewise"),    \
		BOUND(m, SLO_P90, name "_p90", "likewise"), BOUND(m, SLO_P95, name "_p95", "likewise"),      \
		BOUND(m, SLO_P99, name "_p99", "likewise")
static const struct field slo_fields[] = {
	BOUNDS(SLO_TTFT, "ttft", "time to the first token,"),
	BOUNDS(SLO_TPOT, "tpot", "time per further token of a request,"),
	BOUNDS(SLO_ITL, "itl", "gap between tokens, over all requests,"),
	BOUNDS(SLO_E2EL, "e2el", "time to the last token,"),
};
static const struct table slo_table = {"slo", sizeof(struct slo), slo_fields, ARRAY_LEN(slo_fields)};

#define CLASS_ROW(at, member) .offset = (at) + offsetof(struct load_class, member), .optional = true
#define CLASS_FIELDS(at)                                                                                     \
	{.key = "prompt",                                                                                    \
	 CLASS_ROW(at, prompt_said),                                                                         \
	 .type = FIELD_YML,                                                                                  \
	 .sub = &length_table,                                                                               \
	 .help = "tokens of a prompt without what precedes it: 512 tok, or a mapping of one of"},            \
		{.key = "output",                                                                            \
		 CLASS_ROW(at, output_said),                                                                 \
		 .type = FIELD_YML,                                                                          \
		 .sub = &length_table,                                                                       \
		 .help = "tokens of an answer, likewise"},                                                   \
		{.key = "prefix",                                                                            \
		 CLASS_ROW(at, prefix),                                                                      \
		 .type = FIELD_MAYBE,                                                                        \
		 .sub = &prefix_table,                                                                       \
		 .help = "beginnings that prompts share"},                                                   \
	{                                                                                                    \
		.key = "slo", CLASS_ROW(at, slo), .type = FIELD_MAYBE, .sub = &slo_table,                    \
		.help = "bounds that are to hold"                                                            \
	}

static const struct field class_fields[] = {
	{FIELD_KEY(struct load_class, share), .type = FIELD_DOUBLE, .dim = DIM_SHARE, .min = 1e-6, .max = 1,
	 .help = "of requests; all together 100 %"},
	{FIELD_KEY(struct load_class, priority), .type = FIELD_COUNT, .min = -1000000, .max = 1000000,
	 .def = "0", .help = "the smaller goes first, where the scheduler looks at it"},
	{FIELD_KEY(struct load_class, own_seed), .type = FIELD_BOOL, .def = "false",
	 .help = "requests name a seed: mlx_lm.server runs each of them alone"},
	CLASS_FIELDS(0),
};
static const struct table class_table = {"class", sizeof(struct load_class), class_fields,
					 ARRAY_LEN(class_fields)};

static const char *const measures[] = {[MEASURE_STEADY] = "steady", [MEASURE_ALL] = "all", NULL};
static const struct field serve_fields[] = {
	{FIELD_KEY(struct serve, arrivals), .type = FIELD_TABLE, .sub = &arrivals_table,
	 .help = "when requests come: one of rate, every, users, concurrency, all_at, trace"},
	CLASS_FIELDS(offsetof(struct serve, all)),
	{FIELD_KEY(struct serve, classes), .type = FIELD_MAP, .sub = &class_table, .max = SERVE_CLASSES,
	 .optional = true, .help = "kinds of requests by name; what one does not say is as outside"},
	{FIELD_KEY(struct serve, requests), .type = FIELD_COUNT, .min = 1, .max = 1e9, .optional = true,
	 .help = "how many; with neither this nor 'for', until the SLO is decided or its metrics are "
		 "precise"},
	{.key = "for",
	 .offset = offsetof(struct serve, span),
	 .type = FIELD_DOUBLE,
	 .dim = DIM_TIME,
	 .min = 1e-3,
	 .max = 1e9,
	 .optional = true,
	 .help = "or how long they come"},
	{FIELD_KEY(struct serve, measure), .type = FIELD_CHOICE, .choices = measures, .def = "steady",
	 .help = "steady: without the beginning; all: as a benchmark that starts and ends empty"},
	{FIELD_KEY(struct serve, max_in_flight), .type = FIELD_COUNT, .min = 1, .max = SERVE_USERS,
	 .optional = true, .help = "requests that the client has out at once; others wait with it"},
	{FIELD_KEY(struct serve, replications), .type = FIELD_COUNT, .min = 1, .max = 1000, .def = "5",
	 .help = "runs with other random numbers, from which intervals come; a trace has one"},
	{FIELD_KEY(struct serve, beyond_context), .type = FIELD_CHOICE, .choices = beyond_contexts,
	 .def = "refuse", .help = "sequences longer than the model's context"},
};
const struct table serve_table = {"serve", sizeof(struct serve), serve_fields, ARRAY_LEN(serve_fields)};

int serve_wrong(struct diags *d, const struct yml *map, const char *key, const char *hint, const char *msg)
{
	const struct yml *value = yml_get(map, key);

	return diag_add(d, value && !value->is_default ? value->place : map->place, hint, "%s", msg);
}

static bool said(const struct yml *map, const char *key)
{
	const struct yml *value = yml_get(map, key);

	return value && !value->is_default;
}

/* Exactly one of keys[] (n of them): its index, or n after a complaint. */
static size_t the_one(const struct yml *map, const char *const *keys, size_t n, const char *none,
		      const char *hint, struct diags *d)
{
	size_t found = n;

	for (size_t i = 0; i < n; i++) {
		if (!said(map, keys[i]))
			continue;
		if (found < n) {
			diag_add(d, yml_get(map, keys[i])->place, "leave one out",
				 "'%s' and '%s' exclude each other", keys[found], keys[i]);
			return n;
		}
		found = i;
	}
	if (found == n)
		diag_add(d, map->place, hint, "%s", none);
	return found;
}

static void check_uniform(const struct length_law *l, struct diags *d)
{
	const double *x = l->uniform.at;
	const struct yml *node = l->origin.node;

	if (l->uniform.n != 2)
		serve_wrong(d, node, "uniform", "write [400 tok, 7600 tok]",
			    "uniform: two lengths are wanted, least and greatest");
	else if (x[0] > x[1])
		serve_wrong(d, node, "uniform", "write the smaller one first",
			    "uniform: the range runs backwards");
	else if (x[0] != floor(x[0]) || x[1] != floor(x[1]))
		serve_wrong(d, node, "uniform", NULL, "uniform: tokens are whole");
}

static void check_lognormal(const struct lognormal_law *n, struct diags *d)
{
	const struct yml *node = n->origin.node;
	const bool quantiles = said(node, "p50") && said(node, "p90"),
		   moments = said(node, "mean") && said(node, "sigma");

	if (quantiles == moments || node->n != 2)
		diag_add(d, node->place, "{p50: 700 tok, p90: 2700 tok}, or {mean: 1200 tok, sigma: 1}",
			 "lognormal: give p50 and p90, or mean and sigma");
	else if (quantiles && n->p90 <= n->p50)
		serve_wrong(d, node, "p90", "the distance between them is the spread",
			    "lognormal: p90 must be above p50");
}

static void check_bins(const struct length_law *l, struct diags *d)
{
	const struct length_bin *b = l->histogram.at;

	if (!l->histogram.n)
		serve_wrong(d, l->origin.node, "histogram", "such as [{from: 1 tok, to: 128 tok, weight: 3}]",
			    "histogram: it has no bin");
	for (size_t i = 0; i < l->histogram.n; i++)
		if (b[i].from > b[i].to)
			serve_wrong(d, b[i].origin.node, "from", NULL, "histogram: the bin runs backwards");
}

static void load_fixed(const char *key, const struct yml *node, struct length_law *l, struct diags *d)
{
	struct err err = ERR_INIT, out = ERR_INIT;
	double tokens = 0;

	*l = (struct length_law){.origin = {key, node}, .kind = LENGTH_FIXED, .max = LENGTH_MAX};
	if (units_parse(node->text, DIM_TOKENS, &tokens, &err) != 0)
		err_set(&out, "serve: %s: %s", key, err.msg);
	else if (!(tokens >= 1) || tokens > LENGTH_MAX || tokens != floor(tokens))
		err_set(&out, "serve: %s: '%.40s' is not a length: whole, from 1 tok to %d tok", key,
			node->text, LENGTH_MAX);
	err_hint(&out, "%s", err.hint[0] ? err.hint : "such as 512 tok");
	if (out.msg[0])
		diag_err(d, node->place, &out);
	l->fixed = out.msg[0] ? 1 : (int64_t)tokens;
}

static void load_length(const char *key, const struct yml *node, struct length_law *l, struct diags *d)
{
	static const char *const kinds[] = {"uniform", "lognormal", "histogram"};
	struct yml *tree =
		yml_merge(d->arena, NULL, node); /* the table writes its defaults into what it reads */
	const size_t before = d->total;

	if (node->kind == YML_SCALAR) {
		load_fixed(key, node, l, d);
		return;
	}
	if (field_load(&length_table, tree, key, l, d) != 0)
		return;
	switch (the_one(
		tree, kinds, ARRAY_LEN(kinds), "length: none is said",
		"512 tok, {uniform: [400 tok, 7600 tok]}, {lognormal: {p50: 700 tok, p90: 2700 tok}} or "
		"{histogram: ...}",
		d)) {
	case 0:
		l->kind = LENGTH_UNIFORM;
		check_uniform(l, d);
		break;
	case 1:
		l->kind = LENGTH_LOGNORMAL;
		check_lognormal(l->lognormal, d);
		break;
	case 2:
		l->kind = LENGTH_HISTOGRAM;
		check_bins(l, d);
		break;
	}
	if (d->total == before && l->kind == LENGTH_UNIFORM &&
	    (double)l->max < ((const double *)l->uniform.at)[0])
		serve_wrong(d, tree, "max", NULL, "max: it is below the least length");
}

static void check_prefix(const struct serve *s, const struct prefix_law *p, struct diags *d)
{
	const struct yml *node = p ? p->origin.node : NULL;

	if (!p)
		return;
	if (!p->system && p->turns == 1)
		diag_add(d, node->place, "give 'system: 800 tok', 'turns: 5', or leave 'prefix' out",
			 "prefix: nothing is shared");
	if (said(node, "groups") && !p->system)
		serve_wrong(d, node, "groups", "add 'system: 800 tok'",
			    "prefix: groups of system prompts that are empty");
	if (p->turns > 1 && !said(node, "think") && s->arrivals.kind != ARRIVALS_USERS)
		serve_wrong(d, node, "turns", "add 'think: 20 s'",
			    "prefix: how long does a user think before the next turn?");
	if (p->turns == 1 && said(node, "think"))
		serve_wrong(d, node, "think", "add 'turns: 5'", "prefix: one turn has no next");
}

static const char *const arrival_kinds[] = {"rate", "every", "users", "concurrency", "all_at", "trace"};

static void needs(const struct yml *map, const char *key, const char *other, struct diags *d)
{
	if (said(map, key) && !said(map, other))
		diag_add(d, yml_get(map, key)->place, NULL, "arrivals: '%s' goes with '%s'", key, other);
}

/* A path is looked for beside the file that names it. */
static void find_trace(struct arrivals_law *a, struct diags *d)
{
	const struct yml *node = yml_get(a->origin.node, "trace");
	const char *file = node->place.source ? node->place.source->path : "", *slash = strrchr(file, '/');

	if (*a->trace != '/' && slash)
		a->trace = arena_printf(d->arena, "%.*s/%s", (int)(slash - file), file, a->trace);
	if (!file_exists(a->trace))
		diag_add(d, node->place, "a trace is looked for beside the file that names it",
			 "arrivals: there is no file '%.200s'", a->trace);
}

static void check_arrivals(struct arrivals_law *a, struct diags *d)
{
	static const int of[] = {ARRIVALS_RATE,  ARRIVALS_EVERY,  ARRIVALS_USERS,
				 ARRIVALS_USERS, ARRIVALS_ALL_AT, ARRIVALS_TRACE};
	const struct yml *node = a->origin.node;
	const size_t k =
		the_one(node, arrival_kinds, ARRAY_LEN(arrival_kinds), "arrivals: when do requests come?",
			"one of rate, every, users, concurrency, all_at, trace: {rate: 0.3 req/s}", d);

	if (k == ARRAY_LEN(arrival_kinds))
		return;
	a->kind = of[k];
	a->users += a->concurrency;
	needs(node, "burstiness", "rate", d);
	needs(node, "exact_rate", "rate", d);
	needs(node, "think", "users", d);
	needs(node, "speed", "trace", d);
	needs(node, "skip_failed", "trace", d);
	if (k == 2 && !said(node, "think"))
		serve_wrong(d, node, "users",
			    "add 'think: 20 s', or write 'concurrency' for users who do not",
			    "arrivals: how long do users think?");
	if (a->kind == ARRIVALS_TRACE)
		find_trace(a, d);
	a->burstiness = a->burstiness > 0 ? a->burstiness : 1;
	a->speed = a->speed > 0 ? a->speed : 1;
}

static bool has_turns(const struct serve *s)
{
	const struct load_class *c = s->classes.at;
	bool turns = s->all.prefix && s->all.prefix->turns > 1;

	for (size_t i = 0; i < s->classes.n; i++)
		turns |= c[i].prefix && c[i].prefix->turns > 1;
	return turns;
}

bool serve_has_classes(const struct serve *s)
{
	return said(s->origin.node, "classes");
}

bool serve_open_ended(const struct serve *s)
{
	return !s->requests && !(s->span > 0) && s->arrivals.kind != ARRIVALS_TRACE;
}

static void check_end(struct serve *s, struct diags *d)
{
	const struct yml *node = s->origin.node;
	const int kind = s->arrivals.kind;

	if (said(node, "requests") && said(node, "for"))
		serve_wrong(d, node, "for", "leave one out", "'requests' and 'for' exclude each other");
	if (serve_open_ended(s) && (s->measure == MEASURE_ALL || kind == ARRIVALS_ALL_AT))
		diag_add(d, node->place, "add 'requests: 2000' or 'for: 1 h'", "serve: the load never ends");
	if (kind == ARRIVALS_ALL_AT && said(node, "for"))
		serve_wrong(d, node, "for", "say how many: 'requests: 64'",
			    "requests that all come at once come for no time");
	if (kind == ARRIVALS_ALL_AT && s->measure == MEASURE_STEADY) {
		if (said(node, "measure"))
			serve_wrong(d, node, "measure", "write 'measure: all'",
				    "a load that comes all at once has no steady state");
		s->measure = MEASURE_ALL;
	}
	if (kind == ARRIVALS_RATE && !said(s->arrivals.origin.node, "exact_rate"))
		s->arrivals.exact_rate = s->measure == MEASURE_ALL && s->requests && !has_turns(s);
	else if (s->arrivals.exact_rate && !s->requests)
		serve_wrong(d, s->arrivals.origin.node, "exact_rate", "say how many: 'requests: 2000'",
			    "exact_rate: it scales a known number of arrivals");
	else if (s->arrivals.exact_rate && has_turns(s))
		serve_wrong(d, s->arrivals.origin.node, "exact_rate", "leave it out",
			    "exact_rate: turns of a conversation come when the answer before them has ended");
	if (kind == ARRIVALS_USERS && said(node, "max_in_flight"))
		serve_wrong(d, node, "max_in_flight", "fewer users, or leave it out",
			    "a closed loop limits itself: each user has one request out");
}

static void check_trace_alone(const struct serve *s, struct diags *d)
{
	static const char *const keys[] = {"prompt", "output", "prefix"};
	const struct load_class *c = s->classes.at;

	for (size_t i = 0; i < ARRAY_LEN(keys); i++)
		for (size_t k = 0; k <= s->classes.n; k++) {
			const struct yml *node = k ? c[k - 1].origin.node : s->origin.node;

			if (said(node, keys[i]))
				diag_add(d, yml_get(node, keys[i])->place, "leave it out",
					 "serve: a trace brings its own lengths and prefixes, '%s' has no "
					 "place here",
					 keys[i]);
		}
}

/* A class's own length, else the load's. */
static void check_length(const char *key, const struct load_class *c, const struct yml *own,
			 const struct yml *shared, const struct length_law *from, struct length_law *to,
			 struct diags *d)
{
	if (own && own != shared)
		load_length(key, own, to, d);
	else if (shared)
		*to = *from;
	else
		diag_add(d, c->origin.node->place, "such as 512 tok, or {uniform: [49 tok, 950 tok]}",
			 "%s%s: key '%s' is missing", c->share < 1 ? "class " : "",
			 c->share < 1 ? c->origin.name : "serve", key);
}

static void check_class(const struct serve *s, struct load_class *c, struct diags *d)
{
	const struct load_class *all = &s->all;

	if (s->arrivals.kind != ARRIVALS_TRACE) {
		check_length("prompt", c, c->prompt_said, all->prompt_said, &all->prompt, &c->prompt, d);
		check_length("output", c, c->output_said, all->output_said, &all->output, &c->output, d);
	}
	c->slo = c->slo ? c->slo : all->slo;
	c->prefix = c->prefix ? c->prefix : all->prefix;
	if (c->prefix != all->prefix)
		check_prefix(s, c->prefix, d);
}

static void check_slo(const struct slo *slo, struct diags *d)
{
	if (slo && !slo->origin.node->n)
		diag_add(d, slo->origin.node->place, "such as {ttft_p95: 2 s, tpot_p95: 100 ms}",
			 "slo: it bounds nothing");
}

static void check_classes(struct serve *s, struct diags *d)
{
	struct load_class *c = s->classes.at;
	double sum = 0;

	if (said(s->origin.node, "classes") && !s->classes.n)
		serve_wrong(d, s->origin.node, "classes", NULL, "classes: there is none");
	for (size_t i = 0; i < s->classes.n; i++) {
		check_class(s, &c[i], d);
		if (said(c[i].origin.node, "slo"))
			check_slo(c[i].slo, d);
		sum += c[i].share;
	}
	if (s->classes.n && fabs(sum - 1) > 1e-6)
		diag_add(d, yml_get(s->origin.node, "classes")->place, "let them add up to 100 %",
			 "classes: the shares add up to %s %%", units_digits(sum * 100, 6).text);
}

static void check_load(struct serve *s, struct diags *d)
{
	s->all.origin = (struct origin){"all", s->origin.node};
	s->all.share = 1;
	check_arrivals(&s->arrivals, d);
	check_end(s, d);
	check_slo(s->all.slo, d);
	check_prefix(s, s->all.prefix, d);
	if (s->all.prompt_said)
		load_length("prompt", s->all.prompt_said, &s->all.prompt, d);
	if (s->all.output_said)
		load_length("output", s->all.output_said, &s->all.output, d);
	if (s->arrivals.kind == ARRIVALS_TRACE)
		check_trace_alone(s, d);
	if (s->classes.n || said(s->origin.node, "classes"))
		check_classes(s, d);
	else
		check_class(s, &s->all, d);
	if (!s->classes.n)
		s->classes = (struct field_list){&s->all, 1};
}

int scenario_check_serve(struct scenario *s, struct diags *d)
{
	const size_t before = d->total;

	if (s->workload.serve)
		check_load(s->workload.serve, d);
	for (size_t i = 0; i < s->assignments.n; i++)
		serve_check_assignment(s, &((struct assignment *)s->assignments.at)[i], d);
	return d->total == before ? 0 : -1;
}
