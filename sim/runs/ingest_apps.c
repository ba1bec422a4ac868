/* ingest_apps.c - what programs around a runtime write of it: JSON of macMLX, LM Studio, vllm-mlx, normiebench and llmfit,
 * koboldcpp's line; and, by name, what other programs write that is no run of one model by one request. See ingest.h. */
#include "sim/runs/ingest_apps.h"
#include "sim/runs/numbers.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/base/texts.h"
#include "sim/conf/yml.h"

static const double tokens_max = 1e8, rate_max = 1e9;

/* --- JSON ----------------------------------------------------------------------------------------- */

/* The mapping behind a key; without members where there is none. */
static struct record inside(const struct record *c, const char *key)
{
	static const struct yml none = {.kind = YML_MAP};
	const struct yml *object = yml_get(c->object, key);

	return (struct record){
		.r = c->r, .line = c->line, .object = object && object->kind == YML_MAP ? object : &none};
}

static int needed(const struct record *c, const char *key, double max, double *value)
{
	*value = 0;
	if (record_number(c, key, max, value) != 0)
		return -1;
	return *value > 0 ? 0 : err_set(c->r->err, "%s:%d: '%s' is missing, or 0", c->r->path, c->line, key);
}

/* A rate over so many tokens, which are means of several runs and no whole numbers. chip: as the program calls it, or NULL. */
static int add_rate_on(const struct record *c, const char *chip, const char *model, double prompt, double gen,
		       double rate)
{
	struct run run = {.line = c->line,
			  .model = model,
			  .prompt = gen > 0 ? 0 : llround(prompt),
			  .gen = llround(gen),
			  .depth = gen > 0 ? llround(prompt) : 0,
			  .n = 1,
			  .says[COLUMN_GPU] = chip};

	run.seconds = (gen > 0 ? gen : prompt) / rate;
	return reading_add(c->r, run);
}

static int add_rate(const struct record *c, const char *model, double prompt, double gen, double rate)
{
	return add_rate_on(c, NULL, model, prompt, gen, rate);
}

/* macMLX, on mlx-swift-lm (magicnight/Mac-MLX, issues "[benchmark]"). */
int ingest_macmlx(const struct record *c)
{
	const struct record system = inside(c, "system");
	const char *model = record_text(c, "modelID"), *chip = record_text(&system, "chip");
	const size_t first = c->r->rows.n;
	double prompt, gen, prompt_rate, rate, ram = 0;

	if (record_number(&system, "ramGB", 1e6, &ram) != 0 ||
	    needed(c, "promptTokens", tokens_max, &prompt) != 0 ||
	    needed(c, "completionTokens", tokens_max, &gen) != 0 ||
	    needed(c, "promptTPS", rate_max, &prompt_rate) != 0 ||
	    needed(c, "generationTPS", rate_max, &rate) != 0 ||
	    add_rate_on(c, chip, model, prompt, 0, prompt_rate) != 0 ||
	    add_rate_on(c, chip, model, prompt, gen, rate) != 0)
		return -1;
	for (size_t i = first; i < c->r->rows.n; i++)
		c->r->rows.at[i].ram_B = ram * 1073741824.0;
	return 0;
}

/* An answer of LM Studio's REST API (docs of lmstudio-ai, 1_developer/2_rest/endpoints.mdx). The time to the first token has
 * the request's way in it, and a prompt may have been cached, so the answer alone is a run. */
int ingest_lm_studio_answer(const struct record *c)
{
	const struct record usage = inside(c, "usage"), stats = inside(c, "stats"),
			    info = inside(c, "model_info");
	const char *format = record_text(&info, "format"), *quant = record_text(&info, "quant");
	const char *model = record_text(c, "model");
	double prompt = 0, gen, rate;

	if (needed(&usage, "completion_tokens", tokens_max, &gen) != 0 ||
	    record_number(&usage, "prompt_tokens", tokens_max, &prompt) != 0 ||
	    needed(&stats, "tokens_per_second", rate_max, &rate) != 0)
		return -1;
	if (format)
		c->r->tool = !strcmp(format, "mlx") ? "mlx_lm of LM Studio" : "llama.cpp of LM Studio";
	if (model && quant)
		model = arena_printf(c->r->arena, "%s %s", model, quant);
	return add_rate(c, model, prompt, gen, rate);
}

