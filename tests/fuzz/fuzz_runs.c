/* fuzz_runs.c - any bytes as a file of runs and as a file of samples: rows that make sense, or an error. */
#include "tests/fuzz/fuzz.h"

#include <gsl/gsl_errno.h>
#include <string.h>

#include "sim/runs/ingest.h"
#include "sim/calib/profile.h"
#include "sim/calib/samples_csv.h"

static void as_runs(struct arena *a, const char *text, size_t len)
{
	struct runs r = {.n = 0};
	struct err err = ERR_INIT;

	if (runs_parse(a, "f", text, len, &r, &err) != 0) {
		BUG_ON(!err.msg[0] || r.n);
		return;
	}
	BUG_ON(err.msg[0] || !r.n);
	for (size_t i = 0; i < r.n; i++) {
		BUG_ON(!(r.at[i].seconds > 0) || r.at[i].prompt < 0 || r.at[i].gen < 0 || r.at[i].batch < 1);
		run_name(a, &r.at[i]);
	}
	runs_one_model(&r, &err);
}

static void as_samples(struct arena *a, const char *text)
{
	struct sample_set set;
	struct str out = STR_INIT;
	struct err err = ERR_INIT;

	if (samples_csv_read(a, "f", text, &set, &err) == 0 && set.n <= 64) {
		if (profile_write(&set, NULL, "f", &out, &err) != 0)
			BUG_ON(!err.msg[0] || out.len);
	} else {
		BUG_ON(set.n <= 64 && !err.msg[0]);
	}
	str_release(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena arena = ARENA_INIT;
	const char *text = arena_strndup(&arena, (const char *)data, size);

	gsl_set_error_handler_off();
	as_runs(&arena, text, size);
	as_samples(&arena, text);
	arena_release(&arena);
	return 0;
}
