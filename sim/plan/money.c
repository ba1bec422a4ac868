/* money.c - see money.h. */
#include "sim/plan/money.h"

#include <math.h>

static const double day_s = 86400, month_s = 2629800;

static double electricity_of(const struct money *m, const struct plan_use *use, double share)
{
	return m->electricity * (share * use->load_W + (1 - share) * use->idle_W);
}

static double api_usd(const struct plan_api *api, const struct plan_use *use)
{
	return (use->prompt * api->input + use->output * api->output) / 1e6;
}

/* Months until what an API costs more than electricity has paid for the machines. A larger load takes more of
 * the day. */
static double months_until(const struct money *m, const struct plan_api *api, const struct plan_use *use,
			   const double factors[PLAN_FACTORS])
{
	const double load = factors[FACTOR_LOAD], share = fmin(1, use->share * load),
		     saved = api_usd(api, use) * use->requests * load * month_s / day_s -
			     electricity_of(m, use, share) * factors[FACTOR_ELECTRICITY] * month_s;

	return saved > 0 ? use->price * factors[FACTOR_PRICE] / saved : INFINITY;
}

/* Requests a day at which machines with their idle power cost as much as the API. */
static double even_requests(const struct money *m, const struct plan_api *api, const struct plan_use *use)
{
	const double fixed = use->price * day_s / m->life + m->electricity * use->idle_W * day_s,
		     busy = m->electricity * (use->load_W - use->idle_W) * use->share * day_s / use->requests,
		     gain = api_usd(api, use) - busy;

	return gain > 0 ? fixed / gain : INFINITY;
}

double plan_month_price(const struct money *m, double usd)
{
	return usd * month_s / m->life;
}

struct plan_money plan_money_of(const struct money *m, const struct plan_api *api, const struct plan_use *use)
{
	struct plan_money r = {.asked = api != NULL,
			       .price_month = plan_month_price(m, use->price),
			       .electricity_month = electricity_of(m, use, use->share) * month_s,
			       .tokens_day = use->requests * (use->prompt + use->output)};
	double one[PLAN_FACTORS] = {1, 1, 1};

	if (!api)
		return r;
	r.api_month = api_usd(api, use) * use->requests * month_s / day_s;
	r.even_tokens_day = even_requests(m, api, use) * (use->prompt + use->output);
	r.months = months_until(m, api, use, one);
	for (int f = 0; f < PLAN_FACTORS; f++)
		for (int side = 0; side < 2; side++) {
			one[f] = side ? 1.2 : 0.8;
			r.months_by[f][side] = months_until(m, api, use, one);
			one[f] = 1;
		}
	return r;
}
