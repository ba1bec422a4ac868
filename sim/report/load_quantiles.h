/*
 * load_quantiles.h - the distribution of latencies under a load, as curves over the share of requests.
 *
 * Layer report.
 */
#ifndef SIM_REPORT_LOAD_QUANTILES_H
#define SIM_REPORT_LOAD_QUANTILES_H
#include "sim/base/err.h"
#include "sim/draw/curves.h"
#include "sim/predict/serve_job.h"

/* In the arena: a panel each for TTFT, TPOT and E2EL, in each a curve for each assignment that fits: the latency that
 * a share of requests does not exceed (a distribution function with its axes exchanged), with the bound of the SLO's
 * highest quantile. One run as calibrated, the first replication, cut as the table cuts it. ask->observer is not read.
 * 0, or -1 with err. */
int load_quantiles(struct arena *a, const struct placement *all, const struct serve_watch *ask,
		   struct curves *out, struct err *err);

#endif
