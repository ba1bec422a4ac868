/*
 * find.h - finds the file that a name stands for, as load.h describes.
 *
 * Layer conf, for load.c. A folder is read once; its files are assumed not to change while a loader exists.
 */
#ifndef SIM_CONF_FIND_H
#define SIM_CONF_FIND_H
#include "sim/conf/load.h"

struct target {
	const char *path;    /* NULL: not found */
	const char *variant; /* NULL: the file without a variant */
};

/* The file and variant that a name stands for. If there is none, path is NULL and a diagnostic is reported
 * at node. */
struct target find_target(struct loader *l, const struct yml *node, const char *folder);

/* Adds a hint to the error that a user has named a file which is not there. */
void find_hint(struct loader *l, const char *name, struct err *err);

/* The same of a path: the nearest name in its directory, if one is near, or that it is a link to nothing. */
void find_hint_beside(struct loader *l, const char *path, struct err *err);

#endif
