/* scenario.c - the field tables of scenario files; see scenario.h. */
#include "sim/world/scenario.h"

#include <string.h>

#include "sim/hw/hw.h"

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
static const char *const beyond_contexts[] = {[BEYOND_REFUSE] = "refuse", [BEYOND_ALLOW] = "allow", NULL};
static const char *const kv_whens[] = {[KV_STREAM] = "stream", [KV_END] = "end", NULL};
static const char *const overflows[] = {[OFFLOAD_REFUSE] = "refuse", [OFFLOAD_STREAM] = "stream", NULL};
static const char *const splits[] = {[RULE_WHOLE] = "none",
				     [RULE_TENSOR] = "tensor",
				     [RULE_DATA] = "data",
				     [RULE_EXPERTS] = "experts",
				     NULL};

#define TOKENS(strukt, member, text)                                                                         \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_COUNT, .dim = DIM_TOKENS, .min = 1, .max = 1 << 22, \
					   .help = text                                                      \
	}
#define COUNT(strukt, member, hi, d, text)                                                                   \
	{                                                                                                    \
		FIELD_KEY(strukt, member), .type = FIELD_COUNT, .min = 1, .max = hi, .def = d, .help = text  \
	}

#define BEYOND(strukt)                                                                                       \
	{                                                                                                    \
		FIELD_KEY(strukt, beyond_context), .type = FIELD_CHOICE, .choices = beyond_contexts,         \
						   .def = "refuse",                                          \
						   .help = "sequences longer than the model's context"       \
	}

static const struct field speculative_fields[] = {
	{FIELD_KEY(struct speculative, model), .type = FIELD_YML,
	 .help = "the one that drafts: a name, or a mapping with base:"},
	{FIELD_KEY(struct speculative, on), .type = FIELD_TEXT, .help = "the device that runs it"},
	{FIELD_KEY(struct speculative, draft), .type = FIELD_COUNT, .dim = DIM_TOKENS, .min = 1, .max = 64,
	 .help = "tokens of one draft"},
	{FIELD_KEY(struct speculative, acceptance), .type = FIELD_DOUBLE, .dim = DIM_SHARE, .min = 0,
	 .max = 1, .help = "of drafted tokens, each taken by itself"},
	{FIELD_KEY(struct speculative, precision), .type = FIELD_MAYBE, .sub = &precision_table,
	 .optional = true, .help = "of the draft's numbers; as the scenario's if not said"},
};
static const struct table speculative_table = {"speculative", sizeof(struct speculative), speculative_fields,
					       ARRAY_LEN(speculative_fields)};

/* The keys of struct generate_options, with the defaults of a workload or, in an assignment, none. */
#define SAID(at, member, unsaid, std)                                                                        \
	.key = #member, .offset = (at) + offsetof(struct generate_options, member), .optional = unsaid,      \
	.def = (unsaid) ? NULL : (std)
#define GENERATE_HOW(at, unsaid)                                                                             \
	{SAID(at, chunk, unsaid, "0"),                                                                       \
	 .type = FIELD_COUNT,                                                                                \
	 .dim = DIM_TOKENS,                                                                                  \
	 .min = 0,                                                                                           \
	 .max = 1 << 22,                                                                                     \
	 .help = "tokens of a prompt read in one pass; 0: all of them"},                                     \
		{SAID(at, micro_batches, unsaid, "1"), .type = FIELD_COUNT, .min = 1,                        \
		 .max = GENERATE_GROUPS,                                                                     \
		 .help = "groups of sequences that follow one another through devices; at most one each"},   \
		{SAID(at, kv, unsaid, "stream"), .type = FIELD_CHOICE, .choices = kv_whens,                  \
		 .help = "when a cache goes to decode: layer by layer as it is made, or all at the end"},    \
		{SAID(at, overflow, unsaid, "refuse"), .type = FIELD_CHOICE, .choices = overflows,           \
		 .help = "weights that do not fit; stream: read from the machine's disk in every step"},     \
	{                                                                                                    \
		SAID(at, speculative, true, NULL),                                                           \
			.type = FIELD_MAYBE, .sub = &speculative_table,                                      \
			.help = "a draft by a small model, checked by the large one in one pass"             \
	}

