/* check_listed.c - the devices that a log of llama.cpp lists are those of the rows below it, unless these say otherwise. */
#include <string.h>

#include "sim/base/str.h"
#include "sim/runs/ingest.h"
#include "sim/runs/listed_devices.h"
#include "tests/suites.h"

enum { CUDA, ROCM, VULKAN, SYCL };

static const char *const kind_names[] = {"CUDA", "ROCm", "Vulkan", "SYCL"};

/* A line as ggml_cuda_init(), ggml_vk_instance_init() and ggml_backend_sycl_print_sycl_devices() write it. */
static const char *device_line(struct arena *a, int kind, int number, const char *name, bool integrated)
{
	if (kind == SYCL)
		return arena_printf(
			a, "| %d| [level_zero:gpu:%d]|  %s|  12.55|    512|    1024|   32| 16225M|\n", number,
			number, name);
	return kind == VULKAN ? arena_printf(a, "ggml_vulkan: %d = %s (driver) | uma: %d | fp16: 1\n", number,
					     name, integrated)
	       : kind == ROCM
		       ? arena_printf(a, "  Device %d: %s, gfx1100 (0x1100), VMM: no, Wave Size: 32\n",
				      number, name)
		       : arena_printf(a, "  Device %d: %s, compute capability 8.6, VMM: yes\n", number, name);
}

/* The same as logs have it since 2026, and the lines of what is used. */
static const char *as_of_2026(struct arena *a, int kind, int number, const char *name)
{
	return arena_printf(a, "0.00.075.103 I   - %s%d   : %s (8098 MiB, 7444 MiB free)\n", kind_names[kind],
			    number, name);
}

/* The head of SYCL's list is a table's. */
static const char *head_of(int kind)
{
	return kind == SYCL ? "|ID|        Device Type|    Name|Version|units  |group   |group|size   |\n"
			      "|--|-------------------|--------|-------|-------|--------|-----|-------|\n"
			    : "";
}

static const char *listing(struct arena *a, int kind, int cards, bool integrated)
{
	const char *out = arena_printf(a, "ggml: found %d %s devices:\n%s", cards + integrated,
				       kind_names[kind], head_of(kind));

	if (integrated)
		out = arena_printf(a, "%s%s", out, device_line(a, kind, 0, "AMD Radeon(TM) Graphics", true));
	for (int i = 0; i < cards; i++)
		out = arena_printf(a, "%s%s", out, device_line(a, kind, i + integrated, "GPU 9000", false));
	return out;
}

/* A table of llama-bench or of llama-sweep-bench, or the timings of a server, below the lines. */
static const char *below(struct arena *a, int form, int kind, const char *front)
{
	static const char
		sweep[] = "|    PP |     TG |   N_KV |   T_PP s | S_PP t/s |   T_TG s | S_TG t/s |\n"
			  "|-------|--------|--------|----------|----------|----------|----------|\n"
			  "|  1024 |     64 |      0 |    1.160 |   882.54 |    2.205 |    29.03 |\n",
		timings[] = "prompt eval time = 142.31 ms / 262 tokens\neval time = 816.42 ms / 49 runs\n";

	if (form)
		return arena_printf(a, "%s%s", front, form == 1 ? sweep : timings);
	return arena_printf(
		a,
		"%s| model | backend | test | t/s |\n|---|---|---|---|\n| llama 7B Q4_0 | %s | pp512 | "
		"900.0 |\n",
		front, kind_names[kind]);
}

static struct runs read_text(struct arena *a, const char *text)
{
	struct err err = ERR_INIT;
	struct runs r = {0};

	ck_assert_msg(runs_parse(a, "f", text, strlen(text), &r, &err) == 0, "%s\n%s", err.msg, text);
	ck_assert_uint_ge(r.n, 1);
	return r;
}

