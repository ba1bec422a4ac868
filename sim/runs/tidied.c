/* tidied.c - see tidied.h. */
#include "sim/runs/tidied.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "sim/base/err.h"
#include "sim/base/str.h"

/* --- characters ----------------------------------------------------------------------------------- */

/* UTF-8 on the left, what stands for it on the right: blanks of typesetters, marks without width, lines of boxes. */
static const char *const characters[][2] = {
	{"\xef\xbb\xbf", ""}, /* byte order mark */
	{"\xe2\x80\x8b", ""}, /* zero width space, and joiners */
	{"\xe2\x80\x8d", ""},
	{"\xe2\x81\xa0", ""},
	{"\xc2\xa0", " "}, /* no-break space, and its narrow and thin kin */
	{"\xe2\x80\xaf", " "},
	{"\xe2\x80\x89", " "},
	{"\xe2\x80\x87", " "},
	{"\xe3\x80\x80", " "},
	{"\xe2\x94\x82", "|"},
	{"\xe2\x94\x83", "|"},
	{"\xe2\x95\x91", "|"},
	{"\xe2\x94\x80", "-"},
	{"\xe2\x94\x81", "-"},
	{"\xe2\x95\x90", "-"},
	{"\xe2\x94\x8c", "|"},
	{"\xe2\x94\x90", "|"},
	{"\xe2\x94\x94", "|"},
	{"\xe2\x94\x98", "|"},
	{"\xe2\x94\x9c", "|"},
	{"\xe2\x94\xa4", "|"},
	{"\xe2\x94\xac", "|"},
	{"\xe2\x94\xb4", "|"},
	{"\xe2\x94\xbc", "|"},
	{"\xe2\x94\x8f", "|"},
	{"\xe2\x94\x93", "|"},
	{"\xe2\x94\x97", "|"},
	{"\xe2\x94\x9b", "|"},
	{"\xe2\x94\xb3", "|"},
	{"\xe2\x94\xbb", "|"},
	{"\xe2\x95\x8b", "|"},
	{"\xe2\x94\xa3", "|"},
	{"\xe2\x94\xab", "|"},
	{"\xe2\x94\xa1", "|"},
	{"\xe2\x94\xa9", "|"},
	{"\xe2\x95\x9e", "|"},
	{"\xe2\x95\xaa", "|"},
	{"\xe2\x95\xa1", "|"},
	{"\xe2\x95\x87", "|"},
	{"&plusmn;", "\xc2\xb1"},
	{"&nbsp;", " "},
	{"\xc3\x82\xc2\xb1", "\xc2\xb1"}, /* UTF-8 that was taken for Windows-1252 */
	{"\xc3\x82\xc2\xa0", " "},
	{"\\xc2\\xb1", "\xc2\xb1"}};

/* Three digits, and no fourth, behind a blank that no line may break: "3 290.92". */
static bool groups_thousands(const char *out, const char *begin, const char *after)
{
	return out > begin && isdigit((unsigned char)out[-1]) && strspn(after, "0123456789") == 3;
}

/* The length of an ANSI code at the text; 0: none begins there. */
static size_t ansi_code(const char *at)
{
	size_t n = 2;

	if (at[0] != '\033' || at[1] != '[')
		return 0;
	n += strspn(at + n, "0123456789;?");
	return n + (at[n] != '\0');
}

/* The bytes of a picture, and of what chooses between its forms; 0: none begins here. */
static size_t picture_length(const char *at)
{
	const unsigned char *c = (const unsigned char *)at;

	if (c[0] == 0xf0 && c[1] == 0x9f && c[2] && c[3])
		return 4;
	if (c[0] == 0xef && c[1] == 0xb8 && c[2] >= 0x80 && c[2] <= 0x8f)
		return 3;
	return c[0] == 0xe2 && (c[1] >= 0x98 && c[1] <= 0x9e) && c[2] ? 3 : 0;
}

static const char *as_character(const char *at, size_t *len)
{
	*len = picture_length(at);
	if (*len)
		return "";
	for (size_t i = 0; i < ARRAY_LEN(characters); i++)
		if (str_starts(at, characters[i][0])) {
			*len = strlen(characters[i][0]);
			return characters[i][1];
		}
	return NULL;
}

static char *plain_characters(struct arena *a, const char *text, size_t len)
{
	char *out = arena_strndup(a, text, len), *to = out;

	for (const char *at = text; at < text + len;) {
		size_t n = ansi_code(at);
		const char *as = n ? ""
				 : ((unsigned char)*at >= 0x80 || *at == '&' || *at == '\\')
					 ? as_character(at, &n)
					 : NULL;

		if (*at == '\r' && !n) {
			at++;
			continue;
		}
		if (!as) {
			*to++ = *at++;
			continue;
		}
		at += n;
		if (!strcmp(as, " ") && groups_thousands(to, out, at))
			continue;
		memcpy(to, as, strlen(as));
		to += strlen(as);
	}
	*to = '\0';
	return out;
}

