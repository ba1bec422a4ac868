/*
 * describe_class.c - what the class in 'architectures' says that model_type does not; see describe_layers.h.
 *
 * Models that draft tokens for another one reuse its model_type ("llama", "qwen3"), so that only their class, or a key
 * that no other model has, tells them apart (configs of sgl-project/SpecForge@a6b6b023 and vllm-project/speculators#53).
 */
#include <string.h>

#include "sim/import/describe_layers.h"

static const char *class_of(const struct config_reading *r)
{
	const struct yml *y = config_find(r->top, "architectures");

	return y && y->kind == YML_LIST ? config_item(y, 0) : "";
}

/* The text has one of the words in it. */
static bool has_word(const char *text, const char *const *words, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (strstr(text, words[i]))
			return true;
	return false;
}

bool describe_drafter(struct config_reading *r)
{
	static const char *const classes[] = {"Eagle",  "EAGLE",  "Medusa", "Speculator", "Draft",
					      "DFlash", "DSpark", "Domino", "NextN"};
	static const char *const keys[] = {"draft_vocab_size", "dflash_config",          "eagle_config",
					   "medusa_num_heads", "speculators_model_type", "num_target_layers"};
	const struct yml *at = has_word(class_of(r), classes, ARRAY_LEN(classes))
				       ? config_find(r->top, "architectures")->items[0]
				       : NULL;

	for (size_t k = 0; !at && k < ARRAY_LEN(keys); k++)
		at = config_find(r->top, keys[k]);
	if (!at)
		return false;
	diag_add(r->diags, at->place, "import the model that it drafts for",
		 "config: this model drafts tokens from the hidden states of another one: it cannot run "
		 "alone, "
		 "and its config does not say all of its layers");
	return true;
}

/* MiniCPM-V and -o have Qwen's layers, of which generation follows from their version (openbmb's modeling_minicpmv.py). */
static const char *minicpm_by_version(const struct config_reading *r)
{
	const char *version = config_word(r->top, "version", "");

	return !strcmp(version, "2.6") ? "qwen2" : !strcmp(version, "4.5") ? "qwen3" : NULL;
}

/* A model_type that stands for two families, which a key tells apart. */
static const char *type_by_keys(struct config_reading *r, const char *type)
{
	const struct yml *layers = config_find(r->config, "layer_types");
	const bool linear = layers && layers->kind == YML_LIST &&
			    !strcmp(config_item(layers, 0), "linear_attention"),
		   two = !strcmp(type, "deepseek_v2") || !strcmp(type, "deepseek_vl_v2");
	const char *of =
		str_starts(type, "minicpmv") || str_starts(type, "minicpmo") ? minicpm_by_version(r) : NULL;

	if (!strcmp(type, "minimax") && (linear || config_find(r->config, "attn_type_list")))
		return "minimax_text_01";
	if (!strcmp(type, "minimax") && strcmp(class_of(r), "MiniMaxM2ForCausalLM") != 0)
		CONFIG_NOTE_ABSENT(r, "taken as MiniMax M2, not as MiniMax-01", "layer_types");
	if (two && !config_flag(r, r->config, "use_mla", true)) /* DeepSeek-OCR */
		return "deepseek";
	return of ? of : type;
}

const char *describe_type_by_class(struct config_reading *r, const char *type)
{
	static const char *const types[][2] = {{"Grok1ForCausalLM", "grok-1"},
					       {"LongcatFlashForCausalLM", "longcat_flash"},
					       {"LongcatFlashNgramForCausalLM", "longcat_flash_ngram"}};

	for (size_t i = 0; i < ARRAY_LEN(types); i++)
		if (!strcmp(class_of(r), types[i][0]))
			return types[i][1];
	return type ? type_by_keys(r, type) : NULL;
}

void describe_head_by_class(struct config_reading *r)
{
	static const char *const heads[] = {"Classification", "Reward", "QuestionAnswering", "Embedding",
					    "Bidirectional"};

	if (has_word(class_of(r), heads, ARRAY_LEN(heads)))
		describe_note(r->d, r->diags->arena,
			      "'architectures': %.60s has no head over the vocabulary: one is counted here",
			      class_of(r));
}
