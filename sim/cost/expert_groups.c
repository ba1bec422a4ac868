/* expert_groups.c - see expert_groups.h. */
#include "sim/cost/expert_groups.h"

#include <math.h>

#include "sim/base/exact_math.h"

const struct expert_group *expert_group_of(const struct few *f, double rows)
{
	const struct expert_group *g = f->groups.at, *found = NULL;

	for (size_t i = 0; i < f->groups.n; i++)
		if (rows >= (double)g[i].from && (!found || g[i].from > found->from))
			found = &g[i];
	return found && found->rows > 1 ? found : NULL;
}

/* The mean rate of a Poisson law whose mean is m > 1 once its zeros are left out: l = m (1 - exp(-l)). */
static double untruncated(double m)
{
	double l = m;

	for (int i = 0; i < 32; i++) { /* Newton's steps, from above on a convex function */
		const double e = m * exact_exp(-l);

		l -= (l - m + e) / (1 - e);
	}
	return l;
}

double expert_groups(double m, double each)
{
	const double l = m > 1 + 1e-6 ? untruncated(m) : 0;
	double p = exact_exp(-l), hit = 0, groups = 0;

	if (!(l > 0))
		return 1;
	if (l > 600) /* far from the edges the last group is half full */
		return m / each + 0.5;
	for (double c = 1; c < 4 * l + 64; c++) {
		p *= l / c;
		hit += p;
		groups += p * ceil(c / each);
	}
	return groups / hit;
}
