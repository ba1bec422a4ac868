/* link.c - see link.h. A message is a head of 16 bytes and its payload; the answer is a head alone. */
#include "sim/measure/link.h"

#include <errno.h>
#include <math.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "sim/base/units.h"
#include "sim/base/vec.h"
#include "sim/calib/fit.h"

enum {
	HEAD_B = 16,
	CHUNK_B = 1 << 20,
	LARGEST_B = 64 << 20,
	SILENCE_S = 10, /* a peer that is silent for so long counts as gone */
	POLL_MS = 200,
	SAMPLES = 25,
	WARM_UP = 3,
	FEWEST = 5
};
enum op { OP_PING = 1, OP_PONG, OP_BYE };
static const unsigned char magic[4] = {'l', 'm', 'r', '1'};
static const double default_limit_s = 30, one_message_s = 3;

#ifdef MSG_NOSIGNAL
enum { SEND_FLAGS = MSG_NOSIGNAL };
#else
enum { SEND_FLAGS = 0 };
#endif

static double now_s(const struct link_options *o)
{
	struct timespec t;

	if (o->now)
		return o->now(o->now_self);
	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool stopped(const struct link_options *o)
{
	return o->stop && *o->stop;
}

static void set_up(int fd)
{
	const struct timeval silence = {.tv_sec = SILENCE_S};
	const int on = 1;

	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &silence, sizeof silence);
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &silence, sizeof silence);
#ifdef SO_NOSIGPIPE
	setsockopt(fd, SOL_SOCKET, SO_NOSIGPIPE, &on, sizeof on);
#endif
}

static int lost(struct err *err, ssize_t got)
{
	if (got == 0)
		return err_set(err, "the other machine closed the connection");
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return err_set(err, "the other machine has said nothing for %d s", SILENCE_S);
	return err_set(err, "the connection failed: %s", strerror(errno));
}

static int send_all(int fd, const unsigned char *from, size_t n, struct err *err)
{
	while (n) {
		const ssize_t sent = send(fd, from, n, SEND_FLAGS);

		if (sent < 0 && errno == EINTR)
			continue;
		if (sent <= 0)
			return lost(err, sent);
		from += sent;
		n -= (size_t)sent;
	}
	return 0;
}

static int receive_all(int fd, unsigned char *to, size_t n, struct err *err)
{
	while (n) {
		const ssize_t got = recv(fd, to, n, 0);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return lost(err, got);
		to += got;
		n -= (size_t)got;
	}
	return 0;
}

static void write_head(unsigned char head[HEAD_B], enum op op, uint64_t bytes)
{
	memcpy(head, magic, sizeof magic);
	head[4] = (unsigned char)op;
	head[5] = head[6] = head[7] = 0;
	for (int i = 0; i < 8; i++)
		head[8 + i] = (unsigned char)(bytes >> (8 * i));
}

static int read_head(const unsigned char head[HEAD_B], enum op *op, uint64_t *bytes, struct err *err)
{
	if (memcmp(head, magic, sizeof magic) != 0 || head[4] < OP_PING || head[4] > OP_BYE)
		return err_set(err, "the other machine does not speak this program's protocol");
	*op = (enum op)head[4];
	*bytes = 0;
	for (int i = 0; i < 8; i++)
		*bytes |= (uint64_t)head[8 + i] << (8 * i);
	if (*bytes > LARGEST_B)
		return err_set(err, "the other machine announces a message of more than %d MiB",
			       LARGEST_B >> 20);
	return 0;
}

/* Serves one client until it says OP_BYE (1), stop is set (0), or the connection is lost (-1). */
static int serve_client(int fd, unsigned char *chunk, const struct link_options *o, struct err *err)
{
	unsigned char head[HEAD_B];
	uint64_t bytes;
	enum op op;

	while (!stopped(o)) {
		if (receive_all(fd, head, HEAD_B, err) != 0 || read_head(head, &op, &bytes, err) != 0)
			return -1;
		if (op == OP_BYE)
			return 1;
		while (bytes) {
			const size_t n = bytes < CHUNK_B ? (size_t)bytes : CHUNK_B;

			if (receive_all(fd, chunk, n, err) != 0)
				return -1;
			bytes -= n;
		}
		write_head(head, OP_PONG, 0);
		if (send_all(fd, head, HEAD_B, err) != 0)
			return -1;
	}
	return 0;
}

