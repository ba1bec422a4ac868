/* suite.c - the runner: rows, passes, what is kept and what is rejected; see suite.h. */
#include "sim/measure/suite.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/measure/suite_take.h"

enum { PASSES = 3, EXTRA_PASSES = 3, MIN_BATCHES = 3, SUSTAINED_LEAST = 12, FAILURES_MAX = 8 };
static const double default_ci_limit = 0.2, default_canary_limit = 0.1, ci_enough = 0.03;
/* Limits of a whole plan: below 60 s and 6 minutes by what the last case of a row may overrun. */
static const double quick_limit_s = 56, full_limit_s = 335, most_of_budget = 1.5;

struct measured_case { /* a case and its batches */
	const struct suite_row *row;
	struct bench_case c;
	batches got;
	bool failed;
	const char *why; /* that it failed, in one line */
};

struct plan_row {
	const struct suite_row *row;
	suite_cases cases;
	double expected_s;
};

struct runner {
	struct arena *arena;
	struct taker taker;
	const struct suite_options *o;
	struct suite_result *r;
	struct plan_row *rows;
	size_t rows_n;
	double share, limit_s; /* for all rows that are wanted */
	VEC(struct measured_case) measured;
	VEC(struct suite_skip) skips, failed;
};

static double or_default(double given, double otherwise)
{
	return given > 0 ? given : otherwise;
}

/* More threads than cores take turns: no row has a case of as many. */
static int check_threads(const struct backend_info *info, const struct suite_options *o, struct err *err)
{
	if (!info->cores || o->threads <= info->cores)
		return 0;
	err_set(err, "%lld threads on %lld cores would take turns", (long long)o->threads,
		(long long)info->cores);
	return err_hint(err, "--threads %lld, or less", (long long)info->cores);
}

static int check_power(const struct backend_info *info, const struct suite_options *o, struct err *err)
{
	if (o->force || (!info->low_power && !info->on_battery))
		return 0;
	err_set(err, "this machine runs %s: its figures would be those of that state",
		info->low_power ? "in Low Power Mode" : "on battery");
	return err_hint(err, "connect it and switch Low Power Mode off, or say --force");
}

static const char *power_text(struct arena *a, const struct backend_info *info)
{
	return arena_printf(a, "%s%s", info->power[0] ? info->power : (info->on_battery ? "battery" : "AC"),
			    info->low_power && !strstr(info->power, "ow") ? ", Low Power Mode" : "");
}

static void choose_canaries(struct runner *u)
{
	const enum sample_dtype dtypes[] = {SAMPLE_F32, SAMPLE_F16};
	const struct suite_machine *m = &u->taker.m;
	struct canary *k = u->taker.canaries;
	const char *path = m->backend->paths && m->backend->paths[0] && m->backend->paths[1]
				   ? m->backend->paths[0]
				   : NULL;

	for (size_t i = 0; i < 2 && !k[CANARY_COMPUTE].used; i++) {
		k[CANARY_COMPUTE].c = (struct bench_case){.kind = SAMPLE_GEMM,
							  .dtype = dtypes[i],
							  .path = path,
							  .m = 512,
							  .n = 512,
							  .k = 512,
							  .threads = m->threads,
							  .bytes = (i ? 2 : 4) * 3 * 512.0 * 512,
							  .flop = 2 * 512.0 * 512 * 512};
		k[CANARY_COMPUTE].used = m->backend->can(m->self, &k[CANARY_COMPUTE].c);
	}
	k[CANARY_MEMORY].c =
		(struct bench_case){.kind = SAMPLE_READ,
				    .path = path,
				    .threads = m->threads,
				    .bytes = fmin(fmax(4 * (double)m->info.cache_B, 64 << 20), 256 << 20)};
	k[CANARY_MEMORY].used = m->backend->can(m->self, &k[CANARY_MEMORY].c);
}

/* The first round also estimates the speed of this machine under its present load; shapes are chosen by it. */
static int first_canaries(struct runner *u, struct err *err)
{
	struct taker *t = &u->taker;
	const struct canary *compute = &t->canaries[CANARY_COMPUTE], *memory = &t->canaries[CANARY_MEMORY];

	choose_canaries(u);
	if (take_canaries(t, err) != 0)
		return -1;
	t->m.flops = compute->seconds.n ? compute->c.flop / compute->first_s : 1e11;
	t->m.Bps = memory->seconds.n ? memory->c.bytes / memory->first_s : 1e10;
	return 0;
}

