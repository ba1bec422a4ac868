/* mac_id.c - see mac_id.h. */
#include "sim/ask/mac_id.h"

#include <string.h>
#include <strings.h>

#include "sim/base/err.h"

/* Apple, support.apple.com: identify your MacBook Air (102869), MacBook Pro (108052), Mac mini (102852), iMac (108054), Mac Studio
 * (102231), Mac Pro (102887); those with chips of Apple's. */
static const struct mac {
	const char *id, *words;
} macs[] = {
	{"MacBookAir10,1", "MacBook Air M1"},
	{"MacBookPro17,1", "MacBook Pro M1"},
	{"Macmini9,1", "Mac mini M1"},
	{"iMac21,1", "iMac M1"},
	{"iMac21,2", "iMac M1"},
	{"MacBookPro18,1", "MacBook Pro M1 Pro"},
	{"MacBookPro18,2", "MacBook Pro M1 Max"},
	{"MacBookPro18,3", "MacBook Pro M1 Pro"},
	{"MacBookPro18,4", "MacBook Pro M1 Max"},
	{"Mac13,1", "Mac Studio M1 Max"},
	{"Mac13,2", "Mac Studio M1 Ultra"},
	{"Mac14,2", "MacBook Air M2"},
	{"Mac14,3", "Mac mini M2"},
	{"Mac14,5", "MacBook Pro M2 Max"},
	{"Mac14,6", "MacBook Pro M2 Max"},
	{"Mac14,7", "MacBook Pro M2"},
	{"Mac14,8", "Mac Pro M2 Ultra"},
	{"Mac14,9", "MacBook Pro M2 Pro"},
	{"Mac14,10", "MacBook Pro M2 Pro"},
	{"Mac14,12", "Mac mini M2 Pro"},
	{"Mac14,13", "Mac Studio M2 Max"},
	{"Mac14,14", "Mac Studio M2 Ultra"},
	{"Mac14,15", "MacBook Air M2"},
	{"Mac15,3", "MacBook Pro M3"},
	{"Mac15,4", "iMac M3"},
	{"Mac15,5", "iMac M3"},
	{"Mac15,6", "MacBook Pro M3 Pro"},
	{"Mac15,7", "MacBook Pro M3 Pro"},
	{"Mac15,8", "MacBook Pro M3 Max"},
	{"Mac15,9", "MacBook Pro M3 Max"},
	{"Mac15,10", "MacBook Pro M3 Max"},
	{"Mac15,11", "MacBook Pro M3 Max"},
	{"Mac15,12", "MacBook Air M3"},
	{"Mac15,13", "MacBook Air M3"},
	{"Mac15,14", "Mac Studio M3 Ultra"},
	{"Mac16,1", "MacBook Pro M4"},
	{"Mac16,2", "iMac M4"},
	{"Mac16,3", "iMac M4"},
	{"Mac16,5", "MacBook Pro M4 Max"},
	{"Mac16,6", "MacBook Pro M4 Max"},
	{"Mac16,7", "MacBook Pro M4 Pro"},
	{"Mac16,8", "MacBook Pro M4 Pro"},
	{"Mac16,9", "Mac Studio M4 Max"},
	{"Mac16,10", "Mac mini M4"},
	{"Mac16,11", "Mac mini M4 Pro"},
	{"Mac16,12", "MacBook Air M4"},
	{"Mac16,13", "MacBook Air M4"},
	{"Mac17,2", "MacBook Pro M5"},
};

static const char digits[] = "0123456789";

/* The length of what has the form of an identifier here; 0: nothing has. */
static size_t id_length(const char *s)
{
	static const char *const families[] = {"MacBookAir", "MacBookPro", "Macmini", "iMac", "Mac"};

	for (size_t i = 0; i < ARRAY_LEN(families); i++) {
		const size_t name = strlen(families[i]);
		size_t major, minor;

		if (strncasecmp(s, families[i], name) != 0)
			continue;
		major = strspn(s + name, digits);
		if (!major || s[name + major] != ',')
			continue;
		minor = strspn(s + name + major + 1, digits);
		if (minor && strchr(" \t,", s[name + major + 1 + minor])) /* or its end */
			return name + major + 1 + minor;
	}
	return 0;
}

const char *mac_id_in_words(struct arena *a, const char *text)
{
	const char *from = text + strspn(text, " \t");
	const size_t n = id_length(from);

	for (size_t i = 0; n && i < ARRAY_LEN(macs); i++)
		if (strlen(macs[i].id) == n && !strncasecmp(macs[i].id, from, n))
			return arena_printf(a, "%s%s", macs[i].words, from + n);
	return text;
}

struct texts mac_id_cut(struct arena *a, const char *text)
{
	const struct texts parts = texts_cut(a, text, ',');
	struct texts all = {0};

	for (size_t i = 0; i < parts.n; i++) {
		const char *whole = parts.at[i], *both;

		if (i + 1 < parts.n) {
			both = arena_printf(a, "%s,%s", whole, parts.at[i + 1]);
			if (id_length(both + strspn(both, " \t"))) {
				whole = both;
				i++;
			}
		}
		all = texts_join(a, &all, &whole, 1);
	}
	return all;
}
