/* service_bound.c - see service_bound.h. */
#include "sim/serve/service_bound.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/vec.h"
#include "sim/load/arrivals.h"
#include "sim/serve/service_parts.h"
#include "sim/stats/quantile.h"

enum { EACH = 32, OCTAVES = 23 }; /* numbers of rows looked at one by one; contexts by powers of two */

struct bounds {
	const struct service_server *server;
	const struct batch_time *time;
	VEC(struct judged) alone; /* each request that is served */
	VEC(uint32_t) class_ids;  /* of each of them */
	double token_s[OCTAVES]; /* least pass that gives a token at a context of 2^i or more; 0: not asked */
};

/* The next number of rows to look at: each, then in steps of a twentieth. */
static int64_t next_rows(int64_t n)
{
	return n < EACH ? n + 1 : n + n / 20 + 1;
}

static double holds_s(const struct bounds *b, const struct batch_mix *mix)
{
	return service_pass_holds_s(b->server, b->time, mix);
}

static int64_t most_rows(const struct serve_settings *s)
{
	switch (s->rules) {
	case SERVE_LLAMACPP:
		return s->ubatch;
	case SERVE_MLX:
		return s->step * s->prompts;
	case SERVE_VLLM:
		return s->batched_tokens;
	case SERVE_STATIC:
	case SERVE_RULES_N:
		break;
	}
	return LENGTH_MAX;
}

/* Between two numbers of rows that are looked at, a pass takes at least what the smaller takes. */
static double row_s(const struct bounds *b, int64_t longest)
{
	const int64_t room = most_rows(&b->server->set), max_running = service_max_running(&b->server->set),
		      all = longest * max_running, most = room < all ? room : all;
	double least = INFINITY;

	for (int64_t n = 1, after; n <= most; n = after) {
		const struct prompt_piece p = {.tokens = n};
		const struct batch_mix mix = {.weight_reads = 1, .pieces = &p, .pieces_n = 1};

		after = next_rows(n);
		least = fmin(least, holds_s(b, &mix) / (double)(after - 1 < most ? after - 1 : most));
	}
	return least;
}

/* A pass of n decodes, one of them with that many tokens in its cache, the others with `others`; where tokens are
 * drafted, its share of one token if all of them are accepted. */
static double decode_s(const struct bounds *b, int64_t n, int64_t context, int64_t others,
		       service_pass_s *pass_s)
{
	const enum serve_rules rules = b->server->set.rules;
	const int64_t rows = b->server->set.draft + 1;
	struct batch_mix mix = {.decodes = n,
				.rows_per_decode = rows,
				.weight_reads = 1,
				.context_max = context > others ? context : others,
				.padded = rules == SERVE_MLX || rules == SERVE_STATIC};

	for (size_t w = 0; w < b->time->windows_n; w++) {
		const int64_t window = b->time->windows[w];

		mix.context_sum[w] =
			(context < window ? context : window) + (n - 1) * (others < window ? others : window);
	}
	return pass_s(b->server, b->time, &mix) / (double)rows;
}

/* Of one token of an answer; every context is `shortest` at least. */
static double token_s(const struct bounds *b, int64_t shortest)
{
	const int64_t max_running = service_max_running(&b->server->set);
	double least = INFINITY;

	for (int64_t n = 1, after; n <= max_running; n = after) {
		after = next_rows(n);
		least = fmin(least, decode_s(b, n, shortest, shortest, service_pass_holds_s) /
					    (double)(after - 1 < max_running ? after - 1 : max_running));
	}
	return least;
}

/* The least time from a token of an answer to its next: that of the quickest batch it may be in. */
static double gap_s(struct bounds *b, int64_t context)
{
	const int64_t max_running = service_max_running(&b->server->set);
	int octave = 0;

	while (octave + 1 < OCTAVES && (int64_t)2 << octave <= context)
		octave++;
	if (b->token_s[octave] > 0)
		return b->token_s[octave];
	b->token_s[octave] = INFINITY;
	for (int64_t n = 1; n <= max_running; n = next_rows(n))
		b->token_s[octave] = fmin(b->token_s[octave],
					  decode_s(b, n, (int64_t)1 << octave, 1, service_pass_ends_s));
	return b->token_s[octave];
}

/* A prefix may have been read before; one token at least is computed. */
static int64_t rows_of(const struct request *r)
{
	return r->prefix_n ? 1 : r->prompt;
}

/* The server refuses what does not fit: such a request has no latency. */
static bool is_served(const struct serve_settings *s, const struct request *r)
{
	const int64_t tokens = r->prompt + r->output;

	return (!s->context || tokens <= s->context) && (!s->kv_blocks || tokens <= settings_tokens(s));
}

