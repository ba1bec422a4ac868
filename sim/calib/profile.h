/*
 * profile.h - a hardware file from samples: text that `lemursim check` accepts and `simulate` uses at once.
 *
 * Layer calib. What is written is read back and checked before it is handed out; a set that cannot make a
 * sound file is an error, and nothing is written. The same samples and facts give the same bytes.
 */
#ifndef SIM_CALIB_PROFILE_H
#define SIM_CALIB_PROFILE_H
#include "sim/base/str.h"
#include "sim/calib/facts.h"
#include "sim/calib/samples.h"

/* Appends the file to *out. name: what it will be called, for messages. facts: may be NULL. 0 or -1. */
int profile_write(const struct sample_set *set, const struct facts *facts, const char *name, struct str *out,
		  struct err *err);

#endif
