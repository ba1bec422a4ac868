/* router.c - see router.h. */
#include "sim/serve/router.h"

#include <string.h>

#include "sim/base/err.h"
#include "sim/base/least.h"
#include "sim/base/rng.h"
#include "sim/base/winners.h"
#include "sim/serve/transfers.h"
#include "sim/stats/logbuckets.h"

#define DOWN INT64_MAX /* a load that nobody is sent to */

/* A server as the router sees it. */
struct seen {
	int64_t load;
	uint64_t who; /* place among those of its group : 32, weight : 32, all 1 where none is given */
};
#define PLACE(s)  ((uint32_t)((s)->who >> 32))
#define WEIGHT(s) ((uint32_t)(s)->who)

/* Weighted, what a server has in hand with the next request, for each unit of its weight: so the greatest of idle
 * ones comes first. As Envoy's least_request balancer, whose weights are divided by active requests + 1, and HAProxy's
 * leastconn; nginx's least_conn compares without the one. */
static inline bool lighter(const struct seen *a, const struct seen *b)
{
	if (WEIGHT(a) == WEIGHT(b) || a->load == DOWN || b->load == DOWN)
		return a->load < b->load;
	return (wide_int)(a->load + 1) * WEIGHT(b) < (wide_int)(b->load + 1) * WEIGHT(a);
}

static inline bool seen_before(const struct seen *a, const struct seen *b)
{
	if (WEIGHT(a) == WEIGHT(b))
		return ((wide_key)a->load << 64 | a->who) < ((wide_key)b->load << 64 | b->who);
	return lighter(a, b) || (!lighter(b, a) && PLACE(a) < PLACE(b));
}
WINNERS_DEFINE(lightest, struct seen, seen_before);

/* Servers among which a request may go. */
struct group {
	enum serve_route route;
	uint32_t *servers;
	uint32_t n, turn;
	bool weighted;            /* the weights of its servers differ */
	struct lightest lightest; /* of what the router sees of them */
	int64_t *credit;          /* in turn by weight: what each has been owed so far */
	struct rng *rng;
};

struct router {
	struct serve_run_state *run;
	struct group first, decode; /* decode: empty without pools */
	uint32_t *place;            /* of each server in its group */
	int64_t refresh_ns, next_ns;
	VEC(uint32_t) homeless; /* requests that came while every server was down */
};

/* ---- loads ---- */

static int64_t load(const struct group *g, const struct replica *p)
{
	if (p->down)
		return DOWN;
	return g->route == ROUTE_LEAST_TOKENS ? p->load_tokens : p->load_requests;
}

static struct group *group_of(struct router *r, const struct replica *p)
{
	return p->pool == POOL_DECODE ? &r->decode : &r->first;
}

static const struct seen *seen_of(const struct router *r, const struct group *g, uint32_t server)
{
	return lightest_at(&g->lightest, r->place[server]);
}

static uint32_t lightest(const struct group *g)
{
	return g->servers[PLACE(lightest_first(&g->lightest))];
}

static void see(struct router *r, uint32_t server)
{
	const struct replica *p = &r->run->replicas[server];
	struct group *g = group_of(r, p);
	const uint64_t who = seen_of(r, g, server)->who;

	lightest_set(&g->lightest, r->place[server], (struct seen){load(g, p), who});
}

void router_load(struct router *r, uint32_t server)
{
	if (!r->refresh_ns)
		see(r, server);
}

void router_clock(struct router *r, int64_t at_ns)
{
	if (at_ns < r->next_ns)
		return;
	for (uint32_t i = 0; i < r->run->config->servers_n; i++)
		see(r, i);
	r->next_ns = (at_ns / r->refresh_ns + 1) * r->refresh_ns;
}

/* ---- choices ---- */

static bool up(const struct router *r, uint32_t server)
{
	return !r->run->replicas[server].down;
}

static uint32_t from_turn(const struct router *r, const struct group *g, uint32_t turn)
{
	for (uint32_t i = 0; i < g->n; i++)
		if (up(r, g->servers[(turn + i) % g->n]))
			return (turn + i) % g->n;
	return SEQ_NONE;
}

/* The server that a number below all weights together falls on. */
static uint32_t by_weight(const struct group *g, double share)
{
	int64_t all = 0, upto = 0;
	uint32_t i = 0;

	for (uint32_t k = 0; k < g->n; k++)
		all += WEIGHT(lightest_at(&g->lightest, k));
	while (i + 1 < g->n && (double)(upto += WEIGHT(lightest_at(&g->lightest, i))) <= share * (double)all)
		i++;
	return i;
}

