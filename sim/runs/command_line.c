/* command_line.c - see command_line.h. */
#include "sim/runs/command_line.h"

#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/base/texts.h"

/* common/arg.cpp of ggml-org/llama.cpp. value: what an option without one says. */
static const struct {
	const char *option, *longer;
	enum run_column column;
	const char *value;
} options[] = {{"-ngl", "--n-gpu-layers", COLUMN_GPU_LAYERS, NULL},
	       {"-ngl", "--gpu-layers", COLUMN_GPU_LAYERS, NULL},
	       {"-ot", "--override-tensor", COLUMN_OVERRIDES, NULL},
	       {"-ncmoe", "--n-cpu-moe", COLUMN_CPU_EXPERTS, NULL},
	       {"-cmoe", "--cpu-moe", COLUMN_CPU_EXPERTS, "999"},
	       {"-ts", "--tensor-split", COLUMN_TENSOR_SPLIT, NULL},
	       {"-sm", "--split-mode", COLUMN_SPLIT_MODE, NULL},
	       {"--rpc", "--rpc", COLUMN_RPC, NULL},
	       {"-dev", "--device", COLUMN_DEVICES, NULL},
	       {"-ctk", "--cache-type-k", COLUMN_KV_K, NULL},
	       {"-ctv", "--cache-type-v", COLUMN_KV_V, NULL},
	       {"-nkvo", "--no-kv-offload", COLUMN_KV_HOST, "1"}};

static bool is_command(const char *line)
{
	static const char *const programs[] = {"llama-server",     "llama-cli",           "llama-sweep-bench",
					       "llama-bench",      "llama-batched-bench", "llama-run",
					       "llama-perplexity", "llama-completion"};

	for (size_t i = 0; i < ARRAY_LEN(programs); i++) {
		const char *at = strstr(line, programs[i]);

		if (at && strstr(at, " -"))
			return true;
		if (at && (str_ends(line, "\\") || str_ends(line, "^")))
			return true;
	}
	return false;
}

/* llama-bench's columns have '/' where options have ','; quotes are the shell's. */
static const char *value_of(struct arena *a, const char *word, enum run_column column)
{
	char *out = arena_strdup(a, word), *to = out;

	for (const char *at = word; *at; at++)
		if (*at != '"' && *at != '\'' && *at != '`')
			*to++ = *at == ',' && (column == COLUMN_TENSOR_SPLIT || column == COLUMN_DEVICES)
					? '/'
					: *at;
	*to = '\0';
	return out;
}

static bool is(const char *word, const char *option, const char *longer)
{
	return !strcmp(word, option) || !strcmp(word, longer);
}

/* Of a list, "512,1024", each row has its own in a column: 0. */
static int64_t tokens_of(const char *word)
{
	return strchr(word, ',') ? 0 : strtol(word, NULL, 10);
}

/* One option and the word behind it. */
static void take_option(struct reading *r, const char *word, const char *next, struct command_line *c)
{
	const char *slash = strrchr(next, '/');

	if (is(word, "-m", "--model") && *next)
		c->model = value_of(r->arena, slash ? slash + 1 : next, COLUMN_MODEL);
	if (is(word, "-ub", "--ubatch-size"))
		c->chunk = tokens_of(next);
	if (is(word, "-b", "--batch-size"))
		c->batch = tokens_of(next);
	if (is(word, "-fa", "--flash-attn"))
		c->flash = reading_flash(next) == FLASH_UNSAID ? FLASH_ON : reading_flash(next);
	for (size_t i = 0; i < ARRAY_LEN(options); i++)
		if (is(word, options[i].option, options[i].longer) && (options[i].value || *next))
			c->says[options[i].column] = options[i].value
							     ? options[i].value
							     : value_of(r->arena, next, options[i].column);
}

/* ---- the devices that a log names ---- */

/* "  Device 0: NVIDIA GeForce RTX 3090, compute capability 8.6, VMM: yes" (ggml-cuda.cu, HIP's too),
 * "ggml_metal_init: found device: Apple M2 Ultra", "ggml_vulkan: 0 = AMD Radeon RX 7900 XTX (RADV NAVI31) (radv) | uma: 0". */
