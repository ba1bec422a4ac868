/* memory.c - see memory.h. */
#include "sim/llm/memory.h"

#include "sim/llm/projections.h"

double graph_hidden_B(const struct model *m, const struct precision *p)
{
	return format_bytes((enum format_id)p->compute, (double)m->hidden);
}

double graph_kv_B(const struct model *m, const struct precision *p, struct part part, int64_t batch,
		  int64_t tokens)
{
	return format_bytes((enum format_id)p->kv, (double)batch * part_cache_numbers(m, part, tokens));
}

int64_t graph_seen(const struct model *m, const struct shape *s, struct part part)
{
	const int64_t all = s->past + s->tokens, window = part_window(m, part);

	if (!part_attention(m, part))
		return all;
	return window && window - 1 + s->tokens < all ? window - 1 + s->tokens : all;
}

/* The widths that a mixer works with. */
static struct widths widths_of(const struct model *m, struct part part)
{
	const struct attention *a = part.role == ROLE_ATTENTION ? part_attention(m, part) : NULL;
	const struct recurrent *r = part.role == ROLE_ATTENTION ? part_recurrent(m, part) : NULL;
	struct widths w = {0, 0, 0};

	if (a)
		w = attention_widths(a);
	if (r) {
		const struct recurrence_cost c = recurrence_cost(m, r);

		w.q += c.width > 0 ? c.width : c.conv;
		w.out += c.out;
	}
	return w;
}

static double score_heads(const struct model *m, struct part part)
{
	const struct attention *a = part.role == ROLE_ATTENTION ? part_attention(m, part) : NULL;

	return a ? (double)a->heads : 0;
}

static const unsigned qkv = 1u << ADAPTER_Q | 1u << ADAPTER_K | 1u << ADAPTER_V, o = 1u << ADAPTER_O,
		      up = 1u << ADAPTER_GATE | 1u << ADAPTER_UP, down = 1u << ADAPTER_DOWN;

/* Is the input of those projections needed for the gradients of weights or adapters? */
static bool needed(const struct shape *s, unsigned adapters)
{
	return s->train_weights || (s->adapters & adapters);
}

/* Numbers that adapters keep between their two products, for each row. */
static double ranks(const struct shape *s, unsigned adapters)
{
	double n = 0;

	for (unsigned i = 0; i < ADAPTER_N; i++)
		n += s->adapters & adapters & 1u << i ? (double)s->lora_rank : 0;
	return n;
}

/* Numbers that an FFN keeps for each row: gate, its activation and up (or up alone), and the input of down.
 */
static double ffn_saved(const struct shape *s, double inner, bool gated)
{
	return ((gated ? 3 : 1) + (needed(s, 1u << ADAPTER_DOWN) ? 1 : 0)) * inner;
}

double graph_copies_B(const struct model *m, const struct precision *p, const struct shape *s,
		      struct part part, double copies, double copies_f32)
{
	double numbers = 0;

	if (part.role == ROLE_ATTENTION)
		numbers = (double)graph_rows(s) * score_heads(m, part) * (double)graph_seen(m, s, part);
	if (part.role == ROLE_HEAD && m->ends)
		numbers = (double)graph_head_rows(s) * (double)m->vocabulary;
	return format_bytes((enum format_id)p->compute, numbers * copies) +
	       format_bytes(FORMAT_F32, numbers * copies_f32);
}

/* Numbers of each row in the tensors that a part's adapters read. */
static double adapter_inputs(const struct model *m, const struct shape *s, struct part part)
{
	const struct experts *x = m->experts;
	const bool in = s->adapters & (part.role == ROLE_ATTENTION ? qkv : up),
		   out = s->adapters & (part.role == ROLE_ATTENTION ? o : down);
	const double h = (double)m->hidden;

	switch (part.role) {
	case ROLE_ATTENTION:
		return (in ? h : 0) + (out ? widths_of(m, part).out : 0);
	case ROLE_FFN:
		return (in ? h : 0) + (out ? (double)part_ffn(m, part)->inner : 0);
	case ROLE_SHARED:
		return (in ? h : 0) + (out ? (double)experts_shared_inner(x) : 0);
	case ROLE_EXPERTS:
		return (double)x->active *
		       ((in ? (double)experts_width(m) : 0) + (out ? (double)x->inner : 0));
	case ROLE_ROUTER:
	case ROLE_HEAD:
	case ROLE_EMBEDDING:
	case ROLE_N:
		break;
	}
	return 0;
}

