/* metrics.c - see metrics.h. */
#include "sim/serve/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/vec.h"
#include "sim/serve/timeline.h"
#include "sim/stats/quantile.h"

enum { GAP_PARTS = 16, GAP_QUOTA = 256 };
/* From KV on, what state() tells in one go. */
enum { IN_SYSTEM, KV, BUSY, BUSY_RUNNING, CHANNELS };

struct answered {
	int64_t arrive_ns, ttft_ns, e2el_ns, queue_ns;
	uint32_t prompt, tokens, cached, recomputed;
	uint32_t preemptions;
	uint16_t class_id;
	bool truncated;
};
_Static_assert(sizeof(struct answered) <= 56, "bytes for each request");

/* Gaps of a part of the run, between two numbers of finished requests. */
struct gap_part {
	int64_t from_ns;
	struct logbuckets gaps; /* femtoseconds */
};

struct flow { /* of requests that left within a time */
	uint64_t done, truncated, good, tokens, prompts, cached, recomputed, preemptions;
};

struct of_class {
	double most_s[SLO_METRICS]; /* the least bound of each metric; INFINITY: none */
	uint64_t refused, unfinished;
	struct flow flow;                    /* of the whole run */
	struct logbuckets sketch[LATENCY_N]; /* nanoseconds, once there are more requests than are kept */
};

struct metrics {
	struct metrics_how how;
	VEC(struct answered) kept;
	bool sketched;             /* the sketches have all answered requests, not `kept` */
	struct of_class *of_class; /* one at least */
	size_t of_class_n;
	struct gap_part parts[GAP_PARTS];
	size_t part;
	uint64_t quota, in_part;
	struct timeline line;
	int64_t now_ns, first_ns, last_ns;
};

const enum metrics_latency metrics_latency_of[SLO_METRICS] = {[SLO_TTFT] = LATENCY_TTFT,
							      [SLO_TPOT] = LATENCY_TPOT,
							      [SLO_ITL] = LATENCY_N,
							      [SLO_E2EL] = LATENCY_E2EL};

/* Bounds of quantiles are those of a single request, too; one of the mean is not. */
static void take_bounds(const struct slo *slo, double most_s[SLO_METRICS])
{
	for (int k = 0; k < SLO_METRICS; k++) {
		most_s[k] = INFINITY;
		for (int s = SLO_P50; slo && s < SLO_STATS; s++)
			if (slo->bound[k][s] > 0)
				most_s[k] = fmin(most_s[k], slo->bound[k][s]);
	}
}

struct metrics *metrics_new(const struct metrics_how *how)
{
	struct metrics *m = xcalloc(1, sizeof *m);

	m->how = *how;
	m->how.keep = how->keep ? how->keep : METRICS_KEEP;
	m->of_class_n = how->classes_n ? how->classes_n : 1;
	m->of_class = xcalloc(m->of_class_n, sizeof *m->of_class);
	for (size_t k = 0; k < m->of_class_n; k++)
		take_bounds(how->classes_n ? how->classes[k].slo : NULL, m->of_class[k].most_s);
	timeline_begin(&m->line, CHANNELS);
	m->quota = GAP_QUOTA;
	m->first_ns = -1;
	return m;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	VEC_FREE(&m->kept);
	for (size_t k = 0; k < m->of_class_n; k++)
		for (size_t i = 0; i < LATENCY_N; i++)
			logbuckets_release(&m->of_class[k].sketch[i]);
	free(m->of_class);
	for (size_t i = 0; i < GAP_PARTS; i++)
		logbuckets_release(&m->parts[i].gaps);
	timeline_release(&m->line);
	free(m);
}

/* -1: the request has no such latency. */
static inline double latency_ns(const struct answered *r, enum metrics_latency which)
{
	switch (which) {
	case LATENCY_TTFT:
		return (double)r->ttft_ns;
	case LATENCY_TPOT:
		return r->tokens > 1 ? (double)(r->e2el_ns - r->ttft_ns) / (double)(r->tokens - 1) : -1;
	case LATENCY_E2EL:
		return (double)r->e2el_ns;
	case LATENCY_QUEUE:
		return (double)r->queue_ns;
	case LATENCY_PREFILL:
		return (double)(r->ttft_ns - r->queue_ns);
	case LATENCY_N:
		break;
	}
	BUG("latency %d", (int)which);
}

static struct of_class *of_class(const struct metrics *m, uint32_t class_id)
{
	return &m->of_class[class_id < m->of_class_n ? class_id : 0];
}

