/* how.c - see how.h. */
#include "sim/base/how.h"

#include <stddef.h>

const char *const how_names[HOW_N + 1] = {
	[HOW_MEASURED] = "measured",
	[HOW_INTERPOLATED] = "interpolated",
	[HOW_TRANSFERRED] = "transferred",
	[HOW_DATASHEET] = "datasheet",
	[HOW_N] = NULL,
};
