/*
 * cmd_calibrate.c - lemursim calibrate: measure this machine, or a link, or fit results; write a hardware
 * file.
 *
 * The profile goes to -o FILE, else to hardware/local/CHIP.yaml; the samples behind it beside it, as
 * NAME.samples.csv, from which `--from` makes the profile again, or goes on after an interruption.
 */
#include <ctype.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "kernels/link.h"
#include "kernels/suite.h"
#include "sim/base/file.h"
#include "sim/base/units.h"
#include "sim/calib/from.h"
#include "sim/calib/profile.h"
#include "sim/calib/samples_csv.h"
#include "sim/cli/cmd.h"

#ifndef VERSION
#define VERSION "unknown"
#endif

enum { SAMPLES_MAX_B = 64 << 20 };

static const struct backend *const backends[] = {
#ifdef __APPLE__
	&backend_metal,
#endif
	&backend_cpu,
};
#ifdef __APPLE__ /* of the time of a plan, when all run */
static const double shares[] = {0.7, 0.3};
#else
static const double shares[] = {1};
#endif

/* Set by Ctrl-C; a second one ends the program. */
static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

static void catch_interrupt(void)
{
	struct sigaction act = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};

	sigemptyset(&act.sa_mask);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
}

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

/* "Apple M4 Pro" -> "apple-m4-pro" */
static const char *slug(struct arena *a, const char *text)
{
	char *to = arena_strdup(a, text);
	size_t n = 0;

	for (const char *c = text; *c; c++) {
		if (isalnum((unsigned char)*c))
			to[n++] = (char)tolower((unsigned char)*c);
		else if (n && to[n - 1] != '-')
			to[n++] = '-';
	}
	while (n && to[n - 1] == '-')
		n--;
	to[n] = '\0';
	return n ? to : "machine";
}

/* Where a device's file goes; a second device gets its name put before the suffix. */
static const char *output_path(struct arena *a, const struct opts *o, const char *chip, const char *device)
{
	const char *stem = o->out;

	if (!stem) {
		mkdir("hardware", 0777); /* an error shows when the file is written */
		mkdir("hardware/local", 0777);
		stem = arena_printf(a, "hardware/local/%s.yaml", slug(a, chip));
	}
	if (!device)
		return stem;
	if (str_ends(stem, ".yaml"))
		stem = arena_strndup(a, stem, strlen(stem) - 5);
	return arena_printf(a, "%s-%s.yaml", stem, device);
}

static const char *samples_path(struct arena *a, const char *path)
{
	if (str_ends(path, ".yaml"))
		path = arena_strndup(a, path, strlen(path) - 5);
	return arena_printf(a, "%s.samples.csv", path);
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
	for (size_t i = 0; i < r->skips_n; i++)
		str_addf(&s, "  not measured: %s: %s\n", r->skips[i].label, r->skips[i].why);
	if (r->short_n)
		str_addf(&s, "  time was short: %zu of %zu cases have fewer batches than planned\n",
			 r->short_n, set->n);
	fputs(s.text, stdout);
	str_release(&s);
	arena_release(&a);
}

static void say_how_to_resume(const struct suite_result *r, const char *samples)
{
	fprintf(stderr, "lemursim: interrupted; %zu finished row%s kept in %s\n", r->done_n,
		r->done_n == 1 ? " is" : "s are", samples);
	fputs("  hint: the rest: lemursim calibrate --only ", stderr);
	for (size_t i = 0; i < r->missing_n; i++)
		fprintf(stderr, "%s%s", i ? "," : "", r->missing[i]);
	fprintf(stderr, " --from %s\n", samples);
}

