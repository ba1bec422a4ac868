/* workload.c - see workload.h. */
#include "sim/world/workload.h"

#include <string.h>

#include "sim/world/scenario.h"

const char *const beyond_contexts[] = {[BEYOND_REFUSE] = "refuse", [BEYOND_ALLOW] = "allow", NULL};

static const struct field workload_fields[] = {
	{FIELD_KEY(struct workload, generate), .type = FIELD_MAYBE, .sub = &generate_table, .optional = true,
	 .help = "inference"},
	{FIELD_KEY(struct workload, train), .type = FIELD_MAYBE, .sub = &train_table, .optional = true,
	 .help = "fine-tuning"},
	{FIELD_KEY(struct workload, serve), .type = FIELD_MAYBE, .sub = &serve_table, .optional = true,
	 .help = "requests that come one after another"},
};
const struct table workload_table = {"workload", sizeof(struct workload), workload_fields,
				     ARRAY_LEN(workload_fields)};

#define NO_OPTIONS SIZE_MAX

static const struct {
	const char *name;
	struct job_phases phases;
	size_t size, asked; /* bytes of the job's struct; offset of the pointer to it in struct workload */
	size_t options;     /* offset of the pointer to its options in struct assignment, or NO_OPTIONS */
	void (*check)(const struct scenario *s,
		      struct diags *diags); /* called if the workload has the job; may be NULL */
} jobs[JOB_N] = {
	[JOB_GENERATE] = {"generate",
			  {PHASE_PREFILL, PHASE_DECODE},
			  sizeof(struct generate),
			  offsetof(struct workload, generate),
			  offsetof(struct assignment, generate),
			  generate_check},
	[JOB_TRAIN] = {"train",
		       {PHASE_FORWARD, PHASE_UPDATE},
		       sizeof(struct train),
		       offsetof(struct workload, train),
		       offsetof(struct assignment, train),
		       train_check},
	/* its options and its load are checked before names are looked up: scenario_check_serve() */
	[JOB_SERVE] = {"serve",
		       {PHASE_PREFILL, PHASE_DECODE},
		       sizeof(struct serve),
		       offsetof(struct workload, serve),
		       NO_OPTIONS,
		       NULL},
};

const char *job_name(enum job job)
{
	return jobs[job].name;
}

struct job_phases job_phases(enum job job)
{
	return jobs[job].phases;
}

/* The pointer at an offset of a struct. All object pointers have the same representation here, as field.c
 * assumes. */
static void *pointer_at(const void *base, size_t offset)
{
	void *p;

	memcpy(&p, (const char *)base + offset, sizeof p);
	return p;
}

static void set_pointer(void *base, size_t offset, void *p)
{
	memcpy((char *)base + offset, &p, sizeof p);
}

bool workload_asks(const struct workload *k, enum job job)
{
	return pointer_at(k, jobs[job].asked) != NULL;
}

bool workload_runs(const struct workload *k, enum phase phase)
{
	bool runs = false;

	for (int j = 0; j < JOB_N; j++)
		runs |= workload_asks(k, (enum job)j) && phase >= jobs[j].phases.first &&
			phase <= jobs[j].phases.last;
	return runs;
}

struct workload workload_copy(struct arena *a, const struct workload *k)
{
	struct workload copy = *k;

	for (int j = 0; j < JOB_N; j++)
		if (workload_asks(k, (enum job)j)) {
			void *own = arena_alloc(a, jobs[j].size);

			memcpy(own, pointer_at(k, jobs[j].asked), jobs[j].size);
			set_pointer(&copy, jobs[j].asked, own);
		}
	return copy;
}

struct workload workload_only(const struct workload *k, enum job job)
{
	struct workload only = *k;

	for (int j = 0; j < JOB_N; j++)
		if (j != (int)job)
			set_pointer(&only, jobs[j].asked, NULL);
	return only;
}

/* Complains of options of a job in an assignment if the workload lacks the job. */
static void check_options(const struct scenario *s, enum job job, struct diags *diags)
{
	const struct assignment *a = s->assignments.at;

	for (size_t i = 0; i < s->assignments.n && jobs[job].options != NO_OPTIONS; i++) {
		/* the origin is its first member */
		const struct origin *options = pointer_at(&a[i], jobs[job].options);

		if (options)
			diag_add(diags, options->node->place,
				 arena_printf(diags->arena, "add '%s:' to the workload", jobs[job].name),
				 "assignment '%s': the workload does not %s", a[i].name, jobs[job].name);
	}
}

void workload_check(const struct scenario *s, struct diags *diags)
{
	const struct workload *k = &s->workload;
	bool any = false;

	for (int j = 0; j < JOB_N; j++)
		any |= workload_asks(k, (enum job)j);
	if (!any)
		diag_add(diags, k->origin.node->place, NULL,
			 "workload: ask for 'generate:', 'train:', 'serve:' or several");
	for (int j = 0; j < JOB_N; j++)
		if (!workload_asks(k, (enum job)j))
			check_options(s, (enum job)j, diags);
		else if (jobs[j].check)
			jobs[j].check(s, diags);
}
