/* plan.c - see plan.h. */
#include "sim/world/plan.h"

#include <math.h>
#include <string.h>

#include "sim/world/scenario.h"
#include "sim/world/serve_parts.h"

const char *const plan_goals[PLAN_GOALS + 1] = {"price", "energy", "latency", NULL};
static const char *const splits[] = {[GROUP_PIPELINE] = "pipeline", [GROUP_TENSOR] = "tensor", NULL};

static const struct field any_fields[] = {
	{FIELD_KEY(struct plan_any, price), .type = FIELD_TEXT, .optional = true,
	 .help = "of one machine: \"<= 5000 USD\""},
	{FIELD_KEY(struct plan_any, memory), .type = FIELD_TEXT, .optional = true,
	 .help = "of one machine: \">= 64 GiB\""},
	{FIELD_KEY(struct plan_any, kind), .type = FIELD_TEXTS, .optional = true,
	 .help = "words of its name, such as m4 or spark; mac: any of Apple's, card: any RTX; all if not "
		 "said"},
};
static const struct table any_table = {"any", sizeof(struct plan_any), any_fields, ARRAY_LEN(any_fields)};

static const struct field machine_fields[] = {
	{FIELD_KEY(struct plan_machine, machine), .type = FIELD_TEXT,
	 .help = "its file: 'lemursim list hardware' names all"},
	{FIELD_KEY(struct plan_machine, up_to), .type = FIELD_COUNT, .min = 1, .max = 64, .optional = true,
	 .help = "how many of it; as 'up_to' of the plan if not said"},
	{FIELD_KEY(struct plan_machine, with), .type = FIELD_YML, .optional = true,
	 .help = "what of the file is otherwise, such as {price: 1500 USD, idle_power: 60 W}"},
};
static const struct table machine_choice_table = {"machine", sizeof(struct plan_machine), machine_fields,
						  ARRAY_LEN(machine_fields)};

static const struct field group_fields[] = {
	{FIELD_KEY(struct plan_group, split), .type = FIELD_CHOICE, .choices = splits,
	 .help = "pipeline: each a share of the layers; tensor: each a share of every block"},
	{FIELD_KEY(struct plan_group, machines), .type = FIELD_COUNT, .min = 2, .max = 8, .def = "2",
	 .help = "equal machines in the group"},
	{FIELD_KEY(struct plan_group, link), .type = FIELD_TEXT,
	 .help = "what joins each to each, such as thunderbolt-5-tcp"},
};
static const struct table group_table = {"group", sizeof(struct plan_group), group_fields,
					 ARRAY_LEN(group_fields)};

static const struct field pools_fields[] = {
	{FIELD_KEY(struct plan_pools, link), .type = FIELD_TEXT,
	 .help = "what joins each prefill machine to each decode machine, such as thunderbolt-5-tcp"},
	{FIELD_KEY(struct plan_pools, hand_over), .type = FIELD_MAYBE, .sub = &hand_over_table,
	 .optional = true, .help = "of a cache, as an assignment has it"},
};
static const struct table plan_pools_table = {"pools", sizeof(struct plan_pools), pools_fields,
					      ARRAY_LEN(pools_fields)};

static const struct field api_fields[] = {
	{FIELD_KEY(struct plan_api, input), .type = FIELD_DOUBLE, .dim = DIM_MONEY, .min = 0, .max = 1e6,
	 .help = "a million tokens of prompts"},
	{FIELD_KEY(struct plan_api, output), .type = FIELD_DOUBLE, .dim = DIM_MONEY, .min = 0, .max = 1e6,
	 .help = "a million tokens of answers"},
};
static const struct table api_table = {"api", sizeof(struct plan_api), api_fields, ARRAY_LEN(api_fields)};

static const struct field finish_fields[] = {
	{FIELD_KEY(struct plan_finish, requests), .type = FIELD_COUNT, .min = 1, .max = 1e12,
	 .help = "how many there are"},
	{FIELD_KEY(struct plan_finish, within), .type = FIELD_DOUBLE, .dim = DIM_TIME, .min = 1, .max = 1e9,
	 .help = "and how long they may take"},
};
static const struct table finish_table = {"finish", sizeof(struct plan_finish), finish_fields,
					  ARRAY_LEN(finish_fields)};

