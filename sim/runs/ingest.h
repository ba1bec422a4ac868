/*
 * ingest.h - measured runs of models, read from the files that benchmark tools write, and from our own csv.
 *
 * Layer runs. The kind of a file is recognised by its contents, never by its name; a text may be quoted, indented, or
 * hold several kinds between other lines. Each reader is a row of a table in readers.c:
 *   - llama-bench: json, jsonl, csv, md, sql (fields by name; unknown ones are ignored, n_depth is 0 if absent)
 *   - llama-batched-bench and llama-sweep-bench of ik_llama.cpp: jsonl, md (lines of log between them are ignored)
 *   - llama-server's timings (JSON), llama_print_timings, llama_perf and print_timing of logs; ollama run --verbose and its
 *     answers in JSON; the line below an answer of LM Studio and its REST API's answer; koboldcpp's line; llama-benchy: md
 *   - koboldcpp's --benchmark, its csv or its lines, and its times of a token of 2023 and 2024; what the command above a log or a table says (command_line.h); builds in
 *     prose (build_text.h); all of it however it was pasted (tidied.h): quoted, coloured, as HTML, tabs or boxes
 *   - macMLX, vllm-mlx-bench, normiebench and, of Ollama, llmfit: JSON (ingest_apps.c)
 *   - mlx_lm.benchmark and mlx_lm.generate: text; exo's benchmark: its log and its JSON (ingest_exo.c)
 *   - vllm bench latency: text
 * Refused by name: tables that compare two builds, mlx_lm.lora (training), vllm bench serve and throughput (load),
 * logs and lines of ingest_strange().
 *   - tables that people write of their results, a test in each column or row (wide_head.h); chips of the headings above rows
 *     (headings.h); what a log says of a server's slots (slot_log.h)
 *   - our own csv, parted by ';' or tabs too: a head with the columns kind (pp, tg, pg) and seconds or tok_per_s, and any of model,
 *     bytes, params, prompt, gen, depth, batch, chunk, sd (in seconds), n; of the program that
 *     ran, tool (llama-bench, llama-batched-bench, mlx_lm), build, flash_attn, dtype (of the arithmetic); where a file has rows of many
 *     machines, machine, runtime, weights, set, source, use (fit, or check: held out). '#' begins a comment.
 *     Rows of such a file may also be
 *       - of one operator alone, kind gemm, copy or read: `size` 4096, 512x4096x14336 (m x n x k) or, read
 *         and written together, 1 GiB; `dtype` of a gemm; seconds, or `rate` in 13.8 TFLOPS, 119 GB/s
 *       - a `ratio`: the rate of that run on `machine` over that on the machine called `over`, under
 *         `over_runtime` if that is another
 *
 * Files are not trusted: anything but a positive finite number where one is expected, an empty list of samples or a
 * truncated object is an error with its line, and no row is handed out.
 */
#ifndef SIM_RUNS_INGEST_H
#define SIM_RUNS_INGEST_H
#include <stdbool.h>
#include <stdint.h>

#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/base/texts.h"
#include "sim/base/vec.h"
#include "sim/conf/diag.h"
#include "sim/hw/hw.h"

enum run_kind {
	RUN_PP, /* prefill of `prompt` tokens a sequence, with `depth` tokens in the KV cache already */
	RUN_TG, /* `gen` decode steps, the first with `depth` tokens in the KV cache */
	RUN_PG, /* prefill, then decode */
	/* one operator alone, of no model: */
	RUN_GEMM, /* C[m,n] = A[m,k] B[k,n] */
	RUN_COPY,
	RUN_READ,
	RUN_KIND_N
};
extern const char *const run_kind_names[RUN_KIND_N + 1]; /* "pp", "tg", "pg", "gemm", "copy", "read" */

/* llama.cpp's -fa; FLASH_UNSAID (absent, or -1): the program's default, and which one that is is not known. llama-bench's was
 * off before build 9437 (ggml-org/llama.cpp@aa46bda8, 31 May 2026), and a table has no column of it then: rows of such a
 * build that say nothing are FLASH_OFF. That of other programs is auto since build 6325 or so (e81b8e4b, August 2025). */