/* Samples of an earlier run of the same device come first. */
static int add_earlier(struct arena *a, const struct opts *o, struct sample_set *set, struct err *err)
{
	for (size_t i = 0; i < o->froms.n; i++) {
		struct sample_set more;
		struct sample *all;
		char *text;
		size_t len;

		if (file_read(a, o->froms.at[i], SAMPLES_MAX_B, &text, &len, err) != 0)
			return -1;
		if (!samples_csv_is(text))
			return err_set(err,
				       "%s: not samples of this program, so nothing can be added to them",
				       o->froms.at[i]);
		if (samples_csv_read(a, o->froms.at[i], text, &more, err) != 0)
			return -1;
		if ((more.device && strcmp(more.device, set->device) != 0) ||
		    (more.chip && strcmp(more.chip, set->chip) != 0))
			continue;
		all = arena_array(a, more.n + set->n + 1, sizeof *all);
		if (more.n)
			memcpy(all, more.samples, more.n * sizeof *all);
		if (set->n)
			memcpy(all + more.n, set->samples, set->n * sizeof *all);
		set->samples = all;
		set->n += more.n;
	}
	return 0;
}

static int write_results(struct arena *a, const struct opts *o, struct suite_result *r, const char *path)
{
	const char *samples = samples_path(a, path);
	struct facts facts;
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	int rc = EXIT_FINE;

	if (add_earlier(a, o, &r->set, &err) != 0 || (o->facts && facts_read(a, o->facts, &facts, &err) != 0))
		return complain(&err, EXIT_USAGE);
	samples_csv_write(&r->set, &text);
	if ((r->done_n || !r->interrupted) && file_write(samples, text.text, text.len, true, &err) != 0)
		rc = complain(&err, EXIT_FAILED);
	str_clear(&text);
	if (rc == EXIT_FINE && r->interrupted) {
		say_how_to_resume(r, samples);
		rc = EXIT_INTERRUPTED;
	} else if (rc == EXIT_FINE &&
		   profile_write(&r->set, o->facts ? &facts : NULL, path, &text, &err) != 0) {
		err_hint(&err, "the samples are in %s; with other rows: --only ROW,ROW --from %s", samples,
			 samples);
		rc = complain(&err, EXIT_FAILED);
	} else if (rc == EXIT_FINE && file_write(path, text.text, text.len, o->force, &err) != 0) {
		rc = complain(&err, EXIT_FAILED);
	} else if (rc == EXIT_FINE) {
		printf("written: %s, from %s\n", path, samples);
	}
	str_release(&text);
	return rc;
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

static int measure_one(struct arena *a, const struct opts *o, const struct backend *b, double share,
		       bool alone)
{
	bool on_terminal = isatty(STDERR_FILENO);
	struct suite_options s = {.quick = o->quick,
				  .force = o->force,
				  .threads = !strcmp(b->device, "cpu") ? o->threads : 0,
				  .seed = (uint64_t)time(NULL),
				  .share = share,
				  .stop = &interrupted,
				  .progress = show_progress,
				  .progress_self = &on_terminal};
	struct suite_result r;
	struct err err = ERR_INIT;
	int rc;

	if (o->only)
		s.only = split_names(a, o->only, &s.only_n);
	rc = suite_run(a, b, &s, &r, &err);
	clear_line(on_terminal);
	if (rc != 0)
		return complain(&err, err.hint[0] ? EXIT_USAGE : EXIT_FAILED);
	r.set.tool = "lemursim " VERSION;
	r.set.date = today(a);
	print_samples(&r);
	return write_results(a, o, &r, output_path(a, o, r.set.chip, alone ? NULL : b->device));
}

static int measure(struct arena *a, const struct opts *o)
{
	const size_t n = ARRAY_LEN(backends);
	struct err err = ERR_INIT;
	bool any = false;
	int rc = EXIT_FINE;

	if (o->out && !o->force && file_exists(o->out)) { /* now, not after six minutes */
		err_set(&err, "%s exists", o->out);
		err_hint(&err, "say -f to overwrite it");
		return complain(&err, EXIT_USAGE);
	}
	for (size_t i = 0; i < n && rc == EXIT_FINE; i++) {
		if (o->backend && strcmp(o->backend, backends[i]->name) != 0 &&
		    strcmp(o->backend, backends[i]->device) != 0)
			continue;
		any = true;
		rc = measure_one(a, o, backends[i], o->backend ? 1 : shares[i], o->backend || i == 0);
	}
	if (any)
		return rc;
	err_set(&err, "no backend is called '%.40s' here", o->backend);
	err_hint(&err, "'cblas' is the CPU's; on macOS 'metal' is the GPU's");
	return complain(&err, EXIT_USAGE);
}

static void tell_port(void *self, const char *port)
{
	(void)self;
	fprintf(stderr,
		"listening on port %s; on the other machine: lemursim calibrate --link HOST:%s -o "
		"FILE.yaml\n",
		port, port);
}

static int run_link(struct arena *a, const struct opts *o)
{
	const struct link_options lo = {.stop = &interrupted, .ready = tell_port};
	struct sample_set set;
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	char host[128] = "this machine";
	int rc;

	if (str_starts(o->link, "serve")) {
		if (link_serve(o->link[5] == ':' ? o->link + 6 : LINK_PORT, &lo, &err) != 0)
			return complain(&err, EXIT_FAILED);
		return interrupted ? EXIT_INTERRUPTED : EXIT_FINE;
	}
	gethostname(host, sizeof host - 1);
	if (link_measure(a, o->link, &lo, &set, &err) != 0)
		return complain(&err, err.hint[0] ? EXIT_USAGE : EXIT_FAILED);
	if (interrupted)
		return EXIT_INTERRUPTED;
	if (link_yaml(&set, arena_printf(a, "TCP, %s to %s", slug(a, host), slug(a, o->link)), &text, &err) !=
	    0)
		rc = complain(&err, EXIT_FAILED);
	else
		rc = deliver(o, &text);
	str_release(&text);
	return rc;
}

static int from_runs(const struct opts *o, struct session *s, struct str *text)
{
	struct calib_input *inputs = arena_array(&s->arena, o->froms.n, sizeof *inputs);
	const struct calib_from ask = {.inputs = inputs,
				       .n = o->froms.n,
				       .machine = o->machine,
				       .device = o->device,
				       .like = o->like,
				       .runtime = o->runtime,
				       .version = "lemursim " VERSION,
				       .out = o->out};
	struct err err = ERR_INIT;

	if (!o->machine || !o->model.n) {
		err_set(&err, "runs of models say little without the %s", o->machine ? "model" : "machine");
		err_hint(&err, "--machine NAME --model NAME");
		return complain(&err, EXIT_USAGE);
	}
	for (size_t i = 0; i < o->froms.n; i++)
		inputs[i] = (struct calib_input){
			o->froms.at[i], o->model.at[i < o->model.n ? i : o->model.n - 1], o->weights};
	if (calib_from(&s->loader, &ask, text, &err) == 0)
		return EXIT_FINE;
	return err.msg[0] ? complain(&err, EXIT_USAGE) : session_complain(s);
}

static int fit_results(const struct opts *o)
{
	struct session s;
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	int rc = EXIT_FINE;

	session_begin(&s, o);
	if (!calib_is_samples(o->froms.at[0])) {
		rc = from_runs(o, &s, &text);
	} else if (o->froms.n > 1) {
		err_set(&err, "a profile is made from one file of samples");
		rc = complain(&err, EXIT_USAGE);
	} else if (calib_from_samples(&s.arena, o->froms.at[0], o->facts, "lemursim " VERSION, &text, &err) !=
		   0) {
		rc = complain(&err, EXIT_USAGE);
	}
	if (rc == EXIT_FINE)
		rc = deliver(o, &text);
	str_release(&text);
	session_end(&s);
	return rc;
}

int cmd_calibrate(const struct opts *o)
{
	struct arena a = ARENA_INIT;
	struct str text = STR_INIT;
	int rc;

	if (o->files.n) {
		struct err err = ERR_INIT;

		err_set(&err, "calibrate does not take a file such as '%.100s'", o->files.at[0]);
		err_hint(&err, "-o FILE is written, --from FILE is read");
		return complain(&err, EXIT_USAGE);
	}
	if (o->list) {
		suite_list(&text);
		rc = deliver(o, &text);
		str_release(&text);
		return rc;
	}
	if (o->froms.n && !o->only)
		return fit_results(o);
	catch_interrupt();
	rc = o->link ? run_link(&a, o) : measure(&a, o);
	arena_release(&a);
	return rc;
}
