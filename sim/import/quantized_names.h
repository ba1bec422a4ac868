/*
 * quantized_names.h - the linear modules of a model under the names of its repository, and lists of patterns that name some of them.
 *
 * Layer import. Quantisers say by name which modules they left alone: 'ignore' of compressed-tensors (exact names, or regular
 * expressions behind "re:"), 'ignore' and 'exclude_modules' of Model Optimizer (with * and ?), 'modules_to_not_convert' of
 * transformers (the beginnings or parts of names), 'dynamic' of GPTQModel ("-:" and a regular expression).
 */
#ifndef SIM_IMPORT_QUANTIZED_NAMES_H
#define SIM_IMPORT_QUANTIZED_NAMES_H
#include "sim/base/err.h"
#include "sim/conf/yml.h"
#include "sim/llm/model.h"

/* The products of one class in one block of a layer: `copies` of n outputs of k inputs, which take one name. */
struct quantized_module {
	enum tensor tensor;
	int64_t layer; /* -1: at the ends; behind the last: it predicts further tokens */
	int64_t mtp;   /* of those: which one; -1: none of them */
	const char *const *blocks,
		*const *leaves; /* the names that it may have, "self_attn" and "q_proj"; end in NULL */
	double n, k, copies;
};

/* Calls see() for each module of the model, those that predict further tokens included; small: numbers in norms, biases and the
 * like, summed. */
struct quantized_visitor {
	void (*see)(void *ctx, const struct quantized_module *m);
	void *ctx;
	double small, mtp_small;
};
void quantized_modules(struct arena *a, const struct model *m, struct quantized_visitor *v);

struct quantized_patterns;
/* Reads a list of patterns, or the keys of a mapping (those that begin with `sign`, without it; NULL: all). whole: a plain name
 * stands for that module alone, not for those within it. NULL with err where a regular expression is none. */
const struct quantized_patterns *quantized_patterns_read(struct arena *a, const struct yml *list, bool whole,
							 const char *sign, struct err *err);
/* The pattern's entry (in the list, or the value of its key) that names the module; NULL: none does. */
const struct yml *quantized_patterns_find(const struct quantized_patterns *p,
					  const struct quantized_module *m);
void quantized_patterns_release(
	const struct quantized_patterns *p); /* of what is beside the arena; NULL is allowed */

#endif
