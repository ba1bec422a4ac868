/*
 * toy.h - worlds for tests: shipped scenarios with changes, or small ones written in place; and their
 * programs, run.
 *
 * A toy must not move once it is loaded. Tests run in the root of the repository, where models and hardware
 * are found.
 */
#ifndef TESTS_TOY_H
#define TESTS_TOY_H
#include "sim/step/generate.h"
#include "sim/world/world.h"

struct toy {
	struct arena arena;
	struct diags diags;
	struct loader loader;
	const struct world *world;
};

/* Fails the test where the file is refused. sets: `--set` arguments, NULL-terminated; may be NULL. */
void toy_load(struct toy *t, const char *path, const char *const *sets);
void toy_text(struct toy *t, const char *yaml, const char *const *sets);
void toy_release(struct toy *t);

/* n machines m0 .. of one device, each joined to each by a link ("latency: 0, bandwidth: 1 GB/s"). */
void toy_mesh(struct toy *t, int n, const char *link, const char *workload, const char *const *sets);

int toy_try_place(struct toy *t, size_t assignment, struct placement *p);
struct placement toy_place(struct toy *t, size_t assignment); /* fails the test where it is refused */
struct placement toy_place_named(struct toy *t, const char *assignment);
const char *toy_complaints(struct toy *t); /* all so far, as one text */

struct part toy_part(const struct model *m, enum role role); /* as the first layer has it */

/* All blocks of all phases on one unit. */
struct placement toy_all_on(struct toy *t, size_t unit);

/* The same world under another request; lives in the toy. */
const struct world *toy_asking(struct toy *t, struct generate g);

#define SEAT_1(a)                                                                                            \
	{                                                                                                    \
		.n = 1, .unit = {a}, .share = { 1 }                                                          \
	}
#define SEAT_2(a, b, part)                                                                                   \
	{                                                                                                    \
		.n = 2, .unit = {a, b}, .share = { part, 1 - (part) }                                        \
	}

/* A program, run on the engine and compiled. */
struct toy_run {
	struct prog *prog;
	struct class_times times;
	struct task_graph graph;
	struct task_run run;
	struct compiled *compiled;
};
struct toy_run toy_run(struct arena *a, struct prog *p);
/* The time of a decode step by one of the three programs of a piece. */
double toy_step_s(const struct generate_progs *g, int i);
/* The time of the first layer's block of that role, or of an end, on the first device. */
sim_ns toy_block_ns(struct toy *t, const struct shape *s, enum role role, enum phase phase);
double toy_link_B(const struct prog *p, const char *what); /* bytes of tasks with that tag; NULL: of all */
double toy_flop(const struct prog *p);                     /* carried out by all operators */

/* A machine in flow style: a device of one TFLOPS at half of it, 100 GB/s, no overhead unless set. */
#define TOY_DEVICE                                                                                           \
	"{cores: 1, peak_f16: 1 TFLOPS, runtimes: {toy: {version: none, read: 100 GB/s, copy: 90 GB/s, "     \
	"gemv: 95 GB/s, "                                                                                    \
	"gemm_f16: {roof: 0.5 TFLOPS, sync: 0, points: [{m: 64, n: 64, k: 64, u: 50 %}]}, "                  \
	"attention: {points: [{query: 64, context: 64, u: 40 %}], decode: 80 GB/s}, norm: {kernels: 2, "     \
	"passes: 3}, "                                                                                       \
	"rope: {kernels: 1, passes: 2}, kv_append: {kernels: 1, passes: 0.5}, kv_repeat: {kernels: 0, "      \
	"passes: 0}, "                                                                                       \
	"scores: {kernels: 3}, linear: {kernels: 1}, activation: {kernels: 1, passes: 3}, "                  \
	"residual: {kernels: 1, passes: 3}, overhead: {kernel: 3 us, step: 50 us}}}}"
#define TOY_MEMORY "{capacity: 1 TB, usable: 1 TB, bandwidth: 120 GB/s}"
#define TOY_MACHINE                                                                                          \
	"{schema: lemursim/hardware/1, title: toy, chip: toy, memory: " TOY_MEMORY                           \
	", devices: {gpu: " TOY_DEVICE "}}"
#define TOY_MACHINE_2                                                                                        \
	"{schema: lemursim/hardware/1, title: toy, chip: toy, memory: " TOY_MEMORY                           \
	", devices: {gpu: " TOY_DEVICE ", cpu: " TOY_DEVICE "}}"
#define TOY_LINK(a, b)                                                                                       \
	"{schema: lemursim/hardware/1, kind: link, title: toy, latency: 20 us, bandwidth: 2 GB/s, between: " \
	"[" a ", " b "]}"
