/* utilisation_table.c - utilisation tables from times of products and of attention; see profile_fit.h. */
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/mem.h"
#include "sim/base/exact_math.h"
#include "sim/base/units.h"
#include "sim/calib/table_fit.h"
#include "sim/calib/fit.h"
#include "sim/cost/util.h"
#include "sim/stats/quantile.h"

_Static_assert((int)SAMPLE_F32 == (int)DTYPE_F32 && (int)SAMPLE_F16 == (int)DTYPE_F16 &&
		       (int)SAMPLE_BF16 == (int)DTYPE_BF16,
	       "both count arithmetic in the same order");

enum { GEMV_ROWS = 8 }; /* so few rows are costed as a matrix-vector product (sim/cost) */

static struct table_cell *cell_of(struct table_fit *t, const struct sample *s, int64_t per)
{
	for (size_t i = 0; i < t->n; i++)
		if (t->at[i].m == s->m && t->at[i].n == s->n && t->at[i].k == s->k && t->at[i].per == per)
			return &t->at[i];
	t->at[t->n] = (struct table_cell){.m = s->m,
					  .n = s->n,
					  .k = s->k,
					  .per = per,
					  .flop = s->flop,
					  .name = profile_fit_name(t->g, s)};
	return &t->at[t->n++];
}

/* Runs of one implementation are averaged by their counts; of two implementations the faster stays. */
static void add_run(struct table_fit *t, struct table_cell *c, const struct sample *s)
{
	const double time = sample_median(s).median_s, sd = profile_fit_sd(t->g, s),
		     n = (double)profile_fit_count(s);
	const bool same_path = !c->path || !s->path || !strcmp(c->path, s->path);

	if (!c->count || (!same_path && time < c->t)) {
		c->t = time;
		c->sd = sd;
		c->count = (int64_t)n;
		c->path = s->path;
		c->source = s->source;
	} else if (same_path) {
		const double w = (double)c->count, mean = (w * c->t + n * time) / (w + n);

		c->sd = fmax(fmax(c->sd, sd), fabs(c->t - time) / mean / 2);
		c->t = mean;
		c->count += (int64_t)n;
	}
}

void table_add(struct table_fit *t, const struct sample *s, const struct sample *as, int64_t per)
{
	add_run(t, cell_of(t, as, per), s);
}

static void gather_gemm(struct table_fit *t, enum dtype dtype)
{
	static const enum sample_dtype of[DTYPE_N] = {
		[DTYPE_F32] = SAMPLE_F32, [DTYPE_F16] = SAMPLE_F16, [DTYPE_BF16] = SAMPLE_BF16};
	struct profile_fitting *g = t->g;

	t->at = arena_array(g->arena, g->set->n, sizeof *t->at);
	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i];

		if (s->dtype == of[dtype] && s->flop > 0 && profile_fit_wants(g, s, SAMPLE_GEMM) &&
		    s->m > GEMV_ROWS && s->n > 0 && s->k > 0)
			table_add(t, s, s, 0);
	}
	/* Back to back there is no wait; where the run slows down the machine's `sustained` has that, for all shapes. */
	for (size_t i = 0; i < g->set->n && !g->d->sustained.given; i++) {
		const struct sample *s = &g->set->samples[i];
		struct sample late = *s;

		for (size_t j = 0; j < t->n; j++) {
			struct table_cell *c = &t->at[j];

			if (s->dtype != of[dtype] || !profile_fit_wants(g, s, SAMPLE_SUSTAINED) ||
			    c->m != s->m || c->n != s->n || c->k != s->k || g->batched)
				continue;
			late.seconds = s->seconds + s->seconds_n / 2;
			late.seconds_n = s->seconds_n - s->seconds_n / 2;
			c->sustained = sample_median(&late).median_s;
			c->sustained_sd = profile_fit_sd(g, &late);
			c->sustained_n = profile_fit_count(s);
			c->source = s->source;
		}
	}
}

/* t0, the host's wait, as the time of a single call beyond the same product back to back. The fastest sample of a shape
 * was the least disturbed. */
