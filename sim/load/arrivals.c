/* arrivals.c - see arrivals.h. */
#include "sim/load/arrivals.h"

#include <stdlib.h>

#include "sim/base/units.h"
#include "sim/load/conversations.h"
#include "sim/load/time_heap.h"
#include "sim/load/trace.h"
#include "sim/load/variates.h"

enum { SECOND = 1000000000 };
#define BEGINS UINT64_MAX /* in `pending`: a user begins a conversation; else the place of one that goes on */

/* A trace's prefix chains live until the request ends; they hang in a ring, for those that never do. */
struct ring {
	struct ring *before, *after;
};
struct chain {
	struct ring ring;
	struct prefix_piece pieces[];
};

struct arrivals {
	const struct serve *s;
	struct arena arena;
	struct conversation_class *classes;
	double *upto; /* cumulative probability that a conversation is of a class */
	size_t classes_n;
	struct conversations conversations;
	struct rng *of_gap, *of_class, *of_pause;
	double begin_rate; /* conversations that begin per second */
	double scale;      /* factor on every gap between arrivals */
	double open_s;     /* open loads: when the last one was due */
	uint64_t opened;
	bool ready, over; /* open_ns is known; the open load has no more */
	int64_t open_ns;
	struct time_heap pending;
	struct trace *trace;
	struct trace_row row;
	struct ring ring;
	struct err err;
	uint64_t made, in_flight;
	int64_t freed_ns, last_ns; /* when a place at the client became free; the last arrival */
	int64_t quiet_ns;          /* nothing is due before, until a request ends */
};

static struct rng *stream(struct arrivals *a, uint64_t seed, const char *of, const char *what,
			  int replication)
{
	return rng_new(seed,
		       arena_printf(&a->arena, "serve.%s%s%s.%d", of, *of ? "." : "", what, replication));
}

static struct prefix_piece *systems_of(struct arrivals *a, const struct conversation_class *c,
				       size_t class_id)
{
	struct prefix_piece *p;

	if (!c->system)
		return NULL;
	p = arena_array(&a->arena, (size_t)c->groups, sizeof *p);
	for (int64_t g = 0; g < c->groups; g++)
		p[g] = (struct prefix_piece){(uint64_t)class_id << 32 | (uint64_t)g, c->system};
	return p;
}

static void add_class(struct arrivals *a, const struct load_class *from, uint64_t seed, int replication)
{
	const size_t id = a->classes_n++;
	const struct prefix_law *p = from->prefix;
	struct conversation_class *c = &a->classes[id];
	const char *name = from->origin.name;
	const struct yml *thinks = p ? yml_get(p->origin.node, "think") : NULL;

	*c = (struct conversation_class){.prompt = lengths_of(&a->arena, &from->prompt),
					 .output = lengths_of(&a->arena, &from->output),
					 .of_prompt = stream(a, seed, name, "prompt", replication),
					 .of_output = stream(a, seed, name, "output", replication),
					 .of_group = stream(a, seed, name, "group", replication),
					 .of_think = stream(a, seed, name, "think", replication),
					 .turns = p ? p->turns : 1,
					 .groups = p ? p->groups : 1,
					 .system = p ? p->system : 0,
					 .think = thinks ? p->think : a->s->arrivals.think,
					 .priority = (int32_t)from->priority,
					 .own_seed = from->own_seed};
	c->systems = systems_of(a, c, id);
	a->upto[id] = (id ? a->upto[id - 1] : 0) + from->share / (double)c->turns;
}

static void add_classes(struct arrivals *a, uint64_t seed, int replication)
{
	const struct load_class *c = a->s->classes.at;
	const size_t n = a->s->classes.n;
	double sum = 0;

	a->classes = arena_array(&a->arena, n, sizeof *a->classes);
	a->upto = arena_array(&a->arena, n, sizeof *a->upto);
	for (size_t i = 0; i < n; i++) {
		sum += c[i].share;
		add_class(a, &c[i], seed, replication);
	}
	a->begin_rate = a->s->arrivals.rate * a->upto[n - 1] / sum;
	for (size_t i = 0; i < n; i++)
		a->upto[i] /= a->upto[n - 1];
	a->conversations.classes = a->classes;
}

/* Gaps of mean 1. */
static double gap(struct rng *r, double burstiness)
{
	return burstiness == 1 ? exact_exponential(r, 1) : exact_gamma(r, burstiness) / burstiness;
}

/* vLLM's benchmark stretches its gaps so that the last of N requests comes at N / rate
 * (vllm/benchmarks/serve.py @009e6d4, get_request). Drawn twice rather than kept. */
static double exact_scale(const struct serve *s, struct rng *again)
{
	double sum = 0;

	for (int64_t i = 0; i < s->requests; i++)
		sum += gap(again, s->arrivals.burstiness);
	return (double)s->requests / sum;
}

static void begin_users(struct arrivals *a)
{
	const struct arrivals_law *l = &a->s->arrivals;

	for (int64_t i = 0; i < l->users; i++)
		time_heap_add(&a->pending,
			      l->think > 0 ? exact_ns(exact_exponential(a->of_pause, l->think)) : 0, BEGINS);
}

