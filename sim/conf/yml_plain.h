/*
 * yml_plain.h - reads the YAML that files are mostly written in, without libyaml.
 *
 * Layer conf, for yml_parse.c. Most of the time of a look into the catalogue went into libyaml, which reads a byte at a
 * time and allocates every token. What is read here: ASCII without tabs; mappings and lists in blocks and in brackets;
 * scalars without quotes, and in quotes without escapes, folded over lines; comments. Anything else, and anything
 * that is not valid, is left to libyaml, so that there is one reader that reports errors.
 */
#ifndef SIM_CONF_YML_PLAIN_H
#define SIM_CONF_YML_PLAIN_H
#include "sim/conf/yml.h"

/* The tree that libyaml gives for this text, with the same places; NULL: the text has something else in it, or is not
 * valid. The text is printable ASCII and line feeds. */
struct yml *yml_plain(struct arena *a, const struct source *source);

/* As yml_parse(), by libyaml alone. */
struct yml *yml_parse_any(struct arena *a, const struct source *source, struct diags *diags);

#endif
