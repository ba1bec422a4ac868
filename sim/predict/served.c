/* served.c - see served.h. */
#include "sim/predict/served.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/load/request.h"
#include "sim/predict/draws.h"
#include "sim/serve/service.h"
#include "sim/world/serve.h"

/* ---- what is served, in words ---- */

static void say_count(struct str *out, int64_t n, const char *what)
{
	str_addf(out, "%lld %s%s", (long long)n, what, n == 1 ? "" : "s");
}

static void say_arrivals(struct str *out, const struct arrivals_law *a)
{
	const char *slash = a->trace ? strrchr(a->trace, '/') : NULL;

	switch (a->kind) {
	case ARRIVALS_RATE:
		units_format(out, a->rate, DIM_REQUEST_RATE, 3);
		break;
	case ARRIVALS_EVERY:
		str_add(out, "a request every ");
		units_format(out, a->every, DIM_TIME, 3);
		break;
	case ARRIVALS_USERS:
		if (a->concurrency) {
			str_addf(out, "%lld requests at once", (long long)a->concurrency);
			break;
		}
		say_count(out, a->users, "user");
		str_add(out, " who think ");
		units_format(out, a->think, DIM_TIME, 3);
		break;
	case ARRIVALS_ALL_AT:
		str_add(out, "all requests at once");
		break;
	case ARRIVALS_TRACE:
	default:
		str_addf(out, "trace %s", slash ? slash + 1 : a->trace);
		if (a->speed != 1)
			str_addf(out, " at %s times its speed", units_digits(a->speed, 3).text);
		break;
	}
}

static const char *load_title(struct arena *a, const struct serve *load)
{
	struct str s = STR_INIT;
	const char *text;

	say_arrivals(&s, &load->arrivals);
	if (load->requests) {
		str_add(&s, ", ");
		say_count(&s, load->requests, "request");
	} else if (load->span > 0) {
		str_add(&s, ", for ");
		units_format(&s, load->span, DIM_TIME, 3);
	}
	text = arena_strdup(a, s.text);
	str_release(&s);
	return text;
}

/* ---- the servers ---- */

static const char *machines_text(struct arena *a, const struct service *s, size_t server)
{
	const struct placement *at = service_placement(s, server);
	const struct world *w = at->world;
	struct str text = STR_INIT;
	const char *kept;

	for (size_t m = 0; m < w->machines_n; m++) {
		bool uses = false;

		for (size_t u = 0; u < w->units_n; u++)
			uses |= w->units[u].machine == m &&
				(placement_uses(at, PHASE_PREFILL, u) || placement_uses(at, PHASE_DECODE, u));
		if (uses)
			str_addf(&text, "%s%s", text.len ? "+" : "", w->machines[m].origin.name);
	}
	kept = arena_strdup(a, text.text ? text.text : "");
	str_release(&text);
	return kept;
}

static const char *const rules_names[SERVE_RULES_N] = {[SERVE_VLLM] = "vLLM",
						       [SERVE_LLAMACPP] = "llama.cpp",
						       [SERVE_MLX] = "MLX",
						       [SERVE_STATIC] = "static batches"};

static struct served_server server_of(struct arena *a, const struct served *s, size_t i)
{
	const struct serve_settings *set = service_settings(s->service, i);
	const char *machines = machines_text(a, s->service, i), *rules = rules_names[set->rules];
	const char *part = s->at->assignment->serving.servers[i].part->name;
	const char *point = strstr(part, ": "), *own = s->servers_n > 1 && point ? NULL : machines;
	const int64_t max_running = service_max_running(set);

	if (!own)
		for (own = point + 2; (point = strstr(own, ": ")) != NULL; own = point + 2)
			;
	return (struct served_server){
		.name = own,
		.sub = arena_printf(a, "%s%s%s, %lld slot%s", s->servers_n > 1 ? machines : "",
				    s->servers_n > 1 ? ", " : "", rules, (long long)max_running,
				    max_running == 1 ? "" : "s"),
		.max_running = max_running,
		.kv_blocks = set->kv_blocks};
}

int served_make(struct arena *a, const struct placement *at, const volatile int *stop, struct served *s,
		struct err *err)
{
	const struct world *w = at->world;
	const struct draws_ask asked = {.seed = -1, .n = -1};
	struct service_summary m;
	struct served_server *servers;
	struct diags diags;

