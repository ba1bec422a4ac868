/*
 * file.h - whole files in, whole files out. A result is written under a temporary name and renamed.
 *
 * Layer base. A reader sees the old file or the new one, never half of one; nothing is overwritten unasked.
 */
#ifndef SIM_BASE_FILE_H
#define SIM_BASE_FILE_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

/* Reads a regular file of at most max_B bytes into the arena, NUL-terminated. 0, or -1 with err ("cannot read
 * ..."). */
int file_read(struct arena *a, const char *path, size_t max_B, char **text, size_t *len, struct err *err);

/* Writes len bytes to path by way of a temporary file beside it. With force false an existing path is an
 * error. */
int file_write(const char *path, const void *bytes, size_t len, bool force, struct err *err);

/* The same in two halves, for output that another program writes: a temporary name beside path (in the
 * arena), then the rename. file_discard() removes what was not committed. */
int file_temporary(struct arena *a, const char *path, bool force, char **temporary, struct err *err);
int file_commit(const char *temporary, const char *path, bool force, struct err *err);
void file_discard(const char *temporary);

bool file_exists(const char *path); /* of any kind */

#endif
