/* imported.c - see imported.h. */
#include "tests/import/imported.h"

#include <string.h>
#include <unistd.h>

#include "sim/base/file.h"
#include "sim/base/str.h"
#include "tests/suites.h"

struct outcome import_text(struct arena *a, const char *text, bool assume)
{
	const char *path = arena_printf(a, "/tmp/lemursim-import-%d.config.json", (int)getpid());
	const struct import_ask ask = {.path = path, .tool = "check", .assume = assume};
	struct import_result result = {0};
	struct outcome x = {0};
	struct err err = ERR_INIT;
	struct str said = STR_INIT;
	struct diags *diags = arena_alloc(a, sizeof *diags);
	struct loader loader;

	MUST(file_write(path, text, strlen(text), true, &err) == 0);
	diags_init(diags, a);
	loader_init(&loader, a, diags);
	x.right = import_model(&loader, &ask, &result, &err) == 0;
	if (x.right) {
		struct source *s = arena_alloc(a, sizeof *s);

		x.text = arena_strdup(a, result.text.text);
		*s = (struct source){path, x.text, strlen(x.text)};
		MUST(field_load(&model_table, yml_parse(a, s, diags), "model", &x.m, diags) == 0);
		MUST(model_check(&x.m, diags) == 0);
	} else {
		diags_format(diags, &said);
		x.text = arena_printf(a, "%s%s", err.msg, said.text ? said.text : "");
	}
	str_release(&said);
	str_release(&result.text);
	unlink(path);
	return x;
}

char *read_text(struct arena *a, const char *path)
{
	struct err err = ERR_INIT;
	char *text;
	size_t len;

	ck_assert_msg(file_read(a, path, 1 << 20, &text, &len, &err) == 0, "%s", err.msg);
	return text;
}
