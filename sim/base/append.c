/* append.c - see append.h. */
#include "sim/base/append.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static int lock(const struct append *f, struct err *err)
{
	struct flock whole = {.l_type = F_WRLCK, .l_whence = SEEK_SET};

	if (fcntl(f->fd, F_SETLK, &whole) == 0)
		return 0;
	if (errno != EACCES && errno != EAGAIN)
		return err_set(err, "cannot lock '%s': %s", f->path, strerror(errno));
	err_set(err, "'%s' is being written by another process", f->path);
	return err_hint(err, "give each its own file");
}

/* Reads the whole lines. By this descriptor: closing another one of the file would end the
 * lock (fcntl(2)). */
static int read_lines(struct append *f, struct arena *a, size_t max_B, char **text, size_t *len,
		      struct err *err)
{
	const off_t end = lseek(f->fd, 0, SEEK_END);
	size_t n = 0;
	ssize_t got = 1;

	if (end < 0 || (uintmax_t)end > max_B)
		return err_set(err, "cannot read '%s': it is larger than %zu bytes", f->path, max_B);
	*text = arena_array(a, (size_t)end + 1, 1);
	while (n < (size_t)end && got > 0) {
		got = pread(f->fd, *text + n, (size_t)end - n, (off_t)n);
		n += got > 0 ? (size_t)got : 0;
	}
	if (got < 0)
		return err_set(err, "cannot read '%s': %s", f->path, strerror(errno));
	while (n && (*text)[n - 1] != '\n')
		n--;
	f->rest = n < (size_t)end ? arena_strndup(a, *text + n, (size_t)end - n) : NULL;
	(*text)[n] = '\0';
	*len = f->whole_B = n;
	return 0;
}

static int open_file(struct append *f, enum append_how how, struct err *err)
{
	struct stat st;

	f->fd = open(f->path, O_RDWR | O_CREAT | O_CLOEXEC | O_NONBLOCK | (how == APPEND_NEW ? O_EXCL : 0),
		     0666);
	if (f->fd < 0 && errno == EEXIST) {
		err_set(err, "'%s' exists", f->path);
		return err_hint(err, "go on with it by --resume, or begin anew with -f");
	}
	if (f->fd < 0)
		return err_set(err, "cannot write '%s': %s", f->path, strerror(errno));
	if (fstat(f->fd, &st) != 0 || !S_ISREG(st.st_mode))
		return err_set(err, "cannot write '%s': it is not a regular file", f->path);
	return 0;
}

int append_open(struct append *f, struct arena *a, const char *path, enum append_how how, size_t max_B,
		char **text, size_t *len, struct err *err)
{
	int rc;

	*f = (struct append){.path = path, .fd = -1};
	rc = open_file(f, how, err);
	if (rc == 0)
		rc = lock(f, err);
	if (rc == 0 && how == APPEND_REPLACE && ftruncate(f->fd, 0) != 0)
		rc = err_set(err, "cannot write '%s': %s", path, strerror(errno));
	if (rc == 0 && how == APPEND_RESUME)
		rc = read_lines(f, a, max_B, text, len, err);
	if (rc != 0)
		append_close(f);
	return rc;
}

int append_line(struct append *f, const char *line, size_t len, struct err *err)
{
	if (f->rest && (ftruncate(f->fd, (off_t)f->whole_B) != 0 || lseek(f->fd, 0, SEEK_END) < 0))
		return err_set(err, "cannot write '%s': %s", f->path, strerror(errno));
	f->rest = NULL;
	for (size_t at = 0; at < len;) {
		const ssize_t n = write(f->fd, line + at, len - at);

		if (n == 0 || (n < 0 && errno != EINTR))
			return err_set(err, "cannot write '%s': %s", f->path, strerror(errno));
		at += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

void append_close(struct append *f)
{
	if (f->fd >= 0)
		close(f->fd);
	f->fd = -1;
}
