/* own_widths.c - see own_widths.h. */
#include "sim/family/own_widths.h"

#include <math.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/family/family_keys.h"

/* The number of a chip, a new one at the end; as many as there is room for: it is one too many. */
static size_t number_of(struct own_widths *own, const char *chip)
{
	for (size_t c = 0; c < own->n; c++)
		if (!strcmp(own->chip[c], chip))
			return c;
	if (own->n == FAMILY_CHIPS)
		return FAMILY_CHIPS;
	own->chip[own->n] = chip;
	return own->n++;
}

/* A run of both phases tells nothing of either. */
static bool is_of_phase(const struct run *run, int phase)
{
	return phase == REACH_PREFILL ? run->prompt > 0 && !run->gen : reach_is_of_steps(run);
}

static void take_row(const struct family_model *family, const struct observation *row, double error,
		     struct own_widths *own)
{
	const char *chip = family_chip_name(row);
	const size_t c = number_of(own, chip);
	const double off = exact_log(1 + error);
	struct fit_reach reach = {.context = 0};

	fit_reach_add(family->l->arena, row, family->profile, &reach);
	for (int p = 0; p < REACH_PHASES; p++)
		for (int k = 0; k < BEYOND_KINDS; k++)
			if (c < FAMILY_CHIPS && is_of_phase(row->run, p) && reach.had[p][k]) {
				own->squares[c][p][k] += off * off;
				own->runs[c][p][k]++;
			}
}

void own_widths_take(const struct family_model *family, const struct observations *e, const double *errors,
		     struct own_widths *own)
{
	*own = (struct own_widths){.n = 0};
	for (size_t i = 0; i < e->n; i++)
		if (family_fits(family, &e->at[i]) && isfinite(errors[i]))
			take_row(family, &e->at[i], errors[i], own);
}

void own_widths_join(const struct own_widths *own, const char *but, struct beyond_widths *w)
{
	for (int p = 0; p < REACH_PHASES; p++)
		for (int k = 0; k < BEYOND_KINDS; k++)
			for (size_t c = 0; c < own->n; c++) {
				if (!own->runs[c][p][k] || (but && !strcmp(but, own->chip[c])))
					continue;
				w->own[p][k].squares += own->squares[c][p][k] / (double)own->runs[c][p][k];
				w->own[p][k].n++;
			}
}
