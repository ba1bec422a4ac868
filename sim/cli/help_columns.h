/*
 * help_columns.h - the columns and keys of every output that programs read.
 *
 * Layer cli.
 */
#ifndef SIM_CLI_HELP_COLUMNS_H
#define SIM_CLI_HELP_COLUMNS_H
#include <stddef.h>

#include "sim/base/str.h"

/* Appends name, unit and meaning of each column of csv and Markdown and of each key of JSON, then of each metric. */
void columns_help(size_t width, struct str *out);

#endif