/* Every number of cards, of each back end, with an integrated GPU before them or not, above every form of report. */
START_TEST(what_a_log_lists)
{
	const int kind = _i % 4, cards = 1 + _i / 4 % 3, form = _i / 12 % 3;
	const bool integrated = _i / 36;
	struct arena a = ARENA_INIT;
	const struct runs r = read_text(&a, below(&a, form, kind, listing(&a, kind, cards, integrated)));
	const char *said = r.at[0].says[COLUMN_DEVICES], *names = NULL;

	for (int i = 0; i < cards; i++)
		names = names ? arena_printf(&a, "%s/%s%d", names, kind_names[kind], i + integrated)
			      : arena_printf(&a, "%s%d", kind_names[kind], i + integrated);
	ck_assert_pstr_eq(said, cards > 1 ? names : NULL);
	arena_release(&a);
}
END_TEST

/* What a command above the log says of it. */
static const struct {
	const char *option;
	bool several;
} commands[] = {{"", true},
		{"-sm layer", true},
		{"-sm none", false},
		{"-sm none -mg 1", false},
		{"-dev CUDA1", false},
		{"-ts 1,0", false},
		{"-ts 3,1", true},
		{"-ngl 0", false},
		{"-ngl 99", true},
		{"-fa 1", true},
		{"--device none", false}};

START_TEST(what_a_command_takes_of_it)
{
	const struct listed_devices none = {.found = {0}};
	struct arena a = ARENA_INIT;
	const char *front = arena_printf(&a, "$ llama-sweep-bench -m m.gguf %s\n%s", commands[_i].option,
					 listing(&a, CUDA, 2, false));

	for (int form = 1; form < 3; form++) {
		const struct runs r = read_text(&a, below(&a, form, CUDA, front));
		const char *said = r.at[0].says[COLUMN_DEVICES];

		ck_assert_msg((said && strchr(said, '/')) == commands[_i].several, "%s: %s",
			      commands[_i].option, said ? said : "");
	}
	ck_assert_ptr_null(listed_devices_several(&a, &none, NULL));
	arena_release(&a);
}
END_TEST

/* Where the log tells what holds the weights, those devices alone count. */
START_TEST(what_holds_weights)
{
	static const char *const buffers[][2] = {
		{"load_tensors:        CUDA0 model buffer size =  4155.99 MiB\n", NULL},
		{"llm_load_tensors:      CUDA0 buffer size =  4155.99 MiB\n"
		 "llm_load_tensors:      CUDA1 buffer size =  2155.99 MiB\n",
		 "CUDA0/CUDA1"},
		{"load_tensors:   CPU_Mapped model buffer size =   281.81 MiB\n"
		 "load_tensors:        CUDA1 model buffer size =  4155.99 MiB\n",
		 NULL},
		{"", "CUDA0/CUDA1"}};
	struct arena a = ARENA_INIT;
	const struct runs r =
		read_text(&a, below(&a, 2, CUDA,
				    arena_printf(&a, "%s%s", listing(&a, CUDA, 2, false), buffers[_i][0])));

	ck_assert_pstr_eq(r.at[0].says[COLUMN_DEVICES], buffers[_i][1]);
	arena_release(&a);
}
END_TEST

/* Logs of 2026 list devices by their back end's name, and say which are used. */
START_TEST(logs_of_2026)
{
	const int kind = _i % 3, cards = 1 + _i / 3 % 2;
	const bool one_used = _i / 6;
	struct arena a = ARENA_INIT;
	const char *front = "0.00.010.455 I device_info:\n",
		   *names = arena_printf(&a, "%s0/%s1", kind_names[kind], kind_names[kind]);
	struct runs r;

	for (int i = 0; i < cards; i++)
		front = arena_printf(&a, "%s%s", front, as_of_2026(&a, kind, i, "NVIDIA GeForce GTX 1080"));
	front = arena_printf(
		&a, "%s0.00.075.112 I   - CPU     : Intel(R) Xeon(R) W-2135 (31770 MiB, 31770 MiB free)\n",
		front);
	if (one_used)
		front = arena_printf(&a,
				     "%sllama: using device %s0 (NVIDIA GeForce GTX 1080) (0000:01:00.0)\n",
				     front, kind_names[kind]);
	r = read_text(&a, below(&a, 2, kind, front));
	ck_assert_str_eq(r.at[0].says[COLUMN_GPU], "NVIDIA GeForce GTX 1080");
	ck_assert_pstr_eq(r.at[0].says[COLUMN_DEVICES], cards > 1 && !one_used ? names : NULL);
	arena_release(&a);
}
END_TEST

