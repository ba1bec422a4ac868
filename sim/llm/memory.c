/* memory.c - see memory.h. */
#include "sim/llm/memory.h"

double graph_hidden_B(const struct model *m, const struct precision *p)
{
	return format_bytes((enum format_id)p->compute, (double)m->hidden);
}

double graph_kv_B(const struct model *m, const struct precision *p, struct part part, int64_t batch,
		  int64_t tokens)
{
	return format_bytes((enum format_id)p->kv,
			    (double)(batch * part_cached(m, part, tokens)) * model_kv_numbers_per_token(m));
}

int64_t graph_seen(const struct model *m, const struct shape *s, struct part part)
{
	const int64_t all = s->past + s->tokens, window = m->attention.window;

	return part.windowed && window - 1 + s->tokens < all ? window - 1 + s->tokens : all;
}

int64_t graph_head_rows(const struct shape *s)
{
	return s->all_logits ? s->batch * s->tokens : s->batch;
}

/* Numbers of one token's queries, keys and values, and of what goes into o. */
struct widths {
	double q, kv, out;
};
static struct widths widths_of(const struct attention *a)
{
	const double heads = (double)a->heads;
	const struct latent *l = a->latent;

	if (l)
		return (struct widths){heads * (double)(l->nope_dim + l->rope_dim),
				       heads * (double)(l->nope_dim + l->value_dim) + (double)l->rope_dim,
				       heads * (double)l->value_dim};
	return (struct widths){heads * (double)a->head_dim, 2 * (double)(a->kv_heads * a->head_dim),
			       heads * (double)a->head_dim};
}

double graph_saved_B(const struct model *m, const struct precision *p, const struct shape *s,
		     struct part part)
{
	const struct experts *x = m->experts;
	const struct widths w = widths_of(&m->attention);
	const double rows = (double)(s->batch * s->tokens), h = (double)m->hidden, in = m->norms ? 2 * h : h;
	double numbers = 0;

	switch (part.role) {
	case ROLE_ATTENTION: /* input, normed input, q, k, v, probabilities, what goes into o */
		numbers = rows * (in + w.q + w.kv +
				  (double)m->attention.heads * (double)graph_seen(m, s, part) + w.out);
		break;
	case ROLE_FFN: /* input, normed input, gate, its activation, up, what goes into down */
		numbers = rows * (in + (m->ffn->kind == FFN_SWIGLU ? 4 : 2) * (double)m->ffn->inner);
		break;
	case ROLE_ROUTER: /* input, normed input, the experts' probabilities */
		numbers = rows * (in + (double)x->count);
		break;
	case ROLE_SHARED: /* its input is the router's */
		numbers = rows * 4 * (double)experts_shared_inner(x);
		break;
	case ROLE_EXPERTS: /* each token's row for each of its experts; what each expert made */
		numbers = rows * (double)x->active * (2 * h + 4 * (double)x->inner);
		break;
	case ROLE_HEAD: /* input, normed input, logits and their gradient */
		numbers = m->ends ? (double)graph_head_rows(s) * (2 * h + 2 * (double)m->vocabulary) : 0;
		break;
	case ROLE_EMBEDDING:
	case ROLE_N:
		break;
	}
	return format_bytes((enum format_id)p->compute, numbers);
}

double graph_live_B(const struct model *m, const struct precision *p, const struct shape *s, struct part part,
		    bool scores)
{
	const struct experts *x = m->experts;
	const struct widths w = widths_of(&m->attention);
	const double rows = (double)(s->batch * s->tokens), h = (double)m->hidden;
	double numbers = 0;

	switch (part.role) {
	case ROLE_EMBEDDING:
		numbers = rows * h;
		break;
	case ROLE_ATTENTION: /* residual, normed input, q, k, v, output; scores and their softmax */
		numbers = rows *
			  (2 * h + w.q + w.out + w.kv +
			   (scores ? 2 * (double)m->attention.heads * (double)graph_seen(m, s, part) : 0));
		break;
	case ROLE_FFN: /* residual, normed input, gate, up */
		numbers = rows * (2 * h + (m->ffn->kind == FFN_SWIGLU ? 2 : 1) * (double)m->ffn->inner);
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
