/* check_serve_laws.c - room serve: queues whose waits are known, in closed form or by a recursion. */
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>

#include "sim/base/mem.h"
#include "sim/load/variates.h"
#include "tests/serve/serve_toy.h"

static const struct serve_settings one_at_a_time = {
	.rules = SERVE_VLLM, .seqs = 1, .batched_tokens = 1 << 20, .block = 16};

/* Mean wait to be admitted, in seconds, over all but the first tenth. */
static double mean_wait_s(const struct fixture_watch *w)
{
	double sum = 0;
	size_t n = 0;

	for (size_t i = w->ends.n / 10; i < w->ends.n; i++, n++)
		sum += 1e-9 * (double)(w->ends.at[i].t.admitted_ns - w->ends.at[i].t.queued_ns);
	return sum / (double)n;
}

enum { QUEUED = 200000 };

/* seqs: 1 and constant lengths: M/D/1, mean wait rho s / (2 (1 - rho)). */
START_TEST(one_at_a_time_is_m_d_1)
{
	const double service_s = 1e-3 * 16, rho = 0.3 + 0.2 * _i;
	struct fixture_time time = {.base_fs =
					    1000000000000}; /* 1 ms an iteration, 16 iterations a request */
	const struct batch_time bt = fixture_batch_time(&time, 0);
	const struct serve_server server = {&one_at_a_time, &bt, POOL_WHOLE, 0, 0};
	const struct serve_config c = {.servers = &server, .servers_n = 1};
	struct rng *r = rng_new((uint64_t)_i, "m/d/1");
	struct request *q = fixture_requests(r, QUEUED, rho / service_s, 1, 1);
	struct fixture_outcome out;
	double theory;

	for (size_t i = 0; i < QUEUED; i++)
		q[i].output = 16;
	fixture_serve(&c, (struct fixture_source){.at = q, .n = QUEUED}, &out);
	theory = rho * service_s / (2 * (1 - rho));
	ck_assert_double_eq_tol(mean_wait_s(&out.watch) / theory, 1, 0.05);
	ck_assert_int_eq(out.result.finished, QUEUED);
	fixture_watch_release(&out.watch);
	free(q);
	rng_free(r);
}
END_TEST

/* Runs one request at a time of what is in q; 1 ms an iteration unless said otherwise. */
static double one_at_a_time_wait_s(const struct request *q, size_t n, int64_t iteration_fs)
{
	struct fixture_time time = {.base_fs = iteration_fs};
	const struct batch_time bt = fixture_batch_time(&time, 0);
	const struct serve_server server = {&one_at_a_time, &bt, POOL_WHOLE, 0, 0};
	const struct serve_config c = {.servers = &server, .servers_n = 1};
	struct fixture_outcome out;
	double wait_s;

	fixture_serve(&c, (struct fixture_source){.at = q, .n = n}, &out);
	wait_s = mean_wait_s(&out.watch);
	fixture_watch_release(&out.watch);
	return wait_s;
}

/* Any lengths: Pollaczek-Khinchine, with the moments of what was drawn. */
START_TEST(one_at_a_time_is_pollaczek_khinchine)
{
	const double rate = 40;
	struct rng *r = rng_new((uint64_t)_i, "p-k");
	struct request *q = fixture_requests(r, QUEUED, rate, 1, _i ? 30 : 4);
	double s1 = 0, s2 = 0;

	for (size_t i = 0; i < QUEUED; i++) {
		const double s = 1e-3 * (double)q[i].output;

		s1 += s / QUEUED;
		s2 += s * s / QUEUED;
	}
	ck_assert_double_eq_tol(one_at_a_time_wait_s(q, QUEUED, 1000000000000) /
					(rate * s2 / (2 * (1 - rate * s1))),
				1, 0.05);
	free(q);
	rng_free(r);
}
END_TEST

/* Even gaps and exponential work: D/M/1, mean wait s sigma / (1 - sigma) with sigma = exp(-(1 - sigma) /
 * rho). */
START_TEST(one_at_a_time_is_d_m_1)
{
	const double rho = 0.7, mean = 2000, step_s = 1e-5;
	struct rng *r = rng_new(3, "d/m/1");
	struct request *q = xcalloc(QUEUED, sizeof *q);
	double sigma = 0.5;

	for (int i = 0; i < 200; i++)
		sigma = exp(-(1 - sigma) / rho);
	for (size_t i = 0; i < QUEUED; i++)
		q[i] = (struct request){.id = i,
					.arrive_ns = (int64_t)((double)i * 1e9 * mean * step_s / rho),
					.prompt = 1,
					.output = 1 + (int64_t)exact_exponential(r, mean)};
	ck_assert_double_eq_tol(one_at_a_time_wait_s(q, QUEUED, 10000000000) /
					(mean * step_s * sigma / (1 - sigma)),
				1, 0.05);
	free(q);
	rng_free(r);
}
END_TEST

