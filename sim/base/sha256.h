/*
 * sha256.h - SHA-256 (FIPS 180-4), by which a result identifies the input files it was computed from.
 *
 * Layer base. The implementation is short, so no cryptography library is needed; nothing secret is hashed.
 */
#ifndef SIM_BASE_SHA256_H
#define SIM_BASE_SHA256_H
#include <stddef.h>

void sha256_hex(const void *bytes, size_t len, char hex[65]); /* lower-case digits, NUL-terminated */

/* The same of a file, which is never in memory as a whole. 0, or -1 where it cannot be read or is no regular file. */
int sha256_file(const char *path, char hex[65]);

#endif
