/*
 * model_error.h - the spread of a parameter from the errors of its law on shapes that were left out.
 *
 * Layer calib. A parameter's spread is what P10 to P90 of a prediction is made of. The scatter of the samples says how
 * well the measured shapes are known, and nothing of others, which the law misses by its own error. That error is seen
 * where each shape is predicted from all others; the interval is then the one of the jackknife (Barber, Candes, Ramdas &
 * Tibshirani, "Predictive inference with the jackknife+", Annals of Statistics 49(1), 2021): of n errors in ascending
 * order the one of rank 0.8 (n + 1), interpolated between two, holds four of five further shapes.
 */
#ifndef SIM_CALIB_MODEL_ERROR_H
#define SIM_CALIB_MODEL_ERROR_H
#include <stddef.h>

/* The standard deviation of the normal whose P10 to P90 is as wide as that interval. off: n > 0 relative errors without
 * their signs, in any order. With fewer than four the largest counts for the missing ones. */
double model_error_sd(const double *off, size_t n);

/* Relative: what a whole run is off by beyond what its operations are, each timed alone: caches that are warm or cold, operators that
 * run beside one another, clocks. Maximum likelihood of the logarithms of 208 runs on an H200 and 79 on a Xeon against
 * calibrations from ggml's operations there (hardware/measured/operations), whose own spreads are known: 0.042 and 0.066, 0.05 of
 * both. Those runs judge it, and had been seen; either machine's is found by leaving the other out. */
extern const double model_error_composed_sd;

/* Relative: how far one program's kernels are from another's that do the same. Of seven kinds (one row, a few, many in blocks of 8
 * and 4 bits, and attention of both phases), ggml's take 0.85 to 1.19 times as long as this suite's on an H200 where both were
 * timed by themselves, in the mean of the shapes that both have; no whole run is in it. */
extern const double model_error_other_kernels_sd;

/* The same on a CPU, where kernels differ by what instructions they use and how weights lie: of eight kinds (one row, a few and many in
 * blocks, attention of both phases), ggml's take 0.42 to 2.8 times as long as this suite's on 16 cores of a Xeon, 0.53 as the root mean
 * square of the logarithms (xeon-ggml.csv against xeon-suite.csv of hardware/measured/operations; no whole run is in it). */
extern const double model_error_other_kernels_cpu_sd;

/* Of a device by its name in machine files, "cpu" or any other. */
double model_error_other_kernels(const char *device);

#endif
