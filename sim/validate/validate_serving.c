/* validate_serving.c - see validate_serving.h. */
#include "sim/validate/validate_serving.h"

#include <math.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/base/str.h"
#include "sim/base/vec.h"
#include "sim/serve/service.h"
#include "sim/stats/band.h"
#include "sim/validate/changed_world.h"
#include "sim/validate/made_scenario.h"
#include "sim/validate/served.h"
#include "sim/world/computed.h"

struct comparison {
	const struct validate_ask *ask;
	bool made,
		kin; /* the scenario is made of the report; of a program whose kernels another's stand for */
	VEC(struct validation_row) rows;
};

/* ---- predicting ---- */

static int run_once(struct service *s, const struct serve *load, const struct service_ask *ask, double *of,
		    struct err *err)
{
	const struct metrics_how how = {.classes = load->classes.at, .classes_n = load->classes.n};
	struct metrics *m = metrics_new(&how);
	const struct observer watch = metrics_observer(m);
	struct service_ask watched = *ask;
	struct service_summary ignored;
	int rc;

	watched.watch = &watch;
	watched.replications = 1;
	rc = service_run(s, &watched, &ignored, err);
	if (rc == 0)
		served_values(m, of);
	metrics_free(m);
	return rc;
}

/* Means over the replications of the load. */
static int run_all(struct service *s, const struct serve *load, const struct draws *d, double *of,
		   struct err *err)
{
	const int n =
		load->replications > 1 && load->arrivals.kind != ARRIVALS_TRACE ? (int)load->replications : 1;
	double one[SERVED_METRICS];

	for (size_t k = 0; k < SERVED_METRICS; k++)
		of[k] = 0;
	for (int i = 0; i < n; i++) {
		const struct service_ask ask = {.seed = d->seed + (uint64_t)i,
						.each_iteration = d->each_iteration};

		if (run_once(s, load, &ask, one, err) != 0)
			return -1;
		for (size_t k = 0; k < SERVED_METRICS; k++)
			of[k] += one[k] / n;
	}
	return 0;
}

struct predicted {
	double of[SERVED_METRICS], lo[SERVED_METRICS], hi[SERVED_METRICS];
};

struct drawing {
	struct service *service;
	const struct serve *load;
	const struct draws *draws;
	double *drawn; /* [metric * draws + draw] */
	struct err *errs;
};

/* What was measured is one run, with the luck of its arrivals and lengths: each draw has a load of its own. */
static int draw_once(void *self, size_t thread, size_t i)
{
	const struct drawing *x = self;
	const struct draws *d = x->draws;
	const struct service_ask ask = {
		.z = &d->z[i * d->sources], .seed = d->seed + i, .each_iteration = d->each_iteration};
	double of[SERVED_METRICS];

	if (run_once(service_twin(x->service, thread), x->load, &ask, of, &x->errs[i]) != 0)
		return -1;
	for (size_t k = 0; k < SERVED_METRICS; k++)
		x->drawn[k * d->n + i] = of[k];
	return 0;
}

/* P10 and P90 of each metric over the draws. */
static int run_draws(struct arena *a, struct service *s, const struct serve *load, const struct draws *d,
		     struct predicted *p, struct err *err)
{
	double *drawn = arena_array(a, d->n * SERVED_METRICS, sizeof *drawn);
	struct drawing x = {s, load, d, drawn, arena_array(a, d->n, sizeof *x.errs)};
	const struct workers_task work = {.n = d->n, .item = draw_once, .self = &x};
	const size_t threads = workers_count((int64_t)d->threads, d->n);
	size_t done;

	for (size_t i = 0; i < threads; i++)
		service_twin(s, i);
	done = workers_run(&work, threads);
	if (done < d->n) {
		*err = x.errs[done];
		return -1;
	}
	for (size_t k = 0; k < SERVED_METRICS; k++) {
		const struct band band = band_of(p->of[k], &drawn[k * d->n], d->n);

		p->lo[k] = d->n ? band.lo : p->of[k];
		p->hi[k] = d->n ? band.hi : p->of[k];
	}
	return 0;
}

