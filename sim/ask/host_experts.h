/*
 * host_experts.h - experts of a mixture in the memory of a card's host, which computes them: llama.cpp's --n-cpu-moe, the way in
 * which people run a mixture that is larger than their card.
 *
 * Layer ask.
 */
#ifndef SIM_ASK_HOST_EXPERTS_H
#define SIM_ASK_HOST_EXPERTS_H
#include "sim/ask/question.h"

/* Where one of two machines is a card under a back end of llama.cpp and the other its host: sets the fewest layers whose experts
 * must be on the host for all to fit. Leaves them 0 where the card holds all, where no number of layers fits, of a dense model, of a
 * training and of a server's load. */
void host_experts_settle(const struct loader *l, struct asked *q);

/* The same question of a card with a host beside it: a sentence of what to ask; NULL where that does not fit either, or is no
 * question of a card alone. In the loader's arena. */
const char *host_experts_remedy(const struct loader *l, const struct asked *q);

#endif