double graph_saved_B(const struct model *m, const struct precision *p, const struct shape *s,
		     struct part part, const struct copies *copies)
{
	const struct experts *x = m->experts;
	const struct widths w = widths_of(m, part);
	const double rows = (double)graph_rows(s), h = (double)m->hidden;
	double numbers = 0;
	double copied_B =
		format_bytes(FORMAT_F32, copies->adapter_inputs_f32 * rows * adapter_inputs(m, s, part));

	switch (part.role) {
	case ROLE_ATTENTION: /* input, normed input, q, k, v, probabilities, what goes into o */
		numbers = h + (m->norms && needed(s, qkv) ? h : 0) + w.q + w.kv + w.out + ranks(s, qkv | o);
		if (!s->scores_again)
			copied_B += graph_copies_B(m, p, s, part, copies->scores, copies->scores_f32);
		break;
	case ROLE_FFN: /* input, normed input, and between the projections */
		numbers = h + (m->norms && needed(s, up) ? h : 0) +
			  ffn_saved(s, (double)part_ffn(m, part)->inner,
				    part_ffn(m, part)->kind == FFN_SWIGLU) +
			  ranks(s, up | down);
		break;
	case ROLE_ROUTER: /* input, normed input (the experts' too), the experts' probabilities */
		numbers = h + (m->norms ? h : 0) + (double)x->count;
		break;
	case ROLE_SHARED: /* its input is the router's */
		numbers = ffn_saved(s, (double)experts_shared_inner(x), x->kind == FFN_SWIGLU) +
			  ranks(s, up | down);
		break;
	case ROLE_EXPERTS: /* each token's row for each of its experts; what each expert made */
		numbers = (double)x->active *
			  ((needed(s, up) ? 2 : 1) * (double)experts_width(m) +
			   ffn_saved(s, (double)x->inner, x->kind == FFN_SWIGLU) + ranks(s, up | down));
		break;
	case ROLE_HEAD: /* input, normed input, logits and their gradient; of those rows that have logits */
		if (!m->ends)
			return 0;
		numbers = (double)graph_head_rows(s);
		return format_bytes((enum format_id)p->compute, numbers * (needed(s, 0) ? 2 : 1) * h) +
		       graph_copies_B(m, p, s, part, copies->logits, copies->logits_f32);
	case ROLE_EMBEDDING:
	case ROLE_N:
		break;
	}
	return format_bytes((enum format_id)p->compute, rows * numbers) + copied_B;
}

double graph_live_B(const struct model *m, const struct precision *p, const struct shape *s, struct part part,
		    bool scores)
{
	const struct experts *x = m->experts;
	const struct widths w = widths_of(m, part);
	const double rows = (double)graph_rows(s), h = (double)m->hidden;
	double numbers = 0;

	switch (part.role) {
	case ROLE_EMBEDDING:
		numbers = rows * h;
		break;
	case ROLE_ATTENTION: /* residual, normed input, q, k, v, output; scores and their softmax */
		numbers = rows * (2 * h + w.q + w.out + w.kv +
				  (scores ? 2 * score_heads(m, part) * (double)graph_seen(m, s, part) : 0));
		break;
	case ROLE_FFN: /* residual, normed input, gate, up */
		numbers = rows * (2 * h + (part_ffn(m, part)->kind == FFN_SWIGLU ? 2 : 1) *
						  (double)part_ffn(m, part)->inner);
		break;
	case ROLE_ROUTER:
		numbers = rows * (2 * h + (double)x->count);
		break;
	case ROLE_SHARED:
		numbers = rows * (3 * h + 2 * (double)experts_shared_inner(x));
		break;
	case ROLE_EXPERTS: /* residual, normed input, and for each expert of a token: its row, gate, up */
		numbers = rows * (2 * h + (double)x->active * (h + 2 * (double)x->inner));
		break;
	case ROLE_HEAD: /* residual, normed input, logits */
		numbers = m->ends ? rows * h + (double)graph_head_rows(s) * (h + (double)m->vocabulary) : 0;
		break;
	case ROLE_N:
		break;
	}
	return format_bytes((enum format_id)p->compute, numbers);
}
