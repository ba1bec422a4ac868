/*
 * decode_rate.c - attention of one query over a KV cache; see profile_fit.h.
 *
 * A kernel for one query reads each key and value once and multiplies it with every query head that shares it: t = t0 +
 * max(bytes / R, FLOP / C), the roofline of that kernel. R and C are told apart by shapes with unlike numbers of query heads
 * for each key and value head, which is what their FLOP for each byte is; sizes of heads, their number and the depth are
 * what the law must hold for, and where it does not is in the spread (model_error.h).
 */
#include <math.h>
#include <string.h>

#include "sim/base/exact_math.h"
#include "sim/base/units.h"
#include "sim/calib/fit.h"
#include "sim/calib/profile_fit.h"

struct decode_points {
	struct fit_point *p; /* x: what `balance` makes of the work */
	double *bytes, *flop;
	size_t n;
	double least, most; /* FLOP for a byte */
};

/* Bits of a number of the cache: arithmetic in f32 reads caches of 16 bits in the runtimes that lemursim knows. */
static int64_t kv_bits(const struct sample *s)
{
	return s->dtype == SAMPLE_Q8 ? 8 : s->dtype == SAMPLE_Q4 ? 4 : 16;
}

static bool is_decode(const struct profile_fitting *g, const struct sample *s)
{
	return profile_fit_wants(g, s, SAMPLE_DECODE) && s->bytes > 0 && s->m <= 1;
}

static bool is_of(const struct attention_kernel_fit *k, const struct sample *s)
{
	return k->head_dim == s->head_dim && k->kv_bits == kv_bits(s);
}

/* The samples of one kernel, or, where it is NULL, all over a cache that is not in blocks. */
static struct decode_points decode_points(struct profile_fitting *g, const struct attention_kernel_fit *of)
{
	struct decode_points d = {.p = arena_array(g->arena, g->set->n, sizeof *d.p),
				  .bytes = arena_array(g->arena, g->set->n, sizeof *d.bytes),
				  .flop = arena_array(g->arena, g->set->n, sizeof *d.flop),
				  .least = INFINITY};

	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i];

		if (!is_decode(g, s) || (of ? !is_of(of, s) : kv_bits(s) != 16))
			continue;
		d.p[d.n] = (struct fit_point){.name = profile_fit_name(g, s),
					      .t = sample_median(s).median_s,
					      .sd = profile_fit_sd(g, s)};
		d.bytes[d.n] = s->bytes;
		d.flop[d.n] = s->flop > 0 ? s->flop : 4.0 * (double)(s->heads * s->head_dim) * (double)s->n;
		d.least = fmin(d.least, d.flop[d.n] / s->bytes);
		d.most = fmax(d.most, d.flop[d.n] / s->bytes);
		d.n++;
	}
	return d;
}

/* The work of each point in byte, where the kernel computes `balance` FLOP in the time that it reads a byte. */
static void weigh(struct decode_points *d, double balance)
{
	for (size_t i = 0; i < d->n; i++)
		d->p[i].x = fmax(d->bytes[i], d->flop[i] / balance);
}

/* How far the law with this balance is from points left out; infinite where nothing can be fitted. */
static double misses(const struct profile_fitting *g, struct decode_points *d, double balance)
{
	struct fit_point *p = arena_array(g->arena, d->n, sizeof *p);
	struct err err = ERR_INIT;
	struct fit f;

	weigh(d, balance);
	memcpy(p, d->p, d->n * sizeof *p);
	if (fit_make(FIT_AFFINE, p, d->n, 0, &f, &err) != 0)
		return INFINITY;
	return isfinite(f.loo_sd) ? f.loo_sd : isfinite(f.spread) ? f.spread : INFINITY;
}

/* The balance that misses least; infinite, which is reading alone, unless another is better by a fifth: with fewer than
 * two numbers of FLOP for a byte all are alike. */
static double find_balance(const struct profile_fitting *g, struct decode_points *d)
{
	const double step = exact_exp(exact_log(2) / 4), clearly = 0.8;
	double best = INFINITY, least = clearly * misses(g, d, INFINITY);

	if (!(d->least > 0) || d->most < 1.5 * d->least)
		return INFINITY;
	for (double b = d->least / 2; b < d->most; b *= step) {
		const double m = misses(g, d, b);

		if (m < least) {
			least = m;
			best = b;
		}
	}
	return best;
}

/* The arithmetic of one query as a share of the peak. Where every shape that was measured is bound by reading, those with
 * more FLOP for a byte may be too, or may not: the rate is taken where the measured ones end, and is wide. */
