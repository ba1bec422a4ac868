/* check_ask.c - one question in a line: what is assumed, that remedies help, the budget against each machine alone. */
#include "tests/suites.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "sim/ask/answer.h"
#include "sim/ask/budget.h"
#include "sim/ask/host_experts.h"
#include "sim/ask/look_up.h"
#include "sim/ask/scenario_text.h"
#include "sim/ask/this_machine.h"
#include "sim/base/str.h"
#include "sim/cost/formats.h"

struct asking {
	struct arena arena;
	struct diags diags;
	struct loader loader;
	struct err err;
};

static void begin(struct asking *t)
{
	*t = (struct asking){.arena = ARENA_INIT};
	diags_init(&t->diags, &t->arena);
	loader_init(&t->loader, &t->arena, &t->diags);
}

static void end(struct asking *t)
{
	arena_release(&t->arena);
}

static struct question on(const char **machine)
{
	return (struct question){.machines = {machine, 1}};
}

static const struct draws_ask few = {.seed = -1, .n = 2};

static struct asked settled(struct asking *t, const struct question *q)
{
	struct asked out;

	ck_assert_msg(question_settle(&t->loader, q, &out, &t->err) == 0, "%s: %s", t->err.msg, t->err.hint);
	ck_assert_uint_eq(t->loader.inputs_n, 0);
	return out;
}

START_TEST(defaults)
{
	static const struct {
		const char *model, *machine, *runtime, *train, *weights;
	} all[] = {{"llama 3.3 70b", "m4 max 64", NULL, NULL, "q4_K_M"},
		   {"llama 3.3 70b", "m4 max 64", "mlx", NULL, "mlx_q4"},
		   {"llama 3.3 70b", "4090", NULL, NULL, "q4_K_M"},
		   {"llama 3.3 70b", "4090", "llama.cpp", NULL, "q4_K_M"},
		   {"llama 3.3 70b", "spark", "vllm", NULL, "bf16"},
		   {"gpt-oss-20b", "m4 max 64", NULL, NULL, "mxfp4"},
		   {"gpt-oss-20b", "m4 max 64", "mlx", NULL, "mlx_mxfp4_q8"},
		   {"gpt-oss-20b", "spark", NULL, NULL, "mxfp4"},
		   {"mistral 7b", "m4 max 64", NULL, "lora", "bf16"},
		   {"mistral 7b", "m4 max 64", NULL, "qlora", "mlx_q4"},
		   {"mistral 7b", "4090", NULL, "lora", "f16"}};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct asking t;
		const char *machine = all[i].machine;
		struct question q = on(&machine);
		struct asked a;

		begin(&t);
		q.model = all[i].model;
		q.runtime = all[i].runtime;
		q.train = all[i].train;
		a = settled(&t, &q);
		ck_assert_str_eq(a.weights, all[i].weights);
		ck_assert_ptr_nonnull(strstr(a.assumed, all[i].weights));
		ck_assert_ptr_nonnull(strstr(a.assumed, a.machines[0].id));
		end(&t);
	}
}
END_TEST

/* What is said is not assumed; of context, prompt and answer two give the third. */
START_TEST(lengths)
{
	struct asking t;
	const char *machine = "apple-m4-max-40c-64gb";
	struct question q = on(&machine);
	struct asked a;

	begin(&t);
	q.model = "llama-3.3-70b";
	a = settled(&t, &q);
	ck_assert_int_eq(a.prompt, 2048);
	ck_assert_int_eq(a.tokens, 256);
	q.context = 16384;
	a = settled(&t, &q);
	ck_assert_int_eq(a.prompt + a.tokens, 16384);
	q.prompt = 16000;
	a = settled(&t, &q);
	ck_assert_int_eq(a.tokens, 384);
	q.tokens = 384;
	q.weights = "q4_K_M";
	q.kv = "f16";
	q.users = 1;
	q.runtime = "llama.cpp@2026-02";
	a = settled(&t, &q);
	ck_assert_str_eq(a.assumed, "");
	q.tokens = 385;
	ck_assert_int_eq(question_settle(&t.loader, &q, &a, &t.err), -1);
	end(&t);
}
END_TEST

