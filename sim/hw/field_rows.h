/*
 * field_rows.h - rows of the tables of hardware files; private to the room.
 *
 * Layer hw.
 */
#ifndef SIM_HW_FIELD_ROWS_H
#define SIM_HW_FIELD_ROWS_H
#include "sim/hw/hw.h"

#define QTY(strukt, member, d, lo, hi, text)                                                                 \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_QTY, .dim = d, .min = lo, .max = hi, .help = text   \
	}
#define QTY_OPT(strukt, member, d, lo, hi, text)                                                             \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_QTY, .dim = d, .min = lo, .max = hi, .help = text,  \
					   .optional = true                                                  \
	}
#define RATE(strukt, member, text)                                                                           \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_QTY, .dim = DIM_BANDWIDTH, .min = 1e3, .max = 1e15, \
					   .share_of = "bus", .help = text                                   \
	}
#define RATE_OPT(strukt, member, text)                                                                       \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_QTY, .dim = DIM_BANDWIDTH, .min = 1e3, .max = 1e15, \
					   .share_of = "bus", .optional = true, .help = text                 \
	}
#define SUB_OPT(strukt, member, table_of, text)                                                              \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_TABLE, .sub = &table_of, .help = text,              \
					   .optional = true                                                  \
	}
#define SUB(strukt, member, table_of, text)                                                                  \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_TABLE, .sub = &table_of, .help = text               \
	}
#define COUNT(strukt, member, hi, text)                                                                      \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_COUNT, .min = 1, .max = hi, .help = text            \
	}
#define COUNT_OPT(strukt, member, hi, text)                                                                  \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_COUNT, .min = 1, .max = hi, .optional = true,       \
					   .help = text                                                      \
	}

extern const struct table profile_table; /* struct profile: what a runtime reaches on a device */
/* of it, in reach_fields.c: struct beyond_width without its conditions, struct beyond, struct chip_reach, struct model_reach */
extern const struct table width_table, beyond_table, chip_table, reach_table;

#endif
