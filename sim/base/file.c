/* file.c - see file.h. */
#include "sim/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* The most that any reader takes, so that an endless input ends. */
enum { INPUT_MOST_B = 1 << 30, INPUT_PIECE_B = 1 << 16 };

static int no_input(struct err *err, const char *why)
{
	return err_set(err, "cannot read the standard input: %s", why);
}

/* Writes what is left of the input; -1 with err. */
static int copy_input(FILE *to, struct err *err)
{
	char piece[INPUT_PIECE_B];
	size_t all = 0;
	ssize_t got;

	while ((got = read(STDIN_FILENO, piece, sizeof piece)) > 0) {
		all += (size_t)got;
		if (all > INPUT_MOST_B)
			return no_input(err, "it is larger than any file that is read");
		if (fwrite(piece, 1, (size_t)got, to) != (size_t)got)
			return no_input(err, strerror(errno));
	}
	return got < 0 || fflush(to) != 0 ? no_input(err, strerror(errno)) : 0;
}

/* Several readers look whether a report is theirs, and a pipe gives what it holds once: a file without a name takes its place.
 * Where none can be made, the pipe stays. -1 with err. */
static int keep_input(struct err *err)
{
	FILE *kept;
	struct stat st;
	int rc;

	if (fstat(STDIN_FILENO, &st) != 0)
		return no_input(err, strerror(errno));
	if (S_ISREG(st.st_mode) || S_ISDIR(st.st_mode))
		return 0;
	kept = tmpfile();
	if (!kept)
		return 0;
	rc = copy_input(kept, err);
	if (rc == 0 && (lseek(fileno(kept), 0, SEEK_SET) != 0 || dup2(fileno(kept), STDIN_FILENO) < 0))
		rc = no_input(err, strerror(errno));
	fclose(kept);
	return rc;
}

static int open_input(struct err *err)
{
	int fd;

	if (keep_input(err) != 0)
		return -1;
	fd = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	return fd >= 0 ? fd : no_input(err, strerror(errno));
}

static int open_regular(const char *path, size_t max_B, struct err *err)
{
	struct stat st;
	/* O_NONBLOCK: opening a FIFO must not block */
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	if (fd < 0)
		return err_set(err, "cannot read '%s': %s", path, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size <= max_B)
		return fd;
	if (S_ISDIR(st.st_mode)) {
		err_set(err, "cannot read '%s': it is a directory", path);
		err_hint(err, "name a file in it");
	} else if (!S_ISREG(st.st_mode))
		err_set(err, "cannot read '%s': it is not a regular file", path);
	else
		err_set(err, "cannot read '%s': it is larger than %zu bytes", path, max_B);
	close(fd);
	return -1;
}

int file_read(struct arena *a, const char *path, size_t max_B, char **text, size_t *len, struct err *err)
{
	const bool input = !strcmp(path, "-");
	const int fd = input ? open_input(err) : open_regular(path, max_B, err);
	const off_t from = input && fd >= 0 ? lseek(fd, 0, SEEK_CUR) : -1; /* a pipe has none */
	size_t room = 4096, n = 0;
	char *buffer;
	ssize_t got;

	if (fd < 0)
		return -1;
	buffer = xmalloc(room);
	while ((got = read(fd, buffer + n, room - n)) > 0) {
		n += (size_t)got;
		if (n > max_B) /* the file grew during the read */
			break;
		if (n == room)
			buffer = xrealloc(buffer, room *= 2);
	}
	if (got < 0 || n > max_B) {
		err_set(err, "cannot read '%s': %s", path,
			got < 0 ? strerror(errno) : "it grows as it is read");
		n = (size_t)-1;
	} else {
		*text = arena_strndup(a, buffer, n);
		*len = n;
	}
	free(buffer);
	if (from >= 0)
		(void)lseek(fd, from, SEEK_SET);
	close(fd);
	return n == (size_t)-1 ? -1 : 0;
}

bool file_same(const char *a, const char *b)
{
	struct stat x, y;

	return stat(a, &x) == 0 && stat(b, &y) == 0 && x.st_dev == y.st_dev && x.st_ino == y.st_ino;
}

bool file_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

enum { LINKS_MAX = 40, LINK_LENGTH = 4096 };

/* Follows a chain of symbolic links to its end, a file that need not exist; NULL if the chain is too long. */
static const char *follow_links(struct arena *a, const char *path)
{
	for (int i = 0; i < LINKS_MAX; i++) {
		char to[LINK_LENGTH + 1];
		const ssize_t len = readlink(path, to, LINK_LENGTH);
		const char *slash = strrchr(path, '/');

		if (len < 0) /* not a link */
			return path;
		to[len] = '\0';
		path = to[0] == '/' || !slash ? arena_strdup(a, to)
					      : arena_printf(a, "%.*s/%s", (int)(slash - path), path, to);
	}
	return NULL;
}