START_TEST(token_counts)
{
	static const struct {
		const char *text;
		int64_t tokens; /* 0: refused */
	} all[] = {{"16k", 16384},    {"16K", 16384},
		   {"2048", 2048},    {"2048 tok", 2048},
		   {"4k tok", 4096},  {"4096k", 1 << 22},
		   {"4097k", 0},      {"", 0},
		   {"k", 0},          {"0", 0},
		   {"-1", 0},         {"1.5k", 0},
		   {"16k tokens", 0}, {"9999999999999999999999", 0}};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct err err = ERR_INIT;
		int64_t tokens = 0;

		ck_assert_int_eq(question_tokens("context", all[i].text, &tokens, &err),
				 all[i].tokens ? 0 : -1);
		ck_assert_int_eq(tokens, all[i].tokens);
	}
}
END_TEST

static const struct {
	const char *machines[2];
	size_t machines_n;
	int64_t context, users;
	size_t tried; /* remedies that are options */
} unfit[] = {{{"m4 max 64"}, 1, 16384, 4, 5},
	     {{"rtx 4090", "rtx 4090"}, 2, 2048, 1, 1},
	     {{"m4 pro 48", "m5 24"}, 2, 2048, 1, 2}};

/* Every remedy that is an option makes the question fit. */
START_TEST(remedies)
{
	struct asking t;
	struct question q = {.machines = {(const char **)unfit[_i].machines, unfit[_i].machines_n}};
	struct answer a;
	size_t tried = 0;

	begin(&t);
	q.model = "llama 3.3 70b";
	q.context = unfit[_i].context;
	q.users = unfit[_i].users;
	ck_assert_int_eq(answer_make(&t.loader, &q, &few, &a, &t.err), 0);
	ck_assert_uint_eq(a.best, a.rows_n);
	for (size_t i = 0; i < a.remedies.n; i++) {
		const char *at = strstr(a.remedies.at[i], "--"), *space = at ? strchr(at, ' ') : NULL;
		struct question as = q;
		struct answer then;
		const char *value;

		if (!at)
			continue;
		value = arena_strndup(&t.arena, space + 1, strcspn(space + 1, " ,"));
		if (!strncmp(at, "--weights", 9))
			as.weights = value;
		else if (!strncmp(at, "--kv", 4))
			as.kv = value;
		else if (!strncmp(at, "--link", 6))
			as.link = value;
		else if (!strncmp(at, "--users", 7))
			as.users = strtoll(value, NULL, 10);
		else if (!strncmp(at, "--on", 4))
			as.machines = (struct texts){&value, 1};
		else
			ck_assert_int_eq(question_tokens("context", value, &as.context, &t.err), 0);
		ck_assert_msg(answer_make(&t.loader, &as, &few, &then, &t.err) == 0, "%s", t.err.msg);
		ck_assert_msg(then.best < then.rows_n, "'%s' does not help", a.remedies.at[i]);
		tried++;
	}
	ck_assert_uint_eq(tried, unfit[_i].tried);
	end(&t);
}
END_TEST

START_TEST(layers)
{
	struct asking t;
	const char *pair[] = {"m4 max 64", "m5 16gb"};
	struct question q = {.model = "llama 3.3 70b", .machines = {pair, 2}, .link = "thunderbolt 5 tcp"};
	int64_t n[ASK_MACHINES];
	struct asked a;

	begin(&t);
	a = settled(&t, &q);
	scenario_layers(&a, n);
	ck_assert_int_eq(n[0] + n[1], 80);
	/* by bandwidth it were 62 and 18: 18 layers of a half GB are within 11.8 GiB */
	ck_assert_int_gt(n[0], 58);
	ck_assert_int_gt(n[1], 12);
	end(&t);
}
END_TEST

/* ---- links ---- */

/* Of a tensor split; 0 where the runtime has none over that link. */
static double decode_over(const char *link, const char *runtime, struct link *l)
{
	const char *pair[] = {"nvidia-h100-sxm-80gb", "nvidia-h100-sxm-80gb"};
	const struct question q = {
		.model = "llama-3.1-8b", .machines = {pair, 2}, .link = link, .runtime = runtime};
	struct asking t;
	struct answer a;
	double tok_per_s = 0;

	begin(&t);
	ck_assert_msg(answer_make(&t.loader, &q, &few, &a, &t.err) == 0, "%s: %s", link, t.err.msg);
	*l = a.at->world->links[0];
	for (size_t i = 0; i < a.rows_n; i++)
		if (!strcmp(a.rows[i].name, "tensor split"))
			tok_per_s = rows_metric(&a.rows[i], "decode_tok_per_s")->value;
	ck_assert_int_eq(tok_per_s > 0, a.asked.no_tensor == NULL);
	end(&t);
	return tok_per_s;
}

