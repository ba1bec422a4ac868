/* fakebackend.c - see fakebackend.h. */
#include "tests/measure/fakebackend.h"

#include <math.h>
#include <string.h>

struct fake fake;
volatile sig_atomic_t fake_stop;
static uint64_t state;
static struct bench_case prepared;

void fake_reset(void)
{
	fake = (struct fake){.overhead_s = 1e-6, .flops = 1e12, .Bps = 1e11, .slow = 1, .prepare_s = 0.01};
	fake_stop = 0;
	state = 88172645463325252ULL;
}

static double uniform(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (double)(state >> 11) / 9007199254740992.0;
}

static double family_model(enum sample_kind kind, int64_t m, double bytes, double flop)
{
	if (kind == SAMPLE_DISPATCH || kind == SAMPLE_SUBMIT) /* of so many kernels that do nothing */
		return fake.overhead_s * (double)m;
	return fake.overhead_s + fmax(flop / fake.flops, bytes / fake.Bps);
}

double fake_law(const struct sample *s)
{
	return family_model(s->kind, s->m, s->bytes, s->flop);
}

double fake_now(void *self)
{
	(void)self;
	return fake.now_s;
}

static int fake_open(void **self, struct err *err)
{
	(void)err;
	*self = &fake;
	fake.open = true;
	return 0;
}

static void fake_close(void *self)
{
	(void)self;
	fake.open = false;
}

static int fake_info(void *self, struct backend_info *info, struct err *err)
{
	(void)self;
	(void)err;
	*info = (struct backend_info){.chip = "Fake",
				      .os = "none",
				      .build = "1",
				      .power = "AC",
				      .cores = 4,
				      .ram_B = 16LL << 30,
				      .working_set_B = 12LL << 30,
				      .cache_B = 16 << 20,
				      .low_power = fake.low_power,
				      .on_battery = fake.on_battery};
	return 0;
}

static bool fake_can(void *self, const struct bench_case *c)
{
	(void)self;
	(void)c;
	return true;
}

static int fake_prepare(void *self, const struct bench_case *c, struct err *err)
{
	(void)self;
	fake.now_s += fake.prepare_s;
	fake.batches_n = 0;
	fake.order = (fake.order ^ ((uint64_t)c->m * 31 + (uint64_t)c->n * 7 + (uint64_t)c->bytes)) *
		     1099511628211ULL;
	prepared = *c;
	if ((fake.wrong && c->m == 64) ||
	    (fake.all_wrong && c->kind != SAMPLE_READ && !(c->kind == SAMPLE_GEMM && c->n == 512)))
		return err_set(err, "a wrong result: element 7 is 1, not 2");
	return 0;
}

static int fake_run(void *self, int64_t reps, double *seconds, struct err *err)
{
	double s = family_model(prepared.kind, prepared.m, prepared.bytes, prepared.flop) * (double)reps;

	(void)self;
	(void)err;
	s *= 1 +
	     fake.noise * (uniform() + uniform() + uniform() + uniform() - 2) * 1.7320508; /* nearly normal */
	s *= uniform() < fake.outliers ? 3 : 1;
	s *= fake.now_s < fake.ramp_s ? 2 : 1;
	s *= fake.now_s >= fake.slow_from_s && fake.now_s < fake.slow_to_s ? fake.slow : 1;
	*seconds = s;
	fake.now_s += s;
	fake.batch_s[fake.batches_n++ % 32] = s;
	if (++fake.runs == fake.stop_at)
		fake_stop = 1;
	return 0;
}

static void fake_finish(void *self)
{
	(void)self;
}

const struct backend backend_fake = {.name = "fake",
				     .device = "gpu",
				     .open = fake_open,
				     .close = fake_close,
				     .info = fake_info,
				     .can = fake_can,
				     .prepare = fake_prepare,
				     .run = fake_run,
				     .finish = fake_finish};

const struct backend backend_fake_cpu = {.name = "fakeblas",
					 .device = "cpu",
					 .open = fake_open,
					 .close = fake_close,
					 .info = fake_info,
					 .can = fake_can,
					 .prepare = fake_prepare,
					 .run = fake_run,
					 .finish = fake_finish};
