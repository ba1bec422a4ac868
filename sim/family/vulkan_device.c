/* vulkan_device.c - see vulkan_device.h. */
#include "sim/family/vulkan_device.h"

#include <string.h>

#include "sim/base/err.h"
#include "sim/base/str.h"

static const char *line_of(const struct run *run, const struct profile *p)
{
	return runtime_same("vulkan", p->origin.name) ? run->says[COLUMN_VULKAN] : NULL;
}

/* Does the line say so, as "| int dot: 0"? A line of an older build lacks some. */
static bool says(const char *line, const char *words)
{
	const char *at = line ? strstr(line, words) : NULL;

	return at && (at[strlen(words)] == '\0' || strchr(" |,", at[strlen(words)]));
}

static bool lacks_matrix_cores(const char *line)
{
	return says(line, "matrix cores: none");
}

static bool is_amds_own(const char *line)
{
	return line && strstr(line, "(AMD proprietary driver)");
}

int vulkan_device_hold(const struct run *run, const struct profile *p, struct err *err)
{
	const char *line = line_of(run, p);
	const bool floats = says(line, "int dot: 0");

	if (!lacks_matrix_cores(line) || run->kind == RUN_TG || (p->tile.vector.given && !floats))
		return 0;
	err_set(err,
		"'%smatrix cores: none': its prompt ran on vector units%s, and '%s' is of runs on matrix "
		"units",
		floats ? "int dot: 0 | " : "", floats ? " as floats" : "", p->origin.name);
	return err_hint(
		err, "a newer driver may have them (VK_KHR_cooperative_matrix); --skip-foreign leaves such "
		     "rows out");
}

const struct profile *vulkan_device_as_run(struct arena *a, const struct profile *p, const struct run *run)
{
	const struct tile *t = &p->tile;
	const char *line = line_of(run, p);
	const bool vector = lacks_matrix_cores(line) && t->vector.given;
	/* tiles without matrix units are others, and their share is of the large ones */
	const bool medium = !vector && t->medium.given &&
			    (is_amds_own(line) || (run_build(run) > 0 && run_build(run) <= t->medium_until));
	struct profile *own;

	if ((!medium || t->medium_only) && (!vector || t->vector_only))
		return p;
	own = arena_alloc(a, sizeof *own);
	*own = *p;
	own->tile.medium_only = t->medium_only || medium;
	own->tile.vector_only = t->vector_only || vector;
	return own;
}

const char *vulkan_device_note(struct arena *a, const struct run *run, const struct profile *p, bool bf16)
{
	const char *line = line_of(run, p);

	if (lacks_matrix_cores(line) && run->kind != RUN_TG)
		return arena_printf(
			a,
			"'matrix cores: none': products of its prompt ran on vector units, at some "
			"%.0f %% of what '%s' says; by how much attention is slower is not predicted",
			100 * p->tile.vector.value, p->origin.name);
	if (is_amds_own(line))
		return arena_printf(
			a,
			"AMD's own driver compiles shaders otherwise than RADV, which '%s' is of: prompts "
			"are "
			"predicted in the smaller tiles that llama.cpp takes there, tokens as under RADV",
			p->origin.name);
	if (line && strstr(line, "(AMD open-source driver)"))
		return arena_printf(a,
				    "AMDVLK compiles shaders otherwise than RADV, which '%s' is of: that is "
				    "not predicted",
				    p->origin.name);
	if (lacks_matrix_cores(line) && run->kind == RUN_TG)
		return "'matrix cores: none': tokens of one sequence use none and are predicted as with them";
	if (says(line, "int dot: 0"))
		return arena_printf(a,
				    "'int dot: 0': blocks were multiplied as floats, where runs of '%s' "
				    "multiply integers: "
				    "that is not predicted",
				    p->origin.name);
	if (bf16 && says(line, "bf16: 1") && p->dequant.bf16.given)
		return arena_printf(
			a,
			"'bf16: 1': products in bf16 ran on matrix units, and runs of '%s' had none for it",
			p->origin.name);
	return NULL;
}
