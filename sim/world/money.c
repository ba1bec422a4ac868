/* money.c - see money.h. */
#include "sim/world/money.h"

static const struct field money_fields[] = {
	{FIELD_KEY(struct money, electricity), .type = FIELD_DOUBLE, .dim = DIM_TARIFF, .min = 0,
	 .max = 100 / 3.6e6, .def = "0.30 USD/kWh", .help = "what a kilowatt-hour costs"},
	{FIELD_KEY(struct money, life), .type = FIELD_DOUBLE, .dim = DIM_LIFE, .min = 86400,
	 .max = 100 * 31557600.0, .def = "3 years", .help = "after which a machine is written off"},
	{FIELD_KEY(struct money, utilisation), .type = FIELD_DOUBLE, .dim = DIM_SHARE, .min = 0.001, .max = 1,
	 .def = "50 %", .help = "share of its life that a machine works; the rest it idles, switched on"},
};
const struct table money_table = {"money", sizeof(struct money), money_fields, ARRAY_LEN(money_fields)};