static const struct field generate_fields[] = {
	TOKENS(struct generate, prompt, "tokens of each prompt"),
	TOKENS(struct generate, tokens, "tokens to generate for each"),
	COUNT(struct generate, batch, 65536, "1", "sequences at once"),
	BEYOND(struct generate),
	GENERATE_HOW(offsetof(struct generate, options), false),
};
static const struct table generate_table = {"generate", sizeof(struct generate), generate_fields,
					    ARRAY_LEN(generate_fields)};

/* The keys of struct train_options, with the defaults of a workload or, in an assignment, none. */
#define HOW(at, member, unsaid, std)                                                                         \
	.key = #member, .offset = (at) + offsetof(struct train_options, member), .optional = unsaid,         \
	.def = (unsaid) ? NULL : (std)
#define TRAIN_HOW(at, unsaid)                                                                                \
	{HOW(at, recompute, unsaid, "none"), .type = FIELD_CHOICE, .choices = recomputes,                    \
	 .help = "of activations in the backward pass; selective: attention scores, full: all but a "        \
		 "block's input"},                                                                           \
		{HOW(at, schedule, unsaid, "1f1b"), .type = FIELD_CHOICE, .choices = schedule_names,         \
		 .help = "order of the micro-batches' passes where blocks lie on several devices"},          \
		{HOW(at, in_flight, unsaid, "0"), .type = FIELD_COUNT, .min = 0, .max = 4096,                \
		 .help = "micro-batches a device may hold at once; 0: as many as the schedule asks for"},    \
		{HOW(at, all_reduce, unsaid, "auto"), .type = FIELD_CHOICE, .choices = reduce_way_names,     \
		 .help = "of gradients, where a rule says 'split: data'; auto: the quickest, or as the "     \
			 "links say"},                                                                       \
		{HOW(at, bucket, unsaid, "25 MiB"),                                                          \
		 .type = FIELD_DOUBLE,                                                                       \
		 .dim = DIM_BYTES,                                                                           \
		 .min = 0,                                                                                   \
		 .max = 1e15,                                                                                \
		 .help = "gradients that are sent together; 0: all"},                                        \
	{                                                                                                    \
		HOW(at, overlap, unsaid, "true"), .type = FIELD_BOOL,                                        \
						  .help = "a bucket is sent while the backward pass goes on" \
	}

static const struct field train_fields[] = {
	TOKENS(struct train, tokens, "tokens of each sequence"),
	COUNT(struct train, batch, 65536, "1", "sequences of a micro-batch"),
	COUNT(struct train, micro_batches, 4096, "1", "micro-batches before the optimizer's step"),
	BEYOND(struct train),
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
	TRAIN_HOW(offsetof(struct train, options), false),
};
static const struct table train_table = {"train", sizeof(struct train), train_fields,
					 ARRAY_LEN(train_fields)};

static const struct field workload_fields[] = {
	{FIELD_KEY(struct workload, generate), .type = FIELD_MAYBE, .sub = &generate_table, .optional = true,
	 .help = "inference"},
	{FIELD_KEY(struct workload, train), .type = FIELD_MAYBE, .sub = &train_table, .optional = true,
	 .help = "fine-tuning"},
};
static const struct table workload_table = {"workload", sizeof(struct workload), workload_fields,
					    ARRAY_LEN(workload_fields)};

