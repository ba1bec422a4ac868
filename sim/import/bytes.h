/*
 * bytes.h - a binary file read forward, every length checked against what is left before anything is done.
 *
 * Layer import. From a file or from memory (tests, fuzzing). Numbers are little-endian. A complaint is
 * "path:byte N: ...". Nothing is allocated by a length that the file merely claims.
 */
#ifndef SIM_IMPORT_BYTES_H
#define SIM_IMPORT_BYTES_H
#include <stdint.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

enum { BYTES_BUFFER = 4096 }; /* read ahead of what is asked, at most */

struct bytes {
	const char *path; /* for messages */
	uint64_t at;      /* read-only: where the next byte is taken */
	uint64_t size;    /* read-only: of the whole file */
	int fd;           /* private; -1: from memory */
	const uint8_t *memory;
	uint64_t have_at; /* private: where the buffer's bytes stand */
	size_t have;
	uint8_t buffer[BYTES_BUFFER];
};

int bytes_open(struct bytes *b, const char *path, struct err *err); /* a regular file; 0 or -1 */
void bytes_memory(struct bytes *b, const char *path, const void *from, size_t n); /* borrowed */
void bytes_close(struct bytes *b);

/* All return 0, or -1 with err where the file ends before. what: "the length of a key". */
int bytes_read(struct bytes *b, void *to, size_t n, const char *what, struct err *err);
int bytes_skip(struct bytes *b, uint64_t n, const char *what, struct err *err);
int bytes_u32(struct bytes *b, uint32_t *to, const char *what, struct err *err);
int bytes_u64(struct bytes *b, uint64_t *to, const char *what, struct err *err);

/* `n` things of at least `each` bytes are still to come: can that be? */
int bytes_expect(struct bytes *b, uint64_t n, uint64_t each, const char *what, struct err *err);

/* "path:byte at: ..." */
int bytes_wrong(const struct bytes *b, uint64_t at, struct err *err, const char *fmt, ...) PRINTF_LIKE(4, 5);

/* Text that may be shown: at most max bytes, with what is no printable UTF-8 put as '?'. In the arena. */
const char *bytes_printable(struct arena *a, const char *text, size_t n, size_t max);

#endif
