/* sha256.c - FIPS 180-4, sections 5 and 6.2. */
#include "sim/base/sha256.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

static const uint32_t k[64] = {
	0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
	0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
	0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
	0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
	0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
	0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
	0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
	0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

static uint32_t rotr(uint32_t x, int n)
{
	return x >> n | x << (32 - n);
}

#define ROUND(a, b, c, d, e, f, g, h, i)                                                                     \
	do {                                                                                                 \
		h += (rotr(e, 6) ^ rotr(e, 11) ^ rotr(e, 25)) + (g ^ (e & (f ^ g))) + k[i] + w[i];           \
		d += h;                                                                                      \
		h += (rotr(a, 2) ^ rotr(a, 13) ^ rotr(a, 22)) + ((a & b) | (c & (a | b)));                   \
	} while (0)

static void block(uint32_t h[8], const unsigned char *p)
{
	uint32_t w[64], a = h[0], b = h[1], c = h[2], d = h[3], e = h[4], f = h[5], g = h[6], last = h[7];

	for (int i = 0; i < 16; i++)
		w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 | (uint32_t)p[4 * i + 2] << 8 |
		       p[4 * i + 3];
	for (int i = 16; i < 64; i++) {
		const uint32_t s0 = rotr(w[i - 15], 7) ^ rotr(w[i - 15], 18) ^ w[i - 15] >> 3;
		const uint32_t s1 = rotr(w[i - 2], 17) ^ rotr(w[i - 2], 19) ^ w[i - 2] >> 10;

		w[i] = w[i - 16] + s0 + w[i - 7] + s1;
	}
	for (int i = 0; i < 64; i += 8) { /* the names turn instead of the values */
		ROUND(a, b, c, d, e, f, g, last, i);
		ROUND(last, a, b, c, d, e, f, g, i + 1);
		ROUND(g, last, a, b, c, d, e, f, i + 2);
		ROUND(f, g, last, a, b, c, d, e, i + 3);
		ROUND(e, f, g, last, a, b, c, d, i + 4);
		ROUND(d, e, f, g, last, a, b, c, i + 5);
		ROUND(c, d, e, f, g, last, a, b, i + 6);
		ROUND(b, c, d, e, f, g, last, a, i + 7);
	}
	h[0] += a, h[1] += b, h[2] += c, h[3] += d;
	h[4] += e, h[5] += f, h[6] += g, h[7] += last;
}

static const uint32_t first[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
				  0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};

/* The last n bytes of a message of `len` in all; those before them are whole blocks, which are in h. */
static void finish(uint32_t h[8], const unsigned char *bytes, size_t n, uint64_t len, char hex[65])
{
	const size_t whole = n / 64 * 64, rest = n - whole;
	const size_t tail_len = rest < 56 ? 64 : 128;
	unsigned char tail[128] = {0};

	for (size_t i = 0; i < whole; i += 64)
		block(h, bytes + i);
	if (rest)
		memcpy(tail, bytes + whole, rest);
	tail[rest] = 0x80;
	for (size_t i = 0; i < 8; i++)
		tail[tail_len - 1 - i] = (unsigned char)(len * 8 >> (8 * i));
	for (size_t i = 0; i < tail_len; i += 64)
		block(h, tail + i);
	for (int i = 0; i < 8; i++)
		snprintf(hex + 8 * i, 9, "%08x", (unsigned)h[i]);
}

void sha256_hex(const void *bytes, size_t len, char hex[65])
{
	uint32_t h[8];

	memcpy(h, first, sizeof h);
	finish(h, bytes, len, len, hex);
}

int sha256_file(const char *path, char hex[65])
{
	unsigned char buffer[1 << 14]; /* whole blocks */
	uint32_t h[8];
	uint64_t len = 0;
	struct stat st;
	size_t n;
	FILE *f = stat(path, &st) == 0 && S_ISREG(st.st_mode) ? fopen(path, "rb") : NULL;

	if (!f)
		return -1;
	memcpy(h, first, sizeof h);
	while ((n = fread(buffer, 1, sizeof buffer, f)) == sizeof buffer) {
		for (size_t i = 0; i < n; i += 64)
			block(h, buffer + i);
		len += n;
	}
	finish(h, buffer, n, len + n, hex);
	n = (size_t)ferror(f);
	fclose(f);
	return n ? -1 : 0;
}
