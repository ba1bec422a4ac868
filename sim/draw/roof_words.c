/* roof_words.c - see roof_words.h. */
#include "sim/draw/roof_words.h"

#include "sim/base/units.h"

double roof_ridge(const struct roof *r)
{
	return r->peak_flops / r->read_Bps;
}

void roof_add_figures(struct str *out, double flops, double Bps)
{
	units_format(out, flops, DIM_FLOPS, 4);
	str_add(out, " \xc2\xb7 ");
	units_format(out, Bps, DIM_BANDWIDTH, 4);
	str_addf(out, " \xc2\xb7 ridge %.4g FLOP/B", flops / Bps);
}

bool roof_has_limit(const struct roof *roof)
{
	return roof->limit_flops > 0.0 && roof->limit_Bps > 0.0;
}

void roof_add(struct str *out, const struct roof *roof)
{
	if (roof->peak_from == roof->read_from) {
		str_addf(out, "%s ", provenance_names[roof->peak_from]);
		roof_add_figures(out, roof->peak_flops, roof->read_Bps);
		return;
	}
	str_addf(out, "%s ", provenance_names[roof->peak_from]);
	units_format(out, roof->peak_flops, DIM_FLOPS, 4);
	str_addf(out, " \xc2\xb7 %s ", provenance_names[roof->read_from]);
	units_format(out, roof->read_Bps, DIM_BANDWIDTH, 4);
	str_addf(out, " \xc2\xb7 ridge %.4g FLOP/B", roof_ridge(roof));
}

void roof_describe(struct str *out, const struct roof *roof)
{
	str_addf(out, "%s\n", roof->name);
	roof_add(out, roof);
	if (roof_has_limit(roof)) {
		str_add(out, "\nthe chip's limits: ");
		roof_add_figures(out, roof->limit_flops, roof->limit_Bps);
	}
}

bool roofline_is_measured(const struct roofline *r)
{
	for (size_t i = 0; i < r->roofs_n; i++)
		if (r->roofs[i].peak_from != PROVENANCE_MEASURED ||
		    r->roofs[i].read_from != PROVENANCE_MEASURED)
			return false;
	return true;
}
