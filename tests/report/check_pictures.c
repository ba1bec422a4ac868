/* check_pictures.c - loads over time, their traces, curves and maps of sweeps, and the axes they share. */
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/utf8.h"
#include "sim/draw/curves_axes.h"
#include "sim/draw/draw.h"
#include "sim/draw/legend.h"
#include "sim/draw/time_axis.h"
#include "sim/report/heat.h"
#include "sim/report/load_picture.h"
#include "sim/report/load_trace.h"
#include "sim/report/sweep_curves.h"
#include "tests/fixtures.h"
#include "tests/folder.h"
#include "tests/json.h"
#include "tests/report/written.h"
#include "tests/suites.h"

/* dot draws it, and no string of it is longer than Graphviz reads. */
static void must_draw(const char *dot_text)
{
	char here[4096];
	struct err err = ERR_INIT;
	size_t longest = 0;

	for (const char *at = dot_text, *end; (at = strchr(at, '"')) != NULL; at = end + 1) {
		for (end = at + 1; *end != '"'; end++)
			end += *end == '\\';
		longest = (size_t)(end - at) > longest ? (size_t)(end - at) : longest;
	}
	ck_assert_uint_lt(longest, 16384);
	if (!written_dot_runs())
		return;
	ck_assert_ptr_nonnull(getcwd(here, sizeof here)); /* the tests after this one find models here */
	folder_enter();
	ck_assert_msg(draw_write("p.svg", dot_text, true, &err) == 0, "%s", err.msg);
	folder_leave();
	ck_assert_int_eq(chdir(here), 0);
}

/* ---- axes ---- */

static const struct {
	double values[4];
	double ratio, low, high, step; /* step 0: logarithmic */
} axis_cases[] = {
	{{1, 2, 3, 4}, 20, 0, 4, 1},
	{{0, 0, 0, 0}, 20, 0, 1, 0.2},
	{{5, 5, 5, 5}, 20, 0, 5, 1},
	{{1e-5, 1e-3, 1, 3}, 20, 1e-5, 5, 0},
	{{0, 1e-3, 1, 30}, 20, 1e-3, 50, 0}, /* a zero is at the lower end */
	{{-2, 1, 100, 1000}, 20, -200, 1000, 200},
	{{1, 9, 9, 9}, 20, 0, 10, 2},
	{{1, 9, 9, 9}, 8, 1, 10, 0},
	{{(double)NAN, (double)INFINITY, (double)NAN, (double)NAN}, 20, 0, 1, 0.2},
	{{0.07, (double)NAN, 0.11, (double)NAN}, 20, 0, 0.12, 0.02},
};

START_TEST(axes_have_even_ends)
{
	const struct axis a = axis_for(axis_cases[_i].values, 4, axis_cases[_i].ratio);

	ck_assert_double_eq_tol(a.low, axis_cases[_i].low, 1e-12 + 1e-9 * fabs(a.low));
	ck_assert_double_eq_tol(a.high, axis_cases[_i].high, 1e-9 * a.high);
	ck_assert_double_eq_tol(a.step, axis_cases[_i].step, 1e-9);
	for (int i = 0; i < 4; i++)
		if (isfinite(axis_cases[_i].values[i])) {
			const double at = axis_at(&a, axis_cases[_i].values[i]);

			ck_assert(at >= 0 && at <= 1);
		}
}
END_TEST

static const struct {
	sim_ns span, tick;
} tick_cases[] = {
	{1, 1}, {12, 1}, {13, 2}, {1000, 100}, {1000000000, 100000000}, {3600000000000, 500000000000}};

START_TEST(time_has_a_dozen_ticks)
{
	ck_assert_int_eq(time_axis_tick(tick_cases[_i].span, 13), tick_cases[_i].tick);
}
END_TEST

