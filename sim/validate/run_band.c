/* run_band.c - see run_band.h. */
#include "sim/validate/run_band.h"

#include <math.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/base/rng.h"
#include "sim/predict/draws.h"

enum { DRAWS = 200 };

/* How far a program is from the suite's kernels on one machine, as the standard deviation of the logarithm of a time: four of
 * five of 51 runs of llama.cpp on 16 cores of a Xeon (f16, q8_0 and q4_0, dense and of experts, one to 16 sequences, November
 * 2026) were within 0.94 of what the suite's operations give, which a normal of this width has. */
static const double another_program_sd = 0.7;

static uint64_t seed_of(const struct validate_ask *ask)
{
	return ask->draws.seed >= 0 ? (uint64_t)ask->draws.seed : 1;
}

static bool is_of_another_program(const struct run *run, const struct profile *p)
{
	return p->suite && run->tool && strcmp(run->tool, "csv") != 0;
}

void run_tell_suite(struct arena *a, const struct run *run, const struct profile *p, struct texts *notes)
{
	if (is_of_another_program(run, p))
		*notes = texts_join_once(
			a, notes,
			arena_printf(
				a,
				"%s: '%s' is made of lemursim's own kernels, and %s has others: the "
				"intervals "
				"are wide for it; 'lemursim calibrate --from %s --machine MACHINE' fits a "
				"runtime to its runs",
				run->path, p->origin.name, run->tool, run->path));
}

/* The factors that times are drawn with for what no parameter of the device says, the kernels of a program that were not measured
 * and the weights of a file that are known by its size; NULL: there is nothing such. */
static const double *other_factors(struct arena *a, const struct validate_ask *ask, const struct run *run,
				   const struct drawn_run *of, size_t n)
{
	const double program = is_of_another_program(run, of->profile) ? another_program_sd : 0,
		     sd = sqrt(program * program + of->spread * of->spread);
	struct rng *rng;
	double *factor;

	if (!(sd > 0))
		return NULL;
	factor = arena_array(a, n, sizeof *factor);
	rng = rng_new(seed_of(ask), "draws/program");
	for (size_t i = 0; i < n; i++)
		factor[i] = exact_exp(sd * rng_normal(rng));
	rng_free(rng);
	return factor;
}

static struct params *draw(struct arena *a, const struct validate_ask *ask, const struct drawn_run *of,
			   size_t n)
{
	return draws_of_device(a, of->machine, of->device, seed_of(ask), n);
}

struct band run_band(const struct validate_ask *ask, const struct run *run, double rate,
		     const struct drawn_run *of, const struct drawn_run *over)
{
	struct arena scratch = ARENA_INIT;
	const size_t n = ask->draws.n > 0 ? (size_t)ask->draws.n : DRAWS;
	const struct params *z = draw(&scratch, ask, of, n);
	const struct params *z_over = over ? draw(&scratch, ask, over, n) : NULL;
	const double *factor = other_factors(&scratch, ask, run, of, n);
	double *drawn = arena_array(&scratch, n, sizeof *drawn);
	struct band band;

	for (size_t i = 0; i < n; i++)
		drawn[i] = run_rate_of(
			run, predicted_run_seconds_drawn(&of->predicted, &z[i]) /
				     (over ? predicted_run_seconds_drawn(&over->predicted, &z_over[i]) : 1) *
				     (factor ? factor[i] : 1));
	band = band_of(rate, drawn, n);
	arena_release(&scratch);
	return band;
}
