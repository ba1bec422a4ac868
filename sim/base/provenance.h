/*
 * provenance.h - where a number comes from; carried by every parameter and every prediction.
 *
 * Layer base. Ordered from best to worst: what is made of several numbers comes from the worst of them.
 */
#ifndef SIM_BASE_PROVENANCE_H
#define SIM_BASE_PROVENANCE_H

enum provenance {
	PROVENANCE_MEASURED,
	PROVENANCE_INTERPOLATED,
	PROVENANCE_TRANSFERRED,
	PROVENANCE_DATASHEET,
	PROVENANCE_N
};

extern const char *const provenance_names[PROVENANCE_N + 1]; /* "measured", ...; NULL-terminated */

static inline enum provenance provenance_worse(enum provenance a, enum provenance b)
{
	return a > b ? a : b;
}

#endif
