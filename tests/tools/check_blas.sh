#!/bin/sh
# check_blas.sh PROGRAM - fails unless every cblas_* function that GSL calls in PROGRAM is the one of GSL's own library.
#
# A fast BLAS has functions of the same names, picks its kernels by processor, and would take their place if it were linked
# or found first: what GSL's solvers fit would then differ between machines in the last bits. With glibc the dynamic linker
# says itself what it binds; elsewhere no other library that the program loads may have those names.
set -eu
LC_ALL=C; export LC_ALL
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
fail() { echo "check-blas: $*" >&2; exit 1; }

if [ "$(uname -s)" = Darwin ]; then
	otool -L "$program" | awk 'NR > 1 { print $1 }' >"$work/libraries"
	gsl=$(grep '/libgsl\.' "$work/libraries") || fail "$program is not linked with GSL"
	nm -m "$gsl" | grep '(undefined).* _cblas_' >"$work/used" || fail "$gsl uses no cblas_* function"
	# either the library's own record names its provider, or the first library that has the name provides it
	grep -v '(from libgslcblas)' "$work/used" >"$work/open" || :
	grep -v '(dynamically looked up)' "$work/open" && fail "those are not taken from libgslcblas"
	! grep -q 'Accelerate\|vecLib\|blas' "$work/libraries" || [ "$(grep 'Accelerate\|vecLib\|blas' "$work/libraries" | head -1 | grep -c libgslcblas)" = 1 ] ||
		fail "another BLAS stands before libgslcblas: $(tr '\n' ' ' <"$work/libraries")"
	echo "check-blas: $(wc -l <"$work/used" | tr -d ' ') functions that GSL calls are those of libgslcblas"
	exit 0
fi

ldd "$program" | awk '$3 ~ /^\// { print $3 }' >"$work/libraries"
gsl=$(grep '/libgsl\.so' "$work/libraries") || fail "$program is not linked with libgsl.so: $(tr '\n' ' ' <"$work/libraries")"
nm -D --undefined-only "$gsl" | awk '$NF ~ /^cblas_/ { sub(/@.*/, "", $NF); print $NF }' | sort -u >"$work/used"
[ -s "$work/used" ] || fail "$gsl calls no cblas_* function"
while read -r library; do
	case $library in */libgslcblas.so*) continue ;; esac
	nm -D --defined-only "$library" | awk '$NF ~ /^cblas_/ { n++ } END { exit n == 0 }' && echo "$library"
done <"$work/libraries" >"$work/others" || :
[ ! -s "$work/others" ] || fail "$program loads another BLAS: $(tr '\n' ' ' <"$work/others")"
LD_BIND_NOW=1 LD_DEBUG=bindings LD_DEBUG_OUTPUT="$work/bindings" "$program" --version >/dev/null
if ! ls "$work"/bindings.* >/dev/null 2>&1; then
	echo "check-blas: only libgslcblas has the $(wc -l <"$work/used") functions that GSL calls (this linker does not say what it binds)"
	exit 0
fi
# binding file /lib/libgsl.so.27 [0] to /lib/libgslcblas.so.0 [0]: normal symbol `cblas_dgemv'
awk -v gsl="$gsl" '
FILENAME ~ /used$/ { used[$1] = 1; n++; next }
{
	for (i = 1; i <= NF && $i != "binding"; i++) ;
	name = $NF
	gsub(/[`\047]/, "", name)
	sub(/\[.*/, "", name)
	if ($(i + 2) == gsl && name in used) to[name] = $(i + 5)
}
END {
	for (name in used)
		if (to[name] !~ /\/libgslcblas\.so[^\/]*$/) {
			printf "check-blas: %s of GSL is bound to %s\n", name, name in to ? to[name] : "nothing"
			bad++
		} else
			library = to[name]
	if (!bad) printf "check-blas: %d functions that GSL calls, all bound to %s\n", n, library
	exit bad > 0
}' "$work/used" "$work"/bindings.* 
