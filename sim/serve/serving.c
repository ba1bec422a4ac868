/* serving.c - see serving.h: the loop over events, in the order that run.h gives. */
#include "sim/serve/serving.h"

#include "sim/base/err.h"
#include "sim/base/least.h"
#include "sim/serve/router.h"
#include "sim/serve/transfers.h"

/* ---- events ---- */

static const struct happening never = {INT64_MAX, UINT64_MAX};

static void set_due(struct serve_run_state *run, uint32_t server, struct happening e)
{
	if (server == run->in_hand)
		run->in_hand = NO_SERVER;
	soonest_set(&run->servers, server, e);
}

void run_schedule(struct serve_run_state *run, uint32_t server, enum event_class class, int64_t at_ns)
{
	set_due(run, server, (struct happening){at_ns, (uint64_t) class << ORDER_BITS | server});
}

void run_cancel(struct serve_run_state *run, uint32_t server)
{
	set_due(run, server, never);
}

void run_timer(struct serve_run_state *run, int64_t at_ns,
	       void (*fire)(struct serve_run_state *, uint64_t, int64_t), uint64_t what)
{
	timers_put(&run->timers, (struct timer){at_ns, run->timers_set++, fire, what});
}

/* The first event, of servers' the one given; of a timer the time and the class alone. */
static inline struct happening first_event(const struct serve_run_state *run, struct happening server)
{
	if (run->timers.n && run->timers.at[0].at_ns <= server.at_ns)
		return (struct happening){run->timers.at[0].at_ns, (uint64_t)CLASS_TIMER << ORDER_BITS};
	return server;
}

/* ---- the end of a request ---- */

static void count(struct serve_result *r, enum request_end end)
{
	r->finished += end == REQUEST_DONE;
	r->refused += end == REQUEST_REFUSED;
	r->truncated += end == REQUEST_TRUNCATED;
	r->unfinished += end == REQUEST_UNFINISHED;
}

/* Who ends at the start of an iteration is answered a nanosecond later: the other servers' iterations of this
 * instant begin in any order, and what it makes its client send must be in none of them. */
static void tell_source(struct serve_run_state *run, const struct request *r, struct request_times *t)
{
	t->end_ns += run->composing;
	run->source->ended(run->source->self, r, t);
}

void run_tell_end(struct serve_run_state *run, uint32_t seq, enum request_end end, int64_t at_ns)
{
	struct seq *s = seq_at(run->slab, seq);
	/* what was read beyond the prompt's own tokens was read again */
	const int64_t again = s->t.read - (s->r.prompt - s->t.cached);

	/* admitted again, it may find more in the cache than at first */
	s->t.recomputed = again > 0 ? again : 0;
	s->t.cached -= again < 0 && s->t.tokens ? again : 0;
	s->t.end_ns = at_ns;
	s->t.end = end;
	count(run->result, end);
	run->ended = true;
	run->in_system--;
	if (run->observer->ended)
		run->observer->ended(run->observer->self, &s->r, &s->t);
	if (end != REQUEST_UNFINISHED && run->source->ended)
		tell_source(run, &s->r, &s->t);
}

void run_ended(struct serve_run_state *run, uint32_t seq, enum request_end end, int64_t at_ns)
{
	run_tell_end(run, seq, end, at_ns);
	slab_give(run->slab, seq);
}

/* ---- the loop ---- */

/* Who is preempted leaves blocks for hand-overs. */
static void compose(struct serve_run_state *run, uint32_t server, int64_t at_ns)
{
	replica_compose(&run->replicas[server], at_ns);
	if (run->replicas[server].pool == POOL_DECODE)
		transfers_room(run, server, at_ns);
}

/* The server's iterations are over. A new one starts at once if nothing else is due before it: an ended
 * request may have made an arrival of this instant. */
