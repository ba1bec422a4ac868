/* serve_job.c - see serve_job.h; service.h runs the load. */
#include "sim/predict/serve_job.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/predict/energy_cost.h"
#include "sim/predict/explain.h"
#include "sim/predict/serve_words.h"
#include "sim/serve/service.h"
#include "sim/step/program.h"
#include "sim/step/queue.h"

enum {
	HOLDS,
	REQUESTS,
	OUTPUT,
	GOODPUT,
	TTFT_P50,
	TTFT_P95,
	TTFT_P99,
	TPOT_P50,
	TPOT_P95,
	ITL_P95,
	ITL_P99,
	E2EL_P95,
	QUEUE_P95,
	BATCH,
	KV_SHARE,
	PREEMPTIONS,
	RECOMPUTED,
	STALLED,
	CACHED,
	REFUSED,
	STABLE,
	GROWTH,
	POWER,
	ENERGY,
	USD,
	SERVE_METRICS
};

#define STATE(name, unit, head, less, column, meaning, no_best)                                              \
	{                                                                                                    \
		name, unit, head, JOB_SERVE, less, METRIC_OF_TIMES, column, meaning, no_best                 \
	}
#define ROW(name, unit, head, less, column, meaning) STATE(name, unit, head, less, column, meaning, false)
static const struct metric_info metrics[SERVE_METRICS] = {
	[HOLDS] = ROW(
		"holds", "", "holds", false, 30,
		"share of replications in which every bound of the SLO holds and every request is answered"),
	[REQUESTS] = ROW("req_per_s", "req/s", "requests", false, 31, "requests answered in a second"),
	[OUTPUT] = ROW("out_tok_per_s", "tok/s", "output", false, 32, "tokens of answers in a second"),
	[GOODPUT] = ROW("goodput_req_per_s", "req/s", NULL, false, 0,
			"requests in a second that meet every bound of the SLO"),
	[TTFT_P50] =
		ROW("ttft_s_p50", "s", "TTFT p50", true, 33, "arrival to first token, half of the requests"),
	[TTFT_P95] = ROW("ttft_s_p95", "s", "TTFT p95", true, 34, "the same, 95 of 100"),
	[TTFT_P99] = ROW("ttft_s_p99", "s", "TTFT p99", true, 35, "the same, 99 of 100"),
	[TPOT_P50] = ROW("tpot_s_p50", "s", NULL, true, 0,
			 "first to last token over the tokens after the first, half of the requests"),
	[TPOT_P95] = ROW("tpot_s_p95", "s", "TPOT p95", true, 36, "the same, 95 of 100"),
	[ITL_P95] = ROW("itl_s_p95", "s", "ITL p95", true, 37, "from token to token, 95 of 100 gaps"),
	[ITL_P99] = ROW("itl_s_p99", "s", NULL, true, 0, "the same, 99 of 100 gaps"),
	[E2EL_P95] =
		ROW("e2el_s_p95", "s", "E2EL p95", true, 38, "arrival to last token, 95 of 100 requests"),
	[QUEUE_P95] =
		ROW("queue_s_p95", "s", NULL, true, 0, "waiting before the first work, 95 of 100 requests"),
	[BATCH] = STATE("batch_mean", "requests", "batch", false, 39,
			"requests that run at once while the server works, on average", true),
	[KV_SHARE] = STATE("kv_share_mean", "", "KV", true, 40,
			   "share of the KV cache's blocks in use, on average", true),
	[PREEMPTIONS] = ROW("preemptions", "1/req", "preempted", true, 41,
			    "how often a request is sent back to wait, on average"),
	[RECOMPUTED] = ROW("recomputed_share", "", NULL, true, 0,
			   "tokens read again after preemptions and failures, by prompt tokens"),
	[STALLED] = ROW("stalled_share", "", NULL, true, 0,
			"share of the gaps between tokens that are above ten times their median"),
	[CACHED] = ROW("cached_share", "", NULL, false, 0, "share of prompt tokens found in a prefix cache"),
	[REFUSED] =
		ROW("refused_share", "", NULL, true, 0, "share of requests that are refused or cut short"),
	[STABLE] =
		ROW("stable", "", NULL, false, 0, "1: what comes is served; 0: the queue grows without end"),
	[GROWTH] = ROW("growth_req_per_s", "req/s", NULL, true, 0,
		       "by how many the requests in the system grow in a second"),
	[POWER] = {"power_W", "W", "power", JOB_SERVE, true, METRIC_OF_POWER, 51,
		   "of all machines at the wall, on average", false},
	[ENERGY] = {"energy_J_per_served_tok", "J/tok", "energy", JOB_SERVE, true, METRIC_OF_POWER, 52,
		    "at the wall, for each token of an answer, idle time included", false},
	[USD] = {"usd_per_served_Mtok", "USD/Mtok", "cost", JOB_SERVE, true, METRIC_OF_POWER_AND_PRICE, 53,
		 "price over its years and electricity, for a million tokens of answers", false},
};

