/* serve_words.c - see serve_words.h. */
#include "sim/predict/serve_words.h"

#include <math.h>
#include <stdio.h>

#include "sim/base/units.h"

/* Parts of the mean time of a request. */
struct spent {
	double queue, prefill, decode; /* shares */
};

static struct spent spent(const struct service_summary *m)
{
	const double all =
		m->of[SERVICE_QUEUE_MEAN] + m->of[SERVICE_PREFILL_MEAN] + m->of[SERVICE_DECODE_MEAN];

	return (struct spent){m->of[SERVICE_QUEUE_MEAN] / all, m->of[SERVICE_PREFILL_MEAN] / all,
			      m->of[SERVICE_DECODE_MEAN] / all};
}

bool serve_words_none_served(const struct service_summary *m)
{
	return !(m->tokens > 0);
}

static bool cache_is_full(const struct service_summary *m)
{
	return m->of[SERVICE_KV_SHARE] > 0.8 || m->of[SERVICE_PREEMPTIONS] > 0.01;
}

/* Is what comes more than the bound of what it can do? It may do less than that bound, so that a queue grows below it. */
static bool is_beyond(const struct service_summary *m)
{
	return m->of[SERVICE_OFFERED] >= 1.005;
}

/* How many times the work it can do comes; of many hundred times nobody asks for the figure. */
static struct figure beyond_times(const struct service_summary *m)
{
	const double x = m->of[SERVICE_OFFERED];
	struct figure f = {"more than 1000"};

	if (x <= 1000)
		snprintf(f.text, sizeof f.text, "%.*f", x < 100 ? 2 : 0, x);
	return f;
}

const char *serve_words_bound(struct arena *a, const struct service_summary *m)
{
	const struct spent t = spent(m);
	const char *queue = cache_is_full(m) ? "KV cache" : "a slot";

	if (serve_words_none_served(m))
		return m->of[SERVICE_REFUSED] > 0 ? "every request is refused" : "no request comes";
	if (m->overloaded)
		return is_beyond(m) ? arena_printf(a, "overloaded: %s times the work it can do",
						   beyond_times(m).text)
				    : arena_printf(a, "overloaded: %s more requests wait every second",
						   units_digits(m->of[SERVICE_GROWTH], 3).text);
	if (t.queue >= t.prefill && t.queue >= t.decode)
		return arena_printf(a, "waiting for %s (%.0f %% of the time)", queue, t.queue * 100);
	if (t.prefill >= t.decode)
		return arena_printf(a, "prefill (%.0f %% of the time)", t.prefill * 100);
	return arena_printf(a, "decode (%.0f %% of the time)", t.decode * 100);
}

static int64_t max_running(const struct service *s)
{
	int64_t n = 0;

	for (size_t i = 0; i < service_servers(s); i++)
		if (service_pool(s, i) != POOL_PREFILL)
			n += service_max_running(service_settings(s, i));
	return n;
}

static void say_refused(struct str *out, const struct service_summary *m)
{
	if (m->of[SERVICE_REFUSED] > 0)
		str_addf(out, "; %s %% of requests are refused or cut short",
			 units_digits(m->of[SERVICE_REFUSED] * 100, 3).text);
}

static void say_overload(struct str *out, const struct service_summary *m)
{
	str_addf(out, "more requests come than are served, %s more wait every second",
		 units_digits(m->of[SERVICE_GROWTH], 3).text);
	if (is_beyond(m))
		str_addf(out, " (%s times the work it can do)", beyond_times(m).text);
	str_addf(out, "; it serves %s a second; TTFT and E2EL hang on how long this lasts and are left out",
		 units_digits(m->of[SERVICE_REQUESTS_PER_S], 3).text);
	say_refused(out, m);
}

/* Rows that a load with `skip_failed` passes over. */
static void say_skipped(struct str *out, const struct trace_skipped *s)
{
	const unsigned long long n = s->no_prompt + s->no_answer;

	if (!n)
		return;
	str_addf(out, "; %llu row%s of the trace %s passed over ('skip_failed'): ", n, n == 1 ? "" : "s",
		 n == 1 ? "is" : "are");
	if (s->no_answer)
		str_addf(out, "%llu without an answer%s", (unsigned long long)s->no_answer,
			 s->no_prompt ? ", " : "");
	if (s->no_prompt)
		str_addf(out, "%llu without a prompt", (unsigned long long)s->no_prompt);
}

/* The most tokens of prompt and answer that any of the servers takes, and whether its KV cache is what limits them. */
static int64_t longest_request(const struct service *s, bool *by_cache)
{
	int64_t most = 0;

	*by_cache = false;
	for (size_t i = 0; i < service_servers(s); i++) {
		const struct serve_settings *set = service_settings(s, i);
		const int64_t holds = set->kv_blocks ? settings_tokens(set) - set->draft : INT64_MAX,
			      takes = set->context && set->context < holds ? set->context : holds;

		if (takes > most) {
			most = takes;
			*by_cache = takes == holds && !set->cache_as_asked;
		}
	}
	return most;
}

static void say_none_served(struct str *out, const struct service *s, const struct service_summary *m)
{
	bool by_cache;
	const int64_t most = longest_request(s, &by_cache);

	if (!(m->of[SERVICE_REFUSED] > 0)) {
		str_add(out, "no request comes before the run ends");
		return;
	}
	str_addf(out,
		 "every request is refused: a server takes one of at most %lld tokens, prompt and answer "
		 "together, as many as its %s",
		 (long long)most,
		 by_cache ? "KV cache holds: more memory or a smaller KV format holds longer ones"
			  : "context has: 'context' of the server, or the model's own");
}

/* What the time goes into, and what would change that. */
static void say_times(struct str *out, const struct service *s, const struct service_summary *m)
{
	const struct spent t = spent(m);

	str_addf(out, "a request waits %.0f %% of its time, is read in %.0f %% and answered in %.0f %%",
		 t.queue * 100, t.prefill * 100, t.decode * 100);
	if (t.queue >= 0.1 && cache_is_full(m))
		str_addf(out,
			 "; the KV cache is %.0f %% full: more memory or a smaller KV format admits more",
			 m->of[SERVICE_KV_SHARE] * 100);
	else if (t.queue >= 0.1)
		str_addf(out,
			 "; %lld slot%s the limit while the KV cache is %.0f %% full: more of them "
			 "shorten the wait and slow each answer",
			 (long long)max_running(s), max_running(s) == 1 ? " is" : "s are",
			 m->of[SERVICE_KV_SHARE] * 100);
	if (m->stop == STEADY_LIMIT)
		str_addf(out, "; after %llu requests it is still not sure whether its bounds hold",
			 (unsigned long long)m->requests * (unsigned long long)m->replications);
	say_refused(out, m);
}

void serve_words_remark(struct str *out, const struct service *s, const struct service_summary *m)
{
	if (serve_words_none_served(m))
		say_none_served(out, s, m);
	else if (m->overloaded)
		say_overload(out, m);
	else
		say_times(out, s, m);
	say_skipped(out, &m->skipped);
}