static const struct field plan_fields[] = {
	{.key = "machines",
	 .offset = offsetof(struct planning, machines_said),
	 .type = FIELD_YML,
	 .sub = &machine_choice_table,
	 .help = "your names for what may be bought, like {mini: {machine: apple-m4-10c-16gb, up_to: 4}}; or "
		 "{any: {price: \"<= 5000 USD\", kind: [mac, spark]}}: the catalogue"},
	{FIELD_KEY(struct planning, runtimes), .type = FIELD_TEXTS, .optional = true,
	 .help = "each machine is tried with those of them that it has; the scenario's if not said"},
	{FIELD_KEY(struct planning, weights), .type = FIELD_TEXTS, .optional = true,
	 .help = "formats of the weights, each tried, the first of equals preferred; the scenario's if not "
		 "said"},
	{FIELD_KEY(struct planning, slots), .type = FIELD_DOUBLES, .dim = DIM_COUNT, .min = 1, .max = 65536,
	 .optional = true, .help = "sequences at once, each tried; as the runtime starts if not said"},
	{FIELD_KEY(struct planning, groups), .type = FIELD_LIST, .sub = &group_table, .max = 8,
	 .optional = true, .help = "equal machines joined to hold the weights together, beside each alone"},
	{FIELD_KEY(struct planning, pools), .type = FIELD_MAYBE, .sub = &plan_pools_table, .optional = true,
	 .help = "fleets of machines that read prompts and machines that generate are tried too, of one kind "
		 "each; of unlike kinds where 'mixed' is 2 or more"},
	{FIELD_KEY(struct planning, context), .type = FIELD_COUNT, .dim = DIM_TOKENS, .min = 1,
	 .max = LENGTH_MAX, .optional = true, .help = "of one request; the longest of the load if not said"},
	{FIELD_KEY(struct planning, up_to), .type = FIELD_COUNT, .min = 1, .max = 64, .def = "4",
	 .help = "machines of a fleet"},
	{FIELD_KEY(struct planning, mixed), .type = FIELD_COUNT, .min = 1, .max = 4, .def = "1",
	 .help = "kinds of machine in a fleet, at most"},
	{FIELD_KEY(struct planning, spare), .type = FIELD_COUNT, .min = 0, .max = 2, .def = "0",
	 .help = "servers that may be gone while the rest still holds the load"},
	{FIELD_KEY(struct planning, headroom), .type = FIELD_DOUBLE, .min = 1, .max = 100, .def = "1",
	 .help = "times the load that is to be held"},
	{FIELD_KEY(struct planning, budget), .type = FIELD_DOUBLE, .dim = DIM_MONEY, .min = 1, .max = 1e12,
	 .optional = true, .help = "for the whole fleet"},
	{FIELD_KEY(struct planning, goal), .type = FIELD_CHOICE, .choices = plan_goals, .def = "price",
	 .help = "the least of it wins: price; energy per token; latency, the 95th percentile of E2EL"},
	{FIELD_KEY(struct planning, serve), .type = FIELD_MAYBE, .sub = &serve_how_table, .optional = true,
	 .help = "of every server, beside its slots, as an assignment has it"},
	{FIELD_KEY(struct planning, api), .type = FIELD_MAYBE, .sub = &api_table, .optional = true,
	 .help = "what a million tokens cost elsewhere"},
	{FIELD_KEY(struct planning, finish), .type = FIELD_MAYBE, .sub = &finish_table, .optional = true,
	 .help = "a batch of requests that has to end in time, instead of an SLO"},
	{FIELD_KEY(struct planning, day), .type = FIELD_DOUBLES, .dim = DIM_SHARE, .min = 0, .max = 1,
	 .optional = true, .help = "the load of each hour as a share of what the workload says, the largest"},
};
const struct table plan_table = {"plan", sizeof(struct planning), plan_fields, ARRAY_LEN(plan_fields)};

/* "<= 5000 USD": the text after the sign is a quantity. */
static void read_limit(const struct plan_any *a, const char *key, const char *text, enum dim dim,
		       double *least, double *most, struct diags *d)
{
	const bool up = text[0] == '<';
	const char *amount = text + 2;
	struct err err = ERR_INIT;
	double value = 0;

	if ((text[0] != '<' && text[0] != '>') || text[1] != '=')
		serve_wrong(d, a->origin.node, key, "such as \"<= 5000 USD\"",
			    arena_printf(d->arena, "any: %s: expected a limit by <= or >=, got '%.60s'", key,
					 text));
	else if (units_parse(amount + strspn(amount, " "), dim, &value, &err) != 0)
		diag_err(d, yml_get(a->origin.node, key)->place, &err);
	*least = up ? 0 : value;
	*most = up ? value : INFINITY;
}

static void check_any(struct planning *p, struct yml *said, struct diags *d)
{
	struct plan_any *a = arena_alloc(d->arena, sizeof *a);

	*a = (struct plan_any){.price_most = INFINITY, .memory_most = INFINITY};
	p->any = a;
	if (field_load(&any_table, said, "any", a, d) != 0)
		return;
	if (a->price)
		read_limit(a, "price", a->price, DIM_MONEY, &a->price_least, &a->price_most, d);
	if (a->memory)
		read_limit(a, "memory", a->memory, DIM_BYTES, &a->memory_least, &a->memory_most, d);
}

