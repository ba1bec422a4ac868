/*
 * wide_head.h - the columns of tables that people write of their results, "Model | Quant | pp512 | tg128".
 *
 * Layer runs. No program makes such a table, so that its columns are told by the words of their names, in any order and
 * spelling: "PP 512 (t/s)", "Prefill tok/s", "Generation speed", "Prompt tokens". A column that may mean two things, or says
 * more than is known here, makes the whole table one that is not read: which run a number is of is not guessed.
 */
#ifndef SIM_RUNS_WIDE_HEAD_H
#define SIM_RUNS_WIDE_HEAD_H
#include "sim/runs/ingest.h"

enum wide_kind {
	WIDE_UNKNOWN,
	WIDE_RESULT, /* of the run, but no rate that is predicted: memory, latency, notes */
	/* rates */
	WIDE_TEST,        /* "pp512", "tg128 @ d4096" */
	WIDE_PROMPT_RATE, /* "Prefill tok/s": of how many tokens, another column says */
	WIDE_GEN_RATE,
	WIDE_RATE, /* "tok/s": of which test, a column of tests says */
	WIDE_OF_CHIP, /* the same of the chip, or the model, that the column is called by: "M4 Max", "Qwen3 8B Q4_K_M" */
	WIDE_OF_MODEL,
	/* what they are of */
	WIDE_TESTS, /* its cells are tests */
	WIDE_PROMPT,
	WIDE_GEN,
	WIDE_DEPTH,
	WIDE_CONTEXT, /* the prompt, what lies before it, or the room for both */
	WIDE_AT_ONCE, /* sequences */
	/* what ran, and where */
	WIDE_MODEL,
	WIDE_QUANT,
	WIDE_SIZE,
	WIDE_PARAMS,
	WIDE_ENGINE,
	WIDE_BUILD,
	WIDE_CHUNK,
	WIDE_FLASH,
	WIDE_SAYS /* a column of llama-bench */
};

struct wide_column {
	const char *name; /* as it is written */
	enum wide_kind kind;
	enum run_column says;       /* of WIDE_SAYS */
	int64_t prompt, gen, depth; /* of WIDE_TEST */
	const char *unit;           /* of WIDE_SIZE, "GB"; NULL: its cells have it */
	bool of_test;               /* of a test, and of something unknown: "pp512 (new)" */
	bool bare;                  /* a rate without its unit, "Prefill", which its cells must have */
};

/* How a table writes fractions, by those of its numbers that can be read in one way only: "85.3" and "1,234.5" show points. Both
 * or none: what "1.234" is cannot be told. */
enum wide_style { WIDE_POINTS = 1, WIDE_COMMAS = 2 };

struct wide_head {
	struct wide_column at[CELLS];
	size_t n;
	unsigned style; /* of enum wide_style; filled in by who reads the rows */
};

/* Reads the names of columns. False: no column is of rates of prompts or answers, so that it is no such table. */
bool wide_head_read(struct arena *a, const struct cells *names, struct wide_head *out);

/* Why the rows cannot be read, a sentence; NULL: they can. lengths: the text says how long prompts and answers were. */
const char *wide_head_refused(struct arena *a, const struct wide_head *h, bool lengths);
/* The hint that goes with it: the columns that are read. */
extern const char wide_head_hint[];

/* Does a column say what ran, or where, or how long prompts and answers were? A line of a log may have the words of rates. */
bool wide_head_describes(const struct wide_head *h);

/* The column of a kind; NULL: there is none. */
const struct wide_column *wide_head_column(const struct wide_head *h, enum wide_kind kind);

/* A test as people write it, "pp512", "PP 512", "tg128@d4096", "pp512+tg128", "prefill 4k"; false: it is none. */
bool wide_test(struct arena *a, const char *text, struct wide_column *out);

#endif
