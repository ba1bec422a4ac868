/*
 * fixtures.h - worlds for tests: shipped scenarios with changes, or small ones written in place; and their
 * programs, run.
 *
 * A fixture must not move once it is loaded. Tests run in the root of the repository, where models and hardware
 * are found.
 */
#ifndef TESTS_FIXTURES_H
#define TESTS_FIXTURES_H
#include "sim/predict/job.h"
#include "sim/step/generate.h"
#include "sim/world/world.h"

struct fixture {
	struct arena arena;
	struct diags diags;
	struct loader loader;
	const struct world *world;
};

/* Empty: a loader with no world. */
void fixture_init(struct fixture *t);
/* Fails the test where the file is refused. sets: `--set` arguments, NULL-terminated; may be NULL. */
void fixture_load(struct fixture *t, const char *path, const char *const *sets);
void fixture_text(struct fixture *t, const char *yaml, const char *const *sets);
void fixture_release(struct fixture *t);

/* n machines m0 .. of one device, each joined to each by a link ("latency: 0, bandwidth: 1 GB/s"). */
void fixture_mesh(struct fixture *t, int n, const char *link, const char *workload, const char *const *sets);

int fixture_try_place(struct fixture *t, size_t assignment, struct placement *p);
struct placement fixture_place(struct fixture *t, size_t assignment); /* fails the test where it is refused */
struct placement fixture_place_named(struct fixture *t, const char *assignment);
const char *fixture_complaints(struct fixture *t); /* all so far, as one text */

struct shards fixture_even(int n);                               /* of the first n units, equal parts */
struct part fixture_part(const struct model *m, enum role role); /* as the first layer has it */

/* All blocks of all phases on one unit. */
struct placement fixture_all_on(struct fixture *t, size_t unit);

/* The same world under another request; lives in the fixture. */
const struct world *fixture_asking(struct fixture *t, struct generate g);

#define SHARD_GROUP_1(a)                                                                                     \
	{                                                                                                    \
		.n = 1, .unit = {a}, .share = { 1 }                                                          \
	}
#define SHARD_GROUP_2(a, b, part)                                                                            \
	{                                                                                                    \
		.n = 2, .unit = {a, b}, .share = { part, 1 - (part) }                                        \
	}

/* A program, run on the engine and compiled. */
struct fixture_run {
	struct program *program;
	struct class_times times;
	struct task_graph graph;
	struct task_run run;
	struct compiled *compiled;
};
struct fixture_run fixture_run(struct arena *a, struct program *p);
/* The time of a decode step by one of the three programs of a piece. */
double fixture_step_s(const struct generate_programs *g, int i);
/* The time of the first layer's block of that role, or of an end, on the first device. */
sim_ns fixture_block_ns(struct fixture *t, const struct shape *s, enum role role, enum phase phase);
/* Bytes that links carry of that kind; PAYLOAD_NONE: of all. */
double fixture_link_B(const struct program *p, enum payload payload);
double fixture_flop(const struct program *p); /* carried out by all operators */

/* A machine in flow style: a device of one TFLOPS at half of it, 100 GB/s, no overhead unless set. */
#define FIXTURE_DEVICE                                                                                       \
	"{cores: 1, peak_f16: 1 TFLOPS, runtimes: {fixture: {version: none, read: 100 GB/s, copy: 90 GB/s, " \
	"gemv: 95 GB/s, "                                                                                    \
	"gemm_f16: {roof: 0.5 TFLOPS, sync: 0, points: [{m: 64, n: 64, k: 64, u: 50 %}]}, "                  \
	"attention: {points: [{query: 64, context: 64, u: 40 %}], decode: 80 GB/s}, norm: {kernels: 2, "     \
	"passes: 3}, "                                                                                       \
	"rope: {kernels: 1, passes: 2}, kv_append: {kernels: 1, passes: 0.5}, kv_repeat: {kernels: 0, "      \
	"passes: 0}, "                                                                                       \
	"scores: {kernels: 3}, linear: {kernels: 1}, activation: {kernels: 1, passes: 3}, "                  \
	"residual: {kernels: 1, passes: 3}, overhead: {kernel: 3 us, step: 50 us}}}}"
#define FIXTURE_MEMORY "{capacity: 1 TB, usable: 1 TB, bandwidth: 120 GB/s}"
#define FIXTURE_MACHINE                                                                                      \
	"{schema: lemursim/hardware/1, title: fixture, chip: fixture, memory: " FIXTURE_MEMORY               \
	", devices: {gpu: " FIXTURE_DEVICE "}}"
#define FIXTURE_MACHINE_2                                                                                    \
	"{schema: lemursim/hardware/1, title: fixture, chip: fixture, memory: " FIXTURE_MEMORY               \
	", devices: {gpu: " FIXTURE_DEVICE ", cpu: " FIXTURE_DEVICE "}}"
#define FIXTURE_LINK(a, b)                                                                                   \
	"{schema: lemursim/hardware/1, kind: link, title: fixture, latency: 20 us, bandwidth: 2 GB/s, "      \
	"between: "                                                                                          \
	"[" a ", " b "]}"