START_TEST(legends_break_into_rows)
{
	struct legend_entry entries[3] = {{.text = "one"}, {.text = "two"}, {.text = "three"}};

	ck_assert_uint_eq(legend_draw(NULL, entries, 3, 0, 400, 0), 1);
	ck_assert_uint_eq(legend_draw(NULL, entries, 3, 0, 60, 0), 3); /* none is left out */
	ck_assert_uint_eq(legend_draw(NULL, entries, 0, 0, 60, 0), 0);
}
END_TEST

/* ---- columns of a load ---- */

static double busy_of(const struct load_columns *c, enum load_work work)
{
	return load_columns_sum(c, 0, c->servers_n, 0, LOAD_COLUMNS).busy_ns[work];
}

/* Times and integrals are those of what was told, wherever the columns' edges are. */
START_TEST(columns_keep_time)
{
	static const sim_ns ends[] = {1000, 1000003, 864001, 7};
	const sim_ns end = ends[_i];
	struct load_columns c;
	struct served_to to;
	struct load_column sum;

	load_columns_init(&c, 2, 0, end);
	ck_assert_int_eq(load_column_start(&c, 0), 0);
	ck_assert_int_eq(load_column_start(&c, LOAD_COLUMNS), end);
	to = load_columns_listener(&c);
	for (sim_ns at = 0; at + 3 <= end; at += end / 7 + 3) {
		to.pass(to.self, &(struct served_pass){1, at, at + 2, 1, at % 2, 5 * (at % 3 == 0)});
		to.state(to.self, &(struct served_state){1, at, at + 3, 2, 3, 10, 10.5});
	}
	to.pass(to.self, &(struct served_pass){0, 0, end, 100, 4, 0});
	sum = load_columns_sum(&c, 1, 1, 0, LOAD_COLUMNS);
	ck_assert_double_eq(busy_of(&c, LOAD_DECODE) + busy_of(&c, LOAD_MIXED) + busy_of(&c, LOAD_PREFILL),
			    (double)end + 2 * (double)c.server[1].passes_n);
	ck_assert_double_eq(sum.running_ns, 9 * (double)c.server[1].passes_n);
	ck_assert_double_eq(sum.waiting_ns, 6 * (double)c.server[1].passes_n);
	ck_assert_double_eq_tol(sum.kv_ns, 31.5 * (double)c.server[1].passes_n, 1e-9);
	ck_assert_double_eq(c.server[1].most_kv, 10.5);
	load_columns_release(&c);
}
END_TEST

START_TEST(many_passes_are_not_kept)
{
	struct load_columns c;
	struct served_to to;

	load_columns_init(&c, 1, 0, 1000000);
	to = load_columns_listener(&c);
	for (sim_ns i = 0; i < LOAD_PASSES; i++)
		to.pass(to.self, &(struct served_pass){0, i * 10, i * 10 + 10, 1, 1, 0});
	ck_assert(load_columns_has_passes(&c));
	to.pass(to.self, &(struct served_pass){0, 999990, 1000000, 1, 1, 0});
	ck_assert(!load_columns_has_passes(&c));
	ck_assert_uint_eq(c.passes.n, LOAD_PASSES);
	load_columns_release(&c);
}
END_TEST

/* ---- a real load ---- */

#define LOAD                                                                                                 \
	"schema: lemursim/scenario/1\ntitle: served\nmodel: llama-3.1-8b\n"                                  \
	"precision: {weights: q4_K_M, kv: f16, compute: f16}\nruntime: llama.cpp\n"                          \
	"machines: {a: apple-m4-pro-16c-24gb, b: apple-m5-10c-24gb}\n"                                       \
	"links: {ab: {base: thunderbolt-4-tcp, between: [a, b]}}\n"                                          \
	"workload: {serve: {arrivals: {rate: 0.5 req/s}, requests: 60, prompt: {uniform: [10 tok, 900 "      \
	"tok]}, output: {uniform: [2 tok, 90 tok]}}}\n"                                                      \
	"assignments:\n"                                                                                     \
	"- {name: one, place: [{on: a}], serve: {slots: 4}}\n"                                               \
	"- {name: few blocks, place: [{on: a}], serve: {scheduler: vllm, kv_blocks: 90, block: 16 tok}}\n"   \
	"- {name: padded, place: [{on: a}], serve: {scheduler: mlx}}\n"                                      \
	"- {name: pools, pools: {prefill: [{place: [{on: b}]}], decode: [{place: [{on: a}]}]}, "             \
	"serve: {slots: 4}}\n"
