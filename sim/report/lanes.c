/* lanes.c - see lanes.h. */
#include "sim/report/lanes.h"

#include <stdlib.h>
#include <string.h>

#include "sim/draw/kinds.h"
#include "sim/predict/predict.h"
#include "sim/report/columns.h"

struct builder {
	struct arena *arena;
	const struct simulated *r;
	const struct world *w;
	enum boxes boxes_of;
	bool all_links;
	int *chunk_of;     /* [unit * blocks + block]: which of the unit's runs of blocks, forward */
	uint32_t *lane_of; /* queue -> lane */
	uint32_t *box_of;  /* task -> box */
	bool *critical;    /* task */
	struct box *boxes;
	double *flop, *bytes; /* one for each box */
	struct cost *total;   /* one for each box, for its bottleneck */
	size_t boxes_n;
};

static const char *link_text(struct arena *a, const struct link *l)
{
	struct str s = STR_INIT;
	const char *text;

	units_format(&s, l->bandwidth.value, DIM_BANDWIDTH, 3);
	str_add(&s, ", ");
	units_format(&s, l->latency.value, DIM_TIME, 3);
	text = arena_strdup(a, s.text);
	str_release(&s);
	return text;
}

static const char *disk_text(struct arena *a, const struct machine *m)
{
	struct str s = STR_INIT;
	const char *text;

	units_format(&s, m->disk->read.value, DIM_BANDWIDTH, 3);
	text = arena_strdup(a, s.text);
	str_release(&s);
	return text;
}

static struct lane lane_for(struct builder *b, size_t index)
{
	const struct world *w = b->w;
	const struct queue q = queue_at(w, index);
	const struct machine *m = &w->machines[queue_machine(w, q)];
	const char *name = queue_name(b->arena, w, index);
	const struct link *link;

	switch (q.kind) {
	case QUEUE_DEVICE:
		return (struct lane){name, m->chip, m->origin.name, false};
	case QUEUE_DISK:
		return (struct lane){name, disk_text(b->arena, m), m->origin.name, true};
	case QUEUE_LINK:
		link = w->link_uses[q.of].link;
		return (struct lane){name, link_text(b->arena, link), link->origin.name, true};
	}
	BUG("queue kind %d", (int)q.kind);
}

/* A link that does next to nothing is no lane where passes are shown: arrows go from device to device. */
static bool is_quiet(const struct builder *b, size_t q)
{
	return !b->all_links && b->boxes_of == BOXES_PASSES && queue_at(b->w, q).kind != QUEUE_DEVICE &&
	       (double)b->r->run.busy_ns[q] < 0.02 * (double)b->r->run.makespan_ns;
}

/* Is a queue the unit's own, its machine's disk, or a link that leaves it? */
static bool is_beside(const struct builder *b, size_t index, size_t unit)
{
	const struct queue q = queue_at(b->w, index);

	return q.kind == QUEUE_DEVICE ? q.of == unit : queue_machine(b->w, q) == b->w->units[unit].machine;
}

/* Lanes in an order that reads well: a device, its disk, then the links that leave it. Queues that do nothing
 * are left out. */
static size_t make_lanes(struct builder *b, struct lane *lanes)
{
	const size_t queues = program_queues(b->w);
	size_t n = 0;

	for (size_t q = 0; q < queues; q++)
		b->lane_of[q] = UINT32_MAX;
	for (size_t u = 0; u < b->w->units_n; u++) {
		for (size_t q = 0; q < queues; q++) {
			if (b->lane_of[q] != UINT32_MAX || b->r->run.busy_ns[q] == 0 || !is_beside(b, q, u) ||
			    is_quiet(b, q))
				continue;
			b->lane_of[q] = (uint32_t)n;
			lanes[n++] = lane_for(b, q);
		}
	}
	return n;
}

static enum box_kind kind_of(const struct op_class *c, const struct label *label)
{
	static const enum box_kind of_phase[PHASE_N] = {[PHASE_PREFILL] = BOX_PREFILL,
							[PHASE_DECODE] = BOX_DECODE,
							[PHASE_FORWARD] = BOX_FORWARD,
							[PHASE_BACKWARD] = BOX_BACKWARD,
							[PHASE_UPDATE] = BOX_UPDATE};

