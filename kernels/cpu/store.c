/* store.c - memory of the CPU backend; see cpu.h. */
#include <stdlib.h>
#include <string.h>

#include "kernels/cpu/cpu.h"

enum { PAGE_B = 16384 };

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

static int grow(struct store *s, size_t bytes, struct err *err)
{
	size_t room = PAGE_B;
	void *at;

	while (room < bytes) /* cases come in any order: few of them make it grow */
		room *= 2;
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

int cpu_random(struct store *s, size_t n, struct err *err)
{
	const float scale = 3.4641016f / 65536; /* sqrt(12): variance 1 */
	uint64_t state = 0x9e3779b97f4a7c15ULL;
	float *to;

	if (n * FLOAT_B <= s->bytes)
		return 0;
	if (grow(s, n * FLOAT_B, err) != 0)
		return -1;
	to = s->at;
	n = s->bytes / FLOAT_B;
	for (size_t i = 0; i < n; i += 4) { /* a page holds a multiple of four */
		const uint64_t r = next_random(&state);

		for (size_t j = 0; j < 4; j++)
			to[i + j] = ((float)((r >> (16 * j)) & 0xffff) - 32767.5f) * scale;
	}
	return 0;
}

int cpu_room(struct store *s, size_t n, struct err *err)
{
	float *to;

	if (n * FLOAT_B <= s->bytes)
		return 0;
	if (grow(s, n * FLOAT_B, err) != 0)
		return -1;
	to = s->at;
	n = s->bytes / FLOAT_B;
	for (size_t i = 0; i < n; i++) /* pages of their own, not the shared page of zeros */
		to[i] = 1.0f / (float)(i % 1021 + 1);
	return 0;
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

int cpu_q8(struct store *s, size_t blocks, struct err *err)
{
	uint64_t state = 0x9e3779b97f4a7c15ULL;
	struct q8_block *b;

	if (blocks * sizeof *b <= s->bytes)
		return 0;
	if (grow(s, blocks * sizeof *b, err) != 0)
		return -1;
	b = s->at;
	for (size_t i = 0; i < blocks; i++) {
		fill_bytes(b[i].q, sizeof b[i].q, &state);
		b[i].scale = random_scale(next_random(&state));
	}
	return 0;
}

int cpu_q4(struct store *s, size_t blocks, struct err *err)
{
	uint64_t state = 0x9e3779b97f4a7c15ULL;
	struct q4_block *b;

	if (blocks * sizeof *b <= s->bytes)
		return 0;
	if (grow(s, blocks * sizeof *b, err) != 0)
		return -1;
	b = s->at;
	for (size_t i = 0; i < blocks; i++) {
		fill_bytes(b[i].q, sizeof b[i].q, &state);
		b[i].scale = random_scale(next_random(&state));
	}
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

size_t cpu_turn(struct job *j)
{
	return j->turn++ % j->copies;
}
