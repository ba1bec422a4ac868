/* family_model.c - the file of a law, and what it says of a row; see family_model.h. */
#include "sim/family/family_model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/family/family_keys.h"
#include "sim/hw/derive.h"

/* A profile of the law's own, whose numbers may be changed. */
struct own {
	struct profile p;
	struct gemm_table gemm[DTYPE_N];
	struct chip_reach chip;
};

#define DEQUANT(text, member) KEY(text, member, DIM_SHARE, FAMILY_DEQUANT)
#define KEY(text, member, of, goes_with)                                                                     \
	{                                                                                                    \
		text, offsetof(struct own, member), of, goes_with                                            \
	}
#define BY_WEIGHTS(text, member)                                                                             \
	KEY(text ".f16", member.f16, DIM_SHARE, FAMILY_ARITHMETIC),                                          \
		KEY(text ".q8", member.q8, DIM_SHARE, FAMILY_ARITHMETIC),                                    \
		KEY(text ".q4", member.q4, DIM_SHARE, FAMILY_ARITHMETIC),                                    \
		KEY(text ".k", member.k, DIM_SHARE, FAMILY_ARITHMETIC),                                      \
		KEY(text ".fp4", member.fp4, DIM_SHARE, FAMILY_ARITHMETIC)
const struct family_key family_keys[] = {
	KEY("read", p.read, DIM_BANDWIDTH, FAMILY_MEMORY),
	KEY("copy", p.copy, DIM_BANDWIDTH, FAMILY_MEMORY),
	KEY("gemv", p.gemv, DIM_BANDWIDTH, FAMILY_MEMORY),
	KEY("gemv_q8", p.gemv_q8, DIM_BANDWIDTH, FAMILY_MEMORY),
	KEY("gemv_q4", p.gemv_q4, DIM_BANDWIDTH, FAMILY_MEMORY),
	KEY("gemm_f32.u", gemm[DTYPE_F32].u, DIM_SHARE, FAMILY_ARITHMETIC),
	KEY("gemm_f16.u", gemm[DTYPE_F16].u, DIM_SHARE, FAMILY_ARITHMETIC),
	KEY("gemm_bf16.u", gemm[DTYPE_BF16].u, DIM_SHARE, FAMILY_ARITHMETIC),
	KEY("attention.u", p.attention.u, DIM_SHARE, FAMILY_ARITHMETIC),
	KEY("attention.decode", p.attention.decode, DIM_BANDWIDTH, FAMILY_MEMORY),
	KEY("attention.decode_u", p.attention.decode_u, DIM_SHARE, FAMILY_ARITHMETIC),
	KEY("overhead.kernel", p.overhead.kernel, DIM_TIME, FAMILY_OVERHEAD),
	KEY("overhead.product", p.overhead.product, DIM_TIME, FAMILY_OVERHEAD),
	KEY("overhead.attention", p.overhead.attention, DIM_TIME, FAMILY_OVERHEAD),
	KEY("overhead.step", p.overhead.step, DIM_TIME, FAMILY_OVERHEAD),
	DEQUANT("dequant.f16", p.dequant.f16),
	DEQUANT("dequant.q8", p.dequant.q8),
	DEQUANT("dequant.q4", p.dequant.q4),
	DEQUANT("dequant.k", p.dequant.k),
	DEQUANT("dequant.fp4", p.dequant.fp4),
	BY_WEIGHTS("few.first", p.few.first),
	BY_WEIGHTS("few.further", p.few.further),
	KEY("few.scattered", p.few.scattered, DIM_SHARE, FAMILY_MEMORY),
	KEY("few.several", p.few.several, DIM_SHARE, FAMILY_MEMORY),
	KEY("tile.fill", p.tile.fill, DIM_COUNT, FAMILY_ARITHMETIC),
	KEY("dies.bandwidth", p.dies.bandwidth, DIM_SHARE, FAMILY_DIES),
	KEY("dies.arithmetic", p.dies.arithmetic, DIM_SHARE, FAMILY_DIES),
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
	return (struct qty *)((char *)o + family_keys[key].offset);
}

double family_most(const struct family_key *k, const struct qty *q)
{
	if (k->dim != DIM_SHARE && !q->is_share)
		return INFINITY;
	return k->group == FAMILY_DEQUANT ? 10 : 1;
}

const struct qty *family_number(const struct family_model *family_model, size_t i)
{
	struct own o;
	struct qty *kept = arena_alloc(family_model->l->arena, sizeof *kept);

	own_copy(family_model->profile, &o);
	*kept = *number_at(&o, family_model->key[i]);
	return kept;
}

const char *family_param_name(const struct family_model *family_model, size_t i)
{
	return family_keys[family_model->key[i]].name;
}

/* Of the logarithm of a number of which nothing is known but where to begin. */
static const double wide_sd = 0.4;

