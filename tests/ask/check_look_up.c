/* check_look_up.c - names as people type them: what they find in the catalogue, and what they must not find. */
#include "tests/suites.h"

#include <stdlib.h>
#include <string.h>

#include "sim/ask/look_up.h"
#include "sim/ask/mac_id.h"
#include "sim/ask/typed_beyond.h"
#include "sim/ask/model_name.h"

struct typed {
	const char *text, *id; /* id NULL: refused, and the hint has: */
	const char *hint;
};

static void check_typed(enum catalogue kind, const struct typed *t, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		struct arena a = ARENA_INIT;
		struct diags d;
		struct loader l;
		struct err err = ERR_INIT;
		const char *id;

		diags_init(&d, &a);
		loader_init(&l, &a, &d);
		id = look_up(&l, kind, t[i].text, &err);
		if (t[i].id)
			ck_assert_msg(id && !strcmp(id, t[i].id), "'%s' is '%s', not '%s': %s %s", t[i].text,
				      id ? id : "nothing", t[i].id, err.msg, err.hint);
		else
			ck_assert_msg(!id && err.msg[0] && strstr(err.hint, t[i].hint),
				      "'%s' is '%s': %s, hint: %s", t[i].text, id ? id : "nothing", err.msg,
				      err.hint);
		ck_assert_uint_eq(l.inputs_n, 0);
		ck_assert_uint_eq(d.total, 0);
		arena_release(&a);
	}
}

