/* check_cells_file.c - cells of a sweep as lines: what is written is read again, damage is told of, shares are a partition. */
#include "tests/fixtures.h"
#include "tests/suites.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/base/append.h"
#include "sim/base/rng.h"
#include "sim/cli/rank.h"
#include "sim/sweep/cells_file.h"

#define VERSION_OF_TEST "1.2.3"
enum { NAMES = 3, SHOWN = 2 };

static struct arena arena;

static void begin(void)
{
	arena = (struct arena)ARENA_INIT;
}

static void end(void)
{
	arena_release(&arena);
}

/* Numbers that are hard to write down. */
static double any_number(struct rng *r)
{
	static const double odd[] = {0, -0.0, 0.1, 1e-310, 1e300, -1.0 / 3};

	switch ((int)(rng_uniform(r) * 10)) {
	case 0:
		return NAN;
	case 1:
		return INFINITY;
	case 2:
		return -INFINITY;
	case 3:
		return odd[(int)(rng_uniform(r) * 6)];
	default:
		return rng_normal(r) * 1e3;
	}
}

static const struct metric *any_metric(struct rng *r, const char *name)
{
	const struct metric_info *info = metric_find(name, &(struct err)ERR_INIT);
	struct metric *m = arena_alloc(&arena, sizeof *m);

	if (rng_uniform(r) < 0.2)
		return NULL;
	*m = (struct metric){.name = info->name,
			     .unit = info->unit,
			     .less = info->less,
			     .value = any_number(r),
			     .lo = any_number(r),
			     .hi = any_number(r),
			     .ci = any_number(r)};
	return m;
}

static void run_one(struct sweep *s, size_t cell, struct rng *r)
{
	static const char *const shown[] = {"ttft_s_p95", "ttft_s_p50", "e2el_s", "e2el_s"};
	struct sweep_cell *c = &s->cells[cell];
	struct sweep_entry *entries = arena_array(&arena, NAMES, sizeof *entries);
	double *bounds = arena_array(&arena, SHOWN, sizeof *bounds);
	struct load_input *in = arena_alloc(&arena, sizeof *in);

	for (size_t i = 0; i < NAMES; i++) {
		const struct metric **all = arena_array(&arena, 2 * (size_t)SHOWN, sizeof *all);

		for (size_t k = 0; k < 2 * (size_t)SHOWN; k++)
			all[k] = any_metric(r, shown[k]);
		entries[i] = (struct sweep_entry){.alone = i == 0,
						  .metric = any_metric(r, s->metric),
						  .lack = (enum sweep_lack)(rng_uniform(r) * 4),
						  .overloaded = rng_uniform(r) < 0.5,
						  .holds = any_number(r),
						  .times = any_number(r),
						  .won = any_number(r),
						  .shown = all};
		entries[i].fits = entries[i].metric != NULL;
	}
	for (size_t k = 0; k < SHOWN; k++)
		bounds[k] = any_number(r);
	*in = (struct load_input){.path = "a \"b\"\n\xe2\x80\xa8.yaml"};
	memset(in->sha256, 'a', 64);
	c->entries = entries;
	c->bounds = bounds;
	c->best_alone = entries[0].metric ? 0 : NAMES;
	c->computed = "model \\ \"x\", line\ntab\t";
	c->inputs = in;
	c->inputs_n = cell % 2;
}

static struct sweep a_sweep(uint64_t seed)
{
	static const char *over_at[] = {"workload.generate.batch=1,[2,3],\"4,5\"", "x=a,b,c"};
	static const char *names[] = {"one", "\"two\"", "three\xc3\xa9"};
	const struct texts over = {over_at, 2};
	struct rng *r = rng_new(seed, "cells");
	struct sweep s;
	struct err err = ERR_INIT;

	ck_assert_int_eq(sweep_lay_out(&arena, &over, &s, &err), 0);
	memset(s.key, 'f', 64);
	s.title = "a title\nof two lines";
	s.metric = "e2el_s";
	s.unit = "s";
	s.computed = "all";
	s.names = names;
	s.names_n = NAMES;
	s.shown = arena_array(&arena, SHOWN, sizeof *s.shown);
	s.shown_n = SHOWN;
	s.shown[0] =
		(struct sweep_shown){metric_find("ttft_s_p95", &err), metric_find("ttft_s_p50", &err), 2};
	s.shown[1] = (struct sweep_shown){metric_find("e2el_s", &err), NULL, NAN};
	for (size_t i = 0; i < s.cells_n; i++)
		run_one(&s, i, r);
	rng_free(r);
	return s;
}

static struct str written(const struct sweep *s)
{
	struct str out = STR_INIT;

