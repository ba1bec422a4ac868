/*
 * run_cases.c - run_cases [--update] [-c NAME] [-j JOBS] PROGRAM DIRECTORY...: one folder for each case, run in an
 * empty directory.
 *
 * A case holds any of: cmd (a shell line; default "$LEMURSIM check --path $ROOT input.yaml"), stdout, stderr, exit
 * (default 0, or 2 below a folder called bad), and files that are copied into the directory first. What cmd prints must
 * be just what the case says; a case without stdout or stderr expects none. Nothing may be left behind but what `leaves`
 * lists. A case with a file `long`, which says why, takes seconds: it runs where the environment has LONG=1, or where it
 * is asked for by name. In cmd, $LEMURSIM is the program and $ROOT the repository.
 *
 * A DIRECTORY holds cases, or is one. NAME: only the cases of that name, which may be a pattern such as 'import-*'.
 * Where no case is found, that is a failure. Cases run in parallel, as many as there are cores unless -j says otherwise.
 *
 * This is a program and not a script, since a script starts six processes around each case, which took longer than the
 * cases themselves.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/base/err.h"
#include "sim/base/str.h"
#include "sim/base/vec.h"

typedef VEC(char *) names;

static struct {
	const char *program; /* a copy of it, which stands in no checkout */
	const char *only;    /* NULL: every case */
	char root[PATH_MAX];
	char results[64]; /* directory of what runs and of the reports of cases that failed */
	bool update;
	long jobs;
} run;
static volatile sig_atomic_t interrupted;

/* ---- files ---- */

static void give_up(const char *what, const char *path) NORETURN;
static void give_up(const char *what, const char *path)
{
	fprintf(stderr, "run_cases: cannot %s %s: %s\n", what, path, strerror(errno));
	_exit(1);
}

static char *path_in(const char *folder, const char *name)
{
	char *path = xmalloc(strlen(folder) + strlen(name) + 2);

	sprintf(path, "%s/%s", folder, name);
	return path;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static void sort_names(names *list)
{
	if (list->n)
		qsort(list->at, list->n, sizeof *list->at, by_name);
}

static void free_names(names *list)
{
	for (size_t i = 0; i < list->n; i++)
		free(list->at[i]);
	VEC_FREE(list);
}

/* What stands in a folder, in order; a folder that cannot be read is empty. */
static names names_in(const char *folder)
{
	names list = {0};
	DIR *d = opendir(folder);

	for (struct dirent *e; d && (e = readdir(d));)
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0)
			VEC_ADD(&list, xstrdup(e->d_name));
	if (d)
		closedir(d);
	sort_names(&list);
	return list;
}

/* The whole file; false where there is none. */
static bool read_file(const char *path, struct str *text)
{
	char part[1 << 16];
	ssize_t got;
	const int fd = open(path, O_RDONLY | O_CLOEXEC);

	str_clear(text);
	if (fd < 0)
		return false;
	while ((got = read(fd, part, sizeof part)) > 0)
		str_add_n(text, part, (size_t)got);
	if (got < 0)
		give_up("read", path);
	close(fd);
	return true;
}

static void write_file(const char *path, const char *bytes, size_t n, mode_t mode)
{
	const int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0)
		give_up("write", path);
	for (ssize_t done; n; bytes += done, n -= (size_t)done)
		if ((done = write(fd, bytes, n)) < 0)
			give_up("write", path);
	close(fd);
}

/* A file or a folder with all that is in it. */
static void copy(const char *from, const char *to)
{
	struct str text = STR_INIT;
	struct stat st;

	if (stat(from, &st) != 0)
		give_up("read", from);
	if (!S_ISDIR(st.st_mode)) {
		read_file(from, &text);
		write_file(to, text.text, text.len, st.st_mode & 0777);
		str_release(&text);
		return;
	}
	names list = names_in(from);

	if (mkdir(to, 0777) != 0)
		give_up("make", to);
	for (size_t i = 0; i < list.n; i++) {
		char *source = path_in(from, list.at[i]), *target = path_in(to, list.at[i]);

		copy(source, target);
		free(source);
		free(target);
	}
	free_names(&list);
}

static void remove_tree(const char *path)
{
	struct stat st;

	if (lstat(path, &st) == 0 && S_ISDIR(st.st_mode)) {
		names list = names_in(path);

		for (size_t i = 0; i < list.n; i++) {
			char *inner = path_in(path, list.at[i]);

			remove_tree(inner);
			free(inner);
		}
		free_names(&list);
	}
	remove(path);
}