static const char *const load_names[] = {"one", "few blocks", "padded", "pools"};

static struct fixture fixture;
static struct placement load_at; /* served.at points to it */

static struct served serve(const char *name)
{
	struct served s;
	struct err err = ERR_INIT;

	fixture_text(&fixture, LOAD, NULL);
	load_at = (struct placement){.world = fixture.world};
	for (size_t i = 0; i < fixture.world->scenario->assignments.n; i++)
		if (!strcmp(((const struct assignment *)fixture.world->scenario->assignments.at)[i].name,
			    name))
			load_at.assignment =
				(const struct assignment *)fixture.world->scenario->assignments.at + i;
	ck_assert_msg(served_make(&fixture.arena, &load_at, NULL, &s, &err) == 0, "%s", err.msg);
	return s;
}

static void end_serving(struct served *s)
{
	served_release(s);
	fixture_release(&fixture);
}

struct told { /* of each server */
	struct str passes[2];
};

static void write_pass(void *self, const struct served_pass *p)
{
	struct told *told = self;

	str_addf(&told->passes[p->server], "%" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 " %" PRId64 "\n",
		 p->from_ns, p->to_ns, p->iterations, p->decodes, p->read);
}

/* Long texts: a failure shows where they part. */
static void must_be_alike(const char *a, const char *b)
{
	size_t n = 0, from;

	while (a[n] && a[n] == b[n])
		n++;
	from = n < 150 ? 0 : n - 150;
	ck_assert_msg(a[n] == b[n], "%.300s\n... and ...\n%.300s", a + from, b + from);
}

/* What a server is told to do does not hang on whether it jumps. */
START_TEST(jumps_are_told_as_iterations)
{
	struct served s = serve(load_names[_i]);
	struct told told[2] = {{{STR_INIT, STR_INIT}}, {{STR_INIT, STR_INIT}}};
	struct err err = ERR_INIT;

	for (int each = 0; each < 2; each++) {
		const struct served_to to = {.pass = write_pass, .self = &told[each]};

		s.each_iteration = each;
		ck_assert_int_eq(served_tell(&s, 0, s.end_ns, &to, &err), 0);
	}
	for (size_t i = 0; i < s.servers_n; i++) {
		ck_assert_uint_gt(told[0].passes[i].len, 1000);
		must_be_alike(told[0].passes[i].text, told[1].passes[i].text);
	}
	for (int i = 0; i < 4; i++)
		str_release(&told[i / 2].passes[i % 2]);
	end_serving(&s);
}
END_TEST

struct counted {
	int64_t tokens, read, asked, requests, moved;
};

static void count_pass(void *self, const struct served_pass *p)
{
	struct counted *c = self;

	c->tokens += p->iterations * p->decodes;
	c->read += p->read;
}

/* The first token comes from the prompt's last piece, all others from decodes. */
static void count_request(void *self, const struct served_request *r)
{
	struct counted *c = self;

	c->asked += r->prompt - r->cached + r->recomputed;
	c->tokens -= r->tokens - 1 - r->preemptions;
	c->requests++;
	c->moved += r->moved_ns >= 0;
	ck_assert(r->arrive_ns <= r->admitted_ns && r->admitted_ns < r->first_ns &&
		  r->first_ns <= r->last_ns && r->last_ns <= r->end_ns);
	ck_assert(r->moved_ns < 0 || (r->sent_ns >= r->admitted_ns && r->moved_ns > r->sent_ns));
}

