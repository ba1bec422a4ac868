/*
 * utf8.h - one code point at a time, strictly (RFC 3629: no overlong forms, no surrogates, at most U+10FFFF).
 *
 * Layer base.
 */
#ifndef SIM_BASE_UTF8_H
#define SIM_BASE_UTF8_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The length in bytes of the code point at s (NUL-terminated), or 0 if it is not UTF-8; *code gets its value.
 */
size_t utf8_decode(const char *s, uint32_t *code);

/* A control character: C0, DEL, C1, or a line or paragraph separator. */
bool utf8_is_control(uint32_t code);

/* A character that changes the order in which the text about it is shown, so that a name can look like
 * another (Unicode's property Bidi_Control; Boucher and Anderson, Trojan Source, USENIX Security 2023).
 * Letters of right-to-left scripts need none of them. */
bool utf8_is_bidi_control(uint32_t code);

/* The first control character or bidirectional control of a text, line feeds and tabs aside; NULL: there is none.
 * *code gets its value. What is not UTF-8 is passed over. */
const char *utf8_control(const char *text, uint32_t *code);

#endif