static uint32_t at_random(const struct router *r, const struct group *g)
{
	if (g->weighted)
		return g->servers[from_turn(r, g, by_weight(g, rng_uniform(g->rng)))];
	return g->servers[from_turn(r, g, (uint32_t)(rng_uniform(g->rng) * g->n) % g->n)];
}

static uint32_t two_choices(const struct router *r, const struct group *g)
{
	const uint32_t a = at_random(r, g), b = at_random(r, g);

	return lighter(seen_of(r, g, b), seen_of(r, g, a)) ? b : a;
}

static uint32_t longest_prefix(const struct router *r, const struct group *g, const struct request *q,
			       int64_t at_ns)
{
	uint32_t best = lightest(g);
	int64_t most = 0;

	for (uint32_t i = 0; i < g->n; i++) {
		struct replica *p = &r->run->replicas[g->servers[i]];
		int64_t hit;

		if (p->down || !p->rules->hit)
			continue;
		replica_sync(p, at_ns);
		hit = p->rules->hit(p, q);
		if (hit > most ||
		    (hit == most && hit && lighter(seen_of(r, g, p->index), seen_of(r, g, best)))) {
			most = hit;
			best = p->index;
		}
	}
	return best;
}

/* A conversation goes where its number says (splitmix64), or to the next one that is up. */
static uint32_t of_session(const struct router *r, const struct group *g, const struct request *q)
{
	uint64_t x = (q->session ? q->session : q->id) + 0x9e3779b97f4a7c15u;

	x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
	x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
	x ^= x >> 31;
	return g->servers[from_turn(r, g, (uint32_t)(x % g->n))];
}

/* Each is owed its weight at every request, and the one that is owed most gets the request and owes all weights: nginx's
 * smooth weighted round robin (ngx_http_upstream_get_peer(), src/http/ngx_http_upstream_round_robin.c). */
static uint32_t in_turn_by_weight(const struct router *r, const struct group *g)
{
	int64_t all = 0;
	uint32_t best = SEQ_NONE;

	for (uint32_t i = 0; i < g->n; i++) {
		const int64_t weight = WEIGHT(lightest_at(&g->lightest, i));

		if (!up(r, g->servers[i]))
			continue;
		g->credit[i] += weight;
		all += weight;
		if (best == SEQ_NONE || g->credit[i] > g->credit[best])
			best = i;
	}
	g->credit[best] -= all;
	return g->servers[best];
}

static uint32_t in_turn(const struct router *r, struct group *g)
{
	const uint32_t i = from_turn(r, g, g->turn);

	if (g->weighted)
		return in_turn_by_weight(r, g);
	g->turn = (i + 1) % g->n;
	return g->servers[i];
}

/* At least one server of the group is up. */
static uint32_t choose(const struct router *r, struct group *g, const struct request *q, int64_t at_ns)
{
	switch (g->route) {
	case ROUTE_RANDOM:
		return at_random(r, g);
	case ROUTE_TWO_CHOICES:
		return two_choices(r, g);
	case ROUTE_PREFIX:
		return longest_prefix(r, g, q, at_ns);
	case ROUTE_SESSION:
		return of_session(r, g, q);
	case ROUTE_LEAST_REQUESTS:
	case ROUTE_LEAST_TOKENS:
		/* what the router sees may be old: a server that is down is passed over */
		return up(r, lightest(g)) ? lightest(g) : g->servers[from_turn(r, g, 0)];
	case ROUTE_ROUND_ROBIN:
	case ROUTE_N:
	default:
		return in_turn(r, g);
	}
}

static void send(struct router *r, const struct waiter *w, int64_t at_ns)
{
	const uint32_t server = choose(r, &r->first, &w->r, at_ns);

	replica_arrive(&r->run->replicas[server], w, at_ns);
}

static bool anyone_up(const struct router *r, const struct group *g)
{
	return g->n && from_turn(r, g, 0) != SEQ_NONE;
}

/* ---- requests ---- */

static uint32_t hold(struct router *r, const struct waiter *w)
{
	const uint32_t seq =
		w->seq == SEQ_NONE ? replica_make(&r->run->replicas[r->first.servers[0]], w) : w->seq;

	VEC_ADD(&r->homeless, seq);
	return seq;
}

/* HTTP and the tokenizer have done their part. */
static void tokenized(struct serve_run_state *run, uint64_t seq, int64_t at_ns)
{
	struct router *r = run->router;
	const struct waiter w = {seq_at(run->slab, (uint32_t)seq)->r, at_ns, SEQ_NONE};

	slab_give(run->slab, (uint32_t)seq); /* a queue may be long: it keeps the request alone */
	if (anyone_up(r, &r->first))
		send(r, &w, at_ns);
	else
		hold(r, &w);
}