enum flash { FLASH_UNSAID, FLASH_OFF, FLASH_ON };

/* Columns in which llama-bench says where and how a row ran, beside those that are members of struct run. A row holds
 * what it says as text; NULL: it does not say. Our own csv has them under the same names. */
enum run_column {
	COLUMN_BACKEND,      /* "Metal,BLAS", "CUDA", "CPU"; of older versions, whose flags are set */
	COLUMN_GPU_LAYERS,   /* -ngl */
	COLUMN_DEVICES,      /* -dev: "CUDA0/CUDA1", "auto" */
	COLUMN_SPLIT_MODE,   /* -sm: none, layer, row, tensor */
	COLUMN_TENSOR_SPLIT, /* -ts: "3.00/1.00" */
	COLUMN_RPC,          /* servers of --rpc */
	COLUMN_KV_K,         /* -ctk */
	COLUMN_KV_V,         /* -ctv */
	COLUMN_KV_HOST,      /* -nkvo */
	COLUMN_CPU_EXPERTS,  /* --n-cpu-moe: layers whose experts stay with the CPU */
	COLUMN_OVERRIDES,    /* -ot: tensors that other memory holds */
	COLUMN_THREADS,
	COLUMN_EMBEDDINGS,
	COLUMN_DTYPE, /* of our own csv: what was computed in, f16 or bf16 */
	COLUMN_GPU, /* "NVIDIA GeForce RTX 4090", as the driver calls it; of other programs the chip that they name */
	COLUMN_CPU,
	/* "(radv) | uma: 0 | fp16: 1 | ... | matrix cores: KHR_coopmat": what llama.cpp's log says of a Vulkan device behind its name; of
	 * our own csv the driver's name alone will do, "(AMD proprietary driver)" */
	COLUMN_VULKAN,
	RUN_COLUMNS,
	/* columns that are members of struct run, for messages */
	COLUMN_PARAMS = RUN_COLUMNS,
	COLUMN_SIZE,
	COLUMN_MODEL,
	COLUMN_FLASH,
	COLUMN_BUILD,
	COLUMN_TOOL,
	COLUMN_WEIGHTS,
	COLUMN_MACHINE,
	COLUMN_RUNTIME,
	COLUMNS
};
/* The names of a column: in json, csv and sql, then others, as in md; NULL-terminated. */
enum { COLUMN_NAMES = 6 };
extern const char *const run_column_names[COLUMNS][COLUMN_NAMES];

/* A column's name of llama-bench where people translated it, "Modell" or "\xe6\xa8\xa1\xe5\x9e\x8b"; else the name as it is. */
const char *run_column_in_english(const char *name);

struct run {
	const char *model;    /* as the file names it; NULL: it does not */
	const char *arch;     /* llama.cpp's name of the architecture, "qwen3moe"; NULL: not told */
	double bytes, params; /* byte of the weights, and their number; 0: not given */
	enum run_kind kind;
	int64_t prompt, gen, depth, batch;
	int64_t chunk; /* tokens of a prompt in one pass (llama.cpp's n_ubatch); 0: all */
	struct {
		int64_t m, n, k;
		enum dtype dtype;
	} product;      /* gemm */
	double moved_B; /* copy (read and written), read */
	double seconds,
		sd; /* the whole run's time, and the standard deviation of one sample (0: not given). Of a
			       ratio: the time over that on the other machine, the ratio's inverse */
	int64_t n;  /* samples */
	const char *tool; /* NULL: that of the file */
	int64_t build;    /* llama.cpp's build number; 0: not given */
	enum flash flash;
	/* columns of our csv, where rows may be of many machines; NULL: not given */
	const char *machine, *runtime, *weights; /* names as in hardware/; a weight format, "q4_K_M" */
	const char *set, *source;        /* the set of rows that errors are summed up by; who published it */
	const char *over, *over_runtime; /* a ratio's other machine; else NULL */
	bool held_out;                   /* compared, never fitted to */
	const char *says[RUN_COLUMNS];   /* by enum run_column; NULL: not said */
	double peak_B;                   /* most memory that the process took; 0: not given */
	double ram_B, working_B; /* memory of the machine, and what the GPU may use of it; 0: not given */
	const char *path;
	const struct source *source_text; /* the file's text, for messages */
	const char *
		spoken; /* the one chip that the text between tables and logs names, where the row says none; NULL: none, or several */
	int line;
};

