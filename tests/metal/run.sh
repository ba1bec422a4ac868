#!/bin/sh
# run.sh - proves the Metal backend as far as that goes without a Mac: kernels, mutants, host. From anywhere:
#
#	tests/metal/run.sh [quick]     quick: without the mutants, and kernels compiled by one compiler
#
# Builds into build/metal. The last line is "N passed, M failed". Without g++, or without GNUstep, what needs it is
# skipped and says so; with CI set that is a failure.
set -u
cd "$(dirname "$0")/../.."
B=build/metal
mkdir -p $B/gen/kernels/metal $B/mutants
passed=0 failed=0
JOBS=$(getconf _NPROCESSORS_ONLN 2>/dev/null || echo 2)
CC=${METAL_CC:-gcc} CXX=${METAL_CXX:-g++}

ok() { passed=$((passed + 1)); }
bad() { failed=$((failed + 1)); echo "FAILED: $*"; }
skip() {
	echo "metal: skipped: $*"
	[ -z "${SKIPPED:-}" ] || echo "metal: $*" >>"$SKIPPED"
	[ -n "${CI:-}" ] && failed=$((failed + 1))
}
end() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
	exit
}
# adds the counts of a checker, whose last line is "N passed, M failed"
count() {
	passed=$((passed + $(sed -n '$s/ passed.*//p' "$1")))
	failed=$((failed + $(sed -n '$s/.* passed, \(.*\) failed/\1/p' "$1")))
	sed '$d' "$1"
}

if [ "$(uname -s)" = Darwin ]; then
	echo "metal: skipped: on a Mac the backend runs itself; this is for Linux"
	[ -z "${SKIPPED:-}" ] || echo "metal: on a Mac the backend runs itself" >>"$SKIPPED"
	end
fi
command -v $CC >/dev/null 2>&1 && command -v $CXX >/dev/null 2>&1 || { skip "no C and C++ compiler ($CC, $CXX)"; end; }

WARN='-Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings -Werror'
C="$CC -std=c11 -O1 -g -I."
SO="-std=c++20 -O1 -fPIC -shared -fvisibility=hidden -fno-exceptions -fno-rtti -Wall -Wno-unknown-pragmas -Wno-unused-function -Itests/metal/shim"
case $($CXX --version) in *clang*) ;; *) SO="$SO -fno-gnu-unique" ;; esac

# ---- tools; library.sh FILE.metal NAME.so [OPTION]: rewritten, compiled
$C -D_POSIX_C_SOURCE=200809L $WARN tests/metal/rewrite.c -o $B/rewrite &&
	$C -D_GNU_SOURCE -Wall -Wextra -Werror tests/metal/check_kernels.c -o $B/check_kernels -ldl -lm ||
	{ bad "the tools do not compile"; end; }
cat >$B/library.sh <<END
set -e
$B/rewrite "\$1" "\${2%.so}.cpp"
$CXX $SO \${3:-} "\${2%.so}.cpp" -o "\$2"
END