static const struct {
	const char *before, *begins; /* the name stands behind the former, and a number if it has one */
	const char *behind;          /* where it ends; "": with the line */
	const char *has;             /* somewhere in the line */
} device_lines[] = {{"Device ", "", ",", ", compute capability "},
		    {"Device ", "", ",", ", gfx"},
		    {"found device: ", "Apple ", "", ""},
		    {"GPU name:   ", "Apple ", "", ""},
		    {"ggml_vulkan: ", "", " (", " | uma: "},
		    {"[level_zero:gpu:", "", "|", "|"},
		    {"ggml_opencl: device: '", "", " (OpenCL", ""},
		    {"ggml_opencl: selecting device: '", "", "'", ""},
		    {"- CUDA", "", " (", " MiB free)"},
		    {"- SYCL", "", " (", " MiB free)"},
		    {"- GPUOpenCL", "", " (", " MiB free)"},
		    {"- ROCm", "", " (", " MiB free)"},
		    {"- Vulkan", "", " (", " MiB free)"},
		    {"- MTL", "Apple ", " (", " MiB free)"}};

/* The name behind the number of a device, "0: ", "0 = " or, in a table, "0]|  ". */
static const char *behind_number(const char *at)
{
	const size_t n = strspn(at, "0123456789");

	at += n;
	return at + strspn(at, n ? " :=]|" : " :");
}

/* A driver that has no name for a chip says "AMD Radeon Graphics": the processor behind it, ", gfx1151" or "(RADV GFX1151)",
 * tells which it is. */
static const char *with_processor(struct arena *a, const char *name, const char *line)
{
	const char *at = line;
	size_t n;

	while (*at && strncmp(at, " gfx", 4) != 0 && strncmp(at, " GFX", 4) != 0)
		at++;
	if (!*at || strpbrk(name, "0123456789"))
		return name;
	n = strspn(at + 4, "0123456789abcdef");
	return n ? arena_printf(a, "%s gfx%.*s", name, (int)n, at + 4) : name;
}

static const char *device_named(struct arena *a, const char *line)
{
	for (size_t i = 0; i < ARRAY_LEN(device_lines); i++) {
		const char *at = strstr(line, device_lines[i].before), *name, *end;

		if (!at || !strstr(at, device_lines[i].has))
			continue;
		name = behind_number(at + strlen(device_lines[i].before));
		if (!str_starts(name, device_lines[i].begins))
			continue;
		end = *device_lines[i].behind ? strstr(name, device_lines[i].behind) : NULL;
		return with_processor(
			a, arena_strndup(a, name, end ? (size_t)(end - name) : strcspn(name, "\r\n`")), name);
	}
	return NULL;
}

/* "(radv) | uma: 0 | fp16: 1 | warp size: 64 | ... | matrix cores: none", with which kernels a Vulkan device runs; NULL: another's line. */
static const char *vulkan_words(struct arena *a, const char *line)
{
	const char *at = strstr(line, "ggml_vulkan: "), *words = at ? strstr(at, " | uma: ") : NULL;

	if (!words)
		return NULL;
	while (words > at && *words != '(')
		words--;
	return arena_strndup(a, words, strcspn(words, "\r\n`"));
}

/* Unlike devices are none that a row can be told by. */
static void take_device(struct reading *r, const char *line, struct command_line *c)
{
	const char *name = device_named(r->arena, line), **said = &c->says[COLUMN_GPU];

	if (name && *name && c->used) {
		c->devices = c->used = false;
		*said = NULL;
		c->listed = (struct listed_devices){.found = {0}};
	}
	listed_devices_take(&c->listed, line);
	if (!name || !*name || listed_devices_is_beside(&c->listed, line))
		return;
	if (listed_devices_is_first_card(&c->listed, line)) {
		c->devices = false;
		*said = NULL;
	}
	c->devices = c->devices || !*said || strcmp(*said, name) == 0 ? c->devices : true;
	*said = c->devices ? NULL : name;
	c->says[COLUMN_VULKAN] = c->devices ? NULL : vulkan_words(r->arena, line);
}

