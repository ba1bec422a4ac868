/* search_paths.c - see search_paths.h. */
#include "sim/lib/search_paths.h"

#include <stdlib.h>

#ifndef SHARE
#define SHARE "/usr/local/share/lemursim"
#endif

/* The folders of LEMURSIM_PATH, with colons between them. */
static struct texts environment_paths(struct arena *a)
{
	const char *said = getenv("LEMURSIM_PATH");
	const struct texts all = texts_cut(a, said ? said : "", ':');
	struct texts paths = {arena_array(a, all.n + 1, sizeof *paths.at), 0};

	for (size_t i = 0; i < all.n; i++)
		if (*all.at[i])
			paths.at[paths.n++] = all.at[i];
	return paths;
}

struct texts search_paths(struct arena *a, const struct texts *said, const char *checkout)
{
	const char *const share[] = {checkout ? checkout : SHARE, SHARE};
	const struct texts environment = environment_paths(a);
	const struct texts first = texts_join(a, said, environment.at, environment.n);

	return texts_join(a, &first, share, checkout ? 2 : 1);
}
