/*
 * batch_time.h - how long one pass of a server takes, as a function of the batch it runs.
 *
 * Layer serve. A batch is a mix: decodes, one row (or draft + 1 rows) each, and pieces of prompts. Products,
 * norms and activations depend on the number of rows alone, the head on the rows whose logits are wanted,
 * attention on the contexts. All times are integers, femtoseconds, so that iterations added one by one or all
 * at once give the same clock.
 *
 * An iteration is one pass or several, one after another (llama.cpp's micro-batches, mlx's decode step and
 * prompt step): its time is the sum over its passes, and each pass reads the weights by itself.
 */
#ifndef SIM_SERVE_BATCH_TIME_H
#define SIM_SERVE_BATCH_TIME_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { BATCH_WINDOWS = 4 }; /* distinct attention windows of a model, full attention included */

struct prompt_piece {
	int64_t tokens;  /* rows of this piece */
	int64_t context; /* tokens of the same sequence that are in the cache before it */
	bool last;       /* the prompt ends with this piece: its last row gives a token */
};

struct batch_mix {
	int64_t decodes;         /* sequences that decode */
	int64_t rows_per_decode; /* 1, or drafted tokens + 1 */
	/* over the decodes: min(context, window w), [0]: whole contexts. A context is the number of tokens of
	 * the sequence that are in the cache before this pass, as it is for a piece. */
	int64_t context_sum[BATCH_WINDOWS];
	int64_t context_growth[BATCH_WINDOWS]; /* added to context_sum by each iteration of a jump */
	int64_t context_max;    /* longest context of the decodes, if padded; grows by 1 each iteration */
	int64_t pad_rows;       /* rows computed for nobody: up to the size of a captured graph */
	int64_t weight_reads;   /* passes in which the decodes run: 1, or runs of adjacent slots (llama.cpp
				   split KV) */
	int64_t host_sequences; /* sequences the host schedules and samples for in this iteration; 0 in an
				   iteration's second and later passes: host time is counted once */
	bool reshaped; /* the pass before had other numbers of sequences or rows: a runtime that reuses the
			  graph of kernels of a pass builds a new one. Where that takes time, steps is 1.
			  With several weight_reads each of them differs from the one before */
	bool new_rows; /* no pass of this server had so many rows; told where meets_rows asks for it */
	const struct prompt_piece *pieces;
	size_t pieces_n;
	bool padded; /* pieces are padded to the longest, caches to context_max (mlx) */
};

/* The time of one pass, and how it grows while the same sequences go on decoding: iteration j (from 0)
 * of the next `steps` takes fs + j * slope_fs. Past `steps` the cost has a knot: ask again. steps >= 1; where
 * there are pieces it is not read. The engine ends a jump where a context fills a window. */
struct batch_step {
	int64_t fs, slope_fs, steps;
};

struct batch_time {
	struct batch_step (*of)(void *self, const struct batch_mix *mix);
	void *self;
	int64_t windows[BATCH_WINDOWS]; /* [0] is INT64_MAX: full attention; windows_n >= 1 */
	size_t windows_n;
	/* A pipeline: the devices and wires through which a pass goes one after another, and how long it holds
	 * each of them, together no longer than the pass takes. stages 0: it is none. */
	size_t stages;
	void (*stages_fs)(void *self, const struct batch_mix *mix, int64_t *fs);
	bool meets_rows;       /* a pass takes longer where new_rows is set; its steps is then 1 */
	double busy_W, idle_W; /* power of the machines of the replica; NAN where not known */
};

#endif
