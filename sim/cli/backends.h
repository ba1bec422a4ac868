/*
 * backends.h - the ways to compute that this program was built with.
 *
 * Layer cli.
 */
#ifndef SIM_CLI_BACKENDS_H
#define SIM_CLI_BACKENDS_H
#include "kernels/backend.h"

extern const struct backend *const cli_backends[]; /* the main device's first */
extern const double cli_backend_shares[];          /* of a plan's time, when all run */
extern const size_t cli_backends_n;

#endif
