/* sysctl.h - the call of macOS; see fake_mac.c. */
#ifndef FAKE_SYSCTL_H
#define FAKE_SYSCTL_H
#include <stddef.h>

int sysctlbyname(const char *name, void *old, size_t *old_size, void *new_, size_t new_size);
#endif
