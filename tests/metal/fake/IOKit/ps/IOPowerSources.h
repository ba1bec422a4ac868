/* IOPowerSources.h - see fake_mac.c. */
#ifndef FAKE_IOPS_H
#define FAKE_IOPS_H
#include <CoreFoundation/CoreFoundation.h>

CFTypeRef IOPSCopyPowerSourcesInfo(void);
CFStringRef IOPSGetProvidingPowerSourceType(CFTypeRef sources);
#endif