/* The values of a service that are metrics as they are. */
static const struct {
	int metric;
	enum service_value value;
	bool of_queue; /* a function of the run's length where the queue grows */
} taken[] = {
	{HOLDS, SERVICE_HOLDS, false},           {REQUESTS, SERVICE_REQUESTS_PER_S, false},
	{OUTPUT, SERVICE_OUTPUT_PER_S, false},   {GOODPUT, SERVICE_GOODPUT, true},
	{TTFT_P50, SERVICE_TTFT_P50, true},      {TTFT_P95, SERVICE_TTFT_P95, true},
	{TTFT_P99, SERVICE_TTFT_P99, true},      {TPOT_P50, SERVICE_TPOT_P50, false},
	{TPOT_P95, SERVICE_TPOT_P95, false},     {ITL_P95, SERVICE_ITL_P95, false},
	{ITL_P99, SERVICE_ITL_P99, false},       {E2EL_P95, SERVICE_E2EL_P95, true},
	{QUEUE_P95, SERVICE_QUEUE_P95, true},    {BATCH, SERVICE_BATCH, false},
	{KV_SHARE, SERVICE_KV_SHARE, false},     {PREEMPTIONS, SERVICE_PREEMPTIONS, false},
	{RECOMPUTED, SERVICE_RECOMPUTED, false}, {STALLED, SERVICE_STALLED, false},
	{CACHED, SERVICE_CACHED, false},         {REFUSED, SERVICE_REFUSED, false},
	{GROWTH, SERVICE_GROWTH, false},
};

struct serve_state {
	struct service *service;
	struct service_summary calibrated; /* the last run without a draw */
	double *each;                      /* service_summary.each of it */
	double *busy_ns;                   /* service_summary.busy_ns of it */
	double *of_class, *half_of_class;  /* those of it; NULL: the load has no classes */
	bool ran;
};

/* ---- does it fit? ---- */

static const bool *machines_of(struct arena *a, const struct service *s, const struct world *w)
{
	bool *used = arena_array(a, w->machines_n, sizeof *used);

	for (size_t i = 0; i < service_servers(s); i++)
		for (size_t u = 0; u < w->units_n; u++)
			for (int x = PHASE_PREFILL; x <= PHASE_DECODE; x++)
				used[w->units[u].machine] |=
					placement_uses(service_placement(s, i), (enum phase)x, u);
	return used;
}

static struct service *service_at(struct arena *a, const struct placement *at)
{
	struct diags diags;
	struct service *s;

	diags_init(&diags, a);
	s = service_new(a, at->world, at->assignment, &diags);
	BUG_ON(!s); /* scenario_place() has made one */
	return s;
}

static void make(struct arena *a, struct job_run *r)
{
	struct service *s = service_at(a, r->at);
	const struct world *w = r->at->world;
	struct footprint *need = arena_array(a, w->machines_n, sizeof *need);
	struct serve_state *state;

	service_footprint(s, need);
	r->footprint = need;
	r->uses = machines_of(a, s, w);
	r->fits = service_fits(s);
	for (size_t m = 0; m < w->machines_n; m++)
		r->fits &= footprint_short_B(&need[m]) <= 0;
	if (!r->fits) {
		service_free(s);
		return;
	}
	r->state = state = arena_alloc(a, sizeof *state);
	*state = (struct serve_state){.service = s};
}

static void release(struct job_run *r)
{
	struct serve_state *state = r->state;

	if (!state)
		return;
	service_free(state->service);
	free(state->each);
	free(state->busy_ns);
	free(state->of_class);
	free(state->half_of_class);
}

/* ---- values ---- */

/* Tables of step times are filled while a load runs, so that every thread needs its own. */
static void *scratch(struct arena *a, const struct job_run *r, size_t thread)
{
	(void)a;
	return service_twin(((const struct serve_state *)r->state)->service, thread);
}

