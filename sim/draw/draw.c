/* draw.c - see draw.h. */
#include "sim/draw/draw.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "sim/base/mem.h"
#include "sim/base/str.h"
#include "sim/draw/dark.h"
#include "sim/draw/pdf_date.h"

extern char **environ; /* passed to the child process, but for the clock */

static const char *const formats[] = {"svg", "png", "pdf", "dot"};

enum { PNG_DPI = 144, PNG_SIDE_MAX = 32767, SVG_MAX = 256 * 1024 * 1024 };

const char *draw_format(const char *path)
{
	const char *dot = strrchr(path, '.');

	for (size_t i = 0; dot && dot > path && dot[-1] != '/' && i < ARRAY_LEN(formats); i++)
		if (!strcmp(dot + 1, formats[i]))
			return formats[i];
	return NULL;
}

/* The dpi of a PNG: 144, or fewer so that its longer side, by the graph's bb, is within cairo's limit. */
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

/* The last line that dot wrote to its standard error, which states the reason of a failure. */
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

/* Starts dot with these files as standard input and both outputs, in a process group of its own, so that
 * it can be ended with all processes that it starts. It inherits watch[1]. Returns errno's number, or 0. */
static int start_dot(pid_t *pid, char *const argv[], FILE *in, FILE *out, const int watch[2])
{
	posix_spawn_file_actions_t files;
	struct arena scratch = ARENA_INIT;
	posix_spawnattr_t how;
	sigset_t none;
	int rc = posix_spawn_file_actions_init(&files);

	if (rc)
		return rc;
	/* the caller may block signals while a file is written; they must still end dot */
	sigemptyset(&none);
	posix_spawnattr_init(&how);
	posix_spawnattr_setsigmask(&how, &none);
	posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	rc = posix_spawn_file_actions_adddup2(&files, fileno(in), STDIN_FILENO);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&files, fileno(out), STDOUT_FILENO);
	if (!rc)
		rc = posix_spawn_file_actions_adddup2(&files, fileno(out), STDERR_FILENO);
	if (!rc)
		rc = posix_spawn_file_actions_addclose(&files, watch[0]);
	if (!rc)
		rc = posix_spawnp(pid, argv[0], &files, &how, argv, pdf_environment(&scratch, environ));
	arena_release(&scratch);
	posix_spawnattr_destroy(&how);
	posix_spawn_file_actions_destroy(&files);
	return rc;
}

static int not_installed(struct err *err)
{
	err_set(err, "cannot draw: Graphviz's program 'dot' is not installed");
	return err_hint(
		err, "install graphviz (apt install graphviz, brew install graphviz), or write a .dot file");
}

/* ---- waiting for dot ---- */

enum { SLICE_MS = 100, GRACE_MS = 1000 };

static double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* A pending termination signal that the caller has blocked; 0: none. */
static int ending_signal(void)
{
	static const int ending[] = {SIGINT, SIGTERM, SIGHUP};
	sigset_t pending;

	sigemptyset(&pending);
	sigpending(&pending);
	for (size_t i = 0; i < ARRAY_LEN(ending); i++)
		if (sigismember(&pending, ending[i]) == 1)
			return ending[i];
	return 0;
}

/* The state of a running dot. Its end closes the pipe, which wakes us at once. The time slices are for
 * blocked signals, and for a dot that closes its files but does not end. */
struct running {
	pid_t pid;
	int watch;  /* our end of the pipe; -1: closed, since no process has the other end open */
	int nap_ms; /* after that: milliseconds of the next wait, doubled each time */
	int status;
};

/* Waits for one time slice. Returns 1 if dot has ended, 0 if it still runs, -1 with errno if waiting
 * fails. */
static int wait_slice(struct running *r)
{
	struct pollfd fd = {.fd = r->watch, .events = POLLIN};
	pid_t got;

	if (r->watch < 0)
		r->nap_ms = r->nap_ms < SLICE_MS / 2 ? 2 * r->nap_ms + 1 : SLICE_MS;
	if (poll(&fd, 1, r->watch < 0 ? r->nap_ms : SLICE_MS) > 0) {
		close(r->watch);
		r->watch = -1;
	}
	got = waitpid(r->pid, &r->status, WNOHANG);
	if (got < 0)
		return errno == EINTR ? 0 : -1;
	return got > 0;
}

/* Ends dot and the processes that it started: with the signal, then with SIGKILL. */
static void stop_dot(struct running *r, int signal_number)
{
	const double until_s = now_s() + GRACE_MS / 1e3;
	int ended = 0;

	kill(-r->pid, signal_number);
	while (!ended && signal_number != SIGKILL && now_s() < until_s)
		ended = wait_slice(r);
	kill(-r->pid, SIGKILL);
	while (!ended)
		ended = wait_slice(r);
}

static int wait_within(struct running *r, int limit_s, struct err *err)
{
	const double until_s = now_s() + limit_s;

	for (;;) {
		const int ended = wait_slice(r), signal_number = ended ? 0 : ending_signal();

		if (ended < 0)
			return err_set(err, "cannot wait for 'dot': %s", strerror(errno));
		if (ended)
			return 0;
		if (signal_number) {
			stop_dot(r, signal_number);
			return err_set(err, "interrupted while 'dot' was drawing");
		}
		if (now_s() < until_s)
			continue;
		stop_dot(r, SIGKILL);
		err_set(err, "'dot' had not ended after %d s and was stopped", limit_s);
		return err_hint(err, "write a .dot file, and draw it with 'dot -Kneato -n2'");
	}
}

