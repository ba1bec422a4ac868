/* transfers.c - see transfers.h; wires.c has the flows. */
#include "sim/serve/transfers.h"

#include "sim/base/err.h"
#include "sim/serve/router.h"
#include "sim/serve/wires.h"

/* One prompt on its way, from its first piece (stream) or its last (else) until its KV cache has arrived. */
struct move {
	uint32_t seq, from, to; /* to: SEQ_NONE until a server is chosen */
	int64_t sent;           /* tokens whose bytes have been handed to the wires, or need not be sent */
	int64_t flows;          /* under way */
	int64_t due_ns;         /* when it arrives, once all is sent */
	bool room;              /* blocks are set apart at the other end */
	bool read;              /* the whole prompt is */
	bool live, queued;
};

struct line {
	VEC(uint32_t) moves;
	size_t first;
};

struct transfers {
	struct serve_run_state *run;
	VEC(struct move) moves; /* by the sequence's `move` */
	VEC(uint32_t) spare;
	struct line *lines;  /* for each decode server the moves that wait for room, in order */
	struct line nowhere; /* every decode server was down */
	uint32_t *rank;      /* place of each server in its pool */
	uint32_t decodes;
	struct wires *wires;
};

struct transfers *transfers_new(struct serve_run_state *run)
{
	const struct serve_config *c = run->config;
	struct transfers *t = xcalloc(1, sizeof *t);
	uint32_t prefills = 0;

	t->run = run;
	t->lines = xcalloc(c->servers_n, sizeof *t->lines);
	t->rank = xcalloc(c->servers_n, sizeof *t->rank);
	for (size_t i = 0; i < c->servers_n; i++)
		t->rank[i] = c->servers[i].pool == POOL_DECODE ? t->decodes++ : prefills++;
	t->wires = run->wires = wires_new(run, c->links.Bps, c->links.wires_n);
	return t;
}

void transfers_free(struct transfers *t)
{
	if (!t)
		return;
	for (size_t i = 0; i < t->run->config->servers_n; i++)
		VEC_FREE(&t->lines[i].moves);
	VEC_FREE(&t->nowhere.moves);
	VEC_FREE(&t->moves);
	VEC_FREE(&t->spare);
	free(t->lines);
	free(t->rank);
	wires_free(t->wires);
	free(t);
}

static uint32_t new_move(struct transfers *t, uint32_t seq, uint32_t from)
{
	uint32_t i = (uint32_t)t->moves.n;

	if (t->spare.n)
		i = t->spare.at[--t->spare.n];
	else
		VEC_ADD(&t->moves, (struct move){0});
	t->moves.at[i] = (struct move){.seq = seq, .from = from, .to = SEQ_NONE, .live = true};
	seq_at(t->run->slab, seq)->move = i;
	return i;
}

static const struct serve_path *path_of(const struct transfers *t, const struct move *m)
{
	return &t->run->config->links.paths[t->rank[m->from] * t->decodes + t->rank[m->to]];
}

/* ---- room at the other end ---- */

static int64_t blocks_there(const struct replica *to, const struct seq *s)
{
	return kv_blocks_for(&to->kv, to->set->reserve_all ? s->r.prompt + s->limit : s->goal);
}

static bool room(struct transfers *t, struct move *m, int64_t at_ns)
{
	struct replica *to = &t->run->replicas[m->to];
	const struct seq *s = seq_at(t->run->slab, m->seq);
	const int64_t blocks = blocks_there(to, s);
	const int64_t with_next = kv_blocks_for(&to->kv, s->goal + 1 + to->set->draft);

	replica_sync(to, at_ns);
	if ((with_next > blocks ? with_next : blocks) > kv_free(&to->kv))
		return false;
	replica_kv_changes(to, at_ns);
	kv_take(&to->kv, blocks);
	replica_cut(to); /* there is less room than its jump was planned for */
	m->room = true;
	return true;
}

/* ---- bytes ---- */

static void arrived(struct serve_run_state *run, uint64_t which, int64_t at_ns);

/* All is read and sent: it takes the wire's latency, and a copy into the other side's format, to be there. */
static void check_sent(struct transfers *t, uint32_t i, int64_t at_ns)
{
	struct move *m = &t->moves.at[i];
	const struct seq *s = seq_at(t->run->slab, m->seq);
	const int64_t relay_ns = t->run->config->links.relay_fs_per_token * s->goal / FS_PER_NS;

	if (!m->read || m->flows || m->sent < s->goal)
		return;
	m->due_ns = at_ns + path_of(t, m)->latency_ns + relay_ns;
	run_timer(t->run, m->due_ns, arrived, (uint64_t)m->seq << 32 | i);
}

static void flow_done(void *self, uint64_t which, int64_t at_ns)
{
	struct transfers *t = self;

	t->moves.at[which].flows--;
	check_sent(t, (uint32_t)which, at_ns);
}