/* No parameter of a machine says what somebody else's server had of its own: its version, its host, and how unlike its requests were,
 * of which a report has the mean. These are standard deviations of the logarithm of a value, by 11 numbers of vLLM on an RTX 4090
 * that were predicted before they were looked at (tokens and rates, of three reports: hardware/ACCURACY.md), and by their first tokens and those of an
 * A100 (13). `kin_sd` is of another program's kernels: SGLang took 1.6 times as long for gpt-oss 20B on an H100 as vLLM's predict, and 0.9
 * times as long as vLLM for a mixture in fp8 on an RTX PRO 6000; where it had no kernels for a format, 2.7 times. */
static const double others_sd = 0.12, others_first_token_sd = 0.45, kin_sd = 0.35;

static void widen(const struct comparison *t, struct predicted *p)
{
	const double p90 = 1.2816; /* of a normal deviate */

	for (size_t k = 0; k < SERVED_METRICS && t->made; k++) {
		const bool first = str_starts(served_metric(t->ask->loader->arena, k).name, "ttft");
		const double sd =
			exact_hypot(first ? others_first_token_sd : others_sd, t->kin ? kin_sd : 0) * p90;

		if (!(p->of[k] > 0) || !(p->lo[k] > 0))
			continue;
		p->lo[k] = p->of[k] * exact_exp(-exact_hypot(exact_log(p->of[k] / p->lo[k]), sd));
		p->hi[k] = p->of[k] * exact_exp(exact_hypot(exact_log(p->hi[k] / p->of[k]), sd));
	}
}

/* Values are NAN where the assignment does not fit. */
static int predict(struct changed_world *c, const struct assignment *from, const struct draws *d,
		   struct predicted *p, struct err *err)
{
	struct service *s = service_new(&c->arena, c->world, from, c->inner.diags);
	const struct serve *load = c->world->scenario->workload.serve;
	int rc = s ? 0 : -1;

	for (size_t k = 0; k < SERVED_METRICS; k++)
		p->of[k] = p->lo[k] = p->hi[k] = NAN;
	if (s && service_fits(s)) {
		rc = run_all(s, load, d, p->of, err);
		if (rc == 0)
			rc = run_draws(&c->arena, s, load, d, p, err);
	}
	service_free(s);
	return rc;
}

/* ---- rows ---- */

static void add_rows(struct comparison *t, const struct served_run *r, const char *assignment,
		     const struct world *w, const struct predicted *p)
{
	struct arena *a = t->ask->loader->arena;
	const char *runtime = changed_world_runtime(a, w),
		   *computed = world_computed(a, w, draws_asked_seed(&t->ask->draws, w));

	for (size_t k = 0; k < SERVED_METRICS; k++) {
		const struct served_metric m = served_metric(a, k);

		if (isnan(r->of[k]))
			continue;
		VEC_ADD(&t->rows,
			((struct validation_row){
				.set = *r->set ? r->set : m.set,
				.assignment = arena_strdup(a, assignment),
				.runtime = runtime,
				.metric = *r->label ? arena_printf(a, "%s, %s", m.name, r->label) : m.name,
				.unit = m.unit,
				.file = r->path,
				.computed = computed,
				.source = *r->source ? r->source : NULL,
				.quality = *r->quality ? r->quality : NULL,
				.note = *r->note ? r->note : NULL,
				.measured = r->of[k],
				.predicted = p->of[k],
				.lo = p->lo[k],
				.hi = p->hi[k],
				.no_model.error = NAN,
				.no_chip.error = NAN,
				.held_out = true}));
	}
}

