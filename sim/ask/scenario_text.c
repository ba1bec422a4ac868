/* scenario_text.c - see scenario_text.h. */
#include "sim/ask/scenario_text.h"

#include <string.h>

#include "sim/ask/look_up.h"
#include "sim/base/str.h"

/* Text in double quotes, as YAML reads it. */
static void add_quoted(struct str *out, const char *text)
{
	str_add(out, "\"");
	for (; *text; text++) {
		if (*text == '"' || *text == '\\')
			str_add(out, "\\");
		str_add_n(out, text, 1);
	}
	str_add(out, "\"");
}

/* A name as it stands, the path of a file in quotes. */
static void add_id(struct str *out, const char *id)
{
	if (look_up_is_file(id))
		add_quoted(out, id);
	else
		str_add(out, id);
}

static void add_title(struct str *out, const struct asked *q)
{
	struct str title = STR_INIT;

	str_addf(&title, "%s on ", q->model->title);
	for (size_t i = 0; i < q->machines_n; i++)
		str_addf(&title, "%s%s",
			 !i           ? ""
			 : q->link_id ? " and "
				      : " or ",
			 look_up_is_file(q->machines[i].id) ? q->machines[i].name : q->machines[i].id);
	str_add(out, "title: ");
	add_quoted(out, title.text);
	str_add(out, "\n");
	str_release(&title);
}

static void add_machines(struct str *out, const struct asked *q)
{
	str_add(out, "runtime: {");
	for (size_t i = 0; i < q->machines_n; i++)
		str_addf(out, "%s%s: \"%s\"", i ? ", " : "", q->machines[i].name, q->machines[i].runtime);
	str_add(out, "}\nmachines:\n");
	for (size_t i = 0; i < q->machines_n; i++) {
		str_addf(out, "  %s: %s", q->machines[i].name,
			 q->machines[i].fanless ? "{base: [apple-fanless, " : "");
		add_id(out, q->machines[i].id);
		str_add(out, q->machines[i].fanless ? "], active_power: null}\n" : "\n");
	}
	if (q->link_id)
		str_add(out, "links:\n");
	for (size_t i = 0; q->link_id && i < q->machines_n; i++)
		for (size_t k = i + 1; k < q->machines_n; k++) {
			str_addf(out, "  cable-%zu-%zu: {base: ", i + 1, k + 1);
			add_id(out, q->link_id);
			str_addf(out, ", between: [%s, %s]}\n", q->machines[i].name, q->machines[k].name);
		}
}

static void add_load(struct str *out, const struct asked *q)
{
	str_add(out, "  serve:\n    arrivals: ");
	if (q->think_s > 0)
		str_addf(out, "{users: %lld, think: %.9g s}\n", (long long)q->users, q->think_s);
	else
		str_addf(out, "{rate: %.9g req/s}\n", q->requests_per_s);
	str_addf(out, "    prompt: %lld tok\n    output: %lld tok\n", (long long)q->prompt,
		 (long long)q->tokens);
}

static void add_workload(struct str *out, const struct asked *q)
{
	str_add(out, "workload:\n");
	if (q->train)
		str_addf(out, "  train: {method: %s, %stokens: %lld tok, batch: %lld, micro_batches: %d}\n",
			 q->train,
			 strcmp(q->train, "full") != 0 ? "rank: 16, optimizer: adamw, "
						       : "optimizer: adamw, ",
			 (long long)q->tokens, (long long)q->users, q->link_id ? 4 : 1);
	else if (asked_load(q))
		add_load(out, q);
	else
		str_addf(out, "  generate: {prompt: %lld tok, tokens: %lld tok, batch: %lld}\n",
			 (long long)q->prompt, (long long)q->tokens, (long long)q->users);
}

/* ---- assignments ---- */

void scenario_layers(const struct asked *q, int64_t layers[ASK_MACHINES])
{
	double speed = 0, room[ASK_MACHINES], each;
	int64_t left = q->model->layers;

	for (size_t i = 0; i < q->machines_n; i++)
		speed += q->machines[i].facts->memory.bandwidth.value;
	each = q->weights_B / (double)q->model->layers;
	for (size_t i = 0; i < q->machines_n; i++) {
		const struct memory *m = &q->machines[i].facts->memory;

		room[i] = 0.9 * m->usable.value / each;
		layers[i] = (int64_t)((double)q->model->layers * m->bandwidth.value / speed);
		layers[i] = layers[i] < (int64_t)room[i] ? layers[i] : (int64_t)room[i];
		layers[i] = layers[i] > 1 ? layers[i] : 1;
		left -= layers[i];
	}
	for (size_t tries = 0; left != 0 && tries < 4096;
	     tries++) { /* one after the other takes or gives one */
		const size_t i = tries % q->machines_n;
		const bool full = layers[i] >= (int64_t)room[i] && tries < 2048;

		if (left > 0 && !full) {
			layers[i]++;
			left--;
		} else if (left < 0 && layers[i] > 1) {
			layers[i]--;
			left++;
		}
	}
}

