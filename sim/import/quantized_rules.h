/*
 * quantized_rules.h - the quantisation block of a config.json as rules: how each linear module is quantized.
 *
 * Layer import. quantized.c asks them of every module of a model.
 */
#ifndef SIM_IMPORT_QUANTIZED_RULES_H
#define SIM_IMPORT_QUANTIZED_RULES_H
#include "sim/import/quantized_names.h"

/* What a linear module of n outputs of k inputs takes beside bits * n * k / 8. */
struct quantization {
	double bits;
	double group;                    /* inputs that share a scale; 0: none do */
	double rows;                     /* outputs that share it, too */
	double group_B;                  /* bytes of a scale and a zero point */
	double row_B, input_B, module_B; /* for each output, for each input, for the module */
	enum format_id format;           /* whose kernels are nearest */
};

double quantization_bytes(const struct quantization *x, double n, double k);

enum { GROUPS_MAX = 64 };

struct rules {
	struct arena *a;
	const struct yml *q; /* the block */
	struct err *err;
	struct quantization usual, rest;       /* of modules that are quantised, of those that are not */
	bool head, table, router;              /* quantised without being named */
	const struct quantized_patterns *left; /* modules that are not */
	struct group {
		const struct quantized_patterns *of;
		struct quantization as;
	} groups[GROUPS_MAX]; /* in the place of the usual one; the first that names a module counts */
	size_t groups_n;
	bool named_alone;                     /* a module that no group names is left alone */
	const struct quantized_patterns *own; /* modules with an entry of their own (MLX, quark) */
	double default_group, default_bits;
	bool by_mlx, numbered; /* numbered: each input has the number of its group (GPTQ) */
	bool by_quark;         /* what is left alone comes before entries */
	bool fp4_experts;      /* DeepSeek V4: expert_dtype */
	bool experts_only;
};

/* The block; NULL: there is none. */
const struct yml *rules_block(const struct yml *config);
/* Reads it into r, of which a, err and q are set. 0, or -1 with err. */
int rules_read(struct rules *r, const struct yml *config);
/* How that module is quantized. 0, or -1 with err: its own entry is wrong. */
int rules_find(struct rules *r, const struct quantized_module *m, struct quantization *as);
void rules_release(struct rules *r);

#endif
