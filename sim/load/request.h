/*
 * request.h - a request, the times of its life, and who sends and who watches requests.
 *
 * Layer load. Times are whole nanoseconds since the start of the run; what happens between two of them is
 * stamped with the later one.
 */
#ifndef SIM_LOAD_REQUEST_H
#define SIM_LOAD_REQUEST_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/clock.h"

/* Shared beginnings. A piece is the first `tokens` tokens of the text named `group`; a chain of pieces is
 * their concatenation, so two chains are equal as far as their pieces are. Where a chain covers the whole
 * prompt, the answer is the continuation of its last group: the next turn of a conversation asks for more of
 * that group. */
struct prefix_piece {
	uint64_t group;
	int64_t tokens;
};

struct request {
	uint64_t id;       /* order of arrival, from 0 */
	int64_t arrive_ns; /* sent by the client, after max_in_flight let it go */
	/* tokens; output is known to the step and to the client's max_tokens, never to admission rules */
	int64_t prompt, output;
	uint32_t class_id; /* index of the load's class */
	int32_t priority;  /* smaller first, as vLLM */
	uint64_t session;  /* conversation; 0: none */
	const struct prefix_piece
		*prefix; /* the prompt's beginning as a chain; the source's until the request ends */
	uint32_t prefix_n;
	bool own_seed; /* mlx_lm.server cannot batch it */
	bool resumed;  /* it was preempted: it finds the blocks that it has computed itself (vllm) */
};

enum request_end {
	REQUEST_DONE,
	REQUEST_REFUSED, /* never admitted: beyond the context, larger than the whole KV cache, no room to wait
			  */
	REQUEST_TRUNCATED, /* ended before its last token */
	REQUEST_UNFINISHED /* the run ended first */
};

struct request_times {
	int64_t queued_ns, admitted_ns; /* reached the server; first admitted (-1: never) */
	int64_t first_ns, last_ns;      /* first and last token (-1: none) */
	int64_t end_ns;                 /* left the system; last_ns where it got a token */
	int64_t tokens;                 /* tokens generated */
	int64_t cached;                 /* prompt tokens found in a prefix cache when first admitted */
	int64_t read;                   /* rows of prompt computed for it: prompt - cached + recomputed */
	int64_t recomputed;             /* tokens read again after preemptions and failures */
	/* its KV cache on the way to a decode server: the first byte leaves, the last is there (-1: none); the
	 * last such way, where a server failed */
	int64_t sent_ns, moved_ns;
	uint32_t preemptions, replica;
	enum request_end end;
};

/* Where requests come from. */
struct request_source {
	/* The next arrival, if it is due by by_ns; arrivals come in order of time. False: none is due by
	 * then, and a closed loop may wait for an end. Called again after every ended(). */
	bool (*next)(void *self, int64_t by_ns, struct request *out);
	/* A request has left the system, at t->end_ns; a closed loop or a conversation may make new arrivals
	 * of it, no earlier than that. */
	void (*ended)(void *self, const struct request *r, const struct request_times *t);
	void *self;
};

/* What is observed. Token gaps are given as arithmetic progressions so that jumps stay cheap. All may be
 * NULL.
 */
struct observer {
	void (*ended)(void *self, const struct request *r, const struct request_times *t);
	/* n gaps of each of `weight` sequences: first_fs, first_fs + slope_fs, ... The first ends at `end`,
	 * each other one as much later as it lasts. They are told late, after what happened elsewhere meanwhile:
	 * in jumps later than iteration by iteration. */
	void (*gaps)(void *self, struct clock end, int64_t first_fs, int64_t slope_fs, int64_t n,
		     int64_t weight);
	/* State of one replica that held from from_ns to to_ns. It is told when the requests waiting or
	 * running change, or busy does, in jumps and iteration by iteration alike. KV blocks change in
	 * between: kv_blocks are those at from_ns, kv_block_ns their integral over the interval. */
	void (*state)(void *self, uint32_t replica, int64_t from_ns, int64_t to_ns, int64_t waiting,
		      int64_t running, int64_t kv_blocks, int64_t kv_block_ns, bool busy);
	/* n iterations of one replica that follow one another from from_ns to to_ns. In each of them `decodes`
	 * requests get a token; `read` tokens of prompts are computed, where n is 1. A jump is told in one call
	 * or in several: joined where they touch and are alike, they are the same as iteration by iteration. */
	void (*iterations)(void *self, uint32_t replica, int64_t from_ns, int64_t to_ns, int64_t n,
			   int64_t decodes, int64_t read);
	void *self;
};

#endif
