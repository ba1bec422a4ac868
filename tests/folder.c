/* folder.c - see folder.h. */
#include "tests/folder.h"

#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char folder[32];

static size_t each_file(int (*act)(const char *name))
{
	DIR *d = opendir(folder);
	size_t n = 0;

	ck_assert_ptr_nonnull(d);
	for (const struct dirent *e = readdir(d); e; e = readdir(d))
		if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0) {
			n++;
			ck_assert_msg(!act || act(e->d_name) == 0, "%s stays", e->d_name);
		}
	closedir(d);
	return n;
}

void folder_enter(void)
{
	strcpy(folder, "/tmp/lemursim-check-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	ck_assert_int_eq(chdir(folder), 0);
}

size_t folder_files(void)
{
	return each_file(NULL);
}

void folder_leave(void)
{
	each_file(remove);
	ck_assert_int_eq(chdir("/"), 0);
	ck_assert_int_eq(rmdir(folder), 0);
}
