/* quantized_rules.c - see quantized_rules.h. */
#include "sim/import/quantized_rules.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/import/config.h"

double quantization_bytes(const struct quantization *x, double n, double k)
{
	const double groups = x->group > 0 ? ceil(k / x->group) * ceil(n / x->rows) : 0;

	return n * k * x->bits / 8 + groups * x->group_B + n * x->row_B + k * x->input_B + x->module_B;
}

/* --- words ---------------------------------------------------------------------------------------- */

static bool flag(const struct yml *map, const char *key, bool def)
{
	const char *said = config_word(map, key, "");

	return !strcmp(said, "true") || (def && strcmp(said, "false") != 0);
}

/* A number within limits; another is an error. */
static int number(const struct yml *map, const char *key, double def, double least, double most, double *to,
		  struct err *err)
{
	const struct yml *y = config_find(map, key);
	const char *text = config_word(map, key, "");
	char *end = NULL;

	*to = def;
	if (!y)
		return 0;
	*to = strtod(text, &end);
	if (*text && !*end && *to >= least && *to <= most && floor(*to) == *to)
		return 0;
	return err_set(err, "quantization: '%s': expected a whole number from %.0f to %.0f, got '%.60s'", key,
		       least, most, text);
}

/* The word in small letters. */
static const char *lower(struct arena *a, const char *text)
{
	char *s = arena_strdup(a, text);

	for (char *at = s; *at; at++)
		*at = (char)(*at >= 'A' && *at <= 'Z' ? *at + 32 : *at);
	return s;
}

/* --- formats -------------------------------------------------------------------------------------- */

/* 16 bits, or 32. */
static struct quantization plain(double bits)
{
	return (struct quantization){
		.bits = bits, .rows = 1, .format = bits == 32 ? FORMAT_F32 : FORMAT_BF16};
}

/* Whole numbers packed in words; group 0: a row. Beside them a shape of two numbers (compressed-tensors). */
static struct quantization packed(double bits, double group, bool symmetric)
{
	return (struct quantization){.bits = bits,
				     .group = group > 0 ? group : 1e9,
				     .rows = 1,
				     .group_B = 2 + (symmetric ? 0 : bits / 8),
				     .module_B = 16,
				     .format = bits > 4      ? FORMAT_FP8_ROW
					       : !symmetric  ? FORMAT_AWQ
					       : group == 32 ? FORMAT_INT4_G32
							     : FORMAT_GPTQ};
}

/* NVFP4: a byte for 16, and two 32-bit scales, of weights and of inputs; MXFP4 and MXFP8: a byte for 32. */
static struct quantization small_floats(double bits, double group)
{
	return (struct quantization){.bits = bits,
				     .group = group,
				     .rows = 1,
				     .group_B = 1,
				     .module_B = group == 16 ? 8 : 0,
				     .format = bits == 8     ? FORMAT_MXFP8
					       : group == 16 ? FORMAT_NVFP4
							     : FORMAT_MXFP4};
}

/* fp8: a scale for so many outputs and inputs, for each output, or for all. */
static struct quantization floats_by_block(double rows, double group)
{
	return (struct quantization){
		.bits = 8, .group = group, .rows = rows, .group_B = 4, .format = FORMAT_FP8};
}

static struct quantization floats_by_row(bool channel)
{
	return (struct quantization){.bits = 8,
				     .rows = 1,
				     .row_B = channel ? 2 : 0,
				     .module_B = channel ? 0 : 8,
				     .format = FORMAT_FP8_ROW};
}

/* --- rules ---------------------------------------------------------------------------------------- */

/* A key of the block that must be a list, or a mapping, where it is there. */
static const struct yml *of_kind(struct rules *r, const char *key, enum yml_kind kind, int *rc)
{
	const struct yml *y = config_find(r->q, key);

	if (y && y->kind != kind)
		*rc = err_set(r->err, "quantization: '%s': expected %s, got %s", key,
			      kind == YML_LIST ? "a list" : "a mapping", yml_kind_name(y));
	return y;
}