/* Notes the shapes that this machine is too slow for. */
static void note_left_out_shapes(struct runner *u, const struct suite_row *row, const suite_cases *taken)
{
	struct suite_row endless = *row;
	suite_cases all = {0};

	endless.quick_s = endless.full_s = INFINITY;
	row->cases(&u->taker.m, &endless, &all);
	if (all.n > taken->n && taken->n)
		VEC_ADD(&u->skips,
			(struct suite_skip){arena_printf(u->arena, "%s: %zu of %zu shapes, the largest %s",
							 row->name, all.n - taken->n, all.n,
							 suite_label(u->arena, &all.at[all.n - 1])),
					    "they would take longer than the row has"});
	VEC_FREE(&all);
}

static void set_limit(struct runner *u)
{
	double wanted_s = 0, all_s = 0;

	for (size_t i = 0; i < suite_rows_n; i++) {
		all_s += suite_row_s(&u->taker.m, &suite_rows[i]);
		wanted_s += suite_wants(u->o, &suite_rows[i]) ? suite_row_s(&u->taker.m, &suite_rows[i]) : 0;
	}
	u->limit_s = u->share * (u->o->quick ? quick_limit_s : full_limit_s) * wanted_s / all_s;
}

static void make_plan(struct runner *u)
{
	set_limit(u);
	u->rows = arena_array(u->arena, suite_rows_n, sizeof *u->rows);
	for (size_t i = 0; i < suite_rows_n; i++) {
		struct plan_row *p = &u->rows[u->rows_n];
		struct suite_row *row;

		if (!suite_wants(u->o, &suite_rows[i]))
			continue;
		row = arena_alloc(u->arena, sizeof *row);
		*row = suite_rows[i];
		row->quick_s *= u->share;
		row->full_s *= u->share;
		if (row->kind == SAMPLE_SUSTAINED) {
			row->quick_n = (int)(row->quick_n * u->share);
			row->full_n = (int)(row->full_n * u->share);
		}
		p->row = row;
		row->cases(&u->taker.m, row, &p->cases);
		for (size_t j = 0; j < p->cases.n; j++)
			p->expected_s += suite_case_s(&u->taker.m, row, &p->cases.at[j]);
		if (row->kind == SAMPLE_SUSTAINED)
			p->expected_s = suite_row_s(&u->taker.m, row);
		else
			note_left_out_shapes(u, row, &p->cases);
		u->rows_n++;
	}
}

static void report_progress(const struct runner *u, size_t row_i, double row_done, const struct bench_case *c)
{
	struct suite_progress p = {.row_i = row_i, .rows_n = u->rows_n};
	double all = 0, done = 0;

	if (!u->o->progress)
		return;
	for (size_t i = 0; i < u->rows_n; i++) {
		all += u->rows[i].expected_s;
		done += u->rows[i].expected_s * (i < row_i ? 1 : i == row_i ? row_done : 0);
	}
	p.row = u->rows[row_i].row->name;
	p.label = c ? suite_label(u->arena, c) : NULL;
	p.done = all > 0 ? done / all : 1;
	p.left_s = fmin(all - done, fmax(u->taker.began_s + u->limit_s - take_now(&u->taker), 0));
	u->o->progress(u->o->self, &p);
}

/* A random permutation, by the method of Fisher and Yates. */
static void shuffle(struct taker *t, size_t *order, size_t n)
{
	for (size_t i = 0; i < n; i++)
		order[i] = i;
	for (size_t i = n; i > 1; i--) {
		const size_t j = (size_t)(take_random(t) % i), swap = order[i - 1];

		order[i - 1] = order[j];
		order[j] = swap;
	}
}

static struct sample as_sample(const struct measured_case *c, const double *seconds, size_t n)
{
	return (struct sample){.kind = c->c.kind,
			       .dtype = c->c.dtype,
			       .path = c->c.path,
			       .m = c->c.m,
			       .n = c->c.n,
			       .k = c->c.k,
			       .heads = c->c.heads,
			       .kv_heads = c->c.kv_heads,
			       .head_dim = c->c.head_dim,
			       .threads = c->c.threads,
			       .bytes = c->c.bytes,
			       .flop = c->c.flop,
			       .seconds = seconds,
			       .seconds_n = n};
}

/* Half the width of the median's confidence interval, relative to the median. */
static double ci_half(const struct sample *s)
{
	const struct sample_median m = sample_median(s);

	return (m.hi_s - m.lo_s) / 2 / m.median_s;
}

