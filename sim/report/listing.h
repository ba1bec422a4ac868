/*
 * listing.h - the hardware, models and scenarios that can be named, with their main figures, as a table of text or
 * as JSON.
 *
 * Layer report. A file that cannot be read is listed without figures.
 */
#ifndef SIM_REPORT_LISTING_H
#define SIM_REPORT_LISTING_H
#include "sim/base/str.h"
#include "sim/conf/load.h"

enum listing_kind { LISTING_HARDWARE, LISTING_MODELS, LISTING_SCENARIOS, LISTING_N };
extern const char *const listing_kinds[LISTING_N + 1]; /* their folders; NULL-terminated */

/* Appends the files of the given kinds in the loader's paths. A table of text stays empty if there is none. Adds no
 * diagnostics. */
void listing_write(struct loader *loader, const bool kinds[LISTING_N], bool as_json, struct str *out);

#endif
