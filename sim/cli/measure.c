/* measure.c - see measure.h. */
#include "sim/cli/measure.h"

#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "sim/base/units.h"
#include "sim/calib/profile.h"
#include "sim/calib/samples_csv.h"
#include "sim/cli/cmd.h"

enum { SAMPLES_MAX_B = 64 << 20 };

struct measured {
	const struct backend *backend;
	struct suite_result r;
	const char *samples; /* path; NULL: not begun */
};

struct run {
	struct arena *arena;
	const struct measuring *m;
	const struct opts *o;
	struct measured *at; /* one for each backend that was chosen */
	size_t n;
	struct sample_set *earlier; /* of --from */
	const char *out;            /* NULL: not known before the chip is */
	bool on_terminal;
};

static void show_progress(void *self, const struct suite_progress *p)
{
	const bool *on_terminal = self;

	if (*on_terminal)
		fprintf(stderr, "\r\033[K%3.0f %%  %s (%zu of %zu): %.60s, %.0f s left", 100 * p->done,
			p->row, p->row_i + 1, p->rows_n, p->label ? p->label : "", p->left_s);
}

static void clear_line(bool on_terminal)
{
	if (on_terminal)
		fputs("\r\033[K", stderr);
}

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
	return u->m->n > 1 ? arena_printf(u->arena, "%s-%s.samples.csv", stem, device)
			   : arena_printf(u->arena, "%s.samples.csv", stem);
}

static void print_samples(const struct suite_result *r)
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
	fputs(s.text, stdout);
	str_release(&s);
	arena_release(&a);
}

/* Rows that a device still lacks: names with commas; "all" where it was not begun; NULL: none. */
static const char *missing_rows(const struct run *u, const struct measured *d)
{
	struct str s = STR_INIT;
	const char *names;

	if (!d->samples)
		return u->o->only ? u->o->only : "all";
	if (!d->r.missing_n)
		return NULL;
	for (size_t i = 0; i < d->r.missing_n; i++)
		str_addf(&s, "%s%s", i ? "," : "", d->r.missing[i]);
	names = arena_strdup(u->arena, s.text);
	str_release(&s);
	return names;
}

/* One command for each device that lacks something; each takes all samples that there are. */
static void say_how_to_resume(const struct run *u)
{
	size_t rows = 0;

	for (size_t i = 0; i < u->n; i++)
		rows += u->at[i].samples ? u->at[i].r.done_n : 0;
	fprintf(stderr, "lemursim: interrupted; %zu finished row%s kept\n", rows,
		rows == 1 ? " is" : "s are");
	for (size_t i = 0; i < u->n; i++) {
		const char *missing = missing_rows(u, &u->at[i]);

		if (!missing)
			continue;
		fprintf(stderr, "  hint: the rest: lemursim calibrate --only %s", missing);
		if (u->m->n > 1)
			fprintf(stderr, " --backend %s", u->at[i].backend->device);
		if (u->o->quick)
			fputs(" --quick", stderr);
		if (u->o->threads)
			fprintf(stderr, " --threads %lld", (long long)u->o->threads);
		for (size_t j = 0; j < u->n; j++)
			if (u->at[j].samples && (u->at[j].r.done_n || j < i))
				fprintf(stderr, " --from %s", u->at[j].samples);
		fprintf(stderr, "%s -o %s\n", i ? " -f" : "", u->out);
	}
}

static int read_earlier(struct run *u, struct err *err)
{
	const struct opts *o = u->o;

	u->earlier = arena_array(u->arena, o->froms.n + 1, sizeof *u->earlier);
	for (size_t i = 0; i < o->froms.n; i++) {
		char *text;
		size_t len;

		if (file_read(u->arena, o->froms.at[i], SAMPLES_MAX_B, &text, &len, err) != 0)
			return -1;
		if (!samples_csv_is(text))
			return err_set(err,
				       "%s: not samples of this program, so nothing can be added to them",
				       o->froms.at[i]);
		if (samples_csv_read(u->arena, o->froms.at[i], text, &u->earlier[i], err) != 0)
			return -1;
	}
	return 0;
}

