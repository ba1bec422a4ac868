/*
 * batch_cost.h - batch_time.h on the cost model: one replica's passes, as its placement runs them.
 *
 * Layer serve. On one device a pass is a sum: what hangs on rows alone is tabled by the number of rows, the
 * head by the rows that have logits, attention of decodes by their contexts. The attention of B decodes is
 * piecewise affine in the sum of their contexts, with 16 knots an octave at which it is exact, in integer
 * femtoseconds: so a jump over iterations and the iterations one by one add up to the same. Where several
 * devices work, the pass is written down as a program (step/walk.h) at its knots.
 *
 * Entries are made when first asked for. Under other parameters (a draw of the calibration) all are made
 * anew.
 */
#ifndef SIM_SERVE_BATCH_COST_H
#define SIM_SERVE_BATCH_COST_H
#include "sim/hw/serving.h"
#include "sim/place/footprint.h"
#include "sim/serve/batch_time.h"
#include "sim/serve/settings.h"
#include "sim/step/run.h"

struct batch_cost; /* opaque */

/* NULL with a reason: a device lacks the arithmetic, prompts are read elsewhere than answers are written (two
 * pools do that), weights stay on a disk. The placement, what it is made of and `how` must outlive it.
 * batch_cost_free() ends it. */
struct batch_cost *batch_cost_new(const struct placement *at, const struct serving *how, struct err *err);
void batch_cost_free(struct batch_cost *c);

struct batch_time batch_cost_time(struct batch_cost *c);

/* Batches that can be in flight at once: of a pipeline, as many as it has devices; else 1. */
size_t batch_cost_in_flight(const struct batch_cost *c);

/* Forgets all tables. z: standard normal numbers, one for each of program_sources(); NULL: as calibrated.
 * They are copied. */
void batch_cost_draw(struct batch_cost *c, const struct params *z);

/* Rows that a pass of so many computes for nobody: up to the next captured graph. */
int64_t batch_cost_pad(const struct batch_cost *c, int64_t rows);

/* The cache of a replica, as its runtime sizes it. */
struct batch_kv {
	double bytes;   /* for the cache, on the machine that has least of what it needs */
	double token_B; /* bytes of one token in every layer of the replica; windows not counted */
	double window_B[BATCH_WINDOWS]; /* the same by the window of the layers; [0]: those that see all */
	double state_B;                 /* bytes of one sequence, whatever its length: recurrent layers */
	int64_t tokens;                 /* that fit; 0: the weights alone do not */
	int64_t block, blocks;          /* tokens of a block, and how many blocks there are */
	int64_t state_blocks; /* of them that a sequence takes for its recurrent states; 0: they are apart */
	struct kv_groups groups;
};
/* whole: the server neither drafts nor hands caches over. Else vLLM keeps whole contexts in windowed layers too. */
struct batch_kv batch_kv_of(const struct placement *at, const struct serving *how, bool whole);

/* What a replica with that cache takes of a machine, or with one of a block where kv->tokens is 0, against what its
 * server may take. */
struct footprint batch_footprint(const struct placement *at, const struct serving *how, size_t machine,
				 const struct batch_kv *kv);

#endif
