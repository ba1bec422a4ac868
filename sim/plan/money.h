/*
 * money.h - what a fleet costs a month, and when it is cheaper than paying for tokens.
 *
 * Layer plan. A machine's price is spread over its life; electricity is that of idle machines and, while the
 * load lasts, of busy ones for the share of time that the simulation finds them busy. The load lasts for the
 * share `utilisation` of the day; a batch lasts until it is done, once a day.
 */
#ifndef SIM_PLAN_MONEY_H
#define SIM_PLAN_MONEY_H
#include "sim/world/money.h"
#include "sim/world/plan.h"

struct plan_use {              /* a fleet in use */
	double price;          /* USD */
	double idle_W, load_W; /* when idle; on average while the load lasts */
	double share;          /* part of the day that the load lasts */
	double requests;       /* a day */
	double prompt, output; /* tokens of a request */
};

enum plan_factor { FACTOR_PRICE, FACTOR_ELECTRICITY, FACTOR_LOAD, PLAN_FACTORS };
struct plan_money {
	bool asked;                                       /* there is an API to compare with */
	double price_month, electricity_month, api_month; /* USD */
	double tokens_day;                                /* prompts and answers */
	double even_tokens_day; /* both cost the same at so many; INFINITY: electricity alone costs more */
	double months;          /* until the machines are paid; INFINITY: never */
	double months_by[PLAN_FACTORS][2]; /* the same with a fifth less and more of each */
};
struct plan_money plan_money_of(const struct money *m, const struct plan_api *api,
				const struct plan_use *use);
/* What machines of that price cost a month, without electricity. */
double plan_month_price(const struct money *m, double usd);

#endif
