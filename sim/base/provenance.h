/*
 * provenance.h - the provenance of a number: measured, interpolated, transferred or from a data sheet.
 *
 * Layer base. Every parameter and every prediction has one. The values are ordered from best to worst: a
 * number computed from several others has the worst provenance among them.
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
