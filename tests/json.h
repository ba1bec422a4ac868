/* json.h - a strict checker of JSON, for tests of what writes it. */
#ifndef TESTS_JSON_H
#define TESTS_JSON_H
#include <stdbool.h>

bool json_is_valid(const char *text);

#endif