/* A name of hardware, or a mapping that says how many. */
static void check_machine(const struct yml *said, const char *name, struct plan_machine *m, struct diags *d)
{
	if (said->kind == YML_SCALAR)
		*m = (struct plan_machine){.origin = {name, said}, .machine = said->text};
	else if (field_load(&machine_choice_table, yml_merge(d->arena, NULL, said), name, m, d) == 0 &&
		 m->with && (m->with->kind != YML_MAP || yml_get(m->with, "base")))
		diag_add(d, m->with->place, "such as {price: 1500 USD}",
			 "plan: machine '%s': expected a mapping of what is otherwise than in the file",
			 name);
}

static void check_machines(struct planning *p, struct diags *d)
{
	const struct yml *said = p->machines_said, *any = yml_get(said, "any");
	struct plan_machine *all;

	if (said->kind != YML_MAP || !said->n) {
		diag_add(d, said->place, "{mini: apple-m4-10c-16gb}, or {any: {price: \"<= 5000 USD\"}}",
			 "plan: machines: expected a mapping of names, got %s",
			 said->kind == YML_MAP ? "an empty one" : yml_kind_name(said));
		return;
	}
	if (any && said->n > 1)
		diag_add(d, any->place, "leave the names out, or 'any'",
			 "plan: machines: 'any' is the whole catalogue: nothing can stand beside it");
	if (any) {
		check_any(p, yml_merge(d->arena, NULL, any), d);
		return;
	}
	p->machines = (struct field_list){all = arena_array(d->arena, said->n, sizeof *all), said->n};
	for (size_t i = 0; i < said->n; i++)
		check_machine(said->items[i], said->keys[i]->text, &all[i], d);
}

static const struct yml *item_of(const struct yml *node, size_t i)
{
	return node->kind == YML_LIST ? node->items[i] : node;
}

static void check_weights(const struct planning *p, struct diags *d)
{
	const char *const *names = p->weights.at;
	const struct yml *node = yml_get(p->origin.node, "weights");

	for (size_t i = 0; i < p->weights.n; i++) {
		struct err err = ERR_INIT;

		if (str_find(names[i], mix_names, MIX_N) < MIX_N)
			continue;
		err_unknown(&err, "format of weights", names[i], mix_names, MIX_N);
		diag_err(d, item_of(node, i)->place, &err);
	}
}

static void check_whole(const double *x, size_t n, const struct yml *node, struct diags *d)
{
	for (size_t i = 0; i < n; i++)
		if (x[i] != floor(x[i]))
			diag_add(d, item_of(node, i)->place, "such as [4, 8]",
				 "plan: slots: a whole number is wanted");
}

static bool bounds_anything(const struct serve *s)
{
	const struct load_class *c = s->classes.at;
	bool any = false;

	for (size_t i = 0; i < s->classes.n; i++)
		any |= c[i].slo != NULL;
	return any;
}

/* The load must be one whose size can be changed, and something must tell whether it is held. */
static void check_load(const struct scenario *s, const struct planning *p, struct diags *d)
{
	const struct serve *load = s->workload.serve;
	const struct yml *node = p->origin.node;

	if (!load) {
		diag_add(d, node->place, "add 'serve:' to the workload",
			 "plan: there is no load to plan for");
		return;
	}
	if (!bounds_anything(load) && !p->finish)
		diag_add(d, load->origin.node->place,
			 "add 'slo: {ttft_p95: 2 s}' to it, or 'finish:' to the plan",
			 "plan: nothing says whether a fleet holds this load");
	if (load->arrivals.kind == ARRIVALS_ALL_AT)
		diag_add(d, load->arrivals.origin.node->place,
			 "users, a rate or a trace; of a batch: 'concurrency' here and 'finish' in the plan",
			 "plan: requests that all come at once are no load of any size");
	if (p->finish && load->arrivals.kind != ARRIVALS_USERS)
		serve_wrong(d, node, "finish", "write 'arrivals: {concurrency: 64}'",
			    "plan: a batch is sent as it is answered");
	if (p->finish && p->day.n)
		serve_wrong(d, node, "day", "leave one out", "plan: a batch has no hours");
	if (p->spare && p->spare >= p->up_to)
		serve_wrong(d, node, "spare", "raise 'up_to'", "plan: no machine is left");
}

int plan_check(const struct scenario *s, struct planning *p, struct diags *d)
{
	const size_t before = d->total;

	if (!p->origin.node)
		return -1;
	if (p->machines_said)
		check_machines(p, d);
	check_weights(p, d);
	check_whole(p->slots.at, p->slots.n, yml_get(p->origin.node, "slots"), d);
	check_load(s, p, d);
	return d->total == before ? 0 : -1;
}
