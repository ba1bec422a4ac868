/* session.c - what the verbs share: loading, complaining, delivering; see cmd.h. */
#include <math.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#ifdef __APPLE__
#include <mach-o/dyld.h>
#endif

#include "sim/ask/would_fit.h"
#include "sim/base/file.h"
#include "sim/cli/cmd.h"
#include "sim/draw/draw.h"
#include "sim/lib/search_paths.h"
#include "sim/world/idle_setting.h"

/* Of this program, links resolved; NULL where the system does not say. */
static const char *own_path(struct arena *a)
{
	char path[4096];
#ifdef __APPLE__
	char at[4096];
	uint32_t size = sizeof at;

	if (_NSGetExecutablePath(at, &size) != 0 || !realpath(at, path))
		return NULL;
#else
	const ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	if (n <= 0)
		return NULL;
	path[n] = '\0';
#endif
	return arena_strdup(a, path);
}

enum { UP = 4 }; /* folders above the program that may be its checkout: build/release/lemursim is two below */

/* Where a program that is not installed finds its catalogue: its own checkout, known by its folders. */
static const char *own_checkout(struct arena *a)
{
	const char *own = own_path(a);
	char *dir = own ? arena_strdup(a, own) : NULL;

	for (int i = 0; dir && i < UP; i++) {
		char *cut = strrchr(dir, '/');

		if (!cut || cut == dir)
			return NULL;
		*cut = '\0';
		if (file_exists(arena_printf(a, "%s/sim/LAYERS", dir)) &&
		    file_exists(arena_printf(a, "%s/hardware", dir)) &&
		    file_exists(arena_printf(a, "%s/models", dir)))
			return dir;
	}
	return NULL;
}

void session_begin(struct session *s, const struct load_options *load, const struct output_options *output)
{
	struct texts paths;

	*s = (struct session){.arena = ARENA_INIT, .output = output, .load = load};
	diags_init(&s->diags, &s->arena);
	loader_init(&s->loader, &s->arena, &s->diags);
	paths = search_paths(&s->arena, &load->paths, own_checkout(&s->arena));
	s->loader.paths = paths.at;
	s->loader.paths_n = paths.n;
}

void session_end(struct session *s)
{
	lemursim_scenario_free(s->scenario);
	lemursim_free(s->library);
	arena_release(&s->arena);
}

/* COLUMNS of the environment, else those of the terminal that the file is. */
static int width_of(int file, int otherwise)
{
	const char *columns = getenv("COLUMNS");
	struct winsize size;

	if (columns && atoi(columns) >= 20 && atoi(columns) <= 10000)
		return atoi(columns);
	if (!isatty(file) || ioctl(file, TIOCGWINSZ, &size) != 0 || !size.ws_col)
		return otherwise;
	return size.ws_col;
}

/* A line of a file that is shown, or the caret below it: "    3 | steps: 12". */
static bool is_excerpt(const char *line)
{
	return str_starts(line + strspn(line, " 0123456789"), "| ");
}

void say(const char *text)
{
	const int width = width_of(STDERR_FILENO, 0);
	struct str out = STR_INIT, line = STR_INIT;

	for (const char *at = text; width && *at; at += strspn(at, "\n") > 0) {
		const size_t n = strcspn(at, "\n"), indent = strspn(at, " ");

		str_clear(&line);
		str_add_n(&line, at + indent, n - indent);
		str_pad(&out, ' ', indent);
		if (!n || is_excerpt(at))
			str_addf(&out, "%s\n", line.text);
		else
			str_add_wrapped(&out, line.text, indent, indent ? indent + 2 : 4, (size_t)width);
		at += n;
	}
	fputs(width ? out.text : text, stderr);
	str_release(&out);
	str_release(&line);
}

void say_note(const char *note)
{
	say_notes(&(struct texts){&note, note ? 1 : 0});
}

void say_notes(const struct texts *notes)
{
	struct str text = STR_INIT;

	for (size_t i = 0; i < notes->n; i++)
		str_addf(&text, "lemursim: note: %s\n", notes->at[i]);
	say(text.text);
	str_release(&text);
}

