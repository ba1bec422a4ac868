/* sustained.c - what a machine keeps of its arithmetic under a load that lasts; see profile_fit.h. */
#include <math.h>

#include "sim/base/exact_math.h"
#include "sim/base/units.h"
#include "sim/calib/profile_fit.h"

/* By so much the speed of a machine varies without a word (suite.c allows canaries more). */
static const double noise = 0.05;

static struct sample quarter(const struct sample *s, bool last)
{
	struct sample q = *s;

	q.seconds_n = s->seconds_n / 4;
	if (last)
		q.seconds += s->seconds_n - q.seconds_n;
	return q;
}

/* The rate of the last quarter of the times against that of the first. */
static struct number kept_share(struct profile_fitting *g, const struct sample *s)
{
	const struct sample first = quarter(s, false), last = quarter(s, true);
	const double share = sample_median(&first).median_s / sample_median(&last).median_s;
	const double sd = exact_hypot(profile_fit_sd(g, &first), profile_fit_sd(g, &last));

	return (struct number){share,
			       share * fmax(sd, first.seconds_n < 6 ? noise : 0),
			       (int64_t)s->seconds_n,
			       PROVENANCE_MEASURED,
			       arena_printf(g->arena,
					    "the last quarter of %zu times of one product against the first",
					    s->seconds_n),
			       true};
}

/* The lowest share counts, where it is below one by more than noise. */
void profile_fit_sustained(struct profile_fitting *g)
{
	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i];
		struct number kept;

		if (!profile_fit_wants(g, s, SAMPLE_SUSTAINED) || s->seconds_n < SUSTAINED_TIMES)
			continue;
		kept = kept_share(g, s);
		profile_fit_note(g, "%s: its last quarter ran at %s of the rate of its first",
				 profile_fit_name(g, s), units_digits(kept.value, 4).text);
		if (kept.value < 1 - fmax(noise, 2 * kept.sd) &&
		    (!g->d->sustained.given || kept.value < g->d->sustained.value))
			g->d->sustained = kept;
	}
}
