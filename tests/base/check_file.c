/* check_file.c - room base: files read and written. */
#include "tests/suites.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "sim/base/sha256.h"
#include "sim/base/str.h"
#include "tests/folder.h"

/* Each file test works in an empty directory of its own and must leave in it what it says. */

static void expect_text(const char *path, const char *want, size_t len)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	char *text;
	size_t got;

	ck_assert_msg(file_read(&a, path, 1 << 20, &text, &got, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(got, len);
	ck_assert_mem_eq(text, want, len + 1); /* NUL and all */
	arena_release(&a);
}

/* Of files of whole buffers, of one byte more or less, and of none. */
START_TEST(digest_of_a_file)
{
	static const size_t len[] = {0, 1, 64, (1 << 14) - 1, 1 << 14, (1 << 14) + 1, 3 << 14};
	char bytes[3 << 14], whole[65], streamed[65];

	for (size_t i = 0; i < sizeof bytes; i++)
		bytes[i] = (char)(i * 31 + (i >> 7));
	ck_assert_int_eq(file_write("f", bytes, len[_i], false, NULL), 0);
	ck_assert_int_eq(sha256_file("f", streamed), 0);
	sha256_hex(bytes, len[_i], whole);
	ck_assert_str_eq(streamed, whole);
	ck_assert_int_eq(sha256_file("none", streamed), -1);
	ck_assert_int_eq(mkfifo("fifo", 0600), 0);
	ck_assert_int_eq(sha256_file("fifo", streamed), -1); /* and does not wait for a writer */
}
END_TEST

START_TEST(file_written_and_read)
{
	struct err err = ERR_INIT;
	struct stat st;

	ck_assert(!file_exists("f"));
	ck_assert_int_eq(file_write("f", "a\0b\n", 4, false, &err), 0);
	ck_assert(file_exists("f"));
	expect_text("f", "a\0b\n", 4);
	ck_assert_int_eq(stat("f", &st), 0);
	ck_assert_uint_eq(st.st_nlink, 1);
	ck_assert_uint_eq(folder_files(), 1); /* no temporary is left */
	ck_assert_int_eq(file_write("f", "", 0, true, &err), 0);
	expect_text("f", "", 0);
	ck_assert_uint_eq(folder_files(), 1);
	ck_assert_str_eq(err.msg, "");
}
END_TEST

START_TEST(file_long)
{
	struct str s = STR_INIT;
	struct err err = ERR_INIT;

	str_pad(&s, 'x', 1 << 20);
	ck_assert_int_eq(file_write("f", s.text, s.len, false, &err), 0);
	expect_text("f", s.text, s.len);
	str_release(&s);
}
END_TEST

START_TEST(file_not_overwritten)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(file_write("f", "old", 3, false, &err), 0);
	ck_assert_int_eq(file_write("f", "new", 3, false, &err), -1);
	ck_assert_str_eq(err.msg, "'f' exists");
	ck_assert_str_eq(err.hint, "add -f to overwrite it");
	expect_text("f", "old", 3);
	ck_assert_uint_eq(folder_files(), 1);
}
END_TEST

START_TEST(file_came_up_meanwhile)
{
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	struct file_draft draft;

	ck_assert_int_eq(file_begin(&a, "f", false, &draft, &err), 0);
	ck_assert_int_eq(file_write("f", "theirs", 6, false, &err), 0);
	ck_assert_int_eq(file_commit(&draft, &err), -1);
	ck_assert_str_eq(err.msg, "cannot write 'f': File exists");
	expect_text("f", "theirs", 6);
	ck_assert_uint_eq(folder_files(), 1);
	ck_assert_int_eq(file_begin(&a, "g", false, &draft, &err), 0);
	file_discard(&draft);
	ck_assert_uint_eq(folder_files(), 1);
	arena_release(&a);
}
END_TEST

