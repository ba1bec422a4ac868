/* service_run.c - the replications of a load, summed up; see service.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/workers.h"
#include "sim/load/arrivals.h"
#include "sim/serve/service_parts.h"
#include "sim/serve/service_replication.h"
#include "sim/stats/ci.h"
#include "sim/stats/steady.h"

#define LEVEL 0.95

/* Of the replications of one length. */
struct sums {
	struct summary of[SERVICE_VALUES];
	struct summary *of_class; /* [class * SERVICE_VALUES + value]; NULL: the load has no classes */
	size_t of_class_n;
	int overloaded;
	struct sought sought;
};

/* Of a replication that was cut short, as its verdict was certain, classes are not known. */
static void add_classes(struct service *s, struct sums *sums, const struct replication *p)
{
	for (size_t v = 0; v < sums->of_class_n && p->of_class; v++)
		if (isfinite(p->of_class[v]))
			summary_add(&sums->of_class[v], p->of_class[v]);
	if (p->of_class)
		memcpy(s->of_class + sums->of_class_n, p->half_of_class,
		       sums->of_class_n * sizeof *p->half_of_class);
}

static void add_replication(struct service *s, struct sums *sums, const struct replication *p, int i,
			    struct service_summary *out)
{
	for (int v = 0; v < SERVICE_VALUES; v++)
		if (isfinite(p->of[v]))
			summary_add(&sums->of[v], p->of[v]);
	memcpy(s->each + (size_t)i * SERVICE_VALUES, p->of, sizeof p->of);
	add_classes(s, sums, p);
	sums->overloaded += p->overloaded;
	sought_add(&sums->sought, p->metrics, p->cut_ns);
	if (p->tightest.bound > 0)
		replication_tighten(&out->tightest, &p->tightest);
	out->span_s += (double)p->result.end_ns / 1e9;
	for (size_t k = 0; k < s->config_n; k++) {
		const size_t server = s->server_of[k];

		out->tokens += (double)p->books[k].tokens;
		s->busy_ns[server] += (double)p->books[k].busy_ns / (double)s->servers[server].lanes;
	}
	memcpy(out->half, p->half, sizeof out->half);
	out->skipped = p->skipped;
	if (out->first_end_ns)
		return;
	out->first_cut_ns = p->cut_ns;
	out->first_end_ns = p->result.end_ns;
}

static void finish_values(const struct summary *sums, size_t n, int replications, double *of, double *half)
{
	for (size_t v = 0; v < n; v++) {
		const struct ci ci = ci_mean(&sums[v], LEVEL);

		of[v] = sums[v].n ? ci.mean : NAN;
		if (replications > 1)
			half[v] = ci.half;
	}
}

static void finish(struct service *s, const struct sums *sums, struct service_summary *out)
{
	finish_values(sums->of, SERVICE_VALUES, out->replications, out->of, out->half);
	if (sums->of_class) {
		finish_values(sums->of_class, sums->of_class_n, out->replications, s->of_class,
			      s->of_class + sums->of_class_n);
		out->of_class = s->of_class;
		out->half_of_class = s->of_class + sums->of_class_n;
	}
	out->overloaded = 2 * sums->overloaded > out->replications;
}

static const struct serve *load_of(const struct service *s, const struct service_ask *ask)
{
	return ask->load ? ask->load : s->world->scenario->workload.serve;
}

/* Several replications at a time, each by a twin of the service. */
struct replicating {
	struct service *service;
	const struct service_ask *ask;
	uint64_t requests; /* of each */
	int first;         /* of those of one wave */
	struct replication *made;
	struct err *errs;
};

static int replicate(void *self, size_t thread, size_t item)
{
	const struct replicating *r = self;
	struct service *s = service_twin(r->service, thread);

	return replication_run(s, r->ask, load_of(s, r->ask), r->requests, r->first + (int)item,
			       &r->made[item], &r->errs[item]);
}

/* Runs as many replications as there are threads, and adds them up in their order. */
static int run_wave(struct replicating *r, size_t n, struct sums *sums, struct service_summary *out,
		    struct err *err)
{
	const struct workers_task work = {.n = n, .item = replicate, .self = r};
	const size_t failed = workers_run(&work, n);

	for (size_t i = 0; i < n; i++) {
		if (i < failed)
			add_replication(r->service, sums, &r->made[i], r->first + (int)i - r->ask->first,
					out);
		replication_release(&r->made[i]);
	}
	if (failed == n)
		return 0;
	*err = r->errs[failed];
	return -1;
}

