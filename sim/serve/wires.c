/* wires.c - see wires.h. */
#include "sim/serve/wires.h"

#include <math.h>

#include "sim/base/err.h"
#include "sim/des/flow.h"

struct flow {
	const size_t *path;
	size_t n;
	double left_B;
	int64_t through_ns; /* with the rates as they are */
	void (*done)(void *self, uint64_t which, int64_t now_ns);
	void *self;
	uint64_t which;
};

struct wires {
	struct serve_run_state *run;
	const double *Bps;
	size_t n;
	VEC(struct flow) flows;
	VEC(double) rates;
	int64_t now_ns;
	uint64_t turn; /* timers of earlier turns are void */
};

struct wires *wires_new(struct serve_run_state *run, const double *Bps, size_t n)
{
	struct wires *w = xcalloc(1, sizeof *w);

	w->run = run;
	w->Bps = Bps;
	w->n = n;
	return w;
}

void wires_free(struct wires *w)
{
	VEC_FREE(&w->flows);
	VEC_FREE(&w->rates);
	free(w);
}

static void advance(struct wires *w, int64_t at_ns)
{
	for (size_t i = 0; i < w->flows.n; i++)
		w->flows.at[i].left_B -= w->rates.at[i] * (1e-9 * (double)(at_ns - w->now_ns));
	w->now_ns = at_ns;
}

static void through(struct serve_run_state *run, uint64_t what, int64_t now_ns);

/* New rates, and a timer for the first to be through. The wires are found again through the timer's number
 * only, so it carries the turn. */
static void set_rates(struct wires *w)
{
	struct arena a = ARENA_INIT;
	const size_t n = w->flows.n;
	const size_t **paths = arena_array(&a, n + 1, sizeof *paths);
	size_t *path_n = arena_array(&a, n + 1, sizeof *path_n);
	double *caps = arena_array(&a, n + 1, sizeof *caps);
	int64_t first_ns = INT64_MAX;

	for (size_t i = 0; i < n; i++) {
		paths[i] = w->flows.at[i].path;
		path_n[i] = w->flows.at[i].n;
		caps[i] = INFINITY;
	}
	w->rates.n = 0;
	for (size_t i = 0; i < n; i++)
		VEC_ADD(&w->rates, 0);
	flow_max_min(w->Bps, w->n, paths, path_n, caps, n, w->rates.at);
	for (size_t i = 0; i < n; i++) {
		struct flow *f = &w->flows.at[i];

		f->through_ns =
			w->now_ns + (f->left_B > 0 ? (int64_t)ceil(f->left_B / w->rates.at[i] * 1e9) : 0);
		if (f->through_ns < first_ns)
			first_ns = f->through_ns;
	}
	arena_release(&a);
	w->turn++;
	if (n)
		run_timer(w->run, first_ns, through, w->turn);
}

static void through(struct serve_run_state *run, uint64_t what, int64_t now_ns)
{
	struct wires *w = run->wires;
	VEC(struct flow) done = {0};
	size_t kept = 0;

	if (what != w->turn)
		return;
	advance(w, now_ns);
	for (size_t i = 0; i < w->flows.n; i++)
		if (w->flows.at[i].through_ns <= now_ns)
			VEC_ADD(&done, w->flows.at[i]);
		else
			w->flows.at[kept++] = w->flows.at[i];
	w->flows.n = kept;
	set_rates(w);
	for (size_t i = 0; i < done.n; i++)
		done.at[i].done(done.at[i].self, done.at[i].which, now_ns);
	VEC_FREE(&done);
}

void wires_send(struct wires *w, const size_t *path, size_t n, double bytes, int64_t at_ns,
		void (*done)(void *self, uint64_t which, int64_t now_ns), void *self, uint64_t which)
{
	advance(w, at_ns);
	VEC_ADD(&w->flows, (struct flow){path, n, bytes, 0, done, self, which});
	set_rates(w);
}

void wires_cancel(struct wires *w, uint64_t which, int64_t at_ns)
{
	size_t kept = 0;

	advance(w, at_ns);
	for (size_t i = 0; i < w->flows.n; i++)
		if (w->flows.at[i].which != which)
			w->flows.at[kept++] = w->flows.at[i];
	if (kept == w->flows.n)
		return;
	w->flows.n = kept;
	set_rates(w);
}