static void end_of_steps(struct serve_run_state *run, uint32_t server, int64_t at_ns)
{
	struct replica *p = &run->replicas[server];
	struct happening next;

	run->ended = false;
	replica_end_of_steps(p);
	if (p->pool == POOL_DECODE)
		transfers_room(run, server, at_ns);
	next = first_event(run, run->in_hand == server ? soonest_but(&run->servers, server)
						       : *soonest_first(&run->servers));
	if (run->ended || (next.at_ns <= at_ns && HAPPENING_CLASS(&next) < CLASS_START))
		run_schedule(run, server, CLASS_START, at_ns);
	else
		compose(run, server, at_ns);
}

static void handle(struct serve_run_state *run, struct happening e)
{
	struct timer t;

	if (run->in_system) /* a server that comes back to nobody does not make the run longer */
		run->result->end_ns = e.at_ns;
	if (HAPPENING_CLASS(&e) == CLASS_TIMER) {
		t = timers_take(&run->timers);
		t.fire(run, t.what, e.at_ns);
		return;
	}
	run->in_hand = HAPPENING_SERVER(&e);
	if (HAPPENING_CLASS(&e) == CLASS_STEP)
		end_of_steps(run, HAPPENING_SERVER(&e), e.at_ns);
	else
		compose(run, HAPPENING_SERVER(&e), e.at_ns);
	if (run->in_hand != NO_SERVER)
		run_cancel(run, run->in_hand);
}

/* Arrivals up to here come before the first event. */
static inline int64_t due_by(struct happening first, int64_t until_ns)
{
	return least(first.at_ns - (HAPPENING_CLASS(&first) < CLASS_ARRIVE), until_ns);
}

static void loop(struct serve_run_state *run)
{
	const struct serve_config *c = run->config;
	const struct request_source *source = run->source;
	const int64_t until_ns = c->until_ns ? c->until_ns : INT64_MAX;
	struct request r;

	while (!c->stop || !*c->stop) {
		const struct happening first = first_event(run, *soonest_first(&run->servers));
		const int64_t by_ns = due_by(first, until_ns);

		if (by_ns >= 0 && source->next(source->self, by_ns, &r)) {
			if (c->refresh_ns)
				router_clock(run->router, r.arrive_ns);
			run->result->arrived++;
			run->result->end_ns = r.arrive_ns;
			router_arrive(run->router, &r);
			continue;
		}
		if (first.at_ns == INT64_MAX)
			return;
		if (first.at_ns > until_ns)
			break;
		if (c->refresh_ns)
			router_clock(run->router, first.at_ns);
		handle(run, first);
	}
	run->result->stopped = true;
	if (c->until_ns && (!c->stop || !*c->stop))
		run->result->end_ns = c->until_ns;
}

/* ---- what cannot be ---- */

static int too_small(struct err *err, size_t server, const char *key, int64_t is, int64_t least)
{
	if (is >= least)
		return 0;
	return err_set(err, "server %zu: %s is %lld, less than %lld", server, key, (long long)is,
		       (long long)least);
}

static int small_batch(struct err *err, size_t server, int64_t is, int64_t least)
{
	if (!too_small(err, server, "batch", is, least))
		return 0;
	err_hint(err,
		 "each request that runs takes a token of it, and one for each that is drafted; llama.cpp "
		 "keeps one for prompts");
	return -1;
}

static int check_rules(const struct serve_settings *s, size_t i, struct err *err)
{
	switch (s->rules) {
	case SERVE_VLLM:
		return too_small(err, i, "seqs", s->seqs, 1) ||
		       small_batch(err, i, s->batched_tokens, s->seqs * (s->draft + 1));
	case SERVE_LLAMACPP:
		return too_small(err, i, "slots", s->slots, 1) || too_small(err, i, "ubatch", s->ubatch, 1) ||
		       small_batch(err, i, s->batch, s->slots * (s->draft + 1) + 1);
	case SERVE_MLX:
		return too_small(err, i, "prompts", s->prompts, 1) ||
		       too_small(err, i, "decodes", s->decodes, 1) || too_small(err, i, "step", s->step, 1);
	case SERVE_STATIC:
		return too_small(err, i, "seqs", s->seqs, 1);
	case SERVE_RULES_N:
	default:
		return err_set(err, "server %zu: unknown scheduler", i);
	}
}