static bool t0_from_sustained(struct table_fit *t, enum dtype dtype)
{
	const struct sample_set *set = t->g->set;

	for (size_t i = 0; i < t->n; i++) {
		double single = INFINITY;

		for (size_t j = 0; j < set->n && t->at[i].sustained > 0; j++) {
			const struct sample *s = &set->samples[j];

			if (profile_fit_wants(t->g, s, SAMPLE_GEMM) && (int)s->dtype == (int)dtype &&
			    s->m == t->at[i].m && s->n == t->at[i].n && s->k == t->at[i].k)
				single = fmin(single, sample_median(s).median_s);
		}
		if (!isfinite(single) || single <= t->at[i].sustained)
			continue;
		t->t0 = single - t->at[i].sustained;
		t->t0_sd = 0.25 * t->t0;
		t->t0_source = arena_printf(t->g->arena, "%s: %s ms alone, %s ms back to back", t->at[i].name,
					    units_digits(1e3 * single, 5).text,
					    units_digits(1e3 * t->at[i].sustained, 5).text);
		return true;
	}
	return false;
}

/* t0 from the affine model; points that are mostly t0 are dropped, and the model is fitted again. */
static bool t0_from_fit(struct table_fit *t, bool needs_apart, const char *what)
{
	struct fit_point *p = arena_array(t->g->arena, t->n, sizeof *p);
	struct err err = ERR_INIT;
	struct str s = STR_INIT;
	struct fit f = {.n = 0};
	size_t n = 0;
	bool again = true;

	for (size_t i = 0; i < t->n; i++)
		p[n++] = (struct fit_point){
			.name = t->at[i].name, .x = t->at[i].flop, .t = t->at[i].t, .sd = t->at[i].sd};
	while (again && n >= 3) {
		size_t kept = 0;

		if (fit_make(FIT_AFFINE, p, n, 0, &f, &err) != 0)
			break;
		for (size_t i = 0; i < n; i++)
			if (!p[i].mostly_t0)
				p[kept++] = p[i];
		again = kept < n;
		n = kept;
	}
	if (f.used < 3 || again || !(f.spread < 0.05) || (needs_apart && !f.apart) ||
	    !(f.p[FIT_T0].value > 0)) {
		profile_fit_note(t->g, "%s: t0 cannot be told from these sizes: %s", what,
				 err.msg[0]        ? err.msg
				 : f.spread < 0.05 ? "it is lost in the noise"
						   : "the rate is not the same at all of them");
		return false;
	}
	fit_describe(&f, &s);
	profile_fit_note(t->g, "%s: %s", what, s.text);
	str_release(&s);
	t->t0 = f.p[FIT_T0].value;
	t->t0_sd = fmax(f.p[FIT_T0].se, 0.1 * t->t0);
	t->t0_source = arena_printf(t->g->arena, "fit of t0 + FLOP/R to %zu sizes", f.used);
	return true;
}

static void attention_t0(struct table_fit *t)
{
	const struct number *start = t->g->d->attend.given ? &t->g->d->attend : &t->g->d->kernel;

	t->t0 = start->value;
	t->t0_sd = start->sd;
}

static void find_t0(struct table_fit *t, enum dtype dtype, const char *what)
{
	const struct profile_fit *d = t->g->d;

	if (t->g->batched) {
		t->t0 = d->product.given ? d->product.value : d->kernel.value;
		t->t0_sd = d->product.given ? d->product.sd : d->kernel.sd;
		t->t0_source = "one of many in a row: no host in it";
		t->t0_known = true;
		return;
	}
	t->t0_known = t0_from_sustained(t, dtype) || t0_from_fit(t, true, what);
	t->t0_provenance = PROVENANCE_MEASURED;
	for (int other = 0; other < DTYPE_N && !t->t0_known; other++) {
		if (!d->gemm[other].n || d->gemm[other].sync.provenance != PROVENANCE_MEASURED)
			continue;
		t->t0 = d->gemm[other].sync.value;
		t->t0_sd = d->gemm[other].sync.sd;
		t->t0_source = arena_printf(t->g->arena, "the t0 of %s", dtype_names[other]);
		t->t0_provenance = PROVENANCE_TRANSFERRED;
		t->t0_known = true;
	}
	if (!t->t0_known)
		t->t0_source = "not determined, taken as nothing";
}

