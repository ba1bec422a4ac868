/*
 * passes.h - several passes through a model, written down as one program.
 *
 * Layer step. A pass is one chunk of a prompt, or one token (or the check of a draft), of a group of
 * sequences (request_passes.h says which there are). It goes from shard group to shard group. Caches of
 * prompts are handed over to where decode reads them, weights that do not fit come from the disk, and tokens
 * go from the end of a pass to the beginning of the next. list_order.h decides which pass goes first where
 * several want a device.
 */
#ifndef SIM_STEP_PASSES_H
#define SIM_STEP_PASSES_H
#include "sim/place/footprint.h"
#include "sim/step/request_passes.h"
#include "sim/step/walk.h"

/* Marks of programs. MARK_FIRST_TOKEN: the host has it, of all sequences; MARK_PREFILL: all of the prefill's
 * blocks have ended. */
enum { MARK_FIRST_TOKEN, MARK_PREFILL };

enum { PASS_NONE = -1 };

struct pass { /* one chunk of a prompt, or one token, of a group of sequences */
	const struct placement *at;
	struct request_pass of;
	uint32_t group;
	bool first; /* gives the first token of the answer */
	int next;   /* the pass that this one's tokens start; PASS_NONE */
	int behind; /* the pass written before that begins before it; PASS_NONE */
	/* private: while it is written down */
	struct walk walk;
	struct deps x;
	size_t done;       /* the last block so far */
	struct deps begun; /* by its first block */
	bool follows;      /* its first visit to a shard group is the last one of the pass before it */
	uint32_t visit;    /* the visit that is being written */
};

struct room; /* private */

struct passes {
	const struct placement *at;
	const struct world *w;
	struct generate g;
	struct program *program;
	VEC(struct pass) list;
	/* [group][layer]: what has to end for a cache to be where decode is, and where prefill is; NULL: it
	 * is */
	struct deps *kv, *own;
	struct footprint *footprint; /* NULL, or of each machine: what it reads from its disk */
	struct room *room;           /* likewise: what it can be read into */
	VEC(uint32_t) visit_of;      /* private: of each task */
	uint32_t visits_n;
	bool token_at_end; /* the program ends when the last token is where the next step begins */
};

/* with_prompts: the cache of each group is handed over; else it is where it is read. */
struct passes passes_begin(const struct placement *at, bool with_prompts);
/* Writes the passes down, in the order in which devices take them up, and forgets them. The program is the
 * caller's. */
struct program *passes_end(struct passes *f);

/* Groups of sequences, and how many are in one: they are as alike as they can be. */
int64_t passes_groups(const struct generate *g);
int64_t passes_group_batch(const struct generate *g, int64_t group);

/* What each machine reads from its disk; NULL: nothing does. The caller frees it. */
struct footprint *passes_streams(const struct placement *at);

#endif