/* Samples of an earlier run of the same device come first. */
static int add_earlier(const struct run *u, struct sample_set *set, struct err *err)
{
	for (size_t i = 0; i < u->o->froms.n; i++) {
		const struct sample_set *more = &u->earlier[i];
		struct sample *all;

		if (more->chip && set->chip && strcmp(more->chip, set->chip) != 0)
			return err_set(err, "%s: samples of another machine, '%.60s', where this is '%.60s'",
				       u->o->froms.at[i], more->chip, set->chip);
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

static int measure_device(struct run *u, struct measured *d, double share, size_t *failed)
{
	const struct opts *o = u->o;
	struct suite_options s = {.quick = o->quick,
				  .force = o->force,
				  .threads = !strcmp(d->backend->device, "cpu") ? o->threads : 0,
				  .seed = (uint64_t)time(NULL),
				  .share = share,
				  .stop = u->m->stop,
				  .progress = show_progress,
				  .progress_self = &u->on_terminal};
	struct err err = ERR_INIT;
	int rc;

	if (o->only && strcmp(o->only, "all") != 0)
		s.only = split_names(u->arena, o->only, &s.only_n);
	rc = suite_run(u->arena, d->backend, &s, &d->r, &err);
	clear_line(u->on_terminal);
	if (rc != 0)
		return complain(&err, err.hint[0] ? EXIT_USAGE : EXIT_FAILED);
	d->r.set.tool = u->m->tool;
	d->r.set.date = today(u->arena);
	print_samples(&d->r);
	*failed += d->r.failed_n;
	u->out = u->out ? u->out : usual_path(u->arena, d->r.set.chip);
	if (add_earlier(u, &d->r.set, &err) != 0)
		return complain(&err, EXIT_USAGE);
	return keep_samples(u, d, &err) == 0 ? EXIT_FINE : complain(&err, EXIT_FAILED);
}

/* What was measured now, and devices of earlier runs; in the order of the backends. */
static struct machine_samples all_sets(const struct run *u, const struct datasheet *datasheet)
{
	struct sample_set *sets = arena_array(u->arena, u->n + u->o->froms.n, sizeof *sets);
	size_t n = 0;

	for (size_t b = 0; b < u->m->n; b++) {
		const struct backend *backend = u->m->backends[b];
		bool found = false;

		for (size_t i = 0; i < u->n; i++)
			if (u->at[i].backend == backend && u->at[i].samples) {
				sets[n++] = u->at[i].r.set;
				found = true;
			}
		for (size_t i = 0; i < u->o->froms.n && !found; i++)
			if (u->earlier[i].device && !strcmp(u->earlier[i].device, backend->device))
				sets[n++] = u->earlier[i];
	}
	return (struct machine_samples){sets, n, datasheet, u->out};
}

static int write_machine(const struct run *u)
{
	struct datasheet datasheet;
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	struct machine_samples all;
	int rc = EXIT_FINE;

	if (u->o->facts && datasheet_read(u->arena, u->o->facts, &datasheet, &err) != 0)
		return complain(&err, EXIT_USAGE);
	all = all_sets(u, u->o->facts ? &datasheet : NULL);
	if (profile_write_all(&all, &text, &err) != 0) {
		err_hint(&err, "the samples are kept; with other rows: --only ROW,ROW --from %s",
			 u->at[0].samples);
		rc = complain(&err, EXIT_FAILED);
	} else if (file_write(u->out, text.text, text.len, u->o->force, &err) != 0) {
		rc = complain(&err, EXIT_FAILED);
	} else {
		printf("written: %s, from", u->out);
		for (size_t i = 0; i < u->n; i++)
			printf("%s %s", i ? " and" : "", u->at[i].samples);
		printf("\n");
	}
	str_release(&text);
	return rc;
}

/* No file is made beside an error; but what came right is kept, and a file of it is one command away. */
static int say_what_failed(const struct run *u, size_t failed)
{
	struct err err = ERR_INIT;
	struct str from = STR_INIT;
	int rc;

	for (size_t i = 0; i < u->n; i++)
		str_addf(&from, " --from %s", u->at[i].samples);
	err_set(&err, "%zu case%s failed: no hardware file is written", failed, failed == 1 ? "" : "s");
	err_hint(&err, "of what came right: lemursim calibrate%s -o %s", from.text, u->out);
	rc = complain(&err, EXIT_FAILED);
	str_release(&from);
	return rc;
}

static int choose(struct run *u)
{
	const struct opts *o = u->o;
	struct err err = ERR_INIT;

	u->at = arena_array(u->arena, u->m->n, sizeof *u->at);
	for (size_t i = 0; i < u->m->n; i++) {
		const struct backend *b = u->m->backends[i];

		if (!o->backend || !strcmp(o->backend, b->name) || !strcmp(o->backend, b->device))
			u->at[u->n++] = (struct measured){.backend = b};
	}
	if (!u->n) {
		err_set(&err, "no backend is called '%.40s' here", o->backend);
		err_hint(&err, "'cblas' is the CPU's; on macOS 'metal' is the GPU's");
		return complain(&err, EXIT_USAGE);
	}
	if (o->out && !o->force && file_exists(o->out)) { /* now, not after six minutes */
		err_set(&err, "%s exists", o->out);
		err_hint(&err, "say -f to overwrite it");
		return complain(&err, EXIT_USAGE);
	}
	return read_earlier(u, &err) == 0 ? EXIT_FINE : complain(&err, EXIT_USAGE);
}

int measure_machine(const struct measuring *m, const struct opts *o)
{
	struct arena a = ARENA_INIT;
	struct run u = {.arena = &a, .m = m, .o = o, .out = o->out, .on_terminal = isatty(STDERR_FILENO)};
	size_t failed = 0;
	int rc = choose(&u);

	for (size_t i = 0; i < u.n && rc == EXIT_FINE && !*m->stop; i++)
		rc = measure_device(&u, &u.at[i], u.n == 1 ? 1 : m->shares[i], &failed);
	if (rc == EXIT_FINE && *m->stop) {
		say_how_to_resume(&u);
		rc = EXIT_INTERRUPTED;
	} else if (rc == EXIT_FINE && failed) {
		rc = say_what_failed(&u, failed);
	} else if (rc == EXIT_FINE) {
		rc = write_machine(&u);
	}
	arena_release(&a);
	return rc;
}