#define TOY_MODEL(layers)                                                                                    \
	"{schema: lemursim/model/1, title: toy, source: none, layers: " layers                               \
	", hidden: 256, vocabulary: 1000, "                                                                  \
	"attention: {heads: 8, kv_heads: 2, head_dim: 32}, ffn: {inner: 640}}"
/* From layer 1 on with experts, a shared one among them. */
#define TOY_MOE(layers)                                                                                      \
	"{schema: lemursim/model/1, title: toy, source: none, layers: " layers                               \
	", hidden: 256, vocabulary: 1000, "                                                                  \
	"attention: {heads: 8, kv_heads: 2, head_dim: 32}, ffn: {inner: 640}, "                              \
	"experts: {count: 16, active: 4, inner: 96, shared: 1, first_dense: 1}}"
/* Latent attention and experts in every layer; and windows with a layer that sees all now and then. */
#define TOY_MLA(layers)                                                                                      \
	"{schema: lemursim/model/1, title: toy, source: none, layers: " layers                               \
	", hidden: 256, vocabulary: 1000, "                                                                  \
	"attention: {heads: 8, kv_heads: 8, head_dim: 48, latent: {q_rank: 64, kv_rank: 128, nope_dim: 32, " \
	"rope_dim: 16, value_dim: 32}}, experts: {count: 24, active: 3, inner: 64, skew: 0.7}}"
#define TOY_WINDOWS(layers)                                                                                  \
	"{schema: lemursim/model/1, title: toy, source: none, layers: " layers                               \
	", hidden: 256, vocabulary: 1000, post_norms: true, tied_head: true, "                               \
	"attention: {heads: 8, kv_heads: 4, head_dim: 32, window: 12 tok, full_every: 3, qk_norm: true}, "   \
	"ffn: {inner: 640}}"
#define TOY_HEAD                                                                                             \
	"schema: lemursim/scenario/1\n"                                                                      \
	"title: toy\n"                                                                                       \
	"precision: {weights: f16, kv: f16, compute: f16}\n"                                                 \
	"runtime: toy\n"

#define TOY_WORKLOAD                                                                                         \
	"workload: {generate: {prompt: 30 tok, tokens: 9 tok, batch: 2}, "                                   \
	"train: {tokens: 16 tok, micro_batches: 3}}\n"                                                       \
	"assignments: [{name: x, place: [{on: a}]}]\n"
#define TOY_PAIR                                                                                             \
	TOY_HEAD "model: " TOY_MODEL(                                                                        \
		"2") "\nmachines: {a: " TOY_MACHINE ", b: " TOY_MACHINE "}\n"                                \
		     "links: {ab: " TOY_LINK(                                                                \
			     "a",                                                                            \
			     "b") "}\n"                                                                      \
				  "workload: {generate: {prompt: 300 tok, tokens: 9 tok}}\n"                 \
				  "assignments: [{name: x, place: [{on: b}, {phase: prefill, on: a}]}]\n"
#define TOY_THREE                                                                                            \
	TOY_HEAD "model: " TOY_MODEL("3") "\nmachines: {a: " TOY_MACHINE_2 ", b: " TOY_MACHINE               \
					  ", c: " TOY_MACHINE_2 "}\n"                                        \
					  "links: {ab: " TOY_LINK("a", "b") ", bc: " TOY_LINK(               \
						  "b", "c") ", ca: " TOY_LINK("c", "a") "}\n" TOY_WORKLOAD

/* Layer 0 is dense, layer 1 has experts. */
#define TOY_EXPERTS                                                                                          \
	TOY_HEAD "model: " TOY_MOE("2") "\nmachines: {a: " TOY_MACHINE_2 ", b: " TOY_MACHINE_2               \
					", c: " TOY_MACHINE                                                  \
					"}\nlinks: {ab: " TOY_LINK("a", "b") ", bc: " TOY_LINK(              \
						"b", "c") ", ca: " TOY_LINK("c", "a") "}\n" TOY_WORKLOAD

/* TOY_EXPERTS placed by these rules, with one --set more (or NULL); and a pass of toy_shape through it. */
void toy_experts(struct toy *t, const char *place, const char *more);
extern const struct shape toy_shape;
struct prog *toy_walked(struct toy *t, const struct placement *at, enum phase phase);

/* A world loaded, its first assignment placed in *p, and its programs. */
struct generate_progs toy_generate(struct toy *t, const char *yaml, const char *const *sets,
				   struct placement *p);

#define TOY_FOUNDING "scenarios/m5-vs-m4pro.yaml"
/* The founding scenario with one assignment of these rules, and one --set more (or NULL). */
void toy_founding(struct toy *t, const char *place, const char *more);

#endif
