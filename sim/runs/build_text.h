/*
 * build_text.h - the build of llama.cpp that a line of text names.
 *
 * Layer runs. llama-bench writes "build: 8e672ef (1550)" below its table, logs "build: 4869 (2c9f833d) with cc", "main: build =
 * 3549 (afd27f01)" and "version: 6123 (79c1160b)"; people write "llama.cpp b6123", "release b7000" and "build 7825". Both
 * forms with a commit may have marks of Markdown between them.
 */
#ifndef SIM_RUNS_BUILD_TEXT_H
#define SIM_RUNS_BUILD_TEXT_H
#include <stddef.h>
#include <stdint.h>

/* The build that the first `len` bytes of a line name; 0: none, or two that are unlike. */
int64_t build_in_line(const char *line, size_t len);

#endif
