/*
 * result_json.c - a result as JSON, schema lemursim/result/1: others rely on the keys, so none is ever
 * renamed.
 *
 * Layer report. What does not apply is absent, not zero and not null.
 */
#include <inttypes.h>
#include <math.h>

#include "sim/base/jsonw.h"
#include "sim/conf/field.h"
#include "sim/report/writers.h"

static const char schema[] = "lemursim/result/1";

/* A member whose value is JSON already. Only after another member: it writes its own comma. */
static void add_raw(struct jsonw *w, const char *key, const char *json)
{
	str_add(w->out, ",");
	if (w->indent) {
		str_add(w->out, "\n");
		str_pad(w->out, ' ', (size_t)w->indent * (size_t)w->depth);
	}
	str_addf(w->out, "\"%s\":%s%s", key, w->indent ? " " : "", json);
}

/* The effective configuration, on one line. */
static void add_config(struct jsonw *w, const struct yml *config)
{
	struct str text = STR_INIT;
	struct jsonw json;

	jsonw_init(&json, &text, 0);
	field_json(config, &json);
	add_raw(w, "config", text.text);
	str_release(&text);
}

static void add_metrics(struct jsonw *w, const struct assignment_row *row)
{
	jsonw_key(w, "metrics");
	jsonw_object(w);
	for (size_t i = 0; i < row->metrics_n; i++) {
		const struct metric *m = &row->metrics[i];

		if (!isfinite(m->value))
			continue;
		jsonw_key(w, m->name);
		jsonw_object(w);
		jsonw_key_number(w, "value", m->value);
		if (isfinite(m->lo) && isfinite(m->hi)) {
			jsonw_key_number(w, "lo", m->lo);
			jsonw_key_number(w, "hi", m->hi);
		}
		if (m->ci > 0)
			jsonw_key_number(w, "ci", m->ci);
		if (m->best) {
			jsonw_key(w, "difference");
			jsonw_object(w);
			jsonw_key_string(w, "to", m->best);
			jsonw_key_number(w, "value", m->difference);
			jsonw_key_number(w, "ci", m->difference_ci);
			jsonw_end(w);
		}
		jsonw_key_string(w, "unit", m->unit ? m->unit : "");
		jsonw_key_string(w, "from", provenance_names[m->from]);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void add_memory(struct jsonw *w, const struct assignment_row *row)
{
	jsonw_key(w, "memory");
	jsonw_array(w);
	for (size_t i = 0; i < row->memory_n; i++) {
		const struct memory_row *m = &row->memory[i];

		jsonw_object(w);
		jsonw_key_string(w, "machine", m->machine);
		jsonw_key_text(w, "phase", m->phase);
		jsonw_key_number(w, "need_B", m->need_B);
		jsonw_key_number(w, "usable_B", m->usable_B);
		jsonw_key_number(w, "weights_B", m->weights_B);
		jsonw_key_number(w, "kv_B", m->kv_B);
		jsonw_key_number(w, "activations_B", m->activations_B);
		jsonw_key_number(w, "gradients_B", m->gradients_B);
		jsonw_key_number(w, "optimizer_B", m->optimizer_B);
		if (m->disk_B > 0)
			jsonw_key_number(w, "disk_B", m->disk_B);
		if (m->load_B > 0)
			jsonw_key_number(w, "load_B", m->load_B);
		if (m->during) {
			jsonw_key_number(w, "peak_s", m->peak_s);
			jsonw_key_text(w, "during", m->during);
		}
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void add_busy(struct jsonw *w, const struct assignment_row *row)
{
	jsonw_key(w, "busy");
	jsonw_array(w);
	for (size_t i = 0; i < row->busy_n; i++) {
		jsonw_object(w);
		jsonw_key_string(w, "name", row->busy[i].name);
		jsonw_key_text(w, "phase", row->busy[i].phase);
		jsonw_key_number(w, "share", row->busy[i].share);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void add_classes(struct jsonw *w, const struct assignment_row *row)
{
	if (!row->classes_n)
		return;
	jsonw_key(w, "classes");
	jsonw_array(w);
	for (size_t i = 0; i < row->classes_n; i++) {
		jsonw_object(w);
		jsonw_key_string(w, "name", row->classes[i].name);
		add_metrics(w, &row->classes[i]);
		jsonw_end(w);
	}
	jsonw_end(w);
}

static void add_assignment(struct jsonw *w, const struct assignment_row *row)
{
	jsonw_key_string(w, "name", row->name);
	jsonw_key_bool(w, "fits", row->fits);
	if (!row->fits) {
		jsonw_key_number(w, "short_B", row->short_B);
		if (row->short_phase)
			jsonw_key_string(w, "short_phase", row->short_phase);
		jsonw_key_text(w, "short_on", row->short_on);
	}
	jsonw_key_string(w, "bound", row->bound);
	jsonw_key_text(w, "advice", row->advice);
	add_memory(w, row);
	add_busy(w, row);
	add_metrics(w, row);
	add_classes(w, row);
}

static void add_head(struct jsonw *w, const struct result *r)
{
	struct str seed = STR_INIT;

	str_addf(&seed, "%" PRIu64, r->seed); /* jsonw_int() would make a large one negative */
	jsonw_key_string(w, "schema", schema);
	jsonw_key_string(w, "scenario", r->scenario);
	add_raw(w, "seed", seed.text);
	if (r->draws > 0)
		jsonw_key_int(w, "draws", r->draws);
	jsonw_key_string(w, "version", r->version);
	jsonw_key_text(w, "title", r->title);
	if (r->computed)
		jsonw_key_string(w, "computed", r->computed);
	if (r->pareto) {
		jsonw_key_string(w, "goal", r->goal);
		jsonw_key_string(w, "pareto", r->pareto);
	}
	jsonw_key(w, "inputs");
	jsonw_array(w);
	for (size_t i = 0; i < r->inputs_n; i++) {
		jsonw_object(w);
		jsonw_key_string(w, "file", r->inputs[i].file);
		jsonw_key_string(w, "sha256", r->inputs[i].sha256);
		jsonw_end(w);
	}
	jsonw_end(w);
	str_release(&seed);
}

void result_json(struct str *out, const struct result *r)
{
	struct jsonw w;

	jsonw_init(&w, out, 2);
	jsonw_object(&w);
	add_head(&w, r);
	jsonw_key(&w, "assignments");
	jsonw_array(&w);
	for (size_t i = 0; i < r->rows_n; i++) {
		jsonw_object(&w);
		add_assignment(&w, &r->rows[i]);
		jsonw_end(&w);
	}
	jsonw_end(&w);
	if (r->notes_n) {
		jsonw_key(&w, "notes");
		jsonw_array(&w);
		for (size_t i = 0; i < r->notes_n; i++)
			jsonw_string(&w, r->notes[i].text);
		jsonw_end(&w);
	}
	if (r->config)
		add_config(&w, r->config);
	jsonw_end(&w);
	str_add(out, "\n");
}

void result_jsonl(struct str *out, const struct result *r)
{
	for (size_t i = 0; i < r->rows_n; i++) {
		struct jsonw w;

		jsonw_init(&w, out, 0);
		jsonw_object(&w);
		add_head(&w, r);
		add_assignment(&w, &r->rows[i]);
		jsonw_end(&w);
		str_add(out, "\n");
	}
}
