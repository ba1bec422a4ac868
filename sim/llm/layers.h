/*
 * layers.h - the layout of a model that says its kinds of layers; the blocks themselves are in model.h.
 *
 * Layer llm.
 */
#ifndef SIM_LLM_LAYERS_H
#define SIM_LLM_LAYERS_H
#include "sim/llm/model.h"

/* Resolves the kinds and the pattern into m->layout, in the arena of diags. 0, or -1 with diagnostics. */
int layout_make(struct model *m, struct diags *diags);

int64_t layers_with_experts(const struct model *m);

/* Does the layer have that mixer? Attention of a model without kinds is in every layer. */
bool layout_mixer(const struct model *m, int64_t layer, struct part part);

/* Is this the first layer of the kind of that name? */
bool layout_is_first(const struct model *m, int64_t layer, const char *kind);

#endif