# ---- every shipped kernel compiles; with clang too where it is there, and time is
for f in kernels/metal/*.metal; do echo "$f $B/$(basename "$f" .metal).so"; done >$B/libraries
rm -f $B/[a-z]*.so $B/lib*.so
xargs -P "$JOBS" -n 2 sh $B/library.sh <$B/libraries || bad "a kernel does not compile"
while read -r f so; do [ -f "$so" ] && ok || bad "$f"; done <$B/libraries
if [ "${1:-}" != quick ] && command -v clang++ >/dev/null 2>&1; then
	clang=$(echo "$SO" | sed 's/-fno-gnu-unique//; s/-shared//; s/-O1//')
	sed 's/.* //; s/so$/cpp/' $B/libraries | xargs -P "$JOBS" -n 1 clang++ $clang -fsyntax-only && ok || bad "clang++"
fi

# ---- every kernel is right; what Metal refuses is refused
$B/check_kernels $B >$B/kernels.out
count $B/kernels.out
while IFS='|' read -r message source; do
	message=$(echo "$message" | sed 's/ *$//')
	case $message in '#'*) continue ;; esac
	echo "$source" | sed 's/^ //' | tr '~' '\n' >$B/refused.metal
	if $B/rewrite $B/refused.metal $B/refused.cpp 2>$B/refused.out; then
		bad "accepted: $source"
	elif grep -qF "$message" $B/refused.out; then
		ok
	else
		bad "$(cat $B/refused.out), not '$message'"
	fi
done <tests/metal/refused.txt

# ---- mutants must be caught
cat >$B/mutant.sh <<END
IFS='|' read -r what library script <<LINE
\$1
LINE
library=\$(echo \$library)
dir=$B/mutants/\$(echo "\$what" | cksum | cut -d' ' -f1)
mkdir -p \$dir
sed "\$(echo "\$script" | sed 's/^ //')" kernels/metal/\$library.metal >\$dir/\$library.metal
if cmp -s \$dir/\$library.metal kernels/metal/\$library.metal; then echo "changed nothing: \$what"; exit; fi
sh $B/library.sh \$dir/\$library.metal \$dir/\$library.so -O0 >\$dir/log 2>&1 || { echo "did not compile: \$what"; exit; }
if $B/check_kernels \$dir \$library >\$dir/out; then echo "passed: \$what"; else echo "caught: \$what"; fi
END
if [ "${1:-}" != quick ]; then
	grep -v '^#' tests/metal/mutants.txt | tr '\n' '\0' | xargs -0 -P "$JOBS" -n 1 sh $B/mutant.sh >$B/mutants.out
	while read -r line; do
		case $line in caught:*) ok ;; *) bad "mutant $line" ;; esac
	done <$B/mutants.out
fi

# ---- the host for the Mac's own target: with ARC and without, and no call that macOS 14 lacks is unguarded
sh kernels/gpu/embed.sh metal kernels/metal/*.metal >$B/gen/kernels/metal/sources.h
LINT="clang -target x86_64-apple-macosx14.0 -fsyntax-only -Wall -Wextra -Werror -U__nonnull -Itests/metal/lint -Itests/metal/fake -I. -I$B/gen -nostdlibinc -isystem /usr/include/$(uname -m)-linux-gnu -isystem /usr/include"
MAC_OBJC='-x objective-c -std=gnu11 -Wunguarded-availability-new'
if command -v clang >/dev/null 2>&1 && [ -d "/usr/include/$(uname -m)-linux-gnu" ] && [ "$(uname -m)" = x86_64 ]; then
	for f in host gpu; do
		for arc in -fobjc-arc -fno-objc-arc; do
			if $LINT $MAC_OBJC $arc kernels/metal/$f.m; then ok; else bad "$f.m for macOS, $arc"; fi
		done
	done
	sed 's/if (ON_MACOS(15.0))/if (1)/' kernels/metal/gpu.m >$B/unguarded.m
	if $LINT $MAC_OBJC -fobjc-arc $B/unguarded.m 2>$B/unguarded.out; then bad "an unguarded call is not seen"; else ok; fi
	if $LINT -std=c11 -D_POSIX_C_SOURCE=200809L kernels/metal/mac.c; then ok; else bad "mac.c for macOS"; fi
else
	echo "metal: skipped: the host for the Mac's target (needs clang on x86-64)"
	[ -z "${SKIPPED:-}" ] || echo "metal: the host for the Mac's target: no clang on x86-64" >>"$SKIPPED"
fi

# ---- the host, unchanged, against the fake Metal
echo '#import <Foundation/Foundation.h>' >$B/probe.m
GNUSTEP='-DGNUSTEP -DGNUSTEP_BASE_LIBRARY=1 -DGNU_RUNTIME=1 -fexceptions -fobjc-exceptions -pthread -fconstant-string-class=NSConstantString -isystem /usr/include/GNUstep'
if ! $CC $GNUSTEP -c $B/probe.m -o $B/probe.o 2>/dev/null; then
	skip "the host: no Objective-C with GNUstep (Debian: gobjc libgnustep-base-dev)"
	end
fi
OBJC="$CC -std=gnu11 -O1 -g -Wall -Wextra -Wshadow -Werror $GNUSTEP -Itests/metal/fake -I. -I$B/gen -DLEMURSIM_FAKE_METAL"
cat >$B/build.sh <<END
case \$1 in
*.m) $OBJC -DFAKE_BUILD='"$B"' -DFAKE_CXX='"$CXX $SO -w"' -c "\$1" -o $B/host_\$(basename "\$1").o ;;
*) $C -D_GNU_SOURCE $WARN -Itests/metal/fake -c "\$1" -o $B/host_\$(basename "\$1").o ;;
esac
END
rm -f $B/host_*.o
printf '%s\n' kernels/metal/*.[cm] kernels/gpu/*.c tests/metal/fake/*.[cm] tests/metal/misuse.m sim/base/err.c sim/base/str.c sim/base/nearest.c sim/base/mem.c sim/base/utf8.c |
	xargs -P "$JOBS" -n 1 sh $B/build.sh || bad "the host or the fake does not compile"
if $C -D_GNU_SOURCE -Wall -Wextra -Werror tests/metal/check_host.c $B/host_*.o -o $B/check_host -lgnustep-base -lobjc -lm -ldl; then
	$B/check_host >$B/host.out
	count $B/host.out
else
	bad "check_host does not link"
fi
end
