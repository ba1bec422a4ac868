/* train.c - see train.h. */
#include "sim/world/train.h"

#include <string.h>

#include "sim/base/nearest.h"
#include "sim/hw/hw.h"
#include "sim/world/scenario.h"
#include "sim/world/tables.h"

static const char *const methods[] = {
	[TRAIN_FULL] = "full", [TRAIN_LORA] = "lora", [TRAIN_QLORA] = "qlora", NULL};
static const char *const optimizers[] = {[OPTIMIZER_NONE] = "none",
					 [OPTIMIZER_SGD] = "sgd",
					 [OPTIMIZER_MOMENTUM] = "momentum",
					 [OPTIMIZER_ADAM] = "adam",
					 [OPTIMIZER_ADAMW] = "adamw",
					 [OPTIMIZER_ADAM_8BIT] = "adam8bit",
					 NULL};
static const char *const recomputes[] = {
	[RECOMPUTE_NONE] = "none", [RECOMPUTE_SELECTIVE] = "selective", [RECOMPUTE_FULL] = "full", NULL};
const char *const schedule_names[SCHEDULE_N + 1] = {
	[SCHEDULE_SERIAL] = "serial", [SCHEDULE_GPIPE] = "gpipe",
	[SCHEDULE_1F1B] = "1f1b",     [SCHEDULE_INTERLEAVED] = "interleaved",
	[SCHEDULE_ZB_H1] = "zb-h1",   [SCHEDULE_ZB_H2] = "zb-h2",
	[SCHEDULE_ZB_V] = "zb-v",     [SCHEDULE_N] = NULL};
/* The keys of struct train_options. A workload's have defaults; an assignment's have none, since absent
 * ones are the workload's. */
#define OPTION(at, member, unsaid, std)                                                                      \
	.key = #member, .offset = (at) + offsetof(struct train_options, member), .optional = unsaid,         \
	.def = (unsaid) ? NULL : (std)
#define TRAIN_OPTIONS(at, unsaid)                                                                            \
	{OPTION(at, recompute, unsaid, "none"), .type = FIELD_CHOICE, .choices = recomputes,                 \
	 .help = "of activations in the backward pass; selective: attention scores, full: all but a "        \
		 "block's input"},                                                                           \
		{OPTION(at, schedule, unsaid, "1f1b"), .type = FIELD_CHOICE, .choices = schedule_names,      \
		 .help = "order of the micro-batches' passes where blocks lie on several devices"},          \
		{OPTION(at, in_flight, unsaid, "0"), .type = FIELD_COUNT, .min = 0, .max = 4096,             \
		 .help = "micro-batches a device may hold at once; 0: as many as the schedule asks for"},    \
		{OPTION(at, all_reduce, unsaid, "auto"), .type = FIELD_CHOICE, .choices = reduce_way_names,  \
		 .help = "of gradients, where a rule says 'split: data'; auto: the quickest, or as the "     \
			 "links say"},                                                                       \
		{OPTION(at, tensor_parallel, unsaid, "1"), .type = FIELD_COUNT, .min = 1, .max = 8192,       \
		 .help = "each device stands for so many equal ones that share its blocks by tensors, on a " \
			 "link with 'equals: tensor'"},                                                      \
		{OPTION(at, data_parallel, unsaid, "1"), .type = FIELD_COUNT, .min = 1, .max = 8192,         \
		 .help = "and all of these for so many replicas that share the micro-batches, on a link "    \
			 "with 'equals: data'"},                                                             \
		{OPTION(at, context_parallel, unsaid, "1"), .type = FIELD_COUNT, .min = 1, .max = 8192,      \
		 .help = "and each for so many that share the tokens of a sequence, on a link with "         \
			 "'equals: context'"},                                                               \
		{OPTION(at, zero, unsaid, "0"), .type = FIELD_COUNT, .min = 0, .max = 3,                     \
		 .help = "what replicas share out of the update: 1: the optimizer's states, 2: gradients "   \
			 "too, 3: and weights"},                                                             \
		{OPTION(at, sequence_parallel, unsaid, "false"), .type = FIELD_BOOL,                         \
		 .help = "ranks of a tensor split share norms and residuals, too, by tokens"},               \
		{OPTION(at, tensor_overlap, unsaid, "false"), .type = FIELD_BOOL,                            \
		 .help = "with sequence_parallel, ranks of tensor_parallel send a piece of a product while " \
			 "the next one is computed"},                                                        \
		{OPTION(at, step_overlap, unsaid, "false"), .type = FIELD_BOOL,                              \
		 .help = "with zero, new weights are gathered while the next step's forward pass goes on"},  \
		{OPTION(at, bucket, unsaid, "25 MiB"),                                                       \
		 .type = FIELD_DOUBLE,                                                                       \
		 .dim = DIM_BYTES,                                                                           \
		 .min = 0,                                                                                   \
		 .max = 1e15,                                                                                \
		 .help = "gradients that are sent together; 0: all"},                                        \
	{                                                                                                    \
		OPTION(at, overlap, unsaid, "true"),                                                         \
			.type = FIELD_BOOL, .help = "a bucket is sent while the backward pass goes on"       \
	}