struct arrivals *arrivals_new(const struct serve *s, uint64_t seed, int replication, struct err *err)
{
	const struct trace_how how = {s->arrivals.speed, s->arrivals.skip_failed};
	struct arrivals *a = xcalloc(1, sizeof *a);
	struct rng *again;

	a->s = s;
	a->scale = 1;
	a->ring.before = a->ring.after = &a->ring;
	a->of_gap = stream(a, seed, "", "arrivals", replication);
	a->of_class = stream(a, seed, "", "class", replication);
	a->of_pause = stream(a, seed, "", "pause", replication);
	a->over = s->arrivals.kind == ARRIVALS_USERS;
	add_classes(a, seed, replication);
	if (s->arrivals.kind == ARRIVALS_TRACE) {
		a->trace = trace_open(s->arrivals.trace, &how, err);
		if (a->trace)
			return a;
		arrivals_free(a);
		return NULL;
	}
	if (s->arrivals.kind == ARRIVALS_RATE && s->arrivals.exact_rate) {
		again = stream(a, seed, "", "arrivals", replication);
		a->scale = exact_scale(s, again);
		rng_free(again);
	}
	begin_users(a);
	return a;
}

void arrivals_free(struct arrivals *a)
{
	if (!a)
		return;
	for (size_t i = 0; i < a->classes_n; i++) {
		rng_free(a->classes[i].of_prompt);
		rng_free(a->classes[i].of_output);
		rng_free(a->classes[i].of_group);
		rng_free(a->classes[i].of_think);
	}
	rng_free(a->of_gap);
	rng_free(a->of_class);
	rng_free(a->of_pause);
	for (struct ring *c = a->ring.after, *after; c != &a->ring; c = after) {
		after = c->after;
		free(c); /* a chain begins with it */
	}
	trace_close(a->trace);
	conversations_release(&a->conversations);
	time_heap_release(&a->pending);
	arena_release(&a->arena);
	free(a);
}

/* When the next one of an open load is due; over, where there is none. */
static void make_ready(struct arrivals *a)
{
	const struct arrivals_law *l = &a->s->arrivals;

	if (a->ready || a->over)
		return;
	switch (l->kind) {
	case ARRIVALS_RATE:
		a->open_s += gap(a->of_gap, l->burstiness) * a->scale / a->begin_rate;
		a->open_ns = exact_ns(a->open_s);
		break;
	case ARRIVALS_EVERY:
		a->open_ns = exact_ns((double)(a->opened + 1) * l->every);
		break;
	case ARRIVALS_ALL_AT:
		a->open_ns = exact_ns(l->all_at);
		break;
	case ARRIVALS_TRACE:
		a->over = trace_next(a->trace, &a->row, &a->err) != 1;
		a->open_ns = a->row.arrive_ns;
		break;
	}
	a->opened++;
	a->ready = !a->over;
}

/* The earliest thing that is due and still counts: true, and whether it is the open load's. */
static bool first_due(struct arrivals *a, int64_t *ns, bool *open)
{
	const struct serve *s = a->s;
	const struct time_heap_entry *e;

	if (s->requests && a->made >= (uint64_t)s->requests)
		return false;
	make_ready(a);
	e = time_heap_first(&a->pending);
	if (!e && !a->ready)
		return false;
	*open = a->ready && (!e || a->open_ns < e->ns);
	*ns = *open ? a->open_ns : e->ns;
	return !(s->span > 0) || *ns <= exact_ns(s->span);
}

/* When the next arrival is due as things stand: an ended() may make an earlier one. */
static bool peek(struct arrivals *a, int64_t *at_ns)
{
	const uint64_t most = (uint64_t)a->s->max_in_flight;
	bool open;

	if ((most && a->in_flight >= most) || !first_due(a, at_ns, &open))
		return false;
	/* one that was held at the client leaves when a place became free */
	if (most && *at_ns < a->freed_ns)
		*at_ns = a->freed_ns;
	if (*at_ns < a->last_ns)
		*at_ns = a->last_ns;
	return true;
}

static const struct prefix_piece *chain_of(struct arrivals *a)
{
	const struct trace_row *row = &a->row;
	struct chain *c;

	if (!row->blocks_n)
		return NULL;
	c = xmalloc(sizeof *c + row->blocks_n * sizeof c->pieces[0]);
	for (size_t i = 0; i < row->blocks_n; i++) {
		const int64_t rest = row->prompt - (int64_t)i * TRACE_BLOCK;

		c->pieces[i] = (struct prefix_piece){row->blocks[i], rest < TRACE_BLOCK ? rest : TRACE_BLOCK};
	}
	c->ring = (struct ring){&a->ring, a->ring.after};
	c->ring.after->before = a->ring.after = &c->ring;
	return c->pieces;
}

static uint32_t draw_class(struct arrivals *a)
{
	const double u = a->classes_n > 1 ? rng_uniform(a->of_class) : 0;
	uint32_t i = 0;

	while (i + 1 < a->classes_n && u > a->upto[i])
		i++;
	return i;
}