START_TEST(passes_have_every_token)
{
	struct served s = serve(load_names[_i]);
	struct counted c = {0};
	const struct served_to to = {.pass = count_pass, .request = count_request, .self = &c};
	struct err err = ERR_INIT;

	ck_assert_int_eq(served_tell(&s, 0, INT64_MAX, &to, &err), 0);
	ck_assert_int_eq(c.requests, 60);
	ck_assert_int_eq(c.read, c.asked);
	ck_assert_int_eq(c.tokens, 0);
	ck_assert_int_eq(c.moved, strcmp(load_names[_i], "pools") ? 0 : 60);
	end_serving(&s);
}
END_TEST

/* ---- traces ---- */

enum { TRACKS = 8, OPEN = 4, IDS = 64 };

/* Times of a trace in nanoseconds: microseconds with three decimals. */
static int64_t ns_at(const char *event, const char *key)
{
	const char *at = strstr(event, key);
	int64_t us, part;

	ck_assert_msg(at != NULL && sscanf(at + strlen(key), "%" SCNd64 ".%3" SCNd64, &us, &part) == 2,
		      "no %s in %.200s", key, event);
	return us * 1000 + part;
}

static int64_t number_at(const char *event, const char *key)
{
	const char *at = strstr(event, key);

	ck_assert_msg(at != NULL, "no %s in %.200s", key, event);
	return strtoll(at + strlen(key), NULL, 10);
}

struct trace_check {
	int64_t slice_end[TRACKS], counter_at[TRACKS];
	int64_t open[2][IDS][OPEN]; /* begins of requests and of transfers, by id */
	int depth[2][IDS];
	size_t slices, edges;
};

/* Slices of a track follow one another; slices of one request are nested. */
static void check_event(struct trace_check *c, const char *event)
{
	const char phase = event[7];
	const int64_t pid = number_at(event, "\"pid\":");

	ck_assert_int_lt(pid, TRACKS);
	if (phase == 'X') {
		const int64_t ts = ns_at(event, "\"ts\":"), dur = ns_at(event, "\"dur\":");

		ck_assert_int_ge(ts, c->slice_end[pid]);
		ck_assert_int_gt(dur, 0);
		c->slice_end[pid] = ts + dur;
		c->slices++;
	} else if (phase == 'C') {
		ck_assert_int_ge(ns_at(event, "\"ts\":"), c->counter_at[pid]);
		c->counter_at[pid] = ns_at(event, "\"ts\":");
	} else if (phase == 'b' || phase == 'e') {
		const int sort = strstr(event, "\"cat\":\"transfer\"") ? 1 : 0;
		const int64_t id = number_at(event, "\"id\":"), ts = ns_at(event, "\"ts\":");
		int *depth = &c->depth[sort][id];

		ck_assert_int_lt(id, IDS);
		*depth -= phase == 'e';
		ck_assert(*depth >= 0 && *depth < OPEN);
		ck_assert(phase == 'b' || ts >= c->open[sort][id][*depth]);
		c->open[sort][id][*depth] = ts;
		*depth += phase == 'b';
		c->edges++;
	}
}

START_TEST(traces_of_loads_are_sound)
{
	struct served s = serve(load_names[_i]);
	const sim_ns from = _i % 2 ? s.end_ns / 3 : 0;
	struct trace_check *c = xcalloc(1, sizeof *c);
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	struct load_trace trace;
	struct served_to to;

	load_trace_open(&trace, &out, &s, "0.1.0");
	to = load_trace_listener(&trace);
	ck_assert_int_eq(served_tell(&s, from, s.end_ns, &to, &err), 0);
	load_trace_close(&trace);
	ck_assert(!trace.full);
	ck_assert(json_is_valid(out.text));
	for (const char *at = strstr(out.text, "{\"ph\""); at; at = strstr(at + 1, "{\"ph\""))
		check_event(c, at);
	ck_assert_uint_gt(c->slices, 20);
	ck_assert_uint_gt(c->edges, 100);
	for (int sort = 0; sort < 2; sort++)
		for (int id = 0; id < IDS; id++)
			ck_assert_int_eq(c->depth[sort][id], 0);
	written_has(out.text, "\"name\":\"requests: 0.5 req/s, 60 requests\"");
	free(c);
	str_release(&out);
	end_serving(&s);
}
END_TEST

