/* imported.h - what an import says of a text, for tests of room import. */
#ifndef TESTS_IMPORTED_H
#define TESTS_IMPORTED_H
#include "sim/import/import.h"

/* Its complaints, or the model file and the model in it. */
struct outcome {
	bool right;
	const char *text;
	struct model m;
};

/* Imports a config.json of that text; in the arena. assume: as --assume does. */
struct outcome import_text(struct arena *a, const char *text, bool assume);

/* The text of a file of at most 1 MiB, in the arena; fails the test where it cannot be read. */
char *read_text(struct arena *a, const char *path);

#endif