void command_line_take(struct reading *r, const char *line, struct command_line *c)
{
	const bool begins = is_command(line);
	struct texts words;

	take_device(r, line, c);
	if (!begins && !c->open)
		return;
	if (begins)
		*c = (struct command_line){.n = c->n + 1};
	c->open = str_ends(line, "\\") || str_ends(line, "^"); /* of a shell, of Windows */
	words = texts_cut(r->arena, line, ' ');
	for (size_t i = 0; i < words.n; i++)
		if (*words.at[i] == '-')
			take_option(r, words.at[i], i + 1 < words.n ? words.at[i + 1] : "", c);
}

/* Is the row of one device, whatever the log lists: of "-sm none", of a share for one alone, of the CPU? */
static bool is_of_one(struct arena *a, const struct command_line *c, const struct run *run)
{
	const char *const *row = run->says, *const *line = c->says;
	const char *mode = row[COLUMN_SPLIT_MODE] ? row[COLUMN_SPLIT_MODE] : line[COLUMN_SPLIT_MODE],
		   *shares = row[COLUMN_TENSOR_SPLIT] ? row[COLUMN_TENSOR_SPLIT] : line[COLUMN_TENSOR_SPLIT],
		   *layers = row[COLUMN_GPU_LAYERS] ? row[COLUMN_GPU_LAYERS] : line[COLUMN_GPU_LAYERS];
	const struct texts all = shares ? texts_cut(a, shares, '/') : (struct texts){NULL, 0};
	size_t used = 0;

	for (size_t i = 0; i < all.n; i++)
		used += strtod(all.at[i], NULL) > 0;
	return (mode && (!strcmp(mode, "none") || !strcmp(mode, "0"))) || used == 1 ||
	       (layers && !strcmp(layers, "0")) || line[COLUMN_DEVICES];
}

/* The cards of a list, joined by '/'; NULL: one at most. */
static const char *cards_of(struct arena *a, const char *list)
{
	const struct texts by_comma = texts_cut(a, list, ','),
			   parts = by_comma.n > 1 || strstr(list, " w/") ? by_comma : texts_cut(a, list, '/');
	const char *all = NULL;
	size_t n = 0;

	for (size_t i = 0; i < parts.n; i++) {
		const char *name = parts.at[i] + strspn(parts.at[i], " ");

		if (!*name || listed_devices_is_integrated(name))
			continue;
		all = all ? arena_printf(a, "%s/%s", all, name) : name;
		n++;
	}
	return n > 1 ? all : NULL;
}

void run_take_gpu_list(struct arena *a, struct run *run)
{
	const struct command_line none = {.n = 0};
	const char *list = run->says[COLUMN_GPU], *said = run->says[COLUMN_DEVICES];
	const char *cards = list ? cards_of(a, list) : NULL;

	if (cards && (!said || !strcmp(said, "auto")) && !is_of_one(a, &none, run))
		run->says[COLUMN_DEVICES] = cards;
}

/* A row that does not say which devices it had had all that the log lists. */
static void give_listed(struct arena *a, const struct command_line *c, struct run *run)
{
	const char *said = run->says[COLUMN_DEVICES];
	const char *several = (said && strcmp(said, "auto") != 0) || is_of_one(a, c, run)
				      ? NULL
				      : listed_devices_several(a, &c->listed, run->says[COLUMN_BACKEND]);

	run->says[COLUMN_DEVICES] = several ? several : said;
}

void command_line_give_device(struct arena *a, struct command_line *c, struct run *run)
{
	c->used = true;
	run->says[COLUMN_GPU] = run->says[COLUMN_GPU] ? run->says[COLUMN_GPU] : c->says[COLUMN_GPU];
	run->says[COLUMN_VULKAN] =
		run->says[COLUMN_VULKAN] ? run->says[COLUMN_VULKAN] : c->says[COLUMN_VULKAN];
	give_listed(a, c, run);
}

void command_line_give(struct arena *a, struct command_line *c, struct run *run)
{
	for (int k = 0; k < RUN_COLUMNS; k++)
		run->says[k] = run->says[k] ? run->says[k] : c->says[k];
	run->model = run->model ? run->model : c->model;
	run->flash = run->flash == FLASH_UNSAID ? c->flash : run->flash;
	if (c->chunk > 0 && run->prompt && run->chunk)
		run->chunk = c->chunk;
	if (c->batch > 0 && run->prompt && run->chunk)
		run->chunk = reading_chunk(run->chunk, c->batch);
	give_listed(a, c, run);
}
