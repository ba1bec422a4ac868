/* quantized.c - see quantized.h. */
#include "sim/import/quantized.h"

#include "sim/import/quantized_rules.h"

bool config_is_quantized(const struct yml *config)
{
	return rules_block(config) != NULL;
}

struct counting {
	struct rules *r;
	struct quantized_weights *out;
	double numbers[TENSOR_N][FORMAT_N];
	bool failed, any; /* any: a module is quantised */
};

static void see(void *ctx, const struct quantized_module *m)
{
	struct counting *c = ctx;
	struct quantization as;
	double bytes;

	if (c->failed || rules_find(c->r, m, &as) != 0) {
		c->failed = true;
		return;
	}
	c->any |= as.bits < c->r->rest.bits;
	bytes = m->copies * quantization_bytes(&as, m->n, m->k);
	if (m->mtp >= 0) {
		c->out->mtp_bytes += bytes;
		return;
	}
	c->out->bytes += bytes;
	c->out->formats.bytes[m->tensor] += bytes;
	c->out->formats.numbers[m->tensor] += m->copies * m->n * m->k;
	c->numbers[m->tensor][as.format] += m->copies * m->n * m->k;
}

static void most_of(struct counting *c)
{
	for (int t = 0; t < TENSOR_N; t++)
		for (int f = 0; f < FORMAT_N; f++)
			if (c->numbers[t][f] > c->numbers[t][c->out->formats.most[t]])
				c->out->formats.most[t] = (enum format_id)f;
}

static void small_numbers(struct counting *c, const struct quantized_visitor *v)
{
	const double each = c->r->rest.bits / 8;

	c->out->bytes += each * v->small;
	c->out->mtp_bytes += each * v->mtp_small;
	c->out->formats.numbers[TENSOR_SMALL] = v->small;
	c->out->formats.bytes[TENSOR_SMALL] = each * v->small;
	c->numbers[TENSOR_SMALL][c->r->rest.format] = v->small;
}

int quantized_read(struct arena *a, const struct yml *config, const struct model *m,
		   struct quantized_weights *out, struct err *err)
{
	struct rules r = {.a = a, .err = err};
	struct counting *c = arena_alloc(a, sizeof *c);
	struct quantized_visitor v = {.see = see, .ctx = c};
	int rc;

	*out = (struct quantized_weights){.bytes = 0};
	*c = (struct counting){.r = &r, .out = out};
	rc = rules_read(&r, config);
	if (rc == 0) {
		quantized_modules(a, m, &v);
		small_numbers(c, &v);
		most_of(c);
	}
	rules_release(&r);
	if (rc == 0 && !c->failed && !c->any && r.q)
		return err_set(err, "quantization: it quantises no module of this model");
	return rc != 0 || c->failed ? -1 : 0;
}
