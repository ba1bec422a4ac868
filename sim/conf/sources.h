/*
 * sources.h - the list `sources:` of a file: the sources of its figures, each with a key.
 *
 * Layer conf. A figure names its source by `source: KEY`, so that it fits in one line and a change of it
 * changes one line. A source that is not a key of the list is the text itself, as in files without a list.
 */
#ifndef SIM_CONF_SOURCES_H
#define SIM_CONF_SOURCES_H
#include "sim/conf/yml.h"

/* Replaces every `source: KEY` of a tree by the text of the key and removes the list. Reported are a list
 * that is not a mapping of texts, a key that no figure uses, and a source that resembles a key. */
void sources_resolve(struct arena *a, struct yml *tree, struct diags *diags);

/* Appends a file's text to out, with quoted sources moved to the list: those that occur more than once,
 * and those whose line is longer than SOURCES_COLUMNS. An existing list must be the last block of the
 * text. Keys are made from the first words of a source; lines of the list are wrapped. */
enum { SOURCES_COLUMNS = 110 };
void sources_list(const char *text, struct str *out);

#endif
