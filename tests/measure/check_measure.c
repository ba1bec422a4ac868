/*
 * check_measure.c - the suite on a machine of two devices: one file that simulate takes, samples kept on the
 * way, going on after Ctrl-C, and what is refused. The devices are the fake backend's.
 */
#include <gsl/gsl_errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sim/base/append.h"
#include "sim/base/file.h"
#include "sim/base/str.h"
#include "sim/calib/bundle.h"
#include "sim/calib/profile.h"
#include "sim/calib/samples_csv.h"
#include "sim/measure/measure.h"
#include "tests/measure/fakebackend.h"
#include "tests/suites.h"
#include "tests/fixtures.h"

static struct arena arena;
static char folder[64];
static const char *out, *gpu, *cpu; /* the file, and the samples of either */
static struct str said;             /* of the samples, and why the last run ended */
static struct measure_result result;

static const char *in_folder(const char *name)
{
	return arena_printf(&arena, "%s/%s", folder, name);
}

static void begin(void)
{
	gsl_set_error_handler_off();
	arena = (struct arena)ARENA_INIT;
	said = (struct str)STR_INIT;
	strcpy(folder, "/tmp/lemursim-measure-XXXXXX");
	ck_assert_ptr_nonnull(mkdtemp(folder));
	out = in_folder("fake.yaml");
	gpu = in_folder("fake-gpu.samples.csv");
	cpu = in_folder("fake-cpu.samples.csv");
	fake_reset();
	fake.noise = 0.01;
}

static void end(void)
{
	static const char *const names[] = {
		"fake.yaml",        "fake-gpu.samples.csv", "fake-cpu.samples.csv",
		"fake.samples.csv", "scenario.yaml",        "other.csv"};

	str_release(&said);
	for (size_t i = 0; i < ARRAY_LEN(names); i++)
		unlink(in_folder(names[i]));
	ck_assert_int_eq(rmdir(folder), 0);
	arena_release(&arena);
}

static const char *content(const char *path)
{
	struct err err = ERR_INIT;
	char *text;
	size_t len;

	ck_assert_msg(file_read(&arena, path, 16 << 20, &text, &len, &err) == 0, "%s", err.msg);
	return text;
}

static void hear(void *self, const char *text)
{
	str_add(self, text);
}

/* from: NULL-terminated, or NULL */
static enum measure_end run(struct measure_ask ask, const char **from)
{
	static const struct backend *const backends[] = {&backend_fake, &backend_fake_cpu};
	static const double shares[] = {0.7, 0.3};
	struct err err = ERR_INIT;
	enum measure_end end;

	ask.backends = backends;
	ask.shares = shares;
	ask.n = 2;
	ask.stop = &fake_stop;
	ask.tool = "test";
	ask.out = out;
	ask.quick = true;
	ask.seed = ask.seed ? ask.seed : 1;
	ask.measured = hear;
	ask.self = &said;
	for (; from && from[ask.from.n]; ask.from.n++)
		ask.from.at = from;
	end = measure_machine(&arena, &ask, &result, &err);
	str_addf(&said, "%s\n%s\n", err.msg, err.hint);
	ck_assert_int_eq(err.msg[0] != '\0', end == MEASURE_REFUSED || end == MEASURE_FAILED);
	return end;
}

static const char *from_samples(void)
{
	const char *const paths[] = {gpu, cpu};
	const struct profile_files ask = {paths, 2, NULL, "test", NULL, NULL};
	struct str text = STR_INIT;
	struct err err = ERR_INIT;
	const char *copy;

	ck_assert_msg(profile_write_files(&arena, &ask, &text, &err) == 0, "%s", err.msg);
	copy = arena_strdup(&arena, text.text);
	str_release(&text);
	return copy;
}