static int patterns(struct rules *r, const struct yml *list, bool whole, const char *sign,
		    const struct quantized_patterns **to)
{
	*to = quantized_patterns_read(r->a, list, whole, sign, r->err);
	return *to ? 0 : -1;
}

/* The modules that a list of that key leaves alone. */
static int left_alone(struct rules *r, const char *key, bool whole)
{
	int rc = 0;
	const struct yml *list = of_kind(r, key, YML_LIST, &rc);

	return rc != 0 ? -1 : patterns(r, list, whole, NULL, &r->left);
}

/* The scheme of a compressed-tensors group: "weights". */
static int scheme(struct rules *r, const struct yml *w, struct quantization *to)
{
	const char *type = config_word(w, "type", "int"), *strategy = config_word(w, "strategy", "");
	double bits, group;

	if (number(w, "num_bits", 8, 1, 16, &bits, r->err) != 0 ||
	    number(w, "group_size", 0, -1, 1e6, &group, r->err) != 0)
		return -1;
	if (!w || w->kind != YML_MAP || bits == 16)
		*to = r->rest;
	else if (!strcmp(type, "float") && bits == 4)
		*to = small_floats(4, group > 0 ? group : 16);
	else if (!strcmp(type, "float") && bits == 8 && group == 32)
		*to = small_floats(8, 32);
	else if (!strcmp(type, "float") && bits == 8)
		*to = !strcmp(strategy, "block") ? floats_by_block(128, 128)
						 : floats_by_row(!strcmp(strategy, "channel"));
	else if (!strcmp(type, "int") && bits == 8 && group <= 0)
		*to = floats_by_row(strcmp(strategy, "tensor") != 0);
	else if (!strcmp(type, "int"))
		*to = packed(bits, group, flag(w, "symmetric", true));
	else
		return err_set(r->err, "quantization: weights of type '%.40s' and %.0f bits are not known",
			       type, bits);
	if (!strcmp(config_word(w, "actorder", ""), "group"))
		to->input_B = 4;
	return 0;
}

static bool targets_linear(const struct yml *targets)
{
	for (size_t i = 0; targets && targets->kind == YML_LIST && i < targets->n; i++)
		if (targets->items[i]->kind == YML_SCALAR && !strcmp(targets->items[i]->text, "Linear"))
			return true;
	return !targets;
}

static int config_groups(struct rules *r)
{
	int rc = 0;
	const struct yml *groups = of_kind(r, "config_groups", YML_MAP, &rc);

	if (rc != 0 || !groups)
		return rc != 0 ? -1 : err_set(r->err, "quantization: 'config_groups' is missing");
	r->named_alone = true;
	for (size_t i = 0; i < groups->n; i++) {
		const struct yml *targets = config_find(groups->items[i], "targets");
		struct quantization as;

		if (scheme(r, config_find(groups->items[i], "weights"), &as) != 0)
			return -1;
		if (targets_linear(targets)) {
			r->usual = as;
			r->named_alone = false;
			continue;
		}
		if (r->groups_n == GROUPS_MAX)
			return err_set(r->err, "quantization: more than %d groups", GROUPS_MAX);
		r->groups[r->groups_n].as = as;
		if (patterns(r, targets, true, NULL, &r->groups[r->groups_n++].of) != 0)
			return -1;
	}
	return 0;
}

static int compressed_tensors(struct rules *r)
{
	r->head = r->router = true; /* both are linear modules; 'ignore' says the rest */
	return config_groups(r) != 0 || left_alone(r, "ignore", true) != 0 ? -1 : 0;
}