/* "lemursim: ..." and the hint; nothing where there is no error. */
static void complaint(const struct err *err, struct str *text)
{
	if (err->msg[0])
		str_addf(text, "lemursim: %s\n", err->msg);
	if (err->hint[0])
		str_addf(text, "  hint: %s\n", err->hint);
}

int session_complain(const struct session *s)
{
	struct str text = STR_INIT;

	diags_format(&s->diags, &text);
	say(text.text);
	str_release(&text);
	return EXIT_USAGE;
}

void session_refusal(const struct session *s, const struct err *err, struct str *text)
{
	if (s->diags.total)
		diags_format(&s->diags, text);
	complaint(err, text);
}

int session_refuse(const struct session *s, const struct err *err)
{
	struct str text = STR_INIT;

	session_refusal(s, err, &text);
	say(text.text);
	str_release(&text);
	return EXIT_USAGE;
}

void session_offer(struct session *s, const struct would_fit_ask *ask)
{
	const struct texts changes = would_fit(&s->arena, ask);
	struct str text = STR_INIT;

	for (size_t i = 0; i < changes.n; i++)
		str_addf(&text, "  %s%s--set \"%s\"\n",
			 i               ? ""
			 : changes.n > 1 ? "hint: each of these alone would fit: "
					 : "hint: this would fit: ",
			 i ? "    or " : "", changes.at[i]);
	say(text.text);
	str_release(&text);
}

int session_reads(const struct session *s, const char *path)
{
	struct err err = ERR_INIT;

	if (!s->output || !s->output->path || !file_same(path, s->output->path))
		return EXIT_FINE;
	err_set(&err, "cannot write '%s': it is read for this result", s->output->path);
	err_hint(&err, "write to another file");
	return complain(&err, EXIT_USAGE);
}

int session_reads_all(const struct session *s, const struct texts *paths)
{
	int rc = EXIT_FINE;

	for (size_t i = 0; i < paths->n && rc == EXIT_FINE; i++)
		rc = session_reads(s, paths->at[i]);
	return rc;
}

static int keeps(const struct session *s, const struct loader *l)
{
	int rc = EXIT_FINE;

	for (size_t i = 0; i < l->inputs_n && rc == EXIT_FINE; i++)
		rc = session_reads(s, l->inputs[i].path);
	return rc;
}

int session_keeps_inputs(const struct session *s)
{
	return keeps(s, &s->loader);
}

/* ---- by the library ---- */

lemursim_scenario *session_load(struct session *s, const char *name)
{
	const struct texts *const paths = &s->load->paths, *const sets = &s->load->sets;

	s->library = lemursim_new();
	s->library->checkout = own_checkout(&s->arena);
	s->library->outer = s->loader.inputs_n ? &s->loader : NULL;
	for (size_t i = 0; i < paths->n; i++)
		lemursim_add_path(s->library, paths->at[i]);
	s->scenario = lemursim_load(s->library, name);
	if (!s->scenario) {
		session_lament(s);
		return NULL;
	}
	for (size_t i = 0; i < sets->n; i++)
		lemursim_set(s->scenario, sets->at[i]);
	return session_reads(s, s->scenario->path) == EXIT_FINE ? s->scenario : NULL;
}

int session_lament(const struct session *s)
{
	say(lemursim_error_text(s->library));
	return EXIT_USAGE;
}

int session_keeps_result(const struct session *s, const lemursim_result *r)
{
	return keeps(s, &r->loader);
}

const char *const *texts_ended(struct arena *a, const struct texts *texts)
{
	return texts_join(a, texts, (const char *const[]){NULL}, 1).at;
}

struct lemursim_options session_options(const struct draws_ask *draws)
{
	return (struct lemursim_options){.seed = draws->seed,
					 .draws = draws->n,
					 .threads = (int)draws->workers.threads,
					 .each_iteration = draws->each_iteration};
}

const char *session_scenario(struct session *s, const char *name)
{
	return load_path(&s->loader, name, "scenarios");
}

const struct world *session_world(struct session *s, const struct texts *sets, const char *path)
{
	const struct world *w = scenario_load(&s->loader, path, sets);

	if (!w)
		session_complain(s);
	return w && session_keeps_inputs(s) == EXIT_FINE ? w : NULL;
}

/* ---- settings that do nothing ---- */

