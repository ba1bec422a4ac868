/* load_trace.c - see load_trace.h. */
#include "sim/report/load_trace.h"

#include <inttypes.h>

#include "sim/report/load_columns.h"

void load_trace_open(struct load_trace *t, struct str *out, const struct served *s, const char *version)
{
	*t = (struct load_trace){.served = s};
	trace_events_open(&t->events, out, s->at->assignment->name, version);
	for (size_t i = 0; i < s->servers_n; i++) {
		trace_events_name(&t->events, i + 1, 1, "process", s->servers[i].name, s->servers[i].sub);
		trace_events_rank(&t->events, i + 1, 1, "process", i + 1);
		trace_events_name(&t->events, i + 1, 1, "thread", "iterations", NULL);
	}
	trace_events_name(&t->events, s->servers_n + 1, 1, "process", "requests", s->load);
	trace_events_rank(&t->events, s->servers_n + 1, 1, "process", s->servers_n + 1);
}

void load_trace_close(struct load_trace *t)
{
	trace_events_close(&t->events);
}

static bool has_room(struct load_trace *t)
{
	t->full |= t->events.n >= LOAD_TRACE_EVENTS;
	return !t->full;
}

/* ---- iterations ---- */

/* "prefill 512, decode 3": ui.perfetto.dev takes a slice's colour from its name without numbers, Chrome from
 * cname. */
static void add_pass(void *self, const struct served_pass *p)
{
	static const char *const kinds[LOAD_WORKS] = {
		[LOAD_DECODE] = "decode", [LOAD_MIXED] = "prefill and decode", [LOAD_PREFILL] = "prefill"};
	static const char *const colors[LOAD_WORKS] = {[LOAD_DECODE] = "thread_state_runnable",
						       [LOAD_MIXED] = "thread_state_running",
						       [LOAD_PREFILL] = "thread_state_iowait"};
	struct load_trace *t = self;
	struct str *out = t->events.out;
	const enum load_work work = load_work_of(p);
	const int64_t tokens = p->read + p->decodes;

	if (!has_room(t))
		return;
	trace_events_begin(&t->events, "X", p->server + 1, 1);
	str_add(out, ",\"name\":\"");
	if (p->read)
		str_addf(out, "prefill %" PRId64, p->read);
	else if (!p->decodes)
		str_add(out, "requests taken in");
	if (p->decodes)
		str_addf(out, "%sdecode %" PRId64, p->read ? ", " : "", p->decodes);
	str_addf(out, "\",\"cat\":\"%s\",\"cname\":\"%s\"", kinds[work], colors[work]);
	trace_events_us(&t->events, "ts", p->from_ns);
	trace_events_us(&t->events, "dur", p->to_ns - p->from_ns);
	str_addf(out,
		 ",\"args\":{\"iterations\":%" PRId64 ",\"decodes\":%" PRId64 ",\"prompt_tokens\":%" PRId64
		 ",\"prefill_share_of_tokens\":%.3f}}",
		 p->iterations, p->decodes, p->read, tokens ? (double)p->read / (double)tokens : 0);
}

/* ---- counters ---- */

static void add_counter(struct load_trace *t, const struct served_state *s, const char *name, int64_t value)
{
	trace_events_begin(&t->events, "C", s->server + 1, 1);
	trace_events_text(&t->events, "name", name);
	trace_events_us(&t->events, "ts", s->from_ns);
	str_addf(t->events.out, ",\"args\":{\"%s\":%" PRId64 "}}", name, value);
}

static void add_state(void *self, const struct served_state *s)
{
	struct load_trace *t = self;

	if (!has_room(t))
		return;
	add_counter(t, s, "running", s->running);
	add_counter(t, s, "waiting", s->waiting);
	add_counter(t, s, "KV blocks", s->kv_blocks);
}

/* ---- requests ---- */

static void add_edge(struct load_trace *t, const struct served_request *r, const char *phase,
		     const char *category, const char *name, sim_ns at_ns)
{
	trace_events_begin(&t->events, phase, t->served->servers_n + 1, 1);
	str_addf(t->events.out, ",\"cat\":\"%s\",\"id\":%" PRIu64 ",\"name\":\"%s\"", category, r->id, name);
	trace_events_us(&t->events, "ts", at_ns);
}

/* A phase of a request's life: from the first time to the second, or to the request's end where it never came
 * to that. */
static void add_phase(struct load_trace *t, const struct served_request *r, const char *name, sim_ns from_ns,
		      sim_ns to_ns)
{
	if (from_ns < 0)
		return;
	add_edge(t, r, "b", "request", name, from_ns);
	str_add(t->events.out, "}");
	add_edge(t, r, "e", "request", name, to_ns < 0 ? r->end_ns : to_ns);
	str_add(t->events.out, "}");
}

static void add_request(void *self, const struct served_request *r)
{
	struct load_trace *t = self;

	if (!has_room(t))
		return;
	add_edge(t, r, "b", "request", "request", r->arrive_ns);
	str_addf(t->events.out, ",\"args\":{\"request\":%" PRIu64 ",\"server\":", r->id);
	trace_events_value(&t->events, t->served->servers[r->server].name);
	trace_events_text(&t->events, "class", r->class_name);
	str_addf(t->events.out,
		 ",\"end\":\"%s\",\"prompt_tokens\":%" PRId64 ",\"output_tokens\":%" PRId64
		 ",\"cached_tokens\":%" PRId64 ",\"recomputed_tokens\":%" PRId64 ",\"preemptions\":%" PRId64
		 "}}",
		 r->end, r->prompt, r->tokens, r->cached, r->recomputed, r->preemptions);
	add_phase(t, r, "queue", r->arrive_ns, r->admitted_ns);
	add_phase(t, r, "prefill", r->admitted_ns, r->first_ns);
	add_phase(t, r, "decode", r->first_ns, r->last_ns);
	add_edge(t, r, "e", "request", "request", r->end_ns);
	str_add(t->events.out, "}");
	if (r->sent_ns < 0 || r->moved_ns < r->sent_ns)
		return;
	add_edge(t, r, "b", "transfer", "KV transfer", r->sent_ns);
	str_add(t->events.out, "}");
	add_edge(t, r, "e", "transfer", "KV transfer", r->moved_ns);
	str_add(t->events.out, "}");
}

struct served_to load_trace_listener(struct load_trace *t)
{
	return (struct served_to){add_pass, add_state, add_request, t};
}