/* vllm-mlx-bench (waybarrios/vllm-mlx, issue 531): sums over its requests. Its time to the first token is a server's. */
int ingest_vllm_mlx(const struct record *c)
{
	const struct record each = inside(c, "tpot_ms"), hardware = inside(c, "hardware");
	double requests, prompt, gen, ms;

	if (needed(c, "num_runs", tokens_max, &requests) != 0 ||
	    needed(c, "total_prompt_tokens", tokens_max, &prompt) != 0 ||
	    needed(c, "total_generated_tokens", tokens_max, &gen) != 0 ||
	    needed(&each, "mean", READING_SECONDS_MAX, &ms) != 0)
		return -1;
	reading_note(c->r, c->line,
		     "vllm-mlx runs the models of mlx_lm behind a server of its own, and none of vLLM's "
		     "kernels: its "
		     "tokens are taken for those of mlx_lm");
	return add_rate_on(c, record_text(&hardware, "chip"), record_text(c, "model"), prompt / requests,
			   gen / requests, 1e3 / ms);
}

/* The tokens of a test's name, "pp512"; 0: it is none. */
static double tokens_of(const char *test, const char *kind)
{
	char *end;
	const double n = str_starts(test, kind) ? strtod(test + 2, &end) : 0;

	return n >= 1 && n <= tokens_max && !*end ? n : 0;
}

/* normiebench (brand-o/normiebench, issues "[bench-result]"): llama-bench's rates by the name of a model. */
static int take_normie_run(const struct record *c, const char *gpu)
{
	const char *label = record_text(c, "modelLabel"), *quant = record_text(c, "quant"),
		   *backend = record_text(c, "backend");
	const char *model = arena_printf(c->r->arena, "%s %s", label ? label : "", quant ? quant : "");

	if (!backend || !str_starts(backend, "llama.cpp"))
		return reading_fail(c->r, c->line, "backend: only llama.cpp is read here, got",
				    backend ? backend : "");
	for (size_t i = 0; i < c->object->n; i++) {
		const char *test = c->object->keys[i]->text;
		const double pp = tokens_of(test, "pp"), tg = tokens_of(test, "tg");
		double rate;

		if (pp + tg > 0 &&
		    (needed(c, test, rate_max, &rate) != 0 || add_rate_on(c, gpu, model, pp, tg, rate) != 0))
			return -1;
	}
	return 0;
}

int ingest_normiebench(const struct record *c)
{
	const struct record all = inside(c, "runs");

	for (size_t i = 0; i < all.object->n; i++) {
		const struct record one = inside(&all, all.object->keys[i]->text);

		if (take_normie_run(&one, record_text(c, "gpu")) != 0)
			return -1;
	}
	return 0;
}

static int refuse_whole_requests(struct reading *r, int line, const char *who)
{
	err_set(r->err, "%s:%d: %s counts tokens over the time of whole requests, prompts included", r->path,
		line, who);
	return err_hint(r->err, "with the prompts' tokens known it is a row of csv: kind,prompt,gen,seconds "
				"and pg,22,178,0.788");
}

/* llmfit bench --share (AlexsJones/llmfit@3f44fd30): of Ollama it has the runtime's own times, of others the request's
 * (bench_openai_compat() in llmfit-core/src/bench.rs). */
int ingest_llmfit(const struct record *c)
{
	const struct yml *results = yml_get(c->object, "results");
	const struct record hardware = inside(c, "hardware");

	for (size_t i = 0; results && results->kind == YML_LIST && i < results->n; i++) {
		const struct record one = {.r = c->r, .line = c->line, .object = results->items[i]};
		const char *provider = one.object->kind == YML_MAP ? record_text(&one, "provider") : NULL;
		double gen, rate;

		if (!provider || strcmp(provider, "ollama") != 0)
			return refuse_whole_requests(c->r, c->line, "llmfit");
		if (needed(&one, "avgOutputTokens", tokens_max, &gen) != 0 ||
		    needed(&one, "avgTps", rate_max, &rate) != 0 ||
		    add_rate_on(&one, record_text(&hardware, "hardwareName"), record_text(&one, "model"), 0,
				gen, rate) != 0)
			return -1;
	}
	return 0;
}

/* --- koboldcpp ------------------------------------------------------------------------------------ */

bool ingest_koboldcpp_is(const char *text)
{
	const char *at = strstr(text, "CtxLimit:");

	return at && strstr(at, "Process:") && strstr(at, "Generate:") && strstr(at, "T/s)");
}

double ingest_behind(const char *line, const char *key)
{
	const char *at = line ? strstr(line, key) : NULL;
	double x;

	if (!at)
		return NAN;
	at += strlen(key);
	at += strspn(at, " ");
	return number_decimal(at, &x) && x < 1e9 ? x : NAN;
}

