/*
 * steady.h - what a simulated run says of the long run, and how sure it is.
 *
 * Layer stats. The beginning is cut by MSER-5; means and quantiles have 95 % intervals by batch means; a run
 * is long enough when each bounded metric is precise or decided; a queue that grows is said to grow.
 */
#ifndef SIM_STATS_STEADY_H
#define SIM_STATS_STEADY_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STEADY_BATCHES = 20, STEADY_REQUESTS = 1000000 };

struct steady_cut {
	size_t cut;  /* observations to leave out at the beginning */
	bool enough; /* false: the best cut lies beyond the middle, the run is to be doubled */
};

/* MSER-5 of equally spaced observations (White, Cobb & Spratt, "A comparison of five steady-state truncation
 * heuristics for simulation", WSC 2000): means of 5, and of all cuts d the one with the least squared
 * standard error of what is left, sum of (x - mean)^2 / (n - d)^2. Searched up to three quarters, since few
 * numbers may be alike by chance; at least a tenth is cut, and no more than half. */
struct steady_cut steady_mser5(const double *x, size_t n);

struct steady_value {
	double value,
		half; /* the 95 % interval is value - half .. value + half; INFINITY where n is too small */
	size_t batches;
	double lag1;      /* correlation of neighbouring batches */
	bool independent; /* lag1 < 0.1 with that many batches, which are STEADY_BATCHES at least */
};

/* Of a series in order of time. 160, 80, 40 or 20 batches, the first of them whose neighbours are
 * uncorrelated; what does not fill a batch is left out at the beginning. */
struct steady_value steady_mean(const double *x, size_t n);
/* Its quantile (type 7); each batch has 20 / (1 - share) numbers at least. */
struct steady_value steady_quantile(const double *x, size_t n, double share);

/* Differences of two series pairwise, from runs under common random numbers: replications, or batch by batch. */
struct steady_value steady_paired(const double *a, const double *b, size_t n);

struct steady_bound { /* a metric that an SLO bounds */
	struct steady_value value;
	double bound; /* NAN: none, it is to be precise alone */
};

enum steady_stop {
	STEADY_GO_ON,
	STEADY_SURE, /* each half-width is below 5 % of the value, or its interval lies on one side of the
			bound */
	STEADY_LIMIT /* STEADY_REQUESTS were simulated */
};
enum steady_stop steady_stop(const struct steady_bound *b, size_t n, uint64_t requests);

enum steady_trend { TREND_STABLE, TREND_OVERLOADED, TREND_UNDECIDED };

struct steady_growth {
	double per_s, half; /* growth of the number in the system: a 95 % interval */
	enum steady_trend trend;
};

/* From means of the number in the system over equal cells, the second half of which is looked at: the slope
 * by least squares over 20 batches, its error widened for the correlation of what is left (Wilks,
 * "Statistical Methods in the Atmospheric Sciences", 5.2.4). offered: work that comes in a second over a bound on what can be
 * done, which may be too kind; NAN where not known. rate: how many come in a second. Overloaded: offered > 1 and it grows or
 * that cannot be told, or it grows by half its mean at least and, where offered is known, by more than chance would have it. */
struct steady_growth steady_growth(const double *in_system, size_t n, double cell_s, double offered,
				   double rate);

#endif