static bool is_good(const struct metrics *m, const struct answered *r)
{
	const double *most_s = of_class(m, r->class_id)->most_s;
	const double tpot = latency_ns(r, LATENCY_TPOT);

	return !r->truncated && (double)r->ttft_ns / 1e9 <= most_s[SLO_TTFT] &&
	       (tpot > 0 ? tpot / 1e9 : 0) <= most_s[SLO_TPOT] &&
	       (double)r->e2el_ns / 1e9 <= most_s[SLO_E2EL];
}

static void sketch_add(struct metrics *m, const struct answered *r)
{
	struct logbuckets *sketch = of_class(m, r->class_id)->sketch;

	for (int i = 0; i < LATENCY_N; i++) {
		const double ns = latency_ns(r, (enum metrics_latency)i);

		if (ns >= 0)
			logbuckets_add(&sketch[i], (int64_t)(ns + 0.5), 1);
	}
}

/* Beyond what is kept, the latencies of all go into buckets. */
static void keep(struct metrics *m, const struct answered *r)
{
	if (m->kept.n < m->how.keep) {
		VEC_ADD(&m->kept, *r);
		return;
	}
	for (size_t i = 0; i < m->kept.n && !m->sketched; i++)
		sketch_add(m, &m->kept.at[i]);
	m->sketched = true;
	sketch_add(m, r);
}

/* Twice as many requests in each part, so that the parts last. */
static void merge_parts(struct metrics *m)
{
	for (size_t i = 0; i < GAP_PARTS / 2; i++) {
		struct gap_part *a = &m->parts[2 * i], *b = &m->parts[2 * i + 1], whole = *a;

		logbuckets_merge(&whole.gaps, &b->gaps);
		logbuckets_release(&b->gaps);
		*a = (struct gap_part){0, {.n = 0}};
		m->parts[i] = whole;
	}
	m->quota *= 2;
	m->part = GAP_PARTS / 2;
}

static void next_part(struct metrics *m)
{
	if (++m->in_part < m->quota)
		return;
	m->in_part = 0;
	if (++m->part == GAP_PARTS)
		merge_parts(m);
	m->parts[m->part].from_ns = m->now_ns;
}

static void add_flow(struct flow *f, const struct metrics *m, const struct answered *r)
{
	f->done += !r->truncated;
	f->truncated += r->truncated;
	f->good += is_good(m, r);
	f->tokens += r->tokens;
	f->prompts += r->prompt;
	f->cached += r->cached;
	f->recomputed += r->recomputed;
	f->preemptions += r->preemptions;
}

static void add_answered(struct metrics *m, const struct request *r, const struct request_times *t)
{
	const struct answered a = {.arrive_ns = r->arrive_ns,
				   .ttft_ns = t->first_ns - r->arrive_ns,
				   .e2el_ns = t->last_ns - r->arrive_ns,
				   .queue_ns = t->admitted_ns - r->arrive_ns,
				   .prompt = (uint32_t)r->prompt,
				   .tokens = (uint32_t)t->tokens,
				   .cached = (uint32_t)t->cached,
				   .recomputed = (uint32_t)t->recomputed,
				   .preemptions = t->preemptions,
				   .class_id = (uint16_t)r->class_id,
				   .truncated = t->end == REQUEST_TRUNCATED};

	add_flow(&of_class(m, r->class_id)->flow, m, &a);
	keep(m, &a);
	next_part(m);
}

static void ended(void *self, const struct request *r, const struct request_times *t)
{
	struct metrics *m = self;
	struct of_class *c = of_class(m, r->class_id);

	c->refused += t->end == REQUEST_REFUSED;
	c->unfinished += t->end == REQUEST_UNFINISHED;
	m->now_ns = t->end_ns > m->now_ns ? t->end_ns : m->now_ns;
	m->first_ns = m->first_ns < 0 || r->arrive_ns < m->first_ns ? r->arrive_ns : m->first_ns;
	m->last_ns = t->end_ns > m->last_ns ? t->end_ns : m->last_ns;
	timeline_step(&m->line, IN_SYSTEM, r->arrive_ns, 1);
	timeline_step(&m->line, IN_SYSTEM, t->end_ns, -1);
	if (t->tokens > 0 && (t->end == REQUEST_DONE || t->end == REQUEST_TRUNCATED))
		add_answered(m, r, t);
}

