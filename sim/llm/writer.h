/*
 * writer.h - writes the operators of a block down; used by the files of graph.h alone.
 *
 * Layer llm.
 */
#ifndef SIM_LLM_WRITER_H
#define SIM_LLM_WRITER_H
#include "sim/llm/graph.h"

/* A block being written down: what all of its operators share. */
struct writer {
	const struct model *m;
	const struct precision *p;
	const struct shape *s;
	struct part part;
	enum phase phase;
	int64_t rows; /* tokens in all */
	struct op *ops;
	size_t n;
	int64_t seen; /* attend_seen(); 0: not asked for yet */
};

/* Bytes of so many numbers in the dtype of the arithmetic. */
double writer_act_B(const struct writer *w, double numbers);

/* Appends an operator with its name, kind, split, role and phase. */
struct op *writer_add(struct writer *w, const char *name, enum op_kind kind, enum op_split split);

/* A linear layer: x (rows, k) times W (k, n), kept as class t; through `copies` such layers where experts
 * share the rows out, or as many times through one whose weights are read for each sequence. */
struct layer {
	const char *name;
	enum op_split split;
	enum tensor t;
	int64_t n, k;
	enum adapter adapter; /* ADAPTER_N: never has one */
};
struct spread {
	double rows, copies;
};

void writer_linear_over(struct writer *w, const struct layer *l, struct spread x);
void writer_linear(struct writer *w, const struct layer *l); /* over all rows of the step */
/* The products since operator `first` have one input, so that a runtime may make one product of them. */
void writer_join(struct writer *w, size_t first);
void writer_elementwise(struct writer *w, const char *name, enum op_kind kind, enum op_split split,
			double numbers);

/* The mixer of a block: attention, a recurrence, or both side by side; without the norm and the residual around
 * it. */
void writer_mixer(struct writer *w);
/* Those of its operators that hang on contexts and sequences. */
void writer_attends(struct writer *w);

#endif
