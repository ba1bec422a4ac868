/* pdf_date.c - see pdf_date.h. */
#include "sim/draw/pdf_date.h"

#include <string.h>

#include "sim/base/file.h"
#include "sim/base/str.h"

/* 1 January 2000, 0:00 UTC */
static const char fixed[] = "20000101000000", epoch[] = "SOURCE_DATE_EPOCH=946684800";

enum { PDF_MAX = 256 * 1024 * 1024 };

char **pdf_environment(struct arena *a, char *const *given)
{
	size_t n = 0, kept = 0;
	char **all;

	while (given[n])
		n++;
	all = arena_array(a, n + 3, sizeof *all);
	for (size_t i = 0; i < n; i++)
		if (!str_starts(given[i], "TZ=") && !str_starts(given[i], "SOURCE_DATE_EPOCH="))
			all[kept++] = given[i];
	all[kept++] = arena_strdup(a, "TZ=UTC0");
	all[kept] = arena_strdup(a, epoch);
	return all;
}

/* Where the digits of a date begin: behind "/CreationDate (D:" or "/ModDate (D:"; NULL: no more. */
static char *next_date(char *at, const char *end)
{
	static const char mark[] = "Date (D:";
	const size_t n = sizeof mark - 1;

	for (; at + n + sizeof fixed <= end; at++)
		if (!memcmp(at, mark, n) && strspn(at + n, "0123456789") >= sizeof fixed - 1)
			return at + n;
	return NULL;
}

int pdf_fix_date(const char *path, struct err *err)
{
	struct arena scratch = ARENA_INIT;
	char *text;
	size_t len;
	int rc = file_read(&scratch, path, PDF_MAX, &text, &len, err);

	if (rc == 0) {
		for (char *at = text; (at = next_date(at, text + len));)
			memcpy(at, fixed, sizeof fixed - 1);
		rc = file_write(path, text, len, true, err);
	}
	arena_release(&scratch);
	return rc;
}