START_TEST(machines)
{
	static const struct typed typed[] = {
		/* an id as it stands, though another one is longer */
		{"apple-m4-max-40c-64gb", "apple-m4-max-40c-64gb", NULL},
		{"apple-m4-pro-16c", "apple-m4-pro-16c", NULL},
		{"nvidia-h100-sxm-80gb", "nvidia-h100-sxm-80gb", NULL},
		{"m4 max 64", "apple-m4-max-40c-64gb", NULL},
		{"M4 Max 128GB", "apple-m4-max-40c-128gb", NULL},
		{"m4max 64g", "apple-m4-max-40c-64gb", NULL},
		{"m4-pro-48gb", "apple-m4-pro-16c-48gb", NULL},
		{"m5-16gb", "apple-m5-8c-16gb", NULL},
		{"MacBook Pro M5", "apple-m5-10c", NULL},
		{"MacBook Air M5", "apple-m5-8c", NULL},
		/* inches of a screen are not of the chip */
		{"MacBook Pro 14 M4 Max 36GB", "apple-m4-max-32c-36gb", NULL},
		{"MacBook Pro 16-inch M3 Max 64GB", "apple-m3-max-40c-64gb", NULL},
		{"MacBook Pro M4 Pro 20", "apple-m4-pro-20c", NULL},
		{"m4 max 14", NULL, "nearest"},
		/* a hyphen joins, and is no number of devices */
		{"GMKtec EVO-X2", "amd-ryzen-ai-max-395-64gb", NULL},
		{"GMKtec EVO-X2 128GB", "amd-ryzen-ai-max-395-128gb", NULL},
		{"4090-x2", NULL, "one machine"},
		{"4090 laptop", NULL, "another chip"},
		{"RTX 5090 Mobile", NULL, "another chip"},
		{"MacBook Pro M5 Pro", "apple-m5-pro-16c", NULL},
		{"M5 Pro MacBook Pro 64 GB", "apple-m5-pro-16c-64gb", NULL},
		{"macbook pro m4 max 128gb unified memory", "apple-m4-max-40c-128gb", NULL},
		{"Mac mini M4 16GB", "apple-m4-10c-16gb", NULL},
		{"Mac Mini (M4 Pro, 64GB RAM)", "apple-m4-pro-16c-64gb", NULL},
		{"mac mini m4 pro 20 core gpu 48gb", "apple-m4-pro-20c-48gb", NULL},
		{"Mac Studio M3 Ultra 512GB", "apple-m3-ultra-80c-512gb", NULL},
		{"m3 ultra 512", "apple-m3-ultra-80c-512gb", NULL},
		{"m3 ultra 60-core 256", "apple-m3-ultra-60c-256gb", NULL},
		{"M2 Ultra 192 GB 76c", "apple-m2-ultra-76c-192gb", NULL},
		{"m1", "apple-m1-7c", NULL},
		{"m1 max", "apple-m1-max-24c", NULL},
		{"Apple M1 Pro 16gb", "apple-m1-pro-14c-16gb", NULL},
		{"m3 max 40c", "apple-m3-max-40c", NULL},
		{"m6", "apple-m6-12c", NULL},
		{"4090", "nvidia-rtx-4090-24gb", NULL},
		{"rtx4090", "nvidia-rtx-4090-24gb", NULL},
		{"NVIDIA GeForce RTX 4090", "nvidia-rtx-4090-24gb", NULL},
		{"RTX 5090 32GB", "nvidia-rtx-5090-32gb", NULL},
		{"3090", "nvidia-rtx-3090-24gb", NULL},
		{"5060ti 16gb", "nvidia-rtx-5060-ti-16gb", NULL},
		{"4070 ti super", "nvidia-rtx-4070-ti-super-16gb", NULL},
		{"spark", "nvidia-dgx-spark-128gb", NULL},
		{"DGX Spark", "nvidia-dgx-spark-128gb", NULL},
		{"NVIDIA GB10", "nvidia-dgx-spark-128gb", NULL},
		{"rtx pro 6000", "nvidia-rtx-pro-6000-blackwell-96gb", NULL},
		{"RTX 6000 Pro 96GB", "nvidia-rtx-pro-6000-blackwell-96gb", NULL},
		{"h100 sxm", "nvidia-h100-sxm-80gb", NULL},
		{"NVIDIA H100 80GB HBM3", "nvidia-h100-sxm-80gb", NULL},
		{"H100 PCIe", "nvidia-h100-pcie-80gb", NULL},
		{"h200", "nvidia-h200-sxm-141gb", NULL},
		{"b200", "nvidia-b200-sxm-180gb", NULL},
		{"thor", "nvidia-jetson-agx-thor-128gb", NULL}, /* the last word of a trade name, too */
		{"agx thor", "nvidia-jetson-agx-thor-128gb", NULL},
		{"a100", "nvidia-a100-40gb", NULL},
		{"a100 80gb", "nvidia-a100-80gb", NULL},
		{"Radeon 7900 XTX", "amd-radeon-rx-7900-xtx-24gb", NULL},
		{"strix halo 128", "amd-ryzen-ai-max-395-128gb", NULL},
		{"AMD Radeon 8060S Graphics", "amd-ryzen-ai-max-395-64gb", NULL},
		{"AMD RYZEN AI MAX+ 395 w/ Radeon 8060S", "amd-ryzen-ai-max-395-64gb", NULL},
		{"m2 pro", "apple-m2-pro-16c", NULL},
		{"desktop", NULL, "lemursim list hardware"},
		/* another product than any that there is */
		{"4070", "nvidia-rtx-4070-12gb", NULL},
		{"5070", "nvidia-rtx-5070-12gb", NULL},
		{"m4 max 512", NULL, "the nearest are apple-m4-max-32c,"},
		{"4090 48gb", NULL, "the nearest is nvidia-rtx-4090-24gb"},
		{"m9", NULL, "lemursim list hardware"},
		{"m4 ultra", NULL, "apple-m1-ultra-48c,"},
		{"apple", NULL, "say which"},
		{"h100", NULL, "nvidia-h100-pcie-80gb"},
		{"mac studio 128", NULL, "apple-m4-max-40c-128gb"},
		{"gpu", NULL, "lemursim list hardware"},
		{"", NULL, "lemursim list hardware"},
		{"llama.cpp", NULL, "lemursim list hardware"},
		{"thunderbolt 5 tcp", NULL, "lemursim list hardware"},
	};

	check_typed(CATALOGUE_MACHINES, typed, ARRAY_LEN(typed));
}
END_TEST

