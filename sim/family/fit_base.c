/* fit_base.c - the profile whose tables a fit takes over; see fit_work.h. */
#include "sim/family/fit_work.h"
#include "sim/base/units.h"
#include "sim/family/report_backends.h"
#include "sim/family/run_machine.h"

#include <string.h>

/* Numbers of a runtime that nobody measured on the machine, for a machine that has none: the middle of what the
 * catalogue's GPUs reach under llama.cpp (hardware/runtimes). The level of each is fitted to the runs; what is left is the
 * shape, so that the spreads are those between machines. */
#define TYPICAL ", how: transferred, source: \"typical of GPUs of the catalogue\"}"
static const char typical[] = "        version: \"not measured\"\n"
			      "        read: {value: 85 %, sd: 10 %" TYPICAL "\n"
			      "        copy: {value: 80 %, sd: 10 %" TYPICAL "\n"
			      "        gemv: {value: 80 %, sd: 12 %" TYPICAL "\n"
			      "        attention: {skips_mask: true, u: {value: 30 %, sd: 12 %" TYPICAL ",\n"
			      "          decode: {value: 55 %, sd: 15 %" TYPICAL "}\n"
			      "        norm: {kernels: 1, passes: 2}\n"
			      "        rope: {kernels: 2, passes: 2}\n"
			      "        kv_append: {kernels: 2}\n"
			      "        kv_repeat: {kernels: 0}\n"
			      "        scores: {kernels: 2}\n"
			      "        linear: {kernels: 1}\n"
			      "        activation: {kernels: 1, passes: 3}\n"
			      "        residual: {kernels: 1, passes: 3}\n"
			      "        overhead: {kernel: {value: 4 us, sd: 3 us" TYPICAL ",\n"
			      "          step: {value: 200 us, sd: 200 us" TYPICAL "}\n";

/* llama.cpp computes the last layer of a prompt for its last token alone, in micro-batches of 512 (common/common.h). */
static const char typical_llama[] =
	"        chunk: 512 tok\n        chunk_shared: true\n        last_row: true\n";

void fit_tell(struct runtime_fit *f, const char *note)
{
	struct texts *all = &f->told;

	for (size_t i = 0; i < all->n; i++)
		if (!strcmp(all->at[i], note))
			return;
	*all = texts_join(f->arena, all, &note, 1);
}

static const struct profile *with_table(const struct profile *p)
{
	return p && p->gemm[compute_dtype_of_profile(p)] ? p : NULL;
}

/* The newest profile of p's runtime, or the one nearest to a build. */
static const struct profile *newest(struct runtime_fit *f, const struct profile *p, int64_t build)
{
	return with_table(report_nearest(f->base.device, device_newest(f->base.device, p), build));
}

static bool has_runtime(const struct device *d, const char *name)
{
	const struct profile *all = d->runtimes.at;

	for (size_t i = 0; i < d->runtimes.n; i++)
		if (runtime_same(name, all[i].origin.name))
			return true;
	return false;
}

/* The runtime whose back end the rows name: the first that is one of the device's, else the first; NULL: none is told. */
static const char *by_backend(const struct runtime_fit *f)
{
	const char *first = NULL;

	for (size_t i = 0; i < f->all.n; i++) {
		const char *of = report_backend_runtime(f->arena, &f->all.at[i]);

		if (of && has_runtime(f->base.device, of))
			return of;
		first = first ? first : of;
	}
	return first;
}

const char *fit_ran(const struct runtime_fit *f)
{
	return report_knows_backends(f->ask->runtime) ? f->ask->runtime : by_backend(f);
}

/* Is the profile of the program that made the runs, and of their back end? */
static bool is_own(const struct runtime_fit *f, const struct profile *p, const char *tool)
{
	const char *by = by_backend(f);

	return report_runs(p, tool) && (!by || runtime_same(by, p->origin.name));
}

/* The profile of the runtime that the program may have run under; NULL: the device has none of it. */
static const struct profile *of_program(struct runtime_fit *f, const char *tool, int64_t build)
{
	const struct profile *all = f->base.device->runtimes.at;

	for (size_t i = 0; i < f->base.device->runtimes.n; i++)
		if (is_own(f, &all[i], tool))
			return newest(f, &all[i], build);
	return NULL;
}

static const struct profile *any_of(struct runtime_fit *f)
{
	const struct profile *all = f->base.device->runtimes.at;

	for (size_t i = 0; i < f->base.device->runtimes.n; i++)
		if (newest(f, &all[i], 0))
			return newest(f, &all[i], 0);
	return NULL;
}

/* A runtime as it was named: a name without a date is the one nearest to the build. */
static const struct profile *named(const struct device *d, const char *name, int64_t build)
{
	const struct profile *p = device_runtime(d, name);

	return p && strcmp(p->origin.name, name) != 0 ? report_nearest(d, p, build) : p;
}

