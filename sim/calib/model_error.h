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

#endif
