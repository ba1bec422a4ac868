/* mix_iq.c - see mix_iq.h. */
#include "sim/llm/mix_iq.h"

/* A file type: the format that it is named after, and its exceptions. */
static const struct row {
	bool is; /* such a file type */
	int mix;
	enum format_id base, table, head;
	enum format_id v, few_v; /* for four or more query heads to a key, or four or more experts; else */
	enum format_id qk, o;
	enum format_id first_down; /* in the first eighth of the layers */
} rows[MIX_N] = {
/* [mix] */
#define ROW(mix, base, table, head, v, few_v, qk, o, down)                                                   \
	[mix] = {true,           mix,         FORMAT_##base, FORMAT_##table, FORMAT_##head, FORMAT_##v,      \
		 FORMAT_##few_v, FORMAT_##qk, FORMAT_##o,    FORMAT_##down}
	ROW(FORMAT_IQ1_S, IQ1_S, Q2_K, Q5_K, Q4_K, Q2_K, IQ1_S, IQ2_XXS, Q2_K),
	ROW(FORMAT_IQ1_M, IQ1_M, Q2_K, Q5_K, Q4_K, Q2_K, IQ1_M, IQ2_XXS, Q2_K),
	ROW(FORMAT_IQ2_XXS, IQ2_XXS, Q2_K, Q5_K, Q4_K, Q2_K, IQ2_XXS, IQ2_XXS, Q2_K),
	ROW(FORMAT_IQ2_XS, IQ2_XS, Q2_K, Q5_K, Q4_K, Q2_K, IQ2_XS, IQ2_XS, Q2_K),
	ROW(FORMAT_IQ2_S, IQ2_XS, IQ3_S, Q5_K, Q4_K, IQ3_S, IQ2_XS, IQ3_S, IQ3_S),
	ROW(MIX_IQ2_M, IQ2_S, IQ3_S, Q5_K, Q4_K, IQ3_S, IQ2_S, IQ3_S, IQ3_S),
	ROW(FORMAT_IQ3_XXS, IQ3_XXS, IQ3_S, Q5_K, Q4_K, IQ3_XXS, IQ2_S, IQ3_S, IQ3_XXS),
	ROW(MIX_IQ3_XS, IQ3_S, IQ3_S, Q6_K, Q4_K, IQ3_S, IQ3_XXS, IQ3_S, IQ3_S),
	ROW(FORMAT_IQ3_S, IQ3_S, IQ3_S, Q6_K, Q4_K, IQ3_S, IQ3_S, IQ3_S, IQ3_S),
	ROW(MIX_IQ3_M, IQ3_S, IQ3_S, Q6_K, Q4_K, Q4_K, IQ3_S, Q4_K, Q4_K),
	ROW(MIX_Q2_K_S, Q2_K, Q2_K, Q6_K, Q4_K, Q2_K, Q2_K, Q2_K, Q4_K),
	ROW(FORMAT_TQ1_0, TQ1_0, Q4_K, Q6_K, TQ1_0, TQ1_0, TQ1_0, TQ1_0, TQ1_0),
	ROW(FORMAT_TQ2_0, TQ2_0, Q4_K, Q6_K, TQ2_0, TQ2_0, TQ2_0, TQ2_0, TQ2_0),
#undef ROW
};

static const struct row *row_of(int mix)
{
	return mix >= 0 && mix < MIX_N && rows[mix].is ? &rows[mix] : NULL;
}

bool mix_iq_has(int mix)
{
	return row_of(mix) != NULL;
}

enum format_id mix_iq_base(int mix)
{
	return row_of(mix)->base;
}

/* Up to IQ2_M, eight experts have keys and what leaves attention in more bits. */
static bool eight_get_more(const struct row *r)
{
	return r->head == FORMAT_Q5_K && r->mix != FORMAT_IQ3_XXS;
}

enum format_id mix_iq_format(int mix, const struct iq_about *x)
{
	const struct row *r = row_of(mix);
	const bool first = x->layer < x->layers / 8, last = x->layer >= 7 * x->layers / 8,
		   eight = x->experts == 8 && eight_get_more(r);

	switch (x->t) {
	case TENSOR_EMBEDDING:
		return r->table;
	case TENSOR_HEAD:
		return r->head;
	case TENSOR_V:
	case TENSOR_QKV:
		return x->gqa >= 4 || (x->experts >= 4 && eight_get_more(r)) ? r->v : r->few_v;
	case TENSOR_Q:
		return r->qk;
	case TENSOR_K:
		return eight ? FORMAT_Q4_K : r->qk;
	case TENSOR_O:
		return eight ? FORMAT_Q5_K : r->o;
	case TENSOR_DOWN:
	case TENSOR_SHARED_DOWN:
	case TENSOR_EXPERT_DOWN:
		return first ? r->first_down : r->base;
	case TENSOR_UP:
	case TENSOR_SHARED_UP:
	case TENSOR_EXPERT_UP:
		return mix == MIX_IQ3_XS && !first && !last ? FORMAT_IQ3_XXS : r->base;
	default:
		return r->base;
	}
}
