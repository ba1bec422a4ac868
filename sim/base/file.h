/*
 * file.h - reads and writes whole files; a result is written to a temporary file, which is then renamed.
 *
 * Layer base. A reader sees the old file or the new one, never a part of it. Nothing is overwritten unless
 * the caller asks for it.
 */
#ifndef SIM_BASE_FILE_H
#define SIM_BASE_FILE_H
#include <stdbool.h>
#include <stddef.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

/* Reads a regular file of at most max_B bytes into the arena and adds a NUL. *len: bytes without the NUL. "-" is the
 * standard input, which need be no file: it is read from where it stands, and every call reads the same. What comes of a pipe is
 * kept in a file without a name, which is the standard input from then on.
 * Returns 0, or -1 with err ("cannot read ..."). */
int file_read(struct arena *a, const char *path, size_t max_B, char **text, size_t *len, struct err *err);

/* Writes len bytes to path through a temporary file in the same directory. An existing file is an error
 * without force. With force, a symbolic link is followed to its file, which keeps its mode and, where we
 * may set it, its owner. A read-only file, or one that is not regular, is always an error. Returns 0, or
 * -1 with err. */
int file_write(const char *path, const void *bytes, size_t len, bool force, struct err *err);

/* Makes the folders of path that do not exist, and tries whether file_write() with this force could write
 * FILE_PREPARE_BYTES there, before work is spent on what it will hold. Leaves the folders and no file. 0, or -1 with err. */
enum { FILE_PREPARE_BYTES = 128 << 10 };
int file_prepare(const char *path, bool force, struct err *err);

/* Writing in two steps, for output that another program makes: file_begin() makes an empty temporary file
 * for it; then either file_commit() renames it to the target or file_discard() removes it. */
struct file_draft {
	const char *path;      /* the path as the user gave it, for messages */
	const char *temporary; /* the file to write to; in the arena */
	const char *target;    /* the path, or the file that a symbolic link there leads to */
	bool force;
};
int file_begin(struct arena *a, const char *path, bool force, struct file_draft *f, struct err *err);
int file_commit(const struct file_draft *f, struct err *err);
void file_discard(const struct file_draft *f);

bool file_same(const char *a, const char *b); /* true if both exist and are the same file */
bool file_is_folder(const char *path);        /* true for a directory, or a link to one */
bool file_exists(const char *path);           /* true for a file, directory, link or anything else */

#endif
