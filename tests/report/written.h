/* written.h - what is asked of texts that are written: results, pages, pictures. */
#ifndef TESTS_REPORT_WRITTEN_H
#define TESTS_REPORT_WRITTEN_H
#include <stdbool.h>
#include <stddef.h>

/* A name that every writer must quote: quotes, a break of Graphviz's, mark-up, other scripts, no UTF-8, control characters. */
#define HOSTILE "a \"b\" \\N <c> & d|e, \xe6\x97\xa5 \xff\n\tf"

/* Fails the test where the part is not in the text, or is. */
void written_has(const char *text, const char *part);
void written_lacks(const char *text, const char *part);

/* How often the part is in the text. */
size_t written_count(const char *text, const char *part);

/* Is Graphviz installed? */
bool written_dot_runs(void);

#endif
