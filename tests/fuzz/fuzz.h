/*
 * fuzz.h - what every fuzz target is: bytes in, never a path. libFuzzer calls it, and replay.c does in `make
 * check`.
 */
#ifndef TESTS_FUZZ_FUZZ_H
#define TESTS_FUZZ_FUZZ_H
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#endif
