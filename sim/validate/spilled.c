/* spilled.c - see spilled.h. */
#include "sim/validate/spilled.h"

#include <math.h>
#include <string.h>

#include "sim/base/units.h"
#include "sim/family/report_backends.h"

/* Sixteen lanes of PCIe 4.0, as of hardware/links/pcie-4-x16.yaml; a disk that its machine's file does not tell. */
static const double host_Bps = 27e9, disk_Bps = 5e9;

double spilled_share(const struct machine *m, const struct report_row *row)
{
	const struct qty *room = &m->memory.usable;
	const double all = model_weights_B(row->model, &row->precision) +
			   run_kv_B(row->model, &row->precision, row->run);

	return room->given && all > room->value ? 1 - room->value / all : 0;
}

/* The row's time when its share beyond memory is read at that rate whenever it is used, beside what the device does. */
static double read_at(const struct case_row *r, double rate)
{
	double bytes = 0;

	for (size_t i = 0; i < r->run.n; i++)
		bytes += r->run.at[i].times * r->run.at[i].cost.bytes;
	return r->expected_s + r->spilled * bytes / rate;
}

static double read_from_host(const struct cause_search *s, const struct case_row *r)
{
	(void)s;
	return read_at(r, host_Bps);
}

static double disk_rate(const struct cause_search *s)
{
	const struct disk *disk = s->device.machine->disk;

	return disk && disk->read.given ? disk->read.value : disk_Bps;
}

static double read_from_disk(const struct cause_search *s, const struct case_row *r)
{
	return read_at(r, disk_rate(s));
}

static double left_to_cpu(const struct cause_search *s, const struct case_row *r)
{
	return cause_on_cpu(s, r, r->spilled);
}

/* A Mac's GPU, and one whose machine has a CPU in its file, has the host's own memory. */
static bool shares_memory(const struct cause_search *s)
{
	const struct device *d = s->device.machine->devices.at;

	for (size_t i = 0; i < s->device.machine->devices.n; i++)
		if (!strcmp(d[i].origin.name, "cpu"))
			return true;
	return s->device.machine->system != SYSTEM_UNKNOWN;
}

typedef double spilled_s(const struct cause_search *s, const struct case_row *r);

static void try_one(struct cause_search *s, const char *what, spilled_s *seconds_of)
{
	double *seconds = arena_array(s->ask->loader->arena, s->n, sizeof *seconds);

	for (size_t i = 0; i < s->n; i++)
		seconds[i] = s->rows[i].spilled > 0 ? seconds_of(s, &s->rows[i]) : s->rows[i].expected_s;
	causes_add(s, what, seconds);
}

void causes_try_spilled(struct cause_search *s)
{
	struct arena *a = s->ask->loader->arena;
	double most = 0;
	int layers = 0;

	for (size_t i = 0; i < s->n; i++)
		if (s->judged[i] && s->rows[i].spilled > most) {
			most = s->rows[i].spilled;
			layers = (int)s->rows[i].row.model->layers + 1;
		}
	if (!(most > 0))
		return;
	if (shares_memory(s))
		try_one(s,
			arena_printf(
				a,
				"out of memory: %.0f %% of it read from the disk again and again, at %s GB/s",
				100 * most, units_digits(disk_rate(s) / 1e9, 2).text),
			read_from_disk);
	else
		try_one(s,
			arena_printf(
				a,
				"out of memory: %.0f %% of it read from the host's, as a driver that spills "
				"does, at PCIe 4.0's %s GB/s",
				100 * most, units_digits(host_Bps / 1e9, 2).text),
			read_from_host);
	if (report_runs(s->device.profile, "llama"))
		try_one(s,
			arena_printf(
				a,
				"out of memory: %d of %d layers on the CPU, so that the others fit (a rough "
				"estimate of its rates)",
				(int)ceil(most * layers), layers),
			left_to_cpu);
}