/* A narrow picture is as wide as asked, and its letters can be read. */
static void expect_readable(const char *text, double width)
{
	double w = 0, h;

	ck_assert_int_eq(sscanf(strstr(text, "bb="), "bb=\"0,0,%lf,%lf", &w, &h), 2);
	ck_assert_double_eq_tol(w, width, 1e-6);
	for (const char *at = text; (at = strstr(at, ",fontsize=")) != NULL; at++)
		ck_assert_double_ge(strtod(at + 10, NULL), 6);
}

static const double narrow[] = {252, 330, 474, 500, 760};

START_TEST(loads_are_drawn)
{
	struct served s = serve(load_names[_i]);
	struct str out = STR_INIT;
	struct err err = ERR_INIT;
	struct load_columns c;
	struct served_to to;

	load_columns_init(&c, s.servers_n, s.cut_ns, s.end_ns);
	to = load_columns_listener(&c);
	ck_assert_int_eq(served_tell(&s, s.cut_ns, s.end_ns, &to, &err), 0);
	load_dot(&out, &(struct load_picture){
			       HOSTILE, HOSTILE, s.servers, s.servers_n, &c, s.end_ns / 2, {.width = 0}});
	written_has(out.text, "decode: each running request gets a token");
	written_has(out.text, "measured from here");
	must_draw(out.text);
	for (size_t i = 0; i < ARRAY_LEN(narrow); i++) {
		str_clear(&out);
		load_dot(&out, &(struct load_picture){HOSTILE,
						      HOSTILE,
						      s.servers,
						      s.servers_n,
						      &c,
						      s.end_ns / 2,
						      {.width = narrow[i]}});
		expect_readable(out.text, narrow[i]);
	}
	load_columns_release(&c);
	str_release(&out);
	end_serving(&s);
}
END_TEST

/* Forty servers, nothing happens, and one nanosecond: no row is lost and nothing divides by zero. */
START_TEST(an_idle_load_is_drawn)
{
	struct served_server servers[40];
	struct str out = STR_INIT;
	struct load_columns c;

	for (size_t i = 0; i < ARRAY_LEN(servers); i++)
		servers[i] = (struct served_server){HOSTILE, HOSTILE, 4, i % 2 ? 0 : 100};
	load_columns_init(&c, ARRAY_LEN(servers), 5, 6);
	load_dot(&out,
		 &(struct load_picture){"idle", NULL, servers, ARRAY_LEN(servers), &c, 0, {.width = 0}});
	ck_assert(!strstr(out.text, "nan") && !strstr(out.text, "inf"));
	must_draw(out.text);
	load_columns_release(&c);
	str_release(&out);
}
END_TEST

/* ---- curves ---- */

enum { CURVES = 12, XS = 5 };

struct drawing { /* curves with what they borrow */
	struct curves c;
	struct panel panels[4];
	struct curve_point points[4][CURVES * XS];
	const char *names[CURVES], *texts[XS];
	double x[XS], places[CURVES * XS];
	struct curve_step steps[2];
};

static struct curve_point a_point(int what, size_t curve, size_t i)
{
	const double value = what == 1   ? 0
			     : what == 2 ? pow(10, (double)i - 5) * (double)(curve + 1)
					 : (double)(curve + i);

	if (what == 3 || (what == 2 && curve == 3 && i > 2))
		return (struct curve_point){.state = CURVE_OVERLOADED, .median = NAN};
	if (curve == 2 && i == 2)
		return (struct curve_point){.state = CURVE_NOTHING, .median = NAN};
	return (struct curve_point){CURVE_HAS, value, value * 0.9, value * 1.2, value * 0.05, value * 0.5};
}

