#!/bin/sh
# run.sh - proves the CUDA backend as far as that goes without a GPU: kernels on this machine's CPU, host against a fake
# CUDA. From anywhere:
#
#	tests/cuda/run.sh
#
# Builds into build/cuda. The last line is "N passed, M failed". Without g++ it is skipped and says so; with CI set that is a
# failure.
set -u
cd "$(dirname "$0")/../.."
B=build/cuda
CC=${CUDA_CC:-gcc} CXX=${CUDA_CXX:-g++}
passed=0 failed=0

bad() { failed=$((failed + 1)); echo "FAILED: $*"; }
end() {
	echo "$passed passed, $failed failed"
	[ "$failed" = 0 ]
	exit
}
skip() {
	echo "cuda: skipped: $*"
	[ -z "${SKIPPED:-}" ] || echo "cuda: $*" >>"$SKIPPED"
	[ -n "${CI:-}" ] && failed=$((failed + 1))
	end
}

[ "$(uname -s)" = Linux ] || { echo "cuda: skipped: for Linux only"; end; }
command -v $CC >/dev/null 2>&1 && command -v $CXX >/dev/null 2>&1 || skip "no C and C++ compiler ($CC, $CXX)"
rm -rf $B
mkdir -p $B/gen/kernels/cuda $B/libraries $B/libraries/no-blas $B/libraries/no-compiler $B/libraries/old-driver

WARN='-Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings -Werror'
C="$CC -std=c11 -D_POSIX_C_SOURCE=200809L -g -I. -I$B/gen"
SANITIZE='-O1 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer'
SHIM="$CXX -std=c++17 -O2 -g -fPIC -fvisibility=hidden -fno-exceptions -fno-rtti -Wall -Wno-unused-function -Wno-unknown-pragmas -I."

# ---- the fake: kernels, unchanged, as C++; driver, NVRTC and cuBLAS
for f in kernels/cuda/*.cu; do
	$SHIM -include tests/cuda/shim/device.h -include kernels/cuda/rows.h -include kernels/cuda/formats.h -x c++ -c "$f" -o "$B/$(basename "$f" .cu).o" && passed=$((passed + 1)) || bad "$f"
done
$SHIM -c tests/cuda/shim/launch.cc -o $B/emulate.o || bad launch.cc
for f in fake_cuda fake_toolkit; do
	$CC -std=c11 -O2 -g -fPIC -fvisibility=hidden -Wall -Wextra -D_POSIX_C_SOURCE=200809L -I. -c tests/cuda/$f.c -o $B/$f.o || bad $f.c
done
sed 's/cuStreamBeginCapture_v2/cuStreamBeginCapture_gone/' tests/cuda/fake_cuda.c >$B/old_driver.c # lacks a function
$CC -std=c11 -fPIC -fvisibility=hidden -D_POSIX_C_SOURCE=200809L -I. -c $B/old_driver.c -o $B/old_driver.o || bad old_driver.c
REST="$B/stream.o $B/gemv.o $B/blocks.o $B/few_blocks.o $B/attention.o $B/elementwise.o $B/launch.o $B/emulate.o $B/fake_toolkit.o"
$CXX -shared -o $B/fake.so $B/fake_cuda.o $REST -ldl && $CXX -shared -o $B/libraries/old-driver/libcuda.so.1 \
	$B/old_driver.o $REST -ldl || bad "the fake does not link"
for name in libcuda.so.1 libnvrtc.so libcublas.so; do
	ln -f $B/fake.so $B/libraries/$name
	[ $name = libcublas.so ] || ln -f $B/fake.so $B/libraries/no-blas/$name
	[ $name = libnvrtc.so ] || ln -f $B/fake.so $B/libraries/no-compiler/$name
done
# ---- the backend, with sanitizers, against it
sh kernels/gpu/embed.sh cuda kernels/cuda/device.h kernels/cuda/rows.h kernels/cuda/formats.h kernels/cuda/*.cu >$B/gen/kernels/cuda/sources.h
$C $SANITIZE $WARN kernels/cuda/*.c kernels/gpu/*.c sim/base/err.c sim/base/str.c sim/base/nearest.c sim/base/mem.c sim/base/utf8.c tests/cuda/check_cuda.c \
	tests/cuda/machine.c -o $B/check_cuda -ldl -lm || bad "the backend does not compile"
if $B/check_cuda $B/libraries >$B/out 2>$B/err; then :; else cat $B/err; fi
passed=$((passed + $(sed -n '$s/ passed.*//p' $B/out)))
failed=$((failed + $(sed -n '$s/.* passed, \(.*\) failed/\1/p' $B/out)))
sed '$d' $B/out
end
