/*
 * trace.c - a schedule as Chrome trace JSON, which ui.perfetto.dev opens.
 *
 * Layer report. Times are microseconds with exactly three decimals, from whole nanoseconds. The format is
 * "Trace Event Format", Google, 2016. The start of a flow must be inside its slice, so it is one nanosecond
 * before the end.
 */
#include <inttypes.h>
#include <stdlib.h>

#include "sim/base/err.h"
#include "sim/base/jsonw.h"
#include "sim/base/map.h"
#include "sim/base/mem.h"
#include "sim/report/schedule.h"

struct trace {
	struct str *out;
	const struct schedule *s;
	size_t *pid; /* [lane]: process number, from 1 */
	bool filled;
	size_t flows_n;
};

static void add_quoted(struct str *out, const char *text)
{
	struct jsonw w;

	jsonw_init(&w, out, 0);
	jsonw_string(&w, text);
}

static void add_us(struct str *out, const char *key, sim_ns ns)
{
	const uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;

	str_addf(out, ",\"%s\":%s%" PRIu64 ".%03" PRIu64, key, ns < 0 ? "-" : "", size / 1000, size % 1000);
}

/* Writes the begin of an event on a lane; the caller writes the closing brace. */
static void open_event(struct trace *t, const char *phase, size_t lane)
{
	str_addf(t->out, "%s{\"ph\":\"%s\",\"pid\":%zu,\"tid\":%zu", t->filled ? ",\n" : "", phase,
		 t->pid[lane], lane + 1);
	t->filled = true;
}

static const char *process_name(const struct lane *lane)
{
	return lane->is_link || !lane->machine || !*lane->machine ? lane->name : lane->machine;
}

/* Numbers the processes, one for each machine, in the order of their first lanes. */
static void number_processes(struct trace *t)
{
	struct map names = MAP_INIT;

	t->pid = xcalloc(t->s->lanes_n + 1, sizeof *t->pid);
	for (size_t l = 0; l < t->s->lanes_n; l++)
		t->pid[l] = map_add(&names, process_name(&t->s->lanes[l])) + 1;
	map_release(&names);
}

static void add_name(struct trace *t, size_t lane, const char *what, const char *name, const char *more)
{
	struct str text = STR_INIT;

	str_add(&text, name);
	if (more && *more)
		str_addf(&text, ": %s", more);
	open_event(t, "M", lane);
	str_addf(t->out, ",\"name\":\"%s_name\",\"args\":{\"name\":", what);
	add_quoted(t->out, text.text);
	str_add(t->out, "}}");
	str_release(&text);
}

static void add_rank(struct trace *t, size_t lane, const char *what, size_t rank)
{
	open_event(t, "M", lane);
	str_addf(t->out, ",\"name\":\"%s_sort_index\",\"args\":{\"sort_index\":%zu}}", what, rank);
}

static void add_lanes(struct trace *t)
{
	size_t seen = 0;

	for (size_t l = 0; l < t->s->lanes_n; l++) {
		const struct lane *lane = &t->s->lanes[l];

		if (t->pid[l] > seen) { /* the first lane of a new process */
			seen = t->pid[l];
			add_name(t, l, "process", process_name(lane), NULL);
			add_rank(t, l, "process", seen);
		}
		add_name(t, l, "thread", lane->name, lane->sub);
		add_rank(t, l, "thread", l + 1);
	}
}

static void add_slice(struct trace *t, size_t i)
{
	const struct box *box = &t->s->boxes[i];

	open_event(t, "X", box->lane);
	str_add(t->out, ",\"name\":");
	add_quoted(t->out, box->label && *box->label ? box->label : box_kind_names[box->kind]);
	str_addf(t->out, ",\"cat\":\"%s\"", box_kind_names[box->kind]);
	add_us(t->out, "ts", box->start_ns);
	add_us(t->out, "dur", box->end_ns - box->start_ns);
	str_addf(t->out, ",\"args\":{\"kind\":\"%s\"", box_kind_names[box->kind]);
	if (box->letter && *box->letter) {
		str_add(t->out, ",\"letter\":");
		add_quoted(t->out, box->letter);
	}
	if (box->detail && *box->detail) {
		str_add(t->out, ",\"detail\":");
		add_quoted(t->out, box->detail);
	}
	str_addf(t->out, ",\"critical\":%s}}", box->critical ? "true" : "false");
}

/* Adds a flow from the last nanosecond of the cause to the start of the box; none if either takes no time. */
static void add_flow(struct trace *t, size_t i)
{
	const struct box *box = &t->s->boxes[i], *cause;
	sim_ns leaves_ns;

	if (box->cause == UINT32_MAX)
		return;
	BUG_ON(box->cause >= t->s->boxes_n);
	cause = &t->s->boxes[box->cause];
	if (cause->lane == box->lane || cause->end_ns <= cause->start_ns || box->end_ns <= box->start_ns)
		return;
	leaves_ns = cause->end_ns - 1 < box->start_ns ? cause->end_ns - 1 : box->start_ns;
	if (leaves_ns < cause->start_ns) /* the box began before its cause */
		return;
	t->flows_n++;
	open_event(t, "s", cause->lane);
	str_addf(t->out, ",\"name\":\"lets start\",\"cat\":\"cause\",\"id\":%zu", t->flows_n);
	add_us(t->out, "ts", leaves_ns);
	str_add(t->out, "}");
	open_event(t, "f", box->lane);
	str_addf(t->out, ",\"bp\":\"e\",\"name\":\"lets start\",\"cat\":\"cause\",\"id\":%zu", t->flows_n);
	add_us(t->out, "ts", box->start_ns);
	str_add(t->out, "}");
}

void schedule_trace(struct str *out, const struct schedule *s, const char *version)
{
	struct trace t = {.out = out, .s = s};

	str_add(out, "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"generator\":\"lemursim\",\"version\":");
	add_quoted(out, version);
	str_add(out, ",\"title\":");
	add_quoted(out, s->title);
	str_add(out, "},\"traceEvents\":[\n");
	number_processes(&t);
	add_lanes(&t);
	for (size_t i = 0; i < s->boxes_n; i++) {
		BUG_ON(s->boxes[i].lane >= s->lanes_n || s->boxes[i].kind >= BOX_KIND_N);
		add_slice(&t, i);
		add_flow(&t, i);
	}
	str_add(out, "\n]}\n");
	free(t.pid);
}
