/*
 * footprint.h - bytes that a placement needs on each machine, by purpose.
 *
 * Layer place. A machine holds a weight if some phase uses it there; the devices of one machine share one
 * copy. The size of the KV cache depends on the runtime of the machine that holds it. A placement that
 * does not fit is a result, not an error.
 */
#ifndef SIM_PLACE_FOOTPRINT_H
#define SIM_PLACE_FOOTPRINT_H
#include "sim/llm/memory.h"
#include "sim/place/offload.h"

struct footprint { /* bytes on one machine */
	double weights_B, kv_B, activations_B, gradients_B, optimizer_B;
	double usable_B;
	/* at the peak while a model is loaded, before generation: loading.h; 0: not known to be more than the rest */
	double load_B;
	/* weights that stay on the disk; weights_B then is the rest and the buffers to read into */
	double disk_B;
	struct offload offload; /* the weights that stay on the disk */
};

double footprint_rest_B(const struct footprint *f);  /* the sum of the parts, once all is loaded */
double footprint_need_B(const struct footprint *f);  /* that sum, or the peak of loading if it is larger */
double footprint_short_B(const struct footprint *f); /* bytes missing; 0 if it fits */

/* What the state of a convolution is kept in on the devices that decode a block. */
enum format_id footprint_conv_format(const struct world *w, const struct shards *decode);

/* The footprint of generation on each machine of the world (out has room for machines_n); that of
 * training: sim/train/memory.h. */
void footprint_generate(const struct placement *p, struct footprint *out);

/* What one block adds to the footprint of generation on machine mi: its cache and states, for an attention block; and its
 * activations in the pass of footprint_live_shape(). */
double footprint_cache_B(const struct placement *p, const struct generate *g, size_t block, size_t mi);
double footprint_live_B(const struct placement *p, const struct shape *live, size_t block, size_t mi);
struct shape footprint_live_shape(const struct placement *p, const struct generate *g);

/* The shape of the largest pass of a prefill: that of the last chunk, with the longest context, for the
 * larger of the groups of sequences. */
struct shape prefill_shape(const struct generate *g);

/* The share of a block that machine mi holds in a phase: the shares of one machine's devices add up; a
 * replica of a data split holds whole blocks. */
double footprint_share(const struct placement *p, enum phase phase, size_t block, size_t mi);
/* Bytes of the weights that machine mi holds for any of some phases: of all blocks, and of one block. */
double footprint_weights_B(const struct placement *p, const enum phase *phases, size_t n, size_t mi);
double footprint_block_B(const struct placement *p, const enum phase *phases, size_t n, size_t block,
			 size_t mi);
/* Bytes of a block's weights where they are on one machine. */
double footprint_whole_B(const struct placement *p, size_t block);

#endif
