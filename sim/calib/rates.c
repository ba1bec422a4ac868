/* rates.c - rates and overheads from times: streams, single rows through weights, attention of one query. See
 * profile_fit.h. */
#include <math.h>
#include <string.h>

#include "sim/calib/fit.h"
#include "sim/base/units.h"
#include "sim/calib/model_error.h"
#include "sim/calib/profile_fit.h"

/* Makes a point of each usable sample of a kind whose x() is positive. Returns how many. */
static size_t gather(struct profile_fitting *g, enum sample_kind kind, double (*x)(const struct sample *),
		     struct fit_point **points)
{
	size_t n = 0;

	*points = arena_array(g->arena, g->set->n, sizeof **points);
	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i];

		if (profile_fit_wants(g, s, kind) && x(s) > 0)
			(*points)[n++] = (struct fit_point){.name = profile_fit_name(g, s),
							    .x = x(s),
							    .t = sample_median(s).median_s,
							    .sd = profile_fit_sd(g, s)};
	}
	return n;
}

static double count_of(const struct sample *s)
{
	return (double)s->m;
}

static double
waited_count(const struct sample *s) /* kernels that each wait for the one before, as in a layer */
{
	return s->k == 1 ? (double)s->m : 0;
}

static double bytes_of(const struct sample *s)
{
	return s->bytes;
}

static void note_fit(struct profile_fitting *g, const char *what, const struct fit *f,
		     const struct fit_point *p)
{
	struct str s = STR_INIT;

	fit_describe(f, &s);
	profile_fit_note(g, "%s: %s", what, s.text);
	str_release(&s);
	for (size_t i = 0; i < f->n; i++)
		if (p[i].out)
			profile_fit_note(g, "outlier, left out of that fit: %s: %s where the model says %s",
					 p[i].name, units_text(g->arena, p[i].t, DIM_TIME, 4),
					 units_text(g->arena, fit_at(f, p[i].x), DIM_TIME, 4));
}

/* The relative spread of a law's parameter: the larger of its standard error and of the law's error on sizes left out;
 * where there are too few sizes for either, a tenth, or how far these few are from the law. */
static double law_spread(const struct fit *f, double se)
{
	const double unknown = 0.1, of_points = isfinite(f->spread) ? f->spread : unknown;

	return fmax(isfinite(se) ? se : unknown, isfinite(f->loo_sd) ? f->loo_sd : of_points);
}

/* Seconds of one operation: the slope of time over count, or the least time of one where no slope is determined. */
static struct number per_count(struct profile_fitting *g, enum sample_kind kind,
			       double (*x)(const struct sample *), const char *what)
{
	struct fit_point *p;
	const size_t n = gather(g, kind, x, &p);
	struct number r = {.provenance = PROVENANCE_MEASURED, .n = (int64_t)n, .source = what};
	struct err err = ERR_INIT;
	struct fit f;

	if (!n)
		return r;
	r.given = true;
	if (n >= 2 && fit_make(FIT_AFFINE, p, n, 0, &f, &err) == 0 && f.rate_known) {
		note_fit(g, what, &f, p);
		r.value = 1 / f.p[FIT_R].value;
		r.sd = r.value * fmin(law_spread(&f, f.p[FIT_R].se / f.p[FIT_R].value), 0.5);
		return r;
	}
	r.value = p[0].t / p[0].x;
	for (size_t i = 1; i < n; i++) /* the longest run has the smallest share of t0 */
		r.value = fmin(r.value, p[i].t / p[i].x);
	r.sd = 0.1 * r.value;
	profile_fit_note(g, "%s: no slope can be told (%s); the least time for one is taken", what,
			 err.msg[0] ? err.msg : "the rate is lost in t0");
	return r;
}

/* True where the sizes show a start-up time t0: it is determined apart from the rate, or, with few sizes, a fit without
 * it misses them by more than twice as much. */
static bool starts_up(struct profile_fitting *g, struct fit_point *p, size_t n, const struct fit *affine)
{
	struct fit_point *again = arena_array(g->arena, n, sizeof *again);
	struct err err = ERR_INIT;
	struct fit rate;

	if (affine->apart || !affine->rate_known || n < 3)
		return affine->apart;
	memcpy(again, p, n * sizeof *again);
	return fit_make(FIT_RATE, again, n, g->empty.value, &rate, &err) == 0 && affine->used == n &&
	       isfinite(affine->spread) && affine->spread < 0.5 * rate.spread;
}