/* The rate of a part of the line, "Process:2.05s (1.7ms/T = 596.98T/s)", "Generate:4.38s (22.83T/s)". */
static double part_rate(const char *line, const char *key)
{
	const char *at = strstr(line, key), *unit = at ? strstr(at, "T/s)") : NULL;

	return unit ? reading_decimal(number_begin(at, unit)) : NAN;
}

/* "CtxLimit:1324/4096, Amt:100/100, ..., Process:2.05s (596.98T/s), Generate:4.38s (22.83T/s)": the cache at the end, of
 * which Amt tokens were generated. A prompt is read behind what is cached, and its time tells how much of it was. */
static int take_koboldcpp(struct reading *r, const char *line, int at)
{
	const double held = ingest_behind(line, "CtxLimit:"), said = ingest_behind(line, "Amt:"),
		     pp_s = ingest_behind(line, "Process:"), pp_rate = part_rate(line, "Process:"),
		     tg_s = ingest_behind(line, "Generate:");
	/* versions of 2024 do not say how many */
	const double gen = isnan(said) ? round(tg_s * part_rate(line, "Generate:")) : said;
	const double prompt = fmin(round(pp_s * pp_rate), held - gen);

	if (!(gen >= 1) || !(tg_s > 0) || !(held > gen))
		return err_set(r->err,
			       "%s:%d: expected 'CtxLimit:N/N, Amt:N/N, ..., Process:Ns (NT/s), Generate:Ns "
			       "(NT/s)'",
			       r->path, at);
	if (prompt >= 1 && reading_add(r, (struct run){.line = at,
						       .prompt = whole_count(prompt),
						       .depth = whole_count(held - gen - prompt),
						       .chunk = 512,
						       .seconds = prompt / pp_rate,
						       .n = 1}) != 0)
		return -1;
	return reading_add(r, (struct run){.line = at,
					   .gen = whole_count(gen),
					   .depth = whole_count(held - gen),
					   .seconds = tg_s,
					   .n = 1});
}

int ingest_koboldcpp(struct reading *r, const char *text)
{
	r->tool = "llama.cpp of koboldcpp";
	for (int at = 1; *text; at++) {
		const char *line = reading_line(r, &text);

		if (ingest_koboldcpp_is(line) && take_koboldcpp(r, line, at) != 0)
			return -1;
	}
	return 0;
}

/* Versions of December 2023 to September 2024: "ContextLimit: 1355/16384, Processing:47.38s (36.7ms/T), Generation:18.84s (303.9ms/T), ...",
 * over one line or two. The times of a token, with one digit behind the point, tell how many there were. */
bool ingest_kobold_old_is(const char *text)
{
	const char *at = strstr(text, "Processing:");

	return at && strstr(at, "ms/T") && strstr(at, "Generation:") &&
	       !strstr(text, "Time Taken - Processing:");
}

/* Seconds and tokens of a part, "Processing:47.38s (36.7ms/T)"; false: the text has none. */
static bool part_of(const char *text, const char *key, double *seconds, double *tokens)
{
	const char *at = strstr(text, key), *open = at ? strchr(at, '(') : NULL;
	double ms = 0;
	const char *end = open ? number_decimal(open + 1, &ms) : NULL;

	*seconds = ingest_behind(at, key);
	*tokens = ms > 0 ? round(1e3 * *seconds / ms) : 0;
	return end && str_starts(end, "ms/T") && *seconds > 0 && *tokens >= 1 && *tokens <= 1e8;
}

/* The first two lines of the text. */
static const char *two_lines(struct arena *a, const char *text)
{
	const size_t n = strcspn(text, "\n");

	return arena_strndup(a, text, n + (text[n] ? 1 + strcspn(text + n + 1, "\n") : 0));
}

/* from: the text from the line on, since what was generated may stand in the next one. */
static int take_kobold_old(struct reading *r, const char *from, int at)
{
	const char *text = two_lines(r->arena, from),
		   *line = arena_strndup(r->arena, text, strcspn(text, "\n"));
	const double held = ingest_behind(line, "ContextLimit:");
	double pp_s, prompt, tg_s, gen;

	if (!part_of(line, "Processing:", &pp_s, &prompt) || !part_of(text, "Generation:", &tg_s, &gen))
		return err_set(r->err, "%s:%d: expected 'Processing:Ns (Nms/T), Generation:Ns (Nms/T)'",
			       r->path, at);
	if (held > gen && prompt > held - gen) /* the count is of a time with three digits */
		prompt = held - gen;
	if (reading_add(r, (struct run){.line = at,
					.prompt = whole_count(prompt),
					.depth = held > gen + prompt ? whole_count(held - gen - prompt) : 0,
					.chunk = 512,
					.seconds = pp_s,
					.n = 1}) != 0)
		return -1;
	return reading_add(r, (struct run){.line = at,
					   .gen = whole_count(gen),
					   .depth = whole_count(held > gen ? held - gen : prompt),
					   .seconds = tg_s,
					   .n = 1});
}