START_TEST(identifiers_of_macs) /* of System Information */
{
	static const struct typed typed[] = {
		{"Mac16,12", "apple-m4-8c", NULL},       {"mac16,12 24gb", "apple-m4-8c-24gb", NULL},
		{"Mac16,11", "apple-m4-pro-16c", NULL},  {"MacBookPro18,2", "apple-m1-max-24c", NULL},
		{"Mac13,2", "apple-m1-ultra-48c", NULL}, {"Mac15,14", "apple-m3-ultra-60c", NULL},
		{"Mac17,2", "apple-m5-10c", NULL},       {"Mac99,1", NULL, ""},
	};

	check_typed(CATALOGUE_MACHINES, typed, ARRAY_LEN(typed));
}
END_TEST

START_TEST(lists_of_macs) /* the comma inside an identifier parts nothing */
{
	static const struct {
		const char *text;
		const char *parts[3];
	} lists[] = {
		{"Mac16,12", {"Mac16,12"}},
		{"Mac16,12,Mac13,2", {"Mac16,12", "Mac13,2"}},
		{"m4 max, Mac16,12 24gb, 4090", {"m4 max", " Mac16,12 24gb", " 4090"}},
		{"mac mini m4,16gb", {"mac mini m4", "16gb"}},
		{"Mac16,12gb", {"Mac16", "12gb"}},
		{"m4,32", {"m4", "32"}},
	};

	for (size_t i = 0; i < ARRAY_LEN(lists); i++) {
		struct arena a = ARENA_INIT;
		const struct texts parts = mac_id_cut(&a, lists[i].text);

		for (size_t k = 0; k < 3; k++)
			ck_assert_msg(k < parts.n
					      ? lists[i].parts[k] && !strcmp(parts.at[k], lists[i].parts[k])
					      : !lists[i].parts[k],
				      "'%s': part %zu is '%s'", lists[i].text, k,
				      k < parts.n ? parts.at[k] : "none");
		arena_release(&a);
	}
}
END_TEST

START_TEST(models)
{
	static const struct typed typed[] = {
		{"granite 4 h tiny", "granite-4.0-h-tiny", NULL}, /* as people leave ".0" out */
		{"granite 4.0 h tiny", "granite-4.0-h-tiny", NULL},
		{"granite 4.1", "granite-4.1-8b", NULL},
		{"qwen3 30b", "qwen3-30b-a3b", NULL},
		{"qwen3:30b", "qwen3-30b-a3b", NULL},
		{"Qwen 3 30B A3B", "qwen3-30b-a3b", NULL},
		{"Qwen3-30B-A3B-Instruct", "qwen3-30b-a3b", NULL},
		{"qwen3 coder", NULL, "qwen3-coder-480b-a35b"},
		{"qwen3 coder 30b", "qwen3-coder-30b-a3b", NULL},
		{"qwen3 235b", "qwen3-235b-a22b", NULL},
		{"qwen 2.5 72b", "qwen2.5-72b", NULL},
		{"qwen2.5-coder:32b", "qwen2.5-coder-32b", NULL},
		{"llama 3.3 70b", "llama-3.3-70b", NULL},
		{"llama3.3:70b", "llama-3.3-70b", NULL},
		{"Llama-3.3-70B-Instruct", "llama-3.3-70b", NULL},
		{"llama3.1 8b", "llama-3.1-8b", NULL},
		{"llama 3 8b", "llama-3-8b", NULL},
		{"gpt oss 120b", "gpt-oss-120b", NULL},
		{"gptoss20b", "gpt-oss-20b", NULL},
		{"gemma3:27b", "gemma-3-27b", NULL},
		{"mistral 7b", "mistral-7b", NULL},
		{"Mistral-7B-v0.1-GGUF", "mistral-7b", NULL},
		{"Mistral-7B-Instruct-v0.3", "mistral-7b-v0.3", NULL},
		{"Mistral-7B-Instruct-v0.2", NULL, "mistral-7b-v0.3"},
		{"Mixtral-8x7B-Instruct-v0.1-GGUF", "mixtral-8x7b", NULL},
		{"mistral nemo", "mistral-nemo-12b", NULL},
		{"mistral small", "mistral-small-24b", NULL},
		{"mixtral 8x7b", "mixtral-8x7b", NULL},
		{"phi4", "phi-4", NULL},
		{"glm 4.5 air", "glm-4.5-air", NULL},
		{"glm-4.5", "glm-4.5", NULL},
		{"kimi k2", "kimi-k2", NULL},
		{"deepseek r1", "deepseek-r1", NULL},
		{"DeepSeek-R1-Distill-Qwen-32B", "deepseek-r1-distill-qwen-32b", NULL},
		{"tinyllama", "tinyllama-1.1b", NULL},
		{"llama 70b", NULL, "llama-3.3-70b"},
		{"qwen3", NULL, "qwen3-8b"},
		{"gpt-oss", NULL, "gpt-oss-120b"},
		{"qwen 32b", NULL, "qwen3-32b"},
		{"deepseek r1 70b", NULL, "deepseek-r1-distill-llama-70b"},
		{"mistral large", "mistral-large-3", NULL},
		{"minimax-m2.1", NULL, "the nearest are minimax-m2.5, minimax-m2.7, minimax-m3"},
		{"deepseek-r1:8b", NULL, "the nearest is deepseek-r1-distill-llama-8b"},
		{"deepseek-r1:14b", NULL, "the nearest is deepseek-r1-distill-qwen-14b"},
		{"gemma3:27b-it-qat", "gemma-3-27b", NULL},
		{"phi-4-mini", NULL, "the nearest are phi-3-mini, jamba-mini, north-mini-code, phi-4"},
		{"qwq 32b", NULL, "lemursim list models"},
		{"gpt-4o", NULL, "the nearest are gpt-oss-120b, gpt-oss-20b"},
		{"llama 3.3 8b", NULL, "the nearest are llama-3.3-70b,"},
	};

	check_typed(CATALOGUE_MODELS, typed, ARRAY_LEN(typed));
}
END_TEST

