/* service_run.c - the load of a service run and summed up; see service.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/workers.h"
#include "sim/serve/arrivals.h"
#include "sim/serve/judge.h"
#include "sim/serve/metrics.h"
#include "sim/serve/service_parts.h"
#include "sim/serve/steady.h"
#include "sim/stats/ci.h"

#define LEVEL 0.95

/* ---- one replication ---- */

struct counted { /* a source with the time of its last arrival */
	struct request_source from;
	int64_t last_ns;
	uint64_t n;
};

static bool counted_next(void *self, int64_t by_ns, struct request *out)
{
	struct counted *c = self;

	if (!c->from.next(c->from.self, by_ns, out))
		return false;
	c->last_ns = out->arrive_ns;
	c->n++;
	return true;
}

static void counted_ended(void *self, const struct request *r, const struct request_times *t)
{
	const struct counted *c = self;

	c->from.ended(c->from.self, r, t);
}

struct both { /* two observers of one run */
	struct observer first, second;
};

static void both_ended(void *self, const struct request *r, const struct request_times *t)
{
	const struct both *b = self;

	b->first.ended(b->first.self, r, t);
	if (b->second.ended)
		b->second.ended(b->second.self, r, t);
}

static void both_gaps(void *self, int64_t first_fs, int64_t slope_fs, int64_t n, int64_t weight)
{
	const struct both *b = self;

	b->first.gaps(b->first.self, first_fs, slope_fs, n, weight);
	if (b->second.gaps)
		b->second.gaps(b->second.self, first_fs, slope_fs, n, weight);
}

static void both_state(void *self, uint32_t replica, int64_t from_ns, int64_t to_ns, int64_t waiting,
		       int64_t running, int64_t kv_blocks, int64_t kv_block_ns, bool busy)
{
	const struct both *b = self;

	b->first.state(b->first.self, replica, from_ns, to_ns, waiting, running, kv_blocks, kv_block_ns,
		       busy);
	if (b->second.state)
		b->second.state(b->second.self, replica, from_ns, to_ns, waiting, running, kv_blocks,
				kv_block_ns, busy);
}

static void both_iterations(void *self, uint32_t replica, int64_t from_ns, int64_t to_ns, int64_t n,
			    int64_t decodes, int64_t read)
{
	const struct both *b = self; /* metrics do not ask for them */

	b->second.iterations(b->second.self, replica, from_ns, to_ns, n, decodes, read);
}

struct replication {
	struct service *service;
	struct serve load; /* with as many requests as this run has */
	struct metrics *metrics;
	struct counted source;
	struct trace_skipped skipped;
	struct serve_result result;
	struct serve_books *books;
	int64_t cut_ns;
	double of[SERVICE_VALUES], half[SERVICE_VALUES];
	bool overloaded;
	bool lost; /* the verdict is certain: the SLO is missed */
	struct service_slo tightest;
};

static struct serve_config config_of(struct service *s, const struct service_ask *ask, int replication)
{
	const struct assign_serving *v = &s->from->serving;

	return (struct serve_config){.servers = s->config,
				     .servers_n = s->config_n,
				     .route = (enum serve_route)v->route,
				     .route_decode = (enum serve_route)v->route,
				     .refresh_ns = llround(v->refresh * 1e9),
				     .links = service_links(s, ask->z),
				     .downs = s->downs,
				     .downs_n = s->downs_n,
				     .seed = ask->seed + (uint64_t)replication,
				     .each_iteration = ask->each_iteration,
				     .stop = ask->stop};
}

/* Cells of the time line up to the last arrival: what follows is the draining. */
static size_t filling(const struct replication *p, double **means, double *cell_s)
{
	const size_t n = metrics_in_system(p->metrics, means, cell_s);
	const size_t upto = (size_t)((double)p->source.last_ns / 1e9 / *cell_s);

	return upto < n ? upto : n;
}

static struct mean_request mean_request(const struct replication *p, const struct metrics_summary *m)
{
	struct mean_request r = {0};
	double answered = (double)(p->result.finished + p->result.truncated);

	for (size_t i = 0; i < p->service->config_n; i++) {
		r.read += (double)p->books[i].rows_read / answered;
		r.output += (double)p->books[i].tokens / answered;
	}
	r.prompt = (m->total_tok_per_s - m->output_tok_per_s) / m->requests_per_s;
	return r;
}