	diags_init(&diags, a);
	*s = (struct served){.at = at,
			     .load = load_title(a, w->scenario->workload.serve),
			     .service = service_new(a, w, at->assignment, &diags),
			     .seed = draws_asked_seed(&asked, w),
			     .stop = stop};
	BUG_ON(!s->service); /* scenario_place() has made one */
	if (!service_fits(s->service))
		return err_set(err, "'%s' does not fit in memory", at->assignment->name);
	s->servers_n = service_servers(s->service);
	s->servers = servers = arena_array(a, s->servers_n, sizeof *servers);
	for (size_t i = 0; i < s->servers_n; i++)
		servers[i] = server_of(a, s, i);
	if (service_run(s->service, &(struct service_ask){.seed = s->seed, .replications = 1, .stop = stop},
			&m, err) != 0)
		return -1;
	s->cut_ns = m.first_cut_ns;
	s->end_ns = m.first_end_ns;
	s->overloaded = m.overloaded;
	s->ttft_p95_s = m.overloaded ? (double)NAN : m.of[SERVICE_TTFT_P95];
	s->tpot_p95_s = m.of[SERVICE_TPOT_P95];
	return 0;
}

void served_release(struct served *s)
{
	service_free(s->service);
}

/* ---- telling ---- */

struct teller {
	const struct served *served;
	const struct served_to *to;
	sim_ns from_ns, to_ns;
	struct served_pass *last; /* for each server, held back while more may join it; no iterations: none */
};

static void tell_pass(const struct teller *t, struct served_pass *p)
{
	struct served_pass cut = *p;

	p->iterations = 0;
	cut.from_ns = cut.from_ns > t->from_ns ? cut.from_ns : t->from_ns;
	cut.to_ns = cut.to_ns < t->to_ns ? cut.to_ns : t->to_ns;
	if (cut.iterations && cut.from_ns < cut.to_ns)
		t->to->pass(t->to->self, &cut);
}

static void iterations(void *self, uint32_t server, int64_t from_ns, int64_t to_ns, int64_t n,
		       int64_t decodes, int64_t read)
{
	const struct teller *t = self;
	struct served_pass *last = &t->last[server];

	if (last->iterations && last->to_ns == from_ns && last->decodes == decodes && !last->read && !read) {
		last->to_ns = to_ns;
		last->iterations += n;
		return;
	}
	tell_pass(t, last);
	*last = (struct served_pass){server, from_ns, to_ns, n, decodes, read};
}

static void state(void *self, uint32_t server, int64_t from_ns, int64_t to_ns, int64_t waiting,
		  int64_t running, int64_t kv_blocks, int64_t kv_block_ns, bool busy)
{
	const struct teller *t = self;
	struct served_state s = {server,
				 from_ns > t->from_ns ? from_ns : t->from_ns,
				 to_ns < t->to_ns ? to_ns : t->to_ns,
				 waiting,
				 running,
				 kv_blocks,
				 (double)kv_block_ns / (double)(to_ns - from_ns)};

	(void)busy;
	if (s.from_ns < s.to_ns)
		t->to->state(t->to->self, &s);
}

static void ended(void *self, const struct request *r, const struct request_times *x)
{
	static const char *const ends[] = {[REQUEST_DONE] = "done",
					   [REQUEST_REFUSED] = "refused",
					   [REQUEST_TRUNCATED] = "truncated",
					   [REQUEST_UNFINISHED] = "unfinished"};
	const struct teller *t = self;
	const struct field_list *classes = &t->served->at->world->scenario->workload.serve->classes;
	const struct load_class *c = classes->at;

	if (x->end_ns < t->from_ns || r->arrive_ns >= t->to_ns)
		return;
	t->to->request(t->to->self,
		       &(struct served_request){
			       .id = r->id,
			       .class_name = r->class_id < classes->n ? c[r->class_id].origin.name : "",
			       .end = ends[x->end],
			       .server = x->replica,
			       .prompt = r->prompt,
			       .tokens = x->tokens,
			       .cached = x->cached,
			       .recomputed = x->recomputed,
			       .preemptions = x->preemptions,
			       .arrive_ns = r->arrive_ns,
			       .admitted_ns = x->admitted_ns,
			       .first_ns = x->first_ns,
			       .last_ns = x->last_ns,
			       .end_ns = x->end_ns,
			       .sent_ns = x->sent_ns,
			       .moved_ns = x->moved_ns});
}

int served_tell(const struct served *s, sim_ns from_ns, sim_ns to_ns, const struct served_to *to,
		struct err *err)
{
	struct teller t = {s, to, from_ns, to_ns, xcalloc(s->servers_n, sizeof *t.last)};
	const struct observer observer = {.ended = to->request ? ended : NULL,
					  .state = to->state ? state : NULL,
					  .iterations = to->pass ? iterations : NULL,
					  .self = &t};
	struct service_summary m;
	const int rc = service_run(s->service,
				   &(struct service_ask){.seed = s->seed,
							 .replications = 1,
							 .each_iteration = s->each_iteration,
							 .watch = &observer,
							 .stop = s->stop},
				   &m, err);

	for (size_t i = 0; i < s->servers_n && rc == 0; i++)
		tell_pass(&t, &t.last[i]);
	free(t.last);
	return rc;
}
