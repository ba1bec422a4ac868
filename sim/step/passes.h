/*
 * passes.h - several passes through a model in one program.
 *
 * Layer step. A pass processes one chunk of a prompt, or one token (or the check of a draft), for a
 * group of sequences (request_passes.h defines them). It goes from shard group to shard group. This
 * file adds what surrounds the blocks: prompts' caches are sent to the devices that decode, weights
 * that do not fit are read from the disk, and the tokens of a pass are sent to the first block of the
 * next one. list_order.h decides the order of passes on a device that several of them need.
 */
#ifndef SIM_STEP_PASSES_H
#define SIM_STEP_PASSES_H
#include "sim/place/footprint.h"
#include "sim/step/request_passes.h"
#include "sim/step/walk.h"

/* Marks of programs. MARK_FIRST_TOKEN: the host has the first token of all sequences; MARK_PREFILL: all
 * blocks of the prefill have ended. */
enum { MARK_FIRST_TOKEN, MARK_PREFILL };

enum { PASS_NONE = -1 };

struct pass { /* one chunk of a prompt, or one token, for a group of sequences */
	const struct placement *at;
	struct request_pass of;
	uint32_t group;
	bool first; /* its result is the first token of the answer */
	int next;   /* the pass that begins with this one's tokens; PASS_NONE: none */
	int behind; /* an earlier pass that must begin first; PASS_NONE: none */
	/* private, used while the pass is appended */
	struct walk walk;
	struct deps x;
	size_t done;       /* number of the newest block */
	struct deps begun; /* tasks on which its first block depends */
	bool follows;      /* its first visit belongs to the last visit of the pass before it */
	uint32_t visit;    /* the current visit */
};

struct room; /* private */

struct passes {
	const struct placement *at;
	const struct world *w;
	struct generate g;
	struct program *program;
	VEC(struct pass) list;
	/* [group][layer]: tasks after which a cache is on the devices that decode, and on those that
	 * prefill; NULL: it is there */
	struct deps *kv, *own;
	struct footprint *footprint; /* [machine]: the weights that it reads from its disk; NULL: none */
	struct room *room;           /* [machine]: the room in memory for these; NULL: none */
	VEC(uint32_t) visit_of;      /* private: [task]: its visit */
	uint32_t visits_n;
	/* the program ends when the last token is on the device of the next step's first block */
	bool token_at_end;
	bool joins;            /* the operators of a block are one task (joined.h) */
	struct work_span span; /* the program's */
};

/* with_prompts: the cache of each group is sent to the devices that decode; otherwise it is there from
 * the start. */
struct passes passes_begin(const struct placement *at, bool with_prompts);
/* Appends the passes to the program in the order in which devices run them, and frees them. The program
 * belongs to the caller. */
struct program *passes_end(struct passes *f);

/* The number of groups of sequences, and of sequences in one; sizes differ by one at most. */
int64_t passes_groups(const struct generate *g);
int64_t passes_group_batch(const struct generate *g, int64_t group);

/* [machine]: the weights that it reads from its disk; NULL: none. The caller frees it. */
struct footprint *passes_streams(const struct placement *at);

#endif