START_TEST(two_devices_make_one_file)
{
	static const char scenario[] =
		"schema: lemursim/scenario/1\n"
		"title: both\n"
		"model: " FIXTURE_MODEL(
			"2") "\n"
			     "precision: {weights: f16, kv: f16, compute: f16}\n"
			     "runtime: {here.cpu: fakeblas, default: fake}\n"
			     "machines: {here: ./fake.yaml}\n"
			     "workload: {generate: {prompt: 64 tok, tokens: 4 tok}}\n"
			     "assignments:\n"
			     "  - {name: both, place: [{on: here.gpu}, {op: ffn, on: here.cpu}]}\n";
	const char *path = in_folder("scenario.yaml");
	struct err err = ERR_INIT;
	struct fixture fixture;

	ck_assert_int_eq(run((struct measure_ask){0}, NULL), MEASURE_WRITTEN);
	ck_assert_str_eq(result.out, out);
	ck_assert_uint_eq(result.samples.n, 2);
	ck_assert_str_eq(result.samples.at[0], gpu);
	MUST(!strcmp(content(out), from_samples()));
	ck_assert_int_eq(file_write(path, scenario, strlen(scenario), true, &err), 0);
	fixture_load(&fixture, path, NULL);
	ck_assert_uint_eq(fixture.world->units_n, 2);
	ck_assert_str_eq(fixture.world->units[0].name, "here.gpu");
	ck_assert_str_eq(fixture.world->units[1].name, "here.cpu");
	fixture_place(&fixture, 0);
	fixture_release(&fixture);
}
END_TEST

/* Interrupted in either device, then gone on with as it was told: the same rows as in one run. */
START_TEST(an_interruption_loses_no_row)
{
	const bool in_gpu = _i == 0;
	const char *both[] = {gpu, cpu, NULL}, *first[] = {gpu, NULL};
	struct sample_set set;
	struct err err = ERR_INIT;
	char rows[300] = "";
	const char *first_hint;

	ck_assert_int_eq(run((struct measure_ask){0}, NULL), MEASURE_WRITTEN);
	fake_reset();
	fake.stop_at = in_gpu ? 2000 : 8000;
	ck_assert_int_eq(run((struct measure_ask){.force = true}, NULL), MEASURE_INTERRUPTED);
	ck_assert_uint_eq(result.to_resume_n, in_gpu ? 2 : 1);
	first_hint = result.to_resume[0];
	ck_assert_ptr_nonnull(strstr(result.to_resume[result.to_resume_n - 1],
				     in_gpu ? "--only all --backend cpu" : "--backend cpu"));
	ck_assert(in_gpu == (strstr(first_hint, "--backend gpu") != NULL));
	ck_assert_int_eq(sscanf(strstr(first_hint, "--only ") + 7, "%299s", rows), 1);
	fake_reset();
	ck_assert_int_eq(
		run((struct measure_ask){.only = rows, .backend = in_gpu ? "gpu" : "cpu", .force = true},
		    in_gpu ? first : both),
		MEASURE_WRITTEN);
	if (in_gpu)
		ck_assert_int_eq(
			run((struct measure_ask){.only = "all", .backend = "cpu", .force = true}, first),
			MEASURE_WRITTEN);
	MUST(!strcmp(content(out), from_samples()));
	ck_assert_ptr_nonnull(strstr(content(out), "  gpu:\n"));
	ck_assert_ptr_nonnull(strstr(content(out), "  cpu:\n"));
	for (size_t i = 0; i < 2; i++) {
		ck_assert_int_eq(samples_csv_read(&arena, both[i], content(both[i]), &set, &err), 0);
		for (size_t k = 0; k < SAMPLE_LINK; k++) {
			size_t n = 0;

			for (size_t j = 0; j < set.n; j++)
				n += set.samples[j].kind == k;
			ck_assert_msg(n > 0, "%s: %s", both[i], sample_kind_names[k]);
		}
	}
}
END_TEST

START_TEST(one_device_alone)
{
	ck_assert_int_eq(run((struct measure_ask){.backend = "fakeblas"}, NULL), MEASURE_WRITTEN);
	ck_assert_ptr_null(strstr(content(out), "  gpu:\n"));
	ck_assert_ptr_nonnull(strstr(content(out), "  cpu:\n"));
	ck_assert(!file_exists(gpu));
}
END_TEST

static void nothing_written(void)
{
	ck_assert(!file_exists(out));
	ck_assert(!file_exists(gpu));
	ck_assert(!file_exists(cpu));
}

