/* metrics.c - see metrics.h. */
#include "sim/serve/metrics.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/vec.h"
#include "sim/serve/timeline.h"
#include "sim/stats/quantile.h"

enum { GAP_PARTS = 16, GAP_QUOTA = 256 };
/* POWER in microwatts; from WAITING on, what state() tells in one go. */
enum { IN_SYSTEM, WAITING, RUNNING, KV, BUSY, BUSY_RUNNING, POWER, CHANNELS };

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

struct metrics {
	struct metrics_how how;
	int64_t (*power_uW)[2]; /* idle and busy power of each replica */
	bool power_known;
	VEC(struct answered) kept;
	struct logbuckets sketch[LATENCY_N]; /* nanoseconds, of all, once there are more than are kept */
	struct gap_part parts[GAP_PARTS];
	size_t part;
	uint64_t quota, in_part;
	struct timeline line;
	int64_t now_ns, first_ns, last_ns;
	uint64_t ends[REQUEST_UNFINISHED + 1], good;
	uint64_t tokens, prompts, cached, recomputed, preemptions; /* sums over all answered requests */
};

const enum metrics_latency metrics_latency_of[SLO_METRICS] = {[SLO_TTFT] = LATENCY_TTFT,
							      [SLO_TPOT] = LATENCY_TPOT,
							      [SLO_ITL] = LATENCY_N,
							      [SLO_E2EL] = LATENCY_E2EL};

struct metrics *metrics_new(const struct metrics_how *how)
{
	struct metrics *m = xcalloc(1, sizeof *m);

	m->how = *how;
	m->how.keep = how->keep ? how->keep : METRICS_KEEP;
	m->power_uW = xcalloc(how->replicas_n ? how->replicas_n : 1, sizeof *m->power_uW);
	m->power_known = how->replicas_n > 0;
	for (size_t i = 0; i < how->replicas_n; i++)
		m->power_known &= isfinite(how->replicas[i].busy_W) && isfinite(how->replicas[i].idle_W);
	for (size_t i = 0; i < how->replicas_n && m->power_known; i++) {
		m->power_uW[i][0] = (int64_t)(how->replicas[i].idle_W * 1e6 + 0.5);
		m->power_uW[i][1] = (int64_t)(how->replicas[i].busy_W * 1e6 + 0.5);
	}
	timeline_begin(&m->line, CHANNELS);
	m->quota = GAP_QUOTA;
	m->first_ns = -1;
	return m;
}

