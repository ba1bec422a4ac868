/* measure.c - see measure.h. */
#define _DEFAULT_SOURCE /* getloadavg(), which POSIX does not have */
#include "sim/measure/measure.h"

#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/append.h"
#include "sim/base/file.h"
#include "sim/base/units.h"
#include "sim/calib/profile.h"
#include "sim/calib/samples_csv.h"

struct measurement;

struct measured_device {
	struct measurement *of;
	const struct backend *backend;
	struct suite_result r;
	const char *samples; /* path; NULL: the device was not measured */
};

struct measurement {
	struct arena *arena;
	const struct measure_ask *ask;
	struct measured_device *at; /* one for each backend that was chosen */
	size_t n, shared_n;         /* shared_n: devices of this machine that one file describes */
	struct sample_set *earlier; /* --from's sets */
	const char *out;            /* NULL: until the chip's name is read */
	bool prepared;              /* the files can be written */
	struct append lock;         /* held while samples are written */
	const char *load;           /* the machine's before anything was measured */
	const char *left_out;       /* devices that are not measured, a line each with the reason */
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
static const char *default_path(struct arena *a, const char *chip)
{
	struct str s = STR_INIT;
	const char *path;

	str_slug(&s, chip);
	path = arena_printf(a, "hardware/local/%s.yaml", s.len ? s.text : "machine");
	str_release(&s);
	return path;
}

static const char *samples_path(const struct measurement *u, const char *device)
{
	const char *stem = u->out;

	if (str_ends(stem, ".yaml"))
		stem = arena_strndup(u->arena, stem, strlen(stem) - 5);
	return u->shared_n > 1 ? arena_printf(u->arena, "%s-%s.samples.csv", stem, device)
			       : arena_printf(u->arena, "%s.samples.csv", stem);
}

static void report_samples(const struct measure_ask *ask, const struct suite_result *r)
{
	const struct sample_set *set = &r->set;
	struct arena a = ARENA_INIT;
	struct str s = STR_INIT;

	str_addf(&s, "%s, %s: %zu cases in %.0f s; the canary was %.1f %% off at most\n", set->chip,
		 set->device, set->n, r->elapsed_s, 100 * r->canary_worst);
	for (size_t i = 0; i < set->n; i++) {
		const struct sample *x = &set->samples[i];
		const struct sample_median m = x->seconds_n ? sample_median(x) : (struct sample_median){0};
		const struct bench_case c = {.kind = x->kind,
					     .dtype = x->dtype,
					     .path = x->path,
					     .m = x->m,
					     .n = x->n,
					     .k = x->k,
					     .threads = x->threads,
					     .bytes = x->bytes};
		const char *label = suite_label(&a, &c);

		if (!x->seconds_n) /* it failed, which stands below */
			continue;
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

/* The rows that a device still lacks, separated by commas; "all" where it was not begun; NULL: none. */
static const char *missing_rows(const struct measurement *u, const struct measured_device *d)
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

/* As it stands behind -o. */
static const char *out_option(const struct measurement *u)
{
	return u->ask->text ? "-" : u->out;
}

static const char *resume_command(const struct measurement *u, size_t device, const char *missing)
{
	const struct measure_ask *ask = u->ask;
	struct str s = STR_INIT;
	const char *command;

	str_addf(&s, "lemursim calibrate --only %s", missing);
	if (u->shared_n > 1 || ask->backend)
		str_addf(&s, " --backend %s", u->at[device].backend->device);
	if (ask->quick)
		str_add(&s, " --quick");
	if (ask->threads)
		str_addf(&s, " --threads %lld", (long long)ask->threads);
	for (size_t j = 0; j < u->n; j++)
		if (u->at[j].samples && (u->at[j].r.done_n || j < device))
			str_addf(&s, " --from %s", u->at[j].samples);
	str_addf(&s, "%s -o %s", device ? " -f" : "", out_option(u));
	command = arena_strdup(u->arena, s.text);
	str_release(&s);
	return command;
}

/* Lists one command for each device that lacks rows; each reads all samples that exist. */
static void list_resume_commands(const struct measurement *u, struct measure_result *r)
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

static int read_earlier(struct measurement *u, struct err *err)
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

static int check_earlier(const struct measurement *u, const char *chip, struct err *err)
{
	for (size_t i = 0; i < u->ask->from.n; i++)
		if (u->earlier[i].chip && strcmp(u->earlier[i].chip, chip) != 0) {
			err_set(err, "%s: samples of another machine, '%.60s', where this is '%.60s'",
				u->ask->from.at[i], u->earlier[i].chip, chip);
			return err_hint(err, "leave out that --from");
		}
	return 0;
}

/* Puts the samples of earlier runs of the same device before the new ones. */
static void add_earlier(const struct measurement *u, struct sample_set *set)
{
	for (size_t i = 0; i < u->ask->from.n; i++) {
		const struct sample_set *more = &u->earlier[i];
		struct sample *all;

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
}

/* Notes the load, and tells it when it disturbs the measurement: from a tenth of the cores on. */
static void take_load(struct measurement *u, const struct backend_info *info)
{
	double load;

	if (getloadavg(&load, 1) != 1 || info->cores <= 0)
		return;
	u->load = arena_printf(u->arena, "%.1f on %lld core%s", load, (long long)info->cores,
			       info->cores == 1 ? "" : "s");
	if (u->ask->measured && load > 0.1 * (double)info->cores)
		u->ask->measured(u->ask->self,
				 arena_printf(u->arena,
					      "load average %s before the first measurement: what other "
					      "programs take is missing from the figures, and widens them\n",
					      u->load));
}

static bool is_earlier(const struct measurement *u, const char *path)
{
	for (size_t i = 0; i < u->ask->from.n; i++)
		if (file_same(u->ask->from.at[i], path))
			return true;
	return false;
}

/* Samples that exist may be all that an interrupted run left: they are added to with --from, or given up with -f. */
static int prepare_samples(const struct measurement *u, const char *device, struct err *err)
{
	const char *path = samples_path(u, device);

	if (file_exists(path) && !u->ask->force && !is_earlier(u, path)) {
		err_set(err, "'%s' exists, from an earlier measurement", path);
		return err_hint(err, "--from %s adds to it; -f overwrites it", path);
	}
	return file_prepare(path, true, err);
}

/* Two measurements into one file would each write over the other's samples. The samples are renamed into place as they come,
 * so that a file beside them is locked; it goes with the measurement, and a killed one leaves no lock. */
static int lock_samples(struct measurement *u, struct err *err)
{
	const char *samples = samples_path(u, u->at[0].backend->device);
	const char *path = arena_printf(u->arena, "%s.lock", samples);

	struct err why = ERR_INIT;

	if (append_open(&u->lock, u->arena, path, APPEND_REPLACE, 0, NULL, NULL, &why) != 0) {
		if (!why.hint[0]) { /* not that another has it */
			*err = why;
			return -1;
		}
		err_set(err, "'%s' is being written by another process", samples);
		return err_hint(err, "wait for that measurement, or give this one its own -o FILE");
	}
	return append_line(&u->lock, arena_alloc(u->arena, FILE_PREPARE_BYTES), FILE_PREPARE_BYTES, err);
}

/* Gives the room that the lock holds to the samples: a disk that something else has filled in the meantime loses none. */
static bool free_reserve(struct measurement *u)
{
	return u->lock.fd >= 0 && ftruncate(u->lock.fd, 0) == 0;
}

static void unlock_samples(struct measurement *u)
{
	if (u->lock.fd >= 0)
		unlink(u->lock.path);
	append_close(&u->lock);
}

/* Called when a device is open. Everything that would make the measurement useless in the end is refused here: an output
 * that cannot be written, earlier samples of another machine. */
static int begin_device(void *self, const struct backend_info *info, struct err *err)
{
	struct measured_device *d = self;
	struct measurement *u = d->of;

	u->out = u->out ? u->out : default_path(u->arena, info->chip);
	if (!u->prepared) {
		if (check_earlier(u, info->chip, err) != 0 ||
		    (!u->ask->text && file_prepare(u->out, u->ask->force, err) != 0))
			return -1;
		for (size_t i = 0; i < u->n; i++)
			if (prepare_samples(u, u->at[i].backend->device, err) != 0)
				return -1;
		if (lock_samples(u, err) != 0)
			return -1;
		if (u->ask->measured && u->left_out[0])
			u->ask->measured(u->ask->self, u->left_out);
		take_load(u, info);
	}
	u->prepared = true;
	return 0;
}

/* Writes a device's samples, those of earlier runs included. *text: the content, in the arena. */
static int write_samples(const struct measured_device *d, struct sample_set *set, const char **text,
			 struct err *err)
{
	struct measurement *u = d->of;
	const char *path = samples_path(u, d->backend->device);
	struct err ignored = ERR_INIT;
	struct str s = STR_INIT;

	set->tool = u->ask->tool;
	set->date = today(u->arena);
	set->load = u->load;
	set->canary = d->r.canary_worst > 0
			      ? arena_printf(u->arena, "%s %%", units_digits(100 * d->r.canary_worst, 3).text)
			      : set->canary;
	add_earlier(u, set);
	samples_csv_write(set, &s);
	*text = arena_strdup(u->arena, s.text);
	str_release(&s);
	if (file_write(path, *text, strlen(*text), true, &ignored) == 0 || !free_reserve(u))
		return ignored.msg[0] ? err_set(err, "%s", ignored.msg) : 0;
	return file_write(path, *text, strlen(*text), true, err);
}

/* Keeps what is finished, so that not even a power failure loses it. A write that fails shows at the end, when the
 * samples are written for the last time. */
static void keep_row(void *self, const struct suite_result *so_far)
{
	const struct measured_device *d = self;
	struct sample_set set = so_far->set;
	struct err err = ERR_INIT;
	const char *text;

	write_samples(d, &set, &text, &err);
}

/* Writes the samples and reads them back, so that the hardware file is made from what `--from` will read. */
static int keep_samples(struct measurement *u, struct measured_device *d, struct err *err)
{
	const char *kept;

	d->samples = samples_path(u, d->backend->device);
	if (d->r.interrupted && !d->r.done_n)
		return 0;
	if (write_samples(d, &d->r.set, &kept, err) != 0)
		return -1;
	return d->r.set.n ? samples_csv_read(u->arena, d->samples, kept, &d->r.set, err) : 0;
}

static void forward_progress(void *self, const struct suite_progress *p)
{
	const struct measure_ask *ask = ((struct measured_device *)self)->of->ask;

	if (ask->progress)
		ask->progress(ask->self, p);
}

static enum measure_end measure_device(struct measurement *u, struct measured_device *d, double share,
				       size_t *failed, struct err *err)
{
	const struct measure_ask *ask = u->ask;
	struct suite_options s = {.quick = ask->quick,
				  .force = ask->force,
				  .threads = !strcmp(d->backend->device, "cpu") ? ask->threads : 0,
				  .seed = ask->seed ? ask->seed : (uint64_t)time(NULL),
				  .share = share,
				  .stop = ask->stop,
				  .begin = begin_device,
				  .row_done = keep_row,
				  .progress = forward_progress,
				  .self = d};

	suite_only(u->arena, ask->only, &s);
	if (suite_run(u->arena, d->backend, &s, &d->r, err) != 0)
		return err->hint[0] ? MEASURE_REFUSED : MEASURE_FAILED;
	report_samples(ask, &d->r);
	*failed += d->r.failed_n;
	return keep_samples(u, d, err) == 0 ? MEASURE_WRITTEN : MEASURE_FAILED;
}

/* The samples of this run and of devices of earlier runs, in the order of the backends. */
static struct machine_samples all_sets(const struct measurement *u, const struct datasheet *datasheet)
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
	return (struct machine_samples){.sets = sets, .n = n, .datasheet = datasheet, .name = u->out};
}

static enum measure_end write_machine(const struct measurement *u, struct texts *told, struct err *err)
{
	struct datasheet datasheet;
	struct str text = STR_INIT;
	struct machine_samples all;
	enum measure_end end = MEASURE_WRITTEN;

	if (u->ask->datasheet && datasheet_read(u->arena, u->ask->datasheet, &datasheet, err) != 0)
		return MEASURE_REFUSED;
	all = all_sets(u, u->ask->datasheet ? &datasheet : NULL);
	all.arena = u->arena;
	all.told = told;
	if (profile_write_all(&all, &text, err) != 0) {
		err_hint(err, "the samples are kept; with other rows: --only ROW,ROW --from %s",
			 u->at[0].samples);
		end = MEASURE_FAILED;
	} else if (u->ask->text) {
		str_add(u->ask->text, text.text);
	} else if (file_write(u->out, text.text, text.len, u->ask->force, err) != 0) {
		end = MEASURE_FAILED;
	}
	str_release(&text);
	return end;
}

/* The file is of the cases that came right; it names the others, and the terminal says how many there are. */
static enum measure_end write_despite(const struct measurement *u, size_t failed, struct measure_result *r,
				      struct err *err)
{
	const enum measure_end end = write_machine(u, &r->unused, err);
	const char *line = arena_printf(
		u->arena, "%zu case%s failed, of which the file says why: it is made of the others", failed,
		failed == 1 ? "" : "s");

	if (end == MEASURE_WRITTEN && failed)
		r->unused = texts_join(u->arena, &r->unused, &line, 1);
	return end;
}

/* Takes a device, unless this machine has none such. */
static void take_if_present(struct measurement *u, const struct backend *b)
{
	struct err why = ERR_INIT;

	if (b->present && b->present(&why) != 0)
		u->left_out =
			arena_printf(u->arena, "%s'%s' is left out: %s\n", u->left_out, b->name, why.msg);
	else
		u->at[u->n++] = (struct measured_device){.of = u, .backend = b};
}

/* A device with memory of its own gets a file of its own: a hardware file describes one memory. Where none is named, the
 * first device that is here is measured, with all that share its memory. */
static void choose_by_memory(struct measurement *u)
{
	const struct measure_ask *ask = u->ask;

	for (size_t i = 0; i < ask->n; i++) {
		const struct backend *b = ask->backends[i];

		if (u->n && (b->own_memory || u->at[0].backend->own_memory))
			u->left_out = arena_printf(
				u->arena,
				"%s'%s' is left out, it has a memory of its own: --backend %s measures "
				"it into another file\n",
				u->left_out, b->name, b->name);
		else
			take_if_present(u, b);
	}
}

static int choose_named(struct measurement *u, struct err *err)
{
	const struct measure_ask *ask = u->ask;

	for (size_t i = 0; i < ask->n; i++) {
		const struct backend *b = ask->backends[i];

		if (strcmp(ask->backend, b->name) != 0 && strcmp(ask->backend, b->device) != 0)
			continue;
		if (b->present && b->present(err) != 0)
			return -1;
		u->at[u->n++] = (struct measured_device){.of = u, .backend = b};
	}
	if (u->n)
		return 0;
	err_set(err, "no backend is called '%.40s' here", ask->backend);
	return err_hint(err, "'cblas' is the CPU's; 'metal' is the GPU's on macOS, 'cuda' elsewhere");
}

static int choose(struct measurement *u, struct err *err)
{
	const struct measure_ask *ask = u->ask;

	u->at = arena_array(u->arena, ask->n, sizeof *u->at);
	if (!ask->backend)
		choose_by_memory(u);
	else if (choose_named(u, err) != 0)
		return -1;
	for (size_t i = 0; i < ask->n; i++)
		u->shared_n += !ask->backends[i]->own_memory;
	if (!u->n)
		return err_set(err, "none of the devices that can be measured is here");
	if (u->at[0].backend->own_memory)
		u->shared_n = 1;
	return read_earlier(u, err);
}

/* A device's part of the plan's time. */
static double share_of(const struct measurement *u, size_t i)
{
	return u->n == 1 ? 1 : u->ask->shares[i];
}

int measure_plan(struct arena *a, const struct measure_ask *ask, struct str *out, struct err *err)
{
	struct measurement u = {.arena = a, .ask = ask, .out = ask->out, .left_out = ""};
	struct suite_options s = {.quick = ask->quick};
	double all_s = 0;

	suite_only(a, ask->only, &s);
	if (choose(&u, err) != 0 || suite_check_only(a, &s, err) != 0)
		return -1;
	str_add(out, u.left_out);
	for (size_t i = 0; i < u.n; i++) {
		s.share = share_of(&u, i);
		str_addf(out, "%s, %s\n", u.at[i].backend->device, u.at[i].backend->name);
		all_s += suite_budgets(&s, out);
	}
	str_addf(out, "%.0f s in all at most; a row's samples are kept as soon as it is finished\n", all_s);
	str_addf(out, "writes %s, and beside %s %s\n",
		 ask->text  ? "the standard output"
		 : ask->out ? ask->out
			    : "hardware/local/CHIP.yaml",
		 ask->text ? "hardware/local/CHIP.yaml" : "it",
		 u.shared_n > 1 ? "NAME-DEVICE.samples.csv of each device" : "NAME.samples.csv");
	return 0;
}

static enum measure_end measure_all(struct measurement *u, struct measure_result *r, struct err *err)
{
	const struct measure_ask *ask = u->ask;
	enum measure_end end = choose(u, err) == 0 ? MEASURE_WRITTEN : MEASURE_REFUSED;
	size_t failed = 0;

	for (size_t i = 0; i < u->n && end == MEASURE_WRITTEN && !*ask->stop; i++)
		end = measure_device(u, &u->at[i], share_of(u, i), &failed, err);
	if (end != MEASURE_WRITTEN)
		return end;
	if (*ask->stop) {
		list_resume_commands(u, r);
		return MEASURE_INTERRUPTED;
	}
	return write_despite(u, failed, r, err);
}

enum measure_end measure_machine(struct arena *a, const struct measure_ask *ask, struct measure_result *r,
				 struct err *err)
{
	struct measurement u = {.arena = a, .ask = ask, .out = ask->out, .left_out = "", .lock = {.fd = -1}};
	enum measure_end end;

	*r = (struct measure_result){0};
	end = measure_all(&u, r, err);
	unlock_samples(&u);
	r->out = u.out;
	r->samples.at = arena_array(a, u.n, sizeof *r->samples.at);
	for (size_t i = 0; i < u.n; i++)
		if (u.at[i].samples)
			r->samples.at[r->samples.n++] = u.at[i].samples;
	return end;
}