static double ci_now(const struct runner *u, const struct measured_case *c)
{
	double *seconds = arena_array(u->arena, c->got.n + 1, sizeof *seconds);
	const struct sample s = as_sample(c, seconds, c->got.n);

	for (size_t i = 0; i < c->got.n; i++)
		seconds[i] = c->got.at[i].s;
	return c->got.n ? ci_half(&s) : INFINITY;
}

static int batches_of(const struct runner *u, const struct suite_row *row)
{
	return u->o->quick ? row->quick_n : row->full_n;
}

/* A sustained run is one series of as many batches as there is time for. Any other case gets a share of the time that is
 * left of the pass, by its expected cost. */
static struct take plan_of_take(const struct runner *u, const struct suite_row *row, int pass, double share,
				double until)
{
	const double left = fmax(until - take_now(&u->taker), 1e-3);
	const int most = batches_of(u, row);

	if (row->kind == SAMPLE_SUSTAINED) {
		const int n = (int)fmin(fmax(left / row->min_s, SUSTAINED_LEAST), most);

		return (struct take){row->min_s, n, n, 0};
	}
	return (struct take){row->min_s, pass ? 1 : MIN_BATCHES, most / PASSES, left * share};
}

/* A compiler's log has lines. */
static const char *one_line(struct arena *a, const char *text)
{
	struct str s = STR_INIT;
	const char *line;

	for (; *text; text++)
		if ((unsigned char)*text >= ' ')
			str_add_n(&s, text, 1);
		else if (*text == '\n' && text[1])
			str_add(&s, " | ");
	line = arena_strdup(a, s.text ? s.text : "");
	str_release(&s);
	return line;
}

/* Records the failure of a case, which gets no times; the others go on. -1 with err where FAILURES_MAX cases or more
 * have failed and no fewer than have succeeded: the backend itself is at fault. */
static int note_failure(struct runner *u, struct measured_case *c, const struct err *why, struct err *err)
{
	const char *label = suite_label(u->arena, &c->c);
	size_t good = 0;

	VEC_FREE(&c->got);
	c->got = (batches){0};
	c->failed = true;
	c->why = one_line(u->arena, why->msg);
	VEC_ADD(&u->failed, (struct suite_skip){label, arena_strdup(u->arena, why->msg)});
	for (size_t i = 0; i < u->measured.n; i++)
		good += u->measured.at[i].got.n > 0;
	if (u->failed.n < FAILURES_MAX || u->failed.n < good)
		return 0;
	return err_set(err, "%zu cases failed, the first: %s: %.300s", u->failed.n, u->failed.at[0].label,
		       u->failed.at[0].why);
}

/* One pass over the cases of a row, in a new order. Extra passes take only the cases whose median is still uncertain. */
static int run_pass(struct runner *u, size_t row_i, size_t first, int pass, double until, struct err *err)
{
	const struct suite_row *row = u->rows[row_i].row;
	const size_t n = u->rows[row_i].cases.n;
	size_t *order = arena_array(u->arena, n + 1, sizeof *order);
	double rest = 0; /* expected cost of the cases to come */

	shuffle(&u->taker, order, n);
	for (size_t i = 0; i < n; i++)
		rest += suite_case_s(&u->taker.m, row, &u->rows[row_i].cases.at[i]);
	for (size_t i = 0; i < n && !take_stopped(&u->taker); i++) {
		struct measured_case *c = &u->measured.at[first + order[i]];
		const double cost = suite_case_s(&u->taker.m, row, &c->c);
		struct err why = ERR_INIT;
		const struct take plan = plan_of_take(u, row, pass, fmin(cost / rest, 1), until);

		rest -= cost;

		report_progress(u, row_i, fmin(((double)pass + (double)i / (double)n) / PASSES, 1), &c->c);
		if (c->failed || (pass >= PASSES && ci_now(u, c) <= ci_enough))
			continue;
		if (take_case(&u->taker, &c->c, &plan, &c->got, &why) != 0 &&
		    note_failure(u, c, &why, err) != 0)
			return -1;
	}
	return take_canaries(&u->taker, err);
}

/* The time for a row: what is left of the plan's is divided among the remaining rows by their budgets, so that all of
 * them make up for a row that overran, and share what another did not use. */
static double time_allowed_s(const struct runner *u, size_t row_i)
{
	const struct suite_machine *m = &u->taker.m;
	const double left = u->taker.began_s + u->limit_s - take_now(&u->taker),
		     budget = suite_row_s(m, u->rows[row_i].row);
	double rest = 0;

	for (size_t i = row_i; i < u->rows_n; i++)
		rest += u->rows[i].cases.n ? suite_row_s(m, u->rows[i].row) : 0;
	return rest > 0 ? fmin(fmax(left, 0) * budget / rest, most_of_budget * budget) : 0;
}