#define FIXTURE_MODEL(layers)                                                                                \
	"{schema: lemursim/model/1, title: fixture, source: none, layers: " layers                           \
	", hidden: 256, vocabulary: 1000, "                                                                  \
	"attention: {heads: 8, kv_heads: 2, head_dim: 32}, ffn: {inner: 640}}"
/* From layer 1 on with experts, a shared one among them. */
#define FIXTURE_MOE(layers)                                                                                  \
	"{schema: lemursim/model/1, title: fixture, source: none, layers: " layers                           \
	", hidden: 256, vocabulary: 1000, "                                                                  \
	"attention: {heads: 8, kv_heads: 2, head_dim: 32}, ffn: {inner: 640}, "                              \
	"experts: {count: 16, active: 4, inner: 96, shared: 1, first_dense: 1}}"
/* Latent attention and experts in every layer; and windows with a layer that sees all now and then. */
#define FIXTURE_MLA(layers)                                                                                  \
	"{schema: lemursim/model/1, title: fixture, source: none, layers: " layers                           \
	", hidden: 256, vocabulary: 1000, "                                                                  \
	"attention: {heads: 8, kv_heads: 8, head_dim: 48, latent: {q_rank: 64, kv_rank: 128, nope_dim: 32, " \
	"rope_dim: 16, value_dim: 32}}, experts: {count: 24, active: 3, inner: 64, skew: 0.7}}"
#define FIXTURE_WINDOWS(layers)                                                                              \
	"{schema: lemursim/model/1, title: fixture, source: none, layers: " layers                           \
	", hidden: 256, vocabulary: 1000, post_norms: true, tied_head: true, "                               \
	"attention: {heads: 8, kv_heads: 4, head_dim: 32, window: 12 tok, full_every: 3, qk_norm: true}, "   \
	"ffn: {inner: 640}}"
#define FIXTURE_HEAD                                                                                         \
	"schema: lemursim/scenario/1\n"                                                                      \
	"title: fixture\n"                                                                                   \
	"precision: {weights: f16, kv: f16, compute: f16}\n"                                                 \
	"runtime: fixture\n"

#define FIXTURE_WORKLOAD                                                                                     \
	"workload: {generate: {prompt: 30 tok, tokens: 9 tok, batch: 2}, "                                   \
	"train: {tokens: 16 tok, micro_batches: 3}}\n"                                                       \
	"assignments: [{name: x, place: [{on: a}]}]\n"
#define FIXTURE_PAIR                                                                                         \
	FIXTURE_HEAD "model: " FIXTURE_MODEL(                                                                \
		"2") "\nmachines: {a: " FIXTURE_MACHINE ", b: " FIXTURE_MACHINE "}\n"                        \
		     "links: {ab: " FIXTURE_LINK(                                                            \
			     "a",                                                                            \
			     "b") "}\n"                                                                      \
				  "workload: {generate: {prompt: 300 tok, tokens: 9 tok}}\n"                 \
				  "assignments: [{name: x, place: [{on: b}, {phase: prefill, on: a}]}]\n"
#define FIXTURE_THREE                                                                                        \
	FIXTURE_HEAD "model: " FIXTURE_MODEL(                                                                \
		"3") "\nmachines: {a: " FIXTURE_MACHINE_2 ", b: " FIXTURE_MACHINE ", c: " FIXTURE_MACHINE_2  \
		     "}\n"                                                                                   \
		     "links: {ab: " FIXTURE_LINK("a", "b") ", bc: " FIXTURE_LINK(                            \
			     "b", "c") ", ca: " FIXTURE_LINK("c", "a") "}\n" FIXTURE_WORKLOAD

/* Layer 0 is dense, layer 1 has experts. */
#define FIXTURE_EXPERTS                                                                                      \
	FIXTURE_HEAD "model: " FIXTURE_MOE(                                                                  \
		"2") "\nmachines: {a: " FIXTURE_MACHINE_2 ", b: " FIXTURE_MACHINE_2 ", c: " FIXTURE_MACHINE  \
		     "}\nlinks: {ab: " FIXTURE_LINK("a", "b") ", bc: " FIXTURE_LINK(                         \
			     "b", "c") ", ca: " FIXTURE_LINK("c", "a") "}\n" FIXTURE_WORKLOAD

/* FIXTURE_EXPERTS placed by these rules, with one --set more (or NULL); and a pass of fixture_shape through
 * it. */
void fixture_experts(struct fixture *t, const char *place, const char *more);
extern const struct shape fixture_shape;
struct program *fixture_walked(struct fixture *t, const struct placement *at, enum phase phase);

/* A world loaded, its first assignment placed in *p, and its programs. */
struct generate_programs fixture_generate(struct fixture *t, const char *yaml, const char *const *sets,
					  struct placement *p);

#define FIXTURE_FOUNDING "scenarios/m5-vs-m4pro.yaml"
/* The founding scenario with one assignment of these rules, and one --set more (or NULL). */
void fixture_founding(struct fixture *t, const char *place, const char *more);

/* The metric of that name, which there must be. */
const struct metric_info *fixture_metric(const char *name);

#endif
