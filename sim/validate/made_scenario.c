/* made_scenario.c - see made_scenario.h. */
#include "sim/validate/made_scenario.h"

#include <string.h>

#include "sim/base/str.h"
#include "sim/family/report_rows.h"

bool made_scenario_is_file(const struct validate_ask *ask)
{
	const struct yml *schema;

	if (ask->made || ask->subjects.n != 1 || !str_ends(ask->subjects.at[0], ".yaml"))
		return ask->made != NULL;
	schema = load_schema(ask->loader, ask->subjects.at[0]);
	return !schema || !strcmp(schema->text, SCENARIO_SCHEMA);
}

static int find_model(const struct validate_ask *ask, const char *named, struct made_scenario *m,
		      struct err *err)
{
	struct model_shelf shelf = {.loader = ask->loader};
	const struct run run = {.model = named};
	struct named_model found;
	enum run_column column;

	m->model = ask->models.n ? ask->models.at[0] : NULL;
	if (m->model)
		return catalogue_model_typed(ask->loader, &m->model, err) ? 0 : -1;
	if (!named) {
		err_set(err, "%s: it does not say which model ran", ask->from.at[0]);
		return err_hint(err, "--model NAME; 'lemursim list' has the names");
	}
	if (run_model(&shelf, &run, &found, &column, err) != 0)
		return -1;
	m->model = found.name;
	return 0;
}

/* SGLang runs kernels of the kind that vLLM does (FlashAttention, FlashInfer, CUDA graphs), which llama.cpp's are not. */
static const char *stand_in(struct loader *l, const char *machine, const char *tool)
{
	struct catalogue_device d;
	const struct profile *p;

	if (strcmp(tool, "sglang") != 0 || catalogue_machine_load(l, machine, NULL, &d) != 0)
		return NULL;
	p = report_named_runtime(d.device, "vllm");
	return p ? p->origin.name : NULL;
}

/* As its name says, "Qwen3-32B-FP8". */
const char *made_scenario_weights(struct arena *a, const char *model)
{
	const struct run row = {.model = model};
	const int mix = model ? run_named_weights(a, &row, NULL) : MIX_N;

	return mix < MIX_N ? mix_names[mix] : NULL;
}

int made_scenario_begin(const struct validate_ask *ask, const char *tool, const char *model,
			struct made_scenario *m, struct texts *notes, struct err *err)
{
	struct arena *a = ask->loader->arena;
	const char *machine = ask->subjects.n ? ask->subjects.at[0] : NULL, *own, *runtime, *other, *note;
	struct run row = {.tool = tool};
	const struct runs runs = {.at = &row, .n = 1};
	struct catalogue_device d;

	*m = (struct made_scenario){.machine = machine,
				    .weights = ask->weights ? ask->weights : made_scenario_weights(a, model)};
	if (ask->subjects.n != 1) {
		err_set(err, "%s: on which machine did it run?", ask->from.at[0]);
		return err_hint(err, "lemursim validate MACHINE --from FILE, or explain FILE --on MACHINE");
	}
	own = report_runtime(ask->loader, machine, &runs, MIX_N);
	runtime = ask->runtime ? ask->runtime : own;
	other = runtime ? NULL : stand_in(ask->loader, machine, tool);
	m->kin = other || (ask->runtime && !own);
	m->foreign = !runtime && !other;
	if (catalogue_device_load(ask->loader, machine, NULL, runtime ? runtime : other, &d) != 0 ||
	    find_model(ask, model, m, err) != 0)
		return -1;
	m->runtime = d.profile->origin.name;
	m->compute = dtype_names[d.compute];
	m->large = d.machine->memory.capacity.value >= 70.0 * 1024 * 1024 * 1024 &&
		   !strstr(d.machine->origin.name, "a100");
	if (runtime)
		return 0;
	m->runtime = runtime_undated(a, m->runtime); /* its latest */
	note = arena_printf(
		a, "%s was not measured on %s: its profile of %s stands in; --runtime chooses another", tool,
		machine, m->runtime);
	*notes = texts_join(a, notes, &note, 1);
	return 0;
}

struct validate_ask made_scenario_ask(const struct validate_ask *ask, const struct made_scenario *m)
{
	struct arena *a = ask->loader->arena;
	struct validate_ask made = *ask;
	const char **subject = arena_alloc(a, sizeof *subject);
	const bool bf16 = !strcmp(m->compute, "bf16");

	*subject = arena_printf(a, "%s as a scenario", ask->from.at[0]);
	made.made = arena_printf(a,
				 "schema: " SCENARIO_SCHEMA "\n"
				 "title: a report on one machine\n"
				 "model: %s\n"
				 "precision: {weights: %s, kv: %s, compute: %s}\n"
				 "runtime: %s\n"
				 "machines: {m: %s}\n"
				 "workload: %s\n"
				 "assignments:\n"
				 "  - {name: %s, place: [{on: m}]%s%s}\n",
				 m->model, m->weights,
				 m->kv  ? m->kv
				 : bf16 ? "bf16"
					: "f16",
				 m->compute, m->runtime, m->machine, m->workload, m->machine,
				 m->assignment ? ", " : "", m->assignment ? m->assignment : "");
	made.subjects = (struct texts){subject, 1};
	made.models = (struct texts){NULL, 0};
	made.runtime = made.weights = NULL;
	return made;
}
