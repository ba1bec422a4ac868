/* generate.c - see generate.h. */
#include "sim/world/generate.h"

#include <stdio.h>

#include "sim/world/scenario.h"
#include "sim/world/tables.h"

const char *const kv_whens[] = {[KV_STREAM] = "stream", [KV_END] = "end", NULL};
static const char *const overflows[] = {[OFFLOAD_REFUSE] = "refuse", [OFFLOAD_STREAM] = "stream", NULL};

static const struct field speculative_fields[] = {
	{FIELD_KEY(struct speculative, model), .type = FIELD_YML,
	 .help = "the one that drafts: a name, a mapping with base:, or 'mtp': the model's own further-token "
		 "layer"},
	{FIELD_KEY(struct speculative, on), .type = FIELD_TEXT, .help = "the device that runs it"},
	{FIELD_KEY(struct speculative, draft), .type = FIELD_COUNT, .dim = DIM_TOKENS, .min = 1, .max = 64,
	 .help = "tokens of one draft"},
	{FIELD_KEY(struct speculative, acceptance), .type = FIELD_DOUBLE, .dim = DIM_SHARE, .min = 0,
	 .max = 1, .help = "of drafted tokens, each taken by itself"},
	{FIELD_KEY(struct speculative, precision), .type = FIELD_MAYBE, .sub = &precision_table,
	 .optional = true, .help = "of the draft's numbers; as the scenario's if not said"},
};
const struct table speculative_table = {"speculative", sizeof(struct speculative), speculative_fields,
					ARRAY_LEN(speculative_fields)};

/* The keys of struct generate_options. A workload's have defaults; an assignment's have none, since absent
 * ones are the workload's. */
#define OPTION(at, member, unsaid, std)                                                                      \
	.key = #member, .offset = (at) + offsetof(struct generate_options, member), .optional = unsaid,      \
	.def = (unsaid) ? NULL : (std)
#define GENERATE_OPTIONS(at, unsaid)                                                                         \
	{OPTION(at, chunk, unsaid, "0"),                                                                     \
	 .type = FIELD_COUNT,                                                                                \
	 .dim = DIM_TOKENS,                                                                                  \
	 .min = 0,                                                                                           \
	 .max = 1 << 22,                                                                                     \
	 .help = "tokens of a prompt read in one pass; 0: as the runtime does by itself"},                   \
		{OPTION(at, micro_batches, unsaid, "1"), .type = FIELD_COUNT, .min = 1,                      \
		 .max = GENERATE_GROUPS,                                                                     \
		 .help = "groups of sequences that follow one another through devices; at most one each"},   \
		{OPTION(at, kv, unsaid, "stream"), .type = FIELD_CHOICE, .choices = kv_whens,                \
		 .help = "when a cache goes to decode: layer by layer as it is made, or all at the end"},    \
		{OPTION(at, overflow, unsaid, "refuse"), .type = FIELD_CHOICE, .choices = overflows,         \
		 .help = "weights that do not fit; stream: read from the machine's disk in every step"},     \
	{                                                                                                    \
		OPTION(at, speculative, true, NULL),                                                         \
			.type = FIELD_MAYBE, .sub = &speculative_table,                                      \
			.help = "a draft by a small model, checked by the large one in one pass"             \
	}

static const struct field generate_fields[] = {
	TOKENS(struct generate, prompt, "tokens of each prompt"),
	TOKENS(struct generate, tokens, "tokens to generate for each"),
	COUNT(struct generate, batch, 65536, "1", "sequences at once"),
	BEYOND_CONTEXT(struct generate),
	GENERATE_OPTIONS(offsetof(struct generate, options), false),
};
const struct table generate_table = {"generate", sizeof(struct generate), generate_fields,
				     ARRAY_LEN(generate_fields)};

static const struct field generate_options_fields[] = {GENERATE_OPTIONS(0, true)};
const struct table generate_options_table = {"generate", sizeof(struct generate_options),
					     generate_options_fields, ARRAY_LEN(generate_options_fields)};

struct generate generate_as(const struct generate *g, const struct assignment *a)
{
	const struct generate_options *h = a->generate;
	struct generate as = *g;

	if (!h)
		return as;
	if (yml_get(h->origin.node, "chunk")) {
		as.options.chunk = h->chunk ? h->chunk : g->runtime_chunk;
		as.chunk_asked = h->chunk != 0;
	}
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
	double sum = 1, probability = 1;

	for (int64_t i = 0; i < s->draft; i++)
		sum += probability *= s->acceptance;
	return sum;
}

/* The largest number of chunks: each is a pass with tasks of its own. 4 million tokens in chunks of 512
 * are 8192 passes. */
enum { PASSES_MAX = 8192 };

static void check_passes(struct diags *diags, const struct generate *g, const struct yml *said)
{
	const struct yml *chunk = yml_get(said, "chunk");
	const int64_t groups = g->options.micro_batches < g->batch ? g->options.micro_batches : g->batch,
		      chunks = g->options.chunk ? (g->prompt + g->options.chunk - 1) / g->options.chunk : 1;
	char remedy[64];

	if (chunks * groups <= PASSES_MAX)
		return;
	snprintf(remedy, sizeof remedy, "a chunk of %lld tok or more will do",
		 (long long)((g->prompt - 1) / (PASSES_MAX / groups) + 1));
	diag_add(diags, (chunk ? chunk : said)->place, remedy,
		 "generate: its chunks make %lld passes of the prompts: %d are allowed",
		 (long long)(chunks * groups), PASSES_MAX);
}

void generate_check(const struct scenario *s, struct diags *diags)
{
	const struct assignment *a = s->assignments.at;
	const struct generate *g = s->workload.generate;

	check_passes(diags, g, g->origin.node);
	for (size_t i = 0; i < s->assignments.n; i++)
		if (a[i].generate) {
			const struct generate as = generate_as(g, &a[i]);

			check_passes(diags, &as, a[i].generate->origin.node);
		}
}