static void take_open(struct arrivals *a, struct request *out)
{
	const uint32_t k = draw_class(a);

	a->ready = false;
	if (a->trace)
		*out = (struct request){.prompt = a->row.prompt,
					.output = a->row.output,
					.class_id = k,
					.priority = a->classes[k].priority,
					.session = a->row.session,
					.prefix = chain_of(a),
					.prefix_n = (uint32_t)a->row.blocks_n,
					.own_seed = a->classes[k].own_seed};
	else
		conversations_begin(&a->conversations, k, out);
}

static void take_due(struct arrivals *a, struct request *out)
{
	const uint64_t what = time_heap_first(&a->pending)->what;

	time_heap_drop(&a->pending);
	if (what == BEGINS)
		conversations_begin(&a->conversations, draw_class(a), out);
	else
		conversations_turn(&a->conversations, (size_t)what, out);
}

static bool next(void *self, int64_t by_ns, struct request *out)
{
	struct arrivals *a = self;
	int64_t at, due;
	bool any, open;

	if (by_ns < a->quiet_ns)
		return false;
	any = peek(a, &at);
	a->quiet_ns = any ? at : INT64_MAX;
	if (!any || at > by_ns || !first_due(a, &due, &open))
		return false;
	if (open)
		take_open(a, out);
	else
		take_due(a, out);
	out->id = a->made++;
	out->arrive_ns = a->last_ns = at;
	a->in_flight++;
	return true;
}

static void trace_ended(const struct request *r)
{
	struct chain *c;

	if (!r->prefix)
		return;
	c = (struct chain *)((char *)(uintptr_t)r->prefix - offsetof(struct chain, pieces));
	c->ring.before->after = c->ring.after;
	c->ring.after->before = c->ring.before;
	free(c);
}

static void user_asks_again(struct arrivals *a, const struct request_times *t)
{
	const double think = a->s->arrivals.think;
	int64_t pause = think > 0 ? exact_ns(exact_exponential(a->of_pause, think)) : 0;

	if (t->end == REQUEST_REFUSED && pause < SECOND)
		pause = SECOND; /* else a load of refused requests would never get on */
	time_heap_add(&a->pending, t->end_ns + pause, BEGINS);
}

static void ended(void *self, const struct request *r, const struct request_times *t)
{
	struct arrivals *a = self;
	int64_t think_ns;
	size_t place;

	BUG_ON(!a->in_flight);
	a->in_flight--;
	a->quiet_ns = 0;
	a->freed_ns = t->end_ns > a->freed_ns ? t->end_ns : a->freed_ns;
	if (a->trace)
		trace_ended(r);
	else if (conversations_ended(&a->conversations, r, t, &place, &think_ns))
		time_heap_add(&a->pending, t->end_ns + think_ns, place);
	else if (a->s->arrivals.kind == ARRIVALS_USERS && t->end != REQUEST_UNFINISHED)
		user_asks_again(a, t);
}

struct request_source arrivals_source(struct arrivals *a)
{
	return (struct request_source){next, ended, a};
}

uint64_t arrivals_made(const struct arrivals *a)
{
	return a->made;
}

struct trace_skipped arrivals_skipped(const struct arrivals *a)
{
	return a->trace ? trace_skipped(a->trace) : (struct trace_skipped){0, 0};
}

int arrivals_error(const struct arrivals *a, struct err *err)
{
	if (!a->err.msg[0])
		return 0;
	err_set(err, "%s", a->err.msg);
	return err_hint(err, "%s", a->err.hint);
}

/* ---- before a run ---- */

double arrivals_last_s(const struct serve *s, uint64_t requests)
{
	const struct arrivals_law *l = &s->arrivals;
	const double n = (double)requests;
	double last = 0;

	if (l->kind == ARRIVALS_RATE)
		last = n / l->rate;
	else if (l->kind == ARRIVALS_EVERY)
		last = n * l->every;
	else if (l->kind == ARRIVALS_USERS)
		last = n / (double)l->users * l->think;
	return s->span > 0 && (s->span < last || !requests) ? s->span : last;
}

/* As if each request were answered at once. */
static int read_trace(const struct serve *s, struct err *err)
{
	struct arrivals *a = arrivals_new(s, 0, 0, err);
	struct request r;
	int rc;

	if (!a)
		return -1;
	while (next(a, INT64_MAX, &r))
		ended(a, &r, &(struct request_times){.end_ns = r.arrive_ns});
	rc = arrivals_error(a, err);
	arrivals_free(a);
	return rc;
}

int arrivals_check(const struct serve *s, uint64_t requests, struct err *err)
{
	const uint64_t n = s->requests ? (uint64_t)s->requests : serve_open_ended(s) ? requests : 0;
	const double last = arrivals_last_s(s, n);

	if (s->arrivals.kind == ARRIVALS_TRACE)
		return read_trace(s, err);
	if (last <= ARRIVALS_LONGEST_S)
		return 0;
	err_set(err, "arrivals: the load lasts %s years, a run at most 280",
		units_digits(last / (365.25 * 86400), 3).text);
	return err_hint(err, "let requests come faster, or say how many with 'requests'");
}