/* The last token of a prompt may be read on its own: a pass less is the least. Times round to whole ns. */
static struct judged alone(struct bounds *b, const struct request *r)
{
	const int64_t rows = rows_of(r);
	const double ttft = rows > 1 ? service_prefill_s(b->server, b->time, (double)(rows - 1),
							 service_pass_ends_s)
				     : 0,
		     gap = r->output > 1 ? gap_s(b, r->prompt) : 0, rounding = 1 - 1e-9;
	const struct judged j = {ttft * rounding, r->output > 1 ? gap * rounding : NAN,
				 (ttft + gap * (double)(r->output - 1)) * rounding};

	return j;
}

struct lengths {
	uint64_t n;
	double rows, tokens, prompt, output;
	int64_t shortest, longest;
};

/* Of users, each request is answered within a second, so that the next one comes. */
static int each_request(const struct serve *load, uint64_t seed, int replication, struct lengths *sum,
			struct bounds *b, struct judge *j, struct err *err)
{
	struct arrivals *a = arrivals_new(load, seed, replication, err);
	struct request_source source;
	struct request r;
	int rc;

	if (!a)
		return -1;
	source = arrivals_source(a);
	while (source.next(source.self, INT64_MAX, &r)) {
		const int64_t end_ns = r.arrive_ns + 1000000000;
		const struct request_times t = {
			.end_ns = end_ns, .first_ns = end_ns, .last_ns = end_ns, .tokens = r.output};

		sum->n++;
		sum->rows += (double)rows_of(&r);
		sum->tokens += (double)(r.output - 1);
		sum->prompt += (double)r.prompt;
		sum->output += (double)r.output;
		sum->shortest = r.prompt < sum->shortest ? r.prompt : sum->shortest;
		sum->longest = r.prompt > sum->longest ? r.prompt : sum->longest;
		if (j && is_served(&b->server->set, &r)) {
			const struct judged at = alone(b, &r);

			judge_add(j, &r, &at);
			VEC_ADD(&b->alone, at);
			VEC_ADD(&b->class_ids, r.class_id);
		}
		source.ended(source.self, &r, &t);
	}
	rc = arrivals_error(a, err);
	arrivals_free(a);
	return rc;
}

/* The statistic that a bound is about, of the requests of its class, each of which had the server for itself. */
static double least_of(struct bounds *b, const struct judge_miss *miss)
{
	double *x = xmalloc((b->alone.n ? b->alone.n : 1) * sizeof *x), least;
	size_t n = 0;

	for (size_t i = 0; i < b->alone.n; i++) {
		const struct judged *at = &b->alone.at[i];
		const double value = miss->metric == SLO_TTFT   ? at->ttft
				     : miss->metric == SLO_TPOT ? at->tpot
								: at->e2el;

		if (!isnan(value) && b->class_ids.at[i] == miss->class_id)
			x[n++] = value;
	}
	quantile_sort(x, n);
	least = n ? quantile_sorted(x, n, slo_shares[miss->stat]) : NAN;
	free(x);
	return least;
}

int service_bound_of(struct service *s, const struct serve *load, uint64_t seed, int replication,
		     struct service_bound *out, struct err *err)
{
	struct bounds b = {.server = &s->servers[0], .time = &s->tables[s->servers[0].table].time};
	struct lengths l = {.shortest = INT64_MAX};
	struct judge *j = judge_new(load, seed, replication, err);

	*out = (struct service_bound){.rate = 0};
	BUG_ON(s->servers_n != 1);
	if (!j)
		return -1;
	if (each_request(load, seed, replication, &l, &b, j, err) != 0 || !l.n) {
		VEC_FREE(&b.alone);
		VEC_FREE(&b.class_ids);
		judge_free(j);
		return -1;
	}
	out->rows = l.rows / (double)l.n;
	out->tokens = l.tokens / (double)l.n;
	out->prompt = l.prompt / (double)l.n;
	out->output = l.output / (double)l.n;
	out->prompt_s = row_s(&b, l.longest);
	out->token_s = token_s(&b, l.shortest);
	out->rate = 1 / fmax(out->prompt_s * out->rows, out->token_s * out->tokens);
	out->misses = judge_missed(j, &out->miss);
	if (out->misses)
		out->least = least_of(&b, &out->miss);
	VEC_FREE(&b.alone);
	VEC_FREE(&b.class_ids);
	judge_free(j);
	return 0;
}
