/*
 * exact_math.h - logarithm, exponential and their kin from + - * / and square root alone.
 *
 * Layer base. IEEE 754 rounds these five operations the same way everywhere; scaling by powers of two is exact too. The
 * C library's log(), exp(), pow(), expm1(), hypot() and so on differ in the last bit between systems, and between
 * processors of one system (glibc picks variants with fused multiply-add while the program starts). That bit can turn
 * an event around or end a fit elsewhere, so that no number of the simulator is made with them (`make check-libm`).
 *
 * Infinities, NaN, zero and negative arguments give what C's functions give. Accuracy, relative, against the true value:
 * exact_log, exact_log1p, exact_exp and exact_expm1 below 4 ulp (1e-15); exact_pow below (2 + |y ln x|) * 4e-16;
 * exact_erfc below 1e-13.
 */
#ifndef SIM_BASE_EXACT_MATH_H
#define SIM_BASE_EXACT_MATH_H

double exact_log(double x);
double exact_log1p(double x); /* ln(1 + x) */
double exact_log10(double x);
double exact_exp(double x);             /* 0 below -745.2, INFINITY above 709.8 */
double exact_expm1(double x);           /* exp(x) - 1 */
double exact_pow(double x, double y);   /* x >= 0 */
double exact_hypot(double x, double y); /* sqrt(x^2 + y^2), where the squares neither overflow nor vanish */
double exact_erfc(double x);            /* 1 - erf(x) */

#endif