int ingest_kobold_old(struct reading *r, const char *text)
{
	r->tool = "llama.cpp of koboldcpp";
	for (int at = 1; *text; at++) {
		const size_t n = strcspn(text, "\n");
		const char *key = strstr(text, "Processing:");

		if (key && key < text + n && take_kobold_old(r, text, at) != 0)
			return -1;
		text += n + (text[n] == '\n');
	}
	return 0;
}

/* --- koboldcpp's own benchmark -------------------------------------------------------------------- */

/* What its --benchmark prints line by line or, to a file, as csv (LostRuins/koboldcpp, koboldcpp.py; issues 913 and 1527): a
 * prompt that fills the context but for what is generated. */
struct kobold_bench {
	const char *model;
	const char *says[RUN_COLUMNS];
	double context, gen, prompt_s, prompt_rate, gen_s, gen_rate;
	int line;
};

bool ingest_kobold_bench_is(const char *text)
{
	return strstr(text, "ProcessingTime") && strstr(text, "GenerationSpeed");
}

/* Of its library's name, "koboldcpp_cublas.dll"; the default one computes on the CPU, but on Macs. */
static const char *kobold_backend(const char *library)
{
	static const char *const backends[][2] = {
		{"cublas", "CUDA"}, {"hipblas", "ROCm"}, {"vulkan", "Vulkan"}};

	for (size_t i = 0; i < ARRAY_LEN(backends); i++)
		if (strstr(library, backends[i][0]))
			return backends[i][1];
	return NULL;
}

/* A number alone, or with the unit that the program prints, seconds or tokens a second; NAN: anything else. */
static double bench_value(const char *text)
{
	static const char *const units[] = {"", "s", "T/s"};
	double x = NAN;
	const char *end = number_decimal(text, &x);

	return end && str_find(end + strspn(end, " "), units, ARRAY_LEN(units)) < ARRAY_LEN(units) ? x : NAN;
}

static void take_bench_value(struct reading *r, const char *name, const char *value, struct kobold_bench *b)
{
	static const char *const names[] = {"MaxCtx",          "GenAmount",      "ProcessingTime",
					    "ProcessingSpeed", "GenerationTime", "GenerationSpeed"};
	double *const values[] = {&b->context,     &b->gen,   &b->prompt_s,
				  &b->prompt_rate, &b->gen_s, &b->gen_rate};

	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		if (!strcmp(name, names[i]))
			*values[i] = bench_value(value);
	if (!strcmp(name, "Model") && *value)
		b->model = arena_strdup(r->arena, value);
	if (!strcmp(name, "Backend"))
		b->says[COLUMN_BACKEND] = kobold_backend(value);
	if (!strcmp(name, "Layers") && *value)
		b->says[COLUMN_GPU_LAYERS] = arena_strdup(r->arena, value);
}

static bool is_sound(double x)
{
	return x > 0 && x < 1e9;
}

static int add_kobold_bench(struct reading *r, const struct kobold_bench *b)
{
	struct run pp = {.line = b->line, .model = b->model, .chunk = 512, .n = 1}, tg = pp;
	const double gen = is_sound(b->gen) ? b->gen : round(b->gen_s * b->gen_rate);
	const double prompt = is_sound(b->context) ? b->context - gen : round(b->prompt_s * b->prompt_rate);

	if (!is_sound(b->prompt_s) || !is_sound(b->gen_s) || !(gen >= 1) || !(prompt >= 1) ||
	    gen > tokens_max || prompt > tokens_max)
		return err_set(r->err,
			       "%s:%d: expected ProcessingTime, GenerationTime and, or their speeds, "
			       "MaxCtx and GenAmount",
			       r->path, b->line);
	memcpy(pp.says, b->says, sizeof pp.says);
	memcpy(tg.says, b->says, sizeof tg.says);
	pp.prompt = whole_count(prompt);
	pp.seconds = b->prompt_s;
	tg.chunk = 0;
	tg.gen = whole_count(gen);
	tg.depth = whole_count(prompt);
	tg.seconds = b->gen_s;
	return reading_add(r, pp) != 0 ? -1 : reading_add(r, tg);
}