START_TEST(what_is_refused_writes_nothing)
{
	static const char other[] = "# chip: Other\n# device: gpu\nkind,bytes,seconds\nread,1000,1\n";
	const char *foreign[] = {in_folder("other.csv"), NULL};
	struct err err = ERR_INIT;

	fake.on_battery = true;
	ck_assert_int_eq(run((struct measure_ask){0}, NULL), MEASURE_REFUSED);
	nothing_written();
	fake_reset();
	fake.low_power = true;
	ck_assert_int_eq(run((struct measure_ask){0}, NULL), MEASURE_REFUSED);
	nothing_written();
	fake_reset();
	ck_assert_int_eq(run((struct measure_ask){.backend = "tpu"}, NULL), MEASURE_REFUSED);
	ck_assert_int_eq(run((struct measure_ask){.only = "raed"}, NULL), MEASURE_REFUSED);
	ck_assert_int_eq(file_write(foreign[0], other, strlen(other), true, &err), 0);
	ck_assert_int_eq(run((struct measure_ask){.only = "read"}, foreign), MEASURE_REFUSED);
	ck_assert_ptr_nonnull(strstr(said.text, "samples of another machine, 'Other', where this is 'Fake'"));
	nothing_written();
	ck_assert_int_eq(file_write(out, "mine", 4, true, &err), 0);
	fake_reset();
	ck_assert_int_eq(run((struct measure_ask){0}, NULL), MEASURE_REFUSED);
	ck_assert_int_eq(fake.runs, 0); /* said before anything is measured */
	ck_assert_str_eq(content(out), "mine");
}
END_TEST

static size_t rows_in(const char *path)
{
	struct sample_set set;
	struct err err = ERR_INIT;

	ck_assert_int_eq(samples_csv_read(&arena, path, content(path), &set, &err), 0);
	return set.n;
}

static size_t rows_at_first_progress, kept_rows;

/* Counts the samples that are on disk while the suite still runs. */
static void look_at_disk(void *self, const struct suite_progress *p)
{
	(void)self;
	if (p->row_i && file_exists(gpu)) {
		kept_rows = rows_in(gpu);
		rows_at_first_progress = rows_at_first_progress ? rows_at_first_progress : kept_rows;
	}
}

/* With a text the hardware file is none on disk; the samples are, since they would be lost otherwise. */
START_TEST(a_text_takes_the_hardware_file)
{
	struct str text = STR_INIT;

	ck_assert_int_eq(run((struct measure_ask){.text = &text}, NULL), MEASURE_WRITTEN);
	ck_assert(!file_exists(out));
	ck_assert(file_exists(gpu) && file_exists(cpu));
	MUST(!strcmp(text.text, from_samples()));
	str_release(&text);
}
END_TEST

START_TEST(samples_are_on_disk_as_they_come)
{
	rows_at_first_progress = kept_rows = 0;
	ck_assert_int_eq(run((struct measure_ask){.progress = look_at_disk}, NULL), MEASURE_WRITTEN);
	ck_assert_uint_gt(rows_at_first_progress, 0);
	ck_assert_uint_lt(rows_at_first_progress, kept_rows);
	ck_assert_uint_eq(kept_rows, rows_in(gpu));
}
END_TEST

START_TEST(an_output_that_cannot_be_written_is_refused_before)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(file_write(in_folder("other.csv"), "x", 1, true, &err), 0);
	out = in_folder("other.csv/deep/fake.yaml");
	ck_assert_int_eq(run((struct measure_ask){0}, NULL), MEASURE_FAILED);
	ck_assert_int_eq(fake.runs, 0);
	out = in_folder("made/on/the/way/fake.yaml");
	gpu = in_folder("made/on/the/way/fake-gpu.samples.csv");
	cpu = in_folder("made/on/the/way/fake-cpu.samples.csv");
	ck_assert_int_eq(run((struct measure_ask){0}, NULL), MEASURE_WRITTEN);
	MUST(!strcmp(content(out), from_samples()));
	for (size_t i = 0; i < 3; i++)
		unlink(((const char *[]){out, gpu, cpu})[i]);
	for (size_t i = 0; i < 4; i++)
		ck_assert_int_eq(rmdir(in_folder(((const char *[]){"made/on/the/way", "made/on/the",
								   "made/on", "made"})[i])),
				 0);
}
END_TEST