START_TEST(file_unreadable)
{
	static const char *const want[] = {
		"cannot read 'd': it is a directory",
		"cannot read 'fifo': it is not a regular file", /* and must not hang */
		"cannot read 'none': No such file or directory",
		"cannot read 'f': it is larger than 2 bytes",
	};
	static const char *const path[] = {"d", "fifo", "none", "f"};
	struct arena a = ARENA_INIT;
	struct err err = ERR_INIT;
	char *text = NULL;
	size_t len = 77;

	ck_assert_int_eq(mkdir("d", 0777), 0);
	ck_assert_int_eq(mkfifo("fifo", 0666), 0);
	ck_assert_int_eq(file_write("f", "abc", 3, false, NULL), 0);
	ck_assert_int_eq(file_read(&a, path[_i], 2, &text, &len, &err), -1);
	ck_assert_str_eq(err.msg, want[_i]);
	ck_assert_ptr_null(text);
	ck_assert_uint_eq(len, 77);
	arena_release(&a);
}
END_TEST

START_TEST(file_unwritable)
{
	struct err err = ERR_INIT, nowhere = ERR_INIT;

	ck_assert_int_eq(mkdir("d", 0777), 0);
	ck_assert_int_eq(file_write("d", "x", 1, true, &err), -1);
	ck_assert_str_eq(err.msg, "cannot write 'd': it is a directory");
	ck_assert_int_eq(file_write("none/f", "x", 1, true, &nowhere), -1);
	ck_assert_str_eq(nowhere.msg, "cannot write 'none/f': No such file or directory");
}
END_TEST

static mode_t mode_of(const char *path)
{
	struct stat st;

	ck_assert_int_eq(lstat(path, &st), 0);
	return st.st_mode;
}

START_TEST(file_keeps_its_mode)
{
	static const mode_t modes[] = {0600, 0644, 0640, 0755};
	struct err err = ERR_INIT;

	ck_assert_int_eq(file_write("f", "old", 3, false, &err), 0);
	ck_assert_int_eq(chmod("f", modes[_i]), 0);
	ck_assert_int_eq(file_write("f", "new", 3, true, &err), 0);
	expect_text("f", "new", 3);
	ck_assert_uint_eq(mode_of("f") & 07777, modes[_i]);
	ck_assert_uint_eq(folder_files(), 1);
}
END_TEST

START_TEST(file_read_only)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(file_write("f", "old", 3, false, &err), 0);
	ck_assert_int_eq(chmod("f", 0444), 0);
	ck_assert_int_eq(file_write("f", "new", 3, true, &err), -1);
	ck_assert_str_eq(err.msg, "cannot write 'f': it is read-only");
	ck_assert_str_eq(err.hint, "write to another file, or make it writable");
	expect_text("f", "old", 3);
	ck_assert_uint_eq(mode_of("f") & 07777, 0444);
	ck_assert_uint_eq(folder_files(), 1);
}
END_TEST

/* The temporary file stands beside the target: the folder may be of another file system. */
START_TEST(file_through_links)
{
	static const char *const in_d[] = {"d/f", "d/near", "d/dangling", "d/nothing"};
	struct err err = ERR_INIT;

	ck_assert_int_eq(mkdir("d", 0777), 0);
	ck_assert_int_eq(file_write("d/f", "old", 3, false, &err), 0);
	ck_assert_int_eq(chmod("d/f", 0600), 0);
	ck_assert_int_eq(symlink("f", "d/near"), 0);
	ck_assert_int_eq(symlink("d/near", "far"), 0);
	ck_assert_int_eq(file_write("far", "new", 3, false, &err), -1);
	ck_assert_str_eq(err.msg, "'far' exists");
	expect_text("d/f", "old", 3);
	err = (struct err)ERR_INIT;
	ck_assert_int_eq(file_write("far", "new", 3, true, &err), 0);
	ck_assert(S_ISLNK(mode_of("far")) && S_ISLNK(mode_of("d/near")));
	expect_text("d/f", "new", 3);
	ck_assert_uint_eq(mode_of("d/f") & 07777, 0600);
	ck_assert_int_eq(symlink("nothing", "d/dangling"), 0);
	ck_assert_int_eq(file_write("d/dangling", "made", 4, true, &err), 0);
	ck_assert(S_ISLNK(mode_of("d/dangling")));
	expect_text("d/nothing", "made", 4);
	ck_assert_int_eq(symlink("two", "one"), 0);
	ck_assert_int_eq(symlink("one", "two"), 0);
	ck_assert_int_eq(file_write("one", "x", 1, true, &err), -1);
	ck_assert_str_eq(err.msg, "cannot write 'one': its links go in a circle");
	for (size_t i = 0; i < ARRAY_LEN(in_d); i++)
		ck_assert_int_eq(unlink(in_d[i]), 0);
}
END_TEST

