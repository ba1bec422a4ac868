/*
 * text.h - the text of a request, part by part: its shared pieces, then what is its own.
 *
 * Layer load. Nobody has token ids: a token is named by its group and its place in that group's text. What no
 * piece covers of a prompt, and an answer behind such a prompt, belongs to the request alone.
 */
#ifndef SIM_LOAD_TEXT_H
#define SIM_LOAD_TEXT_H
#include "sim/load/request.h"

struct text_part {
	uint64_t group; /* or, of a request's own text, its number */
	bool own;
	int64_t from, tokens; /* tokens of the group's text, from the from-th on */
};

struct text_at {
	const struct request *r;
	uint32_t piece;
	int64_t in_piece; /* tokens of the piece that are behind */
	bool goes_on;     /* the last group's text goes on behind the chain */
};

/* goes_on_always: whether or not the chain covers the prompt; then a text of a chain has no own part. */
static inline struct text_at text_begin(const struct request *r, bool goes_on_always)
{
	int64_t chain = 0;

	for (uint32_t i = 0; i < r->prefix_n && !goes_on_always; i++)
		chain += r->prefix[i].tokens;
	return (struct text_at){.r = r, .goes_on = r->prefix_n && (goes_on_always || chain == r->prompt)};
}

/* The next part, of one group and at most `most` tokens; at moves behind it. */
static inline struct text_part text_next(struct text_at *at, int64_t most)
{
	const struct request *r = at->r;
	struct text_part part = {r->id, true, at->in_piece, most};
	int64_t left;

	while (at->piece < r->prefix_n && r->prefix[at->piece].tokens == at->in_piece &&
	       !(at->goes_on && at->piece + 1 == r->prefix_n)) {
		at->piece++;
		at->in_piece = 0;
	}
	part.from = at->in_piece;
	if (at->piece < r->prefix_n) {
		left = r->prefix[at->piece].tokens - at->in_piece;
		part.group = r->prefix[at->piece].group;
		part.own = false;
		if (left < most && !(at->goes_on && at->piece + 1 == r->prefix_n))
			part.tokens = left;
	}
	at->in_piece += part.tokens;
	return part;
}

#endif
