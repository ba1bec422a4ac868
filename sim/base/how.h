/*
 * how.h - where a number comes from; carried by every parameter and every prediction.
 *
 * Layer base. Ordered from best to worst: what is made of several numbers comes from the worst of them.
 */
#ifndef SIM_BASE_HOW_H
#define SIM_BASE_HOW_H

enum how { HOW_MEASURED, HOW_INTERPOLATED, HOW_TRANSFERRED, HOW_DATASHEET, HOW_N };

extern const char *const how_names[HOW_N + 1]; /* "measured", ...; NULL-terminated */

static inline enum how how_worse(enum how a, enum how b)
{
	return a > b ? a : b;
}

#endif
