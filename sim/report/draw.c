/* draw.c - see draw.h. */
#include "sim/report/draw.h"

#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "sim/base/mem.h"
#include "sim/base/str.h"

extern char **environ; /* the child's; nothing here reads it */

static const char *const formats[] = {"svg", "png", "pdf", "dot"};

enum { PNG_DPI = 144, PNG_SIDE_MAX = 32767 };

const char *draw_format(const char *path)
{
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && dot > path && dot[-1] != '/' && i < ARRAY_LEN(formats); i++)
		if (!strcmp(dot + 1, formats[i]))
			return formats[i];
	return NULL;
}

/* The dpi of a PNG: 144, or what keeps its longer side, as the graph's bb says, within cairo's limit. */
static int png_dpi(const char *dot_text)
{
	const char *bb = strstr(dot_text, "bb=\"0,0,");
	double w, h, side;

	if (!bb || sscanf(bb, "bb=\"0,0,%lf,%lf", &w, &h) != 2)
		return PNG_DPI;
	side = w > h ? w : h;
	if (side * PNG_DPI / 72 <= PNG_SIDE_MAX - 8)
		return PNG_DPI;
	return side / 72 > PNG_SIDE_MAX - 8 ? 1 : (int)((PNG_SIDE_MAX - 8) * 72 / side);
}

/* The last line of what dot wrote to its standard error, which is where it says why. */
static void last_line(FILE *f, char *line, size_t size)
{
	char next[256];

	*line = '\0';
	rewind(f);
	while (fgets(next, sizeof next, f)) {
		next[strcspn(next, "\r\n")] = '\0';
		if (*next)
			snprintf(line, size, "%s", next);
	}
}

/* Starts dot with its standard input and both outputs on these files. The error is errno's number, or 0. */
static int start(pid_t *pid, char *const argv[], FILE *in, FILE *out)
{
	posix_spawn_file_actions_t files;
	posix_spawnattr_t provenance;
	sigset_t none;
	int rc = posix_spawn_file_actions_init(&files);

	if (rc)
		return rc;
	/* the caller may hold signals while a file is written: Ctrl-C must still end dot */
	sigemptyset(&none);
	posix_spawnattr_init(&provenance);
	posix_spawnattr_setsigmask(&provenance, &none);
	posix_spawnattr_setflags(&provenance, POSIX_SPAWN_SETSIGMASK);
	rc = posix_spawn_file_actions_adddup2(&files, fileno(in), STDIN_FILENO);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&files, fileno(out), STDOUT_FILENO);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&files, fileno(out), STDERR_FILENO);
	if (!rc)
		rc = posix_spawnp(pid, argv[0], &files, &provenance, argv, environ);
	posix_spawnattr_destroy(&provenance);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

static int not_installed(struct err *err)
{
	err_set(err, "cannot draw: Graphviz's program 'dot' is not installed");
	return err_hint(
		err, "install graphviz (apt install graphviz, brew install graphviz), or write a .dot file");
}

static int run(char *const argv[], FILE *in, FILE *out, struct err *err)
{
	char why[256];
	int status = 0, rc;
	pid_t pid, got;

	rc = start(&pid, argv, in, out);
	if (rc == ENOENT)
		return not_installed(err);
	if (rc)
		return err_set(err, "cannot start 'dot': %s", strerror(rc));
	do
		got = waitpid(pid, &status, 0);
	while (got < 0 && errno == EINTR);
	if (got < 0)
		return err_set(err, "cannot wait for 'dot': %s", strerror(errno));
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127) /* where the child finds out, not the parent */
		return not_installed(err);
	if (WIFSIGNALED(status))
		return err_set(err, "'dot' was ended by signal %d", WTERMSIG(status));
	last_line(out, why, sizeof why);
	return err_set(err, "'dot' failed with exit status %d: %s", WEXITSTATUS(status), why);
}

/* dot reads an unlinked temporary file, not a pipe: no reader can go away and no signal need be held off. */
static int render(const char *to, const char *format, const char *dot_text, struct err *err)
{
	char type[16], dpi[24], kneato[] = "-Kneato", n2[] = "-n2", o[] = "-o", dot[] = "dot";
	char *target = xstrdup(to);
	char *const argv[] = {dot, kneato, n2, type, o, target, !strcmp(format, "png") ? dpi : NULL, NULL};
	FILE *in = tmpfile(), *out = tmpfile();
	int rc;

	snprintf(type, sizeof type, "-T%s", format);
	snprintf(dpi, sizeof dpi, "-Gdpi=%d", png_dpi(dot_text));
	if (!in || !out || fputs(dot_text, in) == EOF || fflush(in) != 0 ||
	    lseek(fileno(in), 0, SEEK_SET) != 0)
		rc = err_set(err, "cannot write a temporary file for 'dot': %s", strerror(errno));
	else
		rc = run(argv, in, out, err);
	if (in)
		fclose(in);
	if (out)
		fclose(out);
	free(target);
	return rc;
}

int draw_write(const char *path, const char *dot_text, bool force, struct err *err)
{
	const char *format = draw_format(path);
	struct arena scratch = ARENA_INIT;
	struct stat st;
	char *temporary;
	int rc;

	if (!format) {
		err_set(err, "cannot draw '%s': the name's ending says no format", path);
		return err_hint(err, "end the name in .svg, .png, .pdf or .dot");
	}
	if (!strcmp(format, "dot"))
		return file_write(path, dot_text, strlen(dot_text), force, err);
	rc = file_temporary(&scratch, path, force, &temporary, err);
	if (!rc) {
		rc = render(temporary, format, dot_text, err);
		if (!rc && (stat(temporary, &st) != 0 || st.st_size == 0))
			rc = err_set(err, "'dot' wrote nothing to '%s'", path);
		if (rc)
			file_discard(temporary);
		else
			rc = file_commit(temporary, path, force, err);
	}
	arena_release(&scratch);
	return rc;
}