static struct number decode_share(struct profile_fitting *g, const struct decode_points *d, double balance,
				  const struct number *rate)
{
	const double peak = g->d->gemm[profile_fit_compute(g->d)].peak.value, unknown = 0.5;
	const double value = fmin(rate->value * (isfinite(balance) ? balance : 2 * d->most) / peak, 1);
	struct number r = {.value = value, .given = true};

	if (isfinite(balance)) {
		r.sd = value * fmin(rate->sd / rate->value, 1);
		r.n = rate->n;
		r.provenance = PROVENANCE_MEASURED;
		r.source = arena_printf(
			g->arena, "fit to caches of %s to %s FLOP for each byte; %s take as long as a byte",
			units_digits(d->least, 3).text, units_digits(d->most, 3).text,
			units_digits(balance, 3).text);
		return r;
	}
	r.sd = unknown * value;
	r.provenance = PROVENANCE_TRANSFERRED;
	r.source = arena_printf(g->arena,
				"reading binds up to %s FLOP for each byte; beyond twice that is not known",
				units_digits(d->most, 3).text);
	return r;
}

static bool all_rejected(const struct profile_fitting *g)
{
	bool any = false;

	for (size_t i = 0; i < g->set->n; i++)
		any |= g->set->samples[i].kind == SAMPLE_DECODE && g->set->samples[i].rejected;
	return any;
}

/* Where all shapes are bound by arithmetic, the cache is read at that rate at least, and at that of a stream at most. */
static void bound_by_arithmetic(const struct profile_fitting *g, const struct decode_points *d,
				double balance, struct number *decode)
{
	if (balance > d->least || decode->value >= g->d->read.value)
		return;
	decode->source = "every cache that was measured is bound by arithmetic: read at that rate at least";
	decode->provenance = PROVENANCE_TRANSFERRED;
	decode->sd = fmax(decode->sd, (g->d->read.value - decode->value) / 2);
}

/* The law of some samples; start: see profile_fit_work_rate(). */
static void fit_law(struct profile_fitting *g, struct decode_points *d, const char *what,
		    struct number *decode, struct number *share, struct number *start)
{
	const double balance = d->n ? find_balance(g, d) : INFINITY;

	weigh(d, balance);
	*decode = profile_fit_work_rate(g, d->p, d->n, what, start);
	if (decode->given && d->most > 0) {
		*share = decode_share(g, d, balance, decode);
		bound_by_arithmetic(g, d, balance, decode);
	}
}

/* The widths of heads and formats of caches that were measured, each once. */
static size_t list_kernels(const struct profile_fitting *g, struct attention_kernel_fit *to)
{
	size_t n = 0;

	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i];
		bool known = !is_decode(g, s) || s->head_dim <= 0;

		for (size_t j = 0; j < n; j++)
			known |= is_of(&to[j], s);
		if (!known)
			to[n++] =
				(struct attention_kernel_fit){.head_dim = s->head_dim, .kv_bits = kv_bits(s)};
	}
	return n;
}

static void fit_kernels(struct profile_fitting *g)
{
	struct attention_kernel_fit *all = arena_array(g->arena, g->set->n + 1, sizeof *all);
	const size_t n = list_kernels(g, all);

	g->d->kernels = all;
	for (size_t i = 0; i < n && n > 1; i++) {
		struct attention_kernel_fit *k = &all[g->d->kernels_n];
		struct decode_points d;

		*k = all[i];
		d = decode_points(g, k);
		fit_law(g, &d,
			arena_printf(g->arena, "attention of one query, heads of %lld, a cache of %lld bits",
				     (long long)k->head_dim, (long long)k->kv_bits),
			&k->decode, &k->decode_u, NULL);
		g->d->kernels_n += k->decode.given && k->decode_u.given;
	}
}

struct attention_kernel_fit *profile_fit_attention_kernel(const struct profile_fitting *g,
							  const struct sample *s)
{
	for (size_t i = 0; i < g->d->kernels_n; i++)
		if (is_of(&g->d->kernels[i], s))
			return &g->d->kernels[i];
	return NULL;
}

/* One query of each of several sequences. */
static void fit_several(struct profile_fitting *g)
{
	struct fit_point *p = arena_array(g->arena, g->set->n + 1, sizeof *p);
	size_t n = 0;

	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i];

		if (profile_fit_wants(g, s, SAMPLE_DECODE) && s->m > 1 && s->bytes > 0 && kv_bits(s) == 16)
			p[n++] = (struct fit_point){.name = profile_fit_name(g, s),
						    .x = s->bytes,
						    .t = sample_median(s).median_s,
						    .sd = profile_fit_sd(g, s)};
	}
	g->d->several = profile_fit_work_rate(g, p, n, "attention of one query of each of several sequences",
					      &g->d->several_start);
}

void profile_fit_decode(struct profile_fitting *g)
{
	struct decode_points d = decode_points(g, NULL);

	fit_law(g, &d, "attention of one query over the KV cache", &g->d->decode, &g->d->decode_u,
		&g->d->attend);
	fit_kernels(g);
	fit_several(g);
	if (g->d->decode.given)
		return;
	g->d->decode = profile_fit_transferred(
		&g->d->read, all_rejected(g) ? 0.2 : 0.1,
		all_rejected(g) ? "the read bandwidth; every attention of one query was rejected"
				: "the read bandwidth");
}