/* ---- one case ---- */

enum stream { STDOUT, STDERR, STREAMS };
static const char *const stream_names[STREAMS] = {"stdout", "stderr"};

struct test_case {
	const char *folder;
	char *work;            /* the directory that it runs in */
	char *prints[STREAMS]; /* files of what it printed */
	names allowed;         /* names that may stand in the directory afterwards */
	struct str *report;    /* why it fails */
};

static bool copied(const char *name)
{
	static const char *const own[] = {"cmd", "stdout", "stderr", "exit", "leaves", "long"};

	return str_find(name, own, ARRAY_LEN(own)) == ARRAY_LEN(own);
}

static void prepare(struct test_case *c)
{
	names list = names_in(c->folder);

	if (mkdir(c->work, 0777) != 0)
		give_up("make", c->work);
	for (size_t i = 0; i < list.n; i++) {
		char *from = path_in(c->folder, list.at[i]), *to = path_in(c->work, list.at[i]);

		if (copied(list.at[i])) {
			copy(from, to);
			VEC_ADD(&c->allowed, xstrdup(list.at[i]));
		}
		free(from);
		free(to);
	}
	free_names(&list);
}

static void send(int to, const char *path, int flags)
{
	const int fd = open(path, flags, 0666);

	if (fd < 0 || dup2(fd, to) < 0)
		give_up("open", path);
	close(fd);
}

