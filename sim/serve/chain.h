/*
 * chain.h - the text that a cache holds, as a chain of pieces; how much of it a prompt begins with.
 *
 * Layer serve. Nobody has token ids. What no piece covers of a prompt is its own: equal to nothing else.
 */
#ifndef SIM_SERVE_CHAIN_H
#define SIM_SERVE_CHAIN_H
#include "sim/base/vec.h"
#include "sim/serve/seq.h"

struct chain {
	struct prefix_piece *at;
	size_t n, room;
	int64_t tokens; /* held in all, what no piece covers included */
	uint64_t text;  /* the request it was made for: chains of one text are equal as far as both reach */
};

/* The text of a sequence as far as `tokens` reach; its answer goes on with the last group where the chain
 * covers the prompt. */
void chain_of(struct chain *c, const struct request *r, int64_t tokens);
int64_t chain_common(const struct chain *c, const struct request *r); /* tokens */
int64_t chain_shared(const struct request *a,
		     const struct request *b); /* tokens that two prompts begin with alike */
/* Does the whole begin with all of the part? */
bool chain_begins(const struct chain *whole, const struct chain *part);
void chain_release(struct chain *c);

/* Chains that are kept, the one used longest ago first. */
struct shelf {
	struct chain *at;
	size_t n, room;
	int64_t tokens;
};

/* Keeps a copy as the one used last; the oldest go until there are at most `chains` with at most `tokens`.
 * One that is larger than that is not kept. */
void shelf_put(struct shelf *s, const struct chain *c, size_t chains, int64_t tokens);
/* The one that shares most with the prompt, if that is more than *common, which it raises; else s->n. */
size_t shelf_best(const struct shelf *s, const struct request *r, int64_t *common);
void shelf_touch(struct shelf *s, size_t i); /* it has been used last */
void shelf_drop(struct shelf *s, size_t i);
void shelf_release(struct shelf *s);

#endif
