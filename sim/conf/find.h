/*
 * find.h - from a name to its file: the search that load.h describes.
 *
 * Layer conf, for load.c. A folder is read once; what it holds is taken not to change while a loader lives.
 */
#ifndef SIM_CONF_FIND_H
#define SIM_CONF_FIND_H
#include "sim/conf/load.h"

struct target {
	const char *path;    /* NULL: nothing */
	const char *variant; /* NULL: the file as it is */
};

/* The file, and of it the variant, that a name stands for; nothing, with a complaint at node, where there is
 * none. */
struct target find_target(struct loader *l, const struct yml *node, const char *folder);

#endif