/* Its exit code as the shell tells it. */
static int execute(const struct test_case *c)
{
	char *cmd = path_in(c->folder, "cmd");
	int status = 0;
	pid_t pid = fork();

	if (pid < 0)
		give_up("start", cmd);
	if (!pid) {
		if (chdir(c->work) != 0)
			give_up("enter", c->work);
		send(STDIN_FILENO, "/dev/null", O_RDONLY);
		send(STDOUT_FILENO, c->prints[STDOUT], O_WRONLY | O_CREAT | O_TRUNC);
		send(STDERR_FILENO, c->prints[STDERR], O_WRONLY | O_CREAT | O_TRUNC);
		if (access(cmd, R_OK) == 0)
			execlp("sh", "sh", cmd, (char *)NULL);
		else
			execl(run.program, run.program, "check", "--path", run.root, "input.yaml",
			      (char *)NULL);
		give_up("run", cmd);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR && !interrupted)
		;
	free(cmd);
	return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

static int expected_exit(const struct test_case *c)
{
	char *path = path_in(c->folder, "exit");
	struct str text = STR_INIT;
	const int want = read_file(path, &text) ? atoi(text.text) : strstr(c->folder, "/bad/") ? 2 : 0;

	str_release(&text);
	free(path);
	return want;
}

static void add_leaves(struct test_case *c)
{
	char *path = path_in(c->folder, "leaves"), *rest = NULL;
	struct str text = STR_INIT;

	if (read_file(path, &text))
		for (char *line = strtok_r(text.text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
			VEC_ADD(&c->allowed, xstrdup(line));
	str_release(&text);
	free(path);
	sort_names(&c->allowed);
}

static void say_names(struct str *to, const char *what, const names *list)
{
	str_addf(to, "  %s:", what);
	for (size_t i = 0; i < list->n; i++)
		str_addf(to, " %s", list->at[i]);
	str_add(to, "\n");
}

static void check_left(struct test_case *c)
{
	names left = names_in(c->work);
	bool same = left.n == c->allowed.n;

	for (size_t i = 0; same && i < left.n; i++)
		same = !strcmp(left.at[i], c->allowed.at[i]);
	if (!same) {
		say_names(c->report, "in the directory", &left);
		say_names(c->report, "expected", &c->allowed);
	}
	free_names(&left);
}

/* The repository's own path is written as ROOT. */
static void hide_root(struct str *text)
{
	struct str plain = STR_INIT;
	const size_t n = strlen(run.root);
	const char *from = text->text, *end = text->text + text->len;

	while (from < end) {
		const char *at = from;

		while (at < end && ((size_t)(end - at) < n || memcmp(at, run.root, n) != 0))
			at++;
		str_add_n(&plain, from, (size_t)(at - from));
		if (at < end)
			str_add(&plain, "ROOT");
		from = at < end ? at + n : end;
	}
	str_release(text);
	*text = plain;
}

/* What diff says, or the beginning of what was printed where nothing is expected. */
static void show_difference(struct test_case *c, enum stream s, const char *expected, const struct str *said)
{
	struct str line = STR_INIT;
	char text[256];
	FILE *diff;

	str_addf(c->report, "  %s differs:\n", stream_names[s]);
	write_file(c->prints[s], said->text, said->len, 0666);
	str_addf(&line, "diff '%s' '%s' | head -20 | cut -c1-200",
		 access(expected, R_OK) == 0 ? expected : "/dev/null", c->prints[s]);
	diff = popen(line.text, "r");
	while (diff && fgets(text, sizeof text, diff))
		str_add(c->report, text);
	if (diff)
		pclose(diff);
	str_release(&line);
}

static void check_stream(struct test_case *c, enum stream s)
{
	char *expected = path_in(c->folder, stream_names[s]);
	struct str said = STR_INIT, want = STR_INIT;

	read_file(c->prints[s], &said);
	read_file(expected, &want); /* none: nothing is expected */
	if (said.len != want.len || memcmp(said.text, want.text, want.len) != 0)
		hide_root(&said);
	if (said.len != want.len || memcmp(said.text, want.text, want.len) != 0) {
		if (!run.update)
			show_difference(c, s, expected, &said);
		else if (said.len)
			write_file(expected, said.text, said.len, 0666);
		else
			unlink(expected);
	}
	str_release(&said);
	str_release(&want);
	free(expected);
}

static void run_case(const char *folder, size_t number, struct str *report)
{
	struct test_case c = {.folder = folder, .report = report};
	char name[32];
	int rc, want;

	snprintf(name, sizeof name, "%zu", number);
	c.work = path_in(run.results, name);
	for (enum stream s = 0; s < STREAMS; s++) {
		snprintf(name, sizeof name, "%zu.%s", number, stream_names[s]);
		c.prints[s] = path_in(run.results, name);
	}
	prepare(&c);
	rc = execute(&c);
	want = expected_exit(&c);
	add_leaves(&c);
	check_left(&c);
	if (rc != want)
		str_addf(report, "  exit %d, expected %d\n", rc, want);
	for (enum stream s = 0; s < STREAMS; s++) {
		check_stream(&c, s);
		unlink(c.prints[s]);
		free(c.prints[s]);
	}
	remove_tree(c.work);
	free_names(&c.allowed);
	free(c.work);
}

/* ---- all cases ---- */

static bool is_case(const char *folder)
{
	names list = names_in(folder);
	bool any = false;

	for (size_t i = 0; i < list.n && !any; i++) {
		char *path = path_in(folder, list.at[i]);
		struct stat st;

		any = stat(path, &st) == 0 && S_ISREG(st.st_mode);
		free(path);
	}
	free_names(&list);
	return any;
}

static bool wanted(const char *folder, const char *name)
{
	char *mark = path_in(folder, "long");
	const bool dear = access(mark, F_OK) == 0;

	free(mark);
	return !run.only ? !dear || run.update || getenv("LONG") : fnmatch(run.only, name, 0) == 0;
}

static void add_case(names *cases, const char *folder, const char *name)
{
	if (wanted(folder, name))
		VEC_ADD(cases, *folder == '/' ? xstrdup(folder) : path_in(run.root, folder));
}

/* Cases of a directory that are asked for. */
static void list_cases(names *cases, char *directory)
{
	names list = names_in(directory);
	bool any = false;

	for (size_t n = strlen(directory); n > 1 && directory[n - 1] == '/';)
		directory[--n] = '\0';
	if (is_case(directory)) {
		const char *slash = strrchr(directory, '/');

		add_case(cases, directory, slash ? slash + 1 : directory);
		any = true;
	} else {
		for (size_t i = 0; i < list.n; i++) {
			char *path = path_in(directory, list.at[i]);

			any = true;
			add_case(cases, path, list.at[i]);
			free(path);
		}
	}
	free_names(&list);
	if (!any) {
		fprintf(stderr, "run_cases: no case in '%s'\n", directory);
		exit(2);
	}
}

static char *report_path(size_t number)
{
	char name[32];

	snprintf(name, sizeof name, "report.%zu", number);
	return path_in(run.results, name);
}

/* Takes the number of one case after the other until there are no more. */
static void work(const names *cases, int numbers)
{
	size_t i;

	while (!interrupted && read(numbers, &i, sizeof i) == (ssize_t)sizeof i) {
		struct str report = STR_INIT;

		run_case(cases->at[i], i, &report);
		if (report.len) {
			char *path = report_path(i);

			write_file(path, report.text, report.len, 0666);
			free(path);
		}
		str_release(&report);
	}
}

static pid_t start_worker(const names *cases, const int numbers[2])
{
	const pid_t pid = fork();

	if (pid < 0)
		give_up("start", "a worker");
	if (pid)
		return pid;
	close(numbers[1]); /* so that its end is seen */
	work(cases, numbers[0]);
	_exit(0);
}

/* False where one of them broke off. An interruption is passed on to them. */
static bool wait_for(const pid_t *workers)
{
	bool fine = true;
	int status;

	for (long j = 0; j < run.jobs; j++) {
		while (waitpid(workers[j], &status, 0) < 0 && errno == EINTR)
			kill(workers[j], SIGTERM);
		fine = fine && status == 0;
	}
	return fine && !interrupted;
}

static bool run_all(const names *cases)
{
	pid_t *workers = xcalloc((size_t)run.jobs, sizeof *workers);
	int numbers[2];
	bool fine = true;

	if (pipe(numbers) != 0)
		give_up("make", "a pipe");
	fflush(NULL);
	for (long j = 0; j < run.jobs; j++)
		workers[j] = start_worker(cases, numbers);
	close(numbers[0]);
	for (size_t i = 0; i < cases->n && !interrupted; i++)
		fine = write(numbers[1], &i, sizeof i) == (ssize_t)sizeof i && fine;
	close(numbers[1]);
	fine = wait_for(workers) && fine;
	free(workers);
	return fine;
}

static size_t print_failures(const names *cases)
{
	const size_t root = strlen(run.root);
	size_t failed = 0;

	for (size_t i = 0; i < cases->n; i++) {
		const char *folder = cases->at[i];
		char *path = report_path(i);
		struct str text = STR_INIT;

		if (read_file(path, &text)) {
			failed++;
			if (!strncmp(folder, run.root, root) && folder[root] == '/')
				folder += root + 1;
			printf("FAIL %s\n%s", folder, text.text);
		}
		str_release(&text);
		free(path);
	}
	return failed;
}

static void on_signal(int signal)
{
	interrupted = signal;
}

static void usage(void) NORETURN;
static void usage(void)
{
	fputs("usage: run_cases [--update] [-c NAME] [-j JOBS] PROGRAM DIRECTORY...\n", stderr);
	exit(2);
}

/* What follows the options. */
static char **options(char **arg)
{
	run.jobs = sysconf(_SC_NPROCESSORS_ONLN);
	for (; *arg && **arg == '-'; arg++) {
		if (!strcmp(*arg, "--update"))
			run.update = true;
		else if (!strcmp(*arg, "-c") && arg[1])
			run.only = *++arg;
		else if (!strcmp(*arg, "-j") && arg[1])
			run.jobs = atol(*++arg);
		else
			usage();
	}
	if (!arg[0] || !arg[1] || run.jobs < 1)
		usage();
	return arg;
}

static void set_up(const char *program)
{
	const char *tmp = getenv("TMPDIR");

	if (access(program, X_OK) != 0) {
		fprintf(stderr, "run_cases: there is no program '%s'\n", program);
		exit(2);
	}
	snprintf(run.results, sizeof run.results, "%.40s/cases.XXXXXX", tmp ? tmp : "/tmp");
	if (!mkdtemp(run.results))
		give_up("make", run.results);
	run.program = path_in(run.results, "lemursim");
	copy(program, run.program);
	setenv("LC_ALL", "C", 1);
	setenv("LEMURSIM", run.program, 1);
	setenv("ROOT", run.root, 1);
}

int main(int argc, char **argv)
{
	const struct sigaction stop = {.sa_handler = on_signal};
	char **arg = options(argv + (argc > 0));
	names cases = {0};
	size_t failed;
	bool fine;

	if (!getcwd(run.root, sizeof run.root))
		give_up("find", "the current directory");
	for (char **directory = arg + 1; *directory; directory++)
		list_cases(&cases, *directory);
	if (!cases.n) {
		fprintf(stderr, "run_cases: no case is called '%s'\n", run.only ? run.only : "");
		return 2;
	}
	set_up(*arg);
	sigaction(SIGINT, &stop, NULL);
	sigaction(SIGTERM, &stop, NULL);
	sigaction(SIGPIPE, &stop, NULL); /* where every worker broke off */
	fine = run_all(&cases);
	failed = print_failures(&cases);
	remove_tree(run.results);
	if (interrupted)
		return 128 + interrupted;
	if (!fine)
		fputs("run_cases: a worker broke off\n", stderr);
	printf("cases: %zu passed, %zu failed\n", cases.n - failed, failed);
	free_names(&cases);
	return failed || !fine;
}