double table_work_rate(struct table_fit *t, struct table_cell *c)
{
	const double alone = c->t - t->t0;

	if (c->sustained > 0) {
		c->u_sd = fmax(c->sustained_sd, t->g->run_sd);
		return c->flop / c->sustained;
	}
	if (t->t0 > 0.5 * c->t) {
		c->why = "t0 is more than half of it";
		return 0;
	}
	c->u_sd = exact_hypot(c->sd * c->t, t->t0_sd) / alone;
	if (!t->g->batched && c->sd * c->t / alone > 0.1) {
		c->why = "too uncertain once t0 is taken off";
		return 0;
	}
	c->u_sd = fmax(c->u_sd, t->g->run_sd);
	return c->flop / alone;
}

static double best_single(const struct table_fit *t, enum dtype dtype, const struct sample **which)
{
	const struct sample_set *set = t->g->set;
	double best = 0;

	for (size_t i = 0; i < set->n; i++) {
		const struct sample *s = &set->samples[i];
		const bool product = profile_fit_wants(t->g, s, SAMPLE_GEMM);

		if (product && (int)s->dtype == (int)dtype && s->flop / sample_median(s).median_s > best) {
			best = s->flop / sample_median(s).median_s;
			*which = s;
		}
	}
	return best;
}

/* The best rate of attention, which may exceed that of any product where a plain library computes the products. */
static double best_attention(const struct table_fit *t, enum dtype dtype)
{
	const struct sample_set *set = t->g->set;
	double best = 0;

	for (size_t i = 0; i < set->n; i++) {
		const struct sample *s = &set->samples[i];
		double alone;

		if ((int)s->dtype != (int)dtype || !profile_fit_wants(t->g, s, SAMPLE_PREFILL))
			continue;
		alone = sample_median(s).median_s - t->t0;
		best = alone > 0.5 * sample_median(s).median_s ? fmax(best, s->flop / alone) : best;
	}
	return best;
}

/* The device's arithmetic peak: the data sheet's, else the best measured rate. */
static struct number peak_of(const struct table_fit *t, enum dtype dtype, double best)
{
	static const char *const keys[DTYPE_N] = {"peak_f32", "peak_f16", "peak_bf16"};
	double value = 0;

	if (datasheet_value(t->g->datasheet, keys[dtype], DIM_FLOPS, &value))
		return (struct number){.value = value, .given = true};
	value = fmax(best, best_attention(t, dtype)) *
		1.0002; /* so that rounding leaves every u at 100 % or less */
	return (struct number){value,
			       0.03 * value,
			       0,
			       PROVENANCE_MEASURED,
			       "the best measured rate; the arithmetic limit is not known",
			       true};
}

void table_write(struct table_fit *t, struct utilisation_table *table, double most, enum sample_kind kind,
		 enum sample_dtype dtype)
{
	table->at = arena_array(t->g->arena, t->n, sizeof *table->at);
	for (size_t i = 0; i < t->n; i++) {
		const struct table_cell *c = &t->at[i];
		struct utilisation_point *p = &table->at[table->n];

		if (c->why) {
			profile_fit_note(t->g, "left out: %s, %s ms: %s", c->name,
					 units_digits(1e3 * c->t, 4).text, c->why);
			profile_fit_unused(t->g, kind, dtype, c->why);
			continue;
		}
		if (c->u > 1.005 * most)
			profile_fit_note(t->g, "%s: %s times the stated peak, held at it", c->name,
					 units_digits(c->u, 4).text);
		*p = (struct utilisation_point){
			c->m,
			c->n,
			c->k,
			c->per,
			{.value = fmin(c->u, most), .provenance = PROVENANCE_MEASURED, .given = true}};
		p->u.sd = p->u.value * fmax(c->u_sd, 0.005);
		p->u.n = c->sustained > 0 ? c->sustained_n : c->count;
		p->u.source = arena_printf(
			t->g->arena, "%s ms%s%s%s%s%s",
			units_digits(1e3 * (c->sustained > 0 ? c->sustained : c->t), 6).text,
			c->sustained > 0 ? " back to back" : "", c->path ? ", " : "", c->path ? c->path : "",
			c->source ? "; " : "", c->source ? c->source : "");
		table->n++;
	}
}