/* Of the links that one software was measured over, more bandwidth and no slower a way decode no slower. */
static const struct {
	const char *runtime, *end;
} software[] = {{"vllm", "-vllm"}, {"vllm", "-nccl"}, {"cuda", "-nccl"}};

START_TEST(more_link_is_no_slower)
{
	enum { LINKS = 16 };
	struct link link[LINKS];
	double decode[LINKS];
	struct known_name *names;
	struct asking t;
	size_t n = 0, all, compared = 0;

	begin(&t);
	all = catalogue_names(&t.loader, CATALOGUE_LINKS, NULL, &names);
	for (size_t i = 0; i < all; i++) {
		if (!str_ends(names[i].id, software[_i].end))
			continue;
		ck_assert_uint_lt(n, LINKS);
		decode[n] = decode_over(names[i].id, software[_i].runtime, &link[n]);
		n += decode[n] > 0;
	}
	for (size_t i = 0; i < n; i++)
		for (size_t k = 0; k < n; k++) {
			const struct link *a = &link[i], *b = &link[k];

			if (a->bandwidth.value <= b->bandwidth.value ||
			    a->latency.value + a->collective_latency.value >
				    b->latency.value + b->collective_latency.value)
				continue;
			compared++;
			ck_assert_msg(decode[i] >= decode[k], "%s is slower than %s", a->title, b->title);
		}
	ck_assert_uint_gt(compared, 0);
	end(&t);
}
END_TEST

/* A link's plain name means what the runtime asked for makes of it; names that are to be taken as they stand are. */
START_TEST(link_of_the_runtime)
{
	static const struct {
		const char *link, *runtime, *is;
	} all[] = {{"nvlink 4", "vllm", "nvlink-4-vllm"},     {"nvlink-4", "cuda", "nvlink-4-nccl"},
		   {"nvlink-5", "vllm", "nvlink-5-vllm"},     {"pcie 5 x16", "vllm", "pcie-5-x16-vllm"},
		   {"nvlink-3", "vllm", "nvlink-3-nccl"},     {"pcie-4-x16", "vllm", "pcie-4-x16"},
		   {"nvlink-4-nccl", "vllm", "nvlink-4-nccl"}};
	const char *pair[] = {"nvidia-h100-sxm-80gb", "nvidia-h100-sxm-80gb"};
	struct link l[2];

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct question q = {.model = "llama-3.1-8b",
				     .machines = {pair, 2},
				     .link = all[i].link,
				     .runtime = all[i].runtime};
		struct asking t;
		struct asked a;

		begin(&t);
		a = settled(&t, &q);
		ck_assert_str_eq(a.link_id, all[i].is);
		ck_assert_int_eq(strstr(a.assumed, "link ") != NULL, strcmp(q.link, a.link_id) != 0);
		end(&t);
	}
	ck_assert_double_gt(decode_over("nvlink-4", "vllm", &l[0]), decode_over("pcie-5-x16", "vllm", &l[1]));
	ck_assert_double_gt(decode_over("nvlink-4", "cuda", &l[0]), decode_over("pcie-5-x16", "cuda", &l[1]));
}
END_TEST

/* llama.cpp splits by tensor over cards of one host, not between machines; vLLM and MLX do either. */
static const struct {
	const char *machine, *link, *runtime;
	bool splits;
} splits[] = {{"spark", "ethernet-200g-connectx-7", NULL, false},
	      {"m3 ultra 512", "thunderbolt 5 rdma", NULL, false},
	      {"m3 ultra 512", "thunderbolt 5 rdma", "mlx", true},
	      {"spark", "ethernet-200g-connectx-7", "vllm", true},
	      {"3090", "pcie-4-x16", NULL, true}};

START_TEST(tensor_between_machines)
{
	const char *pair[] = {splits[_i].machine, splits[_i].machine};
	const struct question q = {.model = "llama-3.1-8b",
				   .machines = {pair, 2},
				   .link = splits[_i].link,
				   .runtime = splits[_i].runtime};
	struct asking t;
	struct str text = STR_INIT;
	struct asked a;

	begin(&t);
	a = settled(&t, &q);
	scenario_text(&text, &a);
	ck_assert(scenario_may_split(&a));
	ck_assert_int_eq(strstr(text.text, "split: tensor") != NULL, splits[_i].splits);
	ck_assert_int_eq(a.no_tensor == NULL, splits[_i].splits);
	str_release(&text);
	end(&t);
}
END_TEST

