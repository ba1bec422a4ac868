/*
 * would_fit.h - what would have to change for a scenario of which nothing fits to fit, each change by itself: a smaller
 * format of the weights, a smaller cache, fewer tokens, fewer sequences.
 *
 * Layer ask.
 */
#ifndef SIM_ASK_WOULD_FIT_H
#define SIM_ASK_WOULD_FIT_H
#include "sim/conf/load.h"
#include "sim/cost/formats.h"
#include "sim/world/world.h"

/* What people load, from large to small; NULL ends them. Empty for readers without such a choice. */
const char *const *would_fit_formats(enum format_reader reader);

/* The most of 0 .. too_many - 1 that fits, where fewer always do when more do; 0 is not asked for. */
int64_t would_fit_most(int64_t too_many, bool (*fits)(void *self, int64_t n), void *self);

struct would_fit_ask {
	const struct loader *loader; /* that has read the scenario */
	const char *path;
	const struct texts *sets; /* what --set has changed already */
	/* whether a changed world fits; NULL: whether one of its assignments does */
	bool (*fits)(void *self, const struct world *w);
	void *self;
};

/* Settings as --set takes them, "precision.weights=q4_K_M"; none where nothing that is tried helps. In the arena. */
struct texts would_fit(struct arena *a, const struct would_fit_ask *ask);

#endif
