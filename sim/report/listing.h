/*
 * listing.h - the hardware, models and scenarios that can be named, with their main figures, as a table of text, as
 * JSON, whole or by lines, or as names alone.
 *
 * Layer report. A file that cannot be read is listed without figures.
 */
#ifndef SIM_REPORT_LISTING_H
#define SIM_REPORT_LISTING_H
#include "sim/base/str.h"
#include "sim/conf/load.h"

enum listing_kind { LISTING_HARDWARE, LISTING_MODELS, LISTING_SCENARIOS, LISTING_N };
extern const char *const listing_kinds[LISTING_N + 1]; /* their folders; NULL-terminated */

/* LISTING_JSONL: the objects of LISTING_JSON, one a line. LISTING_NAMES: what a verb takes for a machine, link, model or
 * scenario, one a line, variants included. */
enum listing_format { LISTING_TABLE, LISTING_JSON, LISTING_JSONL, LISTING_NAMES, LISTING_FORMAT_N };
extern const char *const listing_format_names[LISTING_FORMAT_N + 1]; /* NULL-terminated */

/* Appends the files of the given kinds in the loader's paths. A table or list of names stays empty if there is none. Adds
 * no diagnostics. width: columns of the terminal for LISTING_TABLE, 0 for as wide as it takes. */
void listing_write(struct loader *loader, const bool kinds[LISTING_N], enum listing_format format, int width,
		   struct str *out);

#endif
