/* run_columns.c - the columns in which a row says where and how it ran; see ingest.h. */
#include <string.h>

#include "sim/base/str.h"
#include "sim/runs/ingest.h"

/* tools/llama-bench/llama-bench.cpp of ggml-org/llama.cpp: test::get_fields(), and
 * markdown_printer::get_field_display_name() for the short ones. */
const char *const run_column_names[COLUMNS][COLUMN_NAMES] = {
	[COLUMN_BACKEND] = {"backends", "backend", "Backend"},
	[COLUMN_GPU_LAYERS] = {"n_gpu_layers", "ngl"},
	[COLUMN_DEVICES] = {"devices", "dev", "device"},
	[COLUMN_SPLIT_MODE] = {"split_mode", "sm"},
	[COLUMN_TENSOR_SPLIT] = {"tensor_split", "ts"},
	[COLUMN_RPC] = {"rpc_servers", "rpc"},
	[COLUMN_KV_K] = {"type_k"},
	[COLUMN_KV_V] = {"type_v"},
	[COLUMN_KV_HOST] = {"no_kv_offload", "nkvo"},
	[COLUMN_CPU_EXPERTS] = {"n_cpu_moe", "ncmoe"},
	[COLUMN_OVERRIDES] = {"tensor_buft_overrides", "ot"},
	[COLUMN_THREADS] = {"n_threads", "threads"},
	[COLUMN_EMBEDDINGS] = {"embeddings", "embd"},
	[COLUMN_DTYPE] = {"dtype"},
	[COLUMN_GPU] = {"gpu_info", "chip", "gpu", "hardwareName", "GPU", "Machine"},
	[COLUMN_CPU] = {"cpu_info"},
	[COLUMN_VULKAN] = {"vulkan_device"},
	[COLUMN_PARAMS] = {"model_n_params", "params"},
	[COLUMN_SIZE] = {"model_size", "size", "bytes", "Size"},
	[COLUMN_MODEL] = {"model_type", "model", "model_filename", "modelID", "modelLabel", "Model"},
	[COLUMN_FLASH] = {"flash_attn", "fa"},
	[COLUMN_BUILD] = {"build_number", "build"},
	[COLUMN_TOOL] = {"tool"},
	[COLUMN_WEIGHTS] = {"weights", "Quant", "Format"},
	[COLUMN_MACHINE] = {"machine"},
	[COLUMN_RUNTIME] = {"runtime"}};

const char *run_column_in_english(const char *name)
{
	static const char *const names[][2] = {
		{"Modell", "model"},
		{"Gr\xc3\xb6\xc3\x9f"
		 "e",
		 "size"},
		{"Parameter", "params"},
		{"\xe6\xa8\xa1\xe5\x9e\x8b", "model"}, /* Chinese */
		{"\xe5\xa4\xa7\xe5\xb0\x8f", "size"},
		{"\xe5\x8f\x82\xe6\x95\xb0", "params"},
		{"\xe6\xb5\x8b\xe8\xaf\x95", "test"},
		{"\xe3\x83\xa2\xe3\x83\x87\xe3\x83\xab", "model"}, /* Japanese */
		{"\xe3\x82\xb5\xe3\x82\xa4\xe3\x82\xba", "size"},
		{"\xe3\x83\x86\xe3\x82\xb9\xe3\x83\x88", "test"}};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(name, names[i][0]))
			return names[i][1];
	return name;
}

/* Flags of 2023 and 2024, before one column named the back ends. */
static const struct {
	const char *flag, *backend;
} flags[] = {{"cuda", "CUDA"},   {"opencl", "OpenCL"}, {"vulkan", "Vulkan"}, {"kompute", "Kompute"},
	     {"metal", "Metal"}, {"sycl", "SYCL"},     {"rpc", "RPC"},       {"blas", "BLAS"}};

static bool is_set(const char *text)
{
	return text && strcmp(text, "0") != 0 && strcmp(text, "false") != 0;
}

static const char *backend_of_flags(const struct record *c)
{
	const char *all = NULL;
	bool any = false;

	for (size_t i = 0; i < ARRAY_LEN(flags); i++) {
		const char *text = record_text(c, flags[i].flag);

		any = any || text;
		if (is_set(text))
			all = all ? arena_printf(c->r->arena, "%s,%s", all, flags[i].backend)
				  : flags[i].backend;
	}
	return all ? all : any ? "CPU" : NULL;
}

void record_columns(const struct record *c, struct run *run)
{
	for (int k = 0; k < RUN_COLUMNS; k++)
		for (int i = 0; i < COLUMN_NAMES && run_column_names[k][i] && !run->says[k]; i++)
			run->says[k] = record_text(c, run_column_names[k][i]);
	if (!run->says[COLUMN_BACKEND])
		run->says[COLUMN_BACKEND] = backend_of_flags(c);
	if (!is_set(run->says[COLUMN_RPC]))
		run->says[COLUMN_RPC] = NULL;
}

/* The first of the words that stands in the text as a cell's or a key's whole name; NULL: none does. */
static const char *named_in(const char *text, const char *const *names)
{
	for (int i = 0; i < COLUMN_NAMES && names[i]; i++) {
		const size_t n = strlen(names[i]);

		for (const char *at = strstr(text, names[i]); at; at = strstr(at + 1, names[i]))
			if ((at == text || strchr(" |,\"\n\t(", at[-1])) && strchr(" |,\"\r\n\t)", at[n]))
				return names[i];
	}
	return NULL;
}

const char *run_column_name(const struct run *r, enum run_column c)
{
	const char *name = r->source_text ? named_in(r->source_text->text, run_column_names[c]) : NULL;

	return name ? name : run_column_names[c][0];
}

static const char *line_at(const char *text, int line)
{
	for (; line > 1 && *text; line--) {
		text += strcspn(text, "\n");
		text += *text == '\n';
	}
	return text;
}

/* The column's text in the row; NULL: none, or none that is kept as it was written. */
static const char *said_in(const struct run *r, enum run_column c)
{
	return c < RUN_COLUMNS       ? r->says[c]
	       : c == COLUMN_MACHINE ? r->machine
	       : c == COLUMN_RUNTIME ? r->runtime
	       : c == COLUMN_MODEL   ? r->model
				     : NULL;
}

struct place run_place(const struct run *r, enum run_column c)
{
	const char *said = said_in(r, c);
	struct place p = {r->source_text, r->line, 1, 1};
	const char *line, *at;

	if (!said || !r->source_text)
		return p;
	line = line_at(r->source_text->text, r->line);
	at = strstr(line, said);
	if (!at || at > line + strcspn(line, "\n"))
		return p;
	for (; line < at; line++)
		p.col += ((unsigned char)*line & 0xc0) != 0x80;
	p.width = (int)str_width(said);
	return p;
}