/* As they are published: the owner is left out, and the format that a name says is asked for. */
START_TEST(published_names)
{
	static const struct {
		const char *text, *name, *weights;
	} published[] = {
		{"Qwen/Qwen3-8B", "Qwen3-8B", NULL},
		{"mlx-community/Meta-Llama-3.1-8B-Instruct-4bit", "Meta-Llama-3.1-8B-Instruct", "mlx_q4"},
		{"lmstudio-community/Qwen3-8B-MLX-8bit", "Qwen3-8B-MLX", "mlx_q8"},
		{"mlx-community/Qwen3-8B-9bit", "Qwen3-8B-9bit", NULL},
		{"mlx-community/Qwen3-8B-4bit-DWQ", "Qwen3-8B--DWQ", "mlx_q4"},
		{"unsloth/llama-3.1-8b-bnb-4bit", "llama-3.1-8b-bnb-4bit", NULL}, /* of bitsandbytes */
		{"bartowski/Qwen3-8B-GGUF:Q8_0", "Qwen3-8B-GGUF", "q8_0"},
		{"llama3.1:8b-instruct-q4_K_M", "llama3.1:8b-instruct", "q4_K_M"},
		{"llama-3.1-8b-fp16", "llama-3.1-8b", "f16"},
		{"gpt-oss-20b-MXFP4", "gpt-oss-20b", "mxfp4"},
		{"mlx-community/gpt-oss-120b-MXFP4-Q4", "gpt-oss-120b", "mlx_mxfp4_q4"},
		{"mlx-community/gpt-oss-20b-MXFP4-Q8", "gpt-oss-20b", "mlx_mxfp4_q8"},
		{"qwen3-8b", "qwen3-8b", NULL},
		{"owner/", "owner/", NULL},
		{"", "", NULL},
	};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(published); i++) {
		const struct model_name m = model_name_read(&a, published[i].text);

		ck_assert_str_eq(m.name, published[i].name);
		ck_assert_pstr_eq(m.weights, published[i].weights);
		ck_assert(m.mlx == (strstr(published[i].text, "mlx") || strstr(published[i].text, "MLX")));
		ck_assert_ptr_null(m.unknown);
	}
	ck_assert_str_eq(model_name_read(&a, "unsloth/Qwen3-8B-GGUF:UD-Q4_K_XL").unknown, "UD-Q4_K_XL");
	/* a file may be called as a format is */
	ck_assert_str_eq(model_name_read(&a, "awq").name, "awq");
	ck_assert_ptr_null(model_name_read(&a, "awq").weights);
	ck_assert_str_eq(model_name_read(&a, "unsloth/Qwen3-8B-UD-Q4_K_M.gguf").unknown, "UD-Q4_K_M.gguf");
	ck_assert_str_eq(model_name_read(&a, "bartowski/Qwen3-8B-GGUF:Q99").unknown, "Q99");
	arena_release(&a);
}
END_TEST

