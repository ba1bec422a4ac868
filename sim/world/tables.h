/*
 * tables.h - rows that the field tables of several jobs share.
 *
 * Layer world; only for the files with tables.
 */
#ifndef SIM_WORLD_TABLES_H
#define SIM_WORLD_TABLES_H
#include "sim/conf/field.h"

/* A number of tokens, at least one. */
#define TOKENS(strukt, member, text)                                                                         \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_COUNT, .dim = DIM_TOKENS, .min = 1, .max = 1 << 22, \
					   .help = text                                                      \
	}
/* A number of things, from one to hi; d: its default as text. */
#define COUNT(strukt, member, hi, d, text)                                                                   \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_COUNT, .min = 1, .max = hi, .def = d, .help = text  \
	}

/* The treatment of a sequence that is longer than the model's context. */
#define BEYOND_CONTEXT(strukt)                                                                               \
	{                                                                                                    \
		FIELD_KEY(strukt, beyond_context), .type = FIELD_CHOICE, .choices = beyond_contexts,         \
						   .def = "refuse",                                          \
						   .help = "sequences longer than the model's context"       \
	}

#endif