/* The search over the catalogue finds what asking each machine by itself finds. */
START_TEST(budget)
{
	struct asking t;
	const struct budget_ask ask = {
		.question = {.model = "qwen3-14b", .context = 4096, .users = 2}, .usd = 1300, .at_least = 8};
	struct known_name *names;
	struct budget b;
	const size_t step = (size_t)how_many(4, 1);
	size_t n, good = 0, rows = 0;

	begin(&t);
	ck_assert_int_eq(budget_find(&t.loader, &ask, &few, &b, &t.err), 0);
	n = catalogue_names(&t.loader, CATALOGUE_MACHINES, NULL, &names);
	for (size_t i = 0; i < n; i += step) {
		struct asking one;
		struct question q = ask.question;
		struct answer a;
		size_t at = 0;

		begin(&one);
		q.machines = (struct texts){&names[i].id, 1};
		while (at < b.rows_n && strcmp(b.rows[at].id, names[i].id) != 0)
			at++;
		rows += at < b.rows_n;
		if (answer_make(&one.loader, &q, &few, &a, &one.err) == 0 && a.best < a.rows_n &&
		    a.asked.machines[0].facts->price.given &&
		    a.asked.machines[0].facts->price.value <= ask.usd &&
		    rows_metric(&a.rows[0], "decode_tok_per_s_per_seq")->value >= ask.at_least) {
			/* a file of which each memory is listed by itself is not */
			good += at < b.rows_n;
			ck_assert_msg(at < b.rows_n || !strstr(names[i].id, "gb"), "%s is not found",
				      names[i].id);
		} else {
			ck_assert_msg(at == b.rows_n, "%s does not do it", names[i].id);
		}
		end(&one);
	}
	ck_assert_uint_eq(good, step == 1 ? b.rows_n : rows);
	ck_assert_uint_gt(good, 1);
	for (size_t i = 1; i < b.rows_n; i++)
		ck_assert(b.rows[i - 1].usd <= b.rows[i].usd);
	end(&t);
}
END_TEST

static void write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "w");

	ck_assert_ptr_nonnull(f);
	fputs(text, f);
	fclose(f);
}

/* A system's facts under a folder that stands for "/". */
START_TEST(this_one)
{
	char root[] = "/tmp/lemursim-this-XXXXXX", path[200], command[64];
	struct this_facts facts;
	struct asking t;

	ck_assert_ptr_nonnull(mkdtemp(root));
	begin(&t);
	this_machine_facts(root, &facts);
	ck_assert_str_eq(facts.chip, "");
	ck_assert_ptr_null(this_machine(&t.loader, &facts, &t.err));
	snprintf(path, sizeof path, "%s/proc", root);
	mkdir(path, 0700);
	snprintf(path, sizeof path, "%s/proc/cpuinfo", root);
	write_file(path, "processor\t: 0\nmodel name\t: AMD Ryzen 9 5950X 16-Core Processor\n");
	this_machine_facts(root, &facts);
	ck_assert_str_eq(facts.chip, "AMD Ryzen 9 5950X 16-Core Processor");
	t.err = (struct err)ERR_INIT;
	ck_assert_ptr_null(this_machine(&t.loader, &facts, &t.err));
	ck_assert_ptr_nonnull(strstr(t.err.msg, "Ryzen"));
	for (int i = 0; i < 4; i++) {
		static const char *const parts[] = {"driver", "driver/nvidia", "driver/nvidia/gpus",
						    "driver/nvidia/gpus/0000:01:00.0"};

		snprintf(path, sizeof path, "%s/proc/%s", root, parts[i]);
		mkdir(path, 0700);
	}
	snprintf(path, sizeof path, "%s/proc/driver/nvidia/gpus/0000:01:00.0/information", root);
	write_file(path, "Model: \t\t NVIDIA GeForce RTX 4090\nIRQ:   \t\t 137\n");
	this_machine_facts(root, &facts);
	ck_assert_str_eq(facts.chip, "NVIDIA GeForce RTX 4090");
	ck_assert_str_eq(this_machine(&t.loader, &facts, &t.err), "nvidia-rtx-4090-24gb");
	snprintf(command, sizeof command, "rm -rf %s", root);
	ck_assert_int_eq(system(command), 0);
	end(&t);
}
END_TEST