static const struct field money_fields[] = {
	{FIELD_KEY(struct money, electricity), .type = FIELD_DOUBLE, .dim = DIM_TARIFF, .min = 0,
	 .max = 100 / 3.6e6, .def = "0.30 USD/kWh", .help = "what a kilowatt-hour costs"},
	{FIELD_KEY(struct money, life), .type = FIELD_DOUBLE, .dim = DIM_LIFE, .min = 86400,
	 .max = 100 * 31557600.0, .def = "3 years", .help = "after which a machine is written off"},
	{FIELD_KEY(struct money, utilisation), .type = FIELD_DOUBLE, .dim = DIM_SHARE, .min = 0.001, .max = 1,
	 .def = "50 %", .help = "share of its life that a machine works; the rest it idles, switched on"},
};
static const struct table money_table = {"money", sizeof(struct money), money_fields,
					 ARRAY_LEN(money_fields)};

static const struct field rule_fields[] = {
	{FIELD_KEY(struct rule, on), .type = FIELD_TEXTS, .help = "device: m5 or m5.gpu; a list with split"},
	{FIELD_KEY(struct rule, layers), .type = FIELD_RANGE, .optional = true,
	 .help = "which layers; all if not said"},
	{FIELD_KEY(struct rule, op), .type = FIELD_TEXTS, .optional = true,
	 .help = "embedding, attention, ffn, router, shared_experts, experts, head; all if not said"},
	{FIELD_KEY(struct rule, phase), .type = FIELD_TEXTS, .optional = true,
	 .help = "prefill, decode, forward, backward, update"},
	{FIELD_KEY(struct rule, split), .type = FIELD_CHOICE, .choices = splits, .def = "none",
	 .help = "tensor: every device a share of each block; experts: whole experts; data: whole blocks, a "
		 "share of the micro-batches"},
	{FIELD_KEY(struct rule, shares), .type = FIELD_DOUBLES, .dim = DIM_SHARE, .min = 0.001, .max = 1,
	 .optional = true,
	 .help = "of a split, like [70 %, 30 %]; attention and experts by whole heads and experts; if not "
		 "said: "
		 "equal, of data as fast as each is"},
	{FIELD_KEY(struct rule, experts), .type = FIELD_DOUBLES, .dim = DIM_COUNT, .min = 1, .max = 65536,
	 .optional = true, .help = "of 'split: experts': how many of a layer each has, like [96, 32]"},
};
static const struct table rule_table = {"rule", sizeof(struct rule), rule_fields, ARRAY_LEN(rule_fields)};

static const struct field how_fields[] = {GENERATE_HOW(0, true)};
static const struct table how_table = {"generate", sizeof(struct generate_options), how_fields,
				       ARRAY_LEN(how_fields)};

static const struct field train_how_fields[] = {TRAIN_HOW(0, true)};
static const struct table train_how_table = {"train", sizeof(struct train_options), train_how_fields,
					     ARRAY_LEN(train_how_fields)};

static const struct field assignment_fields[] = {
	{FIELD_KEY(struct assignment, name), .type = FIELD_TEXT, .help = "its name in tables and pictures"},
	{FIELD_KEY(struct assignment, place), .type = FIELD_LIST, .sub = &rule_table, .max = 100,
	 .help = "rules; the later wins"},
	{FIELD_KEY(struct assignment, generate), .type = FIELD_MAYBE, .sub = &how_table, .optional = true,
	 .help = "what is not as the workload says"},
	{FIELD_KEY(struct assignment, train), .type = FIELD_MAYBE, .sub = &train_how_table, .optional = true,
	 .help = "likewise"},
};
static const struct table assignment_table = {"assignment", sizeof(struct assignment), assignment_fields,
					      ARRAY_LEN(assignment_fields)};

