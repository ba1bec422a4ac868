/* judge.c - see judge.h. */
#include "sim/serve/judge.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/load/arrivals.h"
#include "sim/serve/metrics.h"

struct tally {      /* of one class */
	uint64_t n; /* requests of the whole load; 0: not known */
	uint64_t missed[SLO_METRICS][SLO_STATS];
};

struct judge {
	const struct load_class *classes;
	struct tally *tally;
	int64_t from_ns; /* requests sent from then on are judged */
	bool all;        /* every request has to miss */
	bool certain;
	struct judge_miss miss;
	volatile int stop;
};

static bool has_turns(const struct serve *load)
{
	const struct load_class *c = load->classes.at;
	bool turns = false;

	for (size_t i = 0; i < load->classes.n; i++)
		turns |= c[i].prefix && c[i].prefix->turns > 1;
	return turns;
}

/* Arrivals that do not wait for answers are known before the run. */
static int read_through(struct judge *j, const struct serve *load, uint64_t seed, int replication,
			struct err *err)
{
	struct arrivals *a = arrivals_new(load, seed, replication, err);
	struct request_source source;
	struct request r;
	int64_t last_ns = 0;
	int rc;

	if (!a)
		return -1;
	source = arrivals_source(a);
	while (source.next(source.self, INT64_MAX, &r)) {
		const struct request_times t = {.end_ns = r.arrive_ns, .last_ns = r.arrive_ns, .tokens = 1};

		j->tally[r.class_id].n++;
		last_ns = r.arrive_ns;
		source.ended(source.self, &r, &t);
	}
	/* The cut is a cell of the time line late at most, and 2048 cells or more cover the run with its
	 * draining: a twentieth is enough unless that takes a hundred times as long as the arrivals. */
	if (load->measure == MEASURE_STEADY)
		j->from_ns = last_ns / 2 + last_ns / 20;
	rc = arrivals_error(a, err);
	arrivals_free(a);
	return rc;
}

static bool comes_by_itself(const struct serve *load)
{
	const int kind = load->arrivals.kind;

	return (kind == ARRIVALS_RATE || kind == ARRIVALS_EVERY || kind == ARRIVALS_TRACE ||
		kind == ARRIVALS_ALL_AT) &&
	       !has_turns(load) && !load->max_in_flight;
}

struct judge *judge_new(const struct serve *load, uint64_t seed, int replication, struct err *err)
{
	struct judge *j = xcalloc(1, sizeof *j);

	j->classes = load->classes.at;
	j->tally = xcalloc(load->classes.n, sizeof *j->tally);
	if (comes_by_itself(load)) {
		if (read_through(j, load, seed, replication, err) == 0)
			return j;
		judge_free(j);
		return NULL;
	}
	j->all = load->measure == MEASURE_STEADY;
	if (load->classes.n == 1 && load->requests > 0)
		j->tally->n = (uint64_t)load->requests;
	return j;
}

void judge_free(struct judge *j)
{
	if (j)
		free(j->tally);
	free(j);
}

/* So many of n values above a bound put the quantile above it. */
static uint64_t too_many(uint64_t n, double share)
{
	return n - (uint64_t)floor((double)(n - 1) * share);
}

static void miss(struct judge *j, struct judge_miss m)
{
	if (!j->certain)
		j->miss = m;
	j->certain = true;
	j->stop = 1;
}

/* Percentiles beyond METRICS_KEEP requests come from buckets that round: nothing is certain of them. */
static void count(struct judge *j, uint32_t class_id, enum slo_metric metric, double value)
{
	struct tally *t = &j->tally[class_id];
	const struct slo *slo = j->classes[class_id].slo;

	if (!t->n || t->n > METRICS_KEEP || !slo || isnan(value))
		return;
	for (int s = SLO_P50; s < SLO_STATS; s++) {
		const double bound = slo->bound[metric][s];

		if (!(bound > 0) || value <= bound)
			continue;
		if (++t->missed[metric][s] >= (j->all ? t->n : too_many(t->n, slo_shares[s])))
			miss(j, (struct judge_miss){metric, (enum slo_stat)s, bound, class_id, false});
	}
}

void judge_add(struct judge *j, const struct request *r, const struct judged *at)
{
	if (r->arrive_ns < j->from_ns)
		return;
	count(j, r->class_id, SLO_TTFT, at->ttft);
	count(j, r->class_id, SLO_TPOT, at->tpot);
	count(j, r->class_id, SLO_E2EL, at->e2el);
}

static void ended(void *self, const struct request *r, const struct request_times *t)
{
	const struct judged at = {
		(double)(t->first_ns - r->arrive_ns) / 1e9,
		t->tokens > 1 ? (double)(t->last_ns - t->first_ns) / (double)(t->tokens - 1) / 1e9 : NAN,
		(double)(t->last_ns - r->arrive_ns) / 1e9};

	if (t->end == REQUEST_REFUSED || t->end == REQUEST_TRUNCATED)
		miss(self, (struct judge_miss){.unserved = true});
	else if (t->end == REQUEST_DONE && t->tokens > 0)
		judge_add(self, r, &at);
}

static void no_gaps(void *self, struct clock end, int64_t first_fs, int64_t slope_fs, int64_t n,
		    int64_t weight)
{
	(void)self, (void)end, (void)first_fs, (void)slope_fs, (void)n, (void)weight;
}

static void no_state(void *self, uint32_t replica, int64_t from_ns, int64_t to_ns, int64_t waiting,
		     int64_t running, int64_t kv_blocks, int64_t kv_block_ns, bool busy)
{
	(void)self, (void)replica, (void)from_ns, (void)to_ns, (void)waiting, (void)running, (void)kv_blocks,
		(void)kv_block_ns, (void)busy;
}

struct observer judge_observer(struct judge *j)
{
	return (struct observer){.ended = ended, .gaps = no_gaps, .state = no_state, .self = j};
}

const volatile int *judge_stop(const struct judge *j)
{
	return &j->stop;
}

bool judge_missed(const struct judge *j, struct judge_miss *out)
{
	if (j->certain)
		*out = j->miss;
	return j->certain;
}