	switch (c->kind) {
	case CLASS_OP:
		if (label->grad_part != GRAD_BOTH)
			return label->grad_part == GRAD_INPUT ? BOX_INPUT : BOX_WEIGHTS;
		return of_phase[label->recompute ? PHASE_BACKWARD : label->phase];
	case CLASS_SEND:
	case CLASS_READ:
		return BOX_TRANSFER;
	case CLASS_REDUCE:
		return BOX_REDUCE;
	case CLASS_SEND_COPY:
	case CLASS_RECEIVE_COPY:
		return BOX_COPY;
	case CLASS_JOINED: /* simulated_whole() has its parts */
	case CLASS_PASS:
		break;
	}
	BUG("class kind %d", (int)c->kind);
}

static bool is_host(const struct op_class *c)
{
	return c->kind == CLASS_OP && (c->op.kind == OP_STEP || c->op.kind == OP_LAUNCH);
}

static const struct {
	char letter;
	const char *word;
} roles[ROLE_N] = {[ROLE_EMBEDDING] = {'e', "embedding"},
		   [ROLE_ATTENTION] = {'a', "attention"},
		   [ROLE_FFN] = {'m', "MLP (FFN)"},
		   [ROLE_ROUTER] = {'r', "router"},
		   [ROLE_SHARED] = {'s', "shared expert"},
		   [ROLE_EXPERTS] = {'x', "experts"},
		   [ROLE_HEAD] = {'h', "head"}};

static const char *payload_letters(struct arena *a, enum payload payload)
{
	return payload == PAYLOAD_KV ? payload_names[payload]
				     : arena_printf(a, "%c", payload_names[payload][0]);
}

/* The text in a box: the letter of its kind, then a micro-batch's number, or the part of the model and the layer; of a
 * transfer, what is sent. */
static const char *letter_of(struct builder *b, const struct op_class *c, const struct label *label)
{
	const enum box_kind kind = kind_of(c, label);
	const char *letter = kind_letter(kind);
	char role;

	if (kind == BOX_TRANSFER)
		return label->payload ? payload_letters(b->arena, label->payload) : NULL;
	if (kind == BOX_COPY || kind == BOX_REDUCE || kind == BOX_UPDATE)
		return letter;
	if (b->boxes_of == BOXES_PASSES)
		return is_host(c) ? NULL : arena_printf(b->arena, "%s%u", letter, label->micro);
	role = roles[label->part.role].letter;
	if (!role)
		return letter;
	return label->layer < 0 ? arena_printf(b->arena, "%s%c", letter, role)
				: arena_printf(b->arena, "%s%c%lld", letter, role, (long long)label->layer);
}

/* What the letters mean that occur: parts of the model, then what is sent. */
static void add_letters(const struct builder *b, struct schedule *s)
{
	const struct program *p = b->r->program;
	struct schedule_letter *letters = arena_array(b->arena, ROLE_N + PAYLOAD_N, sizeof *letters);
	bool role[ROLE_N] = {false}, payload[PAYLOAD_N] = {false};

	for (size_t i = 0; i < p->tasks.n; i++) {
		const struct op_class *c = &p->op_classes.at[p->tasks.at[i].op_class];
		const struct label *label = &p->tasks.at[i].label;

		if (b->lane_of[p->tasks.at[i].queue] == UINT32_MAX)
			continue;
		if (kind_of(c, label) == BOX_TRANSFER)
			payload[label->payload] = true;
		else if (c->kind == CLASS_OP && label->phase != PHASE_UPDATE && b->boxes_of == BOXES_BLOCKS)
			role[label->part.role] = true;
	}
	s->letters = letters;
	for (int i = 0; i < ROLE_N; i++)
		if (role[i] && roles[i].letter)
			letters[s->letters_n++] = (struct schedule_letter){
				arena_printf(b->arena, "%c", roles[i].letter), roles[i].word, false};
	for (int i = 1; i < PAYLOAD_N; i++)
		if (payload[i])
			letters[s->letters_n++] =
				(struct schedule_letter){payload_letters(b->arena, (enum payload)i),
							 i == PAYLOAD_KV ? "" : payload_names[i], true};
}

