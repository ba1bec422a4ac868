/*
 * sha256.h - SHA-256 (FIPS 180-4): the fingerprint of each input file, so that a result says what it came
 * from.
 *
 * Layer base. Sixty lines here stand against a cryptography library as a dependency; nothing secret is
 * hashed.
 */
#ifndef SIM_BASE_SHA256_H
#define SIM_BASE_SHA256_H
#include <stddef.h>

void sha256_hex(const void *bytes, size_t len, char hex[65]); /* lower case, NUL-terminated */

#endif