/* "NVFP4", "W4A16_NVFP4", "FP8", ...: hf_quant_config.json of Model Optimizer, and quantized_layers. */
static int algorithm(struct rules *r, const char *name, struct quantization *to)
{
	const char *s = lower(r->a, name);

	if (strstr(s, "nvfp4"))
		*to = small_floats(4, 16);
	else if (strstr(s, "mxfp4"))
		*to = small_floats(4, 32);
	else if (strstr(s, "mxfp8"))
		*to = small_floats(8, 32);
	else if (strstr(s, "fp8_pb"))
		*to = floats_by_block(128, 128);
	else if (strstr(s, "fp8"))
		*to = floats_by_row(strstr(s, "pc") != NULL);
	else if (strstr(s, "int4") || strstr(s, "w4a"))
		*to = packed(4, 128, true);
	else if (strstr(s, "int8") || strstr(s, "w8a"))
		*to = floats_by_row(true);
	else
		return err_set(r->err, "quantization: '%.60s' is not known", name);
	return 0;
}

static int quantized_layers(struct rules *r)
{
	const struct yml *each = config_find(r->q, "quantized_layers");

	if (!each || each->kind != YML_MAP)
		return 0;
	r->named_alone = true;
	return patterns(r, each, false, NULL, &r->own);
}

static int model_optimizer(struct rules *r)
{
	const char *name = config_word(r->q, "quant_algo", "");

	r->head = r->router = true;
	if (!config_find(r->q, "config_groups") && strcmp(name, "MIXED_PRECISION") != 0 &&
	    algorithm(r, name, &r->usual) != 0)
		return -1;
	if ((config_find(r->q, "config_groups") && config_groups(r) != 0) || quantized_layers(r) != 0)
		return -1;
	return left_alone(r, config_find(r->q, "ignore") ? "ignore" : "exclude_modules", false);
}

static int fine_grained_fp8(struct rules *r)
{
	const struct yml *block = config_find(r->q, "weight_block_size");
	const bool blocks = block && block->kind == YML_LIST && block->n == 2;
	double rows = 0, group = 0;

	if (block && !blocks)
		return err_set(r->err, "quantization: 'weight_block_size': expected two numbers");
	if (blocks && block->items[0]->kind == YML_SCALAR && block->items[1]->kind == YML_SCALAR) {
		rows = strtod(block->items[0]->text, NULL);
		group = strtod(block->items[1]->text, NULL);
	}
	if (blocks && !(rows >= 1 && rows <= 65536 && group >= 1 && group <= 65536))
		return err_set(r->err,
			       "quantization: 'weight_block_size': expected two numbers from 1 to 65536");
	r->usual = !blocks     ? floats_by_row(false)
		   : rows == 1 ? small_floats(8, group)
			       : floats_by_block(rows, group);
	if (quantized_layers(r) != 0)
		return -1;
	r->named_alone = false;
	return left_alone(r, "modules_to_not_convert", false);
}

/* AWQ: scales and zero points of a group. GPTQ: the same, and for each input the number of its group. entry: the block, or that of
 * a module whose numbers differ. */
static int groups_of(struct rules *r, const struct yml *entry, struct quantization *to)
{
	double bits, group;

	if (number(entry, config_find(entry, "w_bit") ? "w_bit" : "bits", r->default_bits, 2, 16, &bits,
		   r->err) != 0 ||
	    number(entry, config_find(entry, "q_group_size") ? "q_group_size" : "group_size",
		   r->default_group, -1, 1e6, &group, r->err) != 0)
		return -1;
	if (bits > 8 && bits != 16)
		return err_set(r->err, "quantization: 'bits': expected 2 to 8, or 16, got '%.0f'", bits);
	*to = bits == 16 ? r->rest : packed(bits, group, false);
	to->module_B = 0;
	to->input_B = r->numbered && bits < 16 ? 4 : 0;
	if (bits < 16)
		to->format = bits > 4 ? FORMAT_FP8_ROW : r->numbered ? FORMAT_GPTQ : FORMAT_AWQ;
	return 0;
}