static size_t block_of(const struct builder *b, const struct label *label)
{
	return model_block_of(b->w->model, label->part.role, label->layer);
}

/* Blocks that a unit runs without another's between them are one chunk of the model. */
static void find_chunks(struct builder *b)
{
	const struct program *p = b->r->program;
	const size_t blocks = model_blocks(b->w->model);

	b->chunk_of = arena_array(b->arena, b->w->units_n * blocks, sizeof *b->chunk_of);
	for (size_t i = 0; i < p->tasks.n; i++)
		if (queue_at(b->w, p->tasks.at[i].queue).kind == QUEUE_DEVICE &&
		    !p->tasks.at[i].label.payload && !is_host(&p->op_classes.at[p->tasks.at[i].op_class]))
			b->chunk_of[p->tasks.at[i].queue * blocks + block_of(b, &p->tasks.at[i].label)] = 1;
	for (size_t u = 0; u < b->w->units_n; u++) {
		int *of = b->chunk_of + u * blocks, n = 0;

		for (size_t i = 0, before = 0; i < blocks; i++) {
			const size_t has = (size_t)of[i];

			of[i] = has && !before ? n++ : n - 1;
			before = has;
		}
	}
}

static int shade_of(const struct builder *b, const struct op_class *c, const struct program_task *t)
{
	if (c->kind == CLASS_OP && b->boxes_of != BOXES_PASSES)
		return (int)(t->label.micro % 3); /* groups of sequences */
	if (c->kind != CLASS_OP || is_host(c) || t->label.phase == PHASE_UPDATE)
		return 0;
	return b->chunk_of[t->queue * model_blocks(b->w->model) + block_of(b, &t->label)];
}

static const char *label_of(struct builder *b, const struct op_class *c, const struct label *label)
{
	const char *where =
		label->layer < 0 ? "" : arena_printf(b->arena, "layer %lld ", (long long)label->layer);
	const char *micro = label->micro ? arena_printf(b->arena, ", micro-batch %u", label->micro) : "";
	const char *doing = c->kind == CLASS_SEND_COPY      ? " to the host"
			    : c->kind == CLASS_RECEIVE_COPY ? " onto the device"
							    : "";

	if (is_host(c) && (!b->w->model->ends || b->boxes_of == BOXES_PASSES))
		return arena_printf(b->arena, "the host, %s", phase_names[label->phase]);
	if (b->boxes_of == BOXES_PASSES && c->kind == CLASS_OP)
		return label->phase == PHASE_UPDATE
			       ? "new weights"
			       : arena_printf(b->arena, "micro-batch %u from %s%s on", label->micro, where,
					      role_names[label->part.role]);
	return arena_printf(b->arena, "%s%s, %s%s%s", where,
			    label->payload ? payload_names[label->payload] : role_names[label->part.role],
			    phase_names[label->phase], doing, micro);
}

static bool same_pass(const struct label *a, const struct op_class *ca, const struct label *b,
		      const struct op_class *cb)
{
	return (a->recompute ? PHASE_BACKWARD : a->phase) == (b->recompute ? PHASE_BACKWARD : b->phase) &&
	       a->grad_part == b->grad_part && a->micro == b->micro && !is_host(ca) && !is_host(cb);
}

static bool same_box(const struct label *a, const struct op_class *ca, const struct label *b,
		     const struct op_class *cb)
{
	return a->phase == b->phase && a->part.role == b->part.role && a->layer == b->layer &&
	       a->micro == b->micro && ca->kind == cb->kind && a->payload == b->payload;
}

static void count(struct builder *b, uint32_t box, const struct op_class *c)
{
	struct cost *t = &b->total[box];

	b->flop[box] += c->cost.flop;
	b->bytes[box] += c->kind == CLASS_OP ? c->cost.bytes : c->bytes;
	t->arithmetic.s += cost_counted_arithmetic(&c->cost) + c->cost.apart.s;
	t->memory.s += cost_counted_memory(&c->cost);
	t->overhead.s += c->cost.overhead.s;
}

struct started {
	uint32_t queue, task;
	sim_ns at_ns;
};

static int by_queue_and_start(const void *x, const void *y)
{
	const struct started *a = x, *b = y;

	if (a->queue != b->queue)
		return a->queue < b->queue ? -1 : 1;
	if (a->at_ns != b->at_ns)
		return a->at_ns < b->at_ns ? -1 : 1;
	return (a->task > b->task) - (a->task < b->task);
}

