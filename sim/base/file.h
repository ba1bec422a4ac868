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

/* Writes len bytes to path by way of a temporary file beside it. An existing file is an error without force;
 * with it, a symbolic link is followed to the file it names, which keeps its mode, and its owner where we may
 * set it. A file that is read-only, or not a regular one, is an error in either case. */
int file_write(const char *path, const void *bytes, size_t len, bool force, struct err *err);

/* Writing in two halves, for output that another program makes: file_begin() makes an empty temporary file
 * for it, then either file_commit() gives it the name of the target or file_discard() removes it. */
struct file_draft {
	const char *path;      /* the user's name for it, for messages */
	const char *temporary; /* to be written; in the arena */
	const char *target;    /* the path, or the file that a link there leads to */
	bool force;
};
int file_begin(struct arena *a, const char *path, bool force, struct file_draft *f, struct err *err);
int file_commit(const struct file_draft *f, struct err *err);
void file_discard(const struct file_draft *f);

bool file_same(const char *a, const char *b); /* do both exist, and are they one file by whatever names? */
bool file_exists(const char *path);           /* a file, folder, link or anything else */

#endif
