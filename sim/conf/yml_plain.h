/*
 * yml_plain.h - the two readers behind yml_parse(): one for plain files, and libyaml for all that YAML can say.
 *
 * Layer conf, for yml_parse.c and its tests. Most files are of few forms: block mappings and lists, flow collections, scalars
 * that are plain or quoted on one line, comments. They are read some ten times faster without libyaml's queues of characters,
 * tokens and events. Whatever is not of these forms, or not right, is left to libyaml, which says what is wrong.
 */
#ifndef SIM_CONF_YML_PLAIN_H
#define SIM_CONF_YML_PLAIN_H
#include "sim/conf/yml.h"

/* The tree that yml_read_any() makes, with the same places; NULL: the text is not plain. The text must have passed
 * yml_parse()'s check of its bytes. */
struct yml *yml_read_plain(struct arena *a, const struct source *source);

bool yml_is_null(const char *plain); /* whether a plain scalar is YAML's null */

/* By libyaml. NULL if the text is not YAML, with the reason in diags. */
struct yml *yml_read_any(struct arena *a, const struct source *source, struct diags *diags);

#endif
