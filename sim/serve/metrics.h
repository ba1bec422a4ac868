/*
 * metrics.h - what a run of a server is judged by, collected as an observer of it.
 *
 * Layer serve. As vLLM's benchmark has them (vllm/benchmarks/serve.py @009e6d4, calculate_metrics), from the
 * client's side: TTFT = first token - sent; TPOT = (E2EL - TTFT) / (tokens - 1) of a request with more than
 * one token; ITL = gaps between tokens, pooled over all requests; E2EL = last token - sent; throughput over
 * the time from the first send to the last end, where theirs begins a gap earlier, when the client starts;
 * goodput = complete requests that meet every bound on a quantile of TTFT, TPOT and E2EL of their class, the
 * TPOT of a one-token answer taken as 0. Percentiles are of type 7 (sim/stats/quantile.h). Truncated answers
 * count among latencies and are counted apart; refused and unfinished ones have none.
 *
 * 56 bytes for each request that got an answer, up to METRICS_KEEP of them; beyond that percentiles come from
 * log buckets (logbuckets.h) and cover the whole run. Gaps and occupancy take constant space.
 */
#ifndef SIM_SERVE_METRICS_H
#define SIM_SERVE_METRICS_H
#include "sim/load/request.h"
#include "sim/world/serve.h"

enum { METRICS_KEEP = 1000000 };

struct metrics;

struct metrics_how {
	const struct load_class *classes; /* for their SLO; outlive the metrics */
	size_t classes_n;                 /* 0: all requests are of one */
	size_t keep;                      /* 0: METRICS_KEEP */
};

struct metrics *metrics_new(const struct metrics_how *how);
void metrics_free(struct metrics *m); /* NULL is fine */
struct observer metrics_observer(struct metrics *m);

/* A latency over requests, in seconds; NAN where there is no request. */
struct metrics_spread {
	uint64_t n;
	double mean, p50, p90, p95, p99, max;
};

enum metrics_latency {
	LATENCY_TTFT,
	LATENCY_TPOT,
	LATENCY_E2EL,
	LATENCY_QUEUE,   /* sent until first scheduled */
	LATENCY_PREFILL, /* first scheduled until first token */
	LATENCY_N
};

/* The latency of a request that an SLO bounds; LATENCY_N of gaps, which are pooled over all requests. */
extern const enum metrics_latency metrics_latency_of[SLO_METRICS];

struct metrics_summary {
	double from_s, to_s; /* the time that it is about */
	/* of requests that left in that time; refused and unfinished: of the whole run */
	uint64_t done, refused, truncated, unfinished;
	double requests_per_s, output_tok_per_s, total_tok_per_s, goodput_per_s;
	double preemptions;      /* per request */
	double recomputed_share; /* tokens read again, by prompt tokens */
	double cached_share;     /* share of prompt tokens */
	/* of requests that were sent in that time; of LATENCY_PREFILL no quantiles */
	struct metrics_spread latency[LATENCY_N];
	/* of all classes: 0 and NAN in the summary of one */
	struct metrics_spread itl;
	double stalled_share;        /* of the gaps, those above ten times their median */
	double in_system, kv_blocks; /* means over time, all replicas together */
	double batch;                /* running, mean over busy time */
};

/* From the first cell of the time line (timeline.h) at or after cut_ns; 0: all. ITL is cut where one of its
 * 16 parts begins. */
void metrics_summarise(const struct metrics *m, int64_t cut_ns, struct metrics_summary *out);
/* The same of the requests of one class, over the same time. */
void metrics_summarise_class(const struct metrics *m, uint32_t class_id, int64_t cut_ns,
			     struct metrics_summary *out);

/* What became of the requests of one class, in the whole run. */
struct metrics_ends {
	uint64_t done, refused, truncated, unfinished;
};
struct metrics_ends metrics_ends_of(const struct metrics *m, uint32_t class_id);

/* A latency of requests sent at or after cut_ns, of one class or of all (class_id UINT32_MAX), in the order
 * in which they left; seconds. Returns how many; *values are the caller's to free. Empty beyond METRICS_KEEP.
 */
size_t metrics_series(const struct metrics *m, enum metrics_latency which, uint32_t class_id, int64_t cut_ns,
		      double **values);
/* Quantiles of that series, of all classes, at shares that ascend; NAN where it is empty. */
void metrics_quantiles(const struct metrics *m, enum metrics_latency which, int64_t cut_ns,
		       const double *shares, size_t shares_n, double *out);
/* The number in the system, means over cells of equal width; the caller's to free. */
size_t metrics_in_system(const struct metrics *m, double **means, double *cell_s);

double metrics_stat(const struct metrics_spread *s, enum slo_stat stat);
/* The value that a bound of the SLO is about: NAN where nothing was measured. ITL is that of all classes. */
double metrics_slo_value(const struct metrics *m, uint32_t class_id, enum slo_metric metric,
			 enum slo_stat stat, int64_t cut_ns);

#endif
