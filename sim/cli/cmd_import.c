/* cmd_import.c - lemursim import FILE: a model file from a config.json, a GGUF or safetensors. */
#include <stdio.h>

#include "sim/cli/cmd.h"
#include "sim/import/import.h"

/* What was found, and what is not modelled: on stderr, so that the file can go to stdout. */
static void tell(const struct import_result *r)
{
	const struct described *d = &r->described;

	for (int c = 0; c < CLASS_N && r->tensors_n; c++)
		if (r->sums.bytes[c] > 0)
			fprintf(stderr, "  %-24s %14.0f weights %14.0f bytes\n", tensor_class_names[c],
				r->sums.numbers[c], r->sums.bytes[c]);
	if (r->short_B)
		fprintf(stderr, "warning: %.4g GB of tensors are missing: only the headers were read\n",
			(double)r->short_B / 1e9);
	if (r->file_type)
		fprintf(stderr, "  as %s: %+.3f %%\n", r->file_type, 100 * r->off);
	for (size_t i = 0; i < d->notes_n; i++)
		fprintf(stderr, "warning: not modelled: %s\n", d->notes[i]);
}

int cmd_import(const struct opts *o)
{
	const struct import_ask ask = {o->files.at[0], o->facts, "lemursim " VERSION};
	struct import_result r;
	struct session s;
	struct err err = ERR_INIT;
	int rc;

	session_begin(&s, o);
	if (import_model(&s.loader, &ask, &r, &err) == 0) {
		tell(&r);
		rc = deliver(o, &r.text);
		if (rc == EXIT_FINE && o->out)
			printf("written: %s\n", o->out);
	} else if (s.diags.total) {
		rc = session_complain(&s);
	} else {
		rc = complain(&err, EXIT_USAGE);
	}
	str_release(&r.text);
	session_end(&s);
	return rc;
}