/* The bytes of tokens up to `upto` leave, without those that the other end has in its cache. */
static void send_to(struct transfers *t, uint32_t i, int64_t upto, int64_t at_ns)
{
	struct move *m = &t->moves.at[i];
	struct replica *to = &t->run->replicas[m->to];
	const struct serve_links *links = &t->run->config->links;
	const struct serve_path *path = path_of(t, m);
	struct seq *s = seq_at(t->run->slab, m->seq);
	double bytes = 0;

	if (!m->sent) {
		s->t.sent_ns = at_ns;
		bytes += links->kv_B_per_sequence;
		replica_sync(to, at_ns);
		m->sent = to->rules->hit ? to->rules->hit(to, &s->r) : 0;
	}
	if (upto > m->sent) {
		bytes += links->kv_B_per_token * (double)(upto - m->sent);
		m->sent = upto;
	}
	if (bytes > 0 && path->wires_n) {
		m->flows++;
		wires_send(t->wires, path->wires, path->wires_n, bytes, at_ns, flow_done, t, i);
	}
}

/* ---- asking for room ---- */

static bool empty(const struct line *l)
{
	return l->first == l->moves.n;
}

static void ask(struct transfers *t, uint32_t i, int64_t at_ns)
{
	struct move *m = &t->moves.at[i];

	if (m->to == SEQ_NONE)
		m->to = router_decode(t->run->router, &seq_at(t->run->slab, m->seq)->r, at_ns);
	if (m->to == SEQ_NONE) {
		VEC_ADD(&t->nowhere.moves, i);
		m->queued = true;
		return;
	}
	if (empty(&t->lines[m->to]) && room(t, m, at_ns))
		return;
	VEC_ADD(&t->lines[m->to].moves, i);
	m->queued = true;
}

static void leave_now(struct transfers *t, uint32_t i, int64_t at_ns)
{
	send_to(t, i, seq_at(t->run->slab, t->moves.at[i].seq)->goal, at_ns);
	check_sent(t, i, at_ns);
}

void transfers_prefilled(struct serve_run_state *run, uint32_t seq, int64_t at_ns)
{
	struct transfers *t = run->transfers;
	uint32_t i = seq_at(run->slab, seq)->move;

	if (i == SEQ_NONE)
		i = new_move(t, seq, seq_at(run->slab, seq)->t.replica);
	t->moves.at[i].read = true;
	if (!t->moves.at[i].room && !t->moves.at[i].queued)
		ask(t, i, at_ns);
	if (t->moves.at[i].room)
		leave_now(t, i, at_ns);
}

static void reads(struct serve_run_state *run, uint64_t server, int64_t at_ns)
{
	struct transfers *t = run->transfers;
	const struct replica *p = &run->replicas[server];

	for (size_t k = 0; k < p->reads.n && p->busy; k++) {
		const uint32_t seq = p->reads.at[k].seq;
		const struct seq *s = seq_at(run->slab, seq);
		uint32_t i = s->move;

		if (s->left == 1) /* its only token comes from here */
			continue;
		if (i == SEQ_NONE) {
			i = new_move(t, seq, p->index);
			ask(t, i, at_ns);
		}
		if (t->moves.at[i].room)
			send_to(t, i, s->computed + p->reads.at[k].tokens, at_ns);
	}
}

void transfers_reads(struct serve_run_state *run, const struct replica *p, int64_t at_ns)
{
	if (run->config->links.stream)
		run_timer(run, at_ns + 1, reads, p->index);
}

static void serve_line(struct transfers *t, struct line *l, int64_t at_ns)
{
	while (!empty(l)) {
		const uint32_t i = l->moves.at[l->first];
		struct move *m = &t->moves.at[i];

		if (m->live && m->queued && !room(t, m, at_ns))
			return;
		l->first++;
		if (!m->live && m->queued) {
			m->queued = false;
			VEC_ADD(&t->spare, i);
		}
		if (!m->live || !m->queued)
			continue;
		m->queued = false;
		if (m->read)
			leave_now(t, i, at_ns);
	}
	l->first = l->moves.n = 0;
}

void transfers_room(struct serve_run_state *run, uint32_t server, int64_t at_ns)
{
	if (!run->replicas[server].down)
		serve_line(run->transfers, &run->transfers->lines[server], at_ns);
}

