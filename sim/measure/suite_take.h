/*
 * suite_take.h - takes the samples of one case: preparation, warm-up, batches; and the canaries. Private to the suite's
 * files.
 */
#ifndef SIM_MEASURE_SUITE_TAKE_H
#define SIM_MEASURE_SUITE_TAKE_H
#include "sim/measure/suite.h"

struct batch { /* mean seconds of one repetition, and the segment, between two rounds of canaries, that it was taken in */
	double s;
	size_t segment;
};

enum { CANARY_COMPUTE, CANARY_MEMORY, CANARY_N };

struct canary {
	struct bench_case c;
	bool used;           /* the backend can run it */
	VEC(double) seconds; /* one for each round: the fastest of a few batches */
	double first_s;      /* the slowest batch of the first round: estimates of time use it */
};

struct taker {
	struct suite_machine m;
	const struct suite_options *o;
	struct canary canaries[CANARY_N];
	uint64_t random;
	double began_s, canary_s; /* time at which the suite began; seconds spent on canaries */
};

double take_now(const struct taker *t);
bool take_stopped(const struct taker *t);
uint64_t take_random(struct taker *t);

struct take {
	double min_s; /* a batch lasts at least this long */
	int least, most;
	double limit_s; /* for the case, preparation included; 0: no limit */
};

/* Prepares the case, warms up, and appends `most` batches to *to. Near the limit batches get shorter (a tenth of min_s at
 * least) and fewer (`least` at least), so that every case is measured; when stopped there may be fewer still. -1 with
 * err: the case cannot be prepared, or its result is wrong. */
typedef VEC(struct batch) batches;
int take_case(struct taker *t, const struct bench_case *c, const struct take *plan, batches *to,
	      struct err *err);

int take_canaries(struct taker *t, struct err *err); /* runs each canary that is used once */
size_t take_segment(const struct taker *t);          /* the segment that began with the last round */

/* The relative deviation, from its normal time, that the canary of this kind showed both before and after a segment: a
 * lasting change of state. (A short disturbance widens the samples' own interval.) take_canary_limit(): the deviation
 * that is accepted, `least`, or up to three times that on a machine whose canary varies throughout. */
double take_canary_off(const struct taker *t, enum sample_kind kind, size_t segment);
double take_canary_limit(const struct taker *t, enum sample_kind kind, double least);
double take_canary_worst(const struct taker *t);

#endif
