/*
 * lanes.h - a program that has run, as lanes and boxes: neighbouring operators of one block become one box.
 *
 * Layer report.
 */
#ifndef SIM_REPORT_LANES_H
#define SIM_REPORT_LANES_H
#include "sim/draw/schedule.h"
#include "sim/predict/program_job.h"

/* The unit of work that a box stands for. */
enum boxes {
	BOXES_BLOCKS, /* a block */
	BOXES_PASSES  /* a micro-batch's pass through all that a device has; links that hardly do anything are
			 left out */
};

/* Lives in the arena. The window is the whole run. all_links: those that hardly do anything too. */
struct schedule lanes_of(struct arena *a, const struct simulated *r, enum boxes boxes, bool all_links);

/* The memory of each machine that a job uses, as it goes on (job_run.memory), as tracks of a schedule. */
void lanes_memory(struct arena *a, const struct job_run *r, struct schedule *s);

/* The memory of each machine that does not change over the run, and its part for the KV cache, which is reserved: for
 * traces, where a flat line costs no room. */
void lanes_footprint(struct arena *a, const struct job_run *r, struct schedule *s);

#endif
