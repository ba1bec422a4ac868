/*
 * builds.h - a profile as an earlier build of its runtime was.
 *
 * Layer hw. A profile says what the builds of its date do. Which kernels run a step changes with single pull requests, and
 * a run that names its build is compared with what that build had: struct build_before says what was otherwise.
 */
#ifndef SIM_HW_BUILDS_H
#define SIM_HW_BUILDS_H
#include "sim/hw/hw.h"

/* The profile as that build was: p itself where nothing was otherwise, or where no build is named (0); else a copy in the
 * arena. */
const struct profile *profile_at_build(struct arena *a, const struct profile *p, int64_t build);

#endif