static void add_pipeline(struct str *out, const struct asked *q)
{
	int64_t layers[ASK_MACHINES], from = 0;

	scenario_layers(q, layers);
	str_add(out, "  - name: pipeline");
	for (size_t i = 0; i < q->machines_n; i++)
		str_addf(out, "%s%lld", i ? "/" : " ", (long long)layers[i]);
	str_add(out, "\n    place: [");
	for (size_t i = 0; i < q->machines_n; i++, from += layers[i - 1])
		str_addf(out, "%s{layers: %lld-%lld, on: %s}", i ? ", " : "", (long long)from,
			 (long long)(from + layers[i] - 1), q->machines[i].name);
	str_addf(out, ", {op: embedding, on: %s}, {op: head, on: %s}]\n", q->machines[0].name,
		 q->machines[q->machines_n - 1].name);
}

static bool all_equal(const struct asked *q)
{
	for (size_t i = 1; i < q->machines_n; i++)
		if (strcmp(q->machines[i].id, q->machines[0].id) != 0)
			return false;
	return true;
}

/* Machines of equal shares have heads that divide. */
static bool heads_divide(const struct asked *q)
{
	const struct attention *a = &q->model->attention;
	const int64_t n = (int64_t)q->machines_n;

	return a->heads % n == 0 && (a->latent || a->kv_heads % n == 0);
}

bool scenario_may_split(const struct asked *q)
{
	return q->link_id && !q->train && all_equal(q) && heads_divide(q);
}

static void add_tensor(struct str *out, const struct asked *q)
{
	str_add(out, "  - name: tensor split\n    place: [{on: [");
	for (size_t i = 0; i < q->machines_n; i++)
		str_addf(out, "%s%s", i ? ", " : "", q->machines[i].name);
	str_add(out, "], split: tensor}]\n");
}

/* Each machine but those that are another's twin. */
static void add_alone(struct str *out, const struct asked *q)
{
	for (size_t i = 0; i < q->machines_n; i++) {
		bool twin = false;

		for (size_t k = 0; k < i; k++)
			twin |= !strcmp(q->machines[i].id, q->machines[k].id);
		if (!twin)
			str_addf(out, "  - {name: all on %s, place: [{on: %s}]}\n", q->machines[i].name,
				 q->machines[i].name);
	}
}

/* One machine reads the prompts, the other writes the answers: of a batch. A server does both on the same devices. */
static void add_hand_over(struct str *out, const struct asked *q)
{
	for (size_t i = 0; i < 2; i++)
		str_addf(out,
			 "  - name: prefill %s, decode %s\n    place: [{on: %s}, {phase: prefill, on: %s}]\n",
			 q->machines[i].name, q->machines[1 - i].name, q->machines[1 - i].name,
			 q->machines[i].name);
}

/* As people call it by llama.cpp's option. */
static void add_offload(struct str *out, const struct asked *q)
{
	const char *card = q->machines[q->card].name, *host = q->machines[q->host].name;

	str_addf(out,
		 "  - name: \"%s, experts of %lld layers on %s (--n-cpu-moe %lld)\"\n    place: [{on: %s}]\n"
		 "    offload: {experts: %lld, to: %s}\n",
		 card, (long long)q->experts_on_host, host, (long long)q->experts_on_host, card,
		 (long long)q->experts_on_host, host);
}

void scenario_text(struct str *out, const struct asked *q)
{
	str_add(out, "schema: lemursim/scenario/1\n");
	add_title(out, q);
	str_add(out, "model: ");
	add_id(out, q->model_id);
	str_addf(out, "\nprecision: {weights: %s, kv: %s, compute: %s}\n", q->weights, q->kv, q->compute);
	add_machines(out, q);
	add_workload(out, q);
	str_add(out, "assignments:\n");
	if (q->experts_on_host)
		add_offload(out, q);
	if (q->only_offload)
		return;
	add_alone(out, q);
	if (!q->link_id)
		return;
	if (!q->train && !asked_load(q) && q->machines_n == 2 && !all_equal(q))
		add_hand_over(out, q);
	if (q->model->layers >= (int64_t)q->machines_n)
		add_pipeline(out, q);
	if (scenario_may_split(q) && !q->no_tensor)
		add_tensor(out, q);
}
