/*
 * cmd_calibrate.c - lemursim calibrate: measure this machine (measure.c), or a link, or fit results; write a
 * hardware file.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/measure/link.h"
#include "sim/family/fit_runtime.h"
#include "sim/family/family_model.h"
#include "sim/cli/cmd.h"
#include "sim/cli/measure.h"

#ifndef VERSION
#define VERSION "unknown"
#endif

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

/* "Studio's host" -> "studio-s-host" */
static const char *slug(struct arena *a, const char *text)
{
	struct str s = STR_INIT;
	const char *name;

	str_slug(&s, text);
	name = arena_strdup(a, s.len ? s.text : "machine");
	str_release(&s);
	return name;
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

/* One profile for all machines of a family. */
static int from_family(const struct opts *o, struct session *s, struct str *text)
{
	struct runs runs = {0};
	struct observations e;
	struct family_model family_model;
	struct err err = ERR_INIT;

	if (runs_read_all(&s->arena, o->froms.at, o->froms.n, &runs, &err) == 0 &&
	    family_load(&s->loader, o->family, &family_model, &err) == 0 &&
	    observations_load(&s->loader, &runs, OBSERVATIONS_NO_PROFILE, &e, &err) == 0 &&
	    family_write(&family_model, &e, text, &err) == 0)
		return EXIT_FINE;
	return err.msg[0] ? complain(&err, EXIT_USAGE) : session_complain(s);
}

static int fit_results(const struct opts *o)
{
	const struct calib_samples samples = {o->froms.at, o->froms.n, o->facts, "lemursim " VERSION};
	struct session s;
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	int rc = EXIT_FINE;

	session_begin(&s, o);
	if (o->family) {
		rc = from_family(o, &s, &text);
	} else if (!calib_is_samples(o->froms.at[0])) {
		rc = from_runs(o, &s, &text);
	} else if (calib_from_samples(&s.arena, &samples, &text, &err) != 0) {
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
	const struct measuring here = {backends, shares, ARRAY_LEN(backends), &interrupted,
				       "lemursim " VERSION};
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
	rc = o->link ? run_link(&a, o) : measure_machine(&here, o);
	arena_release(&a);
	return rc;
}
