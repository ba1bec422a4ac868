/* bytes.c - see bytes.h. */
#include "sim/import/bytes.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int bytes_open(struct bytes *b, const char *path, struct err *err)
{
	struct stat st;
	/* O_NONBLOCK: opening a FIFO must not block */
	const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);

	*b = (struct bytes){.path = path, .fd = fd};
	if (fd < 0)
		return err_set(err, "cannot read '%s': %s", path, strerror(errno));
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)) {
		b->size = (uint64_t)st.st_size;
		return 0;
	}
	close(fd);
	b->fd = -1;
	return err_set(err, "cannot read '%s': it is %s", path,
		       S_ISDIR(st.st_mode) ? "a directory" : "not a regular file");
}

void bytes_memory(struct bytes *b, const char *path, const void *from, size_t n)
{
	*b = (struct bytes){.path = path, .fd = -1, .memory = from, .size = n};
}

void bytes_close(struct bytes *b)
{
	if (b->fd >= 0)
		close(b->fd);
	b->fd = -1;
}

int bytes_wrong(const struct bytes *b, uint64_t at, struct err *err, const char *fmt, ...)
{
	char msg[400];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(msg, sizeof msg, fmt, ap);
	va_end(ap);
	return err_set(err, "%s:byte %llu: %s", b->path, (unsigned long long)at, msg);
}

static int report_end(const struct bytes *b, uint64_t wanted, const char *what, struct err *err)
{
	bytes_wrong(b, b->at, err, "the file ends in %s: %llu bytes are due here, %llu are left", what,
		    (unsigned long long)wanted, (unsigned long long)(b->size - b->at));
	return err_hint(err, "it was cut short, or it is damaged");
}

int bytes_expect(struct bytes *b, uint64_t n, uint64_t each, const char *what, struct err *err)
{
	const uint64_t left = b->size - b->at;

	if (n <= left / each)
		return 0;
	bytes_wrong(b, b->at, err, "%llu %s cannot be: only %llu bytes are left", (unsigned long long)n, what,
		    (unsigned long long)left);
	return err_hint(err, "it was cut short, or it is damaged");
}

/* Fills the buffer with the bytes from the current position; n bytes are needed. */
static int fill_buffer(struct bytes *b, size_t n, struct err *err)
{
	size_t got = 0;

	if (b->at >= b->have_at && b->at + n <= b->have_at + b->have)
		return 0;
	while (got < n) {
		const ssize_t r = pread(b->fd, b->buffer + got, sizeof b->buffer - got, (off_t)(b->at + got));

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return err_set(err, "cannot read '%s': %s", b->path, strerror(errno));
		if (r == 0) /* the file shrank during the read */
			return report_end(b, n, "what was there a moment ago", err);
		got += (size_t)r;
	}
	b->have_at = b->at;
	b->have = got;
	return 0;
}

int bytes_read(struct bytes *b, void *to, size_t n, const char *what, struct err *err)
{
	uint8_t *put = to;

	if (n > b->size - b->at)
		return report_end(b, n, what, err);
	while (n) {
		const size_t part = n < sizeof b->buffer ? n : sizeof b->buffer;

		if (b->fd < 0) {
			memcpy(put, b->memory + b->at, part);
		} else {
			if (fill_buffer(b, part, err) != 0)
				return -1;
			memcpy(put, b->buffer + (b->at - b->have_at), part);
		}
		put += part;
		n -= part;
		b->at += part;
	}
	return 0;
}

int bytes_skip(struct bytes *b, uint64_t n, const char *what, struct err *err)
{
	if (n > b->size - b->at)
		return report_end(b, n, what, err);
	b->at += n;
	return 0;
}

int bytes_u32(struct bytes *b, uint32_t *to, const char *what, struct err *err)
{
	uint8_t x[4];

	if (bytes_read(b, x, sizeof x, what, err) != 0)
		return -1;
	*to = (uint32_t)x[0] | (uint32_t)x[1] << 8 | (uint32_t)x[2] << 16 | (uint32_t)x[3] << 24;
	return 0;
}

int bytes_u64(struct bytes *b, uint64_t *to, const char *what, struct err *err)
{
	uint32_t low, high;

	if (b->size - b->at < 8)
		return report_end(b, 8, what, err);
	if (bytes_u32(b, &low, what, err) != 0 || bytes_u32(b, &high, what, err) != 0)
		return -1;
	*to = (uint64_t)low | (uint64_t)high << 32;
	return 0;
}