/* The card is the row's, wherever a chip's own GPU stands in the list; Vulkan tells one by "uma", not by the name. */
START_TEST(the_card_beside)
{
	static const char *const names[] = {"AMD Radeon RX 7900 XT", "AMD Radeon Graphics"};
	struct arena a = ARENA_INIT;
	const char *card = device_line(&a, VULKAN, _i & 1, names[_i / 2], false),
		   *own = device_line(&a, VULKAN, !(_i & 1), "V3D 7.1.10.2", true);
	const struct runs r = read_text(
		&a, below(&a, 0, VULKAN, arena_printf(&a, "%s%s", _i & 1 ? own : card, _i & 1 ? card : own)));

	ck_assert_str_eq(r.at[0].says[COLUMN_GPU], names[_i / 2]);
	ck_assert_ptr_null(r.at[0].says[COLUMN_DEVICES]);
	arena_release(&a);
}
END_TEST

/* One chip that two back ends list is one device, and the next run's log is its own. */
START_TEST(each_log_is_its_own)
{
	struct arena a = ARENA_INIT;
	const char *both = arena_printf(&a, "%s%s", listing(&a, ROCM, 1, false),
					listing(&a, VULKAN, 1, false)),
		   *first = below(&a, 0, CUDA, listing(&a, CUDA, 2, false));
	struct runs r = read_text(&a, below(&a, 0, VULKAN, both));

	ck_assert_ptr_null(r.at[0].says[COLUMN_DEVICES]);
	r = read_text(&a, arena_printf(&a, "%s\n%s", first, below(&a, 0, CUDA, listing(&a, CUDA, 1, false))));
	ck_assert_uint_eq(r.n, 2);
	ck_assert_str_eq(r.at[0].says[COLUMN_DEVICES], "CUDA0/CUDA1");
	ck_assert_ptr_null(r.at[1].says[COLUMN_DEVICES]);
	r = read_text(&a, below(&a, 0, CUDA, "ggml_cuda_init: found 8 CUDA devices:\n"));
	ck_assert_ptr_nonnull(strstr(r.at[0].says[COLUMN_DEVICES], "CUDA6/CUDA7"));
	arena_release(&a);
}
END_TEST

/* --- how much of a prompt at once ----------------------------------------------------------------- */

/* n_ubatch of n_batch, wherever a report has them. */
static const struct {
	const char *text;
	int64_t chunk;
} chunks[] = {
	{"| model | n_batch | n_ubatch | test | t/s |\n|---|---|---|---|---|\n| m | 2048 | 512 | pp4096 | "
	 "900 |\n",
	 512},
	{"| model | n_batch | n_ubatch | test | t/s |\n|---|---|---|---|---|\n| m | 128 | 512 | pp4096 | 900 "
	 "|\n",
	 128},
	{"| model | n_batch | test | t/s |\n|---|---|---|---|\n| m | 64 | pp4096 | 900 |\n", 64},
	{"| model | n_batch | test | t/s |\n|---|---|---|---|\n| m | 4096 | pp4096 | 900 |\n", 512},
	{"| model | n_ubatch | test | t/s |\n|---|---|---|---|\n| m | 1024 | pp4096 | 900 |\n", 1024},
	{"$ llama-bench -m m.gguf -ub 256,1024\n| model | n_ubatch | test | t/s |\n|---|---|---|---|\n| m | "
	 "1024 | pp4096 | "
	 "900 |\n",
	 1024},
	{"{\"model_type\": \"m\", \"n_batch\": 2048, \"n_ubatch\": 512, \"n_prompt\": 4096, \"n_gen\": 0, "
	 "\"avg_ns\": 5000000}",
	 512},
	{"{\"model_type\": \"m\", \"n_batch\": 256, \"n_ubatch\": 512, \"n_prompt\": 4096, \"n_gen\": 0, "
	 "\"avg_ns\": 5000000}",
	 256},
	{"{\"model_type\": \"m\", \"n_batch\": 1024, \"n_prompt\": 4096, \"n_gen\": 0, \"avg_ns\": 5000000}",
	 1024},
	{"$ llama-sweep-bench -m m.gguf -b 256 -ub 1024\n"
	 "| PP | TG | N_KV | T_PP s | S_PP t/s | T_TG s | S_TG t/s |\n|---|---|---|---|---|---|---|\n| 4096 "
	 "| 64 | 0 | 1 | 4096 | 1 | 64 |\n",
	 256},
	{"main: n_kv_max = 20480, n_batch = 128, n_ubatch = 512, flash_attn = 1\n\n"
	 "| PP | TG | B | N_KV | T_PP s | S_PP t/s | T_TG s | S_TG t/s | T s | S t/s "
	 "|\n|---|---|---|---|---|---|---|---|---|---|\n"
	 "| 4096 | 64 | 1 | 4160 | 1 | 4096 | 1 | 64 | 2 | 2080 |\n",
	 128}};

