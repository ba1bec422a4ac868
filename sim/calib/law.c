/* law.c - the file of a law, and what it says of a row; see law.h. */
#include "sim/calib/law.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/calib/law_keys.h"
#include "sim/hw/derive.h"

/* A profile of the law's own, whose numbers may be changed. */
struct own {
	struct profile p;
	struct gemm_table gemm[DTYPE_N];
	struct chip_reach chip;
};

#define DEQUANT(text, member) KEY(text, member, DIM_SHARE, LAW_DEQUANT)
#define KEY(text, member, of, goes_with)                                                                     \
	{                                                                                                    \
		text, offsetof(struct own, member), of, goes_with                                            \
	}
#define BY_WEIGHTS(text, member)                                                                             \
	KEY(text ".f16", member.f16, DIM_SHARE, LAW_ARITHMETIC),                                             \
		KEY(text ".q8", member.q8, DIM_SHARE, LAW_ARITHMETIC),                                       \
		KEY(text ".q4", member.q4, DIM_SHARE, LAW_ARITHMETIC),                                       \
		KEY(text ".k", member.k, DIM_SHARE, LAW_ARITHMETIC),                                         \
		KEY(text ".fp4", member.fp4, DIM_SHARE, LAW_ARITHMETIC)
const struct law_key law_keys[] = {
	KEY("read", p.read, DIM_BANDWIDTH, LAW_MEMORY),
	KEY("copy", p.copy, DIM_BANDWIDTH, LAW_MEMORY),
	KEY("gemv", p.gemv, DIM_BANDWIDTH, LAW_MEMORY),
	KEY("gemv_q8", p.gemv_q8, DIM_BANDWIDTH, LAW_MEMORY),
	KEY("gemv_q4", p.gemv_q4, DIM_BANDWIDTH, LAW_MEMORY),
	KEY("gemm_f32.u", gemm[DTYPE_F32].u, DIM_SHARE, LAW_ARITHMETIC),
	KEY("gemm_f16.u", gemm[DTYPE_F16].u, DIM_SHARE, LAW_ARITHMETIC),
	KEY("gemm_bf16.u", gemm[DTYPE_BF16].u, DIM_SHARE, LAW_ARITHMETIC),
	KEY("attention.u", p.attention.u, DIM_SHARE, LAW_ARITHMETIC),
	KEY("attention.decode", p.attention.decode, DIM_BANDWIDTH, LAW_MEMORY),
	KEY("attention.decode_u", p.attention.decode_u, DIM_SHARE, LAW_ARITHMETIC),
	KEY("overhead.kernel", p.overhead.kernel, DIM_TIME, LAW_OVERHEAD),
	KEY("overhead.product", p.overhead.product, DIM_TIME, LAW_OVERHEAD),
	KEY("overhead.attention", p.overhead.attention, DIM_TIME, LAW_OVERHEAD),
	KEY("overhead.step", p.overhead.step, DIM_TIME, LAW_OVERHEAD),
	DEQUANT("dequant.f16", p.dequant.f16),
	DEQUANT("dequant.q8", p.dequant.q8),
	DEQUANT("dequant.q4", p.dequant.q4),
	DEQUANT("dequant.k", p.dequant.k),
	DEQUANT("dequant.fp4", p.dequant.fp4),
	BY_WEIGHTS("few.first", p.few.first),
	BY_WEIGHTS("few.further", p.few.further),
	KEY("few.scattered", p.few.scattered, DIM_SHARE, LAW_MEMORY),
	KEY("tile.fill", p.tile.fill, DIM_COUNT, LAW_ARITHMETIC),
	KEY("dies.bandwidth", p.dies.bandwidth, DIM_SHARE, LAW_DIES),
	KEY("dies.arithmetic", p.dies.arithmetic, DIM_SHARE, LAW_DIES),
};

static void own_copy(const struct profile *from, struct own *o)
{
	o->p = *from;
	for (int t = 0; t < DTYPE_N; t++) {
		o->gemm[t] = (struct gemm_table){0};
		if (!from->gemm[t])
			continue;
		o->gemm[t] = *from->gemm[t];
		o->p.gemm[t] = &o->gemm[t];
	}
}

static struct qty *number_at(struct own *o, size_t key)
{
	return (struct qty *)((char *)o + law_keys[key].offset);
}

double law_most(const struct law_key *k, const struct qty *q)
{
	if (k->dim != DIM_SHARE && !q->is_share)
		return INFINITY;
	return k->group == LAW_DEQUANT ? 10 : 1;
}

const struct qty *law_number(const struct law *law, size_t i)
{
	struct own o;
	struct qty *kept = arena_alloc(law->l->arena, sizeof *kept);

	own_copy(law->profile, &o);
	*kept = *number_at(&o, law->key[i]);
	return kept;
}

const char *law_param_name(const struct law *law, size_t i)
{
	return law_keys[law->key[i]].name;
}

/* Of the logarithm of a number of which nothing is known but where to begin. */
static const double wide_sd = 0.4;

