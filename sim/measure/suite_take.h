/*
 * suite_take.h - taking the samples of one prepared case: warm-up, batches, canaries. Between suite's files.
 */
#ifndef SIM_MEASURE_SUITE_TAKE_H
#define SIM_MEASURE_SUITE_TAKE_H
#include "sim/measure/suite.h"

struct batch { /* seconds of one repetition, and between which canaries */
	double s;
	size_t segment;
};

enum { CANARY_COMPUTE, CANARY_MEMORY, CANARY_N };

struct canary {
	struct bench_case c;
	bool used;           /* the backend can run it */
	VEC(double) seconds; /* one for each round: the fastest of a few batches */
	double first_s;      /* the slowest of the first round: what the plan is made by */
};

struct taker {
	struct suite_machine m;
	const struct suite_options *o;
	struct canary canaries[CANARY_N];
	uint64_t random;
	double began_s, canary_s; /* when the suite began; what its canaries have taken */
};

double take_now(const struct taker *t);
bool take_stopped(const struct taker *t);
uint64_t take_random(struct taker *t);

struct take {
	double min_s; /* a batch lasts at least this long */
	int least, most;
	double limit_s; /* what the case may take, preparation included; 0: as long as it needs */
};

/* Prepares, warms up, and adds `most` batches. Where the limit comes too near, batches are shorter (a tenth
 * of min_s at least) and fewer (`least`): every case is measured, however little time there is. Fewer when
 * stopped. A case that fails to be prepared, or computes nonsense, is an error. */
typedef VEC(struct batch) batches;
int take_case(struct taker *t, const struct bench_case *c, const struct take *how, batches *to,
	      struct err *err);

int take_canaries(struct taker *t, struct err *err); /* a round of all that are used */
size_t take_segment(const struct taker *t);          /* the one that began with the last round */

/* How far the canary that minds this kind was off against its usual time, both before and after a segment: a
 * state that lasted. What came and went within a pass shows in the samples' own interval. And how far it may
 * be: `least`, or up to three times that where it never holds still. */
double take_canary_off(const struct taker *t, enum sample_kind kind, size_t segment);
double take_canary_limit(const struct taker *t, enum sample_kind kind, double least);
double take_canary_worst(const struct taker *t);

#endif
