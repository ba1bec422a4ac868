/*
 * sources.h - where a file's figures come from, said once: a list `sources:` of texts by key.
 *
 * Layer conf. A figure then says `source: KEY`, so that it stands in one line and a change of it is a change
 * of one line. A source that is in no list is the text itself, as in files without a list.
 */
#ifndef SIM_CONF_SOURCES_H
#define SIM_CONF_SOURCES_H
#include "sim/conf/yml.h"

/* Replaces every `source: KEY` of a file's tree by the text of that key and drops the list. Complaints: a
 * list that is no mapping of texts, a key that no figure uses, a source that is nearly a key. */
void sources_resolve(struct arena *a, struct yml *tree, struct diags *diags);

/* Moves quoted sources of a file's text to its list: those that occur more than once and those whose line is
 * longer than SOURCES_COLUMNS. The list, if there is one, is the last block of the text; keys are made of the
 * sources' first words. Lines of the list are wrapped. out is appended to. */
enum { SOURCES_COLUMNS = 110 };
void sources_list(const char *text, struct str *out);

#endif