struct runs {
	const char *path, *tool; /* "llama-bench", "llama-batched-bench", "mlx_lm", "csv" */
	struct run *at;
	size_t n;
	size_t empty; /* cells of tables in which no rate stands, "-" or "OOM" */
	struct texts
		notes; /* for people: what of the text is no run, or was taken for granted; "path:line: ..." */
};

enum { RUNS_MAX = 10000, RUNS_FILE_MAX = 4 * 1024 * 1024, RUN_CHUNKS_MAX = 4096 };

int runs_read(struct arena *a, const char *path, struct runs *r,
	      struct err *err); /* -1 with err "path:line: ..." */
/* The rows of several files (n > 0) as one list, with the path and the tool of the first. */
int runs_read_all(struct arena *a, const char *const *paths, size_t n, struct runs *r, struct err *err);
int runs_parse(struct arena *a, const char *path, const char *text, size_t len, struct runs *r,
	       struct err *err);

/* True where the rows name their machines; then every row names machine, runtime and, unless of an operator, model. */
bool runs_name_machines(const struct runs *r);

/* What rows say of memory, in bytes; 0: none says it, or they say several. held_B: the most that weights or process took. */
struct memory_said {
	double held_B, ram_B, working_B; /* as of struct run */
};
struct memory_said runs_memory(const struct runs *r);

/* What a row says that it ran on: a machine of its own, or the chip; NULL: neither. */
const char *run_says_machine(const struct run *r);
/* "its rows name 3 machines: 'M4 Max', ..." in the arena, the first of them in *first; NULL: they name one at most. */
const char *runs_machines_named(struct arena *a, const struct runs *r, const char **first);

/* -1 with err where a row is of an operator or a ratio, or rows are of more than one model: a profile is fitted to runs
 * of one model in a file. */
int runs_one_model(const struct runs *r, struct err *err);

/* -1 with err where a row is of an operator or a ratio, not of a model on one machine. */
int runs_of_models(const struct runs *r, struct err *err);

/* The column as the row's file calls it, and the place of what it says there; the whole line where it cannot be told. */
const char *run_column_name(const struct run *r, enum run_column c);
struct place run_place(const struct run *r, enum run_column c);

/* The build of llama.cpp that a row names; 0 where it names none, or a number below any that has llama-bench (merged in
 * August 2023 by pull request 2626, about build 1000): a build of a shallow clone counts the commits that it has, often 1. */
enum { RUN_BUILD_LEAST = 1000 };
int64_t run_build(const struct run *r);

bool run_is_operator(const struct run *r);
double run_work(const struct run *r); /* tokens of all sequences; FLOP, byte of an operator */
double run_rate(const struct run *r); /* tok/s as llama-bench counts, TFLOPS, GB/s; of a ratio: itself */
double run_rate_of(const struct run *r, double seconds); /* the rate of a run that took so long */
const char *run_unit(const struct run *r);               /* "tok/s", "TFLOPS", "GB/s", "times" */
/* "pp512", "tg128 @ d4096", "pp512 x 8", "gemm f16 4096", "copy 1 GB" */
const char *run_name(struct arena *a, const struct run *r);

/* A count that was read as a number; 0 for one that is none, NaN and what no report has included. */
static inline int64_t whole_count(double x)
{
	return x > 0 && x < 1e15 ? (int64_t)x : 0;
}

