/*
 * fake.h - what a test turns on the fake Mac, and what it can count there.
 *
 * The clock: with beta > 0 a dispatch takes alpha + bytes / beta seconds times (1 + noise * N(0,1)), whatever
 * it really took; `bytes` is the test's to set. Else it takes as long as the CPU took.
 */
#ifndef FAKE_METAL_FAKE_H
#define FAKE_METAL_FAKE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct fake {
	/* what it is */
	double macos; /* 14.0, 15.0, 26.0 */
	bool no_device, no_queue, no_registry, metal4, low_power, battery;
	const char *chip;
	int64_t cores, ram_B;
	uint64_t working_set_B, buffer_max_B;
	/* what goes wrong */
	bool compile_fails;         /* every library */
	const char *missing_kernel; /* is not in its library */
	bool pipeline_fails;        /* no pipeline can be made */
	size_t allocate_fail_at;    /* the allocation of this number (from 1) gives nothing; 0: none */
	int fail_code;              /* MTLCommandBufferError of the command buffer of number fail_at */
	int fail_at;                /* from 1; 0: none */
	bool no_stamps;             /* GPUStartTime stays 0 */
	bool wrong;                 /* one word of every result is spoiled */
	/* how it runs */
	int order;                             /* of simdgroups, as dispatch.h */
	bool idle;                             /* dispatches are timed, not executed */
	double alpha, beta, bytes, noise, gap; /* gap: between command buffers */
	/* what happened */
	int allocations, command_buffers, dispatches, products, compiles;
	int live; /* objects that were made and not released */
	int in_flight, in_flight_max;
	size_t allocated_B;
};
extern struct fake fake;
extern const struct fake fake_usual; /* an M5 with macOS 26 */
#endif