void router_arrive(struct router *r, const struct request *request)
{
	const struct waiter w = {*request, request->arrive_ns, SEQ_NONE};
	const struct replica *any = &r->run->replicas[r->first.servers[0]];
	const struct serve_settings *set = any->set;
	const int64_t delay_ns = set->request_ns + set->prompt_token_fs * request->prompt / FS_PER_NS;

	r->run->in_system++;
	if (delay_ns)
		run_timer(r->run, request->arrive_ns + delay_ns, tokenized, replica_make(any, &w));
	else if (anyone_up(r, &r->first))
		send(r, &w, request->arrive_ns);
	else
		hold(r, &w);
}

void router_again(struct router *r, uint32_t seq, int64_t at_ns)
{
	const struct seq *s = seq_at(r->run->slab, seq);
	const struct waiter w = {s->r, s->t.queued_ns, seq};

	if (anyone_up(r, &r->first))
		send(r, &w, at_ns);
	else
		hold(r, &w);
}

uint32_t router_decode(struct router *r, const struct request *request, int64_t at_ns)
{
	return anyone_up(r, &r->decode) ? choose(r, &r->decode, request, at_ns) : SEQ_NONE;
}

/* ---- failures ---- */

static void back_up(struct serve_run_state *run, uint64_t server, int64_t at_ns)
{
	struct router *r = run->router;
	const size_t n = r->homeless.n;

	run->replicas[server].down = false;
	see(r, (uint32_t)server);
	replica_wake(&run->replicas[server], at_ns);
	for (size_t i = 0; i < n && anyone_up(r, &r->first); i++)
		router_again(r, r->homeless.at[i], at_ns);
	if (anyone_up(r, &r->first))
		r->homeless.n = 0;
	if (run->transfers)
		transfers_retry(run, at_ns);
}

static void goes_down(struct serve_run_state *run, uint64_t which, int64_t at_ns)
{
	const struct serve_down *d = &run->config->downs[which];
	struct replica *p = &run->replicas[d->server];

	if (d->for_ns)
		run_timer(run, at_ns + d->for_ns, back_up, d->server);
	if (p->down)
		return;
	p->down = true;
	see(run->router, p->index);
	replica_go_down(p, at_ns);
	if (run->transfers)
		transfers_retry(run, at_ns);
}

/* ---- beginning and end ---- */

static void group_new(struct router *r, struct group *g, enum serve_route route, bool decode)
{
	const struct serve_config *c = r->run->config;

	*g = (struct group){.route = route,
			    .servers = xcalloc(c->servers_n, sizeof *g->servers),
			    .credit = xcalloc(c->servers_n, sizeof *g->credit),
			    .rng = rng_new(c->seed, decode ? "serve.route.decode" : "serve.route")};
	for (uint32_t i = 0; i < c->servers_n; i++)
		if ((c->servers[i].pool == POOL_DECODE) == decode) {
			r->place[i] = g->n;
			g->servers[g->n++] = i;
		}
	if (g->n)
		lightest_start(&g->lightest, g->n, (struct seen){DOWN, UINT64_MAX});
	for (uint32_t k = 0; k < g->n; k++) {
		const uint32_t weight = (uint32_t)most(c->servers[g->servers[k]].weight, 1);

		lightest_set(&g->lightest, k, (struct seen){0, (uint64_t)k << 32 | weight});
		g->weighted |= weight != WEIGHT(lightest_at(&g->lightest, 0));
	}
}

static void group_free(struct group *g)
{
	free(g->servers);
	free(g->credit);
	lightest_release(&g->lightest);
	rng_free(g->rng);
}

struct router *router_new(struct serve_run_state *run)
{
	const struct serve_config *c = run->config;
	struct router *r = xcalloc(1, sizeof *r);

	r->run = run;
	r->refresh_ns = c->refresh_ns;
	r->next_ns = c->refresh_ns;
	r->place = xcalloc(c->servers_n, sizeof *r->place);
	group_new(r, &r->first, c->route, false);
	group_new(r, &r->decode, c->route_decode, true);
	for (size_t i = 0; i < c->downs_n; i++)
		run_timer(run, c->downs[i].from_ns, goes_down, i);
	return r;
}

void router_stop(struct router *r, int64_t at_ns)
{
	for (size_t i = 0; i < r->homeless.n; i++)
		run_ended(r->run, r->homeless.at[i], REQUEST_UNFINISHED, at_ns);
	r->homeless.n = 0;
	for (size_t i = 0; i < r->run->timers.n; i++)
		if (r->run->timers.at[i].fire == tokenized)
			run_ended(r->run, (uint32_t)r->run->timers.at[i].what, REQUEST_UNFINISHED, at_ns);
}

void router_free(struct router *r)
{
	group_free(&r->first);
	group_free(&r->decode);
	free(r->place);
	VEC_FREE(&r->homeless);
	free(r);
}