	cells_write_head(&out, s, VERSION_OF_TEST);
	for (size_t i = s->cells_n; i-- > 0;)
		cells_write_cell(&out, s, i);
	return out;
}

START_TEST(what_is_written_is_read_again)
{
	const struct sweep s = a_sweep((uint64_t)_i);
	struct sweep back = {0};
	struct str text = written(&s), again;
	struct err err = ERR_INIT;

	ck_assert_uint_eq(s.cells_n, 9);
	ck_assert_msg(cells_read(&arena, &back, "x", text.text, text.len, VERSION_OF_TEST, &err) == 0, "%s",
		      err.msg);
	again = written(&back);
	ck_assert_str_eq(text.text, again.text);
	/* a second time: the same cells again are no error */
	ck_assert_int_eq(cells_read(&arena, &back, "x", text.text, text.len, VERSION_OF_TEST, &err), 0);
	for (size_t i = 0; i < s.cells_n; i++)
		for (size_t k = 0; k < NAMES; k++) {
			const struct sweep_entry *was = &s.cells[i].entries[k],
						 *is = &back.cells[i].entries[k];

			ck_assert_int_eq(was->fits, is->fits);
			ck_assert(memcmp(&was->times, &is->times, sizeof(double)) == 0 || isnan(was->times));
		}
	str_release(&text);
	str_release(&again);
}
END_TEST

static int read_text(const char *text, size_t len, const char *version, struct err *err)
{
	struct sweep back = {0};

	*err = (struct err)ERR_INIT;
	return cells_read(&arena, &back, "x", text, len, version, err);
}

/* Cut anywhere, or with any byte changed, a file is read or refused with a reason. */
START_TEST(damage_is_told_of)
{
	const struct sweep s = a_sweep(1);
	struct str text = written(&s);
	struct rng *r = rng_new(2, "damage");
	size_t refused = 0;
	struct err err;

	for (size_t n = 0; n < text.len; n += 7) {
		const bool whole = n && text.text[n - 1] == '\n';
		const int rc = read_text(text.text, n, VERSION_OF_TEST, &err);

		MUST(rc == 0 || err.msg[0]);
		MUST(!whole || rc == 0);
		refused += rc != 0;
	}
	for (int i = 0; i < 3000; i++) {
		const size_t at = (size_t)(rng_uniform(r) * (double)text.len);
		const char was = text.text[at];

		text.text[at] = (char)(unsigned char)(rng_uniform(r) * 256);
		MUST(read_text(text.text, text.len, VERSION_OF_TEST, &err) == 0 || err.msg[0]);
		text.text[at] = was;
	}
	ck_assert_uint_gt(refused, 100);
	rng_free(r);
	str_release(&text);
}
END_TEST

START_TEST(what_does_not_belong_together_is_refused)
{
	struct sweep s = a_sweep(1), other = a_sweep(2), back = {0};
	struct str text = written(&s), text_of_other;
	struct err err;

	ck_assert_int_eq(read_text(text.text, text.len, "9.9.9", &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "1.2.3"));
	err = (struct err)ERR_INIT;
	ck_assert_int_eq(cells_read(&arena, &back, "x", text.text, text.len, VERSION_OF_TEST, &err), 0);
	text_of_other = written(&other); /* the same key, other numbers */
	ck_assert_int_eq(
		cells_read(&arena, &back, "y", text_of_other.text, text_of_other.len, VERSION_OF_TEST, &err),
		-1);
	ck_assert_ptr_nonnull(strstr(err.msg, "y:line 2: this cell was read before"));
	str_release(&text_of_other);
	memset(other.key, 'e', 64);
	text_of_other = written(&other);
	err = (struct err)ERR_INIT;
	ck_assert_int_eq(
		cells_read(&arena, &back, "y", text_of_other.text, text_of_other.len, VERSION_OF_TEST, &err),
		-1);
	ck_assert_ptr_nonnull(strstr(err.msg, "another sweep"));
	str_release(&text);
	str_release(&text_of_other);
}
END_TEST

START_TEST(shares_are_a_partition)
{
	struct sweep s = a_sweep(1);
	const size_t n = (size_t)_i + 1;
	int of[9] = {0};

	for (size_t k = 1; k <= n; k++) {
		cells_leave_out(&s, &(struct cells_share){k, n});
		for (size_t i = 0; i < s.cells_n; i++)
			of[i] += !s.cells[i].left_out;
	}
	for (size_t i = 0; i < s.cells_n; i++)
		ck_assert_int_eq(of[i], 1);
}
END_TEST

