/* scenario_settings.c - how a row ran, held against where a scenario has the model run; see scenario_rows.h. */
#include <stdlib.h>
#include <string.h>

#include "sim/base/str.h"
#include "sim/family/report_backends.h"
#include "sim/family/report_rows.h"
#include "sim/validate/scenario_rows.h"

/* --- what a scenario has -------------------------------------------------------------------------- */

static bool is_cpu(const struct unit *u)
{
	return str_starts(u->device->origin.name, "cpu");
}

/* "m5.gpu", or its machine, whose first device it is. */
static bool names_unit(const struct world *w, const struct unit *u, const char *name)
{
	const size_t n = strcspn(u->name, ".");
	const bool first = u->device == w->machines[u->machine].devices.at;

	return !strcmp(name, u->name) || (first && strlen(name) == n && !strncmp(name, u->name, n));
}

static bool rules_name(const struct world *w, const struct unit *u, const struct assignment *a)
{
	const struct rule *rules = a->place.at;

	for (size_t k = 0; k < a->place.n; k++)
		for (size_t j = 0; j < rules[k].on.n; j++)
			if (names_unit(w, u, ((const char *const *)rules[k].on.at)[j]))
				return true;
	return a->offload && names_unit(w, u, a->offload->to);
}

/* By some assignment. */
static bool is_placed(const struct world *w, const struct unit *u)
{
	const struct assignment *all = w->scenario->assignments.at;

	for (size_t i = 0; i < w->scenario->assignments.n; i++)
		if (rules_name(w, u, &all[i]))
			return true;
	return false;
}

static size_t placed(const struct world *w, bool cpus)
{
	size_t n = 0;

	for (size_t i = 0; i < w->units_n; i++)
		n += is_cpu(&w->units[i]) == cpus && is_placed(w, &w->units[i]);
	return n;
}

static bool offloads_experts(const struct world *w)
{
	const struct assignment *all = w->scenario->assignments.at;

	for (size_t i = 0; i < w->scenario->assignments.n; i++)
		if (all[i].offload)
			return true;
	return false;
}

/* --- rules ---------------------------------------------------------------------------------------- */

static int check_rpc(struct arena *a, const struct world *w, const char *says, struct err *err)
{
	(void)a;
	return w->machines_n > 1 ? 0
				 : err_set(err, "'%.60s' took part, and the scenario has one machine", says);
}

static bool has_backend(const struct world *w, const char *name)
{
	for (size_t i = 0; i < w->units_n; i++)
		if (w->units[i].profile && !is_cpu(&w->units[i]) &&
		    report_has_backend(w->units[i].profile, name))
			return true;
	return false;
}

static int check_backend(struct arena *a, const struct world *w, const char *says, struct err *err)
{
	const struct texts names = texts_cut(a, says, ',');
	size_t devices = 0;

	for (size_t i = 0; i < names.n; i++) {
		const char *name = names.at[i] + strspn(names.at[i], " ");

		if (str_starts(name, "RPC"))
			return check_rpc(a, w, name, err);
		if (!strcmp(name, "CPU") || !strcmp(name, "BLAS"))
			continue;
		devices++;
		if (!has_backend(w, name))
			return err_set(err, "'%.40s' is no back end of the scenario's runtimes", name);
	}
	return devices || placed(w, true)
		       ? 0
		       : err_set(err, "'%.40s' ran on the CPU, where the scenario places nothing", says);
}

/* The output is a layer of its own to llama.cpp; a negative number is all layers. */
static int check_gpu_layers(struct arena *a, const struct world *w, const char *says, struct err *err)
{
	char *end;
	const long n = strtol(says, &end, 10);

	(void)a;
	if (strstr(says, "CPU/GPU") && !placed(w, true)) /* of `ollama ps`, as "11%/89% CPU/GPU" */
		return err_set(err, "'%.40s': the scenario places nothing on the CPU", says);
	if (strchr(says, '%'))
		return 0;
	if (end == says || *end)
		return err_set(err, "expected a whole number, got '%.40s'", says);
	if (n < 0 || n > w->model->layers || placed(w, true))
		return 0;
	return err_set(
		err,
		"%ld of %lld layers ran on the GPU, the others on the CPU, where the scenario places nothing",
		n, (long long)w->model->layers + 1);
}

