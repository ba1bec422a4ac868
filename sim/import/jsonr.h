/*
 * jsonr.h - JSON read forward, token by token, with the byte where each stands. Strict (RFC 8259).
 *
 * Layer import. For headers of a hundred thousand entries, where a tree would be too much; config.json goes
 * through conf/yml instead. The caller walks: objects with jsonr_key(), lists with jsonr_item().
 */
#ifndef SIM_IMPORT_JSONR_H
#define SIM_IMPORT_JSONR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

enum { JSONR_DEPTH = 32, JSONR_TEXT = 4096 };

struct jsonr {
	const char *path;
	const char *text; /* borrowed; n bytes and a NUL */
	size_t n, at;
	uint64_t base; /* of text[0] in the file, for messages */
	int depth;
	bool first[JSONR_DEPTH]; /* nothing was read of this one yet */
	struct err *err;
	struct arena *arena;
};

void jsonr_init(struct jsonr *j, struct arena *a, const char *path, const char *text, size_t n,
		struct err *err);

/* All but the next two return 0, or -1 with err. */
int jsonr_object(struct jsonr *j); /* '{' */
int jsonr_list(struct jsonr *j);   /* '[' */
/* 1 with the next key, 0 at the end of the object (which is then closed), -1 with err. The text is printable.
 */
int jsonr_key(struct jsonr *j, const char **key);
int jsonr_item(struct jsonr *j); /* 1 if another item follows, 0 at the end of the list, -1 with err */

int jsonr_text(struct jsonr *j, const char **to);
int jsonr_count(struct jsonr *j, uint64_t *to); /* a whole number, not negative, below 2^53 */
int jsonr_skip(struct jsonr *j);                /* any value */
int jsonr_end(struct jsonr *j);                 /* nothing but blanks may follow */

int jsonr_wrong(struct jsonr *j, size_t at, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
