/*
 * ingest_apps.h - readers of ingest_apps.c and ingest_exo.c, for the tables of readers.c and ingest.c alone.
 *
 * Layer runs. Each takes one JSON object or the unquoted text; 0, or -1 with the reading's err.
 */
#ifndef SIM_RUNS_INGEST_APPS_H
#define SIM_RUNS_INGEST_APPS_H
#include "sim/runs/ingest.h"

int ingest_macmlx(const struct record *c);
int ingest_lm_studio_answer(const struct record *c);
int ingest_vllm_mlx(const struct record *c);
int ingest_normiebench(const struct record *c);
int ingest_llmfit(const struct record *c);

bool ingest_kobold_bench_is(const char *text);
int ingest_kobold_bench(struct reading *r, const char *text);
bool ingest_kobold_old_is(const char *text);
int ingest_kobold_old(struct reading *r, const char *text);
bool ingest_koboldcpp_is(const char *text);
int ingest_koboldcpp(struct reading *r, const char *text);

bool ingest_exo_is(const char *text);
int ingest_exo(struct reading *r, const char *text);
int ingest_exo_json(const struct record *c); /* or 1: it is of another program */

/* The number behind a key in a line, and behind blanks; NAN where there is none, or no line. */
double ingest_behind(const char *line, const char *key);

/* -1 with what a text is that no reader knows, where a line tells; 1: none does. */
int ingest_strange(struct reading *r, const char *text);

#endif