static void make_boxes(struct builder *b, const struct started *order, size_t n)
{
	const struct program *p = b->r->program;

	for (size_t i = 0; i < n; i++) {
		const uint32_t id = order[i].task;
		const struct program_task *t = &p->tasks.at[id];
		const struct op_class *c = &p->op_classes.at[t->op_class];
		const struct task_span *span = &b->r->run.spans[id];
		struct box *last = b->boxes_n ? &b->boxes[b->boxes_n - 1] : NULL;
		const struct program_task *before = i ? &p->tasks.at[order[i - 1].task] : NULL;

		b->box_of[id] = UINT32_MAX;
		if (b->lane_of[t->queue] == UINT32_MAX)
			continue;

		if (last && order[i - 1].queue == t->queue && last->end_ns == span->start_ns &&
		    c->kind == CLASS_OP && last->shade == shade_of(b, c, t) &&
		    p->op_classes.at[before->op_class].kind == CLASS_OP &&
		    (b->boxes_of == BOXES_PASSES ? same_pass : same_box)(
			    &before->label, &p->op_classes.at[before->op_class], &t->label, c)) {
			last->end_ns = span->end_ns;
			last->critical |= b->critical[id];
		} else {
			b->boxes[b->boxes_n++] = (struct box){.lane = b->lane_of[t->queue],
							      .kind = kind_of(c, &t->label),
							      .start_ns = span->start_ns,
							      .end_ns = span->end_ns,
							      .letter = letter_of(b, c, &t->label),
							      .label = label_of(b, c, &t->label),
							      .critical = b->critical[id],
							      .cause = span->cause,
							      .shade = shade_of(b, c, t)};
		}
		b->box_of[id] = (uint32_t)b->boxes_n - 1;
		count(b, (uint32_t)b->boxes_n - 1, c);
	}
}

static void add_flop(struct str *out, double flop)
{
	const bool many = flop >= 1e12;

	units_format_number(out, flop / (many ? 1e12 : 1e9));
	str_add(out, many ? " TFLOP\n" : " GFLOP\n");
}

static void add_details(struct builder *b)
{
	for (size_t i = 0; i < b->boxes_n; i++) {
		struct box *box = &b->boxes[i];
		struct str s = STR_INIT;
		const bool moves =
			box->kind == BOX_TRANSFER || box->kind == BOX_COPY || box->kind == BOX_REDUCE;

		while (box->cause != TASK_NONE && b->box_of[box->cause] == UINT32_MAX) /* not shown */
			box->cause = b->r->run.spans[box->cause].cause;
		box->cause = box->cause == TASK_NONE ? UINT32_MAX : b->box_of[box->cause];
		if (b->flop[i] > 0)
			add_flop(&s, b->flop[i]);
		units_format(&s, b->bytes[i], DIM_BYTES, 3);
		str_add(&s, moves ? " moved" : " of memory traffic");
		if (!moves)
			str_addf(&s, "\nlimited by %s", param_names[cost_bound(&b->total[i])]);
		box->detail = arena_strdup(b->arena, s.text);
		str_release(&s);
	}
}

static const char *note_of(const struct builder *b)
{
	bool quiet = false;

	for (size_t q = b->w->units_n; q < program_queues(b->w); q++)
		quiet |= b->r->run.busy_ns[q] && is_quiet(b, q);
	return quiet ? "links that are busy for less than 2 % of the time are left out" : NULL;
}

static const char *shades_of(const struct builder *b)
{
	bool dark = false;

	for (size_t i = 0; i < b->boxes_n; i++)
		dark |= b->boxes[i].shade > 0;
	return !dark                         ? NULL
	       : b->boxes_of == BOXES_PASSES ? "layers further along the model"
					     : "groups of sequences";
}

struct schedule lanes_of(struct arena *a, const struct simulated *r, enum boxes boxes, bool all_links)
{
	const size_t n = r->program->tasks.n, queues = program_queues(r->program->world);
	struct builder b = {
		.arena = a, .r = r, .w = r->program->world, .boxes_of = boxes, .all_links = all_links};
	struct lane *lanes = arena_array(a, queues, sizeof *lanes);
	struct started *order = arena_array(a, n, sizeof *order);
	uint32_t *path = arena_array(a, n, sizeof *path);
	size_t path_n;
	struct schedule s = {0};

