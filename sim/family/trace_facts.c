/* trace_facts.c - see trace_facts.h. */
#include "sim/family/trace_facts.h"

#include <math.h>

#include "sim/base/units.h"
#include "sim/llm/graph.h"

/* Operators of a layer by kind: of q, k, v, o, gate, up, down; ... */
struct layer_ops {
	double of[KERNEL_KINDS];
	double layers; /* of the model; 0: not known */
};
static const struct layer_ops llama = {.of = {[KERNEL_LINEAR] = 7,
					      [KERNEL_SCORES] = 1,
					      [KERNEL_NORM] = 2,
					      [KERNEL_ROPE] = 1,
					      [KERNEL_KV_APPEND] = 1,
					      [KERNEL_ACTIVATION] = 1,
					      [KERNEL_RESIDUAL] = 2}};

static enum kernel_kind kind_of(enum op_kind op)
{
	switch (op) {
	case OP_LINEAR:
		return KERNEL_LINEAR;
	case OP_SCORES:
		return KERNEL_SCORES;
	case OP_NORM:
		return KERNEL_NORM;
	case OP_ROPE:
		return KERNEL_ROPE;
	case OP_KV_APPEND:
		return KERNEL_KV_APPEND;
	case OP_ACTIVATION:
		return KERNEL_ACTIVATION;
	case OP_RESIDUAL:
		return KERNEL_RESIDUAL;
	case OP_ROUTE:
		return KERNEL_ROUTE;
	default:
		return KERNEL_OTHER;
	}
}

/* The mean over the model's layers, in a decode step of one sequence; embedding and head are not of a layer. */
static struct layer_ops layer_ops(const struct model *m)
{
	const struct precision p = {.weights = FORMAT_F16, .kv = FORMAT_F16, .compute = FORMAT_F16};
	const struct shape token = {.batch = 1, .tokens = 1, .past = 128};
	struct part_count parts[MODEL_PARTS];
	struct layer_ops l = {.layers = (double)m->layers};
	size_t n;

	if (!m->layers)
		return l;
	n = model_parts(m, parts);
	for (size_t i = 0; i < n; i++) {
		struct op ops[GRAPH_OPS];
		const enum role role = parts[i].part.role;
		const size_t ops_n = role == ROLE_EMBEDDING || role == ROLE_HEAD
					     ? 0
					     : graph_block(m, &p, &token, parts[i].part, PHASE_DECODE, ops);

		for (size_t k = 0; k < ops_n; k++)
			l.of[kind_of(ops[k].kind)] += parts[i].blocks / l.layers;
	}
	l.of[KERNEL_OTHER] = 0;
	return l;
}

static struct layer_ops ops_of(const struct model *m)
{
	return m ? layer_ops(m) : llama;
}

static void add_names(const struct kernel_trace *t, struct str *out)
{
	enum { SHOWN = 8 };
	size_t n = 0;

	for (size_t i = 0; i < t->kernels_n; i++)
		n += t->kernels[i].kind == KERNEL_OTHER;
	if (n)
		str_addf(out, "of no kind that is known: %zu name%s%s\n", n, n == 1 ? "" : "s",
			 n > SHOWN ? ", the most frequent:" : ":");
	n = 0;
	for (size_t i = 0; i < t->kernels_n && n < SHOWN; i++)
		if (t->kernels[i].kind == KERNEL_OTHER) {
			str_addf(out, "  %zu x %.90s\n", t->kernels[i].n, t->kernels[i].name);
			n++;
		}
}

static void add_kind(const struct kernel_trace *t, const struct layer_ops *ops, int kind, double layers,
		     struct str *out)
{
	const double n = (double)kernel_trace_kind(t, (enum kernel_kind)kind);
	double s = 0;

	for (size_t i = 0; i < t->kernels_n; i++)
		s += t->kernels[i].kind == (enum kernel_kind)kind ? t->kernels[i].seconds : 0;
	if (n <= 0)
		return;
	str_addf(out, "%-11s %8.0f %10.2f ", kernel_kind_names[kind], n, n / layers);
	if (ops->of[kind] > 0)
		str_addf(out, "%12.2f", n / layers / ops->of[kind]);
	else
		str_addf(out, "%12s", "-");
	str_addf(out, " %10.4g ms\n", 1e3 * s);
}

