/* disturbance.c - what other programs and a machine of varying speed did to all samples; see profile_fit.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/calib/profile_fit.h"

/* Below these the suite says nothing either (sim/measure): a load of a tenth of the cores, a canary a tenth off. */
static const double quiet = 0.1, widest = 0.5;

/* "28.0 on 16 cores": where each program gets its part of the cores, the share that the others take. A GPU computes beside
 * them. 0: quiet, or not said. */
static double of_load(const struct sample_set *set)
{
	char *end;
	double load, cores;

	if (!set->load || (set->device && strcmp(set->device, "cpu") != 0))
		return 0;
	load = strtod(set->load, &end);
	if (end == set->load || strncmp(end, " on ", 4) != 0)
		return 0;
	cores = strtod(end + 4, NULL);
	return isfinite(load) && cores >= 1 && load > quiet * cores ? load / (load + cores) : 0;
}

/* "35 %" */
static double of_canary(const struct sample_set *set)
{
	struct err ignored = ERR_INIT;
	double off = 0;

	return set->canary && units_parse(set->canary, DIM_SHARE, &off, &ignored) == 0 && off > quiet ? off
												      : 0;
}

void profile_fit_disturbance(struct profile_fitting *g)
{
	const double load = of_load(g->set), canary = of_canary(g->set),
		     sd = fmin(fmax(load, canary), widest);

	if (!(sd > 0))
		return;
	g->unsettled_sd = fmax(g->unsettled_sd, sd);
	g->run_sd = fmax(g->run_sd, sd);
	profile_fit_say(g,
			"%s%s%s%s%s: every spread is %.0f %% at least; measure again while nothing else runs",
			load > 0 ? "load average " : "", load > 0 ? g->set->load : "",
			load > 0 && canary > 0 ? ", " : "", canary > 0 ? "the canary was off by " : "",
			canary > 0 ? g->set->canary : "", 100 * g->unsettled_sd);
}