static int run_waves(struct service *s, const struct service_ask *ask, struct sums *sums,
		     struct service_summary *out, struct err *err)
{
	const size_t n = (size_t)out->replications, threads = ask->threads ? ask->threads : 1;
	const size_t wave = threads < n ? threads : n;
	struct replicating r = {.service = s,
				.ask = ask,
				.requests = out->requests,
				.made = xcalloc(wave, sizeof *r.made),
				.errs = xcalloc(wave, sizeof *r.errs)};
	int rc = 0;

	for (size_t i = 0; i < n && rc == 0; i += wave) {
		r.first = ask->first + (int)i;
		rc = run_wave(&r, n - i < wave ? n - i : wave, sums, out, err);
	}
	free(r.made);
	free(r.errs);
	return rc;
}

/* A load without random draws is the same in every replication. */
static int replications(const struct serve *load, const struct service_ask *ask)
{
	if (load->arrivals.kind == ARRIVALS_TRACE)
		return 1;
	return ask->replications ? ask->replications : (int)load->replications;
}

static void draw(struct service *s, const struct params *z)
{
	for (size_t i = 0; i < s->tables_n && (z || s->drawn); i++)
		if (s->tables[i].cost)
			batch_cost_draw(s->tables[i].cost, z);
	s->drawn = z != NULL;
}

void service_calibrated(struct service *s)
{
	for (; s; s = s->twin)
		draw(s, NULL);
}

static void begin_classes(struct service *s, const struct serve *load, struct sums *sums)
{
	if (!serve_has_classes(load))
		return;
	sums->of_class_n = load->classes.n * SERVICE_VALUES;
	sums->of_class = xcalloc(sums->of_class_n, sizeof *sums->of_class);
	s->of_class = xrealloc(s->of_class, 2 * sums->of_class_n * sizeof *s->of_class);
	for (size_t v = 0; v < sums->of_class_n; v++) {
		sums->of_class[v] = summary_empty();
		s->of_class[sums->of_class_n + v] = INFINITY;
	}
}

/* All replications, with as many requests as out says. */
static int run_once(struct service *s, const struct service_ask *ask, struct service_summary *out,
		    struct err *err)
{
	struct sums sums = {.sought = sought_of(load_of(s, ask))};
	int rc;

	out->span_s = out->tokens = 0;
	out->tightest = (struct service_slo){.bound = 0};
	memset(s->busy_ns, 0, s->servers_n * sizeof *s->busy_ns);
	for (int v = 0; v < SERVICE_VALUES; v++)
		sums.of[v] = summary_empty();
	begin_classes(s, load_of(s, ask), &sums);
	rc = run_waves(s, ask, &sums, out, err);
	finish(s, &sums, out);
	free(sums.of_class);
	out->stop = out->overloaded ? STEADY_SURE
				    : sought_stop(&sums.sought, out->requests * (uint64_t)out->replications);
	sought_release(&sums.sought);
	return rc;
}

/* Twice as long, as far as all replications together, and the time of each, stay within the limit. False: it is there. */
static bool lengthen(const struct serve *load, struct service_summary *out)
{
	const uint64_t most = STEADY_REQUESTS / (uint64_t)out->replications;
	const uint64_t longer = 2 * out->requests < most ? 2 * out->requests : most;

	if (longer <= out->requests || arrivals_last_s(load, longer) > ARRIVALS_LONGEST_S) {
		out->stop = STEADY_LIMIT;
		return false;
	}
	out->requests = longer;
	return true;
}

int service_run(struct service *s, const struct service_ask *ask, struct service_summary *out,
		struct err *err)
{
	const struct serve *load = load_of(s, ask);
	const bool open_ended = serve_open_ended(load) && !ask->requests;
	int rc;

	*out = (struct service_summary){.busy_ns = s->busy_ns,
					.replications = replications(load, ask),
					.requests = ask->requests ? ask->requests
						    : open_ended  ? SERVICE_FIRST_REQUESTS
								  : (uint64_t)load->requests};
	s->each = xrealloc(s->each, (size_t)out->replications * SERVICE_VALUES * sizeof *s->each);
	out->each = s->each;
	for (size_t i = 0; i < ask->threads || !i; i++)
		if (i < (size_t)out->replications)
			draw(service_twin(s, i), ask->z);
	do
		rc = run_once(s, ask, out, err);
	while (rc == 0 && open_ended && !ask->z && !ask->watch && !ask->verdict &&
	       out->stop == STEADY_GO_ON && lengthen(load, out));
	return rc;
}