static int find_params(struct family_model *family_model, struct err *err)
{
	struct own o;

	own_copy(family_model->profile, &o);
	family_model->params_n = 0;
	for (size_t k = 0; k < ARRAY_LEN(family_keys); k++) {
		const struct qty *q = number_at(&o, k);

		if (!q->given || !q->source || strcmp(q->source, "fit") != 0)
			continue;
		if (family_model->params_n == FAMILY_PARAMS)
			return err_set(err, "%s: more than %d numbers to fit", family_model->path,
				       FAMILY_PARAMS);
		family_model->key[family_model->params_n] = k;
		family_model->prior_sd[family_model->params_n] = yml_get(q->node, "sd") ? q->spread : wide_sd;
		family_model->start[family_model->params_n++] = q->value;
	}
	for (int t = 0; t < DTYPE_N; t++)
		if (family_model->profile->gemm[t] && family_model->profile->gemm[t]->points.n)
			return err_set(err,
				       "%s: runtime '%s': the utilisation of a family is one number, 'u', "
				       "not points",
				       family_model->path, family_model->runtime);
	return 0;
}

/* A family's file need not say all, but this runtime of it must. */
static int check_whole(const struct family_model *family_model, struct err *err)
{
	const struct profile *p = family_model->profile;
	const struct gemm_table *g = p->gemm[catalogue_compute(p)];
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
			return err_set(err, "%s: runtime '%s': key '%s' is missing", family_model->path,
				       family_model->runtime, needed[i].key);
	return 0;
}

int family_load(struct loader *l, const char *path, struct family_model *family_model, struct err *err)
{
	struct machine *m = arena_alloc(l->arena, sizeof *m);
	struct yml *tree = load_file(l, path, "hardware", HW_SCHEMA);
	const struct device *d;

	*family_model = (struct family_model){
		.l = l, .path = path, .scratch = arena_alloc(l->arena, sizeof *family_model->scratch)};
	family_model->scratch->arena = l->arena;
	if (!tree || field_load_part(&machine_table, tree, path, m, l->diags) != 0)
		return -1;
	if (file_read(l->arena, path, LOAD_FILE_MAX, &family_model->text, &family_model->len, err) != 0)
		return -1;
	d = m->devices.at;
	for (size_t i = 0; i < m->devices.n; i++) {
		const struct profile *p = d[i].runtimes.at;

		for (size_t j = 0; j < d[i].runtimes.n; j++) {
			family_model->profile = &p[j];
			family_model->device = d[i].origin.name;
			family_model->runtime = p[j].origin.name;
			if (find_params(family_model, err) != 0)
				return -1;
			if (family_model->params_n)
				return check_whole(family_model, err);
		}
	}
	err_set(err, "%s: nothing in it is to be fitted", path);
	return err_hint(err, "such as gemv: {value: 90 %%, source: fit}");
}

bool family_fits(const struct family_model *family_model, const struct observation *row)
{
	return family_takes(family_model, row) && !row->run->held_out;
}

bool family_takes(const struct family_model *family_model, const struct observation *row)
{
	return !strcmp(row->run->runtime, family_model->runtime);
}

/* What the values say of a chip, as a family's file would. */
static void put_chip(const struct family_chip *chip, struct own *o)
{
	o->chip = (struct chip_reach){.origin.name = chip->name,
				      .bandwidth.value = chip->speed[FACTOR_MEMORY],
				      .arithmetic.value = chip->speed[FACTOR_ARITHMETIC]};
	o->p.chips = (struct field_list){&o->chip, 1};
	o->p.chips_like = NULL;
}

/* The law's profile with these values on the row's device, as the catalogue would have it. */
static void fill_in(const struct family_model *family_model, const struct family_values *v,
		    const struct observation *row, struct own *o)
{
	own_copy(family_model->profile, o);
	put_chip(&v->chip[family_chip_of(v, row)], o);
	for (size_t i = 0; i < family_model->params_n; i++) {
		struct qty *q = number_at(o, family_model->key[i]);

		q->value = fmin(v->of[i], family_most(&family_keys[family_model->key[i]], q));
	}
	derive_profile(row->device->machine, row->device->device, &o->p);
}

double family_seconds(const struct family_model *family_model, const struct family_values *v,
		      const struct observation *row)
{
	return family_own_seconds(family_model, v, row) /
	       (row->over ? family_own_seconds(family_model, v, row->over) : 1);
}

double family_own_seconds(const struct family_model *family_model, const struct family_values *v,
			  const struct observation *row)
{
	struct own o;

	if (!family_takes(family_model, row))
		return observations_seconds(family_model->scratch, row, row->device->profile);
	fill_in(family_model, v, row, &o);
	return observations_seconds(family_model->scratch, row, &o.p);
}