START_TEST(tokens_at_once)
{
	struct arena a = ARENA_INIT;
	const struct runs r = read_text(&a, chunks[_i].text);

	ck_assert_msg(r.at[0].chunk == chunks[_i].chunk, "%lld of\n%s", (long long)r.at[0].chunk,
		      chunks[_i].text);
	arena_release(&a);
}
END_TEST

/* --- gpu_info --------------------------------------------------------------------------------------- */

/* The GPUs of a machine as llama-bench lists them, other columns, and how many the row had. */
static const struct {
	const char *gpus, *columns;
	bool several;
} lists[] = {{"NVIDIA GeForce RTX 4090, NVIDIA GeForce RTX 3090", "", true},
	     {"NVIDIA GeForce RTX 3090/NVIDIA GeForce RTX 3090", "", true},
	     {"NVIDIA GeForce RTX 3090, NVIDIA GeForce RTX 3090", "\"devices\": \"auto\",", true},
	     {"NVIDIA GeForce RTX 3090, NVIDIA GeForce RTX 3090", "\"devices\": \"CUDA1\",", false},
	     {"NVIDIA GeForce RTX 3090, NVIDIA GeForce RTX 3090", "\"split_mode\": \"none\",", false},
	     {"NVIDIA GeForce RTX 3090, NVIDIA GeForce RTX 3090", "\"split_mode\": \"layer\",", true},
	     {"NVIDIA GeForce RTX 3090, NVIDIA GeForce RTX 3090", "\"tensor_split\": \"1.00/0.00\",", false},
	     {"NVIDIA GeForce RTX 3090, NVIDIA GeForce RTX 3090", "\"n_gpu_layers\": 0,", false},
	     {"AMD Radeon RX 7900 XTX, AMD Radeon Graphics", "", false},
	     {"AMD Radeon RX 7900 XTX, AMD Radeon(TM) Graphics", "", false},
	     {"Intel(R) Arc(TM) B580 Graphics, Intel(R) UHD Graphics 770", "", false},
	     {"AMD RYZEN AI MAX+ 395 w/ Radeon 8060S", "", false},
	     {"Apple M4 Max", "", false},
	     {"", "", false}};

START_TEST(gpus_of_a_machine)
{
	struct arena a = ARENA_INIT;
	const struct runs r = read_text(
		&a, arena_printf(
			    &a,
			    "{\"model_type\": \"llama 8B Q4_0\", \"gpu_info\": \"%s\", %s \"n_prompt\": 512, "
			    "\"n_gen\": 0, \"avg_ns\": 50000000, \"stddev_ns\": 1000, \"avg_ts\": 10240.0, "
			    "\"stddev_ts\": 1.0}\n",
			    lists[_i].gpus, lists[_i].columns));
	const char *said = r.at[0].says[COLUMN_DEVICES];

	ck_assert_msg((said && strchr(said, '/')) == lists[_i].several, "%s %s: %s", lists[_i].gpus,
		      lists[_i].columns, said ? said : "one");
	arena_release(&a);
}
END_TEST