/* On a machine that never settles the file says so, and every spread is wide. */
START_TEST(a_busy_machine_gets_a_wide_file)
{
	const uint64_t seed = (uint64_t)_i + 1; /* of the order: which samples settle by luck depends on it */
	struct fixture fixture;
	const struct profile *p;
	const struct err none = ERR_INIT;
	struct err err = none;
	const char *path = in_folder("scenario.yaml");
	static const char scenario[] =
		"schema: lemursim/scenario/1\n"
		"title: wide\n"
		"model: " FIXTURE_MODEL("2") "\n"
					     "precision: {weights: f16, kv: f16, compute: f16}\n"
					     "runtime: {default: fake}\n"
					     "machines: {here: ./fake.yaml}\n"
					     "workload: {generate: {prompt: 64 tok, tokens: 4 tok}}\n"
					     "assignments: [{name: alone, place: [{on: here.gpu}]}]\n";

	fake.noise = 0.28;
	fake.outliers = 0.3;
	ck_assert_msg(run((struct measure_ask){.seed = seed}, NULL) == MEASURE_WRITTEN, "%s", said.text);
	ck_assert_ptr_nonnull(strstr(content(gpu), "unsettled: "));
	ck_assert_ptr_nonnull(strstr(content(out), "did not settle"));
	ck_assert_int_eq(file_write(path, scenario, strlen(scenario), true, &err), 0);
	fixture_load(&fixture, path, NULL);
	p = fixture.world->units[0].profile;
	ck_assert_double_ge(p->read.spread, 0.25);
	ck_assert_double_ge(p->gemv.spread, 0.25);
	ck_assert_double_ge(p->overhead.kernel.spread, 0.25);
	ck_assert_double_ge(fixture.world->machines[0].memory.bandwidth.spread, 0.25);
	fixture_release(&fixture);
}
END_TEST

/* Of two measurements into one file the second is refused before it measures, and a killed one keeps nobody out. */
START_TEST(two_do_not_measure_into_one_file)
{
	int told[2];
	char byte;
	pid_t first;

	ck_assert_int_eq(pipe(told), 0);
	first = fork();
	ck_assert_int_ge(first, 0);
	if (!first) {
		struct append lock;
		struct err err = ERR_INIT;
		const char *path = arena_printf(&arena, "%s.lock", gpu);

		if (append_open(&lock, &arena, path, APPEND_REPLACE, 0, NULL, NULL, &err) != 0 ||
		    write(told[1], "x", 1) != 1)
			_exit(1);
		for (;;)
			pause();
	}
	ck_assert_int_eq(read(told[0], &byte, 1), 1);
	ck_assert_int_eq(run((struct measure_ask){0}, NULL), MEASURE_REFUSED);
	ck_assert_ptr_nonnull(strstr(said.text, "is being written by another process"));
	ck_assert_int_eq(fake.runs, 0);
	kill(first, SIGKILL);
	waitpid(first, NULL, 0);
	close(told[0]);
	close(told[1]);
	ck_assert_msg(run((struct measure_ask){0}, NULL) == MEASURE_WRITTEN, "%s", said.text);
}
END_TEST

static off_t lock_B;

static void look_at_lock(void *self, const struct suite_progress *p)
{
	struct stat st;

	(void)self, (void)p;
	if (stat(arena_printf(&arena, "%s.lock", gpu), &st) == 0)
		lock_B = st.st_size;
}

/* While it measures it holds room for the samples, which a disk that is filled in the meantime still has then. */
START_TEST(room_is_held_for_samples)
{
	lock_B = 0;
	ck_assert_int_eq(run((struct measure_ask){.progress = look_at_lock}, NULL), MEASURE_WRITTEN);
	ck_assert_int_ge(lock_B, FILE_PREPARE_BYTES);
	ck_assert(!file_exists(arena_printf(&arena, "%s.lock", gpu)));
}
END_TEST

/* The samples that an interrupted run left are not lost to the next run. */
START_TEST(samples_are_not_overwritten_unasked)
{
	size_t runs;

	fake.stop_at = 2000;
	ck_assert_int_eq(run((struct measure_ask){0}, NULL), MEASURE_INTERRUPTED);
	runs = rows_in(gpu);
	fake_reset();
	ck_assert_int_eq(run((struct measure_ask){0}, NULL), MEASURE_REFUSED);
	ck_assert_ptr_nonnull(strstr(said.text, "exists, from an earlier measurement"));
	ck_assert_int_eq(fake.runs, 0);
	ck_assert_uint_eq(rows_in(gpu), runs);
	ck_assert_int_eq(run((struct measure_ask){.force = true}, NULL), MEASURE_WRITTEN);
}
END_TEST

