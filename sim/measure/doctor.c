/* doctor.c - see doctor.h. */
#include "sim/measure/doctor.h"

#include <string.h>

#include "sim/base/err.h"
#include "sim/base/str.h"
#include "sim/base/units.h"

const char *const doctor_state_names[DOCTOR_STATES] = {"fine", "doubt", "bad"};

/* From this share of the cores on what other programs take shows in the figures; from the second on nothing settles. */
static const double load_doubt = 0.1, load_bad = 0.5;
/* The suite's largest working set is an eighth of the memory, in three arrays at most (sim/measure/suite_rows.c). */
static const double free_least = 0.25;

struct examination {
	struct arena *arena;
	VEC(struct doctor_finding) all;
	int64_t cores, ram_B;
};

static void find(struct examination *x, enum doctor_state state, const char *what, const char *seen,
		 const char *what_to_do)
{
	VEC_ADD(&x->all,
		((struct doctor_finding){state, what, seen, state == DOCTOR_FINE ? NULL : what_to_do}));
}

static void examine_power(struct examination *x, const struct backend_info *info)
{
	const bool bad = info->low_power || info->on_battery;

	find(x, bad ? DOCTOR_BAD : DOCTOR_FINE, "power",
	     arena_printf(x->arena, "%s%s",
			  info->power[0]     ? info->power
			  : info->on_battery ? "battery"
					     : "AC",
			  info->low_power ? ", Low Power Mode" : ""),
	     "connect it and switch Low Power Mode off");
}

static void examine_backend(struct examination *x, const struct backend *b)
{
	struct err err = ERR_INIT;
	struct backend_info info = {.cores = 0};
	void *self = NULL;

	if (b->present && b->present(&err) != 0) { /* as a measurement leaves it out */
		find(x, DOCTOR_FINE, b->device, arena_printf(x->arena, "left out: %s", err.msg), NULL);
		return;
	}
	if (b->open(&self, &err) != 0) {
		find(x, DOCTOR_BAD, b->device, arena_printf(x->arena, "%s: %s", b->name, err.msg),
		     err.hint[0] ? arena_strdup(x->arena, err.hint) : "this device cannot be measured");
		return;
	}
	if (b->info(self, &info, &err) != 0)
		find(x, DOCTOR_BAD, b->device, arena_printf(x->arena, "%s: %s", b->name, err.msg), NULL);
	else if (info.note[0])
		find(x, DOCTOR_DOUBT, b->device,
		     arena_printf(x->arena, "%s, %lld cores, by %s; %s", info.chip, (long long)info.cores,
				  b->name, info.note),
		     "what is left out has no number; the rest is measured");
	else
		find(x, DOCTOR_FINE, b->device,
		     arena_printf(x->arena, "%s, %lld cores, by %s", info.chip, (long long)info.cores,
				  b->name),
		     NULL);
	if (!x->ram_B && info.ram_B) {
		examine_power(x, &info);
		x->ram_B = info.ram_B;
	}
	if (!strcmp(b->device, "cpu"))
		x->cores = info.cores;
	b->close(self);
}

static void examine_load(struct examination *x, double load)
{
	const double share = x->cores > 0 ? load / (double)x->cores : 0;

	if (load < 0)
		return;
	find(x,
	     share > load_bad     ? DOCTOR_BAD
	     : share > load_doubt ? DOCTOR_DOUBT
				  : DOCTOR_FINE,
	     "load", arena_printf(x->arena, "%.1f on %lld cores", load, (long long)x->cores),
	     "close what runs: what other programs take is missing from the figures");
}

static const char *bytes_text(struct examination *x, double bytes)
{
	struct str s = STR_INIT;
	const char *text;

	units_format(&s, bytes, DIM_BYTES, 3);
	text = arena_strdup(x->arena, s.text);
	str_release(&s);
	return text;
}

static void examine_memory(struct examination *x, const struct doctor_system *system)
{
	const bool few = system->free_B >= 0 && (double)system->free_B < free_least * (double)x->ram_B;

	if (system->free_B < 0 && !system->memory_short)
		return;
	find(x,
	     system->memory_short ? DOCTOR_BAD
	     : few                ? DOCTOR_DOUBT
				  : DOCTOR_FINE,
	     "memory",
	     system->free_B < 0
		     ? "the system says that it is short"
		     : arena_printf(x->arena, "%s of %s free", bytes_text(x, (double)system->free_B),
				    bytes_text(x, (double)x->ram_B)),
	     "close large programs: arrays that are paged out measure the disk");
}

static void examine_clock(struct examination *x, const struct doctor_system *system)
{
	if (system->governor)
		find(x, strcmp(system->governor, "powersave") != 0 ? DOCTOR_FINE : DOCTOR_DOUBT, "clock",
		     arena_printf(x->arena, "governor %s", system->governor),
		     "'cpupower frequency-set -g performance' keeps the clock up");
	if (system->throttled >= 0)
		find(x, system->throttled ? DOCTOR_DOUBT : DOCTOR_FINE, "heat",
		     arena_printf(x->arena, "a core was slowed down for heat %lld times",
				  (long long)system->throttled),
		     "let it cool down, give it air; the row 'sustained' shows what heat costs");
}

static void examine_system(struct examination *x, const struct doctor_system *system)
{
	examine_load(x, system->load);
	examine_memory(x, system);
	examine_clock(x, system);
	find(x, system->compiler ? DOCTOR_FINE : DOCTOR_DOUBT, "compiler",
	     system->compiler ? system->compiler : "none in PATH",
	     "only needed to build: 'xcode-select --install' on a Mac, 'make deps' elsewhere");
	find(x, system->folder_wrong ? DOCTOR_BAD : DOCTOR_FINE, "folder",
	     system->folder_wrong ? system->folder_wrong : "can be written, and has room",
	     "make room, go to a folder of yours, or say -o FILE");
}

struct doctor_report doctor_examine(struct arena *a, const struct backend *const *backends, size_t n,
				    const struct doctor_system *system)
{
	struct examination x = {.arena = a};
	struct doctor_finding *at;
	struct doctor_report r = {NULL, 0, DOCTOR_FINE};

	for (size_t i = 0; i < n; i++)
		examine_backend(&x, backends[i]);
	examine_system(&x, system);
	at = arena_array(a, x.all.n, sizeof *at);
	memcpy(at, x.all.at, x.all.n * sizeof *at);
	for (size_t i = 0; i < x.all.n; i++)
		r.worst = at[i].state > r.worst ? at[i].state : r.worst;
	r.at = at;
	r.n = x.all.n;
	VEC_FREE(&x.all);
	return r;
}
