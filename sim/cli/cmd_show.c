/* cmd_show.c - lemursim show SCENARIO: the effective configuration, each value with where it came from. */
#include <stdio.h>

#include "sim/cli/cmd.h"

int cmd_show(const struct opts *o)
{
	struct str out = STR_INIT;
	struct session s;
	const struct world *w;
	int rc = EXIT_USAGE;

	session_begin(&s, o);
	w = session_world(&s, o, o->files.at[0]);
	if (w) {
		field_show(w->tree, &out);
		rc = deliver(o, &out);
	}
	session_end(&s);
	str_release(&out);
	return rc;
}
