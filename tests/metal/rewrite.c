/*
 * rewrite.c - turns a .metal file into C++ for the shim, and refuses what Metal would refuse but C++ does
 *not.
 *
 *	rewrite in.metal out.cpp
 *
 * Rewritten: attributes are read and dropped; `threadgroup T x[N];` in a kernel becomes MSL_TG(x, T[N]); for
 * each kernel, and each `template [[host_name("x")]] kernel T f<...>;`, a line is added that calls it with
 *its arguments. Line numbers are kept, so a compiler's message is about the .metal file. Refused (rule in
 *lint()): see there. Prints file:line: error, exit 1.
 */
#include <ctype.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TOKENS_MAX = 65536, KERNELS_MAX = 256, BUFFER_MAX = 30, TYPES_MAX = 64, POSITIONS_GRID = 5 };

enum token_kind { TOKEN_SPACE, TOKEN_WORD, TOKEN_NUMBER, TOKEN_TEXT, TOKEN_MARK, TOKEN_HASH };

struct token {
	enum token_kind kind;
	const char *at;
	int len, line;
};

struct kernel {
	int name;         /* token */
	char call[1024];  /* its arguments, as C++ */
	unsigned buffers; /* bit i: buffer i is one */
	bool is_template;
	int position; /* type of its first position in a grid: a token, 0 if none */
};

static const char *path;
static struct token tokens[TOKENS_MAX];
static int tokens_n;
static struct kernel kernels[KERNELS_MAX];
static int kernels_n;
static int types[TYPES_MAX], types_n; /* tokens: names of structs and template parameters */

__attribute__((format(printf, 2, 3), noreturn)) static void die(int line, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s:%d: error: ", path, line);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(1);
}

static bool is(int i, const char *text)
{
	return i >= 0 && i < tokens_n && strlen(text) == (size_t)tokens[i].len &&
	       !memcmp(tokens[i].at, text, (size_t)tokens[i].len);
}

static bool same(int a, int b)
{
	return tokens[a].len == tokens[b].len && !memcmp(tokens[a].at, tokens[b].at, (size_t)tokens[a].len);
}

static bool is_one_of(int i, const char *const *list)
{
	for (; *list; list++)
		if (is(i, *list))
			return true;
	return false;
}

static bool is_blank(int i)
{
	return tokens[i].kind == TOKEN_SPACE || tokens[i].kind == TOKEN_HASH;
}

static int next(int i)
{
	do
		i++;
	while (i < tokens_n && is_blank(i));
	return i;
}

static int prev(int i)
{
	do
		i--;
	while (i >= 0 && is_blank(i));
	return i;
}

static int space_len(const char *s)
{
	const char *p = s;

	if (p[0] == '/' && p[1] == '/')
		return (int)strcspn(p, "\n");
	if (p[0] == '/' && p[1] == '*') {
		p = strstr(p + 2, "*/");
		return p ? (int)(p + 2 - s) : (int)strlen(s);
	}
	return isspace((unsigned char)*p) ? 1 : 0;
}

static int token_len(const char *s, enum token_kind *kind, bool line_start)
{
	const char *p = s;
	const int space = space_len(s);

	*kind = TOKEN_SPACE;
	if (space)
		return space;
	if (*p == '#' && line_start) {
		*kind = TOKEN_HASH;
		return (int)strcspn(p, "\n");
	}
	if (isalpha((unsigned char)*p) || *p == '_') {
		*kind = TOKEN_WORD;
		while (isalnum((unsigned char)*p) || *p == '_')
			p++;
	} else if (isdigit((unsigned char)*p)) {
		*kind = TOKEN_NUMBER;
		while (isalnum((unsigned char)*p) || *p == '.' ||
		       ((*p == '+' || *p == '-') && strchr("eEpP", p[-1])))
			p++;
	} else if (*p == '"') {
		*kind = TOKEN_TEXT;
		for (p++; *p && *p != '"'; p++)
			if (*p == '\\')
				p++;
		p++;
	} else {
		*kind = TOKEN_MARK;
		p++;
	}
	return (int)(p - s);
}

