/*
 * conversations.h - conversations of a load: what each has said so far, and what its next turn is.
 *
 * Layer load; for arrivals.c. A class's requests are drawn here: a conversation of one turn without a system
 * prompt leaves nothing behind.
 */
#ifndef SIM_LOAD_CONVERSATIONS_H
#define SIM_LOAD_CONVERSATIONS_H
#include "sim/base/vec.h"
#include "sim/load/lengths.h"
#include "sim/load/request.h"

struct conversation_class {
	struct lengths prompt, output;
	struct rng *of_prompt, *of_output, *of_group, *of_think;
	int64_t system, turns, groups;
	double think;                 /* between turns */
	struct prefix_piece *systems; /* one for each group; NULL without a system prompt */
	int32_t priority;
	bool own_seed;
};

struct conversation_turn {
	int64_t prompt, output, think_ns; /* think_ns: before this turn */
};

struct conversation_words {           /* stays where it is while requests point to it */
	struct prefix_piece chain[2]; /* the system prompt, if there is one, and all that was said after it */
	uint32_t chain_n;
	struct conversation_turn turns[];
};

struct conversation {
	uint64_t session; /* 0: the place is free */
	uint32_t class_id;
	int64_t next;    /* turn */
	int64_t history; /* tokens of system prompt, texts and answers before it */
	struct conversation_words *words;
};

struct conversations {
	const struct conversation_class *classes;
	VEC(struct conversation) at;
	VEC(size_t) free;
	uint64_t begun;
};

/* The first request of a conversation of a class; id, time and max_in_flight are the caller's affair. */
void conversations_begin(struct conversations *t, uint32_t class_id, struct request *out);
/* The next turn of the conversation at a place. */
void conversations_turn(struct conversations *t, size_t place, struct request *out);
/* A request has ended. True: its conversation goes on, at *place, after *think_ns. */
bool conversations_ended(struct conversations *t, const struct request *r, const struct request_times *times,
			 size_t *place, int64_t *think_ns);
void conversations_release(struct conversations *t);

#endif