/* Only requests that come by themselves can be too many: users wait for their answers. */
static void judge_growth(struct replication *p, const struct metrics_summary *m)
{
	const int kind = p->load.arrivals.kind;
	const bool open = kind == ARRIVALS_RATE || kind == ARRIVALS_EVERY;
	double *means, cell_s;
	const size_t n = filling(p, &means, &cell_s);
	struct steady_growth g;

	p->of[SERVICE_OFFERED] = NAN;
	if (open && p->result.finished) {
		const struct mean_request r = mean_request(p, m);

		p->of[SERVICE_OFFERED] = (double)p->source.n / ((double)p->source.last_ns / 1e9) /
					 service_capacity(p->service, &r);
	}
	g = steady_growth(means, n, cell_s, p->of[SERVICE_OFFERED]);
	free(means);
	if (kind == ARRIVALS_USERS || kind == ARRIVALS_ALL_AT || p->load.measure == MEASURE_ALL)
		return;
	p->of[SERVICE_GROWTH] = g.per_s;
	p->half[SERVICE_GROWTH] = g.half;
	p->overloaded = g.trend == TREND_OVERLOADED;
}

static void find_cut(struct replication *p)
{
	double *means, cell_s;
	const size_t n = filling(p, &means, &cell_s);

	if (p->load.measure == MEASURE_STEADY && n)
		p->cut_ns = llround((double)steady_mser5(means, n).cut * cell_s * 1e9);
	free(means);
}

static void tighten(struct service_slo *tightest, const struct service_slo *s)
{
	if (!(tightest->bound > 0) || s->value / s->bound > tightest->value / tightest->bound)
		*tightest = *s;
}

/* Do all bounds of all classes hold? -1 where there is none. */
static int slo_holds(struct replication *p)
{
	const struct load_class *c = p->load.classes.at;
	int holds = -1;

	for (uint32_t k = 0; k < p->load.classes.n; k++)
		for (int m = 0; c[k].slo && m < SLO_METRICS; m++)
			for (int s = 0; s < SLO_STATS; s++) {
				struct service_slo now = {(enum slo_metric)m, (enum slo_stat)s, 0,
							  c[k].slo->bound[m][s]};

				if (!(now.bound > 0))
					continue;
				now.value = metrics_slo_value(p->metrics, k, now.metric, now.stat, p->cut_ns);
				holds = holds != 0 && now.value <= now.bound;
				tighten(&p->tightest, &now);
			}
	return holds;
}

/* Within one run, by batches of requests; see steady.h. */
static void take_intervals(struct replication *p)
{
	static const struct {
		enum service_value value;
		enum metrics_latency latency;
		double share;
	} of[] = {{SERVICE_TTFT_P50, LATENCY_TTFT, 0.5},   {SERVICE_TTFT_P95, LATENCY_TTFT, 0.95},
		  {SERVICE_TTFT_P99, LATENCY_TTFT, 0.99},  {SERVICE_TPOT_P50, LATENCY_TPOT, 0.5},
		  {SERVICE_TPOT_P95, LATENCY_TPOT, 0.95},  {SERVICE_E2EL_P95, LATENCY_E2EL, 0.95},
		  {SERVICE_QUEUE_P95, LATENCY_QUEUE, 0.95}};

	for (size_t i = 0; i < ARRAY_LEN(of); i++) {
		double *x;
		const size_t n = metrics_series(p->metrics, of[i].latency, UINT32_MAX, p->cut_ns, &x);

		p->half[of[i].value] = steady_quantile(x, n, of[i].share).half;
		free(x);
	}
}

/* mlx takes memory for caches without looking at what is left: a run that needed more than there is did not
 * happen. */
static bool overfull(const struct replication *p)
{
	bool over = false;

	for (size_t i = 0; i < p->service->config_n; i++) {
		const int64_t room = p->service->config[i].set->kv_blocks;

		over |= room && p->books[i].most_blocks > room;
	}
	return over;
}

static void measure(struct replication *p)
{
	const struct serve_result *r = &p->result;
	struct metrics_summary m;
	int holds;

	find_cut(p);
	metrics_summarise(p->metrics, p->cut_ns, &m);
	service_latencies(&m, p->of);
	p->of[SERVICE_REQUESTS_PER_S] = m.requests_per_s;
	p->of[SERVICE_OUTPUT_PER_S] = m.output_tok_per_s;
	p->of[SERVICE_BATCH] = m.batch;
	p->of[SERVICE_KV_SHARE] = m.kv_blocks / p->service->kv_blocks;
	p->of[SERVICE_PREEMPTIONS] = m.preemptions;
	p->of[SERVICE_CACHED] = m.cached_share;
	p->of[SERVICE_BUSY] = m.busy_share;
	p->of[SERVICE_REFUSED] = (double)(r->refused + r->truncated) / (double)r->arrived;
	judge_growth(p, &m);
	holds = slo_holds(p);
	if (holds >= 0) {
		p->of[SERVICE_HOLDS] = holds && !p->overloaded && !overfull(p);
		p->of[SERVICE_GOODPUT] = m.goodput_per_s;
	}
	take_intervals(p);
}

