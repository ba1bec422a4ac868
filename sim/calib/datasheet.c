/* datasheet.c - see datasheet.h. */
#include "sim/calib/datasheet.h"

#include <string.h>

#include "sim/base/file.h"
#include "sim/base/provenance.h"
#include "sim/base/str.h"
#include "sim/base/csv.h"
#include "sim/hw/hw.h"

enum { FILE_MAX = 1 << 20 };

/* Keys and the dimension of their values; DIM_N: text. */
static const struct {
	const char *key;
	enum dim dim;
} keys[] = {
	{"base", DIM_N},
	{"title", DIM_N},
	{"chip", DIM_N},
	{"device", DIM_N},
	{"runtime", DIM_N},
	{"version", DIM_N},
	{"note", DIM_N},
	{"cores", DIM_COUNT},
	{"clock", DIM_FREQUENCY},
	{"memory.capacity", DIM_BYTES},
	{"memory.usable", DIM_BYTES},
	{"memory.bandwidth", DIM_BANDWIDTH},
	{"price", DIM_MONEY},
	{"idle_power", DIM_POWER},
	{"active_power", DIM_POWER},
	{"peak_f32", DIM_FLOPS},
	{"peak_f16", DIM_FLOPS},
	{"peak_bf16", DIM_FLOPS},
	{"run_to_run", DIM_SHARE},
	{"overhead.kernel", DIM_TIME},
	{"overhead.product", DIM_TIME},
	{"overhead.attention", DIM_TIME},
	{"overhead.step", DIM_TIME},
	{"overhead.token", DIM_TIME},
	{"overhead.mask", DIM_TIME},
	{"overhead.logits", DIM_BANDWIDTH},
	{"overhead.norm", DIM_TIME},
	{"overhead.unlike", DIM_TIME},
	{"overhead.host", DIM_TIME},
	{"overhead.host_training", DIM_TIME},
	{"overhead.replays", DIM_N},
	{"norm.kernels", DIM_COUNT},
	{"norm.passes", DIM_COUNT},
	{"rope.kernels", DIM_COUNT},
	{"rope.passes", DIM_COUNT},
	{"kv_append.kernels", DIM_COUNT},
	{"kv_append.passes", DIM_COUNT},
	{"kv_repeat.kernels", DIM_COUNT},
	{"kv_repeat.passes", DIM_COUNT},
	{"scores.kernels", DIM_COUNT},
	{"linear.kernels", DIM_COUNT},
	{"linear.passes", DIM_COUNT},
	{"linear.path", DIM_N},
	{"scores.passes", DIM_COUNT},
	{"chunk", DIM_N},
	{"chunks_overlap", DIM_N},
	{"activation.kernels", DIM_COUNT},
	{"activation.passes", DIM_COUNT},
	{"residual.kernels", DIM_COUNT},
	{"residual.passes", DIM_COUNT},
	{"route.kernels", DIM_COUNT},
	{"route.passes", DIM_COUNT},
	{"combine.kernels", DIM_COUNT},
	{"combine.passes", DIM_COUNT},
	{"all_logits", DIM_N},
	{"expert_calls", DIM_N},
	{"honours", DIM_N},
	{"train_copies", DIM_N},
};

static const char *text_or_null(const char *text)
{
	return *text ? text : NULL;
}

static int check_row(const struct datasheet *sheet, const struct datasheet_row *row, struct err *err)
{
	const char *names[ARRAY_LEN(keys)];
	struct err why = ERR_INIT;
	double ignored;
	size_t i = 0;

	while (i < ARRAY_LEN(keys) && strcmp(keys[i].key, row->key))
		i++;
	if (i == ARRAY_LEN(keys)) {
		for (size_t j = 0; j < i; j++)
			names[j] = keys[j].key;
		err_set(err, "%s:%d: unknown key '%.60s'", sheet->path, row->line, row->key);
		err_hint_names(err, row->key, names, i);
		return -1;
	}
	for (size_t j = 0; sheet->at + j < row; j++)
		if (!strcmp(sheet->at[j].key, row->key))
			return err_set(err, "%s:%d: '%s' is given twice, first at line %d", sheet->path,
				       row->line, row->key, sheet->at[j].line);
	if (row->provenance && strcmp(row->provenance, "measured") &&
	    strcmp(row->provenance, "interpolated") && strcmp(row->provenance, "transferred") &&
	    strcmp(row->provenance, "datasheet"))
		return err_set(err, "%s:%d: unknown 'how': '%.40s'", sheet->path, row->line, row->provenance);
	if (!*row->value ||
	    (keys[i].dim != DIM_N && units_parse(row->value, keys[i].dim, &ignored, &why) != 0) ||
	    (row->sd && units_parse(row->sd, keys[i].dim, &ignored, &why) != 0))
		return err_set(err, "%s:%d: %s: %s", sheet->path, row->line, row->key,
			       why.msg[0] ? why.msg : "the value is missing");
	return 0;
}

