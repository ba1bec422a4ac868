/*
 * utf8.h - decodes UTF-8 strictly (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
 *
 * Layer base.
 */
#ifndef SIM_BASE_UTF8_H
#define SIM_BASE_UTF8_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "sim/base/mem.h"

/* Decodes the code point at s (NUL-terminated) into *code; returns its length in bytes, or 0 if it is not
 * valid UTF-8. */
size_t utf8_decode(const char *s, uint32_t *code);

/* The number of bytes at s, up to n, that are printable ASCII: what most texts hold, told eight bytes at a time. */
size_t utf8_plain(const char *s, size_t n);

/* How many columns of a terminal a character takes, in any locale: 2 where Unicode's East Asian Width is Wide or
 * Fullwidth, 0 for one that is written over the one before it or is not seen, else 1 (UAX 11; Ambiguous is narrow). */
size_t utf8_width(uint32_t code);

/* true for a control character: C0, DEL, C1, or a line or paragraph separator */
bool utf8_is_control(uint32_t code);

/* true for a character that changes the display order of the text around it, so that a name can look like
 * another (Unicode's property Bidi_Control; Boucher and Anderson, Trojan Source, USENIX Security 2023).
 * Right-to-left scripts can be written without these characters. */
bool utf8_is_bidi_control(uint32_t code);

/* Returns the first control or bidirectional control character of a text and stores it in *code, or NULL
 * if there is none. Line feeds, tabs and invalid UTF-8 are skipped. */
const char *utf8_control(const char *text, uint32_t *code);

/* Returns at most max bytes of the text in the arena; each byte that is not printable UTF-8 becomes '?'. */
const char *utf8_printable(struct arena *a, const char *text, size_t n, size_t max);

#endif
