/*
 * err.h - what a failing function tells its caller, and what we do when we are the ones who are wrong.
 *
 * Layer base. Input is wrong: return -1 and fill the last parameter, `struct err *`. We are wrong: BUG().
 * A struct err is untouched on success, and the first error in it wins.
 */
#ifndef SIM_BASE_ERR_H
#define SIM_BASE_ERR_H
#include <stddef.h>

struct err {
	char msg[512];  /* empty: no error; lower case, no full stop */
	char hint[512]; /* the remedy; may be empty */
};

#define ERR_INIT                                                                                             \
	{                                                                                                    \
		.msg = "", .hint = ""                                                                        \
	}

#if defined(__GNUC__)
#define PRINTF_LIKE(fmt, args) __attribute__((format(printf, fmt, args)))
#define NORETURN               __attribute__((noreturn))
#else
#define PRINTF_LIKE(fmt, args)
#define NORETURN
#endif

/* Both return -1, so that `return err_set(...)` reads well. A NULL err is allowed and drops the text. */
int err_set(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);
int err_hint(struct err *err, const char *fmt, ...)
	PRINTF_LIKE(2, 3); /* adds the hint to the error just set */

/* "unknown WHAT 'NAME'", with the closest of names[] for a hint, or all of them; -1. */
int err_unknown(struct err *err, const char *what, const char *name, const char *const *names, size_t n);

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* A broken promise of ours: prints where and aborts. Never for bad input. */
#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
#define BUG_ON(cond)                                                                                         \
	do {                                                                                                 \
		if (cond)                                                                                    \
			BUG("%s", #cond);                                                                    \
	} while (0)
void bug_at(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4) NORETURN;

#endif