static void lex(const char *text)
{
	int line = 1;
	bool line_start = true;

	while (*text) {
		struct token *t = &tokens[tokens_n++];

		if (tokens_n == TOKENS_MAX)
			die(line, "more than %d tokens", TOKENS_MAX);
		*t = (struct token){.at = text, .line = line};
		t->len = token_len(text, &t->kind, line_start);
		for (int i = 0; i < t->len; i++)
			line += text[i] == '\n';
		if (t->kind != TOKEN_SPACE)
			line_start = false;
		else if (memchr(t->at, '\n', (size_t)t->len))
			line_start = true;
		text += t->len;
	}
}

/* At the first '[' of an attribute: the token after its last ']'; else 0. */
static int attribute_end(int i)
{
	int depth = 0;

	if (!is(i, "[") || !is(i + 1, "["))
		return 0;
	for (; i < tokens_n; i++) {
		depth += is(i, "[") - is(i, "]");
		if (!depth)
			return i + 1;
	}
	return 0;
}

static const struct {
	const char *attribute, *where;
} positions[] = {
	{"thread_position_in_grid", "IN_GRID"},    {"thread_position_in_threadgroup", "IN_GROUP"},
	{"threadgroup_position_in_grid", "GROUP"}, {"threads_per_threadgroup", "GROUP_SIZE"},
	{"threadgroups_per_grid", "GROUPS"},       {"thread_index_in_threadgroup", "INDEX"},
	{"thread_index_in_simdgroup", "LANE"},     {"simdgroup_index_in_threadgroup", "SIMD"},
	{"simdgroups_per_threadgroup", "SIMDS"},   {"threads_per_simdgroup", "WIDTH_"},
};

/* One parameter of a kernel, tokens from `first` up to `end`: adds its argument to k->call. */
static void param_read(struct kernel *k, int first, int end)
{
	const char *provenance = "ptr";
	bool space = false, indirect = false;
	int attr = 0;

	for (int i = first; i < end; i++) {
		indirect |= is(i, "*") || is(i, "&");
		space |= is(i, "device") || is(i, "constant") || is(i, "threadgroup");
		if (is(i, "&"))
			provenance = "ref";
		if (attribute_end(i)) {
			attr = next(i + 1);
			break;
		}
	}
	if (!attr)
		die(tokens[first].line, "a kernel's parameter has no attribute");
	if (indirect && !space)
		die(tokens[first].line, "a kernel's pointer has no address space");
	if (is(attr, "buffer")) {
		const int index = atoi(tokens[next(next(attr))].at);

		if (index > BUFFER_MAX)
			die(tokens[attr].line, "buffer %d: the last is %d", index, BUFFER_MAX);
		if (k->buffers >> index & 1)
			die(tokens[attr].line, "buffer %d is there twice", index);
		k->buffers |= 1u << index;
		sprintf(k->call + strlen(k->call), "%smslrt::msl_%s(%d)", *k->call ? ", " : "", provenance,
			index);
		return;
	}
	for (size_t i = 0; i < sizeof(positions) / sizeof(positions[0]); i++) {
		if (is(attr, positions[i].attribute)) {
			/* those with a grid's dimensions must agree in number; the others are scalars */
			if (i < POSITIONS_GRID && k->position && !same(k->position, first))
				die(tokens[attr].line, "positions in a grid differ in their components");
			if (i < POSITIONS_GRID)
				k->position = first;
			sprintf(k->call + strlen(k->call), "%smslrt::msl_at(mslrt::%s)", *k->call ? ", " : "",
				positions[i].where);
			return;
		}
	}
	die(tokens[attr].line, "unknown attribute '%.*s'", tokens[attr].len, tokens[attr].at);
}

/* At '(' of a kernel's parameters; returns the token after ')'. */
static int params_read(struct kernel *k, int open)
{
	int first = next(open), depth = 1;

	for (int i = next(open); i < tokens_n; i++) {
		const int attr = attribute_end(i);

		if (attr) {
			i = attr - 1;
			continue;
		}
		depth += is(i, "(") - is(i, ")");
		if (!depth || (depth == 1 && is(i, ","))) {
			param_read(k, first, i);
			first = next(i);
		}
		if (!depth)
			return i + 1;
	}
	die(tokens[open].line, "unclosed parameters");
}

