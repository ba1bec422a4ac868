/*
 * config.h - reading a config.json: its values by key, and complaints with their place.
 *
 * Layer import. A value that is there but wrong is reported, and reading goes on, so that one run tells all of
 * them.
 */
#ifndef SIM_IMPORT_CONFIG_H
#define SIM_IMPORT_CONFIG_H
#include "sim/import/describe.h"
#include "sim/import/families.h"

struct config_reading {
	struct described *d;
	const struct family *f;
	const struct yml *config; /* the text model's part */
	const struct yml *top;    /* the whole */
	struct diags *diags;
	bool assume; /* what is not known is taken as plain */
	bool failed;
};

enum said { SAID_NOT, SAID_RIGHT, SAID_WRONG };

const struct yml *config_find(const struct yml *map, const char *key); /* NULL for null, too */
/* A value that says something: not null, 0, 1 or false. */
bool config_says(const struct yml *value);
void config_wrong(struct config_reading *r, const struct yml *at, const char *key, const char *expected);

/* A whole number from 0 to 10^12, "8", "8.0" or "8e0". */
enum said config_number(struct config_reading *r, const char *key, int64_t *to);

/* The first of the keys (a list that ends with NULL) that is said, else the default; a default of 0: one of
 * them must be said. */
int64_t config_any(struct config_reading *r, const char *const *keys, int64_t def);
#define CONFIG_NUMBER(r, def, ...) config_any(r, (const char *const[]){__VA_ARGS__, NULL}, def)
/* As the first, where the default is a number of the family's config class: a note says that it was taken,
 * but for parts of a model of several, which are published without what is usual. */
int64_t config_usual(struct config_reading *r, const char *const *keys, int64_t def);
#define CONFIG_USUAL(r, def, ...) config_usual(r, (const char *const[]){__VA_ARGS__, NULL}, def)
/* A note on a key that is not there at all; null says something. */
void config_note_absent(struct config_reading *r, const char *const *keys, const char *taken);
#define CONFIG_NOTE_ABSENT(r, taken, ...)                                                                    \
	config_note_absent(r, (const char *const[]){__VA_ARGS__, NULL}, taken)
/* As above, but 0 where none is said. */
int64_t config_any_or_0(struct config_reading *r, const char *const *keys);
#define CONFIG_OR_0(r, ...) config_any_or_0(r, (const char *const[]){__VA_ARGS__, NULL})

bool config_flag(struct config_reading *r, const struct yml *map, const char *key, bool def);
const char *config_word(const struct yml *map, const char *key, const char *def);
/* Item i of a list as text; "" where it is none. */
const char *config_item(const struct yml *list, size_t i);
/* Item i of a list as a whole number of that range; another is reported at its place, and gives least - 1. */
int64_t config_item_within(struct config_reading *r, const struct yml *list, size_t i, const char *key,
			   int64_t least, int64_t most);
/* Reports a key that is missing; why: "which ... needs"; hint may be NULL. */
void config_missing(struct config_reading *r, const char *key, const char *hint, const char *why);
/* The mapping of that key; NULL: reported as missing, or as none. */
const struct yml *config_mapping(struct config_reading *r, const char *key, const char *hint,
				 const char *why);
/* A list with an entry for each layer, or NULL where nothing is said; one of another length is reported, but may be longer by those
 * that predict further tokens. */
const struct yml *config_by_layer(struct config_reading *r, const char *key);

#endif
