#!/bin/sh
# check_library.sh PREFIX - a program is built against the installed library, shared and static, with pkg-config, and says what
# the program does; the same through Python's ctypes; the shared object shows no name but lemursim.h's; errors come with place.
set -u
bad() { echo "library: $*" >&2; exit 1; }
prefix=$1 cc=${CC:-cc}
here=$(mktemp -d) && trap 'rm -rf "$here"' EXIT
export PKG_CONFIG_PATH=$prefix/lib/pkgconfig LD_LIBRARY_PATH=$prefix/lib

# pkg-config writes blanks of a path as '\ ', which eval reads
build() { # OUTPUT OPTION...
	out=$1; shift
	eval "$cc -std=c11 -Wall -Wextra -Werror -o $here/$out packaging/lib/example.c $(pkg-config --cflags --libs lemursim) $*"
}
build shared || bad "the example does not build"
shared=$("$here/shared" m5-vs-m4pro) || bad "the example does not run"
library=$(find "$prefix/lib" -name 'liblemursim.a')
[ -n "$library" ] || bad "no static library"
eval "$cc -std=c11 -Wall -Wextra -Werror -o $here/static packaging/lib/example.c $(pkg-config --cflags lemursim) '$library' \
	$(pkg-config --libs yaml-0.1 gsl) -lpthread -lm" || bad "the example does not build against the static library"
[ "$("$here/static" m5-vs-m4pro)" = "$shared" ] || bad "static and shared differ"
[ "$(echo "$shared" | wc -l)" -gt 5 ] || bad "the example says too little: $shared"

# a number of the library is that of the program
wanted=$("$prefix/bin/lemursim" simulate m5-vs-m4pro --set workload.generate.batch=8 --format csv | sed -n 2p | cut -d, -f1)
echo "$shared" | grep -q "^$wanted .* batch 8 " || bad "no row of '$wanted'"

"$here/shared" no-such-scenario >"$here/out" 2>"$here/err" && bad "a scenario that does not exist is none"
[ ! -s "$here/out" ] && grep -q "no-such-scenario" "$here/err" || bad "the error of a missing file: $(cat "$here/err")"
printf 'schema: lemursim/scenario/1\nmodle: x\n' >"$here/wrong.yaml"
"$here/shared" "$here/wrong.yaml" 2>"$here/err" && bad "a wrong key is none"
grep -q "wrong.yaml:2:1: " "$here/err" && grep -q "hint: " "$here/err" || bad "the error has no place: $(cat "$here/err")"

if [ "$(uname -s)" = Linux ]; then
	others=$(nm -D --defined-only "$prefix"/lib/liblemursim.so | awk '$3 !~ /^lemursim_/ { print $3 }')
	[ -z "$others" ] || bad "the shared object shows: $others"
	others=$(nm -g --defined-only "$library" 2>/dev/null | awk 'NF == 3 && $3 !~ /^lemursim_/ { print $3 }')
	[ -z "$others" ] || bad "the static library shows: $others"
fi

command -v python3 >/dev/null || sh "$(dirname "$0")/install.sh" python3-minimal libpython3-stdlib
if command -v python3 >/dev/null; then
	so=$(find "$prefix/lib" -name 'liblemursim.so' -o -name 'liblemursim.*.dylib' | head -1)
	python=$(LIBLEMURSIM=$so python3 packaging/lib/example.py m5-vs-m4pro workload.generate.batch=8) || bad "ctypes"
	n=0
	while IFS= read -r row; do
		n=$((n + 1))
		value=$(printf '%s\n' "$row" | sed -n 's/.* \([0-9.]*\) tok\/s, .*/\1/p')
		[ -z "$value" ] || echo "$shared" | grep -F "batch 8 " | grep -qF " $value tok/s" || bad "Python says other than C: $row"
	done <<-END
	$python
	END
	[ $n -gt 2 ] || bad "Python says too little"
	LIBLEMURSIM=$so python3 packaging/lib/example.py m5-vs-m4pro workload.generate.bach=8 2>"$here/err" && bad "a wrong setting is none"
	grep -q -- "--set:1:" "$here/err" || bad "Python's error: $(cat "$here/err")"
	if LIBLEMURSIM=$here/none.so python3 packaging/lib/example.py m5-vs-m4pro 2>"$here/err"; then bad "a missing library is none"; fi
	grep -q "^.*none.so" "$here/err" && ! grep -q Traceback "$here/err" || bad "Python's error without a library: $(cat "$here/err")"
	echo "installed: the library, from C and Python"
else
	echo "installed: the library, from C; no python3"
	[ -z "${CI:-}" ] || exit 1
fi
