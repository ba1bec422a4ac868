/*
 * listing.h - the hardware, models and scenarios that can be named, with their main figures, as a table of text, as
 * JSON, or as names alone.
 *
 * Layer report. A file that cannot be read is listed without figures.
 */
#ifndef SIM_REPORT_LISTING_H
#define SIM_REPORT_LISTING_H
#include "sim/base/str.h"
#include "sim/conf/load.h"

enum listing_kind { LISTING_HARDWARE, LISTING_MODELS, LISTING_SCENARIOS, LISTING_N };
extern const char *const listing_kinds[LISTING_N + 1]; /* their folders; NULL-terminated */

/* LISTING_NAMES: what a verb takes for a machine, link, model or scenario, one a line, variants included. */
enum listing_format { LISTING_TABLE, LISTING_JSON, LISTING_NAMES, LISTING_FORMAT_N };

/* Appends the files of the given kinds in the loader's paths. A table or list of names stays empty if there is none. Adds
 * no diagnostics. */
void listing_write(struct loader *loader, const bool kinds[LISTING_N], enum listing_format format,
		   struct str *out);

#endif
