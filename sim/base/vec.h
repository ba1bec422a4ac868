/*
 * vec.h - a growing array of items of any type, as macros over a struct of the caller.
 *
 *	struct { struct op *at; size_t n, room; } ops = {0};
 *	VEC_ADD(&ops, (struct op){...});
 *	VEC_FREE(&ops);
 *
 * Layer base.
 */
#ifndef SIM_BASE_VEC_H
#define SIM_BASE_VEC_H
#include <stddef.h>
#include <stdlib.h>

#include "sim/base/mem.h"

#define VEC(type)                                                                                            \
	struct {                                                                                             \
		type *at;                                                                                    \
		size_t n, room;                                                                              \
	}

/* The first room: most hold a few, and each doubling costs a realloc(). */
enum { VEC_FIRST = 8 };

#define VEC_RESERVE(v, more)                                                                                 \
	do {                                                                                                 \
		if ((v)->n + (more) > (v)->room) {                                                           \
			(v)->room = (v)->room ? (v)->room * 2 : VEC_FIRST;                                   \
			(v)->room = (v)->room > (v)->n + (more) ? (v)->room : (v)->n + (more);               \
			(v)->at = xrealloc((v)->at, (v)->room * sizeof *(v)->at);                            \
		}                                                                                            \
	} while (0)

#define VEC_ADD(v, ...)                                                                                      \
	do {                                                                                                 \
		VEC_RESERVE((v), 1);                                                                         \
		(v)->at[(v)->n++] = (__VA_ARGS__);                                                           \
	} while (0)

#define VEC_FREE(v)                                                                                          \
	do {                                                                                                 \
		free((v)->at);                                                                               \
		(v)->at = NULL;                                                                              \
		(v)->n = (v)->room = 0;                                                                      \
	} while (0)

#endif
