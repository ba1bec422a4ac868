/* session.c - what the verbs share: loading, complaining, delivering; see cmd.h. */
#include <stdio.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/cli/cmd.h"

#ifndef SHARE
#define SHARE "/usr/local/share/lemursim"
#endif

void session_begin(struct session *s, const struct opts *o)
{
	const char **paths;

	*s = (struct session){.arena = ARENA_INIT};
	diags_init(&s->diags, &s->arena);
	loader_init(&s->loader, &s->arena, &s->diags);
	paths = arena_array(&s->arena, o->paths.n + 1, sizeof *paths);
	if (o->paths.n)
		memcpy(paths, o->paths.at, o->paths.n * sizeof *paths);
	paths[o->paths.n] = SHARE;
	s->loader.paths = paths;
	s->loader.paths_n = o->paths.n + 1;
}

void session_end(struct session *s)
{
	arena_release(&s->arena);
}

int session_complain(const struct session *s)
{
	struct str text = STR_INIT;

	diags_format(&s->diags, &text);
	fputs(text.text, stderr);
	str_release(&text);
	return EXIT_USAGE;
}

int session_refuse(const struct session *s, const struct err *err)
{
	if (s->diags.total)
		session_complain(s);
	return err->msg[0] ? complain(err, EXIT_USAGE) : EXIT_USAGE;
}

const struct world *session_world(struct session *s, const struct opts *o, const char *path)
{
	const struct world *w = scenario_load(&s->loader, path, &o->sets);

	if (!w)
		session_complain(s);
	return w;
}

struct placement *session_placements(struct session *s, const struct world *w)
{
	struct placement *all = scenario_place(&s->loader, w);

	if (!all)
		session_complain(s);
	return all;
}

const struct placement *session_choose(struct session *s, const struct placement *all, const struct world *w,
				       const char *name)
{
	const size_t n = w->scenario->assignments.n;
	const char **names = arena_array(&s->arena, n, sizeof *names);
	const char *near;
	struct err err = ERR_INIT;

	for (size_t i = 0; i < n; i++) {
		names[i] = all[i].assignment->name;
		if (!name || !strcmp(name, names[i]))
			return &all[i];
	}
	near = str_closest(name, names, n);
	err_set(&err, "%s has no assignment '%.100s'", w->path, name);
	if (near)
		err_hint(&err, "did you mean '%s'?", near);
	else
		err_hint(&err, "the first is '%s'", names[0]);
	complain(&err, EXIT_USAGE);
	return NULL;
}

int complain(const struct err *err, enum exit_code code)
{
	fprintf(stderr, "lemursim: %s\n", err->msg);
	if (err->hint[0])
		fprintf(stderr, "  hint: %s\n", err->hint);
	return (int)code;
}

void session_hold_signals(sigset_t *before)
{
	sigset_t ending;

	sigemptyset(&ending);
	sigaddset(&ending, SIGINT);
	sigaddset(&ending, SIGTERM);
	sigaddset(&ending, SIGHUP);
	sigprocmask(SIG_BLOCK, &ending, before);
}

void session_let_signals(const sigset_t *before)
{
	sigprocmask(SIG_SETMASK, before, NULL);
}

/* A file's name whose suffix is none of the formats'. */
static void refuse_suffix(const struct opts *o, const char *const *names, int n, struct err *err)
{
	struct str all = STR_INIT;

	for (int i = 0; i < n; i++)
		str_addf(&all, "%s.%s", !i ? "" : i + 1 < n ? ", " : " or ", i ? names[i] : "txt");
	err_set(err, "cannot tell from '%.100s' what to write", o->out);
	err_hint(err, "add -o FILE%s, or say --format", all.text);
	str_release(&all);
}

int choose_word(const struct opts *o, const char *const *names, int n, int *format)
{
	const char *name = o->format, *point = o->out ? strrchr(o->out, '.') : NULL;
	struct err err = ERR_INIT;

	*format = 0;
	if (!name && !o->out)
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

int choose_format(const struct opts *o, enum result_format *format)
{
	int chosen;
	const int rc = choose_word(o, result_format_names, RESULT_FORMAT_N, &chosen);

	*format = (enum result_format)chosen;
	return rc;
}

int deliver(const struct opts *o, const struct str *text)
{
	struct err err = ERR_INIT;
	sigset_t before;
	int rc;

	if (!o->out) {
		if (fwrite(text->text, 1, text->len, stdout) == text->len && fflush(stdout) == 0)
			return EXIT_FINE;
		err_set(&err, "cannot write to the standard output");
		return complain(&err, EXIT_FAILED);
	}
	session_hold_signals(&before);
	rc = file_write(o->out, text->text, text->len, o->force, &err);
	session_let_signals(&before);
	if (rc != 0)
		return complain(&err, err.hint[0] ? EXIT_USAGE : EXIT_FAILED);
	return EXIT_FINE;
}