/* A row of the csv under its head; a row of fewer cells is none, such as the rest of a row that was broken. */
static int take_bench_csv(struct reading *r, const char *line, int at, const struct texts *head,
			  const char *split)
{
	const struct texts cells = texts_cut(r->arena, line, ',');
	struct kobold_bench b = {.line = at};

	b.says[COLUMN_SPLIT_MODE] = split;

	if (cells.n + 2 < head->n)
		return 0;
	for (size_t i = 0; i < cells.n && i < head->n; i++)
		take_bench_value(r, head->at[i], cells.at[i], &b);
	return add_kobold_bench(r, &b);
}

/* A line "ProcessingSpeed: 406.84T/s"; that of the generation's speed is the last one. */
static int take_bench_line(struct reading *r, const char *line, int at, struct kobold_bench *b)
{
	const char *colon = strchr(line, ':'),
		   *name = colon ? arena_strndup(r->arena, line, (size_t)(colon - line)) : "";

	if (!colon)
		return 0;
	b->line = at;
	take_bench_value(r, name, colon + 1 + strspn(colon + 1, " "), b);
	if (strcmp(name, "GenerationSpeed") != 0)
		return 0;
	if (add_kobold_bench(r, b) != 0)
		return -1;
	*b = (struct kobold_bench){.says[COLUMN_SPLIT_MODE] = b->says[COLUMN_SPLIT_MODE]};
	return 0;
}

int ingest_kobold_bench(struct reading *r, const char *text)
{
	struct kobold_bench b = {.model = NULL};
	struct texts head = {NULL, 0};
	const char *split = strstr(text, "'rowsplit'") ? "row" : NULL; /* of its flags */
	int rc = 0;

	b.says[COLUMN_SPLIT_MODE] = split;
	r->tool = "llama.cpp of koboldcpp";
	for (int at = 1; *text && rc == 0; at++) {
		const char *line = reading_line(r, &text);

		if (strstr(line, "MaxCtx,GenAmount,"))
			head = texts_cut(r->arena, line, ',');
		else if (head.n)
			rc = take_bench_csv(r, line, at, &head, split);
		else
			rc = take_bench_line(r, line, at, &b);
	}
	return rc;
}

/* --- what is no run ------------------------------------------------------------------------------- */

static const char bench[] = "run llama-bench, or mlx_lm.benchmark";
static const char *const of_load =
	"many requests at once: compare them with a scenario that has workload.serve";

