/* store.c - memory of the CPU backend; see cpu.h. */
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/cpu.h"

enum { PAGE_B = 16384, COARSE_B = 64 << 20, PIECE = 1 << 16 };

/* xorshift64* (Vigna, arXiv:1402.6246): fast, and no zeros. */
static uint64_t next_random(uint64_t *state)
{
	uint64_t x = *state;

	x ^= x >> 12;
	x ^= x << 25;
	x ^= x >> 27;
	*state = x;
	return x * 0x2545f4914f6cdd1dULL;
}

/* Cases come in any order: rooms grow by doubling while that is cheap. */
static int grow(struct store *s, size_t bytes, struct err *err)
{
	size_t room = PAGE_B;
	void *at;

	while (room < bytes && room < COARSE_B)
		room *= 2;
	if (room < bytes)
		room = (bytes + COARSE_B - 1) / COARSE_B * COARSE_B;
	cpu_release(s);
	if (posix_memalign(&at, PAGE_B, room) != 0) {
		room = (bytes + PAGE_B - 1) / PAGE_B * PAGE_B;
		if (posix_memalign(&at, PAGE_B, room) != 0)
			return err_set(err, "cannot allocate %zu bytes for the benchmark's data", bytes);
	}
	s->at = at;
	s->bytes = room;
	return 0;
}

static void fill_random(void *to, size_t n, size_t first, uint64_t state)
{
	const float scale = 3.4641016f / 65536; /* sqrt(12): variance 1 */
	float *x = to;

	(void)first;
	for (size_t i = 0; i < n; i += 4) { /* a page holds a multiple of four */
		const uint64_t r = next_random(&state);

		for (size_t j = 0; j < 4; j++)
			x[i + j] = ((float)((r >> (16 * j)) & 0xffff) - 32767.5f) * scale;
	}
}

static void fill_room(void *to, size_t n, size_t first, uint64_t state)
{
	float *x = to;

	(void)state;
	for (size_t i = 0; i < n; i++) /* pages of their own, not the shared page of zeros */
		x[i] = 1.0f / (float)((first + i) % 1021 + 1);
}

/* Any byte is a valid weight; scales are drawn from 0.002 to 0.01, as those of trained weights are. */
static uint16_t random_scale(uint64_t r)
{
	return (uint16_t)(0x1800 + (r & 0x3ff) + ((r >> 10) & 1) * 0x400);
}

static void fill_bytes(void *to, size_t n, uint64_t *state)
{
	uint64_t r;

	for (size_t i = 0; i < n; i += sizeof r) {
		r = next_random(state);
		memcpy((char *)to + i, &r, sizeof r);
	}
}

static void fill_q8(void *to, size_t n, size_t first, uint64_t state)
{
	struct q8_block *b = to;

	(void)first;
	for (size_t i = 0; i < n; i++) {
		fill_bytes(b[i].q, sizeof b[i].q, &state);
		b[i].scale = random_scale(next_random(&state));
	}
}

static void fill_q4(void *to, size_t n, size_t first, uint64_t state)
{
	struct q4_block *b = to;

	(void)first;
	for (size_t i = 0; i < n; i++) {
		fill_bytes(b[i].q, sizeof b[i].q, &state);
		b[i].scale = random_scale(next_random(&state));
	}
}

static const struct {
	size_t item_B;
	void (*fill)(void *to, size_t n, size_t first, uint64_t state); /* items, from `first` of the room */
} contents[] = {
	[CONTENT_RANDOM] = {FLOAT_B, fill_random},
	[CONTENT_ANY] = {FLOAT_B, fill_room},
	[CONTENT_Q8] = {sizeof(struct q8_block), fill_q8},
	[CONTENT_Q4] = {sizeof(struct q4_block), fill_q4},
};

struct filling {
	struct store *s;
	enum content what;
};

/* Each piece has a seed of its own: the same numbers, however many threads. */
static void fill_part(void *self, int part, int parts)
{
	const struct filling *f = self;
	const size_t item_B = contents[f->what].item_B, items = f->s->bytes / item_B;
	const struct span s = pool_span((int64_t)items, PIECE, part, parts);

	for (int64_t at = s.from; at < s.to; at += PIECE) {
		const int64_t n = s.to - at < PIECE ? s.to - at : PIECE;

		contents[f->what].fill((char *)f->s->at + (size_t)at * item_B, (size_t)n, (size_t)at,
				       0x9e3779b97f4a7c15ULL * (uint64_t)(at / PIECE + 1));
	}
}

int cpu_fill(struct cpu *cpu, struct store *s, enum content what, size_t n, struct err *err)
{
	struct filling f = {s, what};

	if (n * contents[what].item_B <= s->bytes)
		return 0;
	if (grow(s, n * contents[what].item_B, err) != 0)
		return -1;
	pool_run(cpu->pool, fill_part, &f);
	return 0;
}

void cpu_release(struct store *s)
{
	free(s->at);
	*s = (struct store){0};
}

size_t cpu_copies(const struct cpu *cpu, double bytes)
{
	const double enough = 4 * (double)cpu->info.cache_B;

	if (!cpu->job.c.cold)
		return 1;
	return bytes >= enough ? 2 : (size_t)(enough / bytes) + 2;
}

size_t cpu_turn(struct cpu_job *j)
{
	return j->turn++ % j->copies;
}
