/*
 * report_launches.h - how far starts of kernels are apart between people's reports on one program.
 *
 * Layer family. What a start takes hangs on the system's version, the program's, and on what else goes through the GPU's
 * queue, which reports do not name. On a program that encodes some hundred kernels a token one setting alone moves it by
 * a tenth of a small model's token (MLX_MAX_OPS_PER_BUFFER on an M1 Ultra: 63 to 70 tok/s; lablup/mlxcel@04436c94
 * docs/benchmark_results/gemma3n-decode-profile.md). Cross-validation by chip or by model sees that only where reports
 * of small models stand on both sides of a hole, so that it is a component of variance of its own here: that of reports
 * (Searle, Casella & McCulloch, Variance Components, 1992), wide where a token is starts of kernels and narrow where
 * it is reading weights.
 */
#ifndef SIM_FAMILY_REPORT_LAUNCHES_H
#define SIM_FAMILY_REPORT_LAUNCHES_H
#include <stddef.h>

/* A run of tokens: how far it is from a fit without its chip, as a share of the predicted time, and what share of that time
 * is starts of kernels. */
struct launch_row {
	const char *machine, *source; /* a report is one source's runs on one machine */
	double off, share;
};

/*
 * The relative standard deviation of starts of kernels between reports; 0 where fewer than LAUNCH_REPORTS tell it. Each report's
 * rows are `off = reads (1 - share) + starts share + noise`, `reads` being what the report's machine reads faster
 * or slower; by generalised least squares each gives its starts and how unsure they are, and from these follows the variance
 * between reports by the moments of Paule and Mandel (J. Res. Natl. Bur. Stand. 87, 1982).
 */
enum { LAUNCH_REPORTS = 3 };
double report_launch_spread(const struct launch_row *rows, size_t n);

#endif