/* Every kernel defined; the names of types; before anything is written. */
static void survey(void)
{
	for (int i = 0; i < tokens_n; i++) {
		if ((is(i, "struct") || is(i, "typename") || is(i, "class")) && types_n < TYPES_MAX)
			types[types_n++] = next(i);
		if (!is(i, "kernel") || !is(next(i), "void") || is(prev(i), "["))
			continue;
		if (kernels_n == KERNELS_MAX)
			die(tokens[i].line, "more than %d kernels", KERNELS_MAX);
		struct kernel *k = &kernels[kernels_n++];

		k->name = next(next(i));
		k->is_template = is(prev(i), ">");
		params_read(k, next(k->name));
	}
}

/* ---- what Metal refuses ---- */
static const char *const forbidden[] = {"double",  "goto", "new",    "delete", "throw",        "try",
					"virtual", "std",  "printf", "asm",    "thread_local", NULL};
static const char *const scalars[] = {
	"float",   "half",  "bfloat", "int",   "uint",   "short",  "ushort", "char",    "uchar",   "bool",
	"float2",  "half2", "float4", "half4", "uint4",  "int4",   "char2",  "char4",   "uchar4",  "bfloat4",
	"ushort4", "uint2", "uint3",  "ulong", "float3", "uchar2", "void",   "ushort2", "int32_t", NULL};
static const char *const spaces[] = {"device", "constant", "threadgroup", "thread", NULL};

static bool is_type(int i)
{
	if (is_one_of(i, scalars))
		return true;
	for (int t = 0; t < types_n; t++)
		if (tokens[i].kind == TOKEN_WORD && same(i, types[t]))
			return true;
	return false;
}

/* `T *x`, `vec<T, 4> &x`: the address space stands a few words before T. */
static void lint_pointer(int mark)
{
	int i = prev(mark);

	if (is(i, ">")) { /* vec<T, 4> */
		while (i > 0 && !is(i, "<"))
			i = prev(i);
		i = prev(i);
		if (!is(i, "vec") && !is(i, "simdgroup_matrix"))
			return;
	} else if (!is_type(i)) {
		return;
	}
	for (int back = 0; back < 3 && i > 0; back++) {
		i = prev(i);
		if (is_one_of(i, spaces))
			return;
	}
	die(tokens[mark].line, "a pointer or reference has no address space");
}

static bool in_kernel(int at)
{
	int depth = 0, body = 0;

	for (int i = 0; i < at; i++) {
		if (is(i, "{") && !depth++)
			body = i;
		if (is(i, "}"))
			depth--;
	}
	if (!depth)
		return false;
	for (int i = body; i > 0 && !is(i, ";") && !is(i, "}"); i--)
		if (is(i, "kernel"))
			return true;
	return false;
}

static void lint(int i)
{
	if (tokens[i].kind == TOKEN_WORD && is_one_of(i, forbidden) && !is(prev(i), "."))
		die(tokens[i].line, "'%.*s' is not for a Metal kernel", tokens[i].len, tokens[i].at);
	if (tokens[i].kind == TOKEN_HASH && strchr(tokens[i].at, '"') &&
	    !strncmp(tokens[i].at, "#include \"", 10))
		die(tokens[i].line, "an include in quotes is not found at run time");
	if (is(i, "*") || is(i, "&"))
		lint_pointer(i);
	if (is(i, "matmul2d_descriptor") && is(next(i), "(")) {
		const int m = next(next(i)), n = next(next(m));

		if (tokens[m].kind == TOKEN_NUMBER && atoi(tokens[m].at) % 16 && atoi(tokens[n].at) % 16)
			die(tokens[i].line, "matmul2d: M or N must be a multiple of 16");
	}
}

/* ---- writing ---- */
static void put(FILE *out, int from, int to)
{
	for (int i = from; i < to; i++)
		fprintf(out, "%.*s", tokens[i].len, tokens[i].at);
}

static void put_lines(FILE *out, int from, int to)
{
	for (int i = from; i < to; i++)
		for (int c = 0; c < tokens[i].len; c++)
			if (tokens[i].at[c] == '\n')
				fputc('\n', out);
}