/* Erlang-2 gaps, uniform work: below Kingman's bound rate (var a + var s) / (2 (1 - rho)). */
START_TEST(one_at_a_time_is_below_kingman)
{
	const double rate = 50;
	struct rng *r = rng_new(4, "kingman");
	struct request *q = fixture_requests(r, QUEUED, rate, 1, 30);
	double at_s = 0, s1 = 0, s2 = 0, bound_s;

	for (size_t i = 0; i < QUEUED; i++) {
		const double s = 1e-3 * (double)q[i].output;

		at_s += exact_exponential(r, 0.5 / rate) + exact_exponential(r, 0.5 / rate);
		q[i].arrive_ns = (int64_t)(at_s * 1e9);
		s1 += s / QUEUED;
		s2 += s * s / QUEUED;
	}
	bound_s = rate * (1 / (2 * rate * rate) + s2 - s1 * s1) / (2 * (1 - rate * s1));
	ck_assert_double_lt(one_at_a_time_wait_s(q, QUEUED, 1000000000000), bound_s);
	free(q);
	rng_free(r);
}
END_TEST

/* seqs: 1 is a plain queue, to the nanosecond: each begins when it has come and the one before is done. */
START_TEST(one_at_a_time_is_a_plain_queue)
{
	enum { N = 3000 };
	struct fixture_time time = {.base_fs = 1000000000, .per_row_fs = 3000000, .per_context_fs = 1000000};
	const struct batch_time bt = fixture_batch_time(&time, 0);
	const struct serve_server server = {&one_at_a_time, &bt, POOL_WHOLE, 0, 0};
	const struct serve_config c = {.servers = &server, .servers_n = 1};
	struct rng *r = rng_new(5, "plain");
	struct request *q = fixture_requests(r, N, 20000, 50, 60);
	struct fixture_outcome out;
	int64_t free_ns = 0;

	fixture_serve(&c, (struct fixture_source){.at = q, .n = N}, &out);
	for (size_t i = 0; i < N; i++) {
		const struct fixture_end *e = &out.watch.ends.at[i];
		const int64_t p = q[i].prompt, n = q[i].output,
			      start = q[i].arrive_ns > free_ns ? q[i].arrive_ns : free_ns;

		free_ns = start + 1000 * n + 3 * (p + n - 1) + (n - 1) * p + (n - 1) * (n - 2) / 2;
		MUST(e->r.id == i && e->t.admitted_ns == start && e->t.first_ns == start + 1000 + 3 * p);
		MUST(e->t.last_ns == free_ns);
	}
	fixture_watch_release(&out.watch);
	free(q);
	rng_free(r);
}
END_TEST

/* Service in batches, M/D^[1,b]/1: whoever waits when one ends, at most b, goes into the next. */
START_TEST(batches_are_a_bulk_queue)
{
	enum { N = 5000, B = 4 };
	const struct serve_settings set = {.rules = SERVE_STATIC, .seqs = B, .block = 1};
	struct fixture_time time = {.base_fs = 1000000000000};
	const struct batch_time bt = fixture_batch_time(&time, 0);
	const struct serve_server server = {&set, &bt, POOL_WHOLE, 0, 0};
	const struct serve_config c = {.servers = &server, .servers_n = 1};
	struct rng *r = rng_new(6, "bulk");
	struct request *q = fixture_requests(r, N, 900, 1, 1);
	struct fixture_outcome out;
	int64_t now = 0;

	for (size_t i = 0; i < N; i++)
		q[i].output = 3;
	fixture_serve(&c, (struct fixture_source){.at = q, .n = N}, &out);
	for (size_t i = 0, n; i < N; i += n) {
		now = q[i].arrive_ns > now ? q[i].arrive_ns : now;
		for (n = 0; n < B && i + n < N && q[i + n].arrive_ns <= now; n++) {
			const struct fixture_end *e = &out.watch.ends.at[i + n];

			MUST(e->r.id == i + n && e->t.admitted_ns == now && e->t.last_ns == now + 3000000);
		}
		now += 3000000;
	}
	fixture_watch_release(&out.watch);
	free(q);
	rng_free(r);
}
END_TEST

Suite *suite_serve_laws(void)
{
	Suite *s = suite_create("serve_laws");
	TCase *t = tcase_create("queues");

	tcase_add_loop_test(t, one_at_a_time_is_m_d_1, 0, how_many(2, 4));
	tcase_add_loop_test(t, one_at_a_time_is_pollaczek_khinchine, 0, 2);
	tcase_add_test(t, one_at_a_time_is_d_m_1);
	tcase_add_test(t, one_at_a_time_is_below_kingman);
	tcase_add_test(t, one_at_a_time_is_a_plain_queue);
	tcase_add_test(t, batches_are_a_bulk_queue);
	suite_add_tcase(s, t);
	return s;
}