int datasheet_read(struct arena *a, const char *path, struct datasheet *sheet, struct err *err)
{
	struct datasheet_row *at;
	struct csv csv = {0};
	char *text;
	size_t len;

	if (file_read(a, path, FILE_MAX, &text, &len, err) != 0 || csv_read(a, path, text, &csv, err) != 0)
		return -1;
	if (csv_column(&csv, "key") == (size_t)-1 || csv_column(&csv, "value") == (size_t)-1)
		return err_set(err, "%s: it has no columns 'key' and 'value'", path);
	at = arena_array(a, csv.n, sizeof *at);
	*sheet = (struct datasheet){path, at, csv.n};
	for (size_t i = 0; i < csv.n; i++) {
		const struct csv_row *row = &csv.rows[i];

		at[i] = (struct datasheet_row){.key = csv_get(&csv, row, "key"),
					       .value = csv_get(&csv, row, "value"),
					       .sd = text_or_null(csv_get(&csv, row, "sd")),
					       .n = text_or_null(csv_get(&csv, row, "n")),
					       .provenance = text_or_null(csv_get(&csv, row, "how")),
					       .source = text_or_null(csv_get(&csv, row, "source")),
					       .line = row->line};
		if (check_row(sheet, &at[i], err) != 0)
			return -1;
	}
	return 0;
}

const struct datasheet_row *datasheet_find(const struct datasheet *sheet, const char *key)
{
	for (size_t i = 0; sheet && i < sheet->n; i++)
		if (!strcmp(sheet->at[i].key, key))
			return &sheet->at[i];
	return NULL;
}

bool datasheet_value(const struct datasheet *sheet, const char *key, enum dim dim, double *value)
{
	const struct datasheet_row *row = datasheet_find(sheet, key);
	struct err ignored = ERR_INIT;

	return row && units_parse(row->value, dim, value, &ignored) == 0;
}

static const char *text_of(struct arena *a, const struct qty *q, enum dim dim)
{
	struct str s = STR_INIT;
	const char *text;

	units_format(&s, q->value, dim, 9);
	text = arena_strdup(a, s.text);
	str_release(&s);
	return text;
}

static void inherit(struct arena *a, struct datasheet *sheet, const struct machine *base, const char *key,
		    const struct qty *q, enum dim dim)
{
	struct datasheet_row *at;

	if (!q->given || datasheet_find(sheet, key))
		return;
	at = arena_array(a, sheet->n + 1, sizeof *at);
	if (sheet->n)
		memcpy(at, sheet->at, sheet->n * sizeof *at);
	at[sheet->n] = (struct datasheet_row){.key = key,
					      .value = text_of(a, q, dim),
					      .provenance = provenance_names[q->provenance],
					      .source = arena_printf(a, "of the base, %s%s%s", base->title,
								     q->source ? ": " : "",
								     q->source ? q->source : "")};
	sheet->at = at;
	sheet->n++;
}

void datasheet_inherit(struct arena *a, struct datasheet *sheet, const struct machine *base,
		       const char *device, const bool *measured)
{
	static const char *const peaks[DTYPE_N] = {"peak_f32", "peak_f16", "peak_bf16"};
	const struct device *d = base->devices.at, *of = d;

	inherit(a, sheet, base, "memory.capacity", &base->memory.capacity, DIM_BYTES);
	inherit(a, sheet, base, "memory.usable", &base->memory.usable, DIM_BYTES);
	inherit(a, sheet, base, "memory.bandwidth", &base->memory.bandwidth, DIM_BANDWIDTH);
	for (size_t i = 0; i < base->devices.n; i++)
		of = device && !strcmp(d[i].origin.name, device) ? &d[i] : of;
	for (int t = 0; t < DTYPE_N && of; t++)
		if (measured[t])
			inherit(a, sheet, base, peaks[t], &of->peak[t], DIM_FLOPS);
}