START_TEST(links)
{
	static const struct typed typed[] = {
		{"thunderbolt 5 tcp", "thunderbolt-5-tcp", NULL},
		{"Thunderbolt 5 RDMA", "thunderbolt-5-rdma", NULL},
		{"10g ethernet", "ethernet-10g", NULL},
		{"TB5 RDMA", "thunderbolt-5-rdma", NULL},
		{"tb4", NULL, "thunderbolt-4-tcp"},
		{"10GbE", "ethernet-10g", NULL},
		{"25 gbe", "ethernet-25g", NULL},
		{"thunderbolt 5", NULL, "thunderbolt-5-tcp"},
		{"tb5", NULL, "thunderbolt-5-tcp"},
		{"infiniband", NULL, "infiniband-hdr-nccl"},
		{"m4 max", NULL, "lemursim list hardware"},
	};

	check_typed(CATALOGUE_LINKS, typed, ARRAY_LEN(typed));
}
END_TEST

/* The path of a file stands for itself, with a slash, by which a scenario knows it. */
START_TEST(files)
{
	struct arena a = ARENA_INIT;
	struct diags d;
	struct loader l;
	struct err err = ERR_INIT;
	const char *const path = "hardware/apple/apple-m4-10c.yaml";

	diags_init(&d, &a);
	loader_init(&l, &a, &d);
	ck_assert_str_eq(look_up(&l, CATALOGUE_MACHINES, path, &err), path);
	ck_assert_ptr_null(look_up(&l, CATALOGUE_MACHINES, "no-such-machine.yaml", &err));
	ck_assert_str_eq(err.msg, "cannot read 'no-such-machine.yaml': No such file or directory");
	ck_assert_str_eq(model_name_read(&a, "models/qwen3-8b.yaml").name, "models/qwen3-8b.yaml");
	arena_release(&a);
}
END_TEST

/* Whatever the order of the words, the case and what is between them. */
START_TEST(spelling)
{
	static const char *const ways[] = {"m4 max 64",     "64 m4 max",     "64GB, M4 MAX",
					   "Max M4 64gb",   "m4_max_64",     "M4-Max (64 GB)",
					   "m4 max 64 gib", "40c m4 max 64", "apple m4 max 64 gb ram"};
	const struct known_name names[] = {{.id = "apple-m4-max-40c-64gb"},
					   {.id = "apple-m4-max-40c-128gb"},
					   {.id = "apple-m4-max-32c-36gb"},
					   {.id = "apple-m4-pro-20c-64gb"}};

	for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
		const struct typed_found f = typed_find(ways[i], names, ARRAY_LEN(names), TYPED_SIZES_NAMED);

		ck_assert_msg(f.found && f.at == 0, "'%s' finds %d, %zu of %zu", ways[i], f.found, f.at, f.n);
	}
	ck_assert(!typed_find("m4 max", names, ARRAY_LEN(names), TYPED_SIZES_NAMED).found);
	ck_assert_uint_eq(typed_find("m4 max", names, ARRAY_LEN(names), TYPED_SIZES_LEAST).at, 2);
	ck_assert(!typed_find("m4", names, ARRAY_LEN(names), TYPED_SIZES_LEAST).found);
	ck_assert(!typed_find("64c m4 max", names, ARRAY_LEN(names), TYPED_SIZES_LEAST).found);
}
END_TEST

/* The name of a chip without maker, cores and memory: "m4-pro" of "apple-m4-pro-16c-24gb"; "" where it is no Mac's. */
static const char *chip_of(struct arena *a, const char *id)
{
	const char *end = id;

	if (strncmp(id, "apple-", 6) != 0)
		return "";
	for (const char *at = strchr(id + 6, '-'); at; at = strchr(at + 1, '-')) {
		if (strspn(at + 1, "0123456789"))
			break;
		end = at;
	}
	end = end == id ? strchr(id + 6, '-') : strpbrk(end + 1, "-");
	return arena_strndup(a, id + 6, end ? (size_t)(end - id - 6) : strlen(id + 6));
}

