/* trace_events.c - see trace_events.h. */
#include "sim/draw/trace_events.h"

#include <inttypes.h>

#include "sim/base/jsonw.h"

static void add_quoted(struct str *out, const char *text)
{
	struct jsonw w;

	jsonw_init(&w, out, 0);
	jsonw_string(&w, text);
}

void trace_events_open(struct trace_events *t, struct str *out, const char *title, const char *version)
{
	*t = (struct trace_events){.out = out};
	str_add(out, "{\"displayTimeUnit\":\"ms\",\"otherData\":{\"generator\":\"lemursim\",\"version\":");
	add_quoted(out, version);
	str_add(out, ",\"title\":");
	add_quoted(out, title);
	str_add(out, "},\"traceEvents\":[\n");
}

void trace_events_close(struct trace_events *t)
{
	str_add(t->out, "\n]}\n");
}

void trace_events_begin(struct trace_events *t, const char *phase, size_t process, size_t thread)
{
	str_addf(t->out, "%s{\"ph\":\"%s\",\"pid\":%zu,\"tid\":%zu", t->n++ ? ",\n" : "", phase, process,
		 thread);
}

void trace_events_value(struct trace_events *t, const char *text)
{
	add_quoted(t->out, text);
}

void trace_events_text(struct trace_events *t, const char *key, const char *text)
{
	str_addf(t->out, ",\"%s\":", key);
	trace_events_value(t, text);
}

void trace_events_us(struct trace_events *t, const char *key, sim_ns ns)
{
	const uint64_t size = ns < 0 ? 0 - (uint64_t)ns : (uint64_t)ns;

	str_addf(t->out, ",\"%s\":%s%" PRIu64 ".%03" PRIu64, key, ns < 0 ? "-" : "", size / 1000,
		 size % 1000);
}

void trace_events_name(struct trace_events *t, size_t process, size_t thread, const char *what,
		       const char *name, const char *more)
{
	struct str text = STR_INIT;

	str_add(&text, name);
	if (more && *more)
		str_addf(&text, ": %s", more);
	trace_events_begin(t, "M", process, thread);
	str_addf(t->out, ",\"name\":\"%s_name\",\"args\":{\"name\":", what);
	add_quoted(t->out, text.text);
	str_add(t->out, "}}");
	str_release(&text);
}

void trace_events_rank(struct trace_events *t, size_t process, size_t thread, const char *what, size_t rank)
{
	trace_events_begin(t, "M", process, thread);
	str_addf(t->out, ",\"name\":\"%s_sort_index\",\"args\":{\"sort_index\":%zu}}", what, rank);
}
