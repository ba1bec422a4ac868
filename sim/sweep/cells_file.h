/*
 * cells_file.h - the cells of a sweep as lines of JSON, so that many processes run a share of them each, one that was broken
 * off goes on, and the lines together make what one process would have made, byte for byte.
 *
 * Layer sweep. The first line says what all cells have in common (the axes, the assignments' names, the metric) and a key,
 * which is the SHA-256 of all that the numbers hang on: this program's version, what the first cell's files say, what was
 * set, the seed, the number of draws. Each further line is a cell, in any order, with every number as written by %.17g, and
 * names the files, with their SHA-256, that the first cell did not read. "lemursim/sweep-cells/1" names the format.
 */
#ifndef SIM_SWEEP_CELLS_FILE_H
#define SIM_SWEEP_CELLS_FILE_H
#include "sim/sweep/sweep.h"

enum { CELLS_FILE_MAX = 1 << 30 }; /* bytes */

/* Append one line. The sweep must have been begun; the cell must have been run. version: of this program. */
void cells_write_head(struct str *out, const struct sweep *s, const char *version);
void cells_write_cell(struct str *out, const struct sweep *s, size_t cell);

/* Returns whether a file begins as one of cells, of whatever version. */
bool cells_is(const char *text, size_t len);
/* Reads a file's text; path is for messages. The first one sets up the sweep if `s` is empty ({0}); otherwise the file must
 * be of the same version and key. A cell that is there already must say the same again. Everything read lives in the arena.
 * 0, or -1 with err: "path:line N: ...". */
int cells_read(struct arena *a, struct sweep *s, const char *path, const char *text, size_t len,
	       const char *version, struct err *err);

/* Whether the files that the cells name say what they said when the cells were run. 0, or -1 with err. */
int cells_check_inputs(const struct sweep *s, struct err *err);

/* A share of the cells: those whose number, counted from 0, is k - 1 modulo n. Neighbours go to different processes, since
 * cells that take long stand together. */
struct cells_share {
	size_t k, n; /* 1 <= k <= n */
};
/* Reads "K/N". 0, or -1 with err. */
int cells_share_parse(const char *text, struct cells_share *share, struct err *err);
void cells_leave_out(struct sweep *s, const struct cells_share *share);
/* Refuses a file that was read and has cells of another share; path is for the message. 0, or -1 with err. */
int cells_check_share(const struct sweep *s, const struct cells_share *share, const char *path,
		      struct err *err);

#endif