START_TEST(known_facts)
{
	static const struct {
		struct this_facts facts;
		const char *id;
	} all[] = {{{"Apple M4 Pro", 48.0 * 1073741824, 0}, "apple-m4-pro-16c-48gb"},
		   {{"Apple M4 Pro", 48.0 * 1073741824, 20}, "apple-m4-pro-20c-48gb"},
		   {{"Apple M3 Ultra", 512.0 * 1073741824, 80}, "apple-m3-ultra-80c-512gb"},
		   {{"Apple M2", 24.0 * 1073741824, 10}, "apple-m2-10c-24gb"},
		   {{"NVIDIA GB10", 0, 0}, "nvidia-dgx-spark-128gb"},
		   {{"NVIDIA GeForce RTX 4060 Ti", 0, 0}, "nvidia-rtx-4060-ti-8gb"},
		   {{"NVIDIA H100 80GB HBM3", 0, 0}, "nvidia-h100-sxm-80gb"},
		   {{"NVIDIA RTX PRO 6000 Blackwell Workstation Edition", 0, 0},
		    "nvidia-rtx-pro-6000-blackwell-96gb"},
		   {{"NVIDIA GeForce GTX 1080", 0, 0}, NULL},
		   {{"Apple M9 Max", 64.0 * 1073741824, 40}, NULL}};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct asking t;
		const char *id;

		begin(&t);
		id = this_machine(&t.loader, &all[i].facts, &t.err);
		ck_assert_msg(all[i].id ? id && !strcmp(id, all[i].id) : !id && t.err.hint[0], "%s is %s",
			      all[i].facts.chip, id ? id : "nothing");
		end(&t);
	}
}
END_TEST

START_TEST(formats_read)
{
	static const struct {
		const char *runtime, *weights;
		int rc;
	} all[] = {{"llama.cpp@2026-02", "q4_K_M", 0},
		   {"llama.cpp", "mlx_q4", -1},
		   {"cuda@2025-10", "mlx_q4", -1},
		   {"cuda", "mxfp4", 0},
		   {"cuda", "fp8", -1},
		   {"llama.cpp", "awq", -1},
		   {"cuda", "gptq", -1},
		   {"vllm", "awq", 0},
		   {"mlx@2025-12", "mlx_q4", 0},
		   {"mlx", "q4_K_M", -1},
		   {"mlx", "q8_0", -1},
		   {"mlx", "bf16", 0},
		   {"mlx", "mlx_mxfp4_q8", 0},
		   {"mps", "mlx_q4", -1},
		   {"torch", "bf16", 0},
		   {"mine", "mlx_q4", 0},
		   {"vllm", "mlx_q8", -1}};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct err err = ERR_INIT;
		int mix = 0;

		while (strcmp(mix_names[mix], all[i].weights) != 0)
			mix++;
		ck_assert_int_eq(format_check(all[i].runtime, (enum mix_id)mix, &err), all[i].rc);
		ck_assert(all[i].rc == 0 || err.hint[0]);
	}
}
END_TEST

/* llama.cpp has kernels of ternary weights for the CPU, since August 2026 for two GPU back ends. */
START_TEST(ternary_kernels)
{
	static const struct {
		const char *device, *runtime, *weights;
		int rc;
	} all[] = {{"gpu", "cuda@2025-10", "tq1_0", -1},
		   {"gpu", "cuda@2025-10", "tq2_0", -1},
		   {"gpu", "rocm@2026-12", "tq2_0", -1},
		   {"gpu", "llama.cpp@2026-02", "tq2_0", -1},
		   {"gpu", "llama.cpp@2026-08", "tq2_0", 0},
		   {"gpu", "llama.cpp@2026-08", "tq1_0", -1},
		   {"gpu", "vulkan@2026-07", "tq2_0", -1},
		   {"gpu", "vulkan@2026-09", "tq2_0", 0},
		   {"cpu", "llama.cpp@2025-06", "tq1_0", 0},
		   {"gpu", "llama.cpp", "tq2_0", 0},
		   {"gpu", "foo", "tq1_0", 0},
		   {"gpu", "cuda@2025-10", "q4_K_M", 0},
		   {"gpu", "mlx", "q4_K_M", -1}};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		const struct device d = {.origin = {.name = all[i].device}};
		const size_t mix = str_find(all[i].weights, mix_names, MIX_N);
		struct err err = ERR_INIT;

		ck_assert_uint_lt(mix, MIX_N);
		ck_assert_msg(format_check_on(&d, all[i].runtime, (enum mix_id)mix, &err) == all[i].rc,
			      "%s %s %s: %s", all[i].device, all[i].runtime, all[i].weights, err.msg);
		ck_assert(all[i].rc == 0 || err.hint[0]);
	}
}
END_TEST

