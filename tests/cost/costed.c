/* costed.c - see costed.h. */
#include "tests/cost/costed.h"

#include <check.h>

struct device_model costed_device_model(struct fixture *t, size_t unit, enum dtype dtype)
{
	const struct unit *u = &t->world->units[unit];

	return device_model_make(&t->arena, &t->world->machines[u->machine], u->device, u->profile, dtype);
}

const struct shape costed_shapes[COSTED_SHAPES] = {
	{.batch = 1, .tokens = 1},
	{.batch = 1, .tokens = 1, .past = 871},
	{.batch = 8, .tokens = 1, .past = 8000},
	{.batch = 64, .tokens = 1, .past = 500},
	{.batch = 1, .tokens = 7, .past = 3},
	{.batch = 1, .tokens = 871, .all_logits = true},
	{.batch = 4, .tokens = 8192},
	{.batch = 1, .tokens = 512, .all_logits = true, .train_weights = true},
	{.batch = 2, .tokens = 512, .all_logits = true, .lora_rank = 16, .adapters = 127},
};

void costed_each_op(struct fixture *t, const struct shape *s, const struct precision *p,
		    void (*see)(const struct op *, void *), void *self)
{
	struct part_count parts[MODEL_PARTS];
	const size_t parts_n = model_parts(t->world->model, parts);

	for (size_t k = 0; k < parts_n; k++) {
		const struct op update = graph_update(parts[k].part.role, 1e6, 22);

		for (int phase = 0; phase < PHASE_UPDATE; phase++) {
			struct op ops[GRAPH_OPS];
			const size_t n =
				graph_block(t->world->model, p, s, parts[k].part, (enum phase)phase, ops);

			for (size_t i = 0; i < n; i++)
				see(&ops[i], self);
		}
		see(&update, self);
	}
}

const struct op costed_wide = {.name = "wide",
			       .kind = OP_LINEAR,
			       .m = 1,
			       .n = 1000000,
			       .k = 1000000,
			       .copies = 1,
			       .flop = 2e12,
			       .rows = 1,
			       .weight_B = 1e12,
			       .times = 1,
			       .format = FORMAT_F16};

void better_lay_out(struct fixture *t, struct better *b, enum dtype compute)
{
	b->device_model = device_model_make(&t->arena, &b->machine, &b->device, &b->profile, compute);
}

void better_init(struct fixture *t, struct better *b, const struct device_model *from)
{
	b->machine = *from->machine;
	b->device = *from->device;
	b->profile = *from->profile;
	b->gemm = *from->profile->gemm[from->compute];
	ck_assert_uint_le(b->gemm.points.n, ARRAY_LEN(b->gemm_points));
	ck_assert_uint_le(b->profile.attention.points.n, ARRAY_LEN(b->attention_points));
	for (size_t i = 0; i < b->gemm.points.n; i++)
		b->gemm_points[i] = ((const struct gemm_point *)b->gemm.points.at)[i];
	for (size_t i = 0; i < b->profile.attention.points.n; i++)
		b->attention_points[i] = ((const struct attention_point *)b->profile.attention.points.at)[i];
	b->gemm.points.at = b->gemm_points;
	b->profile.attention.points.at = b->attention_points;
	b->profile.gemm[from->compute] = &b->gemm;
	better_lay_out(t, b, from->compute);
}