/* 'dynamic' of GPTQModel: "-:" leaves alone, "+:" has numbers of its own; a name without a sign must say nothing. */
static int dynamic(struct rules *r)
{
	int rc = 0;
	const struct yml *y = of_kind(r, "dynamic", YML_MAP, &rc);

	for (size_t i = 0; rc == 0 && y && i < y->n; i++)
		if (!str_starts(y->keys[i]->text, "-:") && !str_starts(y->keys[i]->text, "+:") &&
		    config_find(y->items[i], "bits"))
			return err_set(r->err, "quantization: 'dynamic': '%.100s' has no sign",
				       y->keys[i]->text);
	return rc != 0 || patterns(r, y, false, "-:", &r->left) != 0 ||
			       patterns(r, y, false, "+:", &r->own) != 0
		       ? -1
		       : 0;
}

static int by_groups(struct rules *r, bool gptq)
{
	int rc = 0;
	const struct yml *extra = of_kind(r, "extra_config", YML_MAP, &rc);

	r->default_bits = 4;
	r->default_group = 128;
	r->numbered = gptq;
	if (rc != 0 || groups_of(r, r->q, &r->usual) != 0)
		return -1;
	r->default_bits = r->usual.bits;
	r->default_group = r->usual.group < 1e9 ? r->usual.group : -1;
	r->head = flag(r->q, "lm_head", false);
	if (extra) /* auto-round */
		return patterns(r, extra, false, NULL, &r->own);
	return gptq ? dynamic(r) : left_alone(r, "modules_to_not_convert", false);
}

/* A 4-bit code and a scale for 64, which is 32 bits, or 8 and another for 256 of them; or 8 bits and a scale a row. */
static int bits_and_bytes(struct rules *r)
{
	const bool four = flag(r->q, "load_in_4bit", flag(r->q, "_load_in_4bit", false));

	r->usual =
		(struct quantization){.bits = 4, .group = 64, .rows = 1, .group_B = 4, .format = FORMAT_GPTQ};
	if (four && flag(r->q, "bnb_4bit_use_double_quant", false))
		r->usual.group_B = 1 + 4.0 / 256;
	if (!four)
		r->usual = (struct quantization){.bits = 8, .rows = 1, .row_B = 4, .format = FORMAT_FP8_ROW};
	return left_alone(r, "llm_int8_skip_modules", false);
}

/* gpt-oss: experts alone. */
static int mxfp4(struct rules *r)
{
	r->usual = small_floats(4, 32);
	r->experts_only = true;
	return left_alone(r, "modules_to_not_convert", false);
}

/* QuantizationSpec of quark: a weight's dtype, how many share a scale. w: that of all modules, or of one that layer_quant_config names. */
static int quark_weight(struct rules *r, const struct yml *w, struct quantization *as)
{
	const char *type = lower(r->a, config_word(w, "dtype", "")), *scheme = config_word(w, "qscheme", "");
	const struct yml *block = config_find(w, "block_size");
	double group, rows = 128, columns = 128;

	if (number(w, "group_size", 0, -1, 1e6, &group, r->err) != 0)
		return -1;
	if (block && block->kind == YML_LIST && block->n == 2 && block->items[0]->kind == YML_SCALAR &&
	    block->items[1]->kind == YML_SCALAR) {
		rows = strtod(block->items[0]->text, NULL);
		columns = strtod(block->items[1]->text, NULL);
	}
	if (!(rows >= 1 && rows <= 65536 && columns >= 1 && columns <= 65536))
		return err_set(r->err, "quantization: 'block_size': expected two numbers from 1 to 65536");
	if (str_starts(type, "fp4"))
		*as = small_floats(4, group > 0 ? group : 32);
	else if (str_starts(type, "fp8") && !strcmp(scheme, "per_block"))
		*as = floats_by_block(rows, columns);
	else if (str_starts(type, "fp8"))
		*as = group == 32 ? small_floats(8, 32) : floats_by_row(strstr(scheme, "channel") != NULL);
	else if (str_starts(type, "int4") || str_starts(type, "uint4"))
		*as = packed(4, group, str_starts(type, "int4"));
	else if (str_starts(type, "int8"))
		*as = floats_by_row(true);
	else
		return err_set(r->err, "quantization: quark's dtype '%.40s' is not known", type);
	return 0;
}

