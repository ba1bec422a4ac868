/* mac.c - see mac.h. Only sysctl and IOKit; a mistake here costs a name, never a time. */
#ifdef __APPLE__
#define _DARWIN_C_SOURCE /* sysctl.h needs types that POSIX does not have */
#endif
#include "kernels/metal/mac.h"

#include <CoreFoundation/CoreFoundation.h>
#include <IOKit/IOKitLib.h>
#include <IOKit/ps/IOPowerSources.h>
#include <stdio.h>
#include <string.h>
#include <sys/sysctl.h>

static void sysctl_text(const char *name, char *to, size_t size)
{
	to[0] = '\0';
	if (sysctlbyname(name, to, &size, NULL, 0) != 0)
		to[0] = '\0';
}

/* From the registry: chips are sold with cores switched off, so a name says nothing. 0: not found */
static int64_t gpu_cores(void)
{
	const io_service_t gpu = IOServiceGetMatchingService(0, IOServiceMatching("AGXAccelerator"));
	int64_t cores = 0;
	CFTypeRef n;

	if (!gpu)
		return 0;
	n = IORegistryEntryCreateCFProperty(gpu, CFSTR("gpu-core-count"), kCFAllocatorDefault, 0);
	if (n && CFGetTypeID(n) == CFNumberGetTypeID())
		CFNumberGetValue((CFNumberRef)n, kCFNumberSInt64Type, &cores);
	if (n)
		CFRelease(n);
	IOObjectRelease(gpu);
	return cores;
}

bool mac_on_battery(void)
{
	CFTypeRef sources = IOPSCopyPowerSourcesInfo();
	CFStringRef kind;
	bool battery;

	if (!sources)
		return false; /* a desktop */
	kind = IOPSGetProvidingPowerSourceType(sources);
	battery = kind && CFEqual(kind, CFSTR("Battery Power"));
	CFRelease(sources);
	return battery;
}

/*
 * System-level cache by class of chip, measured on M1 and M2 (github.com/philipturner/metal-benchmarks) and
 * taken to be no larger since, but for the M3 Pro's. Nothing in the system tells it.
 */
static int64_t cache_B(const char *chip)
{
	static const struct {
		const char *word;
		int64_t mib;
	} of[] = {{"Ultra", 96}, {"Max", 48}, {"M3 Pro", 12}, {"Pro", 24}, {"", 8}};
	size_t i = 0;

	while (!strstr(chip, of[i].word))
		i++;
	return of[i].mib << 20;
}

void mac_info(struct backend_info *info, const char *name)
{
	size_t size = sizeof info->ram_B;

	sysctl_text("machdep.cpu.brand_string", info->chip, sizeof info->chip);
	if (!info->chip[0])
		snprintf(info->chip, sizeof info->chip, "%s", name);
	sysctl_text("kern.osversion", info->build, sizeof info->build);
	snprintf(info->os, sizeof info->os, "macOS ");
	sysctl_text("kern.osproductversion", info->os + 6, sizeof info->os - 6);
	if (sysctlbyname("hw.memsize", &info->ram_B, &size, NULL, 0) != 0)
		info->ram_B = 0;
	info->cores = gpu_cores();
	info->cache_B = cache_B(info->chip);
}
