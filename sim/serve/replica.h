/*
 * replica.h - one server: its queue, its running requests, its KV cache and the iteration or jump it is in.
 *
 * Layer serve; what is here is for the schedulers and for serving.c. A replica is busy while an iteration is
 * planned. In a jump `steps` equal iterations are planned together; replica_sync() takes those that are over.
 */
#ifndef SIM_SERVE_REPLICA_H
#define SIM_SERVE_REPLICA_H
#include "sim/base/vec.h"
#include "sim/serve/chain.h"
#include "sim/serve/decodes.h"
#include "sim/serve/kv.h"
#include "sim/serve/tandem.h"
#include "sim/serve/waiting.h"
#include "sim/serve/serving.h"

struct replica;

/* A runtime's rules. */
struct scheduler {
	void (*start)(struct replica *p); /* once; may be NULL */
	/* Takes from the queue whom it can and plans the next iteration through replica_piece() and
	 * replica_pass(). Without any pass the replica is idle. */
	void (*compose)(struct replica *p);
	void (*after)(struct replica *p,
		      uint32_t seq); /* a prompt has been read as far as this iteration goes */
	/* A hand-over that is read already is admitted and decodes; false: there is none. */
	bool (*join)(struct replica *p, uint32_t seq);
	/* Could the head of the queue, or a hand-over, be admitted at the end of the iteration in progress?
	 * If not, what arrives does not end the jump. May say yes too often. */
	bool (*open)(const struct replica *p);
	int64_t (*hit)(const struct replica *p,
		       const struct request *r);       /* tokens found in its cache; may be NULL */
	void (*left)(struct replica *p, uint32_t seq); /* it runs no more; may be NULL */
	void (*stop)(struct replica *p);               /* frees what start made; may be NULL */
};

struct read {
	uint32_t seq;
	int64_t tokens;
};

/* What every iteration asks for stands first, as in struct decodes. */
struct replica {
	struct serve_run_state *run;
	struct slab *slab;
	const struct serve_settings *set;
	const struct scheduler *rules;
	const struct batch_time *time;
	uint32_t index;
	enum serve_pool pool;
	bool down, each_iteration;
	bool busy;
	bool decodes_run;            /* the decodes take part in the iteration */
	bool decodes_placed;         /* and have the blocks that its first step takes already */
	struct tandem *pipeline;     /* the stages that its iterations go through; NULL: no pipeline */
	uint32_t first, last;        /* running requests in the order of admission */
	int64_t running;             /* those whose KV cache is being handed over are still counted */
	int64_t steps, fs, slope_fs; /* the plan: its i-th iteration takes fs + i * slope_fs */

	struct clock now;      /* start of the iteration in progress, or end of the last one */
	struct clock plan_end; /* end of the planned iterations; only while busy */
	struct clock kv_since; /* up to here the integral of KV blocks is taken; within the iteration in
				  progress */
	int64_t planned_ns;    /* start of the last iteration that is over; INT64_MAX: none, it was idle */

	struct decodes dec;
	struct kv kv;
	struct waiting waiting;
	VEC(struct read) reads; /* prompt pieces of the iteration */
	VEC(uint32_t) reading, stalled, late;
	VEC(uint32_t) arrived; /* hand-overs that wait to be admitted; their blocks are here */
	VEC(uint32_t)
	ended; /* requests that have ended in the order of admission as well: see replica_let_go() */
	size_t ended_before; /* of these, had ended when the last iteration was planned */
	uint64_t admissions; /* so far */
	int64_t load_requests;
	int64_t load_tokens; /* prompt tokens of its requests */
	struct {
		int64_t from_ns, waiting, running, kv_blocks, kv_block_ns;
		bool busy;
	} told; /* to the observer */
	struct serve_books books;
	span_fs busy_fs;
	int64_t pass_sequences, pass_rows; /* size of the pass planned last */
	VEC(struct prompt_piece) pieces;   /* prompt pieces in the pass being planned */
	int64_t context;                   /* tokens that one request may have */

	void *own;                   /* the scheduler's */
	int64_t *stage_fs, *pass_fs; /* time of the iteration in each stage; time of one pass */
	VEC(bool) met;               /* by the number of rows: a pass had so many; see batch_time.h */
	struct shelf whole;          /* caches of ended requests (mlx) */

	/* mlx: the requests at the head of the queue that were there when it last looked, and when that was */
	struct {
		struct clock since;
		int64_t seen;
		bool again; /* it took some in, and looks again before it goes on */
	} poll;

