/* service_capacity.c - the most requests per second that the servers of an assignment can do; see service_parts.h. */
#include <math.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/serve/service_parts.h"

double service_pass_ends_s(const struct service_server *v, const struct batch_time *t,
			   const struct batch_mix *mix)
{
	(void)v;
	return (double)t->of(t->self, mix).fs / 1e15;
}

double service_pass_holds_s(const struct service_server *v, const struct batch_time *t,
			    const struct batch_mix *mix)
{
	int64_t longest = 0, *fs;

	if (v->lanes == 1)
		return service_pass_ends_s(v, t, mix);
	fs = xcalloc(t->stages, sizeof *fs);
	t->stages_fs(t->self, mix, fs);
	for (size_t i = 0; i < t->stages; i++)
		longest = fs[i] > longest ? fs[i] : longest;
	free(fs);
	return (double)longest / 1e15;
}

double service_prefill_s(const struct service_server *v, const struct batch_time *t, double tokens,
			 service_pass_s *pass_s)
{
	const struct serve_settings *s = &v->set;
	const int64_t n = llround(tokens), room = s->rules == SERVE_LLAMACPP ? s->ubatch
						  : s->rules == SERVE_MLX    ? s->step
						  : s->rules == SERVE_VLLM   ? s->batched_tokens
									     : n;
	double sum = 0;

	for (int64_t done = 0; done < n; done += room) {
		const struct prompt_piece p = {n - done < room ? n - done : room, done, done + room >= n};
		const struct batch_mix mix = {
			.weight_reads = 1, .host_sequences = !done, .pieces = &p, .pieces_n = 1};

		sum += pass_s(v, t, &mix);
	}
	return sum;
}

/* Tokens that a decode gets of a step on average: its own, and drafted ones as far as they are accepted in a row. */
static double step_tokens(const struct serve_settings *s)
{
	double sum = 1, accepted = 1;

	for (int64_t i = 0; i < s->draft; i++)
		sum += accepted *= s->acceptance;
	return sum;
}

/* Blocks that a decode of that context holds, as tokens. */
static double held_tokens(const struct serve_settings *s, double context)
{
	const struct kv_groups g = settings_groups(s);

	return (double)g.full * context + (double)(s->state_blocks * s->block) +
	       (g.windowed ? (double)g.windowed * fmin(context, (double)g.window) : 0);
}

/* Of a token of an answer, in the largest batch that settings and cache allow; of a pipeline in its part of them. */
static double token_s(const struct service_server *v, const struct batch_time *t,
		      const struct mean_request *r)
{
	const struct serve_settings *s = &v->set;
	const double context = r->prompt + r->output / 2,
		     room = (double)(s->kv_blocks * s->block) / held_tokens(s, context);
	const int64_t max_running = service_max_running(s),
		      all = room < 1                     ? 1
			    : room < (double)max_running ? (int64_t)room
							 : max_running,
		      n = (all + (int64_t)v->lanes - 1) / (int64_t)v->lanes;
	struct batch_mix mix = {.decodes = n,
				.rows_per_decode = s->draft + 1,
				.weight_reads = 1,
				.host_sequences = n,
				.context_max = llround(context),
				.padded = s->rules == SERVE_MLX || s->rules == SERVE_STATIC};

	for (size_t w = 0; w < t->windows_n; w++) {
		const double seen = fmin(context, (double)t->windows[w]);

		mix.context_sum[w] = llround(seen * (double)n);
		mix.context_growth[w] = seen < (double)t->windows[w] ? n : 0;
	}
	return service_pass_holds_s(v, t, &mix) / (double)n / step_tokens(s);
}

double service_capacity(const struct service *s, const struct mean_request *r)
{
	double whole = 0, prefill = 0, decode = 0;

	for (size_t i = 0; i < s->servers_n; i++) {
		const struct service_server *v = &s->servers[i];
		const struct batch_time *t = &s->tables[v->table].time;
		/* nothing else goes on while a request is taken in */
		const double take_in_s = (double)v->set.take_in_fs / 1e15,
			     read = service_prefill_s(v, t, r->read, service_pass_holds_s) + take_in_s,
			     answer = r->output * token_s(v, t, r);

		if (v->pool == POOL_WHOLE)
			whole += 1 / (read + answer);
		else if (v->pool == POOL_PREFILL)
			prefill += 1 / read;
		else
			decode += 1 / answer;
	}
	return whole + fmin(prefill, decode);
}
