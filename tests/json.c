/* json.c - see json.h. */
#include "tests/json.h"

#include <ctype.h>
#include <string.h>

#include "sim/base/err.h"
#include "sim/base/str.h"

/* Each of these returns the end of what it reads, or NULL. */
static const char *json_value(const char *s);

static const char *json_space(const char *s)
{
	return s + strspn(s, " \t\r\n");
}

static const char *json_string(const char *s)
{
	if (*s++ != '"')
		return NULL;
	for (; *s != '"'; s++) {
		if ((unsigned char)*s < 0x20)
			return NULL;
		if (*s == '\\' && !strchr("\"\\/bfnrtu", *++s))
			return NULL;
	}
	return s + 1;
}

static const char *json_number(const char *s)
{
	s += *s == '-';
	if (!isdigit((unsigned char)*s) || (*s == '0' && isdigit((unsigned char)s[1])))
		return NULL;
	s += strspn(s, "0123456789");
	if (*s == '.') {
		if (!isdigit((unsigned char)s[1]))
			return NULL;
		s += 1 + strspn(s + 1, "0123456789");
	}
	if (*s == 'e' || *s == 'E') {
		s += 1 + (s[1] == '-' || s[1] == '+');
		if (!isdigit((unsigned char)*s))
			return NULL;
		s += strspn(s, "0123456789");
	}
	return s;
}

static const char *json_members(const char *s, char end)
{
	s = json_space(s + 1);
	if (*s == end)
		return s + 1;
	for (;;) {
		if (end == '}') {
			s = json_string(s);
			if (!s || *(s = json_space(s)) != ':')
				return NULL;
			s = json_space(s + 1);
		}
		s = json_value(s);
		if (!s)
			return NULL;
		s = json_space(s);
		if (*s == end)
			return s + 1;
		if (*s != ',')
			return NULL;
		s = json_space(s + 1);
	}
}

static const char *json_value(const char *s)
{
	static const char *const words[] = {"true", "false", "null"};

	if (*s == '{' || *s == '[')
		return json_members(s, *s == '{' ? '}' : ']');
	if (*s == '"')
		return json_string(s);
	for (size_t i = 0; i < ARRAY_LEN(words); i++)
		if (str_starts(s, words[i]))
			return s + strlen(words[i]);
	return json_number(s);
}

bool json_is_valid(const char *text)
{
	const char *end = json_value(json_space(text));

	return end && !*json_space(end);
}