static void add_gaps(struct gap_part *part, int64_t first_fs, int64_t slope_fs, int64_t n, int64_t weight)
{
	if (n == 1)
		logbuckets_add(&part->gaps, first_fs, (uint64_t)weight);
	else
		logbuckets_add_progression(&part->gaps, first_fs, slope_fs, n, weight);
}

/* A gap is of the part in which it ends, its beginning left out: whenever it is told, and with however many others. */
static bool ends_within(const struct gap_part *part, struct clock end)
{
	return clock_stamp(end) > part->from_ns;
}

/* Some ended before the latest part began. */
static void add_late_gaps(struct metrics *m, struct clock end, int64_t first_fs, int64_t slope_fs, int64_t n,
			  int64_t weight)
{
	for (size_t part = 0; n > 0;) {
		int64_t here = n;

		while (part < m->part && ends_within(&m->parts[part + 1], end))
			part++;
		if (part < m->part && n > 1)
			here = 1 + span_holds(first_fs + slope_fs, slope_fs,
					      clock_since((struct clock){m->parts[part + 1].from_ns, 0}, end),
					      n - 1);
		add_gaps(&m->parts[part], first_fs, slope_fs, here, weight);
		end = clock_after(end, span_of(first_fs + slope_fs, slope_fs, here));
		first_fs += here * slope_fs;
		n -= here;
	}
}

static void gaps(void *self, struct clock end, int64_t first_fs, int64_t slope_fs, int64_t n, int64_t weight)
{
	struct metrics *m = self;

	if (!m->part || ends_within(&m->parts[m->part], end))
		add_gaps(&m->parts[m->part], first_fs, slope_fs, n, weight);
	else
		add_late_gaps(m, end, first_fs, slope_fs, n, weight);
}

static void state(void *self, uint32_t replica, int64_t from_ns, int64_t to_ns, int64_t waiting,
		  int64_t running, int64_t kv_blocks, int64_t kv_block_ns, bool busy)
{
	struct metrics *m = self;
	const int64_t span = to_ns - from_ns, kv = span > 0 ? kv_block_ns / span : 0,
		      values[] = {kv, busy, busy ? running : 0};

	(void)replica;
	(void)waiting;
	(void)kv_blocks; /* those at from_ns: the integral says more */
	if (span <= 0)
		return;
	m->now_ns = to_ns > m->now_ns ? to_ns : m->now_ns;
	timeline_hold(&m->line, KV, ARRAY_LEN(values), from_ns, to_ns, values);
	timeline_add(&m->line, KV, to_ns, kv_block_ns - kv * span);
}

struct observer metrics_observer(struct metrics *m)
{
	return (struct observer){.ended = ended, .gaps = gaps, .state = state, .self = m};
}

/* Inlined for each latency, so that the loop does not choose anew for each request. */
static inline size_t series(const struct metrics *m, enum metrics_latency which, uint32_t class_id,
			    int64_t cut_ns, double *values)
{
	size_t n = 0;

	for (size_t i = 0; i < m->kept.n; i++) {
		const struct answered *r = &m->kept.at[i];
		const double ns = latency_ns(r, which);

		if (r->arrive_ns >= cut_ns && ns >= 0 && (class_id == UINT32_MAX || r->class_id == class_id))
			values[n++] = ns / 1e9;
	}
	return n;
}

size_t metrics_series(const struct metrics *m, enum metrics_latency which, uint32_t class_id, int64_t cut_ns,
		      double **values)
{
	*values = xmalloc((m->kept.n ? m->kept.n : 1) * sizeof **values);
	if (m->sketched)
		return 0;
	switch (which) {
	case LATENCY_TTFT:
		return series(m, LATENCY_TTFT, class_id, cut_ns, *values);
	case LATENCY_TPOT:
		return series(m, LATENCY_TPOT, class_id, cut_ns, *values);
	case LATENCY_E2EL:
		return series(m, LATENCY_E2EL, class_id, cut_ns, *values);
	case LATENCY_QUEUE:
		return series(m, LATENCY_QUEUE, class_id, cut_ns, *values);
	case LATENCY_PREFILL:
		return series(m, LATENCY_PREFILL, class_id, cut_ns, *values);
	case LATENCY_N:
		break;
	}
	BUG("latency %d", (int)which);
}

void metrics_quantiles(const struct metrics *m, enum metrics_latency which, int64_t cut_ns,
		       const double *shares, size_t shares_n, double *out)
{
	double *x;
	const size_t n = metrics_series(m, which, UINT32_MAX, cut_ns, &x);

	for (size_t i = 0; i < shares_n && !n; i++)
		out[i] = NAN;
	if (n)
		quantile_several(x, n, shares, shares_n, out);
	free(x);
}