/* A row says why, in the bundle and in the file too, which is made of the rest of the samples. */
START_TEST(a_wrong_kernel_is_a_row)
{
	struct sample_set set;
	struct bundle b;
	size_t n = 0;
	struct err err = ERR_INIT;

	fake.wrong = true;
	ck_assert_int_eq(run((struct measure_ask){0}, NULL), MEASURE_WRITTEN);
	MUST(!strcmp(content(out), from_samples()));
	ck_assert_ptr_nonnull(strstr(said.text, "FAILED: gemm"));
	ck_assert_uint_gt(result.unused.n, 0);
	ck_assert_ptr_nonnull(strstr(result.unused.at[result.unused.n - 1],
				     " cases failed, of which the file says why: it is made of the others"));
	ck_assert_int_eq(samples_csv_read(&arena, gpu, content(gpu), &set, &err), 0);
	for (size_t i = 0; i < set.n; i++) {
		const struct sample *s = &set.samples[i];
		const bool failed = !s->seconds_n;

		MUST(failed == (s->m == 64 && s->kind != SAMPLE_DISPATCH));
		MUST(!failed || (s->rejected && str_starts(s->why, "failed: ")));
		n += failed;
	}
	ck_assert_uint_gt(n, 0);
	ck_assert_int_eq(bundle_read(&arena, &gpu, 1, &b, &err), 0);
	bundle_show(&b, &said);
	ck_assert_ptr_nonnull(strstr(said.text, " failed: a wrong result"));
	ck_assert_ptr_nonnull(strstr(from_samples(), "failed: "));
}
END_TEST

/* Sets that do not belong together. */
START_TEST(two_machines_make_no_file)
{
	static const char *const texts[] = {"# chip: Other\n# device: cpu\n",
					    "# chip: Fake\n# device: gpu\n"};
	static const char *const msgs[] = {"samples of two machines, 'Fake' and 'Other', make no file",
					   "two sets of samples are of one device, 'gpu'"};
	const char *const paths[] = {gpu, in_folder("other.csv")};
	const struct profile_files ask = {paths, 2, NULL, "test", NULL, NULL};
	struct str text = STR_INIT;
	struct err err = ERR_INIT;

	ck_assert_int_eq(run((struct measure_ask){.backend = "gpu"}, NULL), MEASURE_WRITTEN);
	str_addf(&text, "%skind,bytes,seconds\nread,1000,1\n", texts[_i]);
	ck_assert_int_eq(file_write(paths[1], text.text, text.len, true, &err), 0);
	str_clear(&text);
	ck_assert_int_eq(profile_write_files(&arena, &ask, &text, &err), -1);
	ck_assert_str_eq(err.msg, msgs[_i]);
	ck_assert_uint_eq(text.len, 0);
	str_release(&text);
}
END_TEST

Suite *suite_measure(void)
{
	Suite *s = suite_create("measure");
	TCase *t = tcase_create("machine");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, two_devices_make_one_file);
	tcase_add_loop_test(t, an_interruption_loses_no_row, 0, 2);
	tcase_add_test(t, one_device_alone);
	tcase_add_test(t, what_is_refused_writes_nothing);
	tcase_add_test(t, samples_are_on_disk_as_they_come);
	tcase_add_test(t, a_text_takes_the_hardware_file);
	tcase_add_test(t, an_output_that_cannot_be_written_is_refused_before);
	tcase_add_loop_test(t, a_busy_machine_gets_a_wide_file, 0, 3);
	tcase_add_test(t, samples_are_not_overwritten_unasked);
	tcase_add_test(t, two_do_not_measure_into_one_file);
	tcase_add_test(t, room_is_held_for_samples);
	tcase_add_test(t, a_wrong_kernel_is_a_row);
	tcase_add_loop_test(t, two_machines_make_no_file, 0, 2);
	suite_add_tcase(s, t);
	return s;
}