/* A text that holds both words is of what `is` says. To refuse another program's, add a row. */
static const struct {
	const char *words[2], *is, *hint;
} strange[] = {
	/* tools/cli/cli.cpp of llama.cpp */
	{{"[ Prompt: ", "Generation: "},
	 "llama-cli's rates, without the numbers of tokens that they are of",
	 bench},
	{{"n_decoded =", "tg ="},
	 "llama-server's progress, in the middle of an answer",
	 "its lines 'eval time =' come with the end of the answer"},
	{{"prompt processing, n_tokens =", "progress ="},
	 "llama-server's progress, in the middle of a prompt",
	 "its lines 'eval time =' come with the end of the answer"},
	{{"n_gen =", "tg ="},
	 "llama-server's progress, in the middle of an answer",
	 "its lines 'eval time =' come with the end of the answer"},
	{{"gen throughput (token/s)", ""}, "SGLang's log of a server", of_load},
	{{"Avg generation throughput", ""}, "vLLM's log of a server", of_load},
	{{"PERFORMANCE OVERVIEW", ""}, "trtllm-bench, of a server under load", of_load},
	{{"Output generated in", "tokens/s"},
	 "text-generation-webui, which counts tokens over whole requests",
	 "with the context as prompt it is a row of csv: kind,prompt,gen,seconds and pg,57,200,10.83"},
	{{"tokens generated in", "(Queue:"}, "TabbyAPI on ExLlama, a runtime that no profile is of", bench},
	{{"BenchmarkModel/name=", "step="},
	 "ollama's bench, which does not write how many tokens there were",
	 "ollama run MODEL --verbose writes counts and durations"},
	/* rjmalagon/ollama-linux-amd-apu pull 27: names of columns go on over three lines */
	{{"Evalutaion", "Evaluation Rate"},
	 "ollama-benchmark's table, whose head has three lines",
	 "its columns are read under Model, Prompt tokens, Prompt t/s, Generated tokens, Generation t/s; or "
	 "'ollama run MODEL --verbose'"},
	{{"TPOT:", "Max inflight requests"}, "mini-sglang's client, of a server under load", of_load},
	{{"Time To First Token (ms)", "Output Token Throughput"},
	 "GenAI-Perf or AIPerf, of a server under load",
	 of_load},
	{{"Decode (token)", "Prefill"},
	 "text-generation-benchmark of TGI, a runtime that no profile is of",
	 bench},
	{{"TPOT:", "Throughput"}, "OpenVINO GenAI, a runtime that no profile is of", bench},
	{{"prefill:", "decode:"}, "MLC LLM's rates, without the numbers of tokens that they are of", bench},
	{{"throughput/s", "ms/t"}, "mistralrs-bench, a runtime that no profile is of", bench},
	{{"Avg TPS", "Provider"}, "llmfit's table, without prompts and numbers of tokens", bench},
	{{"Prefill. latency:", "Decode."},
	 "SGLang's bench_one_batch, a runtime that no profile is of",
	 bench},
	/* LostRuins/koboldcpp issue 265 */
	{{"Time Taken - Processing:", "ms/T"},
	 "koboldcpp of 2023, whose times of a token have two digits, of a number that is not told",
	 "a version since 2024 writes CtxLimit, Process and Generate"},
	/* InternLM/lmdeploy, benchmark/profile_restful_api.py */
	{{"token throughput (completion token)", ""}, "LMDeploy's client, of a server under load", of_load},
	/* modelscope/evalscope, perf */
	{{"Time taken for tests (s)", "time to first token"},
	 "evalscope perf, of a server under load",
	 of_load},
	/* noonghunna/club-3090, scripts/bench.sh: issue 1127 */
	{{"decode TPS, ttft", ""},
	 "club-3090's bench, of answers by a server whose prompts' lengths are not told",
	 bench},
	/* raullenchai/Rapid-MLX, pull 585 */
	{{"decode median", "prefill"}, "Rapid-MLX's bench, a runtime that no profile is of", bench},
	{{"prefill_tps", "gen_tps"}, "ds4-bench, a runtime that no profile is of", bench},
	/* raullenchai/Rapid-MLX, pulls 636 and 640 */
	{{"**rapid-mlx**", "decode_tps"}, "Rapid-MLX's bench, a runtime that no profile is of", bench},
	/* jundot/omlx, issues 524 and 2150 */
	{{"oMLX - LLM inference", "pp TPS"}, "oMLX's bench, a runtime that no profile is of", bench},
	/* noonghunna/club-3090, issues 642 and 1102: means of its runs */
	{{"wall_TPS", "decode_TPS"},
	 "club-3090's bench, of answers by a server whose prompts' lengths are not told",
	 bench},
	/* NVIDIA/TensorRT-LLM, benchmarks/python/benchmark.py: issue 1410 */
	{{"[BENCHMARK] model_name", "generation_time(ms)"},
	 "TensorRT-LLM's benchmark, a runtime that no profile is of",
	 bench},
	/* wangzhaode/mnn-llm, print_speed(): issue 231 */
	{{"prefill speed =", "decode speed ="}, "MNN-LLM's rates, a runtime that no profile is of", bench},
	/* Lightning-AI/litgpt, pull 1679 */
	{{"Inference speed in tokens/sec", "Seconds to first token"},
	 "LitGPT's benchmark, a runtime that no profile is of",
	 bench},
	/* Anemll/anemll-bench, issue 1 */
	{{"_lm_head", "\tANE\t"}, "anemll-bench, of the Neural Engine, which is not modelled", bench},
	/* ggml-org/whisper.cpp, scripts/bench-all.sh: issue 89 */
	{{" Enc. |", " Commit |"},
	 "whisper.cpp's bench, of a model of speech",
	 "models of language alone are predicted"},
};

static int line_of(const char *text, const char *at)
{
	int line = 1;

	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

int ingest_strange(struct reading *r, const char *text)
{
	for (size_t i = 0; i < ARRAY_LEN(strange); i++) {
		const char *at = strstr(text, strange[i].words[0]);

		if (!at || !strstr(text, strange[i].words[1]))
			continue;
		err_set(r->err, "%s:%d: %s", r->path, line_of(text, at), strange[i].is);
		return err_hint(r->err, "%s", strange[i].hint);
	}
	return 1;
}