/* While a server is busy, so are all of its devices. from_ns: [server]; out_ns: [unit], zeroed. */
static void add_busy(const struct job_run *r, const double *from_ns, double *out_ns)
{
	const struct world *w = r->at->world;
	const struct service *s = ((const struct serve_state *)r->state)->service;

	for (size_t i = 0; i < service_servers(s); i++)
		for (size_t u = 0; u < w->units_n; u++)
			if (placement_uses(service_placement(s, i), PHASE_DECODE, u) ||
			    placement_uses(service_placement(s, i), PHASE_PREFILL, u))
				out_ns[u] += from_ns[i];
}

static struct energy_cost energy(const struct job_run *r, const struct service_summary *m,
				 const struct power_draw *power)
{
	const struct world *w = r->at->world;
	double *busy_ns = xcalloc(program_queues(w), sizeof *busy_ns);
	struct energy_cost e;

	add_busy(r, m->busy_ns, busy_ns);
	e = energy_cost_of(w, r->uses, m->span_s, busy_ns, power);
	free(busy_ns);
	return e;
}

static bool grows(const struct service_summary *m, bool calibrated)
{
	return calibrated && m->overloaded;
}

static size_t classes(const struct job_run *r)
{
	const struct serve *load = r->at->world->scenario->workload.serve;

	return serve_has_classes(load) ? load->classes.n : 0;
}

/* The service's arrays are those of its last run. */
static void keep(struct serve_state *state, const struct service_summary *m, size_t classes_n)
{
	const size_t values_n = classes_n * SERVICE_VALUES;
	const size_t n = (size_t)m->replications * SERVICE_VALUES, servers = service_servers(state->service);

	state->calibrated = *m;
	state->each = xrealloc(state->each, n * sizeof *state->each);
	memcpy(state->each, m->each, n * sizeof *state->each);
	state->busy_ns = xrealloc(state->busy_ns, servers * sizeof *state->busy_ns);
	memcpy(state->busy_ns, m->busy_ns, servers * sizeof *state->busy_ns);
	if (!values_n)
		return;
	state->of_class = xrealloc(state->of_class, values_n * sizeof *state->of_class);
	memcpy(state->of_class, m->of_class, values_n * sizeof *state->of_class);
	state->half_of_class = xrealloc(state->half_of_class, values_n * sizeof *state->half_of_class);
	memcpy(state->half_of_class, m->half_of_class, values_n * sizeof *state->half_of_class);
}

/* A service that refuses every request is not the best one for its empty cache. */
static bool counts_when_refused(int metric)
{
	return metric == HOLDS || metric == REQUESTS || metric == OUTPUT || metric == GOODPUT ||
	       metric == REFUSED;
}

static void take(const double *values, bool grow, double *of)
{
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		of[taken[i].metric] = taken[i].of_queue && grow ? NAN : values[taken[i].value];
}

/* What a run as a whole has alone is NAN of a class. */
static void take_class(const double *values, bool grow, double *of)
{
	for (int i = 0; i < SERVE_METRICS; i++)
		of[i] = NAN;
	take(values, grow, of);
}

/* Latencies of a queue that grows are no property of the service, so that the result has none. A draw that is
 * overloaded where the calibration is not keeps them: they belong to the interval. */
static void fill(const struct job_run *r, const struct service_summary *m, const struct conditions *c,
		 double *of)
{
	const struct energy_cost e = energy(r, m, c->power);

	take(m->of, grows(m, !c->params), of);
	of[STABLE] = isnan(m->of[SERVICE_GROWTH]) ? NAN : !m->overloaded;
	of[POWER] = e.energy_J / m->span_s;
	of[ENERGY] = e.energy_J / m->tokens;
	of[USD] = e.usd / m->tokens * 1e6;
	for (int i = 0; i < SERVE_METRICS && serve_words_none_served(m); i++)
		if (!counts_when_refused(i))
			of[i] = NAN;
}

static int values(const struct job_run *r, void *room, const struct conditions *c, double *of,
		  struct err *err)
{
	struct serve_state *state = r->state;
	const struct service_ask ask = {.z = c->params,
					.seed = r->seed,
					.each_iteration = r->each_iteration,
					.threads = room ? 1 : r->threads};
	struct service_summary m;

