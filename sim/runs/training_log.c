/* training_log.c - see training_log.h. */
#include "sim/runs/training_log.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "sim/base/file.h"
#include "sim/base/str.h"
#include "sim/runs/ingest.h"
#include "sim/runs/numbers.h"

struct log_reading {
	struct training_log *log;
	struct err *err;
	const char *line;
	int at;
	double iteration; /* the number in the report before; 0: none */
};

bool training_log_is(const char *text)
{
	return strstr(text, "Train loss ") && strstr(text, "It/sec ");
}

bool training_log_at(const char *path)
{
	struct arena scratch = ARENA_INIT;
	char *text;
	size_t len;
	bool is = file_read(&scratch, path, RUNS_FILE_MAX, &text, &len, NULL) == 0 && training_log_is(text);

	arena_release(&scratch);
	return is;
}

static int wrong(const struct log_reading *r, const char *what)
{
	return err_set(r->err, "%s:%d: %s", r->log->path, r->at, what);
}

/* A plain positive number at the text, below max; NAN for anything else. */
static double number(const char *at, double max)
{
	const double x = at && *at >= '0' && *at <= '9' ? reading_decimal(at) : NAN;

	return x > 0 && x < max ? x : NAN;
}

/* The text behind the name in the line; NULL where the line has none. */
static const char *behind(const char *line, const char *name)
{
	const char *at = strstr(line, name);

	return at ? at + strlen(name) : NULL;
}

/* "(1.704M/8030.261M)" */
static int take_numbers(struct log_reading *r)
{
	const char *open = strchr(r->line, '('), *slash = open ? strchr(open, '/') : NULL;
	const double trainable = number(open ? open + 1 : NULL, 1e9),
		     total = number(slash ? slash + 1 : NULL, 1e9);

	if (!open) /* before March 2024 a line of its own says the total, without what is quantised */
		return 0;
	if (isnan(trainable) || isnan(total) || trainable > total)
		return wrong(r, "expected 'Trainable parameters: X% (NM/NM)'");
	r->log->trainable = 1e6 * trainable;
	r->log->total = 1e6 * total;
	return 0;
}

static int take_memory(struct log_reading *r)
{
	const char *said = behind(r->line, "Peak mem ");
	const double peak = number(said ? said : behind(r->line, "peak_memory "), 1e5);

	if (!said && !strstr(r->line, "peak_memory "))
		return 0;
	if (isnan(peak))
		return wrong(r, "Peak mem: expected gigabytes below 100000");
	r->log->peak_B = fmax(r->log->peak_B, 1e9 * peak);
	return 0;
}

static int take_report(struct log_reading *r)
{
	const double iteration = number(r->line + strlen("Iter "), 1e12),
		     rate = number(behind(r->line, "It/sec "), 1e6),
		     tokens = number(behind(r->line, "Tokens/sec "), 1e9);
	double steps;

	if (isnan(iteration) || isnan(rate) || isnan(tokens))
		return wrong(r,
			     "expected 'Iter N: Train loss X, ..., It/sec X, Tokens/sec X', all above zero");
	steps = iteration > r->iteration ? iteration - r->iteration
					 : iteration; /* a second run begins anew */
	r->iteration = iteration;
	r->log->line = r->log->line ? r->log->line : r->at;
	r->log->steps += steps;
	r->log->seconds += steps / rate;
	r->log->tokens += steps / rate * tokens;
	return take_memory(r);
}

static int take_line(struct log_reading *r)
{
	if (strstr(r->line, "Trainable parameters: "))
		return take_numbers(r);
	r->line = strstr(r->line, "Iter ");
	return r->line && strstr(r->line, "Train loss ") ? take_report(r) : 0;
}

int training_log_parse(struct arena *a, const char *path, const char *text, struct training_log *log,
		       struct err *err)
{
	struct log_reading r = {.log = log, .err = err};

	*log = (struct training_log){.path = path};
	while (*text) {
		const size_t len = strcspn(text, "\n");

		r.line = arena_strndup(a, text, len);
		r.at++;
		if (take_line(&r) != 0)
			return -1;
		text += len + (text[len] == '\n');
	}
	return log->steps > 0 ? 0 : err_set(err, "%s: no report of a training run", path);
}

int training_log_read(struct arena *a, const char *path, struct training_log *log, struct err *err)
{
	char *text;
	size_t len;

	*log = (struct training_log){.path = path};
	return file_read(a, path, RUNS_FILE_MAX, &text, &len, err) != 0
		       ? -1
		       : training_log_parse(a, path, text, log, err);
}
