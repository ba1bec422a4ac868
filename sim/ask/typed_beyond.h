/*
 * typed_beyond.h - what a typed machine says beyond one device as it is sold: several of them, a limit of power, a variant.
 *
 * Layer ask. Drivers and owners put words behind a name: "(RADV NAVI31)" says nothing that matters, "(x2)" or "(220 W)" says
 * that the rows are of something else than the one device of the catalogue.
 */
#ifndef SIM_ASK_TYPED_BEYOND_H
#define SIM_ASK_TYPED_BEYOND_H
#include <stdbool.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"

/* 0: one device as it is sold; -1 with err and a hint: several ("2x RTX 3090", "RTX 3090 (pair)"), or behind the name in
 * brackets a limit of power, a size or a variant, such as "(mobile)". To be asked of a text that names no machine as a whole. */
int typed_is_one(const char *text, struct err *err);

/* The text without "1x " before or " x1" behind it; the text itself where it has neither. */
const char *typed_without_one(struct arena *a, const char *text);

/* Does it say that the machine is a MacBook Air: "Air", "MBA"? */
bool typed_is_air(const char *text);

#endif