static const struct field train_fields[] = {
	TOKENS(struct train, tokens, "tokens of each sequence"),
	COUNT(struct train, batch, 65536, "1", "sequences of a micro-batch"),
	COUNT(struct train, micro_batches, 1048576, "1", "micro-batches before the optimizer's step"),
	BEYOND_CONTEXT(struct train),
	{FIELD_KEY(struct train, padding), .type = FIELD_DOUBLE, .dim = DIM_SHARE, .min = 0, .max = 0.999,
	 .def = "0", .help = "share of the tokens that cost but do not count"},
	{FIELD_KEY(struct train, method), .type = FIELD_CHOICE, .choices = methods, .def = "full",
	 .help = "what is trained; qlora: adapters on quantised weights"},
	{FIELD_KEY(struct train, rank), .type = FIELD_COUNT, .min = 1, .max = 65536, .def = "16",
	 .help = "of LoRA adapters"},
	{FIELD_KEY(struct train, targets), .type = FIELD_TEXTS, .optional = true,
	 .help = "what gets adapters: q, k, v, o, gate, up, down; [q, v] if not said"},
	{FIELD_KEY(struct train, layers), .type = FIELD_COUNT, .min = 0, .max = 100000, .def = "0",
	 .help = "how many of the last layers are trained; 0: all, and the ends in full training"},
	{FIELD_KEY(struct train, optimizer), .type = FIELD_CHOICE, .choices = optimizers, .def = "adamw",
	 .help = "what updates the weights; its states take memory"},
	{FIELD_KEY(struct train, master), .type = FIELD_BOOL, .def = "false",
	 .help = "the optimizer keeps weights in f32 too"},
	{FIELD_KEY(struct train, states), .type = FIELD_CHOICE, .choices = dtype_names, .optional = true,
	 .help = "of the optimizer's moments; PyTorch and MLX keep them as the weights. f32 if not said"},
	{FIELD_KEY(struct train, gradients), .type = FIELD_CHOICE, .choices = dtype_names, .optional = true,
	 .help = "as they are kept and summed over micro-batches and replicas; Megatron keeps them in f32. "
		 "Those "
		 "of the arithmetic if not said"},
	TRAIN_OPTIONS(offsetof(struct train, options), false),
};
const struct table train_table = {"train", sizeof(struct train), train_fields, ARRAY_LEN(train_fields)};

static const struct field train_options_fields[] = {TRAIN_OPTIONS(0, true)};
const struct table train_options_table = {"train", sizeof(struct train_options), train_options_fields,
					  ARRAY_LEN(train_options_fields)};

double train_gradient_B(const struct train *t)
{
	const struct yml *said = t->origin.node;

	if (!said || !yml_get(said, "gradients"))
		return 0;
	return t->gradients == DTYPE_F32 ? 4 : 2;
}

struct train train_as(const struct train *t, const struct assignment *a)
{
	const struct train_options *h = a->train;
	const struct yml *said = h ? h->origin.node : NULL;
	struct train as = *t;

	if (!h)
		return as;
	if (yml_get(said, "schedule"))
		as.options.schedule = h->schedule;
	if (yml_get(said, "recompute"))
		as.options.recompute = h->recompute;
	if (yml_get(said, "in_flight"))
		as.options.in_flight = h->in_flight;
	if (yml_get(said, "all_reduce"))
		as.options.all_reduce = h->all_reduce;
	if (yml_get(said, "tensor_parallel"))
		as.options.tensor_parallel = h->tensor_parallel;
	if (yml_get(said, "data_parallel"))
		as.options.data_parallel = h->data_parallel;
	if (yml_get(said, "context_parallel"))
		as.options.context_parallel = h->context_parallel;
	if (yml_get(said, "zero"))
		as.options.zero = h->zero;
	if (yml_get(said, "sequence_parallel"))
		as.options.sequence_parallel = h->sequence_parallel;
	if (yml_get(said, "tensor_overlap"))
		as.options.tensor_overlap = h->tensor_overlap;
	if (yml_get(said, "step_overlap"))
		as.options.step_overlap = h->step_overlap;
	if (yml_get(said, "bucket"))
		as.options.bucket = h->bucket;
	if (yml_get(said, "overlap"))
		as.options.overlap = h->overlap;
	return as;
}

