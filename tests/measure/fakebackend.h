/*
 * fakebackend.h - a backend that computes nothing: its clock is a law with noise, a ramp, outliers and slow
 * phases, so that the runner's statistics can be held against what is known.
 */
#ifndef TESTS_FAKEBACKEND_H
#define TESTS_FAKEBACKEND_H
#include "sim/measure/suite.h"

struct fake {
	/* the law: seconds = overhead + max(flop / flops, bytes / Bps); of m empty kernels, m x overhead */
	double overhead_s, flops, Bps;
	double noise;                        /* relative, of each batch */
	double outliers;                     /* share of batches that take three times as long */
	double ramp_s;                       /* half speed until then */
	double slow_from_s, slow_to_s, slow; /* factor on the time in a phase */
	double prepare_s;
	bool low_power, on_battery;
	bool wrong, all_wrong; /* cases of 64 rows; all but the canaries */
	long stop_at;          /* run() that sets the flag; 0: none */
	/* what happened */
	double now_s;
	long runs;
	double batch_s[32]; /* of the last case's runs */
	size_t batches_n;
	uint64_t order; /* hash of the order of cases */
	bool open;
};
extern struct fake fake;
extern volatile sig_atomic_t fake_stop;
extern const struct backend backend_fake, backend_fake_cpu; /* one machine: its gpu, and its cpu */

void fake_reset(void); /* a quiet machine of 1 TFLOPS, 100 GB/s, 1 us a kernel */
double fake_law(const struct sample *s);
double fake_now(void *self);

#endif