/* A mixture on a card and its host has the fewest experts on the host with which it fits; nothing else has any. */
START_TEST(experts_on_the_host)
{
	static const struct {
		const char *model, *card, *host;
		double think_s;
		bool some;
	} all[] = {{"gpt-oss-120b", "3090", "host-ryzen-9-7950x-64gb", 0, true},
		   {"gpt-oss-120b", "host-ryzen-9-7950x-64gb", "3090", 0, true},
		   {"gpt-oss-20b", "4090", "host-ryzen-9-7950x-64gb", 0, false},
		   {"gpt-oss-120b", "3090", "host-ryzen-9-7950x-64gb", 60, false},
		   {"llama 3.3 70b", "3090", "host-ryzen-9-7950x-64gb", 0, false},
		   {"gpt-oss-120b", "m4 max 64", "host-ryzen-9-7950x-64gb", 0, false},
		   {"deepseek-v3", "3090", "host-ryzen-9-7950x-64gb", 0, false}};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct asking t;
		const char *machines[] = {all[i].card, all[i].host};
		struct question q = {.machines = {machines, 2}, .model = all[i].model, .link = "pcie 4"};
		struct asked a;

		begin(&t);
		q.think_s = all[i].think_s;
		a = settled(&t, &q);
		host_experts_settle(&t.loader, &a);
		ck_assert_msg((a.experts_on_host > 0) == all[i].some, "%s on %s: %lld", all[i].model,
			      all[i].card, (long long)a.experts_on_host);
		a.only_offload = true;
		ck_assert(!all[i].some || answer_fits(&t.loader, &a));
		a.experts_on_host--;
		ck_assert(!all[i].some || (a.experts_on_host > 0 && !answer_fits(&t.loader, &a)));
		end(&t);
	}
}
END_TEST

/* What is told of a card alone holds when it is asked. */
START_TEST(experts_on_a_host_help)
{
	struct asking t;
	const char *card = "4090";
	struct question q = on(&card);
	struct asked a;
	const char *text;

	begin(&t);
	q.model = "gpt-oss-120b";
	a = settled(&t, &q);
	text = host_experts_remedy(&t.loader, &a);
	ck_assert_ptr_nonnull(text);
	ck_assert_ptr_nonnull(strstr(text, "host-ryzen-9-7950x-64gb --link pcie-4-x16"));
	q.model = "llama 3.3 70b";
	a = settled(&t, &q);
	ck_assert_ptr_null(host_experts_remedy(&t.loader, &a));
	end(&t);
}
END_TEST

/* An Air has no fan, whatever else is sold with its chip, and neither has a chip that is sold in Airs alone, by its id: throttled under
 * a load and in training, and within minutes in a batch. */
START_TEST(airs_without_a_fan)
{
	static const struct {
		const char *machine;
		double requests_per_s;
		bool fanless;
		const char *told;
	} all[] = {{"MacBook Air M4 16GB", 0, true, "cool when it begins"},
		   {"MacBook Air M4 16GB", 0.01, true, "throttled"},
		   {"m2 air", 0, true, "cool when it begins"},
		   {"apple-m5-8c", 0, true, "cool when it begins"},
		   {"apple-m2-8c-16gb", 0.01, true, "throttled as under a load"},
		   {"Mac mini M4 16GB", 0.01, false, NULL},
		   {"apple-m4-10c-16gb", 0, false, NULL}};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct asking t;
		const char *machine = all[i].machine;
		struct question q = on(&machine);
		struct answer a;
		const struct machine *m;

		begin(&t);
		q.model = "qwen3 4b";
		q.requests_per_s = all[i].requests_per_s;
		ck_assert_msg(answer_make(&t.loader, &q, &few, &a, &t.err) == 0, "%s", t.err.msg);
		m = &a.at->world->machines[0];
		ck_assert_int_eq(m->sustained.given, all[i].fanless);
		ck_assert_int_eq(m->active_power.given, !all[i].fanless);
		ck_assert_int_eq(a.asked.machines[0].facts->active_power.given, !all[i].fanless);
		ck_assert_int_eq(m->sustained_after.given, all[i].fanless);
		ck_assert((strstr(a.asked.assumed, "MacBook Air without a fan") != NULL) == all[i].fanless);
		ck_assert(!all[i].told || strstr(a.asked.assumed, all[i].told));
		end(&t);
	}
}
END_TEST