static int check_target(const char *path, const char *target, struct err *err)
{
	struct stat st;

	if (!target)
		return err_set(err, "cannot write '%s': its links go in a circle", path);
	if (stat(target, &st) != 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return err_set(err, "cannot write '%s': it is a directory", path);
	if (!S_ISREG(st.st_mode))
		return err_set(err, "cannot write '%s': it is not a regular file", path);
	/* access() alone does not suffice: root may write to a read-only file */
	if ((st.st_mode & (S_IWUSR | S_IWGRP | S_IWOTH)) && access(target, W_OK) == 0)
		return 0;
	err_set(err, "cannot write '%s': it is read-only", path);
	return err_hint(err, "write to another file, or make it writable");
}

int file_begin(struct arena *a, const char *path, bool force, struct file_draft *f, struct err *err)
{
	const bool exists = file_exists(path);
	char *temporary;
	int fd;

	*f = (struct file_draft){.path = path, .target = follow_links(a, path), .force = force};
	if (check_target(path, f->target, err) != 0)
		return -1;
	if (exists && !force) {
		err_set(err, "'%s' exists", path);
		return err_hint(err, "add -f to overwrite it");
	}
	temporary = arena_printf(a, "%s.XXXXXX", f->target);
	fd = mkstemp(temporary);
	if (fd < 0)
		return err_set(err, "cannot write '%s': %s", path, strerror(errno));
	close(fd);
	f->temporary = temporary;
	return 0;
}

/* mkstemp() makes a private file. This gives it the mode and owner of the file that it replaces, or the
 * default mode of a new file. If the owner cannot be set (only root may do so), the mode is still copied. */
static void set_mode(const struct file_draft *f)
{
	struct stat st;
	mode_t mask;

	if (stat(f->target, &st) == 0) {
		if (chown(f->temporary, st.st_uid, st.st_gid) == 0 || errno == EPERM)
			chmod(f->temporary, st.st_mode & 0777);
		return;
	}
	mask = umask(0);
	umask(mask);
	chmod(f->temporary, 0666 & ~mask);
}

int file_commit(const struct file_draft *f, struct err *err)
{
	int rc;

	set_mode(f);
	/* link() fails if the name exists, so that a file made in the meantime is not lost */
	rc = f->force ? rename(f->temporary, f->target) : link(f->temporary, f->target);
	if (rc != 0)
		err_set(err, "cannot write '%s': %s", f->path, strerror(errno));
	if (rc != 0 || !f->force)
		unlink(f->temporary);
	return rc ? -1 : 0;
}

void file_discard(const struct file_draft *f)
{
	unlink(f->temporary);
}

static int write_all(const char *path, const void *bytes, size_t len)
{
	FILE *f = fopen(path, "wb");
	size_t put;

	if (!f)
		return -1;
	put = fwrite(bytes, 1, len, f);
	return (fclose(f) != 0 || put != len) ? -1 : 0;
}

int file_write(const char *path, const void *bytes, size_t len, bool force, struct err *err)
{
	struct arena scratch = ARENA_INIT;
	struct file_draft f;
	int rc = file_begin(&scratch, path, force, &f, err);

	if (!rc && write_all(f.temporary, bytes, len) != 0) {
		rc = err_set(err, "cannot write '%s': %s", path, strerror(errno));
		file_discard(&f);
	} else if (!rc) {
		rc = file_commit(&f, err);
	}
	arena_release(&scratch);
	return rc;
}

static int make_folders(char *path, struct err *err)
{
	for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
		int rc;

		*slash = '\0';
		rc = mkdir(path, 0777);
		if (rc != 0 && errno != EEXIST)
			return err_set(err, "cannot make the folder '%s': %s", path, strerror(errno));
		*slash = '/';
	}
	return 0;
}

int file_prepare(const char *path, bool force, struct err *err)
{
	struct arena scratch = ARENA_INIT;
	struct file_draft f;
	int rc = *path ? make_folders(arena_strdup(&scratch, path), err) : 0;

	if (rc == 0)
		rc = file_begin(&scratch, path, force, &f, err);
	if (rc == 0) {
		if (write_all(f.temporary, arena_alloc(&scratch, FILE_PREPARE_BYTES), FILE_PREPARE_BYTES) !=
		    0)
			rc = err_set(err, "cannot write '%s': %s", path, strerror(errno));
		file_discard(&f);
	}
	arena_release(&scratch);
	return rc;
}

bool file_is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}