size_t metrics_in_system(const struct metrics *m, double **means, double *cell_s)
{
	const size_t n = timeline_cells(&m->line);

	*means = xmalloc((n ? n : 1) * sizeof **means);
	timeline_means(&m->line, IN_SYSTEM, n, *means);
	*cell_s = (double)m->line.width_ns / 1e9;
	return n;
}

/* Quantiles of buckets in units of `unit` seconds. */
static struct metrics_spread spread_of_buckets(const struct logbuckets *b, double unit)
{
	struct metrics_spread s = {.n = b->n};

	s.mean = logbuckets_mean(b) * unit;
	s.p50 = logbuckets_quantile(b, 0.50) * unit;
	s.p90 = logbuckets_quantile(b, 0.90) * unit;
	s.p95 = logbuckets_quantile(b, 0.95) * unit;
	s.p99 = logbuckets_quantile(b, 0.99) * unit;
	s.max = b->n ? (double)b->max * unit : NAN;
	return s;
}

static void add_quantiles(double *x, size_t n, struct metrics_spread *s)
{
	static const double shares[] = {0.50, 0.90, 0.95, 0.99};
	double at[ARRAY_LEN(shares)];

	quantile_several(x, n, shares, ARRAY_LEN(shares), at);
	s->p50 = at[0];
	s->p90 = at[1];
	s->p95 = at[2];
	s->p99 = at[3];
}

static struct metrics_spread spread_of(const double *x, size_t n)
{
	struct metrics_spread s = {n, NAN, NAN, NAN, NAN, NAN, NAN};
	double sum = 0;

	if (!n)
		return s;
	s.max = x[0];
	for (size_t i = 0; i < n; i++) {
		sum += x[i];
		s.max = x[i] > s.max ? x[i] : s.max;
	}
	s.mean = sum / (double)n;
	return s;
}

/* Of one class, or of all (UINT32_MAX). */
static struct metrics_spread sketch_spread(const struct metrics *m, enum metrics_latency which,
					   uint32_t class_id)
{
	struct logbuckets pool = {.n = 0};
	struct metrics_spread s;

	for (uint32_t k = 0; k < m->of_class_n; k++)
		if (class_id == UINT32_MAX || class_id == k)
			logbuckets_merge(&pool, &m->of_class[k].sketch[which]);
	s = spread_of_buckets(&pool, 1e-9);
	logbuckets_release(&pool);
	return s;
}

static struct metrics_spread latency_spread(const struct metrics *m, enum metrics_latency which,
					    uint32_t class_id, int64_t cut_ns)
{
	struct metrics_spread s;
	double *x;
	size_t n;

	if (m->sketched)
		return sketch_spread(m, which, class_id);
	n = metrics_series(m, which, class_id, cut_ns, &x);
	s = spread_of(x, n);
	if (n && which != LATENCY_PREFILL)
		add_quantiles(x, n, &s);
	free(x);
	return s;
}

/* The parts that begin at or after the cut, the last of them in any case. */
static void pool_gaps(const struct metrics *m, int64_t cut_ns, struct logbuckets *pool)
{
	*pool = (struct logbuckets){.n = 0};
	for (size_t i = 0; i <= m->part; i++)
		if (m->parts[i].from_ns >= cut_ns || i == m->part)
			logbuckets_merge(pool, &m->parts[i].gaps);
}

static struct flow flow_sum(struct flow a, const struct flow *b)
{
	a.done += b->done;
	a.truncated += b->truncated;
	a.good += b->good;
	a.tokens += b->tokens;
	a.prompts += b->prompts;
	a.cached += b->cached;
	a.recomputed += b->recomputed;
	a.preemptions += b->preemptions;
	return a;
}

/* Of one class, or of all (UINT32_MAX). */
static struct flow flow_from(const struct metrics *m, uint32_t class_id, int64_t cut_ns)
{
	struct flow f = {0};

	for (uint32_t k = 0; k < m->of_class_n && (cut_ns <= 0 || m->sketched); k++)
		if (class_id == UINT32_MAX || class_id == k)
			f = flow_sum(f, &m->of_class[k].flow);
	for (size_t i = 0; i < m->kept.n && cut_ns > 0 && !m->sketched; i++) {
		const struct answered *r = &m->kept.at[i];

		if (r->arrive_ns + r->e2el_ns >= cut_ns &&
		    (class_id == UINT32_MAX || class_id == r->class_id))
			add_flow(&f, m, r);
	}
	return f;
}

