/* IOKitLib.h - see fake_mac.c. */
#ifndef FAKE_IOKIT_H
#define FAKE_IOKIT_H
#include <CoreFoundation/CoreFoundation.h>

typedef unsigned int io_service_t, io_object_t, mach_port_t;
CFTypeRef IOServiceMatching(const char *name);
io_service_t IOServiceGetMatchingService(mach_port_t port, CFTypeRef matching); /* consumes `matching` */
CFTypeRef IORegistryEntryCreateCFProperty(io_service_t entry, CFStringRef key, CFAllocatorRef allocator,
					  uint32_t options);
int IOObjectRelease(io_object_t object);
#endif