static int check_assignment(struct arena *a, const struct served_run *r, const struct world *w,
			    struct err *err)
{
	const size_t n = w->scenario->assignments.n;
	const struct assignment *all = w->scenario->assignments.at;
	const char **names = arena_array(a, n, sizeof *names);
	struct err why = ERR_INIT;

	for (size_t i = 0; i < n; i++) {
		names[i] = all[i].name;
		if (!r->assignment || !strcmp(names[i], r->assignment))
			return 0;
	}
	err_unknown(&why, "assignment", r->assignment, names, n);
	return validate_at_line(err, r->path, r->line, &why);
}

static int compare_world(struct comparison *t, struct changed_world *c, const struct served_run *r,
			 struct err *err)
{
	const struct assignment *all = c->world->scenario->assignments.at;
	const struct draws draws = draws_asked(&c->arena, c->world, &t->ask->draws);

	if (!c->world->scenario->workload.serve) {
		err_set(err, "%s: runs of a server, and the scenario serves nobody", r->path);
		return err_hint(err, "workload: {serve: {arrivals: ...}}");
	}
	if (check_assignment(&c->arena, r, c->world, err) != 0)
		return -1;
	for (size_t i = 0; i < c->world->scenario->assignments.n; i++) {
		struct predicted p;

		if (r->assignment && strcmp(all[i].name, r->assignment) != 0)
			continue;
		if (predict(c, &all[i], &draws, &p, err) != 0)
			return -1;
		widen(t, &p);
		add_rows(t, r, all[i].name, c->world, &p);
	}
	return 0;
}

static int compare_run(struct comparison *t, const struct validate_ask *ask, const struct served_run *r,
		       struct err *err)
{
	struct changed_world c;
	int rc = changed_world_open(&c, ask, r->changes, r->path, r->line, err);

	if (rc == 0)
		rc = compare_world(t, &c, r, err);
	changed_world_close(&c);
	return rc;
}

/* ---- a machine alone ---- */

static long long mean_length(double tokens, const struct served_run *r)
{
	return llround(fmax(1, tokens / r->completed));
}

/* Prompts and answers of the mean length; arrivals as the run had them. */
static const char *workload_of(struct arena *a, const struct served_run *r)
{
	/* the luck of one run, over the root of twenty, is what is left of it in their mean */
	return arena_printf(a,
			    "{serve: {arrivals: {%s}, prompt: %lld tok, output: %lld tok, requests: %lld, "
			    "replications: 20}}",
			    r->rate > 0 ? arena_printf(a, "rate: %.9g req/s", r->rate) : "all_at: 0 s",
			    mean_length(r->prompts, r), mean_length(r->outputs, r), llround(r->completed));
}

/* A benchmark prints sums of lengths, not how they spread. */
static void note_lengths(const struct comparison *t, const struct served_run *r, struct texts *notes)
{
	struct arena *a = t->ask->loader->arena;

	*notes = texts_join_once(
		a, notes,
		arena_printf(
			a,
			"%s: prompts and answers are taken as of their mean lengths, %lld and %lld tokens; "
			"where they were unlike, as of ShareGPT, the tails of its latencies are longer",
			r->path, mean_length(r->prompts, r), mean_length(r->outputs, r)));
}

/* vLLM plans a step while the one before it runs since 0.14.0 (vllm-project/vllm#27614). From 0.8, whose engine V1 was the first to
 * be the default (docs/usage/v1_guide.md), to 0.10 it recorded passes in pieces, with attention launched between them
 * (vllm-project/vllm#25444); V0 before it recorded steps whole. */
enum { VLLM_ASYNC = 14, VLLM_PIECES = 8, VLLM_WHOLE = 11 };

static bool asks_for(const struct server_said *own, const char *key)
{
	return own->asked && strstr(own->asked, key);
}

static bool is_in_pieces(const struct server_said *own)
{
	return own->minor >= VLLM_PIECES && own->minor < VLLM_WHOLE && !asks_for(own, "piecewise") &&
	       !asks_for(own, "eager");
}

