/*
 * beside_model.h - what a text says ran beside the plain model, or under a program whose tables look like another's.
 *
 * Layer runs. A command above a report names an adapter, a draft model or images ("--lora FILE", "-md FILE", "--mmproj FILE"), which its
 * rows have no column of; programs that copied llama-bench's table name themselves beside it alone.
 */
#ifndef SIM_RUNS_BESIDE_MODEL_H
#define SIM_RUNS_BESIDE_MODEL_H
#include "sim/runs/ingest.h"

/* -1 with the reading's err, "path:line: ..." and a hint, where the rows that were read are not of the plain model; else 0, and images
 * are noted. */
int text_refuse_beside(struct reading *r, const char *text);

#endif