static int one_gemm(struct profile_fitting *g, enum dtype dtype, struct err *err)
{
	struct table_fit t = {.g = g};
	struct utilisation_table *table = &g->d->gemm[dtype];
	const char *what = arena_printf(g->arena, "products in %s", dtype_names[dtype]);
	const struct sample *which = NULL;
	double best = 0, roof;

	gather_gemm(&t, dtype);
	if (!t.n)
		return 0;
	find_t0(&t, dtype, what);
	for (size_t i = 0; i < t.n; i++) {
		t.at[i].u = table_work_rate(&t, &t.at[i]);
		best = fmax(best, t.at[i].u);
	}
	if (!(best > 0)) {
		profile_fit_note(g, "%s: not used: t0 is more than half of every time", what);
		for (size_t i = 0; i < t.n; i++)
			profile_fit_unused(g, SAMPLE_GEMM, (enum sample_dtype)dtype, t.at[i].why);
		return 0;
	}
	table->peak = peak_of(&t, dtype, best);
	table->peak_stated =
		datasheet_find(g->datasheet, arena_printf(g->arena, "peak_%s", dtype_names[dtype])) != NULL;
	for (size_t i = 0; i < t.n; i++) {
		t.at[i].u /= table->peak.value;
		if (t.at[i].u > 1.03)
			return err_set(err, "%s: %s is more than the stated peak of %s", t.at[i].name,
				       units_text(g->arena, t.at[i].u * table->peak.value, DIM_FLOPS, 4),
				       units_text(g->arena, table->peak.value, DIM_FLOPS, 4));
	}
	table_error(&t, table, what);
	table_write(&t, table, 1, SAMPLE_GEMM, (enum sample_dtype)dtype);
	roof = best_single(&t, dtype, &which);
	table->roof = (struct number){fmin(roof, table->peak.value), 0.005 * roof, profile_fit_count(which),
				      PROVENANCE_MEASURED,           NULL,         true};
	table->roof.source =
		arena_printf(g->arena, "best single product, %s, %s ms%s%s", profile_fit_name(g, which),
			     units_digits(1e3 * sample_median(which).median_s, 6).text,
			     which->source ? "; " : "", which->source ? which->source : "");
	table->sync = (struct number){
		g->batched ? 0 : t.t0, g->batched ? 0 : t.t0_sd, 0, t.t0_provenance, t.t0_source, true};
	return 0;
}

int profile_fit_gemm(struct profile_fitting *g, struct err *err)
{
	static const enum dtype order[] = {DTYPE_F16, DTYPE_BF16, DTYPE_F32};

	for (size_t i = 0; i < ARRAY_LEN(order); i++)
		if (one_gemm(g, order[i], err) != 0)
			return -1;
	return 0;
}

bool profile_fit_has_products(const struct profile_fit *d)
{
	bool any = false;

	for (int t = 0; t < DTYPE_N; t++)
		any |= d->gemm[t].n > 0;
	return any;
}

/* Attention of a prompt as flash attention runs it reaches about half of what large products do: 45 of 82 % under
 * llama.cpp on M3 and M4, 40 of 85 % on GeForce, 50 of 71 % under PyTorch on H100 (hardware/runtimes). */
static const double attention_of_products = 0.5;
enum { MANY_ROWS = 256 };

static void transfer_attention(struct profile_fitting *g)
{
	const enum dtype dtype = profile_fit_compute(g->d);
	const struct utilisation_table *gemm = &g->d->gemm[dtype];
	struct utilisation_table *table = &g->d->attention;
	double *u = arena_array(g->arena, gemm->n, sizeof *u), value;
	size_t n = 0;

	for (size_t i = 0; i < gemm->n; i++)
		if (gemm->at[i].m >= MANY_ROWS)
			u[n++] = gemm->at[i].u.value;
	for (size_t i = 0; i < gemm->n && !n; i++) /* few rows alone: the best of them */
		u[0] = fmax(u[0], gemm->at[i].u.value);
	value = attention_of_products * quantile_of(u, n ? n : 1, 0.5);
	table->at = arena_array(g->arena, 1, sizeof *table->at);
	table->n = 1;
	table->at[0] = (struct utilisation_point){
		512,
		512,
		1,
		0,
		{value, 0.5 * value, 0, PROVENANCE_TRANSFERRED,
		 "half of the products of many rows; attention was not measured", true}};
	profile_fit_note(g, "attention of a prompt was not measured: transferred from the products in %s",
			 dtype_names[dtype]);
}

