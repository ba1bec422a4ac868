/*
 * look_up.h - the machine, model or link of the catalogue that somebody means; see typed.h.
 *
 * Layer ask. Names are looked up in the current directory, under each --path and where lemursim is installed. A machine
 * is known by its file's name, the key of its variant and its `sold_as`; what is not said of its cores and memory is
 * the least it is sold with. Of models and links every number that tells two apart must be said. A file of hardware that
 * cannot be read is both a machine and a link of its file's name: whoever loads it finds the error.
 */
#ifndef SIM_ASK_LOOK_UP_H
#define SIM_ASK_LOOK_UP_H
#include "sim/ask/typed.h"
#include "sim/conf/load.h"

enum catalogue { CATALOGUE_MACHINES, CATALOGUE_LINKS, CATALOGUE_MODELS };

/* Every name of a kind, a machine also as each of its variants, sorted; in the loader's arena. `like`: only files that
 * have most in common with that text, NULL: all. */
size_t catalogue_names(struct loader *l, enum catalogue kind, const char *like, struct known_name **names);

/* Is it the path of a file, not a name? It is one where it ends in .yaml or .yml. */
bool look_up_is_file(const char *text);

/* The name in the catalogue, or the path of a file as it may stand in a scenario here; NULL with err, whose hint lists what
 * may be meant. The files read to find it do not become inputs of l. */
const char *look_up(struct loader *l, enum catalogue kind, const char *text, struct err *err);
/* The same, with how many names differ from it in sizes that were not typed, itself included. */
const char *look_up_of(struct loader *l, enum catalogue kind, const char *text, size_t *sizes,
		       struct err *err);

/* A link as the collective operations of a runtime were measured to use it: "nvlink-4-vllm" for "nvlink-4" under "vllm@2026-04"
 * where the catalogue has it; else, and of a file, the link itself. */
const char *look_up_link_under(struct loader *l, const char *id, const char *runtime);

#endif