/* --- what the words of a text say ----------------------------------------------------------------- */

static const char table[] = "| model | params | backend | test | t/s |\n|---|---|---|---|---|\n"
			    "| llama 8B Q4_0 | 8.03 B | CUDA | pp512 | 900 |\n";

/* Prose that speaks of several cards, and prose that only looks like it. */
static const struct {
	const char *line, *said;
} prose[] = {{"Results on a 4x3090 system:", "4x3090"},
	     {"With two GPUs (MI25)", "two GPUs"},
	     {"(2x MI25)", "2x MI25"},
	     {"GLM-4.7 3.068 bpw Thireus mix, 7x3090, -ctk q6_0", "7x3090"},
	     {"x2 RTX 3090 what FAIL", "x2 RTX 3090"},
	     {"2 \xc3\x97 Tesla P40", "2 \xc3\x97 Tesla"},
	     {"a machine of 8 GPUs", "8 GPUs"},
	     {"16x3090 and 512 GB", "16x3090"},
	     {"1x RTX 3090", NULL},
	     {"it is 2x faster than on CPU", NULL},
	     {"prompts of 4x 512 tokens", NULL},
	     {"2x 2048 tokens", NULL},
	     {"a 1024x4096 matrix", NULL},
	     {"0.2x RTX speed", NULL},
	     {"speed-up of 3x GPU over CPU", "3x GPU"},
	     {"box3x3090y", NULL},
	     {"on one GPU of the two", NULL}};

START_TEST(cards_in_prose)
{
	struct arena a = ARENA_INIT;

	for (int below_it = 0; below_it < 2; below_it++) {
		const struct runs r =
			read_text(&a, below_it ? arena_printf(&a, "%s\n%s\n", table, prose[_i].line)
					       : arena_printf(&a, "%s\n\n%s", prose[_i].line, table));

		ck_assert_msg(r.notes.n == (prose[_i].said != NULL), "%s: %s", prose[_i].line,
			      r.notes.n ? r.notes.at[0] : "no note");
		if (prose[_i].said)
			ck_assert_msg(strstr(r.notes.at[0], prose[_i].said) != NULL, "%s", r.notes.at[0]);
	}
	arena_release(&a);
}
END_TEST

/* Rows whose head was cut away are told beside a table that is whole; a row that is its continuation is read. */
START_TEST(rows_without_a_head)
{
	static const struct {
		const char *lines;
		size_t rows, notes;
	} more[] = {
		{"", 1, 0},
		{"and on the other box:\n| llama 8B Q4_0 | CUDA | 99 | 1 | tg128 | 100.1 \xc2\xb1 0.1 |\n", 1,
		 1},
		{"disabling graphs\n| llama 8B Q4_0 | 8.03 B | CUDA | tg128 | 100.1 \xc2\xb1 0.1 |\n", 2, 0}};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(more); i++) {
		const struct runs r = read_text(&a, arena_printf(&a, "%s\n%s", table, more[i].lines));

		ck_assert_uint_eq(r.n, more[i].rows);
		ck_assert_uint_eq(r.notes.n, more[i].notes);
	}
	arena_release(&a);
}
END_TEST

/* Rows that say how many they had need no note. */
START_TEST(rows_that_say_it)
{
	static const struct {
		const char *column, *value;
		size_t notes;
	} says[] = {{"dev", "CUDA0", 0}, {"ts", "1.00", 0},  {"sm", "none", 0},
		    {"sm", "tensor", 0}, {"sm", "layer", 1}, {"ngl", "99", 1}};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(says); i++) {
		const struct runs r = read_text(
			&a, arena_printf(&a,
					 "on 2x RTX 3090\n\n| model | %s | test | t/s |\n|---|---|---|---|\n"
					 "| llama 8B Q4_0 | %s | pp512 | 900 |\n",
					 says[i].column, says[i].value));

		ck_assert_msg(r.notes.n == says[i].notes, "%s %s: %zu", says[i].column, says[i].value,
			      r.notes.n);
	}
	arena_release(&a);
}
END_TEST

