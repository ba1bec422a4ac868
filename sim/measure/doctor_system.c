/* doctor_system.c - what the system says of its state; see doctor.h. Changes nothing: a file that is tried is gone again. */
#define _DEFAULT_SOURCE /* getloadavg() */
#define _DARWIN_C_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#ifdef __APPLE__
#include <sys/sysctl.h>
#endif

#include "sim/base/file.h"
#include "sim/measure/doctor.h"

/* The path of a program in PATH, in the arena; NULL: there is none. */
static const char *in_path(struct arena *a, const char *program)
{
	const char *at = getenv("PATH");

	while (at && *at) {
		const size_t len = strcspn(at, ":");
		const char *path = arena_printf(a, "%.*s/%s", (int)len, at, program);

		if (len && access(path, X_OK) == 0)
			return path;
		at += len + (at[len] == ':');
	}
	return NULL;
}

#ifdef __APPLE__
static int number_of(const char *name)
{
	int value = 0;
	size_t size = sizeof value;

	return sysctlbyname(name, &value, &size, NULL, 0) == 0 ? value : -1;
}

/* The pressure is 1 where the system has memory, 2 and 4 where it warns. The thermal state stands in the backend's power. */
static void ask(struct arena *a, struct doctor_system *s)
{
	(void)a;
	s->memory_short = number_of("kern.memorystatus_vm_pressure_level") > 1;
}
#else
/* The first line of a file that begins with `key`; "" if there is none. */
static void line_of(const char *path, const char *key, char *text, int room)
{
	FILE *f = fopen(path, "r");

	text[0] = '\0';
	while (f && fgets(text, room, f))
		if (!strncmp(text, key, strlen(key)))
			break;
		else
			text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (f)
		fclose(f);
}

static void ask(struct arena *a, struct doctor_system *s)
{
	char text[128];

	line_of("/proc/meminfo", "MemAvailable:", text, sizeof text);
	if (text[0])
		s->free_B = 1024 * strtoll(text + strlen("MemAvailable:"), NULL, 10);
	line_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", "", text, sizeof text);
	if (text[0])
		s->governor = arena_strdup(a, text);
	line_of("/sys/devices/system/cpu/cpu0/thermal_throttle/core_throttle_count", "", text, sizeof text);
	if (text[0])
		s->throttled = strtoll(text, NULL, 10);
}
#endif

struct doctor_system doctor_system_read(struct arena *a)
{
	struct doctor_system s = {.load = -1, .free_B = -1, .throttled = -1};
	struct err err = ERR_INIT;
	double load;

	if (getloadavg(&load, 1) == 1)
		s.load = load;
	ask(a, &s);
	s.compiler = in_path(a, "clang");
	s.compiler = s.compiler ? s.compiler : in_path(a, "cc");
	if (file_prepare("lemursim-doctor.tmp", true, &err) != 0)
		s.folder_wrong = arena_strdup(a, err.msg);
	return s;
}