void metrics_free(struct metrics *m)
{
	if (!m)
		return;
	free(m->power_uW);
	VEC_FREE(&m->kept);
	for (size_t i = 0; i < LATENCY_N; i++)
		logbuckets_release(&m->sketch[i]);
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

static bool meets(const struct slo *slo, enum slo_metric metric, double seconds)
{
	bool fine = true;

	for (int s = SLO_P50; s < SLO_STATS; s++)
		fine &= !(slo->bound[metric][s] > 0) || seconds <= slo->bound[metric][s];
	return fine;
}

static bool is_good(const struct metrics *m, const struct answered *r)
{
	const struct slo *slo = r->class_id < m->how.classes_n ? m->how.classes[r->class_id].slo : NULL;
	const double tpot = latency_ns(r, LATENCY_TPOT);

	if (r->truncated)
		return false;
	return !slo || (meets(slo, SLO_TTFT, (double)r->ttft_ns / 1e9) &&
			meets(slo, SLO_TPOT, tpot > 0 ? tpot / 1e9 : 0) &&
			meets(slo, SLO_E2EL, (double)r->e2el_ns / 1e9));
}

static void sketch_add(struct metrics *m, const struct answered *r)
{
	for (int i = 0; i < LATENCY_N; i++) {
		const double ns = latency_ns(r, (enum metrics_latency)i);

		if (ns >= 0)
			logbuckets_add(&m->sketch[i], (int64_t)(ns + 0.5), 1);
	}
}

/* Beyond what is kept, the latencies of all go into buckets. */
static void keep(struct metrics *m, const struct answered *r)
{
	if (m->kept.n < m->how.keep) {
		VEC_ADD(&m->kept, *r);
		return;
	}
	if (!m->sketch[LATENCY_TTFT].n)
		for (size_t i = 0; i < m->kept.n; i++)
			sketch_add(m, &m->kept.at[i]);
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

	m->tokens += (uint64_t)t->tokens;
	m->prompts += (uint64_t)r->prompt;
	m->cached += (uint64_t)t->cached;
	m->recomputed += (uint64_t)t->recomputed;
	m->preemptions += t->preemptions;
	m->good += is_good(m, &a);
	keep(m, &a);
	next_part(m);
}

static void ended(void *self, const struct request *r, const struct request_times *t)
{
	struct metrics *m = self;

	m->ends[t->end]++;
	m->now_ns = t->end_ns > m->now_ns ? t->end_ns : m->now_ns;
	m->first_ns = m->first_ns < 0 || r->arrive_ns < m->first_ns ? r->arrive_ns : m->first_ns;
	m->last_ns = t->end_ns > m->last_ns ? t->end_ns : m->last_ns;
	timeline_step(&m->line, IN_SYSTEM, r->arrive_ns, 1);
	timeline_step(&m->line, IN_SYSTEM, t->end_ns, -1);
	if (t->tokens > 0 && (t->end == REQUEST_DONE || t->end == REQUEST_TRUNCATED))
		add_answered(m, r, t);
}

static void gaps(void *self, int64_t first_fs, int64_t slope_fs, int64_t n, int64_t weight)
{
	struct metrics *m = self;

	if (n == 1)
		logbuckets_add(&m->parts[m->part].gaps, first_fs, (uint64_t)weight);
	else
		logbuckets_add_progression(&m->parts[m->part].gaps, first_fs, slope_fs, n, weight);
}

static void state(void *self, uint32_t replica, int64_t from_ns, int64_t to_ns, int64_t waiting,
		  int64_t running, int64_t kv_blocks, int64_t kv_block_ns, bool busy)
{
	struct metrics *m = self;
	const int64_t span = to_ns - from_ns, kv = span > 0 ? kv_block_ns / span : 0,
		      values[] = {waiting,
				  running,
				  kv,
				  busy,
				  busy ? running : 0,
				  replica < m->how.replicas_n ? m->power_uW[replica][busy] : 0};

	(void)kv_blocks; /* those at from_ns: the integral says more */
	if (span <= 0)
		return;
	m->now_ns = to_ns > m->now_ns ? to_ns : m->now_ns;
	timeline_hold(&m->line, WAITING, ARRAY_LEN(values), from_ns, to_ns, values);
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
	if (m->sketch[LATENCY_TTFT].n)
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

static struct metrics_spread latency_spread(const struct metrics *m, enum metrics_latency which,
					    uint32_t class_id, int64_t cut_ns)
{
	struct metrics_spread s;
	double *x;
	size_t n;

	if (m->sketch[LATENCY_TTFT].n)
		return spread_of_buckets(&m->sketch[which], 1e-9);
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

struct flow { /* of those that left within the time */
	uint64_t done, truncated, good, tokens, prompts, cached, recomputed, preemptions;
};

static struct flow flow_from(const struct metrics *m, int64_t cut_ns)
{
	struct flow f = {m->ends[REQUEST_DONE],
			 m->ends[REQUEST_TRUNCATED],
			 m->good,
			 m->tokens,
			 m->prompts,
			 m->cached,
			 m->recomputed,
			 m->preemptions};

	if (cut_ns <= 0 || m->sketch[LATENCY_TTFT].n)
		return f;
	f = (struct flow){0};
	for (size_t i = 0; i < m->kept.n; i++) {
		const struct answered *r = &m->kept.at[i];

		if (r->arrive_ns + r->e2el_ns < cut_ns)
			continue;
		f.done += !r->truncated;
		f.truncated += r->truncated;
		f.good += is_good(m, r);
		f.tokens += r->tokens;
		f.prompts += r->prompt;
		f.cached += r->cached;
		f.recomputed += r->recomputed;
		f.preemptions += r->preemptions;
	}
	return f;
}

static void summarise_time(const struct metrics *m, int64_t cut_ns, uint64_t tokens,
			   struct metrics_summary *out)
{
	const struct timeline *l = &m->line;
	const double ns = (double)(l->end_ns - timeline_edge(l, cut_ns)),
		     busy = timeline_integral(l, BUSY, cut_ns);

	out->in_system = timeline_integral(l, IN_SYSTEM, cut_ns) / ns;
	out->waiting = timeline_integral(l, WAITING, cut_ns) / ns;
	out->running = timeline_integral(l, RUNNING, cut_ns) / ns;
	out->kv_blocks = timeline_integral(l, KV, cut_ns) / ns;
	out->busy_share = busy / ns / (double)(m->how.replicas_n ? m->how.replicas_n : 1);
	out->batch = timeline_integral(l, BUSY_RUNNING, cut_ns) / busy;
	out->energy_J = m->power_known ? timeline_integral(l, POWER, cut_ns) * 1e-15 : NAN;
	out->J_per_tok = out->energy_J / (double)tokens;
}

void metrics_summarise(const struct metrics *m, int64_t cut_ns, struct metrics_summary *out)
{
	const int64_t edge = cut_ns > 0 ? timeline_edge(&m->line, cut_ns) : 0, from = edge > 0 ? edge
										      : m->first_ns > 0
											      ? m->first_ns
											      : 0;
	const struct flow f = flow_from(m, edge);
	const double s = (double)(m->last_ns - from) / 1e9;
	const uint64_t answered = f.done + f.truncated;
	struct logbuckets pool;

	*out = (struct metrics_summary){.from_s = (double)from / 1e9, .to_s = (double)m->last_ns / 1e9};
	out->done = f.done;
	out->truncated = f.truncated;
	out->refused = m->ends[REQUEST_REFUSED];
	out->unfinished = m->ends[REQUEST_UNFINISHED];
	out->requests_per_s = (double)answered / s;
	out->output_tok_per_s = (double)f.tokens / s;
	out->total_tok_per_s = (double)(f.tokens + f.prompts) / s;
	out->goodput_per_s = (double)f.good / s;
	for (int i = 0; i < LATENCY_N; i++)
		out->latency[i] = latency_spread(m, (enum metrics_latency)i, UINT32_MAX, edge);
	pool_gaps(m, edge, &pool);
	out->itl = spread_of_buckets(&pool, 1e-15);
	out->stalls = logbuckets_above(&pool, 10 * logbuckets_quantile(&pool, 0.5));
	logbuckets_release(&pool);
	out->preemptions = (double)f.preemptions / (double)answered;
	out->recomputed = f.recomputed;
	out->cached_share = (double)f.cached / (double)f.prompts;
	summarise_time(m, edge, f.tokens, out);
}

double metrics_stat(const struct metrics_spread *s, enum slo_stat stat)
{
	const double of[SLO_STATS] = {s->mean, s->p50, s->p90, s->p95, s->p99};

	return of[stat];
}

double metrics_slo_value(const struct metrics *m, uint32_t class_id, enum slo_metric metric,
			 enum slo_stat stat, int64_t cut_ns)
{
	const int64_t edge = cut_ns > 0 ? timeline_edge(&m->line, cut_ns) : 0;
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