static void tell_idle(struct arena *a, const struct world *w, const struct texts *settings)
{
	for (size_t i = 0; i < settings->n; i++)
		say_note(idle_setting(a, w, settings->at[i]));
}

static bool any_bandwidth(const struct texts *settings)
{
	for (size_t i = 0; i < settings->n; i++)
		if (strstr(settings->at[i], "bandwidth"))
			return true;
	return false;
}

/* The scenario is loaded once more, apart: its files are those that have been read, and its complaints have been made. */
void session_tell_idle(const struct session *s, const struct texts *sets, const struct texts *over,
		       const char *path)
{
	struct arena scratch = ARENA_INIT;
	struct diags unheard;
	struct loader apart;
	const struct world *w;

	if (!any_bandwidth(sets) && !any_bandwidth(over))
		return;
	diags_init(&unheard, &scratch);
	loader_init(&apart, &scratch, &unheard);
	apart.paths = s->loader.paths;
	apart.paths_n = s->loader.paths_n;
	w = scenario_load(&apart, path, sets);
	if (w) {
		tell_idle(&scratch, w, sets);
		tell_idle(&scratch, w, over);
	}
	arena_release(&scratch);
}

struct placement *session_placements(struct session *s, const struct world *w)
{
	struct placement *all = scenario_place(&s->loader, w);

	if (all) /* what is written as a load runs is not begun for a trace that is broken further down */
		scenario_check_load(&s->loader, w);
	if (!s->diags.total)
		return all;
	session_complain(s);
	return NULL;
}

const struct placement *session_choose(struct session *s, const struct placement *all, const struct world *w,
				       const char *name)
{
	const size_t n = w->scenario->assignments.n;
	const char **names = arena_array(&s->arena, n, sizeof *names);
	struct err err = ERR_INIT;

	for (size_t i = 0; i < n; i++) {
		names[i] = all[i].assignment->name;
		if (!name || !strcmp(name, names[i]))
			return &all[i];
	}
	err_set(&err, "%s has no assignment '%.100s'", w->path, name);
	err_hint_names(&err, name, names, n);
	complain(&err, EXIT_USAGE);
	return NULL;
}

static volatile sig_atomic_t interrupted;

static void on_interrupt(int number)
{
	(void)number;
	interrupted = 1;
}

/* What a handler may call alone: write() and _exit(). */
static void end_here(int number)
{
	static const char said[] = "lemursim: interrupted\n";
	const ssize_t told = write(STDERR_FILENO, said, sizeof said - 1);

	(void)number;
	(void)told;
	_exit(EXIT_INTERRUPTED);
}

void session_end_at_interrupt(void)
{
	struct sigaction act = {.sa_handler = end_here};

	sigemptyset(&act.sa_mask);
	sigaction(SIGINT, &act, NULL);
}

void session_catch_interrupt(void)
{
	struct sigaction act = {.sa_handler = on_interrupt, .sa_flags = (int)SA_RESETHAND};

	sigemptyset(&act.sa_mask);
	sigaction(SIGINT, &act, NULL);
	sigaction(SIGTERM, &act, NULL);
}

const volatile sig_atomic_t *session_interrupted(void)
{
	return &interrupted;
}

int complain(const struct err *err, enum exit_code code)
{
	struct str text = STR_INIT;

	complaint(err, &text);
	say(text.text);
	str_release(&text);
	return (int)code;
}

/* A signal waits until the file is written or discarded, so that no half of one is left. */
static void hold_signals(sigset_t *before)
{
	sigset_t ending;

	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGHUP);
	sigprocmask(SIG_BLOCK, &ending, before);
}

/* The complaint of a file name whose suffix names no format. */
static void refuse_suffix(const struct output_options *o, const char *const *names, int n, struct err *err)
{
	struct str all = STR_INIT;

	for (int i = 0; i < n; i++)
		str_addf(&all, "%s.%s", !i ? "" : i + 1 < n ? ", " : " or ", i ? names[i] : "txt");
	err_set(err, "cannot tell from '%.100s' what to write", o->path);
	err_hint(err, "add -o FILE%s, or say --format", all.text);
	str_release(&all);
}

