/*
 * this_machine.h - the name in the catalogue of the machine that the program runs on.
 *
 * Layer ask. What a system says of itself is a few facts; where a test gives others, they are looked up alike. A file
 * under hardware/local/ whose chip is the same was calibrated here, and is taken first.
 */
#ifndef SIM_ASK_THIS_MACHINE_H
#define SIM_ASK_THIS_MACHINE_H
#include "sim/conf/load.h"

struct this_facts {
	char chip[128];  /* "Apple M4 Pro"; of an NVIDIA card its product name; "": not known */
	double memory_B; /* the machine's, or the card's; 0: not known */
	int gpu_cores;   /* 0: not known */
};

/* Asks the system: sysctl on macOS; on Linux the driver's /proc/driver/nvidia, else /proc/cpuinfo. root: what stands
 * before these paths, "" but in tests. */
void this_machine_facts(const char *root, struct this_facts *facts);

/* The catalogue's name; NULL with err. In the loader's arena. */
const char *this_machine(struct loader *l, const struct this_facts *facts, struct err *err);

#endif