/* What is excluded comes first, then the entries by name, then the usual one: QuarkConfig of sgl-project/sglang,
 * srt/layers/quantization/quark/quark.py, and vLLM's of the same name. */
static int quark(struct rules *r)
{
	const struct yml *own = config_find(r->q, "layer_quant_config"),
			 *types = config_find(r->q, "layer_type_quant_config");

	if (types && types->n)
		return err_set(r->err, "quantization: 'layer_type_quant_config' of quark is not read");
	r->head = r->by_quark = true;
	if (quark_weight(r, config_find(config_find(r->q, "global_quant_config"), "weight"), &r->usual) != 0)
		return -1;
	if (own && own->n && patterns(r, own, false, NULL, &r->own) != 0)
		return -1;
	return left_alone(r, "exclude", false);
}

/* mlx: a scale and a bias of 16 bits for a group; mxfp4, mxfp8 and nvfp4 as those of others, without scales of tensors. */
static struct quantization of_mlx(struct arena *a, const char *mode, double bits, double group)
{
	struct quantization x = {.bits = bits, .group = group, .rows = 1, .group_B = 4};
	const char *name = arena_printf(a, group == 64 ? "mlx_q%.0f" : "mlx_q%.0f_g%.0f", bits, group);
	const size_t at = str_find(name, format_names, FORMAT_N);

	x.format = at < FORMAT_N ? (enum format_id)at : bits > 4 ? FORMAT_MLX_Q8 : FORMAT_MLX_Q4;
	if (strcmp(mode, "affine") != 0) {
		x = small_floats(strstr(mode, "8") ? 8 : 4, !strcmp(mode, "nvfp4") ? 16 : 32);
		x.module_B = 0;
	}
	return x;
}

static int mlx_entry(struct rules *r, const struct yml *own, struct quantization *to)
{
	double bits, group;

	if (number(own, "bits", r->default_bits, 1, 16, &bits, r->err) != 0 ||
	    number(own, "group_size", r->default_group, 1, 65536, &group, r->err) != 0)
		return -1;
	if (bits == 7 || bits > 8 || bits < 2)
		return err_set(r->err, "quantization: 'bits': mlx has 2, 3, 4, 5, 6 and 8, got '%.0f'", bits);
	*to = of_mlx(r->a, config_word(own, "mode", config_word(r->q, "mode", "affine")), bits, group);
	return 0;
}

static int mlx(struct rules *r)
{
	r->by_mlx = true;
	r->default_bits = 4;
	r->default_group = 64;
	r->head = r->table = r->router = true;
	if (mlx_entry(r, r->q, &r->usual) != 0 ||
	    number(r->q, "bits", 4, 1, 16, &r->default_bits, r->err) != 0 ||
	    number(r->q, "group_size", 64, 1, 65536, &r->default_group, r->err) != 0)
		return -1;
	return patterns(r, r->q, false, NULL, &r->own);
}

/* --- the block ------------------------------------------------------------------------------------ */

/* The block of MLX, or of Hugging Face; one that is no mapping is complained of by quantized_read(). */
static const struct yml *block_of(const struct yml *config, bool *by_mlx)
{
	const struct yml *own = config_find(config, "quantization"),
			 *hf = config_find(config, "quantization_config");

	if (config_find(own, "quant_algo")) /* hf_quant_config.json of Model Optimizer */
		return *by_mlx = false, own;
	*by_mlx = own && own->kind == YML_MAP;
	if (!hf)
		hf = config_find(config_find(config, "text_config"), "quantization_config");
	return *by_mlx ? own : hf;
}

