/* check_dot.c - Graphviz's program: what it cannot draw, how it is stopped, and what is done to what it wrote. */
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "sim/base/file.h"
#include "sim/base/str.h"
#include "sim/draw/draw.h"
#include "sim/draw/pdf_date.h"
#include "sim/draw/schedule.h"
#include "tests/folder.h"
#include "tests/report/written.h"
#include "tests/suites.h"

/* A date is replaced by as many bytes; what is none stays. */
START_TEST(dates_of_a_pdf_are_replaced)
{
	static const char before[] = "%PDF-1.5\n/CreationDate (D:20261129090720Z)\n/ModDate "
				     "(D:19991231235959+01'00)\n(D:20261129) Date (D:2026)",
			  after[] = "%PDF-1.5\n/CreationDate (D:20000101000000Z)\n/ModDate "
				    "(D:20000101000000+01'00)\n(D:20261129) Date (D:2026)";
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	char *text;
	size_t len;

	folder_enter();
	ck_assert_int_eq(file_write("x.pdf", before, sizeof before, false, &err), 0);
	ck_assert_int_eq(pdf_fix_date("x.pdf", &err), 0);
	ck_assert_int_eq(file_read(&a, "x.pdf", 1000, &text, &len, &err), 0);
	folder_leave();
	ck_assert_uint_eq(len, sizeof after);
	ck_assert(!memcmp(text, after, len));
	arena_release(&a);
}
END_TEST

static const struct {
	const char *path, *dot_text, *msg, *hint;
	bool empty_path;
} draw_errors[] = {
	{"p.jpeg", "digraph {}", "cannot draw 'p.jpeg': the name's ending says no format",
	 "end the name in .svg, .png, .pdf or .dot", false},
	{"old.svg", "digraph {}", "'old.svg' exists", "add -f to overwrite it", false},
	{"p.svg", "digraph {", "'dot' failed with exit status 1: ", "", false},
	{"p.svg", "digraph {}", "cannot draw: Graphviz's program 'dot' is not installed", "install graphviz",
	 true},
};
START_TEST(draw_says_what_is_wrong)
{
	struct err err = ERR_INIT;

	if (!written_dot_runs() && !draw_errors[_i].empty_path)
		return;
	folder_enter();
	ck_assert_int_eq(file_write("old.svg", "x", 1, false, &err), 0);
	if (draw_errors[_i].empty_path)
		setenv("PATH", "/nonexistent", 1);
	ck_assert_int_eq(draw_write(draw_errors[_i].path, draw_errors[_i].dot_text, false, &err), -1);
	ck_assert_msg(str_starts(err.msg, draw_errors[_i].msg), "%s", err.msg);
	ck_assert_msg(str_starts(err.hint, draw_errors[_i].hint), "%s", err.hint);
	ck_assert_uint_eq(folder_files(), 1); /* nothing is left but what was there */
	folder_leave();
}
END_TEST

/* A program called dot that writes half a picture, then does as the script says, in the folder that is first
 * in PATH. */
static void fake_dot(const char *script)
{
	struct str text = STR_INIT;
	struct err err = ERR_INIT;

	/* dot -Kneato -n2 -Tsvg -o FILE */
	str_addf(&text, "#!/bin/sh\necho half >\"$5\"\n%s\n", script);
	ck_assert_int_eq(file_write("dot", text.text, text.len, false, &err), 0);
	ck_assert_int_eq(chmod("dot", 0755), 0);
	str_clear(&text);
	str_addf(&text, ".:%s", getenv("PATH"));
	setenv("PATH", text.text, 1);
	str_release(&text);
}

/* The limit is one slice of waiting; the fake would sleep for ever. */
START_TEST(a_dot_that_hangs_is_stopped)
{
	struct err err = ERR_INIT;

	folder_enter();
	fake_dot("while :; do sleep 1000; done");
	ck_assert_int_eq(draw_write_within("p.svg", "digraph {}", false, 0, &err), -1);
	ck_assert_str_eq(err.msg, "'dot' had not ended after 0 s and was stopped");
	ck_assert_str_eq(err.hint, "write a .dot file, and draw it with 'dot -Kneato -n2'");
	ck_assert_uint_eq(folder_files(), 1); /* the fake alone */
	folder_leave();
}
END_TEST