static void make_drawing(struct drawing *d, size_t curves, size_t xs, size_t panels)
{
	*d = (struct drawing){.c = {.title = HOSTILE,
				    .x_name = "rate",
				    .x_unit = "req/s",
				    .x_texts = d->texts,
				    .x = d->x,
				    .x_n = xs,
				    .names = d->names,
				    .names_n = curves,
				    .panels = d->panels,
				    .panels_n = panels,
				    .chance = true,
				    .medians = true}};
	d->steps[0] = (struct curve_step){0, 1};
	d->steps[1] = (struct curve_step){300, 2};
	for (size_t i = 0; i < XS; i++) {
		d->x[i] = pow(10, (double)i - 2);
		d->texts[i] = "0.0000001";
	}
	for (size_t k = 0; k < CURVES; k++)
		d->names[k] = k ? HOSTILE " and a name that is far too long for any legend whatsoever" : "";
	for (size_t p = 0; p < panels; p++) {
		for (size_t k = 0; k < curves; k++)
			for (size_t i = 0; i < xs; i++)
				d->points[p][k * xs + i] = a_point((int)p, k, i);
		d->panels[p] = (struct panel){.head = HOSTILE,
					      .unit = p == 2 ? "s" : "",
					      .bound = p ? 3 : (double)NAN,
					      .points = d->points[p]};
	}
}

static const struct {
	size_t curves, xs, panels;
} drawing_cases[] = {{1, 1, 1}, {1, 5, 4}, {12, 5, 4}, {12, 1, 2}, {3, 2, 3}};

/* The first panel has places of its own, a frontier and a bound that is no SLO. */
static void give_places(struct drawing *d)
{
	struct panel *p = &d->panels[0];

	for (size_t i = 0; i < CURVES * XS; i++)
		d->places[i] = 100.0 * (double)(i % 7);
	p->bound = 3;
	p->bound_name = "asked";
	p->x = d->places;
	p->x_name = HOSTILE;
	p->x_unit = "USD";
	p->steps = d->steps;
	p->steps_n = 2;
}

START_TEST(curves_are_drawn)
{
	struct drawing d;
	struct str out = STR_INIT;

	make_drawing(&d, drawing_cases[_i].curves, drawing_cases[_i].xs, drawing_cases[_i].panels);
	give_places(&d);
	curves_dot(&out, &d.c);
	written_has(out.text, "asked 3");
	ck_assert(!strstr(out.text, "nan") && !strstr(out.text, "inf"));
	if (drawing_cases[_i].panels == 4)
		written_has(out.text, "overloaded throughout");
	must_draw(out.text);
	for (size_t i = 0; i < ARRAY_LEN(narrow); i++) {
		d.c.look.width = narrow[i];
		str_clear(&out);
		curves_dot(&out, &d.c);
		expect_readable(out.text, narrow[i]);
	}
	str_release(&out);
}
END_TEST

static size_t columns_of_line(const char *line, size_t n, bool *ascii)
{
	size_t columns = 0;

	for (const char *at = line; at < line + n; columns++) {
		uint32_t c;
		const size_t len = utf8_decode(at, &c);

		*ascii &= (unsigned char)*at < 0x80;
		at += len ? len : 1;
	}
	return columns;
}