/* --- the readers, for ingest*.c ------------------------------------------------------------------- */
struct reading {
	struct arena *arena;
	const char *path;
	const struct source *source;
	const char *tool; /* the program that made the following rows; NULL: they say it, or nothing does */
	VEC(struct run) rows;
	const char *
		refused; /* why a table of results was not read, which is told where nothing else was; NULL: none was */
	int refused_line;
	size_t empty; /* cells in which no rate stands, and the lines of the first and of the last */
	int empty_first, empty_last;
	struct texts notes; /* of struct runs */
	struct err *err;
};
/* Adds a note of that line, unless an equal one was. */
void reading_note(struct reading *r, int line, const char *what);
/* llama.cpp reads a prompt by n_ubatch tokens at a time, of n_batch that it is given: the lesser of both, 0 for one that is not said. */
int64_t reading_chunk(int64_t ubatch, int64_t batch);
/* Checks a row and appends it; -1 with the reading's err. */
int reading_add(struct reading *r, struct run row);
int reading_fail(struct reading *r, int line, const char *what,
		 const char *value); /* "path:line: what 'value'" */
/* Reads a plain decimal from 0 to max; anything else is an error that names `what`. */
int reading_number(struct reading *r, int line, const char *what, const char *text, double max,
		   double *value);

/* The cells of a row of a Markdown table. */
enum { CELLS = 64 };
struct cells {
	const char *at[CELLS];
	size_t n;
};

/* A record of named fields: a JSON object, or a row of csv or of a Markdown table. */
struct record {
	struct reading *r;
	int line;
	const struct yml *object; /* or: */
	const struct yml *around; /* the object that `object` is a value of, or itself */
	const struct csv *csv;
	const struct csv_row *row; /* or: */
	const struct cells *head, *cells;
};
/* Are both names of one column of a table? Case and '_' for ' ' are no difference. */
bool cells_name_same(const char *a, const char *b);
const char *record_text(const struct record *c, const char *key); /* NULL: absent, or empty */
void record_columns(const struct record *c, struct run *run);     /* fills run->says */
/* Untouched where absent; -1 with the reading's err. */
int record_number(const struct record *c, const char *key, double max, double *value);
int record_count(const struct record *c, const char *key, int64_t *value);
/* The number of a build of llama.cpp, which is whole and above 0; of one that was made outside of git, whose commit is
 * "unknown", 0, as where it is absent. */
int record_build(const struct record *c, const char *key, int64_t *build);

#define READING_SECONDS_MAX 1e6

/* What stands behind the next "eval time =" of a text, which servers of 2024 pad with blanks; NULL: nothing does. */
const char *reading_eval_time(const char *text);
/* Of "1", "true", "on", "0", "false", "off"; NULL and anything else, "-1" and "auto" too, is FLASH_UNSAID. */
enum flash reading_flash(const char *text);

/* The rest of a line behind a word, and behind blanks and '=': "qwen3:4b" behind "ollama run"; NULL: the word is not there. */
const char *reading_rest_behind(const char *line, const char *word);

/* The first line in which a rate stands, in whatever form; 0: none does. */
int reading_rate_line(struct reading *r, const char *text);

/* The next line, in the arena and without its end; the text moves on. */
const char *reading_line(struct reading *r, const char **text);
int ingest_llama_bench(const struct record *row); /* one test of llama-bench */
/* The architecture of llama-bench's type of a model, "qwen3moe 30B.A3B Q8_0": a word, and a size or "?B" behind it; NULL: the
 * text is no such type. */
const char *reading_architecture(struct arena *a, const char *type);

/* Readers of readers.c: the text is unquoted. 0; 1: the text is not of that kind after all; -1 with the reading's err. */
bool ingest_json_is(const char *text);
int ingest_json(struct reading *r, const char *text);
int ingest_csv(struct reading *r, const char *text);
int ingest_sql(struct reading *r, const char *text);
int ingest_md(struct reading *r, const char *text);
int ingest_people(struct reading *r,
		  const char *text); /* of what no program wrote, where no reader before it found a run */
int ingest_mlx_benchmark(struct reading *r, const char *text);
int ingest_mlx_generate(struct reading *r, const char *text);
int ingest_mlx_lora(struct reading *r, const char *text);
int ingest_timings(struct reading *r, const char *text);
int ingest_ollama(struct reading *r, const char *text);
int ingest_lm_studio(struct reading *r, const char *text);
int ingest_vllm(struct reading *r, const char *text);
int ingest_own(const struct record *row);

#endif