static bool is_prefill(const struct profile_fitting *g, const struct sample *s)
{
	return profile_fit_wants(g, s, SAMPLE_PREFILL) && s->flop > 0 && s->m > 0 && s->n > 0;
}

/* The width of heads, of those with a kernel of their own, that most samples of prompts have; the others are told by how
 * they differ from it. */
static int64_t usual_head(const struct profile_fitting *g)
{
	int64_t usual = 0;
	size_t most = 0;

	for (size_t i = 0; i < g->set->n; i++) {
		size_t n = 0;

		for (size_t j = 0; j < g->set->n && is_prefill(g, &g->set->samples[i]); j++)
			n += is_prefill(g, &g->set->samples[j]) &&
			     g->set->samples[j].head_dim == g->set->samples[i].head_dim;
		if (n > most) {
			most = n;
			usual = g->set->samples[i].head_dim;
		}
	}
	return usual;
}

static bool is_table_prefill(const struct profile_fitting *g, const struct sample *s)
{
	return is_prefill(g, s) && s->dtype != SAMPLE_Q8 && s->dtype != SAMPLE_Q4 &&
	       (!profile_fit_attention_kernel(g, s) || s->head_dim == usual_head(g));
}

/* The utilisation of prompts with other heads and caches, against the table's at the same shape. */
static void fit_kernels_prefill(struct profile_fitting *g, const struct table_fit *t, double peak)
{
	const struct util_table *table = table_prepare(g->arena, &g->d->attention);
	double *share = arena_array(g->arena, g->set->n + 1, sizeof *share);

	for (size_t k = 0; k < g->d->kernels_n; k++) {
		struct attention_kernel_fit *kernel = &g->d->kernels[k];
		size_t n = 0;

		for (size_t i = 0; i < g->set->n; i++) {
			const struct sample *s = &g->set->samples[i];
			const double alone = is_prefill(g, s) && !is_table_prefill(g, s)
						     ? sample_median(s).median_s - t->t0
						     : 0;

			if (alone > t->t0 && profile_fit_attention_kernel(g, s) == kernel)
				share[n++] =
					s->flop / alone / peak / util_at(table, (double)s->m, (double)s->n).u;
		}
		if (n)
			kernel->prefill = profile_fit_share(
				g, share, n, "prompts of such heads, against those of the table");
	}
}

void profile_fit_attention(struct profile_fitting *g)
{
	struct table_fit t = {.g = g, .at = arena_array(g->arena, g->set->n, sizeof *t.at)};
	const struct utilisation_table *gemm = &g->d->gemm[profile_fit_compute(g->d)];

	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i];

		if (is_table_prefill(g, s)) {
			struct sample flat = *s;
			const double dense =
				4.0 * (double)(s->heads * s->head_dim) * (double)s->m * (double)s->n;

			flat.k = 1;
			table_add(&t, s, &flat, 0);
			/* true while every row counts less than half of the masked FLOP; a chunk after a long cache has few of them */
			g->d->skips_mask &= s->flop < dense - 2.0 * (double)(s->heads * s->head_dim) *
								      (double)s->m * (double)(s->m - 1) / 2;
		}
	}
	if (t.n) {
		if (g->batched)
			attention_t0(&t);
		else if (!t0_from_fit(&t, false, "attention of a prompt"))
			t.t0 = gemm->sync.value, t.t0_sd = gemm->sync.sd;
		for (size_t i = 0; i < t.n; i++)
			t.at[i].u = table_work_rate(&t, &t.at[i]) / gemm->peak.value;
		table_error(&t, &g->d->attention, "attention of a prompt");
		table_write(&t, &g->d->attention, 1, SAMPLE_PREFILL,
			    (enum sample_dtype)profile_fit_compute(g->d));
		if (g->d->attention.n)
			fit_kernels_prefill(g, &t, gemm->peak.value);
	}
	if (!g->d->attention.n)
		transfer_attention(g);
}
