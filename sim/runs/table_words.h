/*
 * table_words.h - what the words around a table of llama.cpp's programs say of it, and those in it that nothing reads.
 *
 * Layer runs.
 */
#ifndef SIM_RUNS_TABLE_WORDS_H
#define SIM_RUNS_TABLE_WORDS_H
#include "sim/runs/ingest.h"

/* What the lines above a table of llama-batched-bench or llama-sweep-bench say of it: "main: n_kv_max = 20480, n_batch =
 * 2048, n_ubatch = 2048, flash_attn = 1, ..., n_gpu_layers = 99". */
struct said_above {
	int64_t chunk; /* 0: not said */
	enum flash flash;
	const char *gpu_layers;
};

void said_above_take(struct reading *r, const char *line, size_t len, struct said_above *above);
/* To the rows from `first` on. */
void said_above_give(struct reading *r, size_t first, const struct said_above *above);

/* -1 with what a table is that nothing read: rows of llama-bench whose head was not pasted, two versions side by side; 1: none is there. */
int refuse_unread_table(struct reading *r, const char *text);

bool row_ends_with_bar(const char *row);

/* -1 with the reading's err where the last row of a text, in a table whose rows end with a bar, has none: it was cut off, and a part of a
 * number is a number. next: the text behind the row. */
int table_check_whole(struct reading *r, const char *row, const char *next, int line);

/* Notes rows of llama-bench that are of no run beside those that were read, since their head was not pasted. */
void text_note_headless(struct reading *r, const char *text);

/* Notes the columns of a table of llama-bench that are none of its own, such as those of forks: what they say is not used. */
void table_note_unknown(struct reading *r, int line, const struct cells *head);

/* The same of our own csv, whose n columns have these names. */
void csv_note_unknown(struct reading *r, int line, const char *const *names, size_t n);

/* Notes headings of several sizes, "7B q4:" and "13B q5:", where rows do not name their model. */
void text_note_sizes(struct reading *r, const char *text);

/* Notes a limit of power or the like that the text speaks of: the machine is another than is sold. */
void text_note_settings(struct reading *r, const char *text);

/* Notes that the text between tables and logs speaks of several devices, "a 4x3090 system", "With two GPUs", where the rows do not say
 * how many they had. */
void text_note_devices(struct reading *r, const char *text);

#endif
