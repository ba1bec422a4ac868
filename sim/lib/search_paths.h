/*
 * search_paths.h - the folders in which names of machines, models and scenarios are looked for, by one rule for the
 * program and the library.
 *
 * Layer lib.
 */
#ifndef SIM_LIB_SEARCH_PATHS_H
#define SIM_LIB_SEARCH_PATHS_H
#include "sim/base/texts.h"

/* What was said, then the folders of LEMURSIM_PATH, the checkout (NULL: none) and the installed share directory. */
struct texts search_paths(struct arena *a, const struct texts *said, const char *checkout);

#endif