static const struct {
	const char *set[5][2];
	size_t k, n; /* 0: refused */
} launched[] = {
	{{{"OMPI_COMM_WORLD_RANK", "2"}, {"OMPI_COMM_WORLD_SIZE", "3"}}, 3, 3},
	{{{"PMI_RANK", "0"}, {"PMI_SIZE", "1"}}, 1, 1},
	{{{"SLURM_PROCID", "4"}, {"SLURM_NTASKS", "8"}}, 5, 8},
	{{{"SLURM_ARRAY_TASK_ID", "7"}, {"SLURM_ARRAY_TASK_MIN", "5"}, {"SLURM_ARRAY_TASK_COUNT", "4"}},
	 3,
	 4},
	{{{"SLURM_ARRAY_TASK_ID", "7"},
	  {"SLURM_ARRAY_TASK_MIN", "5"},
	  {"SLURM_ARRAY_TASK_COUNT", "4"},
	  {"SLURM_PROCID", "1"},
	  {"SLURM_NTASKS", "2"}},
	 6,
	 8},
	{{{"SLURM_ARRAY_TASK_ID", "x"}, {"SLURM_ARRAY_TASK_COUNT", "4"}}, 0, 0},
	{{{"OMPI_COMM_WORLD_RANK", "-1"}, {"OMPI_COMM_WORLD_SIZE", "3"}}, 0, 0},
	{{{"OMPI_COMM_WORLD_RANK", "3"}, {"OMPI_COMM_WORLD_SIZE", "3"}}, 0, 0},
	{{{"OMPI_COMM_WORLD_RANK", "3"}}, 0, 0},
	{{{NULL, NULL}}, 0, 0}};

START_TEST(launchers_say_the_rank)
{
	static const char *const all[] = {"OMPI_COMM_WORLD_RANK",
					  "OMPI_COMM_WORLD_SIZE",
					  "PMI_RANK",
					  "PMI_SIZE",
					  "SLURM_PROCID",
					  "SLURM_NTASKS",
					  "SLURM_ARRAY_TASK_ID",
					  "SLURM_ARRAY_TASK_MIN",
					  "SLURM_ARRAY_TASK_STEP",
					  "SLURM_ARRAY_TASK_COUNT"};
	struct cells_share share;
	struct err err = ERR_INIT;
	int rc;

	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		unsetenv(all[i]);
	for (size_t i = 0; i < 5 && launched[_i].set[i][0]; i++)
		setenv(launched[_i].set[i][0], launched[_i].set[i][1], 1);
	rc = rank_of_environment(&share, &err);
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		unsetenv(all[i]);
	ck_assert_int_eq(rc, launched[_i].n ? 0 : -1);
	ck_assert(rc == 0 || err.msg[0]);
	ck_assert(rc != 0 || (share.k == launched[_i].k && share.n == launched[_i].n));
}
END_TEST

/* Two processes never write one file. */
START_TEST(a_file_has_one_writer)
{
	char path[] = "/tmp/lemursim-cells-XXXXXX", *text;
	struct append f, second;
	struct err err = ERR_INIT;
	size_t len = 0;
	int status;
	pid_t child;

	close(mkstemp(path));
	ck_assert_int_eq(append_open(&f, &arena, path, APPEND_NEW, 100, &text, &len, &err), -1);
	err = (struct err)ERR_INIT;
	ck_assert_int_eq(append_open(&f, &arena, path, APPEND_RESUME, 100, &text, &len, &err), 0);
	ck_assert_uint_eq(len, 0);
	ck_assert_int_eq(append_line(&f, "one\ntw", 6, &err), 0);
	child = fork();
	if (!child)
		_exit(append_open(&second, &arena, path, APPEND_RESUME, 100, &text, &len, &err) == -1 &&
				      strstr(err.msg, "another process")
			      ? 7
			      : 8);
	waitpid(child, &status, 0);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == 7);
	append_close(&f);
	ck_assert_int_eq(append_open(&f, &arena, path, APPEND_RESUME, 100, &text, &len, &err), 0);
	ck_assert_uint_eq(len, 4);
	ck_assert_str_eq(text, "one\n");
	append_close(&f);
	/* nothing was added: the part of a line is still there */
	ck_assert_int_eq(append_open(&f, &arena, path, APPEND_RESUME, 100, &text, &len, &err), 0);
	ck_assert_int_eq(append_line(&f, "2\n", 2, &err), 0);
	append_close(&f);
	ck_assert_int_eq(append_open(&f, &arena, path, APPEND_RESUME, 100, &text, &len, &err), 0);
	ck_assert_str_eq(text, "one\n2\n");
	append_close(&f);
	ck_assert_int_eq(append_open(&f, &arena, path, APPEND_RESUME, 3, &text, &len, &err), -1);
	unlink(path);
}
END_TEST

struct rows {
	struct str row[3];
};

