/* hours.c - see hours.h. */
#include "sim/plan/hours.h"

#include <math.h>

#include "sim/load/arrivals.h"

enum { HOUR_S = 3600, PARTS = 12 };

static int servers_for(double load, const double *holds, size_t most)
{
	int k = 1;

	if (!(load > 0))
		return 0;
	while ((size_t)k <= most && holds[k - 1] < load)
		k++;
	return k;
}

static int divided(double load, double each)
{
	return each > 0 && isfinite(each) ? (int)ceil(load / each - 1e-12) : 0;
}

struct plan_hours plan_hours_of(struct arena *a, const double *loads, size_t n, const double *holds,
				size_t most, double bound)
{
	struct plan_hour *at = arena_array(a, n + 1, sizeof *at);
	struct plan_hours h = {.at = at, .n = n};

	for (size_t i = 0; i < n; i++) {
		at[i] = (struct plan_hour){loads[i], servers_for(loads[i], holds, most),
					   divided(loads[i], most ? holds[0] : 0), divided(loads[i], bound)};
		h.peak = at[i].servers > h.peak ? at[i].servers : h.peak;
		h.mean += at[i].servers / (double)n;
		h.mean_by_one += at[i].by_one / (double)n;
		h.mean_by_bound += at[i].by_bound / (double)n;
		h.above += (size_t)at[i].servers > most;
	}
	return h;
}

/* Arrivals of a trace in parts of an hour, or in twelve parts where it lasts less than two: the largest load
 * of a part is that of the whole trace at its speed times the part's share of arrivals over the mean share. */
static size_t loads_of_trace(struct arena *a, const struct plan_load *load, double **loads, double *span_s)
{
	struct err err = ERR_INIT;
	struct request r;
	double last_s = 0, sum = 0;
	size_t n = 0;

	for (int pass = 0; pass < 2; pass++) {
		struct arrivals *from = arrivals_new(load->base, load->seed, 0, &err);
		struct request_source source;

		if (!from)
			return 0;
		source = arrivals_source(from);
		while (source.next(source.self, INT64_MAX, &r)) {
			const double at_s = (double)r.arrive_ns / 1e9;
			const struct request_times t = {.end_ns = r.arrive_ns, .last_ns = r.arrive_ns};

			if (pass && n) {
				const size_t part = (size_t)(at_s / *span_s);

				(*loads)[part < n ? part : n - 1]++;
				sum++;
			}
			last_s = at_s;
			source.ended(source.self, &r, &t);
		}
		arrivals_free(from);
		if (pass)
			break;
		*span_s = last_s >= 2.0 * HOUR_S ? HOUR_S : last_s / PARTS;
		n = last_s > 0 ? last_s >= 2.0 * HOUR_S ? (size_t)ceil(last_s / HOUR_S) : PARTS : 0;
		*loads = arena_array(a, n + 1, sizeof **loads);
	}
	for (size_t i = 0; i < n; i++)
		(*loads)[i] *= load->needed * (double)n / sum;
	return n;
}

size_t plan_hour_loads(struct arena *a, const struct world *plan, const struct plan_load *load,
		       double **loads, double *span_s)
{
	const struct field_list *day = &plan->scenario->plan->day;
	const double *shares = day->at;

	if (!day->n && load->base->arrivals.kind == ARRIVALS_TRACE)
		return loads_of_trace(a, load, loads, span_s);
	*span_s = HOUR_S;
	*loads = arena_array(a, day->n + 1, sizeof **loads);
	for (size_t i = 0; i < day->n; i++)
		(*loads)[i] = load->whole ? ceil(load->needed * shares[i] - 1e-9) : load->needed * shares[i];
	return day->n;
}