/* --- tables --------------------------------------------------------------------------------------- */

/* The columns by which a line of tabs is the head of a table that is known. */
static bool heads_table(struct arena *a, const char *text, size_t len)
{
	static const char *const columns[] = {"\tt/s", "\tT_TG s", "\tS_TG t/s"};
	const char *line = arena_strndup(a, text, len);

	for (size_t i = 0; i < ARRAY_LEN(columns); i++)
		if (strstr(line, columns[i]))
			return true;
	return false;
}

/* "| a | b |" of "a<tab>b"; a bar takes one character, so that what a tab parts gets one. */
static void add_tabbed(struct str *out, const char *line, size_t len)
{
	str_add(out, "| ");
	for (size_t i = 0; i < len; i++)
		if (line[i] == '\t')
			str_add(out, " | ");
		else
			str_add_n(out, line + i, 1);
	str_add(out, " |");
}

/* llama-bench's csv as a spreadsheet copies it, with tabs for commas. */
static const char *tabs_as_commas(struct arena *a, const char *text)
{
	char *out = arena_strdup(a, text);

	for (char *at = out; *at; at++)
		*at = *at == '\t' ? ',' : *at;
	return out;
}

static const char *tabs_as_bars(struct arena *a, const char *text)
{
	struct str out = STR_INIT;
	const char *kept;
	bool in = false;

	for (const char *at = text; *at;) {
		const size_t len = strcspn(at, "\n");
		const bool tabs = memchr(at, '\t', len) != NULL && *at != '|';

		in = tabs ? in || heads_table(a, at, len) : in && !len;
		if (in && len)
			add_tabbed(&out, at, len);
		else
			str_add_n(&out, at, len);
		at += len;
		str_add(&out, *at ? "\n" : "");
		at += *at == '\n';
	}
	kept = arena_strdup(a, out.text);
	str_release(&out);
	return kept;
}

/* What a tag of HTML becomes; NULL: it is none of a table's, and stays. */
static const char *as_tag(const char *at, size_t n)
{
	static const char *const tags[][2] = {
		{"<table", ""},   {"</table", ""}, {"<thead", ""}, {"</thead", ""}, {"<tbody", ""},
		{"</tbody", ""},  {"<tr", "|"},    {"</tr", "\n"}, {"<td", " "},    {"</td", " |"},
		{"<th", " "},     {"</th", " |"},  {"<code", ""},  {"</code", ""},  {"<strong", ""},
		{"</strong", ""}, {"<b", ""},      {"</b", ""}};

	for (size_t i = 0; i < ARRAY_LEN(tags); i++) {
		const size_t len = strlen(tags[i][0]);

		if (n > len && !strncasecmp(at, tags[i][0], len) && !isalpha((unsigned char)at[len]))
			return tags[i][1];
	}
	return NULL;
}

/* A row of HTML may have a line for each cell: its ends of lines come behind it. */
struct html {
	struct str out;
	size_t ends;        /* of lines, within the row */
	bool in_row, begun; /* a row began in this line: the next one needs another */
};

static void end_row(struct html *h)
{
	h->begun = h->begun && !h->ends;
	for (; h->ends; h->ends--)
		str_add(&h->out, "\n");
	h->in_row = false;
}

static void take_tag(struct html *h, const char *as)
{
	if (!strcmp(as, "\n")) {
		h->in_row = false;
		return;
	}
	if (!strcmp(as, "|")) {
		end_row(h);
		str_add(&h->out, h->begun ? "\n" : "");
		h->in_row = h->begun = true;
	}
	str_add(&h->out, as);
}

/* The '>' of a tag; NULL: none is near. */
static const char *end_of_tag(const char *at)
{
	enum { TAG_MOST = 200 };

	for (size_t i = 0; i < TAG_MOST && at[i]; i++)
		if (at[i] == '>')
			return at + i;
	return NULL;
}

static const char *html_as_bars(struct arena *a, const char *text)
{
	struct html h = {.out = STR_INIT};
	const char *kept;

	for (const char *at = text; *at;) {
		const char *end = *at == '<' ? end_of_tag(at) : NULL;
		const char *as = end ? as_tag(at, (size_t)(end - at) + 1) : NULL;

		if (as)
			take_tag(&h, as);
		else if (*at == '\n' && h.in_row)
			h.ends++;
		else if (*at == '\n') {
			end_row(&h);
			h.begun = false;
			str_add(&h.out, "\n");
		} else
			str_add_n(&h.out, at, 1);
		at = as ? end + 1 : at + 1;
	}
	end_row(&h);
	kept = arena_strdup(a, h.out.text);
	str_release(&h.out);
	return kept;
}

/* --- lines ---------------------------------------------------------------------------------------- */