static int find_params(struct law *law, struct err *err)
{
	struct own o;

	own_copy(law->profile, &o);
	law->params_n = 0;
	for (size_t k = 0; k < ARRAY_LEN(law_keys); k++) {
		const struct qty *q = number_at(&o, k);

		if (!q->given || !q->source || strcmp(q->source, "fit") != 0)
			continue;
		if (law->params_n == LAW_PARAMS)
			return err_set(err, "%s: more than %d numbers to fit", law->path, LAW_PARAMS);
		law->key[law->params_n] = k;
		law->prior_sd[law->params_n] = yml_get(q->node, "sd") ? q->spread : wide_sd;
		law->start[law->params_n++] = q->value;
	}
	for (int t = 0; t < DTYPE_N; t++)
		if (law->profile->gemm[t] && law->profile->gemm[t]->points.n)
			return err_set(err,
				       "%s: runtime '%s': the utilisation of a family is one number, 'u', "
				       "not points",
				       law->path, law->runtime);
	return 0;
}

/* A family's file need not say all, but this runtime of it must. */
static int check_whole(const struct law *law, struct err *err)
{
	const struct profile *p = law->profile;
	const struct gemm_table *g = p->gemm[known_compute(p)];
	const struct {
		const char *key;
		bool given;
	} needed[] = {{"read", p->read.given},
		      {"copy", p->copy.given},
		      {"gemv", p->gemv.given},
		      {"gemm_f16.u", g && g->u.given},
		      {"attention.u", p->attention.u.given},
		      {"attention.decode", p->attention.decode.given},
		      {"overhead.kernel", p->overhead.kernel.given}};

	for (size_t i = 0; i < ARRAY_LEN(needed); i++)
		if (!needed[i].given)
			return err_set(err, "%s: runtime '%s': key '%s' is missing", law->path, law->runtime,
				       needed[i].key);
	return 0;
}

int law_load(struct loader *l, const char *path, struct law *law, struct err *err)
{
	struct machine *m = arena_alloc(l->arena, sizeof *m);
	struct yml *tree = load_file(l, path, "hardware", HW_SCHEMA);
	const struct device *d;

	*law = (struct law){.l = l, .path = path};
	if (!tree || field_load_part(&machine_table, tree, path, m, l->diags) != 0)
		return -1;
	if (file_read(l->arena, path, LOAD_FILE_MAX, &law->text, &law->len, err) != 0)
		return -1;
	d = m->devices.at;
	for (size_t i = 0; i < m->devices.n; i++) {
		const struct profile *p = d[i].runtimes.at;

		for (size_t j = 0; j < d[i].runtimes.n; j++) {
			law->profile = &p[j];
			law->device = d[i].origin.name;
			law->runtime = p[j].origin.name;
			if (find_params(law, err) != 0)
				return -1;
			if (law->params_n)
				return check_whole(law, err);
		}
	}
	err_set(err, "%s: nothing in it is to be fitted", path);
	return err_hint(err, "such as gemv: {value: 90 %%, source: fit}");
}

bool law_fits(const struct law *law, const struct evidence_row *row)
{
	return law_takes(law, row) && !row->run->held_out;
}

bool law_takes(const struct law *law, const struct evidence_row *row)
{
	return !strcmp(row->run->runtime, law->runtime);
}

/* What the values say of a chip, as a family's file would. */
static void put_chip(const struct law_chip *chip, struct own *o)
{
	o->chip = (struct chip_reach){.origin.name = chip->name,
				      .bandwidth.value = chip->speed[REPLAY_MEMORY],
				      .arithmetic.value = chip->speed[REPLAY_ARITHMETIC]};
	o->p.chips = (struct field_list){&o->chip, 1};
	o->p.chips_like = NULL;
}

/* The law's profile with these values on the row's device, as the catalogue would have it. */
static void fill_in(const struct law *law, const struct law_values *v, const struct evidence_row *row,
		    struct own *o)
{
	own_copy(law->profile, o);
	put_chip(&v->chip[law_chip_of(v, row)], o);
	for (size_t i = 0; i < law->params_n; i++) {
		struct qty *q = number_at(o, law->key[i]);

		q->value = fmin(v->of[i], law_most(&law_keys[law->key[i]], q));
	}
	derive_profile(row->device->machine, row->device->device, &o->p);
}

double law_seconds(const struct law *law, const struct law_values *v, const struct evidence_row *row)
{
	return law_own_seconds(law, v, row) / (row->over ? law_own_seconds(law, v, row->over) : 1);
}

double law_own_seconds(const struct law *law, const struct law_values *v, const struct evidence_row *row)
{
	struct arena scratch = ARENA_INIT;
	struct own o;
	double s;

	if (law_takes(law, row)) {
		fill_in(law, v, row, &o);
		s = evidence_seconds(&scratch, row, &o.p);
	} else {
		s = evidence_seconds(&scratch, row, row->device->profile);
	}
	arena_release(&scratch);
	return s;
}
