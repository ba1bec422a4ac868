/*
 * runtime_choice.h - the runtime of a device that a question means: one that is named as people name it, or what most
 * owners run.
 *
 * Layer ask. A name is that of a profile, with or without the date of its version, or of a program that runs one: ollama and LM
 * Studio run llama.cpp (docs of ollama/ollama and of lmstudio-ai), whose back end on CUDA is the profile "cuda".
 */
#ifndef SIM_ASK_RUNTIME_CHOICE_H
#define SIM_ASK_RUNTIME_CHOICE_H
#include "sim/base/err.h"
#include "sim/base/mem.h"
#include "sim/hw/hw.h"

struct runtime_ask {
	const char *machine; /* as messages call it */
	const char *file;    /* of the machine, where a file is asked about; NULL: none */
	const char *said;    /* NULL: nothing */
	const char *weights; /* a format that it should read; NULL: any */
	bool trains;
};

struct runtime_choice {
	const struct profile *profile;
	bool suite;       /* the kernels of `calibrate`, not a program that people run */
	const char *note; /* why it is this one, in words; NULL: there is nothing to tell */
};

/* 0, or -1 with err and a hint that lists what the device has: for a name that it has not, a version that is no date, or one
 * before all that are known. A version between those that are known is the latest before it. d: NULL where the machine has no
 * device. */
int runtime_choose(struct arena *a, const struct device *d, const struct runtime_ask *ask,
		   struct runtime_choice *out, struct err *err);

#endif
