/*
 * scenario_text.h - a settled question as a scenario file.
 *
 * Layer ask. The text is the question: `ask` loads it as it would load a file, so that what `-o` writes gives the same
 * numbers under `simulate`. Each machine has an assignment of its own; where a link joins them, there are besides the
 * hand-over of the prompt's cache, a pipeline whose layers follow the machines' bandwidth and memory, and of equal
 * machines a tensor split, and of a card and its host the experts of some layers on the host.
 */
#ifndef SIM_ASK_SCENARIO_TEXT_H
#define SIM_ASK_SCENARIO_TEXT_H
#include "sim/ask/question.h"

void scenario_text(struct str *out, const struct asked *q);

/* Layers of the model on each machine, in their order: after bandwidth, no more than the memory holds of them. */
void scenario_layers(const struct asked *q, int64_t layers[ASK_MACHINES]);

/* Would a tensor split be among them, where the runtime has one over such a link (no_tensor)? */
bool scenario_may_split(const struct asked *q);

#endif