/* What was asked of the server, in the keys of `serve`, each behind a comma; "": nothing. */
static const char *asked_of(struct arena *a, const struct served_run *r, bool vllm)
{
	const struct server_said *own = &r->own;
	const bool old = vllm && own->minor && own->minor < VLLM_ASYNC && !asks_for(own, "async");

	return arena_printf(a, "%s%s%s%s%s%s", r->server ? ", " : "", r->server ? r->server : "",
			    own->asked ? ", " : "", own->asked ? own->asked : "", old ? ", async: false" : "",
			    vllm && is_in_pieces(own) ? ", piecewise: true" : "");
}

/* The server that a program's name stands for, with what its command asked of it, as a scenario asks for it; NULL: the runtime's
 * own. What vLLM takes where nobody says follows from the card (EngineArgs.get_batch_defaults in vllm/engine/arg_utils.py). */
static const char *server_of(struct arena *a, const struct served_run *r, const char *tool,
			     const struct made_scenario *m)
{
	const bool sglang = !strcmp(tool, "sglang"), vllm = !strcmp(tool, "vllm");
	const char *asked = asked_of(a, r, vllm);

	if (!sglang && !vllm)
		return *asked ? arena_printf(a, "serve: {%s}", asked + strlen(", ")) : NULL;
	return arena_printf(a, "serve: {server: serve-%s%s}",
			    sglang     ? "sglang"
			    : m->large ? "vllm-70gb"
				       : "vllm",
			    asked);
}

/* Whose kernels ran: of the server's own command, else of the client's, which asks vLLM by default, and all of them as "openai". */
static const char *engine_of(struct arena *a, const struct served_run *r)
{
	const char *engine =
		r->own.engine ? r->own.engine : server_said_engine(a, r->program ? r->program : "vllm");

	return strcmp(engine, "openai") != 0 ? engine : "vllm";
}

static int refuse_engine(const struct served_run *r, const char *tool, const struct made_scenario *m,
			 struct err *err)
{
	err_set(err, "%s:%d: %s was not measured on %s, and no program that was has kernels of its kind",
		r->path, r->line, tool, m->machine);
	return err_hint(err, "--runtime NAME predicts it as if that program had run, such as --runtime %s",
			m->runtime);
}

static void note_engine(struct arena *a, const struct served_run *r, const char *tool, struct texts *notes)
{
	if (!r->own.engine && r->program && !strcmp(server_said_engine(a, r->program), "openai"))
		*notes =
			texts_join_once(a, notes,
					arena_printf(a,
						     "%s: which server answered is not said ('%s' is how the "
						     "client asks): it is taken for vLLM",
						     r->path, r->program));
	if (!strcmp(tool, "vllm") && is_in_pieces(&r->own))
		*notes = texts_join_once(
			a, notes,
			arena_printf(a,
				     "%s: vLLM 0.%d%s recorded passes in pieces (CUDA "
				     "graphs without attention), which makes a step longer "
				     "by 15 to 130 us a layer",
				     r->path, r->own.minor,
				     r->own.by_date ? ", the newest there was on its date," : ""));
}

/* Of a scenario its own server stands. */
static void note_server(const struct comparison *t, const struct served_run *r, struct texts *notes)
{
	struct arena *a = t->ask->loader->arena;

	const char *asked = asked_of(a, r, false);

	if (*asked || r->kv)
		*notes = texts_join_once(
			a, notes,
			arena_printf(a, "%s: its server was asked for %s%s%s%s: the scenario's stands",
				     r->path, *asked ? asked + strlen(", ") : "", *asked && r->kv ? ", " : "",
				     r->kv ? "a cache in " : "", r->kv ? r->kv : ""));
}

static int compare_made(struct comparison *t, const struct served_run *r, struct texts *notes,
			struct err *err)
{
	struct arena *a = t->ask->loader->arena;
	const char *tool = engine_of(a, r);
	struct texts found = {.n = 0};
	struct made_scenario m;
	struct validate_ask ask;

