/* check_training_log.c - logs of mlx_lm.lora: what was written is read again, in every form that they had. */
#include <math.h>
#include <string.h>

#include "sim/base/rng.h"
#include "sim/base/str.h"
#include "sim/runs/training_log.h"
#include "tests/suites.h"

static struct training_log log_of(struct arena *a, const char *text)
{
	struct training_log log;
	struct err err = ERR_INIT;

	ck_assert(training_log_is(text));
	ck_assert_msg(training_log_parse(a, "f", text, &log, &err) == 0, "%s", err.msg);
	return log;
}

START_TEST(sums_over_reports)
{
	struct arena a = ARENA_INIT;
	const struct training_log log = log_of(
		&a, "Loading pretrained model\nTrainable parameters: 0.021% (1.704M/8030.261M)\n"
		    "Iter 1: Val loss 2.976, Val took 6.097s\n"
		    "Iter 10: Train loss 2.8, Learning Rate 2.0e-05, It/sec 2.0, Tokens/sec 400.0, Trained "
		    "Tokens 2000, Peak mem 17.6 GB\n"
		    "Iter 20: Train loss 2.5, Learning Rate 2.0e-05, It/sec 1.0, Tokens/sec 300.0, Trained "
		    "Tokens 5000, Peak mem 18.2 GB\n");

	ck_assert_double_eq_tol(log.trainable, 1.704e6, 1);
	ck_assert_double_eq_tol(log.total, 8030.261e6, 1);
	ck_assert_double_eq(log.steps, 20);
	ck_assert_double_eq_tol(log.seconds, 15, 1e-12);
	ck_assert_double_eq_tol(log.tokens, 5000, 1e-9);
	ck_assert_double_eq_tol(log.peak_B, 18.2e9, 1);
	ck_assert_int_eq(log.line, 4);
	arena_release(&a);
}
END_TEST

static int below(struct rng *rng, int n)
{
	return (int)(rng_uniform(rng) * n);
}

/* A log as one of its versions writes it, of random steps; the sums are what was written. */
START_TEST(random_logs)
{
	const int trials = how_many(200, 2000);
	struct rng *rng = rng_new(13, "logs");

	for (int i = 0; i < trials; i++) {
		struct arena a = ARENA_INIT;
		struct str s = STR_INIT;
		const bool old = below(rng, 2), peaks = below(rng, 2);
		const char *const quotes[] = {"", "> ", "    "};
		const char *quote = quotes[below(rng, 3)];
		double steps = 0, seconds = 0, peak = 0;
		const int reports = 1 + below(rng, 6);
		struct training_log log;

		for (int k = 0; k < reports; k++) {
			const double rate = (1 + (double)below(rng, 4000)) / 1000,
				     gb = (1 + (double)below(rng, 100000)) / 1000;

			steps += 10;
			seconds += 10 / rate;
			peak = peaks ? fmax(peak, gb) : 0;
			str_addf(&s, "%sIter %.0f: Train loss 2.5, %sIt/sec %.3f, Tokens/sec %.3f", quote,
				 steps, old ? "" : "Learning Rate 1.000e-05, ", rate, 500.0);
			str_addf(&s, peaks ? ", Trained Tokens 77, Peak mem %.3f GB\n" : "\n", gb);
		}
		log = log_of(&a, s.text);
		ck_assert_double_eq_tol(log.steps, steps, 1e-9);
		ck_assert_double_eq_tol(log.seconds, seconds, 1e-9 * seconds);
		ck_assert_double_eq_tol(log.tokens, 500 * seconds, 1e-6 * seconds);
		ck_assert_double_eq_tol(log.peak_B, 1e9 * peak, 1);
		str_release(&s);
		arena_release(&a);
	}
	rng_free(rng);
}
END_TEST

static const char *const bad[] = {
	"Iter 10: Train loss 2.8, It/sec 0.0, Tokens/sec 400.0\n",
	"Iter 10: Train loss 2.8, It/sec nan, Tokens/sec 400.0\n",
	"Iter 10: Train loss 2.8, It/sec 2.0, Tokens/sec -1\n",
	"Iter x: Train loss 2.8, It/sec 2.0, Tokens/sec 400.0\n",
	"Iter 10: Train loss 2.8, It/sec 2.0, Tokens/sec 4.0, Peak mem 17179869184.000 GB\n",
	"Trainable parameters: 0.021% (9.7M/8.0M)\nIter 10: Train loss 2.8, It/sec 2.0, Tokens/sec 4.0\n",
	"Trainable parameters: (x/y)\nIter 10: Train loss 2.8, It/sec 2.0, Tokens/sec 4.0\n",
	"Train loss It/sec \n",
	"Train loss 1 It/sec 2\n",
};

START_TEST(bad_logs)
{
	struct arena a = ARENA_INIT;
	struct training_log log;
	struct err err = ERR_INIT;

	ck_assert(training_log_parse(&a, "f", bad[_i], &log, &err) != 0);
	ck_assert(err.msg[0]);
	arena_release(&a);
}
END_TEST

Suite *suite_training_log(void)
{
	Suite *s = suite_create("training_log");
	TCase *t = tcase_create("logs");

	tcase_add_test(t, sums_over_reports);
	tcase_add_test(t, random_logs);
	tcase_add_loop_test(t, bad_logs, 0, ARRAY_LEN(bad));
	suite_add_tcase(s, t);
	return s;
}