/* An empty kernel gives the least cost of a kernel; one that reads and writes waits for the memory too, so that the t0
 * of elementwise kernels replaces it where it is larger. */
static void raise_kernel(struct profile_fitting *g)
{
	static const char what[] = "elementwise kernels";
	struct fit_point *p;
	const size_t n = gather(g, SAMPLE_ELEMENTWISE, bytes_of, &p);
	struct number *k = &g->d->kernel;
	struct err err = ERR_INIT;
	struct fit f;

	if (!g->batched || n < 3 || fit_make(FIT_AFFINE, p, n, 0, &f, &err) != 0 ||
	    f.p[FIT_T0].value <= k->value || !starts_up(g, p, n, &f))
		return;
	note_fit(g, what, &f, p);
	if (g->set->suite) /* whose elementwise kernel is a norm: it adds up a row before it writes one */
		k = &g->d->norm;
	*k = (struct number){f.p[FIT_T0].value,
			     fmax(f.p[FIT_T0].se, 0.1 * f.p[FIT_T0].value),
			     (int64_t)f.used,
			     PROVENANCE_MEASURED,
			     arena_printf(g->arena, "t0 of %s; one that does nothing takes %s us", what,
					  units_digits(1e6 * g->d->kernel.value, 3).text),
			     true};
}

/* Launches of a forward or backward pass of training, which the host records. */
static bool is_of_training(const struct sample *s)
{
	return sample_is_of_path(s, "training");
}

static bool is_training_row(const struct profile_fitting *g, const struct sample *s)
{
	return profile_fit_wants(g, s, SAMPLE_DISPATCH) && is_of_training(s) && s->m > 0 && s->seconds_n;
}

static double alone_count(const struct sample *s) /* kernels that need not wait for one another */
{
	return s->k == 0 && !is_of_training(s) ? (double)s->m : 0;
}

/* Parts of a step of training that were timed one after the other: its launches, and the mean of their times. */
struct training_round {
	double launches, seconds;
};

static double mean_s(const struct sample *s)
{
	double sum = 0;

	for (size_t i = 0; i < s->seconds_n; i++)
		sum += s->seconds[i];
	return sum / (double)s->seconds_n;
}

/* Whether a row since `from` has as many launches: the same part of a step, of the next round. */
static bool is_next_round(const struct sample *const *rows, size_t from, size_t at)
{
	for (size_t i = from; i < at; i++)
		if (rows[i]->m == rows[at]->m)
			return true;
	return false;
}

/* The rounds of all rows of training, in their order. */
static size_t training_rounds(const struct profile_fitting *g, struct training_round **rounds)
{
	const struct sample **rows = arena_array(g->arena, g->set->n, sizeof *rows);
	size_t n = 0, rounds_n = 0, from = 0;

	*rounds = arena_array(g->arena, g->set->n, sizeof **rounds);
	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i];

		if (!is_training_row(g, s))
			continue;
		rows[n] = s;
		if (!n || is_next_round(rows, from, n)) {
			from = n;
			(*rounds)[rounds_n++] = (struct training_round){0};
		}
		(*rounds)[rounds_n - 1].launches += (double)s->m;
		(*rounds)[rounds_n - 1].seconds += mean_s(s);
		n++;
	}
	return rounds_n;
}

/* Relative: how far single stretches are from `pace`, which is all that one round tells. */
static double stretches_apart(const struct profile_fitting *g, double pace)
{
	double squares = 0;
	size_t n = 0;

	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i];

		if (!is_training_row(g, s))
			continue;
		for (size_t k = 0; k < s->seconds_n; k++, n++) {
			const double off = s->seconds[k] / (double)s->m / pace - 1;

			squares += off * off;
		}
	}
	return n > 1 ? sqrt(squares / (double)(n - 1)) : 0.1;
}

/* Relative: how far a run is from what the rounds say in the mean, if it lasts as long as they do: each round is from all others by its own
 * error and theirs, sigma^2 n/(n - 1), and the mean of as many is from another mean by sigma^2 2/n. */
static double rounds_apart(const struct profile_fitting *g, const struct training_round *rounds, size_t n,
			   const struct training_round *all)
{
	double *off = arena_array(g->arena, n, sizeof *off);

	for (size_t i = 0; i < n; i++) {
		const double others =
			(all->seconds - rounds[i].seconds) / (all->launches - rounds[i].launches);

		off[i] = fabs(rounds[i].seconds / rounds[i].launches / others - 1);
	}
	return model_error_sd(off, n) * sqrt(2 * (double)(n - 1)) / (double)n;
}