static void summarise_time(const struct metrics *m, int64_t cut_ns, struct metrics_summary *out)
{
	const struct timeline *l = &m->line;
	const double ns = (double)(l->end_ns - timeline_edge(l, cut_ns));

	out->in_system = timeline_integral(l, IN_SYSTEM, cut_ns) / ns;
	out->kv_blocks = timeline_integral(l, KV, cut_ns) / ns;
	out->batch = timeline_integral(l, BUSY_RUNNING, cut_ns) / timeline_integral(l, BUSY, cut_ns);
}

static int64_t edge_of(const struct metrics *m, int64_t cut_ns)
{
	return cut_ns > 0 ? timeline_edge(&m->line, cut_ns) : 0;
}

static void summarise_requests(const struct metrics *m, uint32_t class_id, int64_t edge,
			       struct metrics_summary *out)
{
	const int64_t from = edge > 0 ? edge : m->first_ns > 0 ? m->first_ns : 0;
	const struct flow f = flow_from(m, class_id, edge);
	const double s = (double)(m->last_ns - from) / 1e9, answered = (double)(f.done + f.truncated);

	out->from_s = (double)from / 1e9;
	out->to_s = (double)m->last_ns / 1e9;
	out->done = f.done;
	out->truncated = f.truncated;
	for (uint32_t k = 0; k < m->of_class_n; k++)
		if (class_id == UINT32_MAX || class_id == k) {
			out->refused += m->of_class[k].refused;
			out->unfinished += m->of_class[k].unfinished;
		}
	out->requests_per_s = answered / s;
	out->output_tok_per_s = (double)f.tokens / s;
	out->total_tok_per_s = (double)(f.tokens + f.prompts) / s;
	out->goodput_per_s = (double)f.good / s;
	out->preemptions = (double)f.preemptions / answered;
	out->recomputed_share = (double)f.recomputed / (double)f.prompts;
	out->cached_share = (double)f.cached / (double)f.prompts;
	for (int i = 0; i < LATENCY_N; i++)
		out->latency[i] = latency_spread(m, (enum metrics_latency)i, class_id, edge);
}

struct metrics_ends metrics_ends_of(const struct metrics *m, uint32_t class_id)
{
	const struct of_class *c = of_class(m, class_id);

	return (struct metrics_ends){c->flow.done, c->refused, c->flow.truncated, c->unfinished};
}

void metrics_summarise_class(const struct metrics *m, uint32_t class_id, int64_t cut_ns,
			     struct metrics_summary *out)
{
	*out = (struct metrics_summary){.itl = spread_of(NULL, 0),
					.stalled_share = NAN,
					.in_system = NAN,
					.kv_blocks = NAN,
					.batch = NAN};
	summarise_requests(m, class_id, edge_of(m, cut_ns), out);
}

void metrics_summarise(const struct metrics *m, int64_t cut_ns, struct metrics_summary *out)
{
	const int64_t edge = edge_of(m, cut_ns);
	struct logbuckets pool;

	*out = (struct metrics_summary){.done = 0};
	summarise_requests(m, UINT32_MAX, edge, out);
	pool_gaps(m, edge, &pool);
	out->itl = spread_of_buckets(&pool, 1e-15);
	out->stalled_share = logbuckets_above(&pool, 10 * logbuckets_quantile(&pool, 0.5)) / (double)pool.n;
	logbuckets_release(&pool);
	summarise_time(m, edge, out);
}

double metrics_stat(const struct metrics_spread *s, enum slo_stat stat)
{
	const double of[SLO_STATS] = {s->mean, s->p50, s->p90, s->p95, s->p99};

	return of[stat];
}

double metrics_slo_value(const struct metrics *m, uint32_t class_id, enum slo_metric metric,
			 enum slo_stat stat, int64_t cut_ns)
{
	const int64_t edge = edge_of(m, cut_ns);
	struct metrics_spread s;
	struct logbuckets pool;

	if (metric == SLO_ITL) {
		pool_gaps(m, edge, &pool);
		s = spread_of_buckets(&pool, 1e-15);
		logbuckets_release(&pool);
	} else {
		s = latency_spread(m, metrics_latency_of[metric], class_id, edge);
	}
	return metrics_stat(&s, stat);
}