static int run_row(struct runner *u, size_t row_i, struct err *err)
{
	const struct plan_row *p = &u->rows[row_i];
	const double began = take_now(&u->taker), allowed = time_allowed_s(u, row_i);
	const size_t first = u->measured.n;
	const int passes = p->row->kind == SAMPLE_SUSTAINED ? 1 : PASSES + EXTRA_PASSES;

	for (size_t i = 0; i < p->cases.n; i++)
		VEC_ADD(&u->measured, (struct measured_case){.row = p->row, .c = p->cases.at[i]});
	for (int pass = 0; pass < passes && p->cases.n; pass++) {
		const double took = take_now(&u->taker) - began, left = allowed - took;
		const int equal = pass < PASSES && passes > 1 ? PASSES - pass : 1;

		/* at least one pass; no other is begun in the last tenth, nor one of the extra ones that
		 * would not end in time */
		if (pass && (left < 0.1 * allowed || (pass >= PASSES && took / pass > left)))
			break;
		if (run_pass(u, row_i, first, pass, began + took + left / equal, err) != 0)
			return -1;
		if (take_stopped(&u->taker))
			break;
	}
	return 0;
}

/* The sample of a case. Batches taken while the canary was off are dropped where enough remain; else the sample is
 * rejected. */
static struct sample sample_of(struct runner *u, const struct measured_case *c)
{
	const double canary_limit =
		take_canary_limit(&u->taker, c->c.kind, or_default(u->o->canary_limit, default_canary_limit));
	const double ci_limit = or_default(u->o->ci_limit, default_ci_limit);
	double *seconds = arena_array(u->arena, c->got.n + 1, sizeof *seconds), worst = 0;
	struct sample s;
	size_t n = 0;
	bool drop;

	for (size_t i = 0; i < c->got.n; i++)
		n += take_canary_off(&u->taker, c->c.kind, c->got.at[i].segment) <= canary_limit;
	drop = n >= MIN_BATCHES && 2 * n >= c->got.n && c->c.kind != SAMPLE_SUSTAINED;
	n = 0;
	for (size_t i = 0; i < c->got.n; i++) {
		const double off = take_canary_off(&u->taker, c->c.kind, c->got.at[i].segment);

		if (!drop || off <= canary_limit)
			seconds[n++] = c->got.at[i].s;
		worst = fmax(worst, off);
	}
	s = as_sample(c, seconds, n);
	if (c->c.kind == SAMPLE_SUSTAINED)
		return s; /* the drift of its times is its result */
	if (!drop && worst > canary_limit) {
		s.rejected = true;
		s.why = arena_printf(u->arena, "unsettled: the canary was %.1f %% off while it ran",
				     100 * worst);
	} else if (ci_half(&s) > ci_limit) {
		s.rejected = true;
		s.why = arena_printf(u->arena, "unsettled: its median is known to %.1f %% only",
				     100 * ci_half(&s));
	}
	return s;
}

/* A row without a time, which says why to whoever gets the file. */
static struct sample failed_sample(struct runner *u, const struct measured_case *c)
{
	struct sample s = as_sample(c, NULL, 0);

	s.rejected = true;
	s.why = arena_printf(u->arena, "failed: %s", c->why);
	return s;
}

static void fill_samples(struct runner *u)
{
	const struct suite_machine *m = &u->taker.m;
	struct sample *all = arena_array(u->arena, u->measured.n + 1, sizeof *all);
	size_t n = 0;

	u->r->short_n = 0;
	for (size_t i = 0; i < u->measured.n; i++) {
		const struct measured_case *c = &u->measured.at[i];

		if (!c->got.n && !c->failed) {
			VEC_ADD(&u->skips,
				(struct suite_skip){suite_label(u->arena, &c->c), "stopped before its turn"});
			continue;
		}
		if (c->failed)
			all[n] = failed_sample(u, c);
		else
			all[n] = sample_of(u, c);
		u->r->short_n += !c->failed && c->got.n < (size_t)batches_of(u, c->row) / PASSES * PASSES;
		if (!all[n].path && m->backend->paths)
			all[n].path = m->backend->paths[0];
		if (!all[n].threads && !strcmp(m->backend->device, "cpu"))
			all[n].threads = m->info.cores;
		n++;
	}
	u->r->set.samples = all;
	u->r->set.n = n;
}