/* Whatever the terminal's width, no line is wider; without UTF-8 every byte but those of names is ASCII. */
START_TEST(plots_fit_the_terminal)
{
	struct drawing d;

	make_drawing(&d, drawing_cases[_i].curves, drawing_cases[_i].xs, drawing_cases[_i].panels);
	for (size_t k = 0; k < CURVES; k++)
		d.names[k] = "a name that is far too long for any legend whatsoever, and more";
	for (size_t p = 0; p < 4; p++)
		d.panels[p].head = "TTFT p95";
	for (size_t width = 0; width < 130; width++)
		for (int utf8 = 0; utf8 < 2; utf8++) {
			struct str out = STR_INIT;
			bool ascii = true;

			curves_plot(&out, &d.c, width, utf8);
			ck_assert(width >= 24 ? out.len > 0 : out.len == 0);
			for (const char *at = out.text; *at; at += strcspn(at, "\n") + 1) {
				const size_t n = strcspn(at, "\n");

				ck_assert_uint_le(columns_of_line(at, n, &ascii), width);
				ck_assert(!n || at[n - 1] != ' ');
			}
			ck_assert(ascii || utf8);
			str_release(&out);
		}
}
END_TEST

/* A line from corner to corner is a diagonal of braille dots, with letters at its ends. */
START_TEST(a_plot_is_exact)
{
	static const struct curve_point points[] = {{CURVE_HAS, 0, NAN, NAN, 0, NAN},
						    {CURVE_HAS, 10, NAN, NAN, 0, NAN}};
	static const struct panel panel = {.head = "speed", .unit = "", .bound = NAN, .points = points};
	static const char *const names[] = {"only"}, *const texts[] = {"a", "b"};
	static const double x[] = {0, 1};
	const struct curves c = {.x_name = "n",
				 .x_unit = "",
				 .x_texts = texts,
				 .x = x,
				 .x_n = 2,
				 .names = names,
				 .names_n = 1,
				 .panels = &panel,
				 .panels_n = 1};
	struct str out = STR_INIT;

	curves_plot(&out, &c, 24, false);
	ck_assert_str_eq(out.text, "speed, over n\n"
				   "     10 +             .A\n"
				   "        |            ..\n"
				   "      8 +           ..\n"
				   "        |          ..\n"
				   "        |         ..\n"
				   "      6 +        ..\n"
				   "        |       ..\n"
				   "        |      ..\n"
				   "      4 +     ..\n"
				   "        |    ..\n"
				   "        |   ..\n"
				   "      2 +  ..\n"
				   "        | ..\n"
				   "      0 +A.\n"
				   "        +---------------\n"
				   "         a             b\n\n"
				   "A  only\n");
	str_release(&out);
}
END_TEST

/* ---- sweeps ---- */

static const struct {
	const char *values[3];
	bool quantities;
	double first, last;
} axis_values[] = {
	{{"1", "4", "16"}, true, 1, 16},
	{{"0.1 req/s", "6 req/min", "1 req/s"}, true, 0.1, 1},
	{{"512 tok", "1k tok", "2048 tok"}, false, 0, 2},
	{{"thunderbolt-4", "thunderbolt-5", "x"}, false, 0, 2},
	{{"500 ms", "1 s", "2 s"}, true, 0.5, 2},
};

START_TEST(swept_values_are_quantities_or_names)
{
	const char *texts[3];
	struct sweep_axis axis = {"a.b", {texts, 3}};
	double values[3];

	memcpy(texts, axis_values[_i].values, sizeof texts);
	ck_assert(sweep_axis_values(&axis, values) == axis_values[_i].quantities);
	ck_assert_double_eq_tol(values[0], axis_values[_i].first, 1e-12);
	ck_assert_double_eq_tol(values[2], axis_values[_i].last, 1e-12);
}
END_TEST

/* Two assignments over a grid of three by two, of which the second is better to the right; equals are the
 * first's. */