/* vLLM reads llama.cpp's blocks with kernels that no run tells of, which is said. */
START_TEST(guests_among_formats)
{
	static const struct {
		const char *runtime, *weights;
		bool told;
	} all[] = {{"vllm", "q4_K_M", true}, {"vllm", "awq", false}, {"cuda", "q4_K_M", false}};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct asking t;
		const char *machine = "4090";
		struct question q = on(&machine);
		struct asked a;

		begin(&t);
		q.model = "llama 3.1 8b";
		q.runtime = all[i].runtime;
		q.weights = all[i].weights;
		a = settled(&t, &q);
		ck_assert_msg((strstr(a.assumed, "GGUF") != NULL) == all[i].told, "%s", a.assumed);
		end(&t);
	}
}
END_TEST

/* And they are predicted as wide as kernels that nobody measured are, not as its own formats are. */
START_TEST(guests_are_wide)
{
	static const char *const written[] = {"awq", "q4_K_M", "q8_0"};
	double width[ARRAY_LEN(written)] = {0};

	for (size_t i = 0; i < ARRAY_LEN(written); i++) {
		const char *machine = "nvidia-h100-sxm-80gb";
		const struct question q = {.machines = {&machine, 1},
					   .model = "llama 3.1 8b",
					   .runtime = "vllm",
					   .weights = written[i]};
		struct asking t;
		struct answer a;

		begin(&t);
		ck_assert_msg(answer_make(&t.loader, &q, &few, &a, &t.err) == 0, "%s", t.err.msg);
		for (size_t k = 0; k < a.rows_n; k++) {
			const struct metric *m = rows_metric(&a.rows[k], "decode_tok_per_s");

			if (m)
				width[i] = m->hi / m->lo;
		}
		end(&t);
	}
	ck_assert_double_gt(width[0], 1);
	ck_assert_double_gt(width[1], 1.3 * width[0]);
	ck_assert_double_gt(width[2], 1.3 * width[0]);
}
END_TEST

/* Of llama.cpp's reductions between cards over PCIe nothing was measured, whatever was of the cards. */
START_TEST(tensor_split_rests_on)
{
	const char *machines[] = {"4090", "4090"};
	const struct question q = {
		.machines = {machines, 2}, .model = "llama 3.3 70b", .link = "pcie-4-x16", .runtime = "cuda"};
	enum provenance pipeline = PROVENANCE_N, split = PROVENANCE_N;
	struct asking t;
	struct answer a;

	begin(&t);
	ck_assert_msg(answer_make(&t.loader, &q, &few, &a, &t.err) == 0, "%s", t.err.msg);
	for (size_t k = 0; k < a.rows_n; k++) {
		const struct metric *m = rows_metric(&a.rows[k], "decode_tok_per_s");

		if (m && !strcmp(a.rows[k].name, "tensor split"))
			split = m->from;
		if (m && !strcmp(a.rows[k].name, "pipeline 40/40"))
			pipeline = m->from;
	}
	ck_assert_int_eq(pipeline, PROVENANCE_MEASURED);
	ck_assert_int_eq(split, PROVENANCE_TRANSFERRED);
	end(&t);
}
END_TEST

/* A prompt is read as the runtime does where nobody says how: llama.cpp holds 512 tokens of all sequences, mlx_lm 2048
 * of each. */
START_TEST(chunks)
{
	static const struct {
		const char *runtime;
		int64_t chunk;
		double times; /* activations of four sequences against those of one */
	} all[] = {{"llama.cpp", 512, 1}, {"mlx", 2048, 4}};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		double held[2];

		for (int many = 0; many < 2; many++) {
			struct asking t;
			const char *machine = "m4 max 128";
			struct question q = on(&machine);
			struct answer a;

			begin(&t);
			q.model = "llama 3.1 8b";
			q.runtime = all[i].runtime;
			q.context = 16384;
			q.users = many ? 4 : 1;
			ck_assert_int_eq(answer_make(&t.loader, &q, &few, &a, &t.err), 0);
			ck_assert_int_eq(a.at->world->scenario->workload.generate->options.chunk,
					 all[i].chunk);
			held[many] = a.rows[0].memory[0].activations_B;
			end(&t);
		}
		ck_assert_double_eq_tol(held[1] / held[0], all[i].times, 1e-9);
	}
}
END_TEST