static int take_row(void *self, const struct sweep *s, size_t cell)
{
	struct str *row = &((struct rows *)self)->row[cell];

	str_clear(row);
	cells_write_cell(row, s, cell);
	return 0;
}

/* In any order, and after one that fails. */
START_TEST(a_cell_by_itself_is_that_of_a_run)
{
	static const char *axis[] = {"workload.generate.batch=1,4,0", "workload.generate.batch=1,4,9"};
	const char *const path = "scenarios/m5-vs-m4pro.yaml";
	struct fixture t;
	struct rows rows[2] = {{{STR_INIT, STR_INIT, STR_INIT}}, {{STR_INIT, STR_INIT, STR_INIT}}};
	struct sweep_ask ask;
	struct sweep s;
	struct err err = ERR_INIT;

	fixture_load(&t, path, NULL);
	ask = (struct sweep_ask){.loader = &t.loader,
				 .scenario = path,
				 .over = {&axis[1], 1},
				 .draws = {.n = 2, .workers = {1}},
				 .take = take_row,
				 .watcher = &rows[0]};
	ck_assert(sweep_grid(&ask, &s, &err) == 0 && sweep_run(&ask, &s, &err) == 0);
	ask.over.at = &axis[0];
	ask.watcher = &rows[1];
	ck_assert(sweep_grid(&ask, &s, &err) == 0 && sweep_begin(&ask, &s) == 0);
	for (size_t i = 3; i-- > 0;) {
		t.diags.n = t.diags.total = 0;
		ck_assert_int_eq(sweep_run_cell(&ask, &s, i, &err), i == 2 ? -1 : 0);
		ck_assert_uint_eq(t.diags.total, i == 2);
		ck_assert_ptr_null(s.cells[i].entries);
		if (i < 2)
			ck_assert_str_eq(rows[1].row[i].text, rows[0].row[i].text);
	}
	ck_assert_uint_gt(rows[0].row[1].len, 100);
	ck_assert_uint_eq(rows[1].row[2].len, 0);
	for (size_t i = 0; i < 6; i++)
		str_release(&rows[i / 3].row[i % 3]);
	fixture_release(&t);
}
END_TEST

/* Cells that do not change a machine share it, under each of its names another one; what a cell changes it loads itself. */
START_TEST(cells_share_machines)
{
	static const struct {
		const char *set;
		bool shared[2];
	} cells[] = {
		{"workload.generate.batch=2", {true, true}},
		{"machines.m5.memory.usable=9 GB", {false, true}},
		{"machines.m4pro=apple-m5-10c-24gb", {true, false}},
	};
	struct fixture first;

	fixture_load(&first, "scenarios/m5-vs-m4pro.yaml", NULL);
	for (size_t i = 0; i < ARRAY_LEN(cells); i++) {
		struct fixture apart;
		struct arena scratch = ARENA_INIT;
		struct loader inner;
		const struct world *w;

		loader_begin_inner(&inner, &scratch, &first.loader);
		inner.reuses = true;
		w = world_load(&inner, "scenarios/m5-vs-m4pro.yaml", &cells[i].set, 1);
		ck_assert_ptr_nonnull(w);
		fixture_load(&apart, "scenarios/m5-vs-m4pro.yaml", (const char *[]){cells[i].set, NULL});
		for (size_t m = 0; m < 2; m++) {
			struct str got = STR_INIT, want = STR_INIT;

			ck_assert_int_eq(w->machines[m].devices.at == first.world->machines[m].devices.at,
					 cells[i].shared[m]);
			ck_assert_str_eq(w->machines[m].origin.name, apart.world->machines[m].origin.name);
			field_show(w->machines[m].origin.node, &got);
			field_show(apart.world->machines[m].origin.node, &want);
			ck_assert_str_eq(got.text, want.text);
			str_release(&got);
			str_release(&want);
		}
		fixture_release(&apart);
		arena_release(&scratch);
	}
	fixture_release(&first);
}
END_TEST

Suite *suite_cells_file(void)
{
	Suite *s = suite_create("cells_file");
	TCase *tc = tcase_create("cells");

	tcase_add_checked_fixture(tc, begin, end);
	tcase_add_loop_test(tc, what_is_written_is_read_again, 0, 20);
	tcase_add_test(tc, damage_is_told_of);
	tcase_add_test(tc, what_does_not_belong_together_is_refused);
	tcase_add_loop_test(tc, shares_are_a_partition, 0, 12);
	tcase_add_loop_test(tc, launchers_say_the_rank, 0, (int)ARRAY_LEN(launched));
	tcase_add_test(tc, a_file_has_one_writer);
	tcase_add_test(tc, a_cell_by_itself_is_that_of_a_run);
	tcase_add_test(tc, cells_share_machines);
	suite_add_tcase(s, tc);
	return s;
}