static int check_groups(const struct serve_settings *s, size_t i, struct err *err)
{
	const struct kv_groups *g = &s->groups;

	if (!g->windowed)
		return too_small(err, i, "groups", g->full, 0);
	if (s->rules != SERVE_VLLM || s->draft || s->reserve_all || s->cache == CACHE_RADIX)
		return err_set(err, "server %zu: its scheduler gives no blocks of windowed layers back", i);
	return too_small(err, i, "full groups", g->full, 0) ||
	       too_small(err, i, "windowed groups", g->windowed, 1) ||
	       too_small(err, i, "window", g->window, 1);
}

static int check_settings(const struct serve_settings *s, size_t i, struct err *err)
{
	static const bool can[SERVE_RULES_N][CACHE_N] = {
		[SERVE_VLLM] = {[CACHE_NONE] = true, [CACHE_BLOCKS] = true, [CACHE_RADIX] = true},
		[SERVE_LLAMACPP] = {[CACHE_NONE] = true, [CACHE_SLOTS] = true},
		[SERVE_MLX] = {[CACHE_NONE] = true, [CACHE_WHOLE] = true},
		[SERVE_STATIC] = {[CACHE_NONE] = true},
	};

	if (too_small(err, i, "block", s->block, 1) || too_small(err, i, "kv_blocks", s->kv_blocks, 0) ||
	    too_small(err, i, "context", s->context, 0) || too_small(err, i, "draft", s->draft, 0) ||
	    check_rules(s, i, err))
		return -1;
	if (s->rules != SERVE_VLLM && s->rules != SERVE_STATIC && s->block != 1)
		return err_set(err, "server %zu: its runtime has KV cells, not blocks: block must be 1 token",
			       i);
	if ((unsigned)s->cache >= CACHE_N || !can[s->rules][s->cache])
		return err_set(err, "server %zu: its scheduler has no such prefix cache", i);
	if (too_small(err, i, "state_blocks", s->state_blocks, 0) || check_groups(s, i, err))
		return -1;
	if (s->kv_blocks && settings_tokens(s) <= s->draft + 1)
		return err_set(err, "server %zu: the KV cache holds %lld tokens", i,
			       (long long)settings_tokens(s));
	return 0;
}

static int check_pools(const struct serve_config *c, struct err *err)
{
	size_t n[3] = {0};

	for (size_t i = 0; i < c->servers_n; i++) {
		n[c->servers[i].pool]++;
		if (c->servers[i].pool != POOL_WHOLE && c->servers[i].set->rules == SERVE_STATIC)
			return err_set(err, "server %zu: static batches cannot be prefill or decode pools",
				       i);
	}
	if (!n[POOL_PREFILL] && !n[POOL_DECODE])
		return 0;
	if (n[POOL_WHOLE] || !n[POOL_PREFILL] || !n[POOL_DECODE])
		return err_set(err, "pools need prefill and decode servers, and no others beside them");
	for (size_t i = 0; i < c->links.wires_n; i++)
		if (!(c->links.Bps[i] > 0) || c->links.Bps[i] > 1e18)
			return err_set(err, "wire %zu carries %g B/s", i, c->links.Bps[i]);
	return 0;
}

static int check_pipelines(const struct serve_config *c, struct err *err)
{
	for (size_t i = 0; i < c->servers_n; i++) {
		const struct serve_server *s = &c->servers[i];

		if (!s->pipeline)
			continue;
		if (s->pipeline > c->servers_n || s->time->stages < 2 || !s->time->stages_fs)
			return err_set(err, "server %zu: it is no pipeline", i);
		if (s->pool != POOL_WHOLE)
			return err_set(err, "server %zu: a pipeline of several batches cannot be in a pool",
				       i);
	}
	return 0;
}

