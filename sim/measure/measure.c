/* measure.c - see measure.h. */
#include "sim/measure/measure.h"

#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "sim/base/units.h"
#include "sim/calib/profile.h"
#include "sim/calib/samples_csv.h"

struct measured {
	const struct backend *backend;
	struct suite_result r;
	const char *samples; /* path; NULL: not begun */
};

struct run {
	struct arena *arena;
	const struct measure_ask *ask;
	struct measured *at; /* one for each backend that was chosen */
	size_t n;
	struct sample_set *earlier; /* of --from */
	const char *out;            /* NULL: not known before the chip is */
};

static const char *today(struct arena *a)
{
	const time_t now = time(NULL);
	struct tm t;

	return gmtime_r(&now, &t)
		       ? arena_printf(a, "%04d-%02d-%02d", t.tm_year + 1900, t.tm_mon + 1, t.tm_mday)
		       : "unknown";
}

/* hardware/local/apple-m4-pro.yaml */
static const char *usual_path(struct arena *a, const char *chip)
{
	struct str s = STR_INIT;
	const char *path;

	str_slug(&s, chip);
	mkdir("hardware", 0777); /* an error shows when the file is written */
	mkdir("hardware/local", 0777);
	path = arena_printf(a, "hardware/local/%s.yaml", s.len ? s.text : "machine");
	str_release(&s);
	return path;
}

static const char *samples_path(const struct run *u, const char *device)
{
	const char *stem = u->out;

	if (str_ends(stem, ".yaml"))
		stem = arena_strndup(u->arena, stem, strlen(stem) - 5);
	return u->ask->n > 1 ? arena_printf(u->arena, "%s-%s.samples.csv", stem, device)
			     : arena_printf(u->arena, "%s.samples.csv", stem);
}

static void tell_samples(const struct measure_ask *ask, const struct suite_result *r)
{
	const struct sample_set *set = &r->set;
	struct arena a = ARENA_INIT;
	struct str s = STR_INIT;

	str_addf(&s, "%s, %s: %zu cases in %.0f s; the canary was %.1f %% off at most\n", set->chip,
		 set->device, set->n, r->elapsed_s, 100 * r->canary_worst);
	for (size_t i = 0; i < set->n; i++) {
		const struct sample *x = &set->samples[i];
		const struct sample_median m = sample_median(x);
		const struct bench_case c = {.kind = x->kind,
					     .dtype = x->dtype,
					     .path = x->path,
					     .m = x->m,
					     .n = x->n,
					     .k = x->k,
					     .threads = x->threads,
					     .bytes = x->bytes};
		const char *label = suite_label(&a, &c);

		str_addf(&s, "  %-52s", label);
		units_format(&s, m.median_s, DIM_TIME, 4);
		str_addf(&s, " %+.1f/%+.1f %%, ", 100 * (m.lo_s / m.median_s - 1),
			 100 * (m.hi_s / m.median_s - 1));
		if (x->flop > 0)
			units_format(&s, x->flop / m.median_s, DIM_FLOPS, 4);
		else if (x->bytes > 0)
			units_format(&s, x->bytes / m.median_s, DIM_BANDWIDTH, 4);
		else
			str_addf(&s, "%lld of them", (long long)x->m);
		str_addf(&s, "%s%s\n", x->rejected ? "  rejected: " : "",
			 x->rejected && x->why ? x->why : "");
	}
	if (r->note)
		str_addf(&s, "  %s\n", r->note);
	for (size_t i = 0; i < r->skips_n; i++)
		str_addf(&s, "  not measured: %s: %s\n", r->skips[i].label, r->skips[i].why);
	for (size_t i = 0; i < r->failed_n; i++)
		str_addf(&s, "  FAILED: %s: %s\n", r->failed[i].label, r->failed[i].why);
	if (r->short_n)
		str_addf(&s, "  time was short: %zu of %zu cases have fewer batches than planned\n",
			 r->short_n, set->n);
	if (ask->measured)
		ask->measured(ask->self, s.text);
	str_release(&s);
	arena_release(&a);
}

/* Rows that a device still lacks: names with commas; "all" where it was not begun; NULL: none. */
static const char *missing_rows(const struct run *u, const struct measured *d)
{
	struct str s = STR_INIT;
	const char *names;

	if (!d->samples)
		return u->ask->only ? u->ask->only : "all";
	if (!d->r.missing_n)
		return NULL;
	for (size_t i = 0; i < d->r.missing_n; i++)
		str_addf(&s, "%s%s", i ? "," : "", d->r.missing[i]);
	names = arena_strdup(u->arena, s.text);
	str_release(&s);
	return names;
}

