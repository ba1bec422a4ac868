/* provenance.c - see provenance.h. */
#include "sim/base/provenance.h"

#include <stddef.h>

const char *const provenance_names[PROVENANCE_N + 1] = {
	[PROVENANCE_MEASURED] = "measured",
	[PROVENANCE_INTERPOLATED] = "interpolated",
	[PROVENANCE_TRANSFERRED] = "transferred",
	[PROVENANCE_DATASHEET] = "datasheet",
	[PROVENANCE_N] = NULL,
};
