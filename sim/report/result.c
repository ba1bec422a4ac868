/* result.c - see result.h. */
#include "sim/report/result.h"

#include "sim/base/err.h"
#include "sim/report/writers.h"

const char *const result_format_names[RESULT_FORMAT_N + 1] = {
	[RESULT_TABLE] = "table", [RESULT_MD] = "md",       [RESULT_CSV] = "csv",
	[RESULT_JSON] = "json",   [RESULT_JSONL] = "jsonl", [RESULT_FORMAT_N] = NULL,
};

void result_write(struct str *out, const struct result *r, enum result_format format, int width)
{
	switch (format) {
	case RESULT_TABLE:
		result_table(out, r, width);
		return;
	case RESULT_MD:
		result_md(out, r);
		return;
	case RESULT_CSV:
		result_csv(out, r);
		return;
	case RESULT_JSON:
		result_json(out, r);
		return;
	case RESULT_JSONL:
		result_jsonl(out, r);
		return;
	case RESULT_FORMAT_N:
		break;
	}
	BUG("no result format %d", (int)format);
}