void trace_table(const struct kernel_trace *t, const struct model *m, struct str *out)
{
	const struct layer_ops ops = ops_of(m);
	const double layers = (double)kernel_trace_layers(t);

	str_addf(out, "%s: %s, %zu kernels of %zu names", t->path, trace_format_names[t->format], t->all,
		 t->kernels_n);
	if (layers > 0)
		str_addf(out, "; %.0f layers ran", layers);
	if (ops.layers > 0 && layers > 0)
		str_addf(out, ", %s passes of %.0f", units_digits(layers / ops.layers, 4).text, ops.layers);
	str_add(out, "\n");
	if (t->launches || t->graphs)
		str_addf(out, "the host launched %zu kernels, %s us each, and %zu graphs\n", t->launches,
			 units_digits(1e6 * t->launch_s, 3).text, t->graphs);
	if (layers > 0)
		str_add(out, "kind         kernels  per layer per operator       time\n");
	for (int k = 0; k < KERNEL_KINDS && layers > 0; k++)
		add_kind(t, &ops, k, layers, out);
	add_names(t, out);
}

/* The whole number of kernels that an operator takes. Less than half of one is none: it is part of another kernel. Of a kind
 * that no name tells nothing is said, since it may have other names. */
static void add_fact(const struct kernel_trace *t, const struct layer_ops *ops, int kind, double layers,
		     struct str *out)
{
	const double each = (double)kernel_trace_kind(t, (enum kernel_kind)kind) / layers / ops->of[kind];

	str_addf(out, "%s.kernels,%.0f,\"%.2f traced for each of %s a layer, %.0f layers\"\n",
		 kernel_kind_names[kind], floor(each + 0.5), each, units_digits(ops->of[kind], 4).text,
		 layers);
}

static void add_host(const struct kernel_trace *t, struct str *out)
{
	const double launched = (double)t->launches / (double)t->all;

	if (t->launches && launched > 0.5)
		str_addf(out, "overhead.host,%.4g us,\"mean of %zu launches, each as long as the call\"\n",
			 1e6 * t->launch_s, t->launches);
	if (t->launches || t->graphs)
		str_addf(out,
			 "overhead.replays,%s,\"%zu kernels were launched one by one, %zu graphs of them\"\n",
			 !t->graphs       ? "none"
			 : launched > 0.5 ? "decode"
					  : "all",
			 t->launches, t->graphs);
}

const struct output_column trace_facts_csv[TRACE_FACTS_COLUMNS] = {
	{"key", "", "of a machine's facts, such as norm.kernels, as 'calibrate --facts' reads them"},
	{"value", "as written", "its value, with its unit where it has one"},
	{"source", "", "what the trace says of it"}};

int trace_facts(const struct kernel_trace *t, const struct model *m, struct str *out, struct err *err)
{
	static const enum kernel_kind told[] = {KERNEL_NORM,    KERNEL_ROPE,   KERNEL_KV_APPEND,
						KERNEL_SCORES,  KERNEL_LINEAR, KERNEL_ACTIVATION,
						KERNEL_RESIDUAL};
	const struct layer_ops ops = ops_of(m);
	const double layers = (double)kernel_trace_layers(t);

	if (!(layers > 0)) {
		err_set(err, "%s: no layer can be told: none of %zu names is of a kernel of attention",
			t->path, t->kernels_n);
		return err_hint(
			err,
			t->format == TRACE_XCTRACE
				? "xctrace names encoders, and kernels only where the program labels them"
				: "a trace of whole passes of a transformer has one in each layer");
	}
	output_columns_head(out, trace_facts_csv, TRACE_FACTS_COLUMNS);
	str_add(out, "\n");
	for (size_t i = 0; i < ARRAY_LEN(told); i++)
		if (ops.of[told[i]] > 0 && kernel_trace_kind(t, told[i]))
			add_fact(t, &ops, (int)told[i], layers, out);
	add_host(t, out);
	return 0;
}