	BUG_ON(c->params && !c->drawn);
	if (service_run(room ? room : state->service, &ask, &m, err) != 0)
		return -1;
	if (!c->params)
		keep(state, &m, classes(r));
	fill(r, &m, c, of);
	for (size_t k = 0; c->classes && k < classes(r); k++)
		take_class(&m.of_class[k * SERVICE_VALUES], grows(&m, !c->params),
			   &c->classes[k * SERVE_METRICS]);
	return 0;
}

static double half_of(const double *half, size_t metric)
{
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		if (taken[i].metric == (int)metric && taken[i].metric != HOLDS)
			return isfinite(half[taken[i].value]) ? half[taken[i].value] : 0;
	return 0;
}

static double ci_half(const struct job_run *r, size_t metric)
{
	return half_of(((const struct serve_state *)r->state)->calibrated.half, metric);
}

static const char *class_name(const struct job_run *r, size_t class_id)
{
	const struct load_class *c = r->at->world->scenario->workload.serve->classes.at;

	return c[class_id].origin.name;
}

static void class_values(const struct job_run *r, size_t class_id, double *of, double *half)
{
	const struct serve_state *state = r->state;

	take_class(&state->of_class[class_id * SERVICE_VALUES], state->calibrated.overloaded, of);
	for (size_t i = 0; i < SERVE_METRICS; i++)
		half[i] = half_of(&state->half_of_class[class_id * SERVICE_VALUES], i);
}

/* Replications of one number have met the same load. A load without replications has no pairs. */
static bool paired(const struct job_run *r, const struct job_run *other, size_t metric, double *difference,
		   double *half)
{
	const struct serve_state *here = r->state, *there = other->state;
	const size_t runs = (size_t)here->calibrated.replications;
	double *a, *b;
	size_t n = 0;

	if (here->calibrated.replications != there->calibrated.replications)
		return false;
	a = xcalloc(runs, sizeof *a);
	b = xcalloc(runs, sizeof *b);
	for (size_t i = 0; i < ARRAY_LEN(taken); i++)
		for (size_t k = 0; taken[i].metric == (int)metric && k < runs; k++) {
			const size_t at = k * SERVICE_VALUES + taken[i].value;

			if (!isfinite(here->each[at]) || !isfinite(there->each[at]))
				continue;
			a[n] = here->each[at];
			b[n++] = there->each[at];
		}
	if (n > 1) {
		const struct steady_value v = steady_paired(a, b, n);

		*difference = v.value;
		*half = v.half;
	}
	free(a);
	free(b);
	return n > 1;
}

/* The worst source behind the operators of a decode step that take a twentieth of it or more. */
static enum provenance unit_from(struct arena *a, const struct placement *at, size_t unit)
{
	const struct world *w = at->world;
	const struct device_model model = program_device_model(a, w, unit);
	const struct shape shape = {.batch = 4, .tokens = 1, .past = 1024};
	struct part_count parts[MODEL_PARTS];
	const size_t n = model_parts(w->model, parts);
	enum provenance from = PROVENANCE_MEASURED;
	double sum = 0;

	for (int pass = 0; pass < 2; pass++)
		for (size_t i = 0; i < n; i++) {
			struct op ops[GRAPH_OPS];
			const size_t ops_n = graph_block(w->model, &w->scenario->precision, &shape,
							 parts[i].part, PHASE_DECODE, ops);

			for (size_t k = 0; k < ops_n; k++) {
				const struct cost c = cost_of(&ops[k], &model, 1);
				const double s = parts[i].blocks * cost_seconds(&c);

				if (!pass)
					sum += s;
				else if (s > 0.05 * sum)
					from = provenance_worse(from, cost_from(&c));
			}
		}
	return from;
}

static enum provenance from(const struct job_run *r, size_t metric)
{
	const struct service *s = ((const struct serve_state *)r->state)->service;
	enum provenance worst = PROVENANCE_MEASURED;
	struct arena a = ARENA_INIT;

	(void)metric;
	for (size_t i = 0; i < service_servers(s); i++)
		for (size_t u = 0; u < r->at->world->units_n; u++)
			if (placement_uses(service_placement(s, i), PHASE_DECODE, u))
				worst = provenance_worse(worst, unit_from(&a, r->at, u));
	arena_release(&a);
	return worst;
}

/* ---- words ---- */

static const struct service_summary *calibrated(const struct job_run *r)
{
	return &((const struct serve_state *)r->state)->calibrated;
}

static const char *bound(struct arena *a, const struct job_run *r)
{
	return serve_words_bound(a, calibrated(r));
}

static void remark(struct str *out, const struct job_run *r)
{
	serve_words_remark(out, ((const struct serve_state *)r->state)->service, calibrated(r));
}