START_TEST(maps_name_the_best)
{
	static const double of[6][2] = {{1, 2}, {2, 2}, {3, 2}, {1, 5}, {9, 5}, {9, 1}};
	struct metric metrics[6][2];
	struct sweep_entry entries[6][2];
	struct sweep_cell cells[6];
	const char *ys[] = {"1", "2"}, *xs[] = {"1", "2", "3"}, *names[] = {HOSTILE, "b"};
	const struct sweep_axis axes[] = {{"workload.generate.batch", {ys, 2}}, {"x", {xs, 3}}};
	const struct sweep s = {.axes = axes,
				.axes_n = 2,
				.cells = cells,
				.cells_n = 6,
				.title = "map",
				.metric = "e2el_s",
				.unit = "s",
				.names = names,
				.names_n = 2};
	static const size_t best[] = {0, 0, 1, 0, 1, 1};
	static const char break_even[] = "color=\"#000000\",penwidth=1.80";
	struct str out = STR_INIT;

	for (size_t i = 0; i < 6; i++) {
		for (size_t k = 0; k < 2; k++) {
			metrics[i][k] = (struct metric){.name = "e2el_s", .value = of[i][k], .less = true};
			entries[i][k] = (struct sweep_entry){.metric = &metrics[i][k]};
		}
		cells[i] = (struct sweep_cell){.entries = entries[i]};
	}
	for (size_t i = 0; i < 6; i++)
		ck_assert_uint_eq(heat_best(&s, i), best[i]);
	heat_dot(&out, &s, &(struct picture_look){.style = STYLE_COLOUR});
	written_has(out.text, "label=\"2.00*\"");
	written_has(out.text, "label=\"batch\\l\"");
	must_draw(out.text);
	/* between 0 and 1, 1 and 4, 2 and 5's row: each once on each of three maps */
	ck_assert_uint_eq(written_count(out.text, break_even), 3 * 3);
	entries[0][0].metric = entries[0][1].metric = NULL;
	entries[0][1].lack = SWEEP_OVERLOADED;
	ck_assert_uint_eq(heat_best(&s, 0), 2);
	str_clear(&out);
	heat_dot(&out, &s, &(struct picture_look){.style = STYLE_COLOUR});
	written_has(out.text, "label=\"over\"");
	must_draw(out.text);
	/* a cell without a value had no line, and gets none */
	ck_assert_uint_eq(written_count(out.text, break_even), 3 * 3);
	for (size_t i = 0; i < ARRAY_LEN(narrow); i++) {
		str_clear(&out);
		heat_dot(&out, &s, &(struct picture_look){.width = narrow[i]});
		expect_readable(out.text, narrow[i]);
	}
	str_release(&out);
}
END_TEST

Suite *suite_pictures(void)
{
	Suite *s = suite_create("pictures");
	TCase *axes = tcase_create("axes"), *loads = tcase_create("loads"), *sweeps = tcase_create("sweeps");

	tcase_add_loop_test(axes, axes_have_even_ends, 0, ARRAY_LEN(axis_cases));
	tcase_add_loop_test(axes, time_has_a_dozen_ticks, 0, ARRAY_LEN(tick_cases));
	tcase_add_test(axes, legends_break_into_rows);
	suite_add_tcase(s, axes);
	tcase_add_loop_test(loads, columns_keep_time, 0, 4);
	tcase_add_test(loads, many_passes_are_not_kept);
	tcase_add_loop_test(loads, jumps_are_told_as_iterations, 0, ARRAY_LEN(load_names));
	tcase_add_loop_test(loads, passes_have_every_token, 0, ARRAY_LEN(load_names));
	tcase_add_loop_test(loads, traces_of_loads_are_sound, 0, ARRAY_LEN(load_names));
	tcase_add_loop_test(loads, loads_are_drawn, 0, ARRAY_LEN(load_names));
	tcase_add_test(loads, an_idle_load_is_drawn);
	suite_add_tcase(s, loads);
	tcase_add_loop_test(sweeps, curves_are_drawn, 0, ARRAY_LEN(drawing_cases));
	tcase_add_loop_test(sweeps, plots_fit_the_terminal, 0, ARRAY_LEN(drawing_cases));
	tcase_add_test(sweeps, a_plot_is_exact);
	tcase_add_loop_test(sweeps, swept_values_are_quantities_or_names, 0, ARRAY_LEN(axis_values));
	tcase_add_test(sweeps, maps_name_the_best);
	suite_add_tcase(s, sweeps);
	return s;
}