/* The host's mean time for a launch in training. A step has all parts of a pass and hundreds of launches, whose sum the mean tells, stalls of
 * the host among them; medians of short stretches leave those out. Its spread is that of runs as long as the rounds, each a step's parts: single
 * stretches, parts of a pass that are alike in every step, differ by three times as much. */
static struct number training_pace(const struct profile_fitting *g)
{
	struct training_round *rounds, all = {0};
	const size_t n = training_rounds(g, &rounds);
	struct number r = {.provenance = PROVENANCE_MEASURED,
			   .source = "launches one by one, in training",
			   .n = (int64_t)n};

	for (size_t i = 0; i < n; i++) {
		all.launches += rounds[i].launches;
		all.seconds += rounds[i].seconds;
	}
	if (!n)
		return r;
	r.given = true;
	r.value = all.seconds / all.launches;
	r.sd = r.value * (n > 1 ? rounds_apart(g, rounds, n, &all) : stretches_apart(g, r.value));
	return r;
}

/* Seconds for each kernel of the largest submission; 0: there is none. */
static double least_each(struct profile_fitting *g, double (*x)(const struct sample *))
{
	struct fit_point *p;
	const size_t n = gather(g, SAMPLE_DISPATCH, x, &p);
	double most = 0, each = 0;

	for (size_t i = 0; i < n; i++)
		if (p[i].x > most) {
			most = p[i].x;
			each = p[i].t / p[i].x;
		}
	return each;
}

/* Kernels that need not wait for one another take the device no longer than those that do. Where they take longer all the
 * same, they were launched one by one, and the others recorded and replayed: the host's pace shows. */
static void find_host(struct profile_fitting *g)
{
	const double clearly = 1.5, waited = least_each(g, waited_count);

	if (waited > 0 && least_each(g, alone_count) > clearly * waited)
		g->d->host = per_count(g, SAMPLE_DISPATCH, alone_count, "launches one by one");
	if (g->d->host.given)
		g->d->host_training = training_pace(g);
}

void profile_fit_overheads(struct profile_fitting *g)
{
	g->d->kernel = per_count(g, SAMPLE_DISPATCH, waited_count, "cost of a kernel");
	if (!g->d->kernel.given)
		g->d->kernel = per_count(g, SAMPLE_DISPATCH, count_of, "cost of a kernel");
	g->d->step = per_count(g, SAMPLE_SUBMIT, count_of, "cost of a submission that is waited for");
	g->batched = g->d->kernel.given;
	g->empty = g->d->kernel;
	find_host(g);
	raise_kernel(g);
}

/* The least size in byte of a stream that counts as read from memory: a share of the largest, which in the suite is
 * several times the last-level cache. Rejected samples count for the largest: where all large sizes were rejected, the
 * best of the rest would be a cache's rate. Published sizes begin far beyond any cache. */
static double cold_from(const struct profile_fitting *g, enum sample_kind kind, double share)
{
	double largest = 0;

	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i];

		if (s->kind == kind && (!s->threads || s->threads == g->threads))
			largest = fmax(largest, s->bytes);
	}
	return share * largest;
}

/* The best rate of the large sizes, where no model can be fitted. */
static struct number best_rate(struct profile_fitting *g, enum sample_kind kind)
{
	struct number r = {.provenance = PROVENANCE_MEASURED};
	const double least = cold_from(g, kind, g->batched ? 0.6 : 0.25);

	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i];
		double rate;

		if (!profile_fit_wants(g, s, kind) || s->bytes < least || !(s->bytes > 0))
			continue;
		rate = s->bytes / sample_median(s).median_s;
		if (rate <= r.value)
			continue;
		r = (struct number){rate,
				    rate * fmax(profile_fit_sd(g, s), 0.005),
				    profile_fit_count(s),
				    PROVENANCE_MEASURED,
				    NULL,
				    true};
		r.source = arena_printf(g->arena, "the best of the large sizes, %s in %s ms%s%s",
					units_text(g->arena, s->bytes, DIM_BYTES, 4),
					units_digits(1e3 * sample_median(s).median_s, 5).text,
					s->source ? "; " : "", s->source ? s->source : "");
	}
	return r;
}

