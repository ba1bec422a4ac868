/*
 * err.h - errors that a function reports to its caller, and BUG() for faults of our own.
 *
 * Layer base. For bad input a function returns -1 and fills its last parameter, a `struct err *`. For a fault
 * of our own it calls BUG(), which aborts. A struct err is left as it is on success, and the first error
 * written to it is kept.
 */
#ifndef SIM_BASE_ERR_H
#define SIM_BASE_ERR_H
#include <stddef.h>

struct err {
	char msg[512];  /* empty: no error; lower case, without a full stop */
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
/* Adds a hint to the error just set; returns -1. */
int err_hint(struct err *err, const char *fmt, ...) PRINTF_LIKE(2, 3);

/* Adds a hint to the error just set: the closest of names[], else those that are like it, else all of them. */
void err_hint_names(struct err *err, const char *name, const char *const *names, size_t n);

/* Sets "unknown WHAT 'NAME'" with that hint. Returns -1. */
int err_unknown(struct err *err, const char *what, const char *name, const char *const *names, size_t n);

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* Reports a fault of our own with its file and line, and aborts. Not for bad input. */
#define BUG(...) bug_at(__FILE__, __LINE__, __VA_ARGS__)
#define BUG_ON(cond)                                                                                         \
	do {                                                                                                 \
		if (cond)                                                                                    \
			BUG("%s", #cond);                                                                    \
	} while (0)
void bug_at(const char *file, int line, const char *fmt, ...) PRINTF_LIKE(3, 4) NORETURN;

#endif
