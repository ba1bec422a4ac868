/*
 * command_line.h - what a command of llama.cpp, pasted with what it printed, and the lines of its log say of how and where it ran.
 *
 * Layer runs. Logs of llama-server and llama-cli and tables of llama-sweep-bench and llama-batched-bench name neither the model
 * nor what stays with the CPU; the command above them does: "-m FILE", "-ot exps=CPU", "--n-cpu-moe 20", "--rpc HOST".
 */
#ifndef SIM_RUNS_COMMAND_LINE_H
#define SIM_RUNS_COMMAND_LINE_H
#include "sim/runs/ingest.h"
#include "sim/runs/listed_devices.h"

struct command_line {
	const char *says[RUN_COLUMNS]; /* NULL: no option says it */
	const char *model;             /* the file's name, without folders; NULL: not said */
	enum flash flash;
	int64_t chunk; /* -ub; 0: not said */
	int64_t batch; /* -b; 0: not said */
	struct listed_devices listed;
	size_t n;     /* commands that were taken so far */
	bool devices; /* its log names unlike devices */
	bool used;    /* rows had its device: the next one that a log names is of another run */
	bool open;    /* the last line ended with a backslash: the command goes on */
};

/* Takes the options of a line, if it is of a command of llama.cpp: a new command forgets the last one's; and the device that a line of its
 * log names. */
void command_line_take(struct reading *r, const char *line, struct command_line *c);

/* Gives a row what it does not say itself; what is made of it is in the arena. */
void command_line_give(struct arena *a, struct command_line *c, struct run *run);
/* llama-bench's gpu_info lists every GPU of the machine, "A, B", and until 2024 "A/B": the devices of a row that does not say which it had,
 * but for a chip's own GPU beside a card. */
void run_take_gpu_list(struct arena *a, struct run *run);

/* Its devices alone, which are those of every table below until others are named. */
void command_line_give_device(struct arena *a, struct command_line *c, struct run *run);

#endif
