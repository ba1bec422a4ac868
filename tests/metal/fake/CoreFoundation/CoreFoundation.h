/* CoreFoundation.h - the few calls of Apple's that kernels/metal/mac.c makes; see fake_mac.c. */
#ifndef FAKE_CF_H
#define FAKE_CF_H
#include <stdint.h>

typedef const void *CFTypeRef;
typedef const struct fake_cf_string *CFStringRef;
typedef const struct fake_cf_number *CFNumberRef;
typedef const void *CFAllocatorRef;
typedef unsigned long CFTypeID;
typedef unsigned char Boolean;
enum { kCFNumberSInt64Type = 4 };
#define kCFAllocatorDefault ((CFAllocatorRef)0)
#define CFSTR(text)         fake_cf_string(text)

CFStringRef fake_cf_string(const char *text);
CFTypeID CFGetTypeID(CFTypeRef x);
CFTypeID CFNumberGetTypeID(void);
Boolean CFNumberGetValue(CFNumberRef number, long type, void *value);
Boolean CFEqual(CFTypeRef a, CFTypeRef b);
void CFRelease(CFTypeRef x);
#endif