/* "MacBook Air" as it is sold, its last word, its capitals. */
static const char *sold_form(struct arena *a, const char *sold, int form)
{
	const char *last = strrchr(sold, ' ');
	char capitals[8] = "";
	size_t n = 0;

	for (const char *c = sold; form == 2 && *c && n + 1 < sizeof capitals; c++)
		if (*c >= 'A' && *c <= 'Z')
			capitals[n++] = (char)(*c - 'A' + 'a');
	return form == 0 ? sold : form == 1 && last ? last + 1 : arena_strdup(a, capitals);
}

static bool is_sold_as(const struct known_name *name, const char *sold)
{
	for (size_t i = 0; i < name->sold_as_n; i++)
		if (!strcmp(name->sold_as[i], sold))
			return true;
	return false;
}

/* Every Mac by its chip and each of its trade names, in each form, and by its cores beside the CPU's. */
START_TEST(trade_names)
{
	struct arena a = ARENA_INIT;
	struct known_name *names;
	struct diags d;
	struct loader l;
	size_t forms = 0;

	diags_init(&d, &a);
	loader_init(&l, &a, &d);
	for (size_t i = 0, n = catalogue_names(&l, CATALOGUE_MACHINES, NULL, &names); i < n; i++) {
		const char *chip = chip_of(&a, names[i].id);

		for (size_t k = 0; *chip && k < 3 * names[i].sold_as_n; k++) {
			const char *sold = names[i].sold_as[k / 3], *form = sold_form(&a, sold, (int)(k % 3));
			const char *text = arena_printf(&a, "%s %s", form, chip);
			struct typed_found f;

			if (strlen(form) < 3 || !strcmp(form, "Pro"))
				continue;
			f = typed_find(text, names, n, TYPED_SIZES_LEAST);
			ck_assert_msg(f.found && !strcmp(chip_of(&a, names[f.at].id), chip) &&
					      is_sold_as(&names[f.at], sold),
				      "'%s' is '%s'", text, f.found ? names[f.at].id : "nothing");
			forms++;
		}
	}
	ck_assert_uint_gt(forms, 200);
	arena_release(&a);
}
END_TEST

/* chip and cores, each before a text. */
static const char *const core_ways[][3] = {{"", " 12/", ""},
					   {"", " 12c/", "c"},
					   {"apple ", " (12-core CPU, ", "-core GPU)"},
					   {"", " 12 core cpu ", " core gpu"},
					   {"", " ", " cores"}};

START_TEST(cores_beside_the_cpus)
{
	struct arena a = ARENA_INIT;
	struct known_name *names;
	struct diags d;
	struct loader l;

	diags_init(&d, &a);
	loader_init(&l, &a, &d);
	for (size_t i = 0, n = catalogue_names(&l, CATALOGUE_MACHINES, NULL, &names); i < n; i++) {
		const char *chip = chip_of(&a, names[i].id),
			   *cores = names[i].id + strlen("apple-") + strlen(chip);
		const int count = *chip ? atoi(cores + (*cores == '-')) : 0;

		for (size_t k = 0; count && k < ARRAY_LEN(core_ways); k++) {
			const char *text = arena_printf(&a, "%s%s%s%d%s", core_ways[k][0], chip,
							core_ways[k][1], count, core_ways[k][2]);
			const struct typed_found f = typed_find(text, names, n, TYPED_SIZES_LEAST);

			ck_assert_msg(f.found &&
					      strstr(names[f.at].id, arena_printf(&a, "%s-%dc", chip, count)),
				      "'%s' is '%s'", text, f.found ? names[f.at].id : "nothing");
		}
	}
	arena_release(&a);
}
END_TEST

/* No text is too long or too strange. */
START_TEST(strange)
{
	char text[1200];
	const struct known_name names[] = {{.id = "apple-m4-max-40c-64gb"}};

	for (size_t i = 0; i + 1 < sizeof text; i++)
		text[i] = "m4 \xff-.64"[i % 8];
	text[sizeof text - 1] = '\0';
	ck_assert(!typed_find(text, names, 1, TYPED_SIZES_LEAST).found);
	memset(text, 'm', sizeof text - 1);
	ck_assert(!typed_find(text, names, 1, TYPED_SIZES_LEAST).found);
}
END_TEST

