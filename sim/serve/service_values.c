/* service_values.c - which number of a service is which latency's; see service.h. */
#include "sim/base/err.h"
#include "sim/serve/service_parts.h"

/* The values that an SLO may bound. */
static const struct {
	enum slo_metric metric;
	enum slo_stat stat;
	enum service_value value;
} bounded[] = {{SLO_TTFT, SLO_P50, SERVICE_TTFT_P50}, {SLO_TTFT, SLO_P95, SERVICE_TTFT_P95},
	       {SLO_TTFT, SLO_P99, SERVICE_TTFT_P99}, {SLO_TTFT, SLO_MEAN, SERVICE_TTFT_MEAN},
	       {SLO_TPOT, SLO_P50, SERVICE_TPOT_P50}, {SLO_TPOT, SLO_P95, SERVICE_TPOT_P95},
	       {SLO_ITL, SLO_P95, SERVICE_ITL_P95},   {SLO_ITL, SLO_P99, SERVICE_ITL_P99},
	       {SLO_E2EL, SLO_P95, SERVICE_E2EL_P95}};

enum service_value service_value_of(enum slo_metric metric, enum slo_stat stat)
{
	for (size_t i = 0; i < ARRAY_LEN(bounded); i++)
		if (bounded[i].metric == metric && bounded[i].stat == stat)
			return bounded[i].value;
	return SERVICE_VALUES;
}

void service_of_requests(const struct metrics_summary *m, double *of)
{
	const struct metrics_spread *ttft = &m->latency[LATENCY_TTFT], *e2el = &m->latency[LATENCY_E2EL],
				    *queue = &m->latency[LATENCY_QUEUE];

	for (size_t i = 0; i < ARRAY_LEN(bounded); i++) {
		const enum metrics_latency latency = metrics_latency_of[bounded[i].metric];

		of[bounded[i].value] =
			metrics_stat(latency == LATENCY_N ? &m->itl : &m->latency[latency], bounded[i].stat);
	}
	of[SERVICE_REQUESTS_PER_S] = m->requests_per_s;
	of[SERVICE_OUTPUT_PER_S] = m->output_tok_per_s;
	of[SERVICE_PREEMPTIONS] = m->preemptions;
	of[SERVICE_RECOMPUTED] = m->recomputed_share;
	of[SERVICE_CACHED] = m->cached_share;
	of[SERVICE_QUEUE_P95] = queue->p95;
	of[SERVICE_QUEUE_MEAN] = queue->mean;
	of[SERVICE_PREFILL_MEAN] = m->latency[LATENCY_PREFILL].mean;
	of[SERVICE_DECODE_MEAN] = e2el->mean - ttft->mean;
}
