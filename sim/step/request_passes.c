/* request_passes.c - see request_passes.h. */
#include "sim/step/request_passes.h"

/* ---- which decode steps stand for all ---- */

/* Weights of the first step, the one h after it and the last of d + 1 steps, such that the weighted sum
 * equals the sum over all of them of the parabola through these three. */
static void weigh(double h, double d, struct request_sample *s)
{
	const double n = d + 1, sum = d * n / 2, squares = sum * (2 * d + 1) / 3;

	s[0].weight = d > 1 ? (squares - (h + d) * sum) / (h * d) + n : 1;
	s[1].weight = d > 1 ? (squares - d * sum) / (h * (h - d)) : 0;
	s[2].weight = d > 1 ? (squares - h * sum) / (d * (d - h)) : d;
}

/* Adds the samples of the steps at contexts first .. last, whose times lie on one parabola. */
static size_t add_piece(struct request_sample *s, int64_t first, int64_t last)
{
	const int64_t half = (last - first) / 2;

	s[0].past = first;
	s[1].past = first + half;
	s[2].past = last;
	weigh((double)half, (double)(last - first), s);
	return 3;
}

static bool has_window(const struct model *m)
{
	struct part_count parts[MODEL_PARTS];
	const size_t n = model_parts(m, parts);
	bool windowed = false;

	for (size_t i = 0; i < n; i++)
		windowed |= parts[i].part.windowed;
	return windowed;
}

/* Adds the samples of the steps at contexts first .. last, in one piece or in two. */
static size_t add_pieces(const struct model *m, int64_t first, int64_t last, struct request_sample *s)
{
	const int64_t full = model_window(m) - 1;
	size_t n;

	if (!has_window(m) || full < first || full >= last)
		return add_piece(s, first, last);
	if (full - first >= last - full) {
		n = add_piece(s, first, full);
		return n + add_piece(s + n, full + 1, last);
	}
	n = add_piece(s, full + 1, last);
	return n + add_piece(s + n, first, full);
}

size_t request_samples(const struct model *m, const struct generate_request *r,
		       struct request_sample samples[REQUEST_SAMPLES])
{
	const int64_t begin = r->depth + r->prompt, first = begin + (int64_t)r->per_step;
	const int64_t end = begin + r->decoded - 1, last = end > first ? end : first;
	const double steps = ((double)r->decoded - r->per_step) / r->per_step;
	size_t n;

	if (steps <= 0)
		return 0;
	n = add_pieces(m, first, last, samples);
	for (size_t i = 0; i < n; i++)
		samples[i].weight *= steps / (double)(last - first + 1);
	return n;
}

/* ---- passes ---- */

struct pass_list {
	struct request_pass *at;
	size_t n;
};

static int64_t tokens_in_chunks(const struct generate_request *r)
{
	return r->prompt - (r->prompt > 1 && r->last_apart);
}

static int64_t chunk_tokens(const struct generate_request *r)
{
	const int64_t tokens = tokens_in_chunks(r);

	return r->chunk > 0 && r->chunk < tokens ? r->chunk : tokens;
}

/* Adds the passes of the chunks of the prompts that are read together, `rounds` times. */
static void add_chunks(struct pass_list *list, const struct generate_request *r, int64_t prompts,
		       double rounds, bool drafts)
{
	const int64_t tokens = tokens_in_chunks(r), chunk = chunk_tokens(r);

	for (int64_t done = 0; done < tokens; done += chunk) {
		const bool last = tokens - done <= chunk;
		struct request_pass p = {.phase = PHASE_PREFILL,
					 .part = REQUEST_PROMPT,
					 .weight = rounds,
					 .drafts = drafts,
					 .reads_last = last,
					 .answers = last && !drafts && tokens == r->prompt,
					 .gives = last && !drafts};

		p.shape = (struct shape){
			.batch = prompts, .tokens = last ? tokens - done : chunk, .past = r->depth + done};
		list->at[list->n++] = p;
	}
}

static void add_decode(struct pass_list *list, int64_t batch, int64_t past, int part, double weight)
{
	struct request_pass p = {
		.phase = PHASE_DECODE, .part = part, .weight = weight, .answers = true, .gives = 1};

	p.shape = (struct shape){.batch = batch, .tokens = 1, .past = past};
	list->at[list->n++] = p;
}

static void add_prompts(struct pass_list *list, const struct generate_request *r, int64_t prompts,
			double rounds)
{
	add_chunks(list, r, prompts, rounds, false);
	if (r->draft)
		add_chunks(list, r, prompts, rounds, true);
	if (tokens_in_chunks(r) < r->prompt)
		add_decode(list, prompts, r->depth + r->prompt - 1, REQUEST_PROMPT, rounds);
}

/* Adds a decode step: one token; or a draft, generated token by token, and its check in one pass over the
 * draft and the token before it. */
static void add_step(struct pass_list *list, const struct generate_request *r, int64_t past, int part,
		     double weight)
{
	struct request_pass *p;

	for (int64_t i = 0; i < r->draft; i++) {
		add_decode(list, r->batch, past + i, part, weight);
		p = &list->at[list->n - 1];
		p->drafts = true;
		p->gives = i == r->draft - 1 ? r->draft : 1;
	}
	add_decode(list, r->batch, past, part, weight);
	p = &list->at[list->n - 1];
	p->shape.tokens = p->gives = r->draft + 1;
	p->checks = r->draft > 0;
}

/* An upper bound of the number of passes. */
static size_t passes_at_most(const struct generate_request *r)
{
	const int64_t chunks = r->prompt ? (tokens_in_chunks(r) + chunk_tokens(r) - 1) / chunk_tokens(r) : 0;

	return (size_t)(2 * (2 * chunks + 1) + (1 + REQUEST_SAMPLES) * (r->draft + 1));
}

size_t request_passes(struct arena *a, const struct model *m, const struct generate_request *r,
		      struct request_pass **passes)
{
	const int64_t at_once = r->at_once > 0 && r->at_once < r->batch ? r->at_once : r->batch;
	struct pass_list list = {arena_array(a, passes_at_most(r), sizeof *list.at), 0};
	struct request_sample samples[REQUEST_SAMPLES];
	const size_t n = request_samples(m, r, samples);

	if (r->prompt) {
		add_prompts(&list, r, at_once, (double)(r->batch / at_once));
		if (r->batch % at_once)
			add_prompts(&list, r, r->batch % at_once, 1);
	}
	if (r->prompt)
		list.at[0].begins = true;
	if (r->decoded)
		add_step(&list, r, r->depth + r->prompt, REQUEST_FIRST_STEP, 1);
	for (size_t i = 0; i < n; i++)
		add_step(&list, r, samples[i].past, REQUEST_FIRST_STEP + 1 + (int)i, samples[i].weight);
	*passes = list.at;
	return list.n;
}

bool request_pass_block(const struct request_pass *pass, const struct model *m, struct block block,
			struct prefill_rules rules, struct shape *shape)
{
	const bool prefill = pass->phase == PHASE_PREFILL, head = block.part.role == ROLE_HEAD;

	if (head && !pass->answers && !rules.all_logits)
		return false;
	if (prefill && rules.caches_only && !pass->answers && block.layer > model_last_cache(m))
		return false;
	if (head)
		shape->all_logits = prefill ? rules.all_logits : pass->checks;
	if (prefill && block_is_tail(m, block) && rules.last_row && !rules.all_logits)
		shape->tokens = 1;
	return true;
}