/* Runs the load before the metrics and another observer. */
static int observed(struct service *s, const struct service_ask *ask, int i, struct replication *p,
		    const struct observer *second, const volatile int *stop, struct err *err)
{
	const struct metrics_how how = {.classes = p->load.classes.at, .classes_n = p->load.classes.n};
	struct serve_config config = config_of(s, ask, i);
	struct arrivals *arrivals = arrivals_new(&p->load, ask->seed, i, err);
	const struct request_source source = {counted_next, counted_ended, &p->source};
	struct both both;
	struct observer observer = {
		.ended = both_ended, .gaps = both_gaps, .state = both_state, .self = &both};
	int rc;

	if (!arrivals)
		return -1;
	config.stop = stop;
	p->source.from = arrivals_source(arrivals);
	p->metrics = metrics_new(&how);
	p->result.books = p->books;
	both = (struct both){metrics_observer(p->metrics), *second};
	if (both.second.iterations)
		observer.iterations = both_iterations;
	serve_run(&config, &source, &observer, &p->result);
	rc = arrivals_error(arrivals, err);
	p->skipped = arrivals_skipped(arrivals);
	arrivals_free(arrivals);
	return rc;
}

static int simulate(struct service *s, const struct service_ask *ask, int i, struct replication *p,
		    struct err *err)
{
	const struct observer none = {.self = NULL};
	int rc = observed(s, ask, i, p, ask->watch && i == ask->first ? ask->watch : &none, ask->stop, err);

	if (rc == 0 && p->result.stopped)
		rc = err_set(err, "stopped after %lld requests", (long long)p->result.finished);
	return rc;
}

/* Whether the SLO holds and all requests are answered, no later than that is certain. */
static int decide(struct service *s, const struct service_ask *ask, int i, struct replication *p,
		  struct err *err)
{
	struct judge *j = judge_new(&p->load, ask->seed, i, err);
	struct observer watch;
	int rc;

	if (!j)
		return -1;
	watch = judge_observer(j);
	rc = observed(s, ask, i, p, &watch, judge_stop(j), err);
	p->lost = p->result.stopped || p->result.refused || p->result.truncated;
	judge_free(j);
	return rc;
}

/* ---- all of them ---- */

/* Of the replications of one length. */
struct sums {
	struct summary of[SERVICE_VALUES];
	int overloaded;
	struct sought sought;
};

static void add_replication(struct service *s, struct sums *sums, const struct replication *p, int i,
			    struct service_summary *out)
{
	for (int v = 0; v < SERVICE_VALUES; v++)
		if (isfinite(p->of[v]))
			summary_add(&sums->of[v], p->of[v]);
	memcpy(s->each + (size_t)i * SERVICE_VALUES, p->of, sizeof p->of);
	sums->overloaded += p->overloaded;
	sought_add(&sums->sought, p->metrics, p->cut_ns);
	if (p->tightest.bound > 0)
		tighten(&out->tightest, &p->tightest);
	out->span_s += (double)p->result.end_ns / 1e9;
	for (size_t k = 0; k < s->config_n; k++) {
		const size_t server = s->server_of[k];

		out->tokens += (double)p->books[k].tokens;
		s->busy_ns[server] += (double)p->books[k].busy_ns / (double)s->servers[server].lanes;
	}
	memcpy(out->half, p->half, sizeof out->half);
	out->skipped = p->skipped;
	if (out->first_end_ns)
		return;
	out->first_cut_ns = p->cut_ns;
	out->first_end_ns = p->result.end_ns;
}

static void finish(const struct sums *sums, struct service_summary *out)
{
	for (int v = 0; v < SERVICE_VALUES; v++) {
		const struct ci ci = ci_mean(&sums->of[v], LEVEL);

		out->of[v] = sums->of[v].n ? ci.mean : NAN;
		if (out->replications > 1)
			out->half[v] = ci.half;
	}
	out->overloaded = 2 * sums->overloaded > out->replications;
}

static const struct serve *load_of(const struct service *s, const struct service_ask *ask)
{
	return ask->load ? ask->load : s->world->scenario->workload.serve;
}

/* Several replications at a time, each by a twin of the service. */
struct replicating {
	struct service *service;
	const struct service_ask *ask;
	uint64_t requests; /* of each */
	int first;         /* of those of one wave */
	struct replication *made;
	struct err *errs;
};

static int replicate(void *self, size_t thread, size_t item)
{
	const struct replicating *r = self;
	const int i = r->first + (int)item;
	struct service *s = service_twin(r->service, thread);
	struct replication *p = &r->made[item];
	int rc;

	*p = (struct replication){.service = s, .load = *load_of(s, r->ask)};
	p->load.requests = (int64_t)r->requests;
	for (int v = 0; v < SERVICE_VALUES; v++) {
		p->of[v] = NAN;
		p->half[v] = INFINITY;
	}
	p->books = xcalloc(s->config_n, sizeof *p->books);
	rc = (r->ask->verdict ? decide : simulate)(s, r->ask, i, p, &r->errs[item]);
	if (rc == 0 && !p->lost)
		measure(p);
	if (p->lost)
		p->of[SERVICE_HOLDS] = 0;
	return rc;
}

