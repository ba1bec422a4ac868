/* file.c - see file.h. */
#include "sim/base/file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int open_regular(const char *path, size_t max_B, struct err *err)
{
	struct stat st;
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK); /* a FIFO must not hang us */

	if (fd < 0)
		return err_set(err, "cannot read '%s': %s", path, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && (size_t)st.st_size <= max_B)
		return fd;
	if (S_ISDIR(st.st_mode))
		err_set(err, "cannot read '%s': it is a directory", path);
	else if (!S_ISREG(st.st_mode))
		err_set(err, "cannot read '%s': it is not a regular file", path);
	else
		err_set(err, "cannot read '%s': it is larger than %zu bytes", path, max_B);
	close(fd);
	return -1;
}

int file_read(struct arena *a, const char *path, size_t max_B, char **text, size_t *len, struct err *err)
{
	const int fd = open_regular(path, max_B, err);
	size_t room = 4096, n = 0;
	char *buffer;
	ssize_t got;

	if (fd < 0)
		return -1;
	buffer = xmalloc(room);
	while ((got = read(fd, buffer + n, room - n)) > 0) {
		n += (size_t)got;
		if (n > max_B) /* it grew while we read */
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
	close(fd);
	return n == (size_t)-1 ? -1 : 0;
}

bool file_exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

static int refuse_overwrite(const char *path, bool force, struct err *err)
{
	struct stat st;

	if (lstat(path, &st) != 0)
		return 0;
	if (S_ISDIR(st.st_mode))
		return err_set(err, "cannot write '%s': it is a directory", path);
	if (force)
		return 0;
	err_set(err, "'%s' exists", path);
	return err_hint(err, "add -f to overwrite it");
}

int file_temporary(struct arena *a, const char *path, bool force, char **temporary, struct err *err)
{
	int fd;

	if (refuse_overwrite(path, force, err))
		return -1;
	*temporary = arena_printf(a, "%s.XXXXXX", path);
	fd = mkstemp(*temporary);
	if (fd < 0)
		return err_set(err, "cannot write '%s': %s", path, strerror(errno));
	close(fd);
	return 0;
}

int file_commit(const char *temporary, const char *path, bool force, struct err *err)
{
	const mode_t mask = umask(0);
	int rc;

	umask(mask);
	chmod(temporary, 0666 & ~mask); /* mkstemp() made it private */
	/* link() fails where the name is taken, so that nothing that came up meanwhile is lost */
	rc = force ? rename(temporary, path) : link(temporary, path);
	if (rc != 0)
		err_set(err, "cannot write '%s': %s", path, strerror(errno));
	if (rc != 0 || !force)
		unlink(temporary);
	return rc ? -1 : 0;
}

void file_discard(const char *temporary)
{
	unlink(temporary);
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
	char *temporary;
	int rc = file_temporary(&scratch, path, force, &temporary, err);

	if (!rc && write_all(temporary, bytes, len) != 0) {
		rc = err_set(err, "cannot write '%s': %s", path, strerror(errno));
		file_discard(temporary);
	} else if (!rc) {
		rc = file_commit(temporary, path, force, err);
	}
	arena_release(&scratch);
	return rc;
}