/* The spread of the sizes beyond the caches about the plateau's rate. */
static double plateau_error(struct profile_fitting *g, const struct fit_point *p, size_t n, double least,
			    double rate)
{
	double *off = arena_array(g->arena, n, sizeof *off);
	size_t cold = 0;

	for (size_t i = 0; i < n; i++)
		if (p[i].x >= least)
			off[cold++] = fabs(p[i].x / rate / p[i].t - 1);
	return cold ? model_error_sd(off, cold) : 0;
}

/* The rate of a stream: the plateau beyond the caches where a knee shows, else the best of the large sizes. */
static struct number stream_rate(struct profile_fitting *g, enum sample_kind kind, const char *what)
{
	struct fit_point *p;
	const size_t n = gather(g, kind, bytes_of, &p);
	const double least = cold_from(g, kind, 0.25);
	const struct fit_param *memory;
	struct err err = ERR_INIT;
	bool cold = false;
	struct fit f;

	for (size_t i = 0; i < n; i++)
		cold |= p[i].x >= least;
	if (!cold && n)
		profile_fit_note(g, "%s: not used: every size beyond the caches was rejected", what);
	if (!cold)
		return (struct number){.provenance = PROVENANCE_MEASURED};
	if (n < 8 || fit_make(FIT_KNEE, p, n, 0, &f, &err) != 0)
		return best_rate(g, kind);
	note_fit(g, what, &f, p);
	memory = &f.p[FIT_MEMORY];
	if (memory->hi > 1.1 * memory->lo) {
		profile_fit_note(
			g, "%s: the plateau is not well determined; the best of the large sizes is taken",
			what);
		return best_rate(g, kind);
	}
	return (struct number){
		memory->value,
		fmax(memory->se,
		     memory->value * fmax(g->run_sd, plateau_error(g, p, n, least, memory->value))),
		(int64_t)f.used,
		PROVENANCE_MEASURED,
		arena_printf(g->arena, "plateau beyond a cache of %s MB",
			     units_digits(f.p[FIT_AT].value / 1e6, 3).text),
		true};
}

struct number profile_fit_transferred(const struct number *from, double spread, const char *source)
{
	return (struct number){from->value, spread * from->value, 0, PROVENANCE_TRANSFERRED,
			       source,      from->given};
}

/* What a kernel of one pass over activations reaches beyond its start. A model's passes are such kernels as well as copies
 * (into caches, of strided parts), so that the slower of both is what they are charged. */
static struct number elementwise_rate(struct profile_fitting *g)
{
	struct fit_point *p;
	const size_t n = gather(g, SAMPLE_ELEMENTWISE, bytes_of, &p);
	struct err err = ERR_INIT;
	struct fit f;

	if (!g->batched || n < 3 || fit_make(FIT_AFFINE, p, n, 0, &f, &err) != 0 || !f.rate_known)
		return (struct number){.given = false};
	return (struct number){f.p[FIT_R].value,
			       f.p[FIT_R].value * fmin(law_spread(&f, f.p[FIT_R].se / f.p[FIT_R].value), 0.5),
			       (int64_t)f.used,
			       PROVENANCE_MEASURED,
			       "elementwise kernels, beyond their start",
			       true};
}

/* No memory of a computer of this century is as slow (DDR-200 moves 1.6 GB/s): the times are in another unit. */
static const double slowest_memory = 0.4e9; /* byte/s */

static void doubt_unit(struct profile_fitting *g, const struct number *read)
{
	if (read->given && read->value < slowest_memory)
		profile_fit_say(g,
				"memory is read at %s, which no memory is slow enough for: are all times in "
				"seconds?",
				units_text(g->arena, read->value, DIM_BANDWIDTH, 3));
}

void profile_fit_streams(struct profile_fitting *g)
{
	struct profile_fit *d = g->d;
	const struct number passes = elementwise_rate(g);

	d->read = stream_rate(g, SAMPLE_READ, "reads");
	d->copy = stream_rate(g, SAMPLE_COPY, "copies");
	if (!d->copy.given)
		d->copy = stream_rate(g, SAMPLE_TRIAD, "triad");
	if (!d->read.given)
		d->read = profile_fit_transferred(&d->copy, 0.1,
						  "the copy bandwidth; reads were not measured alone");
	if (d->copy.given && passes.given && passes.value < d->copy.value)
		d->copy = passes;
	if (!d->copy.given)
		d->copy = profile_fit_transferred(&d->read, 0.1,
						  "the read bandwidth; copies were not measured");
	doubt_unit(g, &d->read);
}

