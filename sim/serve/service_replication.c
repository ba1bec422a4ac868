/* service_replication.c - see service_replication.h. */
#include "sim/serve/service_replication.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/load/arrivals.h"
#include "sim/serve/judge.h"
#include "sim/serve/service_parts.h"
#include "sim/stats/steady.h"

/* ---- the load, and who watches the run ---- */

static bool counted_next(void *self, int64_t by_ns, struct request *out)
{
	struct counted_source *c = self;

	if (!c->from.next(c->from.self, by_ns, out))
		return false;
	c->last_ns = out->arrive_ns;
	c->n++;
	return true;
}

static void counted_ended(void *self, const struct request *r, const struct request_times *t)
{
	const struct counted_source *c = self;

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

static void both_gaps(void *self, struct clock end, int64_t first_fs, int64_t slope_fs, int64_t n,
		      int64_t weight)
{
	const struct both *b = self;

	b->first.gaps(b->first.self, end, first_fs, slope_fs, n, weight);
	if (b->second.gaps)
		b->second.gaps(b->second.self, end, first_fs, slope_fs, n, weight);
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

/* ---- what is measured ---- */

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
	double *means, cell_s, rate = 0;
	const size_t n = filling(p, &means, &cell_s);
	struct steady_growth g;

	p->of[SERVICE_OFFERED] = NAN;
	if (open && p->result.finished) {
		const struct mean_request r = mean_request(p, m);

		rate = (double)p->source.n / ((double)p->source.last_ns / 1e9);
		p->of[SERVICE_OFFERED] = rate / service_capacity(p->service, &r);
	}
	g = steady_growth(means, n, cell_s, p->of[SERVICE_OFFERED], rate);
	free(means);
	if (isnan(g.per_s) &&
	    p->of[SERVICE_OFFERED] > 1) { /* the queue drains for so long that few cells fill it */
		g.per_s = rate - rate / p->of[SERVICE_OFFERED];
		g.trend = TREND_OVERLOADED;
	}
	if (kind == ARRIVALS_USERS || kind == ARRIVALS_ALL_AT || p->load.measure == MEASURE_ALL)
		return;
	if (g.trend == TREND_OVERLOADED && rate > 0) /* the bound on what can be done may be too kind */
		p->of[SERVICE_OFFERED] = fmax(p->of[SERVICE_OFFERED], rate / m->requests_per_s);
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

void replication_tighten(struct service_slo *tightest, const struct service_slo *s)
{
	if (!(tightest->bound > 0) || s->value / s->bound > tightest->value / tightest->bound)
		*tightest = *s;
}

/* Do all bounds of a class hold? -1 where it has none. */
static int class_holds(struct replication *p, uint32_t class_id)
{
	const struct slo *slo = ((const struct load_class *)p->load.classes.at)[class_id].slo;
	int holds = -1;

	for (int m = 0; slo && m < SLO_METRICS; m++)
		for (int s = 0; s < SLO_STATS; s++) {
			struct service_slo now = {(enum slo_metric)m, (enum slo_stat)s, 0, slo->bound[m][s]};

			if (!(now.bound > 0))
				continue;
			now.value = metrics_slo_value(p->metrics, class_id, now.metric, now.stat, p->cut_ns);
			holds = holds != 0 && now.value <= now.bound;
			replication_tighten(&p->tightest, &now);
		}
	return holds;
}

/* Within one run, by batches of requests of one class or of all (UINT32_MAX); see steady.h. */
static void take_intervals(const struct replication *p, uint32_t class_id, double *half)
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
		const size_t n = metrics_series(p->metrics, of[i].latency, class_id, p->cut_ns, &x);

		half[of[i].value] = steady_quantile(x, n, of[i].share).half;
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

static void unknown(double *of, double *half)
{
	for (int v = 0; v < SERVICE_VALUES; v++) {
		of[v] = NAN;
		half[v] = INFINITY;
	}
}

/* holds: do its bounds hold, and is the server neither overloaded nor overfull? -1: it has no bounds. */
static void measure_class(struct replication *p, uint32_t class_id, int holds)
{
	double *of = p->of_class + class_id * (size_t)SERVICE_VALUES,
	       *half = p->half_of_class + class_id * (size_t)SERVICE_VALUES;
	const struct metrics_ends e = metrics_ends_of(p->metrics, class_id);
	const uint64_t lost = e.refused + e.truncated;
	struct metrics_summary m;

	unknown(of, half);
	metrics_summarise_class(p->metrics, class_id, p->cut_ns, &m);
	service_of_requests(&m, of);
	of[SERVICE_REFUSED] = (double)lost / (double)(lost + e.done + e.unfinished);
	if (holds >= 0) {
		of[SERVICE_HOLDS] = holds && !lost;
		of[SERVICE_GOODPUT] = m.goodput_per_s;
	}
	take_intervals(p, class_id, half);
}

/* Do all bounds of all classes hold? -1 where there is none. Measures each class where they have names. */
static int measure_classes(struct replication *p, bool sound)
{
	const size_t n = p->load.classes.n * SERVICE_VALUES;
	int holds = -1;

	if (serve_has_classes(&p->load)) {
		p->of_class = xcalloc(n, sizeof *p->of_class);
		p->half_of_class = xcalloc(n, sizeof *p->half_of_class);
	}
	for (uint32_t k = 0; k < p->load.classes.n; k++) {
		const int now = class_holds(p, k);

		if (now >= 0)
			holds = holds != 0 && now;
		if (p->of_class)
			measure_class(p, k, now < 0 ? now : now && sound);
	}
	return holds;
}

static void measure(struct replication *p)
{
	const struct serve_result *r = &p->result;
	struct metrics_summary m;
	bool sound;
	int holds;

	find_cut(p);
	metrics_summarise(p->metrics, p->cut_ns, &m);
	service_of_requests(&m, p->of);
	p->of[SERVICE_BATCH] = m.batch;
	p->of[SERVICE_KV_SHARE] = m.kv_blocks / p->service->kv_blocks;
	p->of[SERVICE_STALLED] = m.stalled_share;
	p->of[SERVICE_REFUSED] = (double)(r->refused + r->truncated) / (double)r->arrived;
	judge_growth(p, &m);
	sound = !p->overloaded && !overfull(p);
	holds = measure_classes(p, sound);
	if (holds >= 0) {
		p->of[SERVICE_HOLDS] = holds && sound && !r->refused && !r->truncated;
		p->of[SERVICE_GOODPUT] = m.goodput_per_s;
	}
	take_intervals(p, UINT32_MAX, p->half);
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

int replication_run(struct service *s, const struct service_ask *ask, const struct serve *load,
		    uint64_t requests, int i, struct replication *p, struct err *err)
{
	int rc;

	*p = (struct replication){.service = s, .load = *load};
	p->load.requests = (int64_t)requests;
	unknown(p->of, p->half);
	p->books = xcalloc(s->config_n, sizeof *p->books);
	rc = (ask->verdict ? decide : simulate)(s, ask, i, p, err);
	if (rc == 0 && !p->lost)
		measure(p);
	if (p->lost)
		p->of[SERVICE_HOLDS] = 0;
	return rc;
}

void replication_release(struct replication *p)
{
	metrics_free(p->metrics);
	free(p->books);
	free(p->of_class);
	free(p->half_of_class);
	*p = (struct replication){.metrics = NULL};
}