void transfers_retry(struct serve_run_state *run, int64_t at_ns)
{
	struct transfers *t = run->transfers;
	const size_t n = t->nowhere.moves.n;

	for (uint32_t i = 0; i < run->config->servers_n; i++)
		transfers_room(run, i, at_ns);
	for (size_t i = 0; i < n; i++) {
		const uint32_t which = t->nowhere.moves.at[i];
		struct move *m = &t->moves.at[which];

		if (!m->live || !m->queued || m->to != SEQ_NONE)
			continue;
		m->queued = false;
		ask(t, which, at_ns);
		m = &t->moves.at[which];
		if (m->room && m->read)
			leave_now(t, which, at_ns);
	}
	for (size_t i = n; i < t->nowhere.moves.n; i++)
		t->nowhere.moves.at[i - n] = t->nowhere.moves.at[i];
	t->nowhere.moves.n -= n;
}

/* ---- the end of a move ---- */

static void end_move(struct transfers *t, uint32_t i)
{
	/* a line may still name it: the number is used again only where none does */
	seq_at(t->run->slab, t->moves.at[i].seq)->move = SEQ_NONE;
	t->moves.at[i].live = false;
	if (!t->moves.at[i].queued)
		VEC_ADD(&t->spare, i);
}

static void arrived(struct serve_run_state *run, uint64_t which, int64_t at_ns)
{
	struct transfers *t = run->transfers;
	const uint32_t i = (uint32_t)which, seq = (uint32_t)(which >> 32);
	const struct move m = t->moves.at[i];
	struct seq *s = seq_at(run->slab, seq);

	if (!m.live || m.seq != seq || m.due_ns != at_ns)
		return; /* a server failed meanwhile */
	s->t.moved_ns = at_ns;
	end_move(t, i);
	replica_depart(&run->replicas[m.from], seq, at_ns);
	s->blocks = blocks_there(&run->replicas[m.to], s);
	if (run->config->links.first_token_by_decode)
		replica_show(&run->replicas[m.to], s, (struct clock){at_ns, 0});
	replica_hand_over(&run->replicas[m.to], seq, at_ns);
}

/* ---- failures ---- */

static void give_back(struct serve_run_state *run, uint64_t what, int64_t at_ns)
{
	struct replica *to = &run->replicas[what >> 40];

	replica_sync(to, at_ns);
	replica_kv_changes(to, at_ns);
	kv_give(&to->kv, (int64_t)(what & (((uint64_t)1 << 40) - 1)));
	replica_cut(to); /* there is room for somebody now */
	replica_wake(to, at_ns);
	transfers_room(run, to->index, at_ns);
}

/* Nothing of it is on the wires any more, and no room is kept for it. Returns what give_back() is to be told,
 * or 0. */
static uint64_t cancel(struct transfers *t, uint32_t i, int64_t at_ns)
{
	struct move *m = &t->moves.at[i];
	uint64_t what = 0;

	wires_cancel(t->wires, i, at_ns);
	if (m->room)
		what = (uint64_t)m->to << 40 |
		       (uint64_t)blocks_there(&t->run->replicas[m->to], seq_at(t->run->slab, m->seq));
	m->room = false;
	m->flows = m->sent = m->due_ns = 0;
	return what;
}

void transfers_down(struct serve_run_state *run, uint32_t server, int64_t at_ns)
{
	struct transfers *t = run->transfers;

	for (uint32_t i = 0; i < t->moves.n; i++) {
		struct move *m = &t->moves.at[i];
		uint64_t what;

		if (!m->live || (m->from != server && m->to != server))
			continue;
		what = cancel(t, i, at_ns);
		if (m->from == server)
			end_move(t, i);
		if (what)
			give_back(run, what, at_ns);
		m = &t->moves.at[i];
		if (!m->live)
			continue;
		m->to = SEQ_NONE;
		m->queued = false;
		if (m->read) {
			ask(t, i, at_ns);
			if (t->moves.at[i].room)
				leave_now(t, i, at_ns);
		}
	}
	t->lines[server].first = t->lines[server].moves.n = 0;
}

void transfers_forget(struct serve_run_state *run, uint32_t seq, int64_t at_ns)
{
	const uint32_t i = seq_at(run->slab, seq)->move;

	const uint64_t what = cancel(run->transfers, i, at_ns);
	const struct move m = run->transfers->moves.at[i];

	end_move(run->transfers, i);
	if (what)
		run_timer(run, at_ns + 1, give_back, what);
	else if (m.to != SEQ_NONE) /* whoever waits behind it is at the head now */
		run_timer(run, at_ns + 1, give_back, (uint64_t)m.to << 40);
}

/* Blocks set apart are given back, so that the books close. */
void transfers_stop(struct serve_run_state *run, int64_t at_ns)
{
	struct transfers *t = run->transfers;

	for (uint32_t i = 0; i < t->moves.n; i++) {
		const uint64_t what = t->moves.at[i].live ? cancel(t, i, at_ns) : 0;

		t->lines[t->moves.at[i].to == SEQ_NONE ? 0 : t->moves.at[i].to].moves.n = 0;
		if (what)
			give_back(run, what, at_ns);
	}
}