static size_t busy(struct arena *a, const struct job_run *r, struct busy_row *rows)
{
	const struct serve_state *state = r->state;
	const struct world *w = r->at->world;
	double *busy_ns = arena_array(a, w->units_n, sizeof *busy_ns);
	size_t n = 0;

	if (!state->busy_ns)
		return 0;
	add_busy(r, state->busy_ns, busy_ns);
	for (size_t u = 0; u < w->units_n; u++)
		if (busy_ns[u] > 0)
			rows[n++] = (struct busy_row){w->units[u].name, job_name(JOB_SERVE),
						      fmin(busy_ns[u] / 1e9 / state->calibrated.span_s, 1)};
	return n;
}

static void verdict(struct str *out, const struct job_run *r, const struct job_run *alone, size_t draws)
{
	const bool here = calibrated(r)->overloaded, there = calibrated(alone)->overloaded;

	if (!here && !there) {
		explain_compare(out, r, alone, draws);
		str_add(out, ", by the 95th percentile of E2EL");
	} else if (!here) {
		str_addf(out, "serving pays: the load is too much for one machine (%s) and not for these",
			 alone->at->assignment->name);
	}
}

static const char *lacks(const struct world *w, size_t metric)
{
	const struct serve *s = w->scenario->workload.serve;
	const struct load_class *c = s->classes.at;
	const int kind = s->arrivals.kind;
	bool slo = false;

	for (size_t i = 0; i < s->classes.n; i++)
		slo |= c[i].slo != NULL;
	if ((metric == HOLDS || metric == GOODPUT) && !slo)
		return "the load has no 'slo'";
	if ((metric == STABLE || metric == GROWTH) &&
	    (kind == ARRIVALS_USERS || kind == ARRIVALS_ALL_AT || s->measure == MEASURE_ALL))
		return "only requests that come by themselves can be too many";
	return NULL;
}

static const char *note(struct arena *a, const struct world *w)
{
	const struct serve *s = w->scenario->workload.serve;
	const bool several = serve_job_replications(w) > 1;

	const char *length =
		serve_open_ended(s)
			? arena_printf(
				  a,
				  " Each run is as long as it takes to know each metric that the SLO bounds "
				  "to "
				  "5 %% or on which side of its bound it lies; those of the range have %d "
				  "requests.",
				  SERVICE_FIRST_REQUESTS)
			: "";

	return arena_printf(
		a,
		"p95 is what 19 of 20 requests do not exceed, from the time a client sends them. "
		"\xc2\xb1 is chance, a 95 %% interval %s; a range below a value is what the "
		"calibration leaves open, P10 to P90. Batch counts requests that run at once.%s",
		several ? arena_printf(a, "over %lld runs of the load", (long long)s->replications)
			: "by batches within one run, where that is long enough",
		length);
}

const struct job_type serve_job = {
	.noun = "serving",
	.metrics = metrics,
	.metrics_n = SERVE_METRICS,
	.compared = E2EL_P95,
	.make = make,
	.release = release,
	.scratch = scratch,
	.values = values,
	.from = from,
	.ci_half = ci_half,
	.classes = classes,
	.class_name = class_name,
	.class_values = class_values,
	.paired = paired,
	.bound = bound,
	.busy = busy,
	.verdict = verdict,
	.remark = remark,
	.lacks = lacks,
	.note = note,
};

int serve_job_replications(const struct world *w)
{
	const struct serve *s = w->scenario->workload.serve;

	return s->arrivals.kind == ARRIVALS_TRACE ? 1 : (int)s->replications;
}

int serve_job_watch(struct arena *a, const struct placement *at, const struct serve_watch *watch,
		    struct err *err)
{
	struct service *s = service_at(a, at);
	const struct service_ask ask = {.seed = watch->seed,
					.replications = 1,
					.first = watch->replication,
					.each_iteration = watch->each_iteration,
					.watch = watch->observer,
					.stop = watch->stop};
	struct service_summary m = {.overloaded = false};
	int rc;

	if (service_fits(s))
		rc = service_run(s, &ask, &m, err);
	else
		rc = watch->seen ? 0 : err_set(err, "'%s' does not fit in memory", at->assignment->name);
	if (rc == 0 && watch->seen)
		*watch->seen = (struct serve_seen){service_fits(s), m.overloaded, m.requests, m.first_cut_ns};
	service_free(s);
	return rc;
}