START_TEST(modes_beside_each_other)
{
	static const char *const modes[] = {"tensor", "row", "graph", "none", "layer"};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(modes); i++) {
		const struct runs r = read_text(
			&a,
			arena_printf(
				&a,
				"| model | sm | test | t/s |\n|---|---|---|---|\n| llama 8B Q4_0 | layer | "
				"pp512 | 900 |\n| llama 8B Q4_0 | %s | pp512 | 990 |\n",
				modes[i]));

		ck_assert_uint_eq(r.notes.n, i < 3);
	}
	arena_release(&a);
}
END_TEST

/* Columns of forks and of people are told; those of llama-bench of any year are not. */
START_TEST(columns_of_others)
{
	static const struct {
		const char *column;
		bool known;
	} columns[] = {{"mla", false},         {"fmoe", false}, {"rtr", false},     {"khad", false},
		       {"power limit", false}, {"mmap", true},  {"dio", true},      {"n_batch", true},
		       {"threads", true},      {"ncmoe", true}, {"n_ubatch", true}, {"fa", true},
		       {"Type_K", true},       {"build", true}};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		const struct runs r = read_text(
			&a,
			arena_printf(&a,
				     "| model | %s | test | t/s |\n|---|---|---|---|\n| llama 8B Q4_0 | 1 | "
				     "pp512 | 900 |\n",
				     columns[i].column));

		ck_assert_msg((r.notes.n == 0) == columns[i].known, "%s", columns[i].column);
		if (r.notes.n)
			ck_assert_ptr_nonnull(strstr(r.notes.at[0], columns[i].column));
	}
	arena_release(&a);
}
END_TEST

START_TEST(columns_of_our_csv)
{
	static const struct {
		const char *column;
		bool known;
	} columns[] = {{"power_limit", false}, {"temperature", false}, {"depth", true}, {"type_k", true},
		       {"source", true},       {"threads", true},      {"sd", true},    {"Notes", true}};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(columns); i++) {
		const struct runs r = read_text(
			&a, arena_printf(&a, "kind,prompt,tok_per_s,%s\npp,512,900,%s\n", columns[i].column,
					 columns[i].column[0] == 's' && columns[i].column[1] == 'd' ? "0.1"
												    : "0"));

		ck_assert_msg((r.notes.n == 0) == columns[i].known, "%s", columns[i].column);
	}
	arena_release(&a);
}
END_TEST

/* One prompt for all sequences is read once. */
START_TEST(shared_prompts)
{
	struct arena a = ARENA_INIT;
	const struct runs r =
		read_text(&a, "| PP | TG | B | N_KV | T_PP s | S_PP t/s | T_TG s | S_TG t/s | T s | S t/s |\n"
			      "|---|---|---|---|---|---|---|---|---|---|\n"
			      "| 512 | 32 | 1 | 544 | 0.137 | 3737 | 0.265 | 120 | 0.4 | 1353 |\n"
			      "| 512 | 32 | 8 | 768 | 0.138 | 3710 | 0.365 | 701 | 0.5 | 1526 |\n"
			      "| 512 | 32 | 8 | 4352 | 1.138 | 3599 | 0.365 | 701 | 1.5 | 2900 |\n");

	ck_assert_uint_eq(r.n, 6);
	ck_assert_int_eq(r.at[2].batch, 1);
	ck_assert_int_eq(r.at[3].batch, 8);
	ck_assert_int_eq(r.at[4].batch, 8);
	for (size_t i = 0; i < r.n; i++)
		ck_assert_int_eq(r.at[i].depth, i & 1 ? 512 : 0);
	arena_release(&a);
}
END_TEST