struct number profile_fit_work_rate(struct profile_fitting *g, struct fit_point *p, size_t n,
				    const char *what, struct number *start)
{
	struct number r = {.provenance = PROVENANCE_MEASURED};
	struct err err = ERR_INIT;
	bool affine;
	struct fit f;

	if (!n)
		return r;
	affine = fit_make(FIT_AFFINE, p, n, 0, &f, &err) == 0 && f.rate_known;
	if (g->batched)
		affine = affine && f.p[FIT_T0].value > g->empty.value && starts_up(g, p, n, &f);
	if (!affine && (!g->batched || fit_make(FIT_RATE, p, n, g->empty.value, &f, &err) != 0)) {
		profile_fit_note(g, "%s: not used: %s", what,
				 err.msg[0] ? err.msg : "the rate is lost in t0");
		return r;
	}
	if (affine && g->batched && start && !start->given)
		*start = (struct number){
			f.p[FIT_T0].value,   fmax(f.p[FIT_T0].se, 0.1 * f.p[FIT_T0].value), (int64_t)f.used,
			PROVENANCE_MEASURED, arena_printf(g->arena, "t0 of %s", what),      true};
	note_fit(g, what, &f, p);
	r = (struct number){.value = f.p[FIT_R].value, .n = (int64_t)f.used, .given = true};
	r.sd = r.value * fmin(fmax(law_spread(&f, f.p[FIT_R].se / r.value), g->run_sd), 0.5);
	r.source = arena_printf(g->arena, "fit to %zu sizes", f.used);
	return r;
}

static struct number gemv_rate(struct profile_fitting *g, enum sample_dtype dtype, struct number *start)
{
	struct fit_point *p = arena_array(g->arena, g->set->n, sizeof *p);
	int64_t rows = INT64_MAX;
	size_t n = 0;

	for (size_t i = 0; i < g->set->n; i++) {
		const struct sample *s = &g->set->samples[i];

		if (profile_fit_wants(g, s, SAMPLE_GEMV) && s->dtype == dtype && s->m < rows)
			rows = s->m;
	}
	for (size_t i = 0; i < g->set->n; i++) { /* the fewest rows that were measured, one if possible */
		const struct sample *s = &g->set->samples[i];

		if (profile_fit_wants(g, s, SAMPLE_GEMV) && s->dtype == dtype && s->m == rows && s->bytes > 0)
			p[n++] = (struct fit_point){.name = profile_fit_name(g, s),
						    .x = s->bytes,
						    .t = sample_median(s).median_s,
						    .sd = profile_fit_sd(g, s)};
	}
	return profile_fit_work_rate(
		g, p, n, arena_printf(g->arena, "matrix-vector products in %s", sample_dtype_names[dtype]),
		start);
}

static bool all_rejected(const struct profile_fitting *g)
{
	bool any = false;

	for (size_t i = 0; i < g->set->n; i++) {
		if (profile_fit_wants(g, &g->set->samples[i], SAMPLE_GEMV))
			return false;
		any |= g->set->samples[i].kind == SAMPLE_GEMV && g->set->samples[i].rejected;
	}
	return any;
}

void profile_fit_gemv(struct profile_fitting *g)
{
	static const enum sample_dtype whole[] = {SAMPLE_F16, SAMPLE_BF16, SAMPLE_F32};
	struct profile_fit *d = g->d;

	for (size_t i = 0; i < ARRAY_LEN(whole) && !d->gemv.given; i++)
		d->gemv = gemv_rate(g, whole[i], &d->product);
	if (!d->gemv.given)
		d->gemv = profile_fit_transferred(
			&d->read, all_rejected(g) ? 0.15 : 0.05,
			all_rejected(g) ? "the read bandwidth; every matrix-vector product was rejected"
					: "the read bandwidth; a matrix-vector product was not measured "
					  "alone");
	d->gemv_q8 = gemv_rate(g, SAMPLE_Q8, &d->product);
	d->gemv_q4 = gemv_rate(g, SAMPLE_Q4, &d->product);
	/* what elementwise kernels wait for is theirs: see raise_kernel() */
	if (g->batched && !d->product.given && d->kernel.value > g->empty.value)
		d->product = g->empty;
}