/* What a text says beyond one device as it is sold. */
START_TEST(more_than_one_as_sold)
{
	static const struct {
		const char *text, *says; /* NULL: it is one */
	} texts[] = {{"2x RTX 3090", "several devices"},
		     {"2 x RTX 3090", "several devices"},
		     {"RTX 3090 x2", "several devices"},
		     {"RTX 3090 \xc3\x97 2", "several devices"},
		     {"4\xc3\x97 H100", "several devices"},
		     {"dual RTX 3090", "several devices"},
		     {"RTX 3090 (x2)", "several devices"},
		     {"RTX 3090 (2)", "several devices"},
		     {"RTX 3090 (pair)", "several devices"},
		     {"RTX 3090 (2 GPUs)", "several devices"},
		     {"RTX 3090 (220 W)", "limit of power"},
		     {"RTX 3090 (220W)", "limit of power"},
		     {"RTX 3090 (48 GB)", "another variant"},
		     {"RTX 4090 (mobile)", "another variant"},
		     {"RTX 4090 (Max-Q)", "another variant"},
		     {"1x RTX 3090", NULL},
		     {"RTX 3090 (x1)", NULL},
		     {"RTX 3090 (1)", NULL},
		     {"AMD Radeon RX 7900 XTX (RADV NAVI31)", NULL},
		     {"AMD Radeon (radeonsi, navi31, LLVM 15.0.7, DRM 3.54)", NULL},
		     {"Intel(R) Arc(TM) B580", NULL},
		     {"Ryzen 9 9950X", NULL},
		     {"Snapdragon X2 Elite", NULL}};
	struct err err;

	for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
		err = (struct err)ERR_INIT;
		ck_assert_msg((typed_is_one(texts[i].text, &err) == 0) == !texts[i].says, "%s: %s",
			      texts[i].text, err.msg);
		ck_assert_msg(!texts[i].says || (strstr(err.msg, texts[i].says) && err.hint[0]), "%s",
			      err.msg);
	}
}
END_TEST

/* "1x" is one; of two the complaint says so and how several are named. */
START_TEST(one_and_several)
{
	static const char *const ones[] = {"1x RTX 3090", "1 x RTX 3090", "RTX 3090 x1", "RTX 3090 1x"};
	static const char *const several[] = {"2x RTX 3090", "RTX 3090 x2", "dual RTX 3090", "RTX 3090 (x2)"};
	struct arena a = ARENA_INIT;
	struct diags diags;
	struct loader l;

	diags_init(&diags, &a);
	loader_init(&l, &a, &diags);
	for (size_t i = 0; i < ARRAY_LEN(ones); i++) {
		struct err one = ERR_INIT, two = ERR_INIT;
		const char *id = look_up(&l, CATALOGUE_MACHINES, ones[i], &one);

		ck_assert_msg(id && !strcmp(id, "nvidia-rtx-3090-24gb"), "%s: %s", ones[i], one.msg);
		ck_assert_ptr_null(look_up(&l, CATALOGUE_MACHINES, several[i], &two));
		ck_assert_msg(strstr(two.msg, "several devices") && strstr(two.hint, "--on A,B"), "%s",
			      two.msg);
	}
	arena_release(&a);
}
END_TEST

Suite *suite_look_up(void)
{
	Suite *s = suite_create("look_up");
	TCase *t = tcase_create("look_up");

	tcase_add_test(t, machines);
	tcase_add_test(t, identifiers_of_macs);
	tcase_add_test(t, lists_of_macs);
	tcase_add_test(t, models);
	tcase_add_test(t, links);
	tcase_add_test(t, files);
	tcase_add_test(t, published_names);
	tcase_add_test(t, spelling);
	tcase_add_test(t, trade_names);
	tcase_add_test(t, cores_beside_the_cpus);
	tcase_add_test(t, strange);
	tcase_add_test(t, more_than_one_as_sold);
	tcase_add_test(t, one_and_several);
	suite_add_tcase(s, t);
	return s;
}