	b.lane_of = arena_array(a, queues, sizeof *b.lane_of);
	b.box_of = arena_array(a, n, sizeof *b.box_of);
	b.critical = arena_array(a, n, sizeof *b.critical);
	b.boxes = arena_array(a, n, sizeof *b.boxes);
	b.flop = arena_array(a, n, sizeof *b.flop);
	b.bytes = arena_array(a, n, sizeof *b.bytes);
	b.total = arena_array(a, n, sizeof *b.total);
	path_n = task_critical_path(&r->graph, &r->run, path);
	for (size_t i = 0; i < path_n; i++)
		b.critical[path[i]] = true;
	for (size_t i = 0; i < n; i++)
		order[i] = (struct started){r->program->tasks.at[i].queue, (uint32_t)i,
					    r->run.spans[i].start_ns};
	if (n)
		qsort(order, n, sizeof *order, by_queue_and_start);
	s.lanes = lanes;
	s.lanes_n = make_lanes(&b, lanes);
	if (boxes == BOXES_PASSES)
		find_chunks(&b);
	make_boxes(&b, order, n);
	add_details(&b);
	s.boxes = b.boxes;
	s.boxes_n = b.boxes_n;
	s.to_ns = r->run.makespan_ns;
	s.note = note_of(&b);
	add_letters(&b, &s);
	s.shades = shades_of(&b);
	return s;
}

static const struct level *levels_of(struct arena *a, const struct memory_use *u)
{
	struct level *levels = arena_array(a, u->points_n, sizeof *levels);

	for (size_t i = 0; i < u->points_n; i++)
		levels[i] = (struct level){u->points[i].at_ns, u->points[i].bytes / u->peak.usable_B};
	return levels;
}

static const char *size_text(struct arena *a, double bytes)
{
	struct str s = STR_INIT;
	const char *text;

	columns_size(&s, bytes);
	text = arena_strdup(a, s.text);
	str_release(&s);
	return text;
}

void lanes_memory(struct arena *a, const struct job_run *r, struct schedule *s)
{
	const struct world *w = r->at->world;
	struct memory_track *memory_tracks = arena_array(a, w->machines_n, sizeof *memory_tracks);

	for (size_t i = 0; i < w->machines_n; i++) {
		const struct memory_use *u = &r->memory[i];

		if (footprint_need_B(&u->peak) <= 0)
			continue;
		memory_tracks[s->memory_tracks_n++] =
			(struct memory_track){w->machines[i].origin.name,
					      arena_printf(a, "of %s", size_text(a, u->peak.usable_B)),
					      size_text(a, footprint_need_B(&u->peak)),
					      levels_of(a, u),
					      u->points_n,
					      NULL};
	}
	s->memory_tracks = memory_tracks;
}

static const struct level *flat(struct arena *a, double share, sim_ns end_ns)
{
	struct level *levels = arena_array(a, 2, sizeof *levels);

	levels[0] = (struct level){0, share};
	levels[1] = (struct level){end_ns, share};
	return levels;
}

void lanes_footprint(struct arena *a, const struct job_run *r, struct schedule *s)
{
	const struct world *w = r->at->world;
	struct memory_track *tracks = arena_array(a, 2 * w->machines_n, sizeof *tracks);

	for (size_t i = 0; i < w->machines_n; i++) {
		const struct footprint *f = &r->footprint[i];
		const char *name = w->machines[i].origin.name;

		if (footprint_need_B(f) <= 0)
			continue;
		tracks[s->memory_tracks_n++] =
			(struct memory_track){.name = name,
					      .levels = flat(a, footprint_need_B(f) / f->usable_B, s->to_ns),
					      .levels_n = 2};
		if (f->kv_B > 0)
			tracks[s->memory_tracks_n++] =
				(struct memory_track){.name = name,
						      .counter = "KV cache, reserved",
						      .levels = flat(a, f->kv_B / f->usable_B, s->to_ns),
						      .levels_n = 2};
	}
	s->memory_tracks = tracks;
}