/* A version between those that are known is the latest before it, which is told; a name may be of a program that runs another. */
START_TEST(runtimes_as_typed)
{
	static const struct {
		const char *machine, *runtime, *is, *told;
	} all[] = {{"m4 max 64", "llama.cpp@2026-02", "llama.cpp@2026-02", NULL},
		   {"m4 max 64", "llama.cpp@2025-04", "llama.cpp@2023-11", "the latest known up to 2025-04"},
		   {"m4 max 64", "llama.cpp@2031-01-31", "llama.cpp@2026-02", "up to 2031-01-31"},
		   {"m4 max 64", "ollama", "llama.cpp@2026-02", "what ollama runs"},
		   {"m4 max 64", "LM Studio", "llama.cpp@2026-02", "what LM Studio runs"},
		   {"m4 max 64", "llama-cpp", "llama.cpp@2026-02", "what llama-cpp runs"},
		   {"m4 max 64", "mlx_lm", "mlx@2025-10", "what mlx_lm runs"},
		   {"a6000", "ollama@2025-12", "cuda@2025-10", "up to 2025-12"},
		   {"a6000", "cuda@2025-09", "cuda@2024-05", "up to 2025-09"}};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct asking t;
		const char *machine = all[i].machine;
		struct question q = on(&machine);
		struct asked a;

		begin(&t);
		q.model = "llama 3.1 8b";
		q.runtime = all[i].runtime;
		a = settled(&t, &q);
		ck_assert_str_eq(a.machines[0].runtime, all[i].is);
		if (all[i].told)
			ck_assert_msg(strstr(a.assumed, all[i].told) != NULL, "%s: %s", all[i].runtime,
				      a.assumed);
		else
			ck_assert_ptr_null(strstr(a.assumed, "runtime"));
		end(&t);
	}
}
END_TEST

/* What is no version, or before all that are known, is not replaced by another. */
START_TEST(runtimes_refused)
{
	static const struct {
		const char *machine, *runtime, *word;
	} all[] = {{"m4 max 64", "llama.cpp@1999-01", "nor an earlier"},
		   {"m4 max 64", "llama.cpp@banana", "no version"},
		   {"m4 max 64", "llama.cpp@", "no version"},
		   {"m4 max 64", "mlx@2025-01", "nor an earlier"},
		   {"a6000", "cuda@2023-05", "nor an earlier"},
		   {"4090", "vllm@2024-01", "nor an earlier"},
		   {"a6000", "vllm@2026-04", "has no runtime"},
		   {"m4 max 64", "banana", "has no runtime"}};

	for (size_t i = 0; i < ARRAY_LEN(all); i++) {
		struct asking t;
		const char *machine = all[i].machine;
		struct question q = on(&machine);
		struct asked a;

		begin(&t);
		q.model = "llama 3.1 8b";
		q.runtime = all[i].runtime;
		ck_assert_int_eq(question_settle(&t.loader, &q, &a, &t.err), -1);
		ck_assert_msg(strstr(t.err.msg, all[i].word) != NULL, "%s: %s", all[i].runtime, t.err.msg);
		ck_assert_msg(t.err.hint[0] != 0, "%s", all[i].runtime);
		end(&t);
	}
}
END_TEST

Suite *suite_ask(void)
{
	Suite *s = suite_create("ask");
	TCase *t = tcase_create("ask");

	tcase_add_test(t, defaults);
	tcase_add_test(t, lengths);
	tcase_add_test(t, token_counts);
	tcase_add_test(t, runtimes_as_typed);
	tcase_add_test(t, runtimes_refused);
	tcase_add_loop_test(t, remedies, 0, ARRAY_LEN(unfit));
	tcase_add_test(t, layers);
	tcase_add_loop_test(t, more_link_is_no_slower, 0, ARRAY_LEN(software));
	tcase_add_test(t, link_of_the_runtime);
	tcase_add_loop_test(t, tensor_between_machines, 0, ARRAY_LEN(splits));
	tcase_add_test(t, budget);
	tcase_add_test(t, this_one);
	tcase_add_test(t, known_facts);
	tcase_add_test(t, formats_read);
	tcase_add_test(t, guests_among_formats);
	tcase_add_test(t, guests_are_wide);
	tcase_add_test(t, tensor_split_rests_on);
	tcase_add_test(t, airs_without_a_fan);
	tcase_add_test(t, experts_on_the_host);
	tcase_add_test(t, experts_on_a_host_help);
	tcase_add_test(t, ternary_kernels);
	tcase_add_test(t, chunks);
	suite_add_tcase(s, t);
	return s;
}