static const char *resume_command(const struct run *u, size_t device, const char *missing)
{
	const struct measure_ask *ask = u->ask;
	struct str s = STR_INIT;
	const char *command;

	str_addf(&s, "lemursim calibrate --only %s", missing);
	if (ask->n > 1)
		str_addf(&s, " --backend %s", u->at[device].backend->device);
	if (ask->quick)
		str_add(&s, " --quick");
	if (ask->threads)
		str_addf(&s, " --threads %lld", (long long)ask->threads);
	for (size_t j = 0; j < u->n; j++)
		if (u->at[j].samples && (u->at[j].r.done_n || j < device))
			str_addf(&s, " --from %s", u->at[j].samples);
	str_addf(&s, "%s -o %s", device ? " -f" : "", u->out);
	command = arena_strdup(u->arena, s.text);
	str_release(&s);
	return command;
}

/* One command for each device that lacks something; each takes all samples that there are. */
static void say_how_to_resume(const struct run *u, struct measure_result *r)
{
	const char **commands = arena_array(u->arena, u->n, sizeof *commands);

	for (size_t i = 0; i < u->n; i++) {
		const char *missing = missing_rows(u, &u->at[i]);

		r->rows_kept += u->at[i].samples ? u->at[i].r.done_n : 0;
		if (missing)
			commands[r->to_resume_n++] = resume_command(u, i, missing);
	}
	r->to_resume = commands;
}

static int read_earlier(struct run *u, struct err *err)
{
	const struct texts *from = &u->ask->from;

	u->earlier = arena_array(u->arena, from->n + 1, sizeof *u->earlier);
	for (size_t i = 0; i < from->n; i++) {
		char *text;
		size_t len;

		if (file_read(u->arena, from->at[i], SAMPLES_FILE_MAX, &text, &len, err) != 0)
			return -1;
		if (!samples_csv_is(text))
			return err_set(err,
				       "%s: not samples of this program, so nothing can be added to them",
				       from->at[i]);
		if (samples_csv_read(u->arena, from->at[i], text, &u->earlier[i], err) != 0)
			return -1;
	}
	return 0;
}

/* Samples of an earlier run of the same device come first. */
static int add_earlier(const struct run *u, struct sample_set *set, struct err *err)
{
	for (size_t i = 0; i < u->ask->from.n; i++) {
		const struct sample_set *more = &u->earlier[i];
		struct sample *all;

		if (more->chip && set->chip && strcmp(more->chip, set->chip) != 0)
			return err_set(err, "%s: samples of another machine, '%.60s', where this is '%.60s'",
				       u->ask->from.at[i], more->chip, set->chip);
		if (more->device && strcmp(more->device, set->device) != 0)
			continue;
		all = arena_array(u->arena, more->n + set->n + 1, sizeof *all);
		if (more->n)
			memcpy(all, more->samples, more->n * sizeof *all);
		if (set->n)
			memcpy(all + more->n, set->samples, set->n * sizeof *all);
		set->samples = all;
		set->n += more->n;
	}
	return 0;
}

/* "read,gemm" -> two names */
static const char *const *split_names(struct arena *a, const char *text, size_t *n)
{
	const char **names = arena_array(a, strlen(text) + 1, sizeof *names);

	for (*n = 0; *text;) {
		const size_t len = strcspn(text, ",");

		if (len)
			names[(*n)++] = arena_strndup(a, text, len);
		text += len + (text[len] == ',');
	}
	return names;
}

/* The file is made of what was kept, to the digit: so `--from` makes the same one again. */
static int keep_samples(struct run *u, struct measured *d, struct err *err)
{
	struct str text = STR_INIT;
	const char *kept;

	d->samples = samples_path(u, d->backend->device);
	if (d->r.interrupted && !d->r.done_n)
		return 0;
	samples_csv_write(&d->r.set, &text);
	kept = arena_strdup(u->arena, text.text);
	str_release(&text);
	if (file_write(d->samples, kept, strlen(kept), true, err) != 0)
		return -1;
	return d->r.set.n ? samples_csv_read(u->arena, d->samples, kept, &d->r.set, err) : 0;
}

static enum measure_end measure_device(struct run *u, struct measured *d, double share, size_t *failed,
				       struct err *err)
{
	const struct measure_ask *ask = u->ask;
	struct suite_options s = {.quick = ask->quick,
				  .force = ask->force,
				  .threads = !strcmp(d->backend->device, "cpu") ? ask->threads : 0,
				  .seed = (uint64_t)time(NULL),
				  .share = share,
				  .stop = ask->stop,
				  .progress = ask->progress,
				  .progress_self = ask->self};

	if (ask->only && strcmp(ask->only, "all") != 0)
		s.only = split_names(u->arena, ask->only, &s.only_n);
	if (suite_run(u->arena, d->backend, &s, &d->r, err) != 0)
		return err->hint[0] ? MEASURE_REFUSED : MEASURE_FAILED;
	d->r.set.tool = ask->tool;
	d->r.set.date = today(u->arena);
	tell_samples(ask, &d->r);
	*failed += d->r.failed_n;
	u->out = u->out ? u->out : usual_path(u->arena, d->r.set.chip);
	if (add_earlier(u, &d->r.set, err) != 0)
		return MEASURE_REFUSED;
	return keep_samples(u, d, err) == 0 ? MEASURE_WRITTEN : MEASURE_FAILED;
}