/* Gradients are summed over the ranks that share tokens as well as over replicas. */
static int64_t equals_of(const struct train_options *o, enum equals e)
{
	switch (e) {
	case EQUALS_TENSOR:
		return o->tensor_parallel;
	case EQUALS_CONTEXT:
		return o->context_parallel;
	case EQUALS_DATA:
		return train_gradient_ranks(o);
	case EQUALS_NONE:
	case EQUALS_N:
		break;
	}
	return 1;
}

int64_t train_gradient_ranks(const struct train_options *o)
{
	return o->data_parallel * o->context_parallel;
}

int64_t train_equals(const struct scenario *s, enum equals e)
{
	const struct train *t = s->workload.train;
	const struct assignment *a = s->assignments.at;
	int64_t most = 1;

	for (size_t i = 0; t && i <= s->assignments.n; i++) {
		const struct train_options o = i ? train_as(t, &a[i - 1]).options : t->options;
		const int64_t n = equals_of(&o, e);

		most = n > most ? n : most;
	}
	return most;
}

unsigned train_adapters(const struct train *t)
{
	const char *const *names = t->targets.at;
	unsigned set = 0;

	if (t->method == TRAIN_FULL)
		return 0;
	if (!t->targets.n)
		return 1u << ADAPTER_Q | 1u << ADAPTER_V;
	for (size_t i = 0; i < t->targets.n; i++)
		for (unsigned k = 0; k < ADAPTER_N; k++)
			set |= !strcmp(names[i], adapter_names[k]) ? 1u << k : 0;
	return set;
}

static void check_target(const struct yml *at, const char *name, struct diags *diags)
{
	const char *near = nearest_of(name, adapter_names, ADAPTER_N);
	struct err err = ERR_INIT;

	for (size_t i = 0; i < ADAPTER_N; i++)
		if (!strcmp(name, adapter_names[i]))
			return;
	err_set(&err, "train: targets: nothing is called '%.60s'", name);
	if (near)
		err_hint(&err, "did you mean '%s'?", near);
	else
		err_hint(&err, "one or more of q, k, v, o, gate, up, down");
	diag_err(diags, at->place, &err);
}

/* Formats of two and four bytes are operands of arithmetic; the others are unpacked first. */
static bool is_quantised(int weights)
{
	return weights > FORMAT_BF16;
}

/* Keys of adapters mean nothing where all is trained. With the method stated they stay, for sweeps over it; without it they
 * say what was meant. */
static void check_adapter_keys(const struct yml *node, struct diags *diags)
{
	static const char *const keys[] = {"rank", "targets"};
	const struct yml *method = yml_get(node, "method");

	for (size_t i = 0; i < ARRAY_LEN(keys) && (!method || method->is_default); i++) {
		const struct yml *at = yml_get(node, keys[i]);

		if (at && !at->is_default)
			diag_add(diags, at->place, "write 'method: lora' beside it, or 'method: qlora'",
				 "train: '%s' is of adapters, and all is trained where no method is given",
				 keys[i]);
	}
}

void train_check(const struct scenario *s, struct diags *diags)
{
	const struct train *t = s->workload.train;
	const struct precision *p = &s->precision;
	const struct yml *node = t->origin.node, *targets = yml_get(node, "targets"),
			 *method = yml_get(node, "method");
	const char *const *names = t->targets.at;

	for (size_t i = 0; i < t->targets.n; i++)
		check_target(targets->kind == YML_LIST ? targets->items[i] : targets, names[i], diags);
	check_adapter_keys(node, diags);
	if (t->method == TRAIN_FULL && is_quantised(p->weights))
		diag_add(diags, method ? method->place : node->place,
			 "train adapters ('method: qlora'), or keep the weights in f16, bf16 or f32",
			 "train: quantised weights cannot be trained in full");
	if (t->method == TRAIN_QLORA && !is_quantised(p->weights))
		diag_add(diags, method ? method->place : node->place,
			 "write 'method: lora', or set precision.weights to q4_0 or the like",
			 "train: qlora wants quantised weights");
}
