#!/bin/sh
# check_libm.sh OBJECT... - fails where an object calls a function of the C library whose last bit differs between systems or
# processors. Exact by IEEE 754, and so free to use, are sqrt, fabs, fmin, fmax, floor, ceil, trunc, round, frexp, ldexp and
# their like; the others stand in sim/base/exact_math.h under names of their own.
set -eu
LC_ALL=C; export LC_ALL
[ $# -gt 0 ] || { echo "check-libm: no object was given" >&2; exit 2; }
inexact='exp|exp2|exp10|expm1|log|log2|log10|log1p|pow|cbrt|hypot|fma|sin|cos|sincos|tan|asin|acos|atan|atan2|sinh|cosh|tanh'
inexact="$inexact|asinh|acosh|atanh|erf|erfc|tgamma|lgamma"
inexact="$inexact|gsl_(ran|cdf|sf)_[a-z_A-Z]*" # made of them
# "OBJECT: U NAME" from every nm, one process for all objects
nm -A -u "$@" | sed 's/@.*//' | grep -E " U _?($inexact)[fl]?\$" >&2 && { echo "check-libm: use sim/base/exact_math.h" >&2; exit 1; }
echo "check-libm: no number of $# objects comes from a function that systems round differently"