int serve_check(const struct serve_config *c, struct err *err)
{
	if (!c->servers_n)
		return err_set(err, "no server");
	if (check_pipelines(c, err))
		return -1;
	for (size_t i = 0; i < c->servers_n; i++)
		if (check_settings(c->servers[i].set, i, err))
			return -1;
	for (size_t i = 0; i < c->downs_n; i++)
		if (c->downs[i].server >= c->servers_n || c->downs[i].from_ns < 0 || c->downs[i].for_ns < 0)
			return err_set(err, "failure %zu: no such server, or a negative time", i);
	return check_pools(c, err);
}

/* ---- beginning and end ---- */

/* The first server of a pipeline says what stages it has. */
static void make_pipelines(struct serve_run_state *run)
{
	const struct serve_config *c = run->config;

	run->pipelines = xcalloc(c->servers_n + 1, sizeof *run->pipelines);
	for (size_t i = 0; i < c->servers_n; i++) {
		struct tandem *p = &run->pipelines[c->servers[i].pipeline];

		if (c->servers[i].pipeline && !p->stages)
			*p = tandem_new(c->servers[i].time->stages);
	}
}

/* Prompt and answer of a request must fit wherever it goes. */
static bool pools(struct serve_run_state *run)
{
	const struct serve_config *c = run->config;
	int64_t context = INT64_MAX;
	bool any = false;

	for (size_t i = 0; i < c->servers_n; i++) {
		any |= c->servers[i].pool != POOL_WHOLE;
		if (run->replicas[i].context < context)
			context = run->replicas[i].context;
	}
	for (size_t i = 0; any && i < c->servers_n; i++)
		run->replicas[i].context = context;
	return any;
}

static void start(struct serve_run_state *run)
{
	const struct serve_config *c = run->config;

	run->slab = slab_new();
	run->replicas = xcalloc(c->servers_n, sizeof *run->replicas);
	soonest_start(&run->servers, (uint32_t)c->servers_n, never);
	run->in_hand = NO_SERVER;
	make_pipelines(run);
	for (uint32_t i = 0; i < c->servers_n; i++) {
		struct replica *p = &run->replicas[i];

		p->run = run;
		p->slab = run->slab;
		p->index = i;
		p->set = c->servers[i].set;
		p->time = c->servers[i].time;
		p->pool = c->servers[i].pool;
		p->pipeline = c->servers[i].pipeline ? &run->pipelines[c->servers[i].pipeline] : NULL;
		p->each_iteration = c->each_iteration;
		replica_start(p);
	}
	run->router = router_new(run);
	if (pools(run))
		run->transfers = transfers_new(run);
}

/* Whoever is still there is told as unfinished; then nobody holds a block. */
static void end_server(struct serve_run_state *run, struct replica *p)
{
	const int64_t end_ns = run->result->end_ns;

	replica_flush(p, end_ns);
	replica_stop(p, end_ns);
	replica_flush(p, end_ns);
	p->books.busy_ns = (int64_t)(p->busy_fs / FS_PER_NS);
	p->books.kv_block_ns = p->told.kv_block_ns;
	p->books.blocks_taken = (int64_t)p->kv.taken;
	p->books.most_blocks = p->kv.most;
	p->books.blocks_given = (int64_t)p->kv.given;
	if (run->result->books)
		run->result->books[p->index] = p->books;
}

void serve_run(const struct serve_config *c, const struct request_source *source,
	       const struct observer *observer, struct serve_result *result)
{
	struct serve_run_state run = {.config = c, .source = source, .observer = observer, .result = result};
	struct serve_books *books = result->books;

	*result = (struct serve_result){.books = books};
	start(&run);
	loop(&run);
	router_stop(run.router, result->end_ns);
	if (run.transfers)
		transfers_stop(&run, result->end_ns);
	for (size_t i = 0; i < c->servers_n; i++)
		end_server(&run, &run.replicas[i]);
	for (size_t i = 0; i < c->servers_n; i++)
		replica_release(&run.replicas[i]);
	for (size_t i = 0; i <= c->servers_n; i++)
		tandem_release(&run.pipelines[i]);
	free(run.pipelines);
	router_free(run.router);
	transfers_free(run.transfers);
	free(run.replicas);
	soonest_release(&run.servers);
	timers_release(&run.timers);
	slab_free(run.slab);
}
