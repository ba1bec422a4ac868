/* folder.h - an empty directory for a test of files; a checked fixture, or called in the test. */
#ifndef TESTS_FOLDER_H
#define TESTS_FOLDER_H
#include <stddef.h>

void folder_enter(void);   /* makes it and works there */
size_t folder_files(void); /* how many are in it */
void folder_leave(void);   /* removes it with all files and empty directories in it; works in / */

#endif
