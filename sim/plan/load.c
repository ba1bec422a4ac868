/* load.c - see load.h. */
#include "sim/plan/load.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/workers.h"

static double size_of(const struct serve *s, bool finish)
{
	const struct arrivals_law *a = &s->arrivals;

	if (finish)
		return 1;
	switch (a->kind) {
	case ARRIVALS_RATE:
		return a->rate;
	case ARRIVALS_EVERY:
		return 1 / a->every;
	case ARRIVALS_USERS:
		return (double)a->users;
	default:
		return a->speed;
	}
}

struct plan_load plan_load_of(const struct world *plan)
{
	const struct planning *p = plan->scenario->plan;
	const struct serve *s = plan->scenario->workload.serve;
	const int kind = s->arrivals.kind;
	struct plan_load l = {.base = s, .finish = p->finish, .seed = (uint64_t)plan->scenario->seed};

	l.whole = kind == ARRIVALS_USERS && !p->finish;
	l.asked = size_of(s, p->finish != NULL);
	l.needed = l.whole ? ceil(l.asked * p->headroom - 1e-9) : l.asked * p->headroom;
	l.unit = p->finish                ? "times the batch"
		 : l.whole                ? "users"
		 : kind == ARRIVALS_TRACE ? "times the speed of the trace"
					  : "req/s";
	l.one = l.whole ? "user" : l.unit;
	return l;
}

struct serve plan_load_at(const struct plan_load *load, double size)
{
	struct serve s = *load->base;

	if (load->finish)
		return s;
	switch (s.arrivals.kind) {
	case ARRIVALS_RATE:
		s.arrivals.rate = size;
		break;
	case ARRIVALS_EVERY:
		s.arrivals.every = 1 / size;
		break;
	case ARRIVALS_USERS:
		s.arrivals.users = llround(size);
		break;
	default:
		s.arrivals.speed = size;
	}
	return s;
}

int plan_load_replications(const struct plan_load *load)
{
	return load->base->arrivals.kind == ARRIVALS_TRACE ? 1 : (int)load->base->replications;
}

bool plan_load_stopped(const struct plan_load *load)
{
	return load->stop && *load->stop;
}

static int run(const struct plan_load *load, struct service *s, const struct serve *at, int first, int n,
	       bool verdict, const struct params *z, struct service_summary *out)
{
	const struct service_ask ask = {.z = z,
					.seed = load->seed,
					.first = first,
					.replications = n,
					.load = at,
					.threads = load->threads,
					.verdict = verdict,
					.stop = load->stop};
	struct err err = ERR_INIT;

	return plan_load_stopped(load) ? -1 : service_run(s, &ask, out, &err);
}

/* Requests per second that a batch of that size needs. */
static double pace(const struct plan_load *load, double size)
{
	return size * (double)load->finish->requests / load->finish->within;
}

int plan_load_holds_one(const struct plan_load *load, struct service *s, double size, int replication,
			const struct params *z)
{
	const struct serve at = plan_load_at(load, size);
	struct service_summary m;

	if (run(load, s, &at, replication, 1, !load->finish, z, &m) != 0)
		return -1;
	if (load->finish)
		return m.of[SERVICE_REQUESTS_PER_S] >= pace(load, size) && !(m.of[SERVICE_REFUSED] > 0) &&
		       !(m.of[SERVICE_HOLDS] < 1);
	return m.of[SERVICE_HOLDS] >= 1;
}

struct asking {
	const struct plan_load *load;
	struct service *service;
	double size;
	int first;
	int *verdicts;
};

/* Replications are asked until one does not hold the load: those after it need not be begun. */
static int ask_one(void *self, size_t thread, size_t i)
{
	const struct asking *x = self;

	x->verdicts[i] = plan_load_holds_one(x->load, service_twin(x->service, thread), x->size,
					     x->first + (int)i, NULL);
	return x->verdicts[i] > 0 ? 0 : -1;
}

int plan_load_holds_from(const struct plan_load *load, struct service *s, double size, int first)
{
	struct asking x = {load, s, size, first, NULL};
	const struct workers_task work = {
		.n = (size_t)(plan_load_replications(load) - first), .item = ask_one, .self = &x};
	const size_t threads = workers_count((int64_t)load->threads, work.n);
	size_t held;
	int verdict;

	if (!work.n)
		return 1;
	x.verdicts = xcalloc(work.n, sizeof *x.verdicts);
	service_twin(s, threads - 1); /* made before the threads are */
	held = workers_run(&work, threads);
	verdict = held < work.n ? x.verdicts[held] : 1;
	free(x.verdicts);
	return verdict;
}

int plan_load_holds(const struct plan_load *load, struct service *s, double size)
{
	return plan_load_holds_from(load, s, size, 0);
}

int plan_load_run(const struct plan_load *load, struct service *s, double size, struct service_summary *out)
{
	const struct serve at = plan_load_at(load, size);

	return run(load, s, &at, 0, plan_load_replications(load), false, NULL, out);
}

double plan_load_work(const struct plan_load *load)
{
	if (load->finish)
		return pace(load, load->needed);
	if (load->base->measure == MEASURE_ALL)
		return 0;
	return load->base->arrivals.kind == ARRIVALS_RATE || load->base->arrivals.kind == ARRIVALS_EVERY
		       ? load->needed
		       : 0;
}