START_TEST(file_not_regular)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(mkfifo("fifo", 0666), 0);
	ck_assert_int_eq(file_write("fifo", "x", 1, true, &err), -1);
	ck_assert_str_eq(err.msg, "cannot write 'fifo': it is not a regular file");
	ck_assert(S_ISFIFO(mode_of("fifo")));
}
END_TEST

START_TEST(file_same_by_any_name)
{
	struct err err = ERR_INIT;

	ck_assert_int_eq(mkdir("d", 0777), 0);
	ck_assert_int_eq(file_write("f", "x", 1, false, &err), 0);
	ck_assert_int_eq(file_write("g", "x", 1, false, &err), 0);
	ck_assert_int_eq(symlink("../f", "d/soft"), 0);
	ck_assert_int_eq(link("f", "hard"), 0);
	ck_assert(file_same("f", "./d/../f") && file_same("f", "d/soft") && file_same("hard", "f"));
	ck_assert(!file_same("f", "g") && !file_same("f", "none") && !file_same("none", "none"));
	ck_assert_int_eq(unlink("d/soft"), 0);
}
END_TEST

/* A disk that is full is found before there is something to lose. */
START_TEST(file_no_room)
{
	const struct rlimit little = {FILE_PREPARE_BYTES / 2, FILE_PREPARE_BYTES};
	struct err err = ERR_INIT;

	signal(SIGXFSZ, SIG_IGN);
	ck_assert_int_eq(file_prepare("d/f", false, &err), 0);
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &little), 0);
	ck_assert_int_eq(file_prepare("d/f", false, &err), -1);
	ck_assert_int_eq(strncmp(err.msg, "cannot write 'd/f': ", 20), 0);
	ck_assert_int_eq(rmdir("d"), 0); /* nothing is left in it */
}
END_TEST

/* A pipe as the standard input. Several readers look whether what it holds is theirs: each gets all of it. */
START_TEST(file_of_a_pipe_read_twice)
{
	const int before = dup(STDIN_FILENO);
	char bytes[9000];
	int ends[2];

	memset(bytes, 'x', sizeof bytes);
	bytes[sizeof bytes - 1] = '\0';
	ck_assert_int_eq(pipe(ends), 0);
	ck_assert_int_eq(write(ends[1], bytes, sizeof bytes - 1), sizeof bytes - 1);
	ck_assert_int_eq(close(ends[1]), 0);
	ck_assert_int_ge(dup2(ends[0], STDIN_FILENO), 0);
	ck_assert_int_eq(close(ends[0]), 0);
	expect_text("-", bytes, sizeof bytes - 1);
	expect_text("-", bytes, sizeof bytes - 1);
	ck_assert_int_ge(dup2(before, STDIN_FILENO), 0);
	ck_assert_int_eq(close(before), 0);
}
END_TEST

Suite *suite_file(void)
{
	Suite *s = suite_create("file");
	TCase *tc = tcase_create("file");

	tcase_add_checked_fixture(tc, folder_enter, folder_leave);
	tcase_add_loop_test(tc, digest_of_a_file, 0, 7);
	tcase_add_test(tc, file_written_and_read);
	tcase_add_test(tc, file_long);
	tcase_add_test(tc, file_not_overwritten);
	tcase_add_test(tc, file_came_up_meanwhile);
	tcase_add_loop_test(tc, file_unreadable, 0, 4);
	tcase_add_test(tc, file_unwritable);
	tcase_add_loop_test(tc, file_keeps_its_mode, 0, 4);
	tcase_add_test(tc, file_read_only);
	tcase_add_test(tc, file_through_links);
	tcase_add_test(tc, file_not_regular);
	tcase_add_test(tc, file_same_by_any_name);
	tcase_add_test(tc, file_no_room);
	tcase_add_test(tc, file_of_a_pipe_read_twice);
	suite_add_tcase(s, tc);
	return s;
}
