/*
 * shipped.h - the files that ship with the program as trees, read by libyaml when the program was built.
 *
 * Layer conf. sim/ship.c parses the catalogue and the scenarios and writes a C source of what it found, which is linked in: each
 * file's text, its sha256 and its nodes. A file whose text is that of one of them, byte by byte, has its tree without being
 * parsed again; any other file goes to libyaml. A tree is as yml_parse() and sources_resolve() make it, places included, but
 * for weight and height, which only they use.
 */
#ifndef SIM_CONF_SHIPPED_H
#define SIM_CONF_SHIPPED_H
#include <stdint.h>

#include "sim/conf/yml.h"

struct shipped_file {
	uint32_t text, len; /* its text in shipped_bytes */
	uint32_t tree;      /* where its nodes begin there */
	uint32_t nodes,
		held; /* how many nodes there are, keys included, and how many of them a collection holds */
	char sha256[65];
};

/* Each node: kind | quoted << 2 | the sign of the next number << 3, lines from the collection that holds it (of the root: from
 * 0), column, width; then the place of a scalar's text, or of a collection the bytes that follow, the number of items and
 * the items, each of a mapping after its key. Numbers have seven bits a byte, the lowest first, and the highest bit of a
 * byte says that more follow. Texts end with NUL. */
extern const char shipped_bytes[];
extern const struct shipped_file shipped_files[]; /* in the order of shipped_compare() */
extern const size_t shipped_n;

/* The file with that text; NULL: none. The line by which `make install` tells editors of the schema may stand behind it. */
const struct shipped_file *shipped_find(const struct source *source);

/* Its tree, which may be changed; texts of scalars are not the arena's. source: the file as read, for the places. shallow: the
 * mappings that a mapping of this key holds are left empty; NULL: none are. */
struct yml *shipped_tree(struct arena *a, const struct shipped_file *file, const struct source *source,
			 const char *shallow);

/* Orders texts by length, then by bytes. */
int shipped_compare(const char *a, size_t a_len, const char *b, size_t b_len);

#endif
