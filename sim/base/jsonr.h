/*
 * jsonr.h - reads JSON forward, token by token, with the byte offset of each. Strict (RFC 8259).
 *
 * Layer base. It is meant for headers with a hundred thousand entries and for lines of results, for which a
 * tree would be too large; config.json is read by conf/yml. The caller iterates over objects with jsonr_key() and over lists with
 * jsonr_item().
 */
#ifndef SIM_BASE_JSONR_H
#define SIM_BASE_JSONR_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/texts.h"

enum { JSONR_DEPTH = 32, JSONR_TEXT = 4096 };

struct jsonr {
	const char *path;
	const char *text; /* borrowed; n bytes followed by a NUL */
	size_t n, at;
	uint64_t base; /* byte offset of text[0] in the file, for messages */
	int depth;
	/* set after jsonr_init(): */
	bool verbatim; /* texts may hold what is not printable; otherwise '?' stands for it */
	bool by_line;  /* messages say line and column where they otherwise say the byte; base is 0 */
	size_t most;   /* byte of a text; a longer one is an error. JSONR_TEXT if not set */
	bool first[JSONR_DEPTH]; /* [level]: no item of this level was read yet */
	struct err *err;
	struct arena *arena;
};

void jsonr_init(struct jsonr *j, struct arena *a, const char *path, const char *text, size_t n,
		struct err *err);

/* Unless stated otherwise these return 0, or -1 with err. */
int jsonr_object(struct jsonr *j); /* '{' */
int jsonr_list(struct jsonr *j);   /* '[' */
/* Returns 1 with the next key, 0 at the end of the object, which is then closed, or -1 with err. The key
 * is printable. */
int jsonr_key(struct jsonr *j, const char **key);
/* Returns 1 if another item follows, 0 at the end of the list, -1 with err. */
int jsonr_item(struct jsonr *j);

bool jsonr_is_text(struct jsonr *j);   /* is a value of that type next? */
bool jsonr_is_number(struct jsonr *j); /* likewise */
int jsonr_text(struct jsonr *j, const char **to);
int jsonr_count(struct jsonr *j, uint64_t *to); /* a whole number from 0 to 2^53 - 1 */
int jsonr_number(struct jsonr *j, double *to);  /* finite */
int jsonr_bool(struct jsonr *j, bool *to);
bool jsonr_null(struct jsonr *j); /* true where a null came next, which is then passed */
int jsonr_skip(struct jsonr *j);  /* skips a value of any type */
int jsonr_end(struct jsonr *j);   /* fails unless only blanks follow */

/* A list of texts, in the reader's arena. */
int jsonr_texts(struct jsonr *j, struct texts *to);

/* A text of which each line is a document. */
struct jsonr_lines {
	struct arena *arena;
	const char *path, *text; /* borrowed, as of jsonr_init() */
	size_t len;
	struct err *err;
	size_t at, line; /* where the next begins; the number of the last, from 1. Both begin as 0 */
};
/* Begins to read the next line, texts verbatim; messages say "PATH:line N". false: there is none. */
bool jsonr_line(struct jsonr_lines *l, struct jsonr *j);
/* Is a text, of which no more than the begin need be there, of lines whose first begins {"format":"FORMAT? */
bool jsonr_lines_are(const char *text, size_t len, const char *format);

int jsonr_wrong(struct jsonr *j, size_t at, const char *fmt, ...) PRINTF_LIKE(3, 4);

#endif
