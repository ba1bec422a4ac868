/*
 * opts.h - the command line of a verb: tables of typed rows give parsing, --help and "did you mean" together.
 *
 * Layer cli. Prints nothing and keeps no state. A verb has a struct of its own options; each row points
 * to a member of it. Tables that several verbs share are in groups.h: a verb holds the struct of the group as
 * a member, and names its table with the place of that member. The order of a verb's tables is that of its
 * help.
 */
#ifndef SIM_CLI_OPTS_H
#define SIM_CLI_OPTS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/err.h"
#include "sim/base/str.h"
#include "sim/base/texts.h"

enum opt_type {           /* and the type of the member */
		OPT_FLAG, /* bool: true where it is given */
		OPT_TEXT, /* const char *: NULL where it is not given */
		OPT_TARGET, /* const char *: a file to be written; NULL where it is not given or "-", the standard
			       output, which a bool beside it tells apart */
		OPT_TEXTS,   /* struct texts: may be given again */
		OPT_FOLDERS, /* the same, each a folder that there is */
		OPT_COUNT    /* int64_t from min to max; preset where it is not given */
};

struct opt {
	const char *name; /* without dashes */
	char letter;      /* 0: none */
	enum opt_type type;
	size_t offset;     /* in the struct that the table is of */
	size_t standard;   /* likewise, of the bool of an OPT_TARGET: true where "-" is given */
	const char *value; /* name of the value, such as "FILE"; NULL for a flag */
	const char *help;
	int64_t min, max, preset; /* for a count */
};

struct opt_table {
	const struct opt *rows;
	size_t n;
	size_t offset; /* in the verb's options, of the struct that the rows fill */
};

/* The place of a member, which the compiler checks to be of that type. */
#define OPT_AT(type, of, member) (offsetof(of, member) + 0 * sizeof((type *)0 == &((of *)0)->member))

#define OPT_FLAG_ROW(of, member, name, letter, help)                                                         \
	{                                                                                                    \
		name, letter, OPT_FLAG, OPT_AT(bool, of, member), 0, NULL, help, 0, 0, 0                     \
	}
#define OPT_TEXT_ROW(of, member, name, letter, value, help)                                                  \
	{                                                                                                    \
		name, letter, OPT_TEXT, OPT_AT(const char *, of, member), 0, value, help, 0, 0, 0            \
	}
#define OPT_TARGET_ROW(of, member, standard, name, letter, value, help)                                      \
	{                                                                                                    \
		name, letter, OPT_TARGET, OPT_AT(const char *, of, member), OPT_AT(bool, of, standard),      \
			value, help, 0, 0, 0                                                                 \
	}
#define OPT_TEXTS_ROW(of, member, name, letter, value, help)                                                 \
	{                                                                                                    \
		name, letter, OPT_TEXTS, OPT_AT(struct texts, of, member), 0, value, help, 0, 0, 0           \
	}
#define OPT_FOLDERS_ROW(of, member, name, letter, value, help)                                               \
	{                                                                                                    \
		name, letter, OPT_FOLDERS, OPT_AT(struct texts, of, member), 0, value, help, 0, 0, 0         \
	}
#define OPT_COUNT_ROW(of, member, name, letter, value, help, min, max, preset)                               \
	{                                                                                                    \
		name, letter, OPT_COUNT, OPT_AT(int64_t, of, member), 0, value, help, min, max, preset       \
	}

/* A table of rows of the verb's own struct, and one of a shared group that is a member of it. */
#define OPT_OWN(rows)                                                                                        \
	{                                                                                                    \
		rows, ARRAY_LEN(rows), 0                                                                     \
	}
#define OPT_GROUP(rows, type, of, member)                                                                    \
	{                                                                                                    \
		rows, ARRAY_LEN(rows), OPT_AT(type, of, member)                                              \
	}

struct args {               /* every verb takes these */
	struct texts files; /* arguments that are no option */
	bool help;
};

/* Parses argv[0..argc-1] (the verb's name already taken off) into options, a zeroed struct of the verb.
 * Texts are borrowed from argv, lists are in the arena. 0, or -1 with err. */
int opts_parse(struct arena *a, int argc, char *const *argv, const struct opt_table *tables, size_t tables_n,
	       void *options, struct args *args, struct err *err);

/* The i-th option of a verb, in the order of its help; NULL: there are not so many. */
const struct opt *opts_row(const struct opt_table *tables, size_t tables_n, size_t i);

/* Appends a paragraph for each option, wrapped to the width. */
void opts_help(const struct opt_table *tables, size_t tables_n, size_t width, struct str *out);

#endif