int choose_word(const struct output_options *o, const char *const *names, int n, int *format)
{
	const char *name = o->format, *point = o->path ? strrchr(o->path, '.') : NULL;
	struct err err = ERR_INIT;

	*format = 0;
	if (!name && !o->path)
		return EXIT_FINE;
	if (!name)
		name = point && !strchr(point, '/') ? point + 1 : "";
	for (; *format < n; ++*format)
		if (!strcmp(name, names[*format]) || (!*format && !o->format && !strcmp(name, "txt")))
			return EXIT_FINE;
	if (o->format)
		err_unknown(&err, "format", o->format, names, (size_t)n);
	else
		refuse_suffix(o, names, n, &err);
	return complain(&err, EXIT_USAGE);
}

int choose_format(const struct output_options *o, enum result_format *format)
{
	int chosen;
	const int rc = choose_word(o, result_format_names, RESULT_FORMAT_N, &chosen);

	*format = (enum result_format)chosen;
	return rc;
}

int choose_look(const struct look_options *o, struct picture_look *look)
{
	const size_t found = o->style ? str_find(o->style, picture_style_names, STYLE_N) : STYLE_COLOUR;
	struct err err = ERR_INIT;

	*look = (struct picture_look){.style = (enum picture_style)found,
				      .width = (double)o->width,
				      .font_size = (double)o->font_size,
				      .title = o->title,
				      .caption = o->caption,
				      .no_title = o->no_title};
	if (found == STYLE_N) {
		err_unknown(&err, "style", o->style, picture_style_names, STYLE_N);
		return complain(&err, EXIT_USAGE);
	}
	if (!look_has_room(look)) {
		err_set(&err, "a width of %.0f points leaves no room for letters that can be read",
			look->width > 0 ? look->width : LOOK_WIDTH);
		err_hint(&err, "--width %.0f%s", ceil(look_least_width(look->font_size)),
			 look->font_size > 0 ? ", or a smaller --font-size" : "");
		return complain(&err, EXIT_USAGE);
	}
	if (!o->title || !o->no_title)
		return EXIT_FINE;
	err_set(&err, "--title and --no-title exclude one another");
	return complain(&err, EXIT_USAGE);
}

int deliver_by(const struct output_options *o, const struct str *text, write_to *write)
{
	struct err err = ERR_INIT;
	sigset_t before;
	int rc;

	hold_signals(&before);
	rc = write(o->path, text->text, o->force, &err);
	sigprocmask(SIG_SETMASK, &before, NULL);
	return rc ? complain(&err, err.hint[0] ? EXIT_USAGE : EXIT_FAILED) : EXIT_FINE;
}

static int write_text(const char *path, const char *text, bool force, struct err *err)
{
	return file_write(path, text, strlen(text), force, err);
}

int deliver(const struct output_options *o, const struct str *text)
{
	struct err err = ERR_INIT;

	if (o->path)
		return deliver_by(o, text, write_text);
	if (fwrite(text->text, 1, text->len, stdout) == text->len && fflush(stdout) == 0)
		return EXIT_FINE;
	err_set(&err, "cannot write to the standard output");
	return complain(&err, EXIT_FAILED);
}

int deliver_picture(const struct output_options *o, const struct str *dot)
{
	struct str svg = STR_INIT;
	struct err err = ERR_INIT;
	sigset_t before;
	int rc;

	if (o->path)
		return deliver_by(o, dot, draw_write);
	hold_signals(&before);
	rc = draw_svg_alone(&svg, dot->text, &err);
	sigprocmask(SIG_SETMASK, &before, NULL);
	if (rc == 0)
		rc = deliver(o, &svg);
	else
		rc = complain(&err, err.hint[0] ? EXIT_USAGE : EXIT_FAILED);
	str_release(&svg);
	return rc;
}

int session_deliver(const struct session *s, const struct str *text)
{
	const int rc = session_keeps_inputs(s);

	return rc == EXIT_FINE ? deliver(s->output, text) : rc;
}

int terminal_width(int otherwise)
{
	return width_of(STDOUT_FILENO, otherwise);
}

int output_width(const struct output_options *o)
{
	enum { PAGE = 120 }; /* of a file, whatever the terminal */

	return o->path ? PAGE : terminal_width(PAGE);
}