	if (!(r->completed >= 1) || !(r->prompts > 0) || !(r->outputs > 0)) {
		err_set(err, "%s:%d: how long were its prompts and answers?", r->path, r->line);
		return err_hint(
			err, "completed, total_input_tokens and total_output_tokens say it, or a scenario: "
			     "lemursim validate SCENARIO --from FILE, with 'workload: {serve: ...}'");
	}
	if (r->devices > 1) {
		err_set(err, "%s:%d: it was split over %.0f devices: this is one", r->path, r->line,
			r->devices);
		return err_hint(err, "a scenario says such a server: lemursim validate SCENARIO --from FILE");
	}
	if (made_scenario_begin(t->ask, tool, r->model, &m, &found, err) != 0)
		return -1;
	if (m.foreign)
		return refuse_engine(r, tool, &m, err);
	*notes = texts_join(a, notes, found.at, found.n);
	note_engine(a, r, tool, notes);
	if (!m.weights && r->own.weights)
		m.weights = made_scenario_weights(a, r->own.weights);
	if (!m.weights) {
		err_set(err, "%s: the format of the weights is not said", r->path);
		return err_hint(err, "say --weights FORMAT, such as bf16, fp8, mxfp4");
	}
	m.workload = workload_of(a, r);
	note_lengths(t, r, notes);
	m.assignment = server_of(a, r, tool, &m);
	t->made = true;
	t->kin = m.kin;
	m.kv = r->kv;
	ask = made_scenario_ask(t->ask, &m);
	return compare_run(t, &ask, r, err);
}

/* ---- all of it ---- */

bool validate_serving_are(const char *path)
{
	return served_are(path);
}

static int check_ask(const struct validate_ask *ask, bool scenario, struct err *err)
{
	if (ask->subjects.n != 1) {
		err_set(err, "%s: runs of a server are compared with one scenario", ask->from.at[0]);
		return err_hint(err, "lemursim validate SCENARIO --from FILE, with 'workload: {serve: ...}'");
	}
	if (ask->family || (scenario && (ask->models.n || ask->runtime || ask->weights))) {
		err_set(err, "%s: runs of a server take no --family, --model, --runtime or --weights",
			ask->from.at[0]);
		return err_hint(err,
				"a scenario says all of that: lemursim validate SCENARIO --from FILE, with "
				"'workload: {serve: ...}', such as scenarios/serve-4090-vllm.yaml");
	}
	return 0;
}

int validate_serving_make(const struct validate_ask *ask, struct validation *v, struct texts *notes,
			  struct err *err)
{
	struct arena *a = ask->loader->arena;
	struct comparison t = {.ask = ask};
	const bool scenario = ask->subjects.n != 1 || made_scenario_is_file(ask);
	int rc = check_ask(ask, scenario, err);

	*notes = (struct texts){.n = 0};
	for (size_t i = 0; i < ask->from.n && rc == 0; i++) {
		struct served_runs runs;

		rc = served_read(a, ask->from.at[i], &runs, err);
		*notes = texts_join(a, notes, runs.notes.at, runs.notes.n);
		for (size_t k = 0; k < runs.n && scenario; k++)
			note_server(&t, &runs.at[k], notes);
		for (size_t k = 0; k < runs.n && rc == 0; k++)
			rc = scenario ? compare_run(&t, ask, &runs.at[k], err)
				      : compare_made(&t, &runs.at[k], notes, err);
	}
	*v = (struct validation){
		.at = arena_array(a, t.rows.n, sizeof *v->at), .n = t.rows.n, .kind = VALIDATION_OUTCOMES};
	if (t.rows.n)
		memcpy(v->at, t.rows.at, t.rows.n * sizeof *v->at);
	VEC_FREE(&t.rows);
	return rc;
}