static int no_such(const struct runtime_fit *f, const char *name, struct err *err)
{
	const struct profile *p = f->base.device->runtimes.at;
	const char *all = "";

	for (size_t i = 0; i < f->base.device->runtimes.n; i++)
		all = arena_printf(f->arena, "%s%s%s", all, *all ? ", " : "", p[i].origin.name);
	err_set(err, "'%.80s' is neither a runtime of %s.%s%s%s%s nor a machine", name, f->ask->machine,
		f->base.device->origin.name, *all ? " (" : "", all, *all ? ")" : "");
	return err_hint(err, "'lemursim list hardware' has the machines");
}

/* ---- a profile for a machine that has none ---- */

/* Loads the text as the machine, and takes the runtime of that name. */
static int take_text(struct runtime_fit *f, const struct str *text, const char *name, struct err *err)
{
	struct machine *m = fit_load_text(f->loader, "./command line", text->text);
	const char *device = f->base.device->origin.name;

	if (!m)
		return -1;
	f->base.device = machine_device(m, device);
	f->base.machine = m;
	f->base.profile = with_table(device_runtime(f->base.device, name));
	if (f->base.profile)
		return 0;
	return err_set(err, "%s.%s: runtime '%s' has no table of products", f->ask->machine, device, name);
}

/* FLOP in f16 for each byte that the memory moves: the geometric mean of the catalogue's devices (P10 to P90: 26 to 300). What a
 * product reaches is fitted to the runs, as a share of this. */
static const double usual_balance = 100;

/* A machine that was measured without products, or a file by hand, may have no peak. */
static const struct device *with_peak(struct runtime_fit *f)
{
	struct device *d;

	if (f->base.device->peak[DTYPE_F16].given || f->base.device->peak[DTYPE_F32].given)
		return f->base.device;
	f->assumed_peak = usual_balance * f->base.machine->memory.bandwidth.value;
	d = arena_alloc(f->arena, sizeof *d);
	*d = *f->base.device;
	d->peak[DTYPE_F16].given = true;
	d->peak[DTYPE_F16].value = f->assumed_peak;
	f->base.device = d;
	fit_tell(f, arena_printf(
			    f->arena,
			    "%s.%s has no peak: %s are assumed, as is usual beside such a memory, and these "
			    "runs say what share of it is reached",
			    f->ask->machine, d->origin.name,
			    units_text(f->arena, f->assumed_peak, DIM_FLOPS, 3)));
	return d;
}

static int from_typical(struct runtime_fit *f, const char *tool, struct err *err)
{
	const struct device *d = with_peak(f);
	const enum dtype t = d->peak[DTYPE_F32].given && !d->peak[DTYPE_F16].given ? DTYPE_F32 : DTYPE_F16;
	struct str text = STR_INIT;
	int rc;

	fit_write_head(f, "typical", &text);
	str_addf(&text,
		 "      typical:\n%s        gemm_%s: {roof: {value: 80 %%" TYPICAL
		 ", sync: 0 s, u: {value: 50 %%, sd: 15 %%" TYPICAL "}\n%s",
		 typical, dtype_names[t], str_starts(tool, "llama") ? typical_llama : "");
	rc = take_text(f, &text, "typical", err);
	str_release(&text);
	f->from_rows = true;
	f->own_program = false;
	fit_tell(f,
		 arena_printf(f->arena,
			      "%s has no runtime: its tables have typical shapes, and these runs give their "
			      "level; --like MACHINE takes them from a machine that was measured",
			      f->ask->machine));
	return rc;
}

/* Another machine is not this one, even in shares of the peaks: chips of one family differ by 6 % (family_fit.c), of
 * different families by more. */
static const double other_machine_sd = 0.1;

/* The profile of the other machine's that is taken over; *own: it is of the program. */
static const struct profile *of_neighbour(struct runtime_fit *f, const struct catalogue_device *other,
					  const char *tool, int64_t build, bool *own)
{
	struct runtime_fit there = *f;
	const struct profile *p;

	there.base = *other;
	p = of_program(&there, tool, build);
	*own = p != NULL;
	return p ? p : any_of(&there);
}

