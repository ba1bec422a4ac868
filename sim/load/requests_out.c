/* requests_out.c - see requests_out.h. */
#include "sim/load/requests_out.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "sim/base/jsonw.h"
#include "sim/base/mem.h"

struct requests_out {
	int fd, failed; /* errno of the first write that failed */
	enum requests_format format;
	char *path;
	struct requests_of of;
	struct observer next;
	struct str line;
};

static const char *const ends[] = {[REQUEST_DONE] = "done",
				   [REQUEST_REFUSED] = "refused",
				   [REQUEST_TRUNCATED] = "truncated",
				   [REQUEST_UNFINISHED] = "unfinished"};

/* A line at a time, so that none is cut in half by an interruption that the process survives to end. */
static void put(struct requests_out *o)
{
	const char *at = o->line.text;
	size_t left = o->line.len;

	while (left && !o->failed) {
		const ssize_t n = write(o->fd, at, left);

		if (n < 0 && errno != EINTR)
			o->failed = errno;
		at += n > 0 ? n : 0;
		left -= n > 0 ? (size_t)n : 0;
	}
}

const struct output_column requests_columns[REQUESTS_COLUMNS] = {
	{"request", "", "its number, from 0 in the order of arrival"},
	{"prompt_tokens", "tok", "of the prompt"},
	{"output_tokens", "tok", "answered"},
	{"arrived_s", "s", "from the beginning of the run, as the others"},
	{"queued_s", "s", "when it reached the server that took it"},
	{"scheduled_s", "s", "when work on it began; empty (null): never, as of those below"},
	{"first_token_s", "s", "when its first token came"},
	{"last_token_s", "s", "when its last token came"},
	{"cached_tokens", "tok", "of the prompt, found in a prefix cache"},
	{"recomputed_tokens", "tok", "read again after a preemption or a failure"},
	{"preemptions", "", "how often it was sent back to wait"},
	{"replica", "", "the server that answered, from 0"},
	{"class", "", "of the load; empty where it has none"},
	{"end", "", "done, refused, truncated or unfinished"},
	{"replication", "", "of the load, from 1; the same in all lines"}};

static void add_head(struct str *out)
{
	output_columns_head(out, requests_columns, REQUESTS_COLUMNS);
	str_add(out, "\n");
}

struct requests_out *requests_out_open(const char *path, bool force, const struct requests_of *of,
				       struct err *err)
{
	const bool csv = str_ends(path, ".csv"), jsonl = str_ends(path, ".jsonl");
	struct requests_out *o;
	int fd;

	if (!csv && !jsonl) {
		err_set(err, "cannot tell from '%.100s' what to write", path);
		err_hint(err, "name a file .csv or .jsonl");
		return NULL;
	}
	fd = open(path, O_WRONLY | O_CREAT | (force ? O_TRUNC : O_EXCL), 0666);
	if (fd < 0) {
		err_set(err, "cannot write %.200s: %s", path, strerror(errno));
		if (errno == EEXIST)
			err_hint(err, "--force overwrites it");
		return NULL;
	}
	o = xcalloc(1, sizeof *o);
	*o = (struct requests_out){.fd = fd,
				   .format = csv ? REQUESTS_CSV : REQUESTS_JSONL,
				   .path = xstrdup(path),
				   .of = *of,
				   .line = STR_INIT};
	if (csv)
		add_head(&o->line);
	put(o);
	return o;
}

static const char *class_name(const struct requests_out *o, uint32_t id)
{
	return id < o->of.classes_n ? o->of.classes[id].origin.name : "";
}

/* "12.500000000", from whole nanoseconds. */
static void add_time(struct str *s, int64_t ns, const char *never)
{
	if (ns < 0)
		str_add(s, never);
	else
		str_addf(s, "%lld.%09lld", (long long)(ns / 1000000000), (long long)(ns % 1000000000));
}