static void release(struct replication *p)
{
	metrics_free(p->metrics);
	free(p->books);
	*p = (struct replication){.metrics = NULL};
}

/* Runs as many replications as there are threads, and adds them up in their order. */
static int run_wave(struct replicating *r, size_t n, struct sums *sums, struct service_summary *out,
		    struct err *err)
{
	const struct workers_task work = {.n = n, .item = replicate, .self = r};
	const size_t failed = workers_run(&work, n);

	for (size_t i = 0; i < n; i++) {
		if (i < failed)
			add_replication(r->service, sums, &r->made[i], r->first + (int)i - r->ask->first,
					out);
		release(&r->made[i]);
	}
	if (failed == n)
		return 0;
	*err = r->errs[failed];
	return -1;
}

static int run_waves(struct service *s, const struct service_ask *ask, struct sums *sums,
		     struct service_summary *out, struct err *err)
{
	const size_t n = (size_t)out->replications, threads = ask->threads ? ask->threads : 1;
	const size_t wave = threads < n ? threads : n;
	struct replicating r = {.service = s,
				.ask = ask,
				.requests = out->requests,
				.made = xcalloc(wave, sizeof *r.made),
				.errs = xcalloc(wave, sizeof *r.errs)};
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i += wave) {
		r.first = ask->first + (int)i;
		rc = run_wave(&r, n - i < wave ? n - i : wave, sums, out, err);
	}
	free(r.made);
	free(r.errs);
	return rc;
}

/* A load without chance is the same in every replication. */
static int replications(const struct serve *load, const struct service_ask *ask)
{
	if (load->arrivals.kind == ARRIVALS_TRACE)
		return 1;
	return ask->replications ? ask->replications : (int)load->replications;
}

static void draw(struct service *s, const struct params *z)
{
	for (size_t i = 0; i < s->tables_n && (z || s->drawn); i++)
		if (s->tables[i].cost)
			batch_cost_draw(s->tables[i].cost, z);
	s->drawn = z != NULL;
}

void service_calibrated(struct service *s)
{
	draw(s, NULL);
}

/* All replications, with as many requests as out says. */
static int run_once(struct service *s, const struct service_ask *ask, struct service_summary *out,
		    struct err *err)
{
	struct sums sums = {.sought = sought_of(load_of(s, ask))};
	int rc;

	out->span_s = out->tokens = 0;
	out->tightest = (struct service_slo){.bound = 0};
	memset(s->busy_ns, 0, s->servers_n * sizeof *s->busy_ns);
	for (int v = 0; v < SERVICE_VALUES; v++)
		sums.of[v] = summary_empty();
	rc = run_waves(s, ask, &sums, out, err);
	finish(&sums, out);
	out->stop = out->overloaded ? STEADY_SURE
				    : sought_stop(&sums.sought, out->requests * (uint64_t)out->replications);
	sought_release(&sums.sought);
	return rc;
}

/* Twice as long, as far as all replications together stay within the limit. False: it is there. */
static bool lengthen(struct service_summary *out)
{
	const uint64_t most = STEADY_REQUESTS / (uint64_t)out->replications;
	const uint64_t longer = 2 * out->requests < most ? 2 * out->requests : most;

	if (longer <= out->requests) {
		out->stop = STEADY_LIMIT;
		return false;
	}
	out->requests = longer;
	return true;
}

int service_run(struct service *s, const struct service_ask *ask, struct service_summary *out,
		struct err *err)
{
	const struct serve *load = load_of(s, ask);
	const bool open_ended = serve_open_ended(load) && !ask->requests;
	int rc;

	*out = (struct service_summary){.busy_ns = s->busy_ns,
					.replications = replications(load, ask),
					.requests = ask->requests ? ask->requests
						    : open_ended  ? SERVICE_FIRST_REQUESTS
								  : (uint64_t)load->requests};
	s->each = xrealloc(s->each, (size_t)out->replications * SERVICE_VALUES * sizeof *s->each);
	out->each = s->each;
	for (size_t i = 0; i < ask->threads || !i; i++)
		if (i < (size_t)out->replications)
			draw(service_twin(s, i), ask->z);
	do
		rc = run_once(s, ask, out, err);
	while (rc == 0 && open_ended && !ask->z && !ask->watch && !ask->verdict &&
	       out->stop == STEADY_GO_ON && lengthen(out));
	return rc;
}
