/* unused.c - samples that no number of a profile was made of, counted by their reasons; see profile_fit.h. */
#include <string.h>

#include "sim/calib/profile_fit.h"

void profile_fit_unused(struct profile_fitting *g, enum sample_kind kind, enum sample_dtype dtype,
			const char *why)
{
	for (size_t i = 0; i < g->unused.n; i++) {
		struct unused_samples *u = &g->unused.at[i];

		if (u->kind == kind && u->dtype == dtype && !strcmp(u->why, why)) {
			u->n++;
			return;
		}
	}
	VEC_ADD(&g->unused, ((struct unused_samples){kind, dtype, why, 1}));
}

static const char *why_few(struct profile_fitting *g, const struct sample *s)
{
	if (!profile_fit_is_few_format(g, s->dtype))
		return "weights as they are are read in another dtype, which is taken";
	if (s->m > 1 && !profile_fit_single_row(g, s))
		return "no single row through the same weights to compare with";
	return NULL;
}

static const char *why_gemm(struct profile_fitting *g, const struct sample *s)
{
	if (s->m <= FEW_GEMM_ROWS)
		return why_few(g, s);
	if (s->dtype != SAMPLE_Q8 && s->dtype != SAMPLE_Q4)
		return NULL; /* utilisation_table.c tells what it leaves out */
	return s->m < FEW_MANY_ROWS && !profile_fit_has_table(g, s->kind, s->dtype)
		       ? "too many rows for a matrix-vector kernel, too few to compare formats"
		       : NULL;
}

static const char *why_experts(struct profile_fitting *g, const struct sample *s)
{
	if (profile_fit_has_table(g, s->kind, s->dtype))
		return NULL;
	if (s->m != s->k || s->k < 2)
		return "not one token for each of several experts (few.scattered); a table of experts wants "
		       "several widths and numbers of rows";
	if (profile_fit_is_scattered(g, s))
		return NULL;
	if (!profile_fit_is_few_format(g, s->dtype))
		return "weights in another dtype than those of gemv";
	return (s->dtype == SAMPLE_Q8 || s->dtype == SAMPLE_Q4) && g->d->few.scattered.given
		       ? "few.scattered is made of weights as they are, which were measured; a table of "
			 "experts wants "
			 "several widths and numbers of rows"
		       : "less than twice a kernel's start";
}

static const char *why_sustained(const struct profile_fitting *g, const struct sample *s)
{
	if (s->seconds_n < SUSTAINED_TIMES)
		return g->batched ? "fewer than 8 times in their order, which 'sustained' is made of" : NULL;
	return g->d->sustained.given ? NULL : "it did not slow down: no 'sustained' is written";
}

/* What a row of its kind needs, and this one has not: misspelt columns show so. */
static const char *why_lacking(const struct sample *s)
{
	const bool shape = s->m > 0 && s->n > 0 && s->k > 0;

	switch (s->kind) {
	case SAMPLE_READ:
	case SAMPLE_COPY:
	case SAMPLE_TRIAD:
	case SAMPLE_ELEMENTWISE:
		return s->bytes > 0 ? NULL : "no 'bytes', of which the rate is made";
	case SAMPLE_GEMV:
		return shape ? NULL : "no 'm', 'n' or 'k'";
	case SAMPLE_MOE:
		return shape ? NULL : "no 'm' (tokens), 'n' (width) or 'k' (experts)";
	case SAMPLE_PREFILL:
		if (!(s->m > 0 && s->n > 0))
			return "no 'm' (queries) or 'n' (keys)";
		return s->flop > 0 ? NULL : "no 'heads' or 'head_dim', nor 'flop'";
	case SAMPLE_DECODE:
		return s->bytes > 0 ? NULL : "no 'n' (keys), 'heads' or 'head_dim', nor 'bytes'";
	case SAMPLE_DISPATCH:
		return s->m > 0 ? NULL : "no 'm' (kernels)";
	case SAMPLE_SUBMIT:
		return s->m > 0 ? NULL : "no 'm' (submissions)";
	default:
		return NULL;
	}
}

static const char *why_unused(struct profile_fitting *g, const struct sample *s)
{
	const char *lacking = why_lacking(s);

	if (!s->seconds_n)
		return s->rejected ? "failed, see the file's head" : "no times";
	if (s->rejected)
		return s->why && str_starts(s->why, "unsettled: ") ? "the machine had not settled"
								   : "rejected, see the file's head";
	if (s->threads && s->threads != g->threads)
		return "another number of threads";
	if (lacking)
		return lacking;
	switch (s->kind) {
	case SAMPLE_GEMM:
		return why_gemm(g, s);
	case SAMPLE_GEMV:
		return why_few(g, s);
	case SAMPLE_TRIAD:
		return g->d->copy.provenance == PROVENANCE_MEASURED ? "copies were measured alone" : NULL;
	case SAMPLE_MOE:
		return why_experts(g, s);
	case SAMPLE_LAYER:
	case SAMPLE_PARTS:
		return profile_fit_why_layer(g, s);
	case SAMPLE_SUSTAINED:
		return why_sustained(g, s);
	case SAMPLE_WRITE:
	case SAMPLE_ADAM:
	case SAMPLE_HOST_COPY:
	case SAMPLE_LINK:
		return "no number of a profile is made of it";
	default:
		return NULL;
	}
}

void profile_fit_count_unused(struct profile_fitting *g)
{
	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i];
		const char *why = why_unused(g, s);

		if (why)
			profile_fit_unused(g, s->kind, s->dtype, why);
	}
}

void profile_fit_tell_unused(const struct profile_fit *d, const char *device, struct arena *a,
			     struct texts *lines)
{
	for (size_t i = 0; i < d->said.n; i++) {
		const char *line = arena_printf(a, "%s: %s", device, d->said.at[i]);

		*lines = texts_join(a, lines, &line, 1);
	}
	for (size_t i = 0; i < d->unused_n; i++) {
		const struct unused_samples *u = &d->unused[i];
		const char *line =
			arena_printf(a, "%s: %zu of %s %s not used: %s", device, u->n,
				     sample_kind_names[u->kind], sample_dtype_names[u->dtype], u->why);

		*lines = texts_join(a, lines, &line, 1);
	}
}
