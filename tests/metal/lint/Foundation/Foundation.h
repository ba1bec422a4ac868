/*
 * Foundation.h - just enough of Apple's to check host.m and gpu.m for the Mac's own target with ARC, on Linux:
 * declarations only, nothing runs. Availability marks are Apple's, where we guard.
 */
#ifndef LINT_FOUNDATION_H
#define LINT_FOUNDATION_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define LINT_SINCE(version)         __attribute__((availability(macos, introduced = version)))
#define __MAC_OS_X_VERSION_MAX_ALLOWED 260000
typedef signed char BOOL; /* bool on arm64; the difference does not matter here */
#define YES ((BOOL)1)
#define NO  ((BOOL)0)
#define nil ((id)0)
typedef long NSInteger;
typedef unsigned long NSUInteger;
@class NSString;

@protocol NSObject
- (oneway void)release;
@end
__attribute__((objc_root_class)) @interface NSObject<NSObject>
+ (instancetype)new;
+ (instancetype)alloc;
- (instancetype)init;
@end
@interface NSString : NSObject
+ (NSString *)stringWithUTF8String:(const char *)text;
- (const char *)UTF8String;
@end
@interface NSError : NSObject
- (NSString *)localizedDescription;
- (NSInteger)code;
@end
@protocol NSCopying
@end
@interface NSString () <NSCopying>
@end
@interface NSMutableDictionary : NSObject
- (id)objectForKey:(id)key;
- (void)setObject:(id)object forKey:(id<NSCopying>)key;
@end
@interface NSMutableArray : NSObject
- (id)objectAtIndex:(NSUInteger)index;
- (void)addObject:(id)object;
@end
@interface NSProcessInfo : NSObject
+ (NSProcessInfo *)processInfo;
@end
#endif