static int by_method(struct rules *r)
{
	const char *method = lower(
		r->a, config_word(r->q, "quant_method", config_find(r->q, "quant_algo") ? "modelopt" : ""));
	const bool algo = config_find(r->q, "quant_algo") != NULL;

	if (!strcmp(method, "compressed-tensors"))
		return compressed_tensors(r);
	if (str_starts(method, "modelopt") || (algo && strcmp(method, "fp8") != 0))
		return model_optimizer(r);
	if (!strcmp(method, "fp8") || !strcmp(method, "mxfp8"))
		return fine_grained_fp8(r);
	if (!strcmp(method, "awq") || !strcmp(method, "gptq"))
		return by_groups(r, *method == 'g');
	if (!strcmp(method, "auto-round") || !strcmp(method, "intel/auto-round"))
		return by_groups(r, strstr(config_word(r->q, "packing_format", "gptq"), "gptq") != NULL);
	if (!strcmp(method, "bitsandbytes"))
		return bits_and_bytes(r);
	if (!strcmp(method, "mxfp4"))
		return mxfp4(r);
	if (!strcmp(method, "quark"))
		return quark(r);
	return err_set(r->err, "quantization: the method '%.60s' is not known", method);
}

static double bits_of_rest(const struct yml *config)
{
	const struct yml *text = config_find(config, "text_config");
	const char *type =
		config_word(config, "dtype",
			    config_word(config, "torch_dtype",
					config_word(text, "dtype", config_word(text, "torch_dtype", ""))));

	return !strcmp(type, "float32") ? 32 : 16;
}

const struct yml *rules_block(const struct yml *config)
{
	bool by_mlx;

	return block_of(config, &by_mlx);
}

int rules_read(struct rules *r, const struct yml *config)
{
	bool by_mlx;

	r->rest = r->usual = plain(bits_of_rest(config));
	r->fp4_experts = !strcmp(config_word(config, "expert_dtype", ""), "fp4");
	r->q = block_of(config, &by_mlx);
	if (r->q && r->q->kind != YML_MAP)
		return err_set(r->err, "quantization: expected a mapping, got %s", yml_kind_name(r->q));
	return !r->q ? 0 : by_mlx ? mlx(r) : by_method(r);
}

/* --- of a module ---------------------------------------------------------------------------------- */

static bool by_default(const struct rules *r, enum tensor t)
{
	return t == TENSOR_HEAD        ? r->head
	       : t == TENSOR_EMBEDDING ? r->table
	       : t == TENSOR_ROUTER    ? r->router
				       : true;
}

static bool is_expert(enum tensor t)
{
	return t == TENSOR_EXPERT_UP || t == TENSOR_EXPERT_DOWN;
}

/* Its own entry: of MLX false, or bits; of Model Optimizer the algorithm; of quark its weight. */
static int by_entry(struct rules *r, const struct yml *own, struct quantization *as)
{
	if (own->kind != YML_MAP) {
		*as = r->rest;
		return 0;
	}
	if (r->by_quark)
		return quark_weight(r, config_find(own, "weight"), as);
	if (config_find(own, "quant_algo"))
		return algorithm(r, config_word(own, "quant_algo", ""), as);
	return r->by_mlx ? mlx_entry(r, own, as) : groups_of(r, own, as);
}

int rules_find(struct rules *r, const struct quantized_module *m, struct quantization *as)
{
	const struct yml *own = r->own ? quantized_patterns_find(r->own, m) : NULL;

	*as = r->rest;
	if (own && !(r->by_quark && r->left && quantized_patterns_find(r->left, m)))
		return by_entry(r, own, as);
	if (r->left && quantized_patterns_find(r->left, m))
		return 0;
	for (size_t i = 0; i < r->groups_n; i++)
		if (quantized_patterns_find(r->groups[i].of, m)) {
			*as = r->groups[i].as;
			return 0;
		}
	if (r->named_alone || !by_default(r, m->tensor) || (r->experts_only && !is_expert(m->tensor)))
		return 0;
	*as = r->fp4_experts && is_expert(m->tensor) ? small_floats(4, 32) : r->usual;
	if (r->by_mlx && fmod(m->k, as->group) > 0) /* mlx leaves rows alone that groups do not divide */
		*as = r->rest;
	return 0;
}

void rules_release(struct rules *r)
{
	quantized_patterns_release(r->left);
	quantized_patterns_release(r->own);
	for (size_t i = 0; i < r->groups_n; i++)
		quantized_patterns_release(r->groups[i].of);
}