static const struct suite_skip *keep(struct arena *a, const struct suite_skip *from, size_t n)
{
	struct suite_skip *to = arena_array(a, n + 1, sizeof *to);

	if (n)
		memcpy(to, from, n * sizeof *to);
	return to;
}

static void fill_result(struct runner *u, const struct backend_info *before, const struct backend_info *after)
{
	struct suite_result *r = u->r;
	fill_samples(u);
	r->skips = keep(u->arena, u->skips.at, u->skips.n);
	r->skips_n = u->skips.n;
	r->failed = keep(u->arena, u->failed.at, u->failed.n);
	r->failed_n = u->failed.n;
	r->note = before->note[0] ? arena_strdup(u->arena, before->note) : NULL;
	r->set.chip = arena_strdup(u->arena, before->chip);
	r->set.os = arena_strdup(u->arena, before->os);
	r->set.build = arena_strdup(u->arena, before->build);
	r->set.device = u->taker.m.backend->device;
	r->set.runtime = u->taker.m.backend->name;
	r->set.cores = before->cores;
	r->set.ram_B = before->ram_B;
	r->set.working_set_B = before->working_set_B;
	r->set.power_before = power_text(u->arena, before);
	r->set.power_after = power_text(u->arena, after);
	r->canary_worst = take_canary_worst(&u->taker);
	r->interrupted = take_stopped(&u->taker);
	r->elapsed_s = take_now(&u->taker) - u->taker.began_s;
}

/* Drops the cases of a row that was interrupted: only finished rows are kept. */
static void drop_row(struct runner *u, const struct suite_row *row)
{
	while (u->measured.n && u->measured.at[u->measured.n - 1].row == row) {
		VEC_FREE(&u->measured.at[u->measured.n - 1].got);
		u->measured.n--;
	}
}

static void tell_row(struct runner *u, const struct backend_info *info)
{
	if (!u->o->row_done)
		return;
	fill_result(u, info, info);
	u->o->row_done(u->o->self, u->r);
}

static int run_rows(struct runner *u, struct err *err)
{
	struct suite_result *r = u->r;
	struct backend_info before = u->taker.m.info, after;

	r->done = arena_array(u->arena, suite_rows_n, sizeof *r->done);
	r->missing = arena_array(u->arena, suite_rows_n, sizeof *r->missing);
	if (first_canaries(u, err) != 0)
		return -1;
	make_plan(u);
	for (size_t i = 0; i < u->rows_n; i++) {
		if (!take_stopped(&u->taker) && run_row(u, i, err) != 0)
			return -1;
		if (take_stopped(&u->taker)) {
			drop_row(u, u->rows[i].row);
			r->missing[r->missing_n++] = u->rows[i].row->name;
		} else {
			r->done[r->done_n++] = u->rows[i].row->name;
			tell_row(u, &before);
		}
	}
	if (u->taker.m.backend->info(u->taker.m.self, &after, err) != 0)
		return -1;
	fill_result(u, &before, &after);
	return 0;
}

static void release(struct runner *u)
{
	for (size_t i = 0; i < u->measured.n; i++)
		VEC_FREE(&u->measured.at[i].got);
	VEC_FREE(&u->measured);
	VEC_FREE(&u->skips);
	VEC_FREE(&u->failed);
	for (size_t i = 0; i < u->rows_n; i++)
		VEC_FREE(&u->rows[i].cases);
	for (size_t i = 0; i < CANARY_N; i++)
		VEC_FREE(&u->taker.canaries[i].seconds);
}

int suite_run(struct arena *a, const struct backend *b, const struct suite_options *o, struct suite_result *r,
	      struct err *err)
{
	struct runner u = {.arena = a, .o = o, .r = r, .share = o->share > 0 ? o->share : 1};
	struct suite_machine *m = &u.taker.m;
	int rc;

	*r = (struct suite_result){0};
	u.taker.o = o;
	u.taker.random = o->seed;
	*m = (struct suite_machine){.backend = b, .threads = o->threads, .quick = o->quick};
	if (suite_check_only(a, o, err) != 0 || b->open(&m->self, err) != 0)
		return -1;
	u.taker.began_s = take_now(&u.taker);
	rc = b->info(m->self, &m->info, err);
	if (rc == 0)
		rc = check_power(&m->info, o, err);
	if (rc == 0)
		rc = check_threads(&m->info, o, err);
	if (rc == 0 && o->begin)
		rc = o->begin(o->self, &m->info, err);
	if (rc == 0)
		rc = run_rows(&u, err);
	release(&u);
	b->close(m->self);
	return rc;
}