static int listen_on(const char *port, struct err *err)
{
	const struct addrinfo hints = {.ai_flags = AI_PASSIVE, .ai_socktype = SOCK_STREAM};
	const int on = 1;
	struct addrinfo *all = NULL;
	int fd = -1, rc = getaddrinfo(NULL, port, &hints, &all);

	if (rc)
		return err_set(err, "cannot listen on port '%.20s': %s", port, gai_strerror(rc));
	errno = 0;
	for (const struct addrinfo *at = all; at && fd < 0; at = at->ai_next) {
		fd = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
		if (bind(fd, at->ai_addr, at->ai_addrlen) != 0 || listen(fd, 1) != 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(all);
	return fd >= 0 ? fd : err_set(err, "cannot listen on port '%.20s': %s", port, strerror(errno));
}

static void tell_port(int fd, const struct link_options *o)
{
	struct sockaddr_storage at;
	socklen_t size = sizeof at;
	char port[16] = "?";

	if (!o->ready)
		return;
	if (getsockname(fd, (struct sockaddr *)&at, &size) == 0)
		getnameinfo((struct sockaddr *)&at, size, NULL, 0, port, sizeof port, NI_NUMERICSERV);
	o->ready(o->self, port);
}

int link_serve(const char *port, const struct link_options *o, struct err *err)
{
	const int listening = listen_on(port, err);
	unsigned char *chunk;
	int rc = 0;

	if (listening < 0)
		return -1;
	chunk = xmalloc(CHUNK_B);
	tell_port(listening, o);
	while (!stopped(o) && rc != 1) {
		struct pollfd wait = {.fd = listening, .events = POLLIN};
		struct err ignored = ERR_INIT; /* after a lost client the next one is accepted */
		int fd;

		if (poll(&wait, 1, POLL_MS) <= 0)
			continue;
		fd = accept(listening, NULL, NULL);
		if (fd < 0)
			continue;
		set_up(fd);
		rc = serve_client(fd, chunk, o, &ignored);
		close(fd);
	}
	free(chunk);
	close(listening);
	return 0;
}

/* Splits HOST:PORT, [IPV6]:PORT or HOST; the port is LINK_PORT where none is given. */
static int split_address(const char *address, char host[256], char port[16], struct err *err)
{
	const char *end = address[0] == '[' ? strchr(address, ']') : NULL;
	const char *colon = end ? (end[1] == ':' ? end + 1 : NULL) : strrchr(address, ':');
	const char *from = end ? address + 1 : address;
	size_t n;

	if (!end && colon && strchr(address, ':') != colon)
		colon = NULL; /* a bare IPv6 address */
	n = end ? (size_t)(end - from) : colon ? (size_t)(colon - from) : strlen(from);
	if (!n || n >= 256 || (colon && (!colon[1] || strlen(colon + 1) >= 16))) {
		err_set(err, "'%.100s' is not the address of a machine", address);
		return err_hint(err, "HOST:PORT, such as 192.168.2.1:" LINK_PORT);
	}
	memcpy(host, from, n);
	host[n] = '\0';
	snprintf(port, 16, "%s", colon ? colon + 1 : LINK_PORT);
	return 0;
}

static int connect_to(const char *address, struct err *err)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *all = NULL;
	char host[256], port[16];
	int fd = -1, rc;

	if (split_address(address, host, port, err) != 0)
		return -1;
	rc = getaddrinfo(host, port, &hints, &all);
	if (rc)
		return err_set(err, "cannot find '%.100s': %s", address, gai_strerror(rc));
	errno = 0;
	for (const struct addrinfo *at = all; at && fd < 0; at = at->ai_next) {
		fd = socket(at->ai_family, at->ai_socktype, at->ai_protocol);
		if (fd < 0)
			continue;
		set_up(fd);
		if (connect(fd, at->ai_addr, at->ai_addrlen) != 0) {
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(all);
	if (fd >= 0)
		return fd;
	err_set(err, "cannot connect to '%.100s': %s", address, strerror(errno));
	return err_hint(err, "on the other machine: lemursim calibrate --link serve");
}

static int ping(const struct link_options *o, int fd, const unsigned char *payload, size_t bytes,
		double *seconds, struct err *err)
{
	unsigned char head[HEAD_B];
	const double from = now_s(o);
	uint64_t answer_B = 0;
	enum op op = OP_BYE;

	write_head(head, OP_PING, bytes);
	if (send_all(fd, head, HEAD_B, err) != 0)
		return -1;
	for (size_t sent = 0; sent < bytes; sent += CHUNK_B)
		if (send_all(fd, payload, bytes - sent < CHUNK_B ? bytes - sent : CHUNK_B, err) != 0)
			return -1;
	if (receive_all(fd, head, HEAD_B, err) != 0 || read_head(head, &op, &answer_B, err) != 0)
		return -1;
	*seconds = now_s(o) - from;
	return op == OP_PONG && !answer_B ? 0 : err_set(err, "the other machine gave an unexpected answer");
}

struct sweep {
	int fd;
	unsigned char *payload;
	const struct link_options *o;
	double began, limit_s, last_s; /* last_s: seconds of the last message */
	VEC(double) seconds;
};

/* Sends the messages of one size for a share of the time that is left, but FEWEST at least. */
static int sweep_size(struct sweep *s, size_t bytes, double share, struct err *err)
{
	const double began = now_s(s->o), may = (s->limit_s - (began - s->began)) * share;

	s->seconds.n = 0;
	for (int i = -WARM_UP; i < SAMPLES && !stopped(s->o); i++) {
		if (s->seconds.n >= FEWEST && now_s(s->o) - began > may)
			break;
		if (i < 0 && s->last_s > 0.05 * may)
			continue; /* messages this slow have opened the TCP window: no more warm-up */
		if (ping(s->o, s->fd, s->payload, bytes, &s->last_s, err) != 0)
			return -1;
		if (i >= 0)
			VEC_ADD(&s->seconds, s->last_s);
	}
	return 0;
}

static int sweep_all(struct arena *a, struct sweep *s, struct sample_set *set, struct err *err)
{
	static const size_t sizes[] = {0,         1 << 10, 4 << 10, 16 << 10, 64 << 10,
				       256 << 10, 1 << 20, 4 << 20, 16 << 20, 64 << 20};
	const size_t most =
		s->o->largest_B > 0 && s->o->largest_B < LARGEST_B ? (size_t)s->o->largest_B : LARGEST_B;
	struct sample *samples = arena_array(a, ARRAY_LEN(sizes), sizeof *samples);

	set->samples = samples;
	for (size_t i = 0; i < ARRAY_LEN(sizes) && sizes[i] <= most && !stopped(s->o); i++) {
		double *seconds;

		/* the next size takes four times as long as the last message, at most */
		if (i > 1 && (4 * s->last_s > one_message_s ||
			      now_s(s->o) - s->began + FEWEST * 4 * s->last_s > s->limit_s))
			break;
		if (s->o->progress)
			s->o->progress(s->o->self, (int64_t)sizes[i], (double)i / ARRAY_LEN(sizes));
		if (sweep_size(s, sizes[i], i < 6 ? 0.05 : 0.3, err) != 0)
			return -1;
		if (!s->seconds.n)
			break;
		seconds = arena_array(a, s->seconds.n, sizeof *seconds);
		memcpy(seconds, s->seconds.at, s->seconds.n * sizeof *seconds);
		samples[set->n++] = (struct sample){.kind = SAMPLE_LINK,
						    .path = "tcp",
						    .bytes = (double)(sizes[i] + HEAD_B),
						    .seconds = seconds,
						    .seconds_n = s->seconds.n};
	}
	return 0;
}

int link_measure(struct arena *a, const char *address, const struct link_options *o, struct sample_set *set,
		 struct err *err)
{
	struct sweep s = {.o = o, .limit_s = o->limit_s > 0 ? o->limit_s : default_limit_s};
	unsigned char head[HEAD_B];
	struct err ignored = ERR_INIT;
	uint32_t random = 2463534242u;
	int rc;

	*set = (struct sample_set){.device = "link", .runtime = "tcp"};
	s.fd = connect_to(address, err);
	if (s.fd < 0)
		return -1;
	s.payload = xmalloc(CHUNK_B);
	for (size_t i = 0; i < CHUNK_B; i++) { /* random, so that nothing on the way can compress it */
		random ^= random << 13;
		random ^= random >> 17;
		random ^= random << 5;
		s.payload[i] = (unsigned char)random;
	}
	s.began = now_s(o);
	rc = sweep_all(a, &s, set, err);
	write_head(head, OP_BYE, 0);
	if (rc == 0)
		send_all(s.fd, head, HEAD_B, &ignored);
	VEC_FREE(&s.seconds);
	free(s.payload);
	close(s.fd);
	return rc;
}

static void add_number(struct str *out, const char *key, double value, double sd, enum dim dim)
{
	str_addf(out, "%s: {value: ", key);
	units_format(out, value, dim, 4);
	str_add(out, ", sd: ");
	units_format(out, sd, dim, 3);
}

int link_yaml(const struct sample_set *set, const char *title, struct str *out, struct err *err)
{
	struct fit_point *p = xcalloc(set->n + 1, sizeof *p);
	struct sample_median small = {0};
	struct fit f;
	size_t n = 0, small_n = 0;
	int rc = 0;

	for (size_t i = 0; i < set->n; i++) {
		const struct sample *s = &set->samples[i];
		const struct sample_median m = sample_median(s);

		if (s->bytes <= HEAD_B) {
			small = m;
			small_n = s->seconds_n;
		} else if (s->bytes > 60e3) {
			p[n++] = (struct fit_point){
				.x = s->bytes, .t = m.median_s, .sd = (m.hi_s - m.lo_s) / 4 / m.median_s};
		}
	}
	if (!small_n || n < 2)
		rc = err_set(err, "a link needs messages of more sizes than were measured");
	else
		rc = fit_make(FIT_RATE, p, n, small.median_s, &f, err);
	free(p);
	if (rc != 0)
		return -1;
	str_addf(out, "# TCP between two machines: messages of %zu sizes, each acknowledged.\n", set->n);
	str_add(out, "# latency: half a round trip of 16 bytes; bandwidth: t = round trip + bytes / "
		     "bandwidth over the\n"
		     "# messages of 64 KiB and more.\n"
		     "schema: lemursim/hardware/1\nkind: link\n");
	str_addf(out, "title: \"%s\"\n", title);
	add_number(out, "latency", small.median_s / 2, (small.hi_s - small.lo_s) / 8, DIM_TIME);
	str_addf(out, ", n: %zu, how: measured}\n", small_n);
	add_number(out, "bandwidth", f.p[FIT_R].value, fmax(f.p[FIT_R].se, f.spread * f.p[FIT_R].value),
		   DIM_BANDWIDTH);
	str_addf(out, ", n: %zu, how: measured}\n", n);
	return 0;
}
