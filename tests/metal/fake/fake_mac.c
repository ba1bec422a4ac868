/* fake_mac.c - sysctl, the registry and the power source of the fake Mac. */
#include <CoreFoundation/CoreFoundation.h>
#include <IOKit/IOKitLib.h>
#include <IOKit/ps/IOPowerSources.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysctl.h>

#include "tests/metal/fake/fake.h"

struct fake_cf_string {
	char text[64];
};
struct fake_cf_number {
	int64_t value;
};
static struct fake_cf_string strings[16];
static struct fake_cf_number core_count;
static int matching, power_sources;

CFStringRef fake_cf_string(const char *text)
{
	for (size_t i = 0; i < sizeof strings / sizeof strings[0]; i++) {
		if (!strings[i].text[0])
			snprintf(strings[i].text, sizeof strings[i].text, "%s", text);
		if (!strcmp(strings[i].text, text))
			return &strings[i];
	}
	abort();
}

CFTypeID CFGetTypeID(CFTypeRef x)
{
	return x == &core_count ? 22 : 7;
}

CFTypeID CFNumberGetTypeID(void)
{
	return 22;
}

Boolean CFNumberGetValue(CFNumberRef number, long type, void *value)
{
	if (type != kCFNumberSInt64Type)
		abort();
	memcpy(value, &number->value, sizeof number->value);
	return 1;
}

Boolean CFEqual(CFTypeRef a, CFTypeRef b)
{
	return a == b;
}

void CFRelease(CFTypeRef x)
{
	if (!x)
		abort(); /* as Apple's does */
	fake.live--;
}

CFTypeRef IOServiceMatching(const char *name)
{
	return strcmp(name, "AGXAccelerator") ? NULL : &matching;
}

io_service_t IOServiceGetMatchingService(mach_port_t port, CFTypeRef what)
{
	if (port || what != &matching)
		abort();
	if (fake.no_registry)
		return 0;
	fake.live++;
	return 77;
}

CFTypeRef IORegistryEntryCreateCFProperty(io_service_t entry, CFStringRef key, CFAllocatorRef allocator,
					  uint32_t options)
{
	if (entry != 77 || allocator || options || strcmp(key->text, "gpu-core-count"))
		abort();
	fake.live++;
	core_count.value = fake.cores;
	return &core_count;
}

int IOObjectRelease(io_object_t object)
{
	if (object != 77)
		abort();
	fake.live--;
	return 0;
}

CFTypeRef IOPSCopyPowerSourcesInfo(void)
{
	fake.live++;
	return &power_sources;
}

CFStringRef IOPSGetProvidingPowerSourceType(CFTypeRef sources)
{
	if (sources != &power_sources)
		abort();
	return fake_cf_string(fake.battery ? "Battery Power" : "AC Power");
}

int sysctlbyname(const char *name, void *old, size_t *old_size, void *new_, size_t new_size)
{
	const char *text = NULL;

	if (new_ || new_size)
		abort();
	if (!strcmp(name, "hw.memsize") && *old_size == sizeof fake.ram_B) {
		memcpy(old, &fake.ram_B, sizeof fake.ram_B);
		return 0;
	}
	if (!strcmp(name, "machdep.cpu.brand_string"))
		text = fake.chip;
	if (!strcmp(name, "kern.osversion"))
		text = "25A123";
	if (!strcmp(name, "kern.osproductversion"))
		text = fake.macos >= 26 ? "26.2" : fake.macos >= 15 ? "15.6" : "14.7";
	if (!text || strlen(text) >= *old_size)
		return -1;
	strcpy(old, text);
	*old_size = strlen(text) + 1;
	return 0;
}
