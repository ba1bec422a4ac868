/*
 * slot_log.h - the slots of llama-server, as its log tells of them: which requests ran beside others, and what their caches held.
 *
 * Layer runs. tools/server of ggml-org/llama.cpp writes "slot launch_slot_: id  0 | task 7 | processing task" when a request begins,
 * "slot      release: id  0 | task 7 | stop processing: n_past = 711, truncated = 0" (since autumn 2025 n_tokens, and behind the times
 * where it had stood before them) when it ends, and "slot print_timing: id  0 | task 7 |" in front of its times. A server decodes all
 * slots in one pass, so that the times of requests that overlap are those of several sequences; where two tasks of one number of slot are
 * under way, two servers share the device (ollama/ollama issue 18090). A prompt that begins like the last one
 * of its slot is read from there on: "n_past = 357, kv cache rm [357, end)", and the times are of the rest.
 */
#ifndef SIM_RUNS_SLOT_LOG_H
#define SIM_RUNS_SLOT_LOG_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SLOTS_MOST = 64 };

struct slot {
	bool active;   /* between its launch and its release */
	bool shared;   /* another request was active beside it */
	bool launched; /* the log has its launch */
	int64_t task;
	bool whole;     /* its release came with nothing cut off, and held is known */
	int64_t cached; /* tokens in the cache before its prompt was read; -1: not said */
	int64_t held;   /* in the end, which lacks the last token that was made */
	/* for the reader: its times' tokens of the prompt and behind it, and where its rows are, rows_n of them */
	int64_t prompt, made;
	size_t rows[2], rows_n;
};

struct slot_log {
	struct slot slots[SLOTS_MOST];
	int now; /* the slot whose times come next, + 1; 0: not said */
};

/* Takes a line of the log; the slot that ended with it, NULL: none did. */
struct slot *slot_log_take(struct slot_log *l, const char *line);

/* The slot whose times are being read; NULL: the log does not say. */
struct slot *slot_log_now(struct slot_log *l);

/* Its last times have been read. */
void slot_log_done(struct slot *s);

/* Tokens that the cache held before the rest of its prompt was read; 0 where it is not known. */
int64_t slot_cached(const struct slot *s);

#endif
