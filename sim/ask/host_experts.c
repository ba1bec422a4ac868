/* host_experts.c - see host_experts.h. */
#include "sim/ask/host_experts.h"

#include "sim/ask/answer.h"
#include "sim/base/str.h"
#include "sim/hw/programs.h"

static bool is_host(const struct asked_machine *m)
{
	return m->facts->devices.n && str_starts(machine_device(m->facts, NULL)->origin.name, "cpu") &&
	       format_reader_of(m->runtime) == READS_GGUF;
}

/* Of a back end that copies experts of a prompt from the host, which is one of a card with a memory of its own. */
static bool is_card(const struct asked_machine *m)
{
	return !is_host(m) && runtime_op_offload_rows(m->runtime) > 0;
}

static bool may_be_of_host(const struct asked *q)
{
	return q->model->experts && !q->train && !asked_load(q);
}

static double usable_B(const struct asked_machine *m)
{
	return m->facts->memory.usable.value;
}

static bool fits_on_card(const struct loader *l, const struct asked *q)
{
	struct asked alone = *q;

	alone.machines[0] = q->machines[q->card];
	alone.machines_n = 1;
	alone.link_id = NULL;
	return answer_fits(l, &alone);
}

void host_experts_settle(const struct loader *l, struct asked *q)
{
	const double layer_B = q->weights_B / (double)q->model->layers;
	struct asked as;

	q->experts_on_host = 0;
	if (!may_be_of_host(q) || !q->link_id || q->machines_n != 2)
		return;
	q->card = is_card(&q->machines[0]) ? 0 : 1;
	q->host = 1 - q->card;
	if (!is_card(&q->machines[q->card]) || !is_host(&q->machines[q->host]) || fits_on_card(l, q))
		return;
	as = *q;
	as.only_offload = true;
	as.experts_on_host = q->model->layers - (int64_t)(usable_B(&q->machines[q->card]) / layer_B);
	as.experts_on_host = as.experts_on_host > 1 ? as.experts_on_host : 1;
	for (; as.experts_on_host <= q->model->layers; as.experts_on_host++) {
		if (answer_fits(l, &as)) {
			q->experts_on_host = as.experts_on_host;
			return;
		}
	}
}

/* One that people have, of the smallest memory in which what the card does not hold finds room. */
static const char *const hosts[] = {"host-ryzen-9-7950x-64gb", "host-ryzen-9-7950x-128gb"};

static bool settle_with_host(const struct loader *l, const struct asked *q, const char *host,
			     struct asked *out)
{
	const char *machines[] = {q->machines[0].id, host};
	const struct question with = {.model = q->model_id,
				      .machines = {machines, 2},
				      .link = "pcie-4-x16",
				      .prompt = q->prompt,
				      .tokens = q->tokens,
				      .users = q->users,
				      .weights = q->weights,
				      .kv = q->kv,
				      .runtime = "llama.cpp",
				      .ids = true};
	struct diags unheard;
	struct loader apart = *l;
	struct err err = ERR_INIT;

	diags_init(&unheard, l->arena);
	apart.diags = &unheard;
	if (question_settle(&apart, &with, out, &err) != 0)
		return false;
	host_experts_settle(l, out);
	return out->experts_on_host > 0;
}

const char *host_experts_remedy(const struct loader *l, const struct asked *q)
{
	struct asked with;

	if (!may_be_of_host(q) || q->machines_n != 1 || !is_card(&q->machines[0]))
		return NULL;
	for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
		if (settle_with_host(l, q, hosts[i], &with))
			return arena_printf(l->arena,
					    "experts in the host's memory (llama.cpp's --n-cpu-moe %lld): "
					    "--on %s,%s --link pcie-4-x16, or your own host",
					    (long long)with.experts_on_host, q->machines[0].id, hosts[i]);
	return NULL;
}