/* Skips what a line was quoted or indented with: blanks, ">", the first bar of a quoted list. */
static const char *skip_quote(const char *at)
{
	for (;;) {
		if (*at == ' ' || *at == '\t')
			at++;
		else if (*at == '>' &&
			 (at[1] == ' ' || at[1] == '>' || at[1] == '|' || at[1] == '{' || at[1] == '['))
			at++;
		else
			return at;
	}
}

/* --- stamps of time ------------------------------------------------------------------------------- */

/* How many characters of the text are of a form: '0' is a digit, 'a' a letter or digit, ' ' blanks, '*' digits, points and what marks a
 * zone; others are themselves. 0: it is of another form. */
static size_t of_form(const char *text, const char *form)
{
	const char *at = text;

	for (; *form; form++) {
		size_t n = *form == '*'   ? strspn(at, "0123456789.,:+Z")
			   : *form == ' ' ? strspn(at, " ")
			   : *form == '0' ? isdigit((unsigned char)*at) != 0
			   : *form == 'a' ? isalnum((unsigned char)*at) != 0
					  : *at == *form;

		if (!n && *form != '*')
			return 0;
		at += n;
	}
	return (size_t)(at - text);
}

/* What programs put before a line: ts and journald, loggers, llama.cpp's --log-prefix. */
static size_t stamp_length(const char *at)
{
	static const char *const forms[] = {"[000000000*] ",           "[00:00:00*] ",
					    "[0000-00-00 00:00:00*] ", "[0000-00-00T00:00:00*] ",
					    "0000-00-00 00:00:00* ",   "0000-00-00T00:00:00* ",
					    "aaa 00 00:00:00 ",        "aaa 0 00:00:00 ",
					    "0.00.000.000 a ",         "00.00.000.000 a "};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_LEN(forms) && !n; i++)
		n = of_form(at, forms[i]);
	if (n && isalpha((unsigned char)*at)) { /* "host program[1234]: " */
		const char *end = strstr(at + n, "]: ");

		n = end && !memchr(at + n, '\n', (size_t)(end - at) - n) ? (size_t)(end - at) + 3 : n;
	}
	return n;
}

static const char *skip_front(const char *at)
{
	size_t n;

	for (at = skip_quote(at); (n = stamp_length(at)) > 0;)
		at = skip_quote(at + n);
	return at;
}

static const char *unquoted(struct arena *a, const char *text)
{
	char *out = arena_strdup(a, text), *to = out;

	for (const char *at = skip_front(text); *at;) {
		while (*at == '\n' && to > out && (to[-1] == ' ' || to[-1] == '\t'))
			to--;
		*to++ = *at;
		at = *at == '\n' ? skip_front(at + 1) : at + 1;
	}
	*to = '\0';
	return out;
}

/* --- spreadsheets --------------------------------------------------------------------------------- */

/* What parts the columns that the line names: a spreadsheet writes ';' where its numbers have commas, and copies tabs. '\0': it
 * names none, or commas do. */
static char separator_of(const char *line)
{
	static const char *const columns[] = {"kind", "n_prompt", "\"kind\"", "\"n_prompt\""};
	const char separator = strchr(line, ';') ? ';' : '\t';

	if (strchr(line, ',') || !strchr(line, separator))
		return '\0';
	for (const char *at = line; *at; at += *at == separator) {
		const size_t n = strcspn(at, (const char[]){separator, '\r', '\0'});

		for (size_t i = 0; i < ARRAY_LEN(columns); i++)
			if (n == strlen(columns[i]) && !strncmp(at, columns[i], n))
				return separator;
		at += n;
		if (*at == '\r')
			break;
	}
	return '\0';
}

/* A csv that a spreadsheet wrote, as ours is; else the text itself. */
static const char *with_commas(struct arena *a, const char *text)
{
	const char *head = text;
	bool quoted = false;
	char separator, *out;

	while (*head == '#' || *head == '\n' || *head == '\r')
		head += *head == '#' ? strcspn(head, "\n") : 1;
	separator = separator_of(arena_strndup(a, head, strcspn(head, "\n")));
	if (!separator)
		return text;
	out = arena_strdup(a, text);
	for (char *c = out + (head - text); *c; c++) {
		quoted = quoted != (*c == '"');
		if (!quoted && (*c == separator || *c == ','))
			*c = *c == separator ? ',' : '.';
	}
	return out;
}

const char *tidied(struct arena *a, const char *text, size_t len)
{
	const char *plain = unquoted(a, plain_characters(a, text, len));

	if (strstr(plain, "<tr") || strstr(plain, "<TR"))
		plain = unquoted(a, html_as_bars(a, plain));
	plain = with_commas(a, plain);
	if (strstr(plain, "\tn_prompt\t") && !strstr(plain, ",n_prompt"))
		return tabs_as_commas(a, plain);
	return strchr(plain, '\t') ? tabs_as_bars(a, plain) : plain;
}
