/* bundle.c - see bundle.h. */
#include "sim/calib/bundle.h"

#include <string.h>

#include "sim/base/file.h"

static const char first_line[] = "# chip:";

static const char *next_line(const char *at)
{
	at += strcspn(at, "\n");
	return *at ? at + 1 : at;
}

/* The end of the set that begins at `text`: where the lines before a head begin again. */
static const char *set_end(const char *text)
{
	bool rows = false;

	for (const char *at = text; *at; at = next_line(at)) {
		if (rows && str_starts(at, first_line))
			return at;
		rows = rows || *at != '#';
	}
	return text + strlen(text);
}

static size_t count_sets(const char *text)
{
	size_t n = 0;

	for (; *text; text = set_end(text))
		n++;
	return n ? n : 1; /* an empty file is one that has no samples */
}

static int read_file(struct arena *a, const char *path, struct bundle *b, struct err *err)
{
	struct sample_set *all;
	char *text;
	size_t len, more;

	if (file_read(a, path, SAMPLES_FILE_MAX, &text, &len, err) != 0)
		return -1;
	more = count_sets(text);
	all = arena_array(a, b->n + more, sizeof *all);
	if (b->n)
		memcpy(all, b->sets, b->n * sizeof *all);
	b->sets = all;
	for (size_t i = 0; i < more; i++) {
		const char *end = set_end(text);

		if (samples_csv_read(a, path, arena_strndup(a, text, (size_t)(end - text)), &all[b->n++],
				     err) != 0)
			return -1;
		text += end - text;
	}
	return 0;
}

int bundle_read(struct arena *a, const char *const *paths, size_t n, struct bundle *b, struct err *err)
{
	*b = (struct bundle){NULL, 0};
	for (size_t i = 0; i < n; i++)
		if (read_file(a, paths[i], b, err) != 0)
			return -1;
	return 0;
}

void bundle_tell(const struct bundle *b, struct arena *a, struct texts *told)
{
	for (size_t i = 0; i < b->n && told; i++)
		*told = texts_join(a, told, b->sets[i].said.at, b->sets[i].said.n);
}

void bundle_write(const struct bundle *b, struct str *out)
{
	for (size_t i = 0; i < b->n; i++) {
		struct sample_set set = b->sets[i];

		set.chip = set.chip ? set.chip : "unknown"; /* the line that separates sets */
		samples_csv_write(&set, out);
	}
}

/* Logs are of others' compilers: what they say is shown whole. */
static void show_failures(const struct sample_set *set, struct str *out)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct sample *s = &set->samples[i];

		if (!s->seconds_n)
			str_addf(out, "# %s %s %lld x %lld x %lld %s\n", sample_kind_names[s->kind],
				 sample_dtype_names[s->dtype], (long long)s->m, (long long)s->n,
				 (long long)s->k, s->why ? s->why : "");
	}
}

void bundle_show(const struct bundle *b, struct str *out)
{
	for (size_t i = 0; i < b->n; i++) {
		struct sample_set head = b->sets[i];
		size_t kinds[SAMPLE_KIND_N] = {0};
		struct str text = STR_INIT;

		head.n = 0;
		samples_csv_write(&head, &text);
		str_add_n(out, text.text,
			  (size_t)(strstr(text.text, "kind,") - text.text)); /* without its columns */
		str_release(&text);
		str_add(out, "#");
		for (size_t k = 0; k < b->sets[i].n; k++)
			kinds[b->sets[i].samples[k].kind]++;
		for (int k = 0; k < SAMPLE_KIND_N; k++)
			if (kinds[k])
				str_addf(out, " %zu %s", kinds[k], sample_kind_names[k]);
		str_add(out, "\n");
		show_failures(&b->sets[i], out);
	}
}