static int run_dot_watched(char *const argv[], FILE *in, FILE *out, int watch[2], int limit_s, int *status,
			   struct err *err)
{
	struct running r = {.watch = watch[0]};
	int rc = start_dot(&r.pid, argv, in, out, watch);

	close(watch[1]);
	if (rc == 0)
		rc = wait_within(&r, limit_s, err);
	else if (rc == ENOENT)
		rc = not_installed(err);
	else
		rc = err_set(err, "cannot start 'dot': %s", strerror(rc));
	if (r.watch >= 0)
		close(r.watch);
	*status = r.status;
	return rc;
}

static int run_dot(char *const argv[], FILE *in, FILE *out, int limit_s, struct err *err)
{
	char why[256];
	int status = 0, watch[2];

	if (pipe(watch) != 0)
		return err_set(err, "cannot start 'dot': %s", strerror(errno));
	if (run_dot_watched(argv, in, out, watch, limit_s, &status, err) != 0)
		return -1;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 127) /* on some systems only the child detects this */
		return not_installed(err);
	if (WIFSIGNALED(status))
		return err_set(err, "'dot' was ended by signal %d", WTERMSIG(status));
	last_line(out, why, sizeof why);
	return err_set(err, "'dot' failed with exit status %d: %s", WEXITSTATUS(status), why);
}

/* Renders to the file `to`. dot reads an unlinked temporary file instead of a pipe, so no SIGPIPE can
 * occur. */
static int render_dot(const char *to, const char *format, const char *dot_text, int limit_s, struct err *err)
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
		rc = run_dot(argv, in, out, limit_s, err);
	if (in)
		fclose(in);
	if (out)
		fclose(out);
	free(target);
	return rc;
}

/* Puts the colours of a dark screen into an SVG, unless it is meant for paper. */
static int darken(const char *path, struct err *err)
{
	struct arena scratch = ARENA_INIT;
	struct str out = STR_INIT;
	const char *at;
	char *text;
	size_t len;
	int rc = file_read(&scratch, path, SVG_MAX, &text, &len, err);

	at = rc == 0 && !strstr(text, "class=\"graph paper\"") ? strstr(text, "<svg") : NULL;
	at = at ? strchr(at, '>') : NULL;
	if (at) {
		str_add_n(&out, text, (size_t)(at + 1 - text));
		str_add(&out, "\n<style>\n");
		dark_rules(&out, "");
		str_addf(&out, "</style>%s", at + 1);
		rc = file_write(path, out.text, out.len, true, err);
	}
	str_release(&out);
	arena_release(&scratch);
	return rc;
}

int draw_write_within(const char *path, const char *dot_text, bool force, int limit_s, struct err *err)
{
	const char *format = draw_format(path);
	struct arena scratch = ARENA_INIT;
	struct file_draft draft;
	struct stat st;
	int rc;

	if (!format) {
		err_set(err, "cannot draw '%s': the name's ending says no format", path);
		return err_hint(err, "end the name in .svg, .png, .pdf or .dot");
	}
	if (!strcmp(format, "dot"))
		return file_write(path, dot_text, strlen(dot_text), force, err);
	rc = file_begin(&scratch, path, force, &draft, err);
	if (!rc) {
		rc = render_dot(draft.temporary, format, dot_text, limit_s, err);
		if (!rc && (stat(draft.temporary, &st) != 0 || st.st_size == 0))
			rc = err_set(err, "'dot' wrote nothing to '%s'", path);
		if (!rc && !strcmp(format, "svg"))
			rc = darken(draft.temporary, err);
		if (!rc && !strcmp(format, "pdf"))
			rc = pdf_fix_date(draft.temporary, err);
		if (rc)
			file_discard(&draft);
		else
			rc = file_commit(&draft, err);
	}
	arena_release(&scratch);
	return rc;
}

int draw_write(const char *path, const char *dot_text, bool force, struct err *err)
{
	return draw_write_within(path, dot_text, force, DRAW_LIMIT_S, err);
}

static const char *temporary_folder(void)
{
	const char *said = getenv("TMPDIR");

	return said && *said ? said : "/tmp";
}

/* alone: as a file of its own, not as a part of a page, which has the rules for dark screens itself. */
static int add_svg(struct str *out, const char *dot_text, bool alone, struct err *err)
{
	struct arena scratch = ARENA_INIT;
	char *path = arena_printf(&scratch, "%s/lemursim.XXXXXX", temporary_folder()), *text;
	const int fd = mkstemp(path);
	size_t len;
	int rc;

	if (fd < 0) {
		rc = err_set(err, "cannot write a temporary file for 'dot': %s", strerror(errno));
	} else {
		close(fd);
		rc = render_dot(path, "svg", dot_text, DRAW_LIMIT_S, err);
		if (rc == 0 && alone)
			rc = darken(path, err);
		if (rc == 0)
			rc = file_read(&scratch, path, SVG_MAX, &text, &len, err);
		unlink(path);
		if (rc == 0)
			str_add_n(out, text, len);
	}
	arena_release(&scratch);
	return rc;
}

int draw_svg(struct str *out, const char *dot_text, struct err *err)
{
	return add_svg(out, dot_text, false, err);
}

int draw_svg_alone(struct str *out, const char *dot_text, struct err *err)
{
	return add_svg(out, dot_text, true, err);
}