	struct {
		double share; /* when it was last set: of what running requests have to go, that stays free */
		int64_t since; /* iteration */
	} ahead;
};

void replica_start(struct replica *p);
void replica_release(struct replica *p);

/* The queue gets one more; at_ns >= every time seen before. */
void replica_arrive(struct replica *p, const struct waiter *w, int64_t at_ns);
void replica_end_of_steps(struct replica *p); /* the planned iterations are over */
void replica_compose(struct replica *p, int64_t at_ns);
/* Iterations that are over before at_ns are taken out of the plan: the replica is as it would be at that time
 * if each iteration were an event. */
void replica_sync(struct replica *p, int64_t at_ns);
void replica_kv_changes(struct replica *p,
			int64_t at_ns); /* KV blocks are about to, between two iterations' ends */
void replica_cut(struct replica *p);    /* the plan ends with the iteration in progress */
void replica_wake(struct replica *p, int64_t at_ns); /* there may be something to start */
void replica_tell(struct replica *p, int64_t at_ns);
void replica_flush(struct replica *p, int64_t at_ns);   /* likewise, although nothing has changed */
void replica_halt(struct replica *p, int64_t at_ns);    /* now; an iteration in progress is lost */
void replica_stop(struct replica *p, int64_t at_ns);    /* halt; whoever is left is told as unfinished */
void replica_go_down(struct replica *p, int64_t at_ns); /* its requests go back to the router */

/* ---- for the router and for transfers ---- */
/* How much of its answer the context of this server leaves a request that has none of it yet. */
void replica_limit(const struct replica *p, struct seq *s);
uint32_t replica_make(const struct replica *p, const struct waiter *w); /* a sequence, in no queue yet */
void replica_show(struct replica *p, struct seq *s, struct clock at);   /* the client gets a token */
void replica_depart(struct replica *p, uint32_t seq, int64_t at_ns);    /* its KV cache has left */
void replica_hand_over(struct replica *p, uint32_t seq, int64_t at_ns); /* and is here */

/* ---- for schedulers ---- */
struct seq *replica_head(struct replica *p, uint32_t *seq); /* the queue's head as a sequence, or NULL */
void replica_admit(struct replica *p, uint32_t seq,
		   int64_t cached); /* the head leaves the queue for a admit */
void replica_preempt(struct replica *p, uint32_t seq);
void replica_piece(struct replica *p, uint32_t seq, int64_t tokens); /* it reads on in this iteration */
void replica_pass(struct replica *p, struct batch_mix *mix);         /* sets its `reshaped` */
void replica_mix(struct replica *p, struct batch_mix *mix);          /* the decodes, no pieces */
void replica_stall(struct replica *p, uint32_t seq); /* a decode that does not run in this iteration */
void replica_unstall(struct replica *p);             /* the last one stalled decodes again */
void replica_token(struct replica *p,
		   uint32_t seq); /* its prompt is read: it gets a token, then decodes or ends */
int64_t replica_cached(struct replica *p,
		       const struct seq *s); /* tokens of its beginning in the prefix cache */
void replica_place_decodes(
	struct replica *p); /* they take their blocks now, before those who are admitted look for theirs */
void replica_grow(
	struct replica *p); /* blocks for what the decodes add, where they are not taken on demand */
void replica_name_blocks(struct replica *p, struct seq *s); /* the blocks it has computed become findable */
void replica_decode(struct replica *p, uint32_t seq);       /* a hand-over is admitted */
void replica_end(struct replica *p, uint32_t seq, enum request_end end);
/* The first n of those that have ended and hold a place in the batch and KV blocks: both are free. Where iterations are
 * planned ahead, the one after a request's last token was planned before that token was there. */
void replica_let_go(struct replica *p, size_t n);
void replica_let_go_of(struct replica *p, uint32_t seq); /* of this one of them alone */

/* Places in the batch that are taken. */
static inline int64_t replica_seats(const struct replica *p)
{
	return p->running + (int64_t)p->ended.n;
}

/* ---- between replica.c and running.c ---- */
void replica_finish(struct replica *p);
void replica_accept_drafts(struct replica *p);
void replica_load(struct replica *p, const struct request *r, int64_t n); /* n: 1 or -1 requests */
void replica_forget(struct replica *p);                                   /* its prefix cache is lost */
void replica_refuse(struct replica *p, const struct waiter *w, int64_t at_ns);

extern const struct scheduler scheduler_vllm, scheduler_llamacpp, scheduler_mlx, scheduler_static;

#endif
