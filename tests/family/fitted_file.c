/* fitted_file.c - see fitted_file.h. */
#include "tests/family/fitted_file.h"

#include <string.h>

#include "sim/base/file.h"
#include "sim/conf/sources.h"
#include "sim/family/run_weights.h"
#include "tests/suites.h"

const struct run given_runs[GIVEN_RUNS] = {{.kind = RUN_PP, .prompt = 512, .batch = 1, .chunk = 512},
					   {.kind = RUN_TG, .gen = 128, .batch = 1}};

void fitted_write_rows(const char *path, const char *tool, int build, const double seconds[GIVEN_RUNS])
{
	struct str s = STR_INIT;
	struct err err = ERR_INIT;

	str_add(&s, "kind,prompt,gen,chunk,n,tool,build,flash_attn,weights,seconds\n");
	for (size_t i = 0; i < GIVEN_RUNS; i++) {
		const struct run *r = &given_runs[i];

		str_addf(&s, "%s,%lld,%lld,%lld,5,%s,", run_kind_names[r->kind], (long long)r->prompt,
			 (long long)r->gen, (long long)r->chunk, tool);
		str_addf(&s, build ? "%d" : "%.0d", build);
		/* builds after that have flash attention, which llama-bench did not have by default */
		str_addf(&s, ",%s,q4_K_M,%.9g\n", build > 5930 ? "1" : "", seconds[i]);
	}
	ck_assert_int_eq(file_write(path, s.text, s.len, true, &err), 0);
	str_release(&s);
}

struct catalogue_device fitted_read(struct fixture *t, const struct catalogue_device *at, const char *text,
				    const char *runtime)
{
	struct source *source = arena_alloc(&t->arena, sizeof *source);
	struct machine *m = arena_alloc(&t->arena, sizeof *m);
	struct catalogue_device d = *at;
	struct yml *tree;

	*source = (struct source){"./out.yaml", arena_strdup(&t->arena, text), strlen(text)};
	tree = yml_parse(&t->arena, source, &t->diags);
	sources_resolve(&t->arena, tree, &t->diags);
	tree = load_inherit(&t->loader, tree, "hardware", HW_SCHEMA);
	ck_assert_int_eq(field_load(&machine_table, tree, "m", m, &t->diags), 0);
	ck_assert_msg(machine_check(m, &t->diags) == 0, "%s", fixture_complaints(t));
	d.machine = m;
	d.device = machine_device(m, at->device->origin.name);
	d.profile = device_runtime(d.device, runtime);
	ck_assert_ptr_nonnull(d.profile);
	return d;
}

static double seconds_by(struct fixture *t, const struct device_model *by, const struct model *m, int weights,
			 const struct run *run)
{
	const struct precision p = {.weights = weights, .kv = FORMAT_F16, .compute = FORMAT_F16};
	const struct predicted_run r = predicted_run_make(&t->arena, m, &p, by, run);

	return predicted_run_seconds(&r);
}

double fitted_seconds(struct fixture *t, const struct catalogue_device *d, const char *model, int weights,
		      const struct run *run)
{
	const struct model *m = catalogue_model_load(&t->loader, model);
	const struct device_model by =
		device_model_make(&t->arena, d->machine, d->device, d->profile, d->compute);

	ck_assert_ptr_nonnull(m);
	return seconds_by(t, &by, m, weights, run);
}

double fitted_seconds_of_model(struct fixture *t, const struct catalogue_device *d, const char *model,
			       int weights, const struct run *run)
{
	const struct model *m = catalogue_model_load(&t->loader, model);
	struct device_model by;
	enum dtype compute;

	ck_assert_ptr_nonnull(m);
	compute = run_compute(run, m, d->device, d->profile);
	by = device_model_make(&t->arena, d->machine, d->device, d->profile,
			       d->profile->gemm[compute] ? compute : d->compute);
	device_model_for(&by, m);
	return seconds_by(t, &by, m, weights, run);
}