static const struct field scenario_fields[] = {
	{FIELD_KEY(struct scenario, schema), .type = FIELD_TEXT, .help = SCENARIO_SCHEMA},
	{FIELD_KEY(struct scenario, title), .type = FIELD_TEXT, .help = "the question, in a line"},
	{FIELD_KEY(struct scenario, model), .type = FIELD_YML,
	 .help = "name of a model, or a mapping with base:"},
	{FIELD_KEY(struct scenario, precision), .type = FIELD_TABLE, .sub = &precision_table,
	 .help = "formats of numbers"},
	{FIELD_KEY(struct scenario, runtime), .type = FIELD_YML,
	 .help = "software whose profile is used, or {default: mlx, spark: cuda} by machine"},
	{FIELD_KEY(struct scenario, machines), .type = FIELD_YML,
	 .help = "your names for hardware, like {mini: apple-m4-10c}; 'lemursim list hardware' names all"},
	{FIELD_KEY(struct scenario, links), .type = FIELD_YML, .optional = true,
	 .help = "likewise for links, like {tb: {base: thunderbolt-5-tcp, between: [mini, studio]}}"},
	{FIELD_KEY(struct scenario, workload), .type = FIELD_TABLE, .sub = &workload_table,
	 .help = "what is asked"},
	{FIELD_KEY(struct scenario, money), .type = FIELD_TABLE, .sub = &money_table, .def = "{}",
	 .help = "assumptions behind dollars per million tokens"},
	{FIELD_KEY(struct scenario, assignments), .type = FIELD_LIST, .sub = &assignment_table, .max = 200,
	 .help = "who does what"},
	{FIELD_KEY(struct scenario, seed), .type = FIELD_COUNT, .min = 0, .max = 9e15, .def = "1",
	 .help = "of every random number"},
	{FIELD_KEY(struct scenario, draws), .type = FIELD_COUNT, .min = 2, .max = 100000, .def = "200",
	 .help = "samples behind each interval"},
};
const struct table scenario_table = {"scenario", sizeof(struct scenario), scenario_fields,
				     ARRAY_LEN(scenario_fields)};

struct generate generate_as(const struct generate *g, const struct assignment *a)
{
	const struct generate_options *h = a->generate;
	struct generate as = *g;

	if (!h)
		return as;
	if (yml_get(h->origin.node, "chunk"))
		as.options.chunk = h->chunk;
	if (yml_get(h->origin.node, "micro_batches"))
		as.options.micro_batches = h->micro_batches;
	if (yml_get(h->origin.node, "kv"))
		as.options.kv = h->kv;
	if (yml_get(h->origin.node, "overflow"))
		as.options.overflow = h->overflow;
	if (yml_get(h->origin.node, "speculative"))
		as.options.speculative = h->speculative;
	return as;
}

double speculative_tokens(const struct speculative *s)
{
	double sum = 1, chance = 1;

	for (int64_t i = 0; i < s->draft; i++)
		sum += chance *= s->acceptance;
	return sum;
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
	if (yml_get(said, "bucket"))
		as.options.bucket = h->bucket;
	if (yml_get(said, "overlap"))
		as.options.overlap = h->overlap;
	return as;
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
	const char *near = str_closest(name, adapter_names, ADAPTER_N);
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

/* Formats of four bytes or two are what arithmetic takes as it is. */
static bool is_quantised(int weights)
{
	return weights > FORMAT_BF16;
}

int train_check(const struct train *t, const struct precision *p, struct diags *diags)
{
	const struct yml *node = t->origin.node, *targets = yml_get(node, "targets"),
			 *method = yml_get(node, "method");
	const char *const *names = t->targets.at;
	const size_t before = diags->total;

	for (size_t i = 0; i < t->targets.n; i++)
		check_target(targets->kind == YML_LIST ? targets->items[i] : targets, names[i], diags);
	if (t->method == TRAIN_FULL && is_quantised(p->weights))
		diag_add(diags, method ? method->place : node->place,
			 "train adapters ('method: qlora'), or keep the weights in f16, bf16 or f32",
			 "train: quantised weights cannot be trained in full");
	if (t->method == TRAIN_QLORA && !is_quantised(p->weights))
		diag_add(diags, method ? method->place : node->place,
			 "write 'method: lora', or set precision.weights to q4_0 or the like",
			 "train: qlora wants quantised weights");
	return diags->total == before ? 0 : -1;
}