/* `threadgroup T x[N];`, at `threadgroup`: writes it as MSL_TG, returns the token of ';'. Else 0. */
static int tgvar_write(FILE *out, int i)
{
	int end = i, bracket = 0;

	for (; end < tokens_n && !is(end, ";"); end++) {
		if (is(end, "*") || is(end, "&") || is(end, "(") || is(end, "="))
			if (!bracket)
				return 0;
		if (is(end, "[") && !bracket)
			bracket = end;
	}
	if (!bracket)
		die(tokens[i].line, "a threadgroup variable must be an array here");
	if (!in_kernel(i))
		die(tokens[i].line, "a threadgroup variable outside a kernel");
	fprintf(out, "MSL_TG(");
	put(out, prev(bracket), bracket);
	fprintf(out, ", ");
	put(out, next(i), prev(bracket));
	put(out, bracket, end);
	fprintf(out, ")");
	return end;
}

static void enrol_write(FILE *out, int id, const struct kernel *k, const char *name, int from, int to)
{
	fprintf(out, "static void msl_call_%d()\n{\n\t", id);
	put(out, from, to);
	fprintf(out, "(%s);\n}\nstatic const mslrt::enrol msl_enrol_%d(%s, msl_call_%d, %uu);\n", k->call, id,
		name, id, k->buffers);
}

/* `template [[host_name("x")]] kernel type f<...>;`: noted for the end; returns the token after ';'. Else 0.
 */
static int instance_skip(FILE *late, int i, int *id)
{
	int end = i, open = 0, name = 0;

	if (!is(i, "template") || !attribute_end(next(i)))
		return 0;
	for (; !is(end, ";"); end++) {
		if (is(end, "host_name"))
			name = next(next(end));
		if (is(end, "<") && !open)
			open = end;
	}
	if (!name || !open)
		die(tokens[i].line, "expected template [[host_name(\"x\")]] kernel type f<...>;");
	for (int k = 0; k < kernels_n; k++) {
		if (same(kernels[k].name, prev(open))) {
			char text[128];

			sprintf(text, "%.*s", tokens[name].len, tokens[name].at);
			enrol_write(late, (*id)++, &kernels[k], text, prev(open), end);
			return end + 1;
		}
	}
	die(tokens[i].line, "no such kernel template");
}

static void write_all(FILE *out)
{
	char *late_text = NULL;
	size_t late_size = 0;
	FILE *late = open_memstream(&late_text, &late_size);
	int id = 0;

	fprintf(out, "#include <metal_stdlib>\n#line 1 \"%s\"\n", path);
	for (int i = 0; i < tokens_n; i++) {
		int end = attribute_end(i);

		if (end) {
			put_lines(out, i, end);
			i = end - 1;
			continue;
		}
		lint(i);
		end = instance_skip(late, i, &id);
		if (!end && is(i, "threadgroup") &&
		    (is(prev(i), ";") || is(prev(i), "{") || is(prev(i), "}")))
			end = tgvar_write(out, i);
		if (end) {
			put_lines(out, i, end);
			i = end - 1;
			continue;
		}
		put(out, i, i + 1);
	}
	for (int k = 0; k < kernels_n; k++) {
		char name[128];

		if (kernels[k].is_template)
			continue;
		sprintf(name, "\"%.*s\"", tokens[kernels[k].name].len, tokens[kernels[k].name].at);
		enrol_write(late, id++, &kernels[k], name, kernels[k].name, kernels[k].name + 1);
	}
	fclose(late);
	fprintf(out, "\n%s\nMSL_EXPORTS\n", late_text);
	free(late_text);
}

static char *file_read(const char *name)
{
	FILE *f = fopen(name, "rb");
	char *text;
	long n = 0;

	if (!f || fseek(f, 0, SEEK_END) || (n = ftell(f)) < 0)
		die(0, "cannot be read");
	rewind(f);
	text = calloc((size_t)n + 16, 1);
	if (!text || fread(text, 1, (size_t)n, f) != (size_t)n)
		die(0, "cannot be read");
	fclose(f);
	return text;
}

int main(int argc, char **argv)
{
	FILE *out;
	char *text;

	if (argc != 3) {
		fprintf(stderr, "usage: rewrite in.metal out.cpp\n");
		return 2;
	}
	path = argv[1];
	text = file_read(path);
	lex(text);
	survey();
	out = fopen(argv[2], "wb");
	if (!out)
		die(0, "cannot write %s", argv[2]);
	write_all(out);
	free(text);
	return fclose(out) ? 1 : 0;
}
