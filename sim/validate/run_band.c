/* run_band.c - see run_band.h. */
#include "sim/validate/run_band.h"

#include "sim/predict/draws.h"

enum { DRAWS = 200 };

static struct params *draw(struct arena *a, const struct validate_ask *ask, const struct drawn_run *of,
			   size_t n)
{
	return draws_of_device(a, of->machine, of->device,
			       ask->draws.seed >= 0 ? (uint64_t)ask->draws.seed : 1, n);
}

struct band run_band(const struct validate_ask *ask, const struct run *run, double rate,
		     const struct drawn_run *of, const struct drawn_run *over)
{
	struct arena scratch = ARENA_INIT;
	const size_t n = ask->draws.n > 0 ? (size_t)ask->draws.n : DRAWS;
	const struct params *z = draw(&scratch, ask, of, n);
	const struct params *z_over = over ? draw(&scratch, ask, over, n) : NULL;
	double *drawn = arena_array(&scratch, n, sizeof *drawn);
	struct band band;

	for (size_t i = 0; i < n; i++)
		drawn[i] = run_rate_of(
			run, predicted_run_seconds_drawn(&of->predicted, &z[i]) /
				     (over ? predicted_run_seconds_drawn(&over->predicted, &z_over[i]) : 1));
	band = band_of(rate, drawn, n);
	arena_release(&scratch);
	return band;
}
