/*
 * attend.h - which tokens the attention of a batch looks at: pairs of a query and a key, tokens of the cache.
 *
 * Layer llm. Sequences that decode and pieces of prompts are counted apart, since different kernels may run
 * them. A batch whose sequences are all alike is one such group.
 */
#ifndef SIM_LLM_ATTEND_H
#define SIM_LLM_ATTEND_H
#include "sim/llm/graph.h"

struct attend {
	bool decodes;           /* each query reads the cache: latent attention works in the latent */
	int64_t query, context; /* one sequence's; a mean over unlike ones, weighted by their queries */
	int64_t sequences;      /* that decode; 0: none do */
	int64_t beside;         /* of those that decode: tokens of the longest piece in the batch; 0: none */
	int64_t seen;           /* tokens of the cache that are read, over all sequences */
	double pairs;           /* a query and a key that it may look at, over all sequences */
	double rectangle;       /* the same with the masked half */
};

enum { ATTENDS = 2 };

/* The groups of a batch in one block of attention, decodes first; returns how many, at least 1. */
size_t attend_groups(const struct model *m, const struct shape *s, struct part part, enum phase phase,
		     struct attend out[ATTENDS]);

/* The same of everything before each query, whatever its attention sees: what an indexer scores. */
size_t attend_whole(const struct model *m, const struct shape *s, enum phase phase,
		    struct attend out[ATTENDS]);

/* Tokens of the cache that any query of the batch sees, over all sequences. */
int64_t attend_seen(const struct model *m, const struct shape *s, struct part part);

#endif