/* It closes what it inherited, and goes on for a while: it is waited for. */
START_TEST(a_dot_that_closes_its_files)
{
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	char *text;
	size_t len;

	folder_enter();
	fake_dot("out=$5\nfor fd in 3 4 5 6 7 8 9; do eval \"exec $fd>&-\"; done\nsleep 0.2\necho all "
		 ">>\"$out\"");
	ck_assert_msg(draw_write("p.svg", "digraph {}", false, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(file_read(&arena, "p.svg", 100, &text, &len, &err), 0);
	ck_assert_str_eq(text, "half\nall\n");
	arena_release(&arena);
	folder_leave();
}
END_TEST

/* The fake asks its parent, who holds signals, to end; it gets the signal itself, and the parent keeps it. */
START_TEST(a_signal_ends_dot_too)
{
	struct err err = ERR_INIT;
	sigset_t ending, pending;
	int got = 0;

	sigemptyset(&ending);
	sigaddset(&ending, SIGTERM);
	sigprocmask(SIG_BLOCK, &ending, NULL);
	folder_enter();
	fake_dot("trap 'echo got >heard; exit 1' TERM\nkill -TERM $PPID\nwhile :; do sleep 1000; done");
	ck_assert_int_eq(draw_write("p.svg", "digraph {}", false, &err), -1);
	ck_assert_str_eq(err.msg, "interrupted while 'dot' was drawing");
	ck_assert(file_exists("heard"));
	ck_assert_uint_eq(folder_files(), 2); /* the fake, and what it heard */
	sigpending(&pending);
	ck_assert_int_eq(sigismember(&pending, SIGTERM), 1);
	ck_assert_int_eq(sigwait(&ending, &got), 0);
	folder_leave();
}
END_TEST

START_TEST(png_stays_within_cairos_limit)
{
	static const unsigned char magic[] = "\x89PNG\r\n\x1a\n";
	static struct lane tall[500];
	const struct schedule s = {.title = "tall", .lanes = tall, .lanes_n = 500, .to_ns = 1000};
	struct arena arena = ARENA_INIT;
	struct err err = ERR_INIT;
	struct str out = STR_INIT;
	char *bytes;
	size_t len;

	if (!written_dot_runs())
		return;
	for (size_t i = 0; i < 500; i++)
		tall[i] = (struct lane){.name = "m"};
	schedule_dot(&out, &s);
	folder_enter();
	ck_assert_msg(draw_write("p.png", out.text, false, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(file_read(&arena, "p.png", 1 << 30, &bytes, &len, &err), 0);
	ck_assert_int_eq(memcmp(bytes, magic, 8), 0);
	ck_assert_int_eq(((unsigned char)bytes[20] << 8 | (unsigned char)bytes[21]), 0);
	ck_assert_int_le(((unsigned char)bytes[22] << 8 | (unsigned char)bytes[23]), 32767);
	ck_assert_int_gt(((unsigned char)bytes[22] << 8 | (unsigned char)bytes[23]), 30000);
	folder_leave();
	arena_release(&arena);
	str_release(&out);
}
END_TEST

Suite *suite_dot(void)
{
	Suite *s = suite_create("dot");
	TCase *tc = tcase_create("dot");

	tcase_add_test(tc, dates_of_a_pdf_are_replaced);
	tcase_add_loop_test(tc, draw_says_what_is_wrong, 0, ARRAY_LEN(draw_errors));
	tcase_add_test(tc, a_dot_that_hangs_is_stopped);
	tcase_add_test(tc, a_dot_that_closes_its_files);
	tcase_add_test(tc, a_signal_ends_dot_too);
	tcase_add_test(tc, png_stays_within_cairos_limit);
	suite_add_tcase(s, tc);
	return s;
}
