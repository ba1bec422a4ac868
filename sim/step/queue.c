/* queue.c - see queue.h. Devices come first, then links, two numbers for each, then disks. */
#include "sim/step/queue.h"

#include "sim/base/err.h"

size_t program_queues(const struct world *w)
{
	return w->units_n + 2 * w->link_uses_n + w->machines_n;
}

size_t queue_index(const struct world *w, struct queue q)
{
	switch (q.kind) {
	case QUEUE_DEVICE:
		return q.of;
	case QUEUE_LINK:
		return w->units_n + 2 * q.of + q.end;
	case QUEUE_DISK:
		return w->units_n + 2 * w->link_uses_n + q.of;
	}
	BUG("queue kind %d", (int)q.kind);
}

struct queue queue_at(const struct world *w, size_t index)
{
	const size_t links = w->units_n, disks = links + 2 * w->link_uses_n;

	if (index < links)
		return (struct queue){QUEUE_DEVICE, index, 0};
	if (index < disks)
		return (struct queue){QUEUE_LINK, (index - links) / 2, (index - links) % 2};
	BUG_ON(index >= program_queues(w));
	return (struct queue){QUEUE_DISK, index - disks, 0};
}

struct queue queue_from(const struct world *w, size_t link_use, size_t machine)
{
	return (struct queue){QUEUE_LINK, link_use, (size_t)link_use_from(&w->link_uses[link_use], machine)};
}

size_t queue_machine(const struct world *w, struct queue q)
{
	switch (q.kind) {
	case QUEUE_DEVICE:
		return w->units[q.of].machine;
	case QUEUE_LINK:
		return w->link_uses[q.of].ends[q.end];
	case QUEUE_DISK:
		return q.of;
	}
	BUG("queue kind %d", (int)q.kind);
}

size_t queue_receiver(const struct world *w, struct queue q)
{
	BUG_ON(q.kind != QUEUE_LINK);
	return w->link_uses[q.of].ends[1 - q.end];
}

size_t program_sources(const struct world *w)
{
	return w->units_n + w->links_n + w->machines_n;
}

size_t source_index(const struct world *w, struct param_source s)
{
	switch (s.kind) {
	case QUEUE_DEVICE:
		return s.of;
	case QUEUE_LINK:
		return w->units_n + s.of;
	case QUEUE_DISK:
		return w->units_n + w->links_n + s.of;
	}
	BUG("source kind %d", (int)s.kind);
}

struct param_source source_at(const struct world *w, size_t index)
{
	const size_t links = w->units_n, disks = links + w->links_n;

	if (index < links)
		return (struct param_source){QUEUE_DEVICE, index};
	if (index < disks)
		return (struct param_source){QUEUE_LINK, index - links};
	BUG_ON(index >= program_sources(w));
	return (struct param_source){QUEUE_DISK, index - disks};
}

bool program_has_param(const struct world *w, size_t index, enum param p)
{
	const struct param_source s = source_at(w, index);

	switch (s.kind) {
	case QUEUE_DEVICE:
		return p < PARAM_LINKS;
	case QUEUE_LINK:
		return p >= PARAM_LINKS;
	case QUEUE_DISK: /* only its rate */
		return p == PARAM_BANDWIDTH && w->machines[s.of].disk;
	}
	BUG("source kind %d", (int)s.kind);
}