static size_t shares_of(const struct texts *parts)
{
	size_t used = 0;

	for (size_t i = 0; i < parts->n; i++)
		used += strtod(parts->at[i], NULL) > 0;
	return used;
}

static int check_number(const struct world *w, size_t devices, const char *says, struct err *err)
{
	const size_t ours = placed(w, false);

	return devices <= ours
		       ? 0
		       : err_set(err, "'%.60s' is of %zu devices, the scenario places the model on %zu", says,
				 devices, ours);
}

static int check_tensor_split(struct arena *a, const struct world *w, const char *says, struct err *err)
{
	const struct texts parts = texts_cut(a, says, '/');

	return check_number(w, shares_of(&parts), says, err);
}

static int check_devices(struct arena *a, const struct world *w, const char *says, struct err *err)
{
	return !strcmp(says, "auto") || !strcmp(says, "none")
		       ? 0
		       : check_number(w, texts_cut(a, says, '/').n, says, err);
}

static int check_split_mode(struct arena *a, const struct world *w, const char *says, struct err *err)
{
	(void)a;
	if (!strcmp(says, "none") || !strcmp(says, "layer") || !strcmp(says, "0") || !strcmp(says, "1") ||
	    placed(w, false) > 1)
		return 0;
	return err_set(err, "'%.40s' splits each layer over several devices, the scenario has one", says);
}

static int check_cpu_experts(struct arena *a, const struct world *w, const char *says, struct err *err)
{
	(void)a;
	if (!(strtod(says, NULL) > 0) || offloads_experts(w) || placed(w, true))
		return 0;
	return err_set(err,
		       "the experts of %.20s layers stayed with the CPU, where the scenario places nothing",
		       says);
}

static int check_overrides(struct arena *a, const struct world *w, const char *says, struct err *err)
{
	(void)a;
	if (!strcmp(says, "none") || offloads_experts(w) || placed(w, true))
		return 0;
	return err_set(err, "'%.60s' puts tensors into other memory than the scenario does", says);
}

static bool is_yes(const char *text)
{
	return !strcmp(text, "1") || !strcmp(text, "true");
}

static int check_kv_host(struct arena *a, const struct world *w, const char *says, struct err *err)
{
	(void)a;
	(void)w;
	return is_yes(says) ? err_set(err, "the KV cache and attention stayed with the CPU") : 0;
}

static int check_embeddings(struct arena *a, const struct world *w, const char *says, struct err *err)
{
	(void)a;
	(void)w;
	return is_yes(says) ? err_set(err, "it made embeddings, not tokens") : 0;
}

static const struct {
	enum run_column column;
	int (*check)(struct arena *a, const struct world *w, const char *says, struct err *err);
} rules[] = {{COLUMN_RPC, check_rpc},
	     {COLUMN_BACKEND, check_backend},
	     {COLUMN_GPU_LAYERS, check_gpu_layers},
	     {COLUMN_DEVICES, check_devices},
	     {COLUMN_TENSOR_SPLIT, check_tensor_split},
	     {COLUMN_SPLIT_MODE, check_split_mode},
	     {COLUMN_CPU_EXPERTS, check_cpu_experts},
	     {COLUMN_OVERRIDES, check_overrides},
	     {COLUMN_KV_HOST, check_kv_host},
	     {COLUMN_EMBEDDINGS, check_embeddings}};

int scenario_settings_check(struct arena *a, const struct world *w, const struct run *run,
			    enum run_column *column, struct err *err)
{
	for (size_t i = 0; i < ARRAY_LEN(rules); i++) {
		const char *says = run->says[rules[i].column];

		*column = rules[i].column;
		if (says && rules[i].check(a, w, says, err) != 0)
			return -1;
	}
	return 0;
}
