/*
 * utf8.h - one code point at a time, strictly (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
 *
 * Layer base.
 */
#ifndef SIM_BASE_UTF8_H
#define SIM_BASE_UTF8_H
#include <stddef.h>
#include <stdint.h>

/* The length in bytes of the code point at s (NUL-terminated), or 0 if it is not UTF-8; *code gets its value.
 */
size_t utf8_decode(const char *s, uint32_t *code);

#endif
