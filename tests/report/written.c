/* written.c - see written.h. */
#include "tests/report/written.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

void written_has(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "no '%s' in:\n%s", part, text);
}

void written_lacks(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) == NULL, "'%s' in:\n%s", part, text);
}

size_t written_count(const char *text, const char *part)
{
	size_t n = 0;

	for (; (text = strstr(text, part)) != NULL; text += strlen(part))
		n++;
	return n;
}

bool written_dot_runs(void)
{
	return system("dot -V >/dev/null 2>&1") == 0;
}
