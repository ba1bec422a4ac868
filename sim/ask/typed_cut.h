/*
 * typed_cut.h - private to the room: a text cut into lower-case words and numbers.
 *
 * Layer ask. What is typed and the names that it is held against are cut alike; see typed.c.
 */
#ifndef SIM_ASK_TYPED_CUT_H
#define SIM_ASK_TYPED_CUT_H
#include <stdbool.h>
#include <stddef.h>

enum { ATOMS_MAX = 48, TEXT_MAX = 256 };

/* Lower-case words and numbers of a text one after the other, with nothing between them. */
struct cut {
	char text[TEXT_MAX];
	size_t from[ATOMS_MAX + 1]; /* the offset of each; the last: the end of the text */
	size_t token[ATOMS_MAX];    /* which part between separators it is of */
	size_t n;
};

/* What is too long is cut off. Of "16/40", cores of the CPU and of the GPU, machines are told apart by the latter. */
void cut_text(struct cut *c, const char *s);

bool is_unit(const char *s, size_t n); /* "gb", "c", "b", "tb" */
bool has_digit(const char *s, size_t n);
bool atom_is(const struct cut *c, size_t i, const char *text); /* false too where there is no such atom */

static inline bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static inline char lower(char c)
{
	return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static inline bool is_letter(char c)
{
	return lower(c) >= 'a' && lower(c) <= 'z';
}

static inline size_t atom_size(const struct cut *c, size_t i)
{
	return c->from[i + 1] - c->from[i];
}

#endif