static void csv_line(struct requests_out *o, const struct request *r, const struct request_times *t)
{
	const int64_t times[] = {r->arrive_ns, t->queued_ns, t->admitted_ns, t->first_ns, t->last_ns};
	struct str *s = &o->line;

	str_addf(s, "%llu,%lld,%lld", (unsigned long long)r->id, (long long)r->prompt, (long long)t->tokens);
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		str_add(s, ",");
		add_time(s, times[i], "");
	}
	str_addf(s, ",%lld,%lld,%u,%u,", (long long)t->cached, (long long)t->recomputed, t->preemptions,
		 t->replica);
	str_add_csv(s, class_name(o, r->class_id));
	str_addf(s, ",%s,%d\n", ends[t->end], o->of.replication + 1);
}

static void json_line(struct requests_out *o, const struct request *r, const struct request_times *t)
{
	static const char *const keys[] = {"arrived_s", "queued_s", "scheduled_s", "first_token_s",
					   "last_token_s"};
	const int64_t times[] = {r->arrive_ns, t->queued_ns, t->admitted_ns, t->first_ns, t->last_ns};
	struct str *s = &o->line, name = STR_INIT;
	struct jsonw w;

	jsonw_init(&w, &name, 0);
	jsonw_string(&w, class_name(o, r->class_id));
	str_addf(s, "{\"request\":%llu,\"prompt_tokens\":%lld,\"output_tokens\":%lld",
		 (unsigned long long)r->id, (long long)r->prompt, (long long)t->tokens);
	for (size_t i = 0; i < ARRAY_LEN(times); i++) {
		str_addf(s, ",\"%s\":", keys[i]);
		add_time(s, times[i], "null");
	}
	str_addf(s,
		 ",\"cached_tokens\":%lld,\"recomputed_tokens\":%lld,\"preemptions\":%u,\"replica\":%u,"
		 "\"class\":%s,\"end\":\"%s\",\"replication\":%d}\n",
		 (long long)t->cached, (long long)t->recomputed, t->preemptions, t->replica, name.text,
		 ends[t->end], o->of.replication + 1);
	str_release(&name);
}

static void ended(void *self, const struct request *r, const struct request_times *t)
{
	struct requests_out *o = self;

	str_clear(&o->line);
	if (o->format == REQUESTS_CSV)
		csv_line(o, r, t);
	else
		json_line(o, r, t);
	put(o);
	if (o->next.ended)
		o->next.ended(o->next.self, r, t);
}

static void gaps(void *self, struct clock end, int64_t first_fs, int64_t slope_fs, int64_t n, int64_t weight)
{
	const struct observer *next = &((struct requests_out *)self)->next;

	next->gaps(next->self, end, first_fs, slope_fs, n, weight);
}

static void state(void *self, uint32_t replica, int64_t from_ns, int64_t to_ns, int64_t waiting,
		  int64_t running, int64_t kv_blocks, int64_t kv_block_ns, bool busy)
{
	const struct observer *next = &((struct requests_out *)self)->next;

	next->state(next->self, replica, from_ns, to_ns, waiting, running, kv_blocks, kv_block_ns, busy);
}

static void iterations(void *self, uint32_t replica, int64_t from_ns, int64_t to_ns, int64_t n,
		       int64_t decodes, int64_t read)
{
	const struct observer *next = &((struct requests_out *)self)->next;

	next->iterations(next->self, replica, from_ns, to_ns, n, decodes, read);
}

struct observer requests_out_observer(struct requests_out *o, const struct observer *next)
{
	o->next = next ? *next : (struct observer){.self = NULL};
	return (struct observer){.ended = ended,
				 .gaps = o->next.gaps ? gaps : NULL,
				 .state = o->next.state ? state : NULL,
				 .iterations = o->next.iterations ? iterations : NULL,
				 .self = o};
}

int requests_out_close(struct requests_out *o, struct err *err)
{
	int rc = 0;

	if (!o)
		return 0;
	if (close(o->fd) != 0 && !o->failed)
		o->failed = errno;
	if (o->failed)
		rc = err_set(err, "cannot write %.200s: %s", o->path, strerror(o->failed));
	free(o->path);
	str_release(&o->line);
	free(o);
	return rc;
}
