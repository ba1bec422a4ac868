/* machine.c - what the CPU backend says of its machine; see cpu.h. Asks the system, changes nothing. */
#define _DARWIN_C_SOURCE /* sysctlbyname(); nothing elsewhere */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#ifdef __APPLE__
#include <CoreFoundation/CoreFoundation.h>
#include <IOKit/ps/IOPowerSources.h>
#include <sys/sysctl.h>
#endif

#include "kernels/cpu/blas.h"
#include "kernels/cpu/cpu.h"

enum { CACHE_GUESS_B = 32 << 20 };

#ifdef __APPLE__
static int64_t number_of(const char *name)
{
	int64_t value = 0;
	size_t size = sizeof value;

	return sysctlbyname(name, &value, &size, NULL, 0) == 0 ? value : 0;
}

/* The system-level cache is not told; no Mac so far has more than 96 MB of it, and the sweep goes beyond. */
static void ask(struct backend_info *info)
{
	size_t size = sizeof info->chip;
	CFTypeRef sources = IOPSCopyPowerSourcesInfo();

	if (sysctlbyname("machdep.cpu.brand_string", info->chip, &size, NULL, 0) != 0)
		snprintf(info->chip, sizeof info->chip, "unknown");
	info->cores = number_of("hw.logicalcpu");
	info->ram_B = number_of("hw.memsize");
	info->cache_B = number_of("hw.perflevel0.l2cachesize");
	if (info->cache_B < CACHE_GUESS_B)
		info->cache_B = CACHE_GUESS_B;
	if (sources) {
		CFStringRef kind = IOPSGetProvidingPowerSourceType(sources);

		info->on_battery =
			kind && CFStringCompare(kind, CFSTR(kIOPMBatteryPowerKey), 0) == kCFCompareEqualTo;
		CFRelease(sources);
	}
	snprintf(info->power, sizeof info->power, "%s", info->on_battery ? "battery" : "AC");
}
#else
/* The first line of a small file, without its end; "" if it cannot be read. */
static void line_of(const char *path, char *text, int room)
{
	FILE *f = fopen(path, "r");

	text[0] = '\0';
	if (f && !fgets(text, room, f))
		text[0] = '\0';
	text[strcspn(text, "\n")] = '\0';
	if (f)
		fclose(f);
}

static void find_chip(struct backend_info *info)
{
	FILE *f = fopen("/proc/cpuinfo", "r");
	char line[256];

	snprintf(info->chip, sizeof info->chip, "unknown");
	while (f && fgets(line, sizeof line, f)) {
		const char *colon = strchr(line, ':');

		if (strncmp(line, "model name", 10) != 0 || !colon)
			continue;
		snprintf(info->chip, sizeof info->chip, "%.*s", (int)strcspn(colon + 2, "\n"), colon + 2);
		break;
	}
	if (f)
		fclose(f);
}

static int64_t find_cache(void)
{
	int64_t largest = 0;

	for (int i = 0; i < 8; i++) {
		char path[80], text[32], *unit;
		long long size;

		snprintf(path, sizeof path, "/sys/devices/system/cpu/cpu0/cache/index%d/size", i);
		line_of(path, text, sizeof text);
		size = strtoll(text, &unit, 10);
		size *= *unit == 'K' ? 1024 : *unit == 'M' ? 1024 * 1024 : 1;
		largest = size > largest ? size : largest;
	}
	return largest ? largest : CACHE_GUESS_B;
}

static void find_power(struct backend_info *info)
{
	static const char *const mains[] = {"AC", "ACAD", "ADP0", "ADP1", "AC0"};
	char text[32], governor[32];

	for (size_t i = 0; i < ARRAY_LEN(mains); i++) {
		char path[80];

		snprintf(path, sizeof path, "/sys/class/power_supply/%s/online", mains[i]);
		line_of(path, text, sizeof text);
		info->on_battery |= !strcmp(text, "0");
	}
	line_of("/sys/firmware/acpi/platform_profile", text, sizeof text);
	info->low_power = !strcmp(text, "low-power");
	line_of("/sys/devices/system/cpu/cpu0/cpufreq/scaling_governor", governor, sizeof governor);
	snprintf(info->power, sizeof info->power, "%s%s%s%s", info->on_battery ? "battery" : "AC",
		 governor[0] ? ", governor " : "", governor, info->low_power ? ", low power" : "");
}

static void ask(struct backend_info *info)
{
	find_chip(info);
	info->cores = sysconf(_SC_NPROCESSORS_ONLN);
	info->ram_B = (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
	info->cache_B = find_cache();
	find_power(info);
}
#endif

int machine_info(struct backend_info *info, struct err *err)
{
	struct utsname u;
	struct blas blas;
	char name[48];

	memset(info, 0, sizeof *info);
	ask(info);
	if (info->cores < 1 || info->ram_B < 1)
		return err_set(err, "the system does not say how many cores or how much memory it has");
	info->working_set_B = info->ram_B;
	if (uname(&u) == 0)
		snprintf(info->os, sizeof info->os, "%.20s %.40s", u.sysname, u.release);
	blas_open(&blas);
	blas_name(&blas, name, sizeof name);
	snprintf(info->build, sizeof info->build, "%.40s, %s, blocks %s", name, inner_best()->name,
		 blocks_best()->name);
	return 0;
}