/* The samples of this run and of devices of earlier runs, in the order of the backends. */
static struct machine_samples all_sets(const struct run *u, const struct datasheet *datasheet)
{
	struct sample_set *sets = arena_array(u->arena, u->n + u->ask->from.n, sizeof *sets);
	size_t n = 0;

	for (size_t b = 0; b < u->ask->n; b++) {
		const struct backend *backend = u->ask->backends[b];
		bool found = false;

		for (size_t i = 0; i < u->n; i++)
			if (u->at[i].backend == backend && u->at[i].samples) {
				sets[n++] = u->at[i].r.set;
				found = true;
			}
		for (size_t i = 0; i < u->ask->from.n && !found; i++)
			if (u->earlier[i].device && !strcmp(u->earlier[i].device, backend->device))
				sets[n++] = u->earlier[i];
	}
	return (struct machine_samples){sets, n, datasheet, u->out};
}

static enum measure_end write_machine(const struct run *u, struct err *err)
{
	struct datasheet datasheet;
	struct str text = STR_INIT;
	struct machine_samples all;
	enum measure_end end = MEASURE_WRITTEN;

	if (u->ask->facts && datasheet_read(u->arena, u->ask->facts, &datasheet, err) != 0)
		return MEASURE_REFUSED;
	all = all_sets(u, u->ask->facts ? &datasheet : NULL);
	if (profile_write_all(&all, &text, err) != 0) {
		err_hint(err, "the samples are kept; with other rows: --only ROW,ROW --from %s",
			 u->at[0].samples);
		end = MEASURE_FAILED;
	} else if (file_write(u->out, text.text, text.len, u->ask->force, err) != 0) {
		end = MEASURE_FAILED;
	}
	str_release(&text);
	return end;
}

/* No file is made beside an error; but what came right is kept, and a file of it is one command away. */
static enum measure_end say_what_failed(const struct run *u, size_t failed, struct err *err)
{
	struct str from = STR_INIT;

	for (size_t i = 0; i < u->n; i++)
		str_addf(&from, " --from %s", u->at[i].samples);
	err_set(err, "%zu case%s failed: no hardware file is written", failed, failed == 1 ? "" : "s");
	err_hint(err, "of what came right: lemursim calibrate%s -o %s", from.text, u->out);
	str_release(&from);
	return MEASURE_FAILED;
}

static int choose(struct run *u, struct err *err)
{
	const struct measure_ask *ask = u->ask;

	u->at = arena_array(u->arena, ask->n, sizeof *u->at);
	for (size_t i = 0; i < ask->n; i++) {
		const struct backend *b = ask->backends[i];

		if (!ask->backend || !strcmp(ask->backend, b->name) || !strcmp(ask->backend, b->device))
			u->at[u->n++] = (struct measured){.backend = b};
	}
	if (!u->n) {
		err_set(err, "no backend is called '%.40s' here", ask->backend);
		return err_hint(err, "'cblas' is the CPU's; on macOS 'metal' is the GPU's");
	}
	if (ask->out && !ask->force && file_exists(ask->out)) { /* now, not after six minutes */
		err_set(err, "%s exists", ask->out);
		return err_hint(err, "say -f to overwrite it");
	}
	return read_earlier(u, err);
}

static enum measure_end measure_all(struct run *u, struct measure_result *r, struct err *err)
{
	const struct measure_ask *ask = u->ask;
	enum measure_end end = choose(u, err) == 0 ? MEASURE_WRITTEN : MEASURE_REFUSED;
	size_t failed = 0;

	for (size_t i = 0; i < u->n && end == MEASURE_WRITTEN && !*ask->stop; i++)
		end = measure_device(u, &u->at[i], u->n == 1 ? 1 : ask->shares[i], &failed, err);
	if (end != MEASURE_WRITTEN)
		return end;
	if (*ask->stop) {
		say_how_to_resume(u, r);
		return MEASURE_INTERRUPTED;
	}
	return failed ? say_what_failed(u, failed, err) : write_machine(u, err);
}

enum measure_end measure_machine(struct arena *a, const struct measure_ask *ask, struct measure_result *r,
				 struct err *err)
{
	struct run u = {.arena = a, .ask = ask, .out = ask->out};
	enum measure_end end;

	*r = (struct measure_result){0};
	end = measure_all(&u, r, err);
	r->out = u.out;
	r->samples.at = arena_array(a, u.n, sizeof *r->samples.at);
	for (size_t i = 0; i < u.n; i++)
		if (u.at[i].samples)
			r->samples.at[r->samples.n++] = u.at[i].samples;
	return end;
}
