/*
 * bytes.h - reads a binary file forward; every length is checked against the bytes that are left before it is
 * used.
 *
 * Layer import. The input is a file or memory (for tests and fuzzing). Numbers are little-endian. Errors
 * begin with "path:byte N:". No allocation has a size that the file merely claims.
 */
#ifndef SIM_IMPORT_BYTES_H
#define SIM_IMPORT_BYTES_H
#include <stdint.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

enum { BYTES_BUFFER = 4096 }; /* most bytes read ahead */

struct bytes {
	const char *path; /* for messages */
	uint64_t at;      /* read-only: offset of the next byte */
	uint64_t size;    /* read-only: size of the whole file */
	int fd;           /* private; -1: reads from memory */
	const uint8_t *memory;
	uint64_t have_at; /* private: file offset of the buffer */
	size_t have;
	uint8_t buffer[BYTES_BUFFER];
};

/* opens a regular file; 0 or -1 with err */
int bytes_open(struct bytes *b, const char *path, struct err *err);
/* reads from memory, which is borrowed */
void bytes_memory(struct bytes *b, const char *path, const void *from, size_t n);
void bytes_close(struct bytes *b);

/* These return 0, or -1 with err if the file ends too early. what: the name of the item for the message,
 * "the length of a key". */
int bytes_read(struct bytes *b, void *to, size_t n, const char *what, struct err *err);
int bytes_skip(struct bytes *b, uint64_t n, const char *what, struct err *err);
int bytes_u32(struct bytes *b, uint32_t *to, const char *what, struct err *err);
int bytes_u64(struct bytes *b, uint64_t *to, const char *what, struct err *err);

/* Fails unless n items of at least `each` bytes fit into the rest of the file. */
int bytes_expect(struct bytes *b, uint64_t n, uint64_t each, const char *what, struct err *err);

/* sets the error "path:byte at: ..."; -1 */
int bytes_wrong(const struct bytes *b, uint64_t at, struct err *err, const char *fmt, ...) PRINTF_LIKE(4, 5);

#endif