/* Headings of several sizes above rows that do not name their model. */
START_TEST(sizes_in_headings)
{
	static const char timing[] = "llama_print_timings: eval time = 2511.73 ms / 99 runs\n";
	static const struct {
		const char *heads[2];
		size_t notes;
	} of[] = {{{"7B q4:", "13B q5:"}, 1},
		  {{"### 8b", "### 70b"}, 1},
		  {{"7B q4:", "7B q8:"}, 0},
		  {{"7B q4:", "again:"}, 0},
		  {{"with 16GB", "with 32GB"}, 0},
		  {{"**0.6B**", "**1.7B**"}, 1},
		  {{"It took 7B tokens", "or 13B tokens"}, 0}};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(of); i++) {
		const struct runs r = read_text(&a, arena_printf(&a, "%s\n%s\n%s\n%s", of[i].heads[0], timing,
								 of[i].heads[1], timing));

		ck_assert_msg(r.notes.n == of[i].notes, "%s, %s", of[i].heads[0], of[i].heads[1]);
	}
	ck_assert_uint_eq(read_text(&a, arena_printf(&a, "7B:\n\n%s\n13B:\n\n%s", table, table)).notes.n, 0);
	arena_release(&a);
}
END_TEST

/* What people did to their card is told. */
START_TEST(cards_that_were_changed)
{
	static const struct {
		const char *line;
		size_t notes;
	} lines[] = {{"RTX 3090 (power limited to 220W), CUDA 12.8:", 1},
		     {"I ran nvidia-smi -pl 250 before", 1},
		     {"with a slight Undervolt", 1},
		     {"no power supply was harmed", 0}};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(lines); i++)
		ck_assert_uint_eq(read_text(&a, arena_printf(&a, "%s\n\n%s", lines[i].line, table)).notes.n,
				  lines[i].notes);
	arena_release(&a);
}
END_TEST

/* A column of formats is the row's format, whatever the model's name has. */
START_TEST(columns_of_formats)
{
	static const char *const names[] = {"quant", "Quant", "Format", "weights"};
	struct arena a = ARENA_INIT;

	for (size_t i = 0; i < ARRAY_LEN(names); i++) {
		const struct runs r =
			read_text(&a, arena_printf(&a,
						   "| model | %s | test | t/s |\n|---|---|---|---|\n| "
						   "Llama-3.2-1B | Q8_0 | pp512 | "
						   "900 |\n| Llama-3.2-1B | | pp512 | 900 |\n",
						   names[i]));

		ck_assert_pstr_eq(r.at[0].weights, "Q8_0");
		ck_assert_ptr_null(r.at[1].weights);
		ck_assert_uint_eq(r.notes.n, 0);
	}
	arena_release(&a);
}
END_TEST

Suite *suite_listed(void)
{
	Suite *s = suite_create("listed");
	TCase *t = tcase_create("listed");

	tcase_add_loop_test(t, what_a_log_lists, 0, 72);
	tcase_add_loop_test(t, what_a_command_takes_of_it, 0, ARRAY_LEN(commands));
	tcase_add_loop_test(t, what_holds_weights, 0, 4);
	tcase_add_loop_test(t, logs_of_2026, 0, 12);
	tcase_add_loop_test(t, the_card_beside, 0, 4);
	tcase_add_test(t, each_log_is_its_own);
	tcase_add_loop_test(t, tokens_at_once, 0, ARRAY_LEN(chunks));
	tcase_add_loop_test(t, gpus_of_a_machine, 0, ARRAY_LEN(lists));
	tcase_add_loop_test(t, cards_in_prose, 0, ARRAY_LEN(prose));
	tcase_add_test(t, rows_that_say_it);
	tcase_add_test(t, rows_without_a_head);
	tcase_add_test(t, modes_beside_each_other);
	tcase_add_test(t, columns_of_others);
	tcase_add_test(t, columns_of_formats);
	tcase_add_test(t, columns_of_our_csv);
	tcase_add_test(t, shared_prompts);
	tcase_add_test(t, cards_that_were_changed);
	tcase_add_test(t, sizes_in_headings);
	suite_add_tcase(s, t);
	return s;
}
