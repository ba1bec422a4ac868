/* costed.h - what the tests of costs share: device models of a fixture, operators to cost, and models that can be improved. */
#ifndef TESTS_COST_COSTED_H
#define TESTS_COST_COSTED_H
#include "sim/cost/cost.h"
#include "tests/fixtures.h"

/* Where --set finds the runtime of machine `a` of small worlds, and its device. */
#define RUNTIME "machines.a.devices.gpu.runtimes.fixture."
#define CARD    "machines.a.devices.gpu."

/* A unit of the world that is loaded, in its arena. */
struct device_model costed_device_model(struct fixture *t, size_t unit, enum dtype dtype);

/* Steps, prompts and training, small and large. */
enum { COSTED_SHAPES = 9 };
extern const struct shape costed_shapes[COSTED_SHAPES];

/* Calls see() for every operator of every block and phase, and for the optimizer's. */
void costed_each_op(struct fixture *t, const struct shape *s, const struct precision *p,
		    void (*see)(const struct op *, void *), void *self);

/* 2000 GFLOP of a row take 2 s at the peak; 1000 GB of weights take 1000/95 s. */
extern const struct op costed_wide;

/* A device model whose parameters can be improved one by one. */
struct better {
	struct machine machine;
	struct device device;
	struct profile profile;
	struct gemm_table gemm;
	struct gemm_point gemm_points[8];
	struct attention_point attention_points[8];
	struct device_model device_model;
};
void better_init(struct fixture *t, struct better *b, const struct device_model *from);
/* Called after each change, since tables are prepared once. */
void better_lay_out(struct fixture *t, struct better *b, enum dtype compute);

#endif