static int from_neighbour(struct runtime_fit *f, struct catalogue_device *other, const char *tool,
			  int64_t build, struct err *err)
{
	const struct fit_scale rate = {.factor = 1, .extra_sd = other_machine_sd}, time = {.factor = 1};
	struct fit_written w = {.arena = f->arena,
				.at = other,
				.as_shares = true,
				.to = with_peak(f),
				.arithmetic = rate,
				.memory = rate,
				.kernel = time,
				.step = time};
	struct str text = STR_INIT;
	const struct profile *same;
	int rc;

	fit_written_alike(&w);
	w.from = w.kernels = of_neighbour(f, other, tool, build, &f->own_program);
	if (!w.from)
		return err_set(err, "%s.%s has no runtime either", f->ask->like, other->device->origin.name);
	other->profile = w.from;
	other->compute = compute_dtype_of_profile(w.from);
	w.name = w.from->origin.name;
	w.version = w.from->version;
	same = device_runtime(f->base.device, w.name);
	w.over = same && !strcmp(same->origin.name, w.name) ? same->origin.node : NULL;
	fit_write_head(f, w.name, &text);
	fit_write_runtime(&w, &text);
	rc = take_text(f, &text, w.name, err);
	str_release(&text);
	f->from_neighbour = true;
	fit_tell(f, arena_printf(f->arena,
				 "the tables of '%s' on %s are taken over, as shares of the peaks of %s",
				 w.name, f->ask->like, f->ask->machine));
	return rc;
}

/* ---- the choice ---- */

/* The runtime that rows of our csv, which name no program, are said to be of; NULL: none of the device's. A suite's is whatever
 * the rows are compared with. */
static const char *named_by_rows(const struct runtime_fit *f)
{
	const char *said = f->all.at[0].runtime;
	const struct profile *p = said ? device_runtime(f->base.device, said) : NULL;

	return p && !p->suite ? said : NULL;
}

static bool rows_name(const struct runtime_fit *f, const struct profile *p)
{
	const char *said = named_by_rows(f);

	return said && runtime_same(said, p->origin.name);
}

/* A machine by its name, or as people type it. */
static bool neighbour(struct runtime_fit *f, const char *like, struct catalogue_device *other)
{
	struct err unheard = ERR_INIT;
	const char *note = NULL, *id;

	if (catalogue_is_machine(f->loader, like, f->ask->device, other))
		return true;
	id = run_machine_meant(f->loader, like, NULL, &note, &unheard);
	if (!id || !catalogue_is_machine(f->loader, id, f->ask->device, other))
		return false;
	if (note)
		fit_tell(f, note);
	return true;
}

static int choose_like(struct runtime_fit *f, const char *like, const char *tool, int64_t build,
		       struct err *err)
{
	struct catalogue_device other;
	const struct profile *p = named(f->base.device, like, build);

	if (p) {
		f->base.profile = with_table(p);
		f->own_program = is_own(f, p, tool) || rows_name(f, p);
		return f->base.profile ? 0 : err_set(err, "runtime '%s' has no gemm table", like);
	}
	if (neighbour(f, like, &other))
		return from_neighbour(f, &other, tool, build, err);
	return no_such(f, like, err);
}

static int choose(struct runtime_fit *f, const char *tool, int64_t build, struct err *err)
{
	const struct device *d = f->base.device;
	const char *called = f->ask->runtime ? f->ask->runtime : named_by_rows(f);
	const char *by = by_backend(f);

	if (f->ask->like)
		return choose_like(f, f->ask->like, tool, build, err);
	if (called && device_runtime(d, called))
		return choose_like(f, called, tool, build, err);
	f->base.profile = of_program(f, tool, build);
	f->own_program = f->base.profile != NULL;
	if (f->base.profile)
		return 0;
	f->base.profile = any_of(f);
	if (!f->base.profile)
		return from_typical(f, tool, err);
	fit_tell(f, arena_printf(f->arena, "%s: the tables of '%s' are taken over; --like says otherwise",
				 strcmp(tool, "csv") != 0
					 ? arena_printf(f->arena, "no profile of %s%s%s on %s.%s", tool,
							by ? " under " : "", by ? by : "", f->ask->machine,
							d->origin.name)
					 : "the rows name no program",
				 f->base.profile->origin.name));
	return 0;
}

static int choose_bare(struct runtime_fit *f, const char *tool, int64_t build, struct err *err)
{
	f->bare = !f->base.device->runtimes.n;
	return choose(f, tool, build, err);
}

int fit_base_choose(struct runtime_fit *f, const char *tool, int64_t build, struct err *err)
{
	if (catalogue_machine_load(f->loader, f->ask->machine, f->ask->device, &f->base) != 0 ||
	    choose_bare(f, tool, build, err) != 0)
		return -1;
	f->base.compute = compute_dtype_of_profile(f->base.profile);
	return 0;
}

/* As the profiles of the program that ran are called, by which others look for it: "cuda" of cuda@2025-10. */
static const char *program_name(const struct runtime_fit *f)
{
	const char *by =
		f->own_program ? runtime_undated(f->arena, f->base.profile->origin.name) : by_backend(f);

	return by ? by : report_program(f->all.tool);
}

const char *fit_runtime_name(const struct runtime_fit *f)
{
	const char *by_rows = named_by_rows(f);

	return f->ask->runtime ? f->ask->runtime : by_rows ? by_rows : program_name(f);
}
