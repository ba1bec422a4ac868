/* check_link.c - the link measurement over loopback: as it is, slowed by a relay, and with bad company. */
#include "tests/suites.h"

#include <gsl/gsl_errno.h>
#include <math.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "sim/measure/link.h"
#include "sim/hw/hw.h"

#ifndef MSG_NOSIGNAL
#define MSG_NOSIGNAL 0
#endif

static struct arena arena;
static struct err failure;

static void begin(void)
{
	gsl_set_error_handler_off(); /* as main() does */
	arena = (struct arena)ARENA_INIT;
	failure = (struct err)ERR_INIT;
}

static void end(void)
{
	arena_release(&arena);
}

/* A server in a thread. */
struct server {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t told;
	char port[16];
	int rc;
	volatile sig_atomic_t stop;
};

static void hear_port(void *self, const char *port)
{
	struct server *s = self;

	pthread_mutex_lock(&s->lock);
	snprintf(s->port, sizeof s->port, "%s", port);
	pthread_cond_signal(&s->told);
	pthread_mutex_unlock(&s->lock);
}

static void *serve(void *self)
{
	struct server *s = self;
	const struct link_options o = {.stop = &s->stop, .ready = hear_port, .self = s};
	struct err err = ERR_INIT;

	s->rc = link_serve("0", &o, &err);
	return NULL;
}

static void server_start(struct server *s)
{
	*s = (struct server){.rc = -2};
	pthread_mutex_init(&s->lock, NULL);
	pthread_cond_init(&s->told, NULL);
	ck_assert_int_eq(pthread_create(&s->thread, NULL, serve, s), 0);
	pthread_mutex_lock(&s->lock);
	while (!s->port[0])
		pthread_cond_wait(&s->told, &s->lock);
	pthread_mutex_unlock(&s->lock);
}

static void server_join(struct server *s)
{
	pthread_join(s->thread, NULL);
	ck_assert_int_eq(s->rc, 0);
}

static int connect_port(const char *port)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&to, sizeof to), 0);
	return fd;
}

static int listen_any(char port[16])
{
	struct sockaddr_in at = {.sin_family = AF_INET};
	socklen_t size = sizeof at;
	const int fd = socket(AF_INET, SOCK_STREAM, 0);

	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert(bind(fd, (struct sockaddr *)&at, sizeof at) == 0 && listen(fd, 1) == 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)&at, &size), 0);
	snprintf(port, 16, "%d", ntohs(at.sin_port));
	return fd;
}

static int measure_by(const char *port, const struct link_options *o, struct sample_set *set)
{
	char address[40];

	snprintf(address, sizeof address, "127.0.0.1:%s", port);
	return link_measure(&arena, address, o, set, &failure);
}

static int measure(const char *port, int64_t largest_B, struct sample_set *set)
{
	const struct link_options o = {.limit_s = 3, .largest_B = largest_B};

	return measure_by(port, &o, set);
}

/* Loads the file as `check` would; returns latency and bandwidth. */
static struct link load(const struct sample_set *set)
{
	struct str text = STR_INIT;
	struct source source = {.path = "link.yaml"};
	struct link l = {0};
	struct diags diags;
	struct yml *tree;

	ck_assert_msg(link_yaml(set, "test", &text, &failure) == 0, "%s", failure.msg);
	source.text = text.text;
	source.len = text.len;
	diags_init(&diags, &arena);
	tree = yml_parse(&arena, &source, &diags);
	ck_assert(tree && field_load(&link_table, tree, "link", &l, &diags) == 0);
	str_release(&text);
	return l;
}

/* How fast a busy machine is says nothing: a rate is found by a clock of the relay's, below. */
START_TEST(loopback)
{
	struct server s;
	struct sample_set set;

	server_start(&s);
	ck_assert_msg(measure(s.port, 4 << 20, &set) == 0, "%s", failure.msg);
	server_join(&s);
	ck_assert_uint_ge(set.n, 6);
	for (size_t i = 0; i < set.n; i++) {
		ck_assert(set.samples[i].kind == SAMPLE_LINK && set.samples[i].seconds_n >= 5);
		ck_assert(i == 0 || set.samples[i].bytes > set.samples[i - 1].bytes);
		for (size_t k = 0; k < set.samples[i].seconds_n; k++)
			ck_assert_double_gt(set.samples[i].seconds[k], 0);
	}
}
END_TEST

/* Between the two: each message is delayed, then handed on at a rate, by a clock that the relay alone moves on, so that
 * how busy this machine is does not matter. */
struct relay {
	int listening;
	const char *to;
	double Bps, delay_s;
	pthread_mutex_t lock; /* of now_s */
	double now_s;
};

static void pass_time(struct relay *r, double s)
{
	pthread_mutex_lock(&r->lock);
	r->now_s += s;
	pthread_mutex_unlock(&r->lock);
}

static double relay_now(void *self)
{
	struct relay *r = self;
	double now;

	pthread_mutex_lock(&r->lock);
	now = r->now_s;
	pthread_mutex_unlock(&r->lock);
	return now;
}

static void *answers(void *self)
{
	const int *fd = self; /* from the server, to the client */
	char bytes[256];
	ssize_t n;

	while ((n = recv(fd[0], bytes, sizeof bytes, 0)) > 0)
		if (send(fd[1], bytes, (size_t)n, MSG_NOSIGNAL) != n)
			break;
	return NULL;
}

/* A message is a head of 16 bytes, the size of the payload in the last eight, and the payload. */
static void *relay(void *self)
{
	struct relay *r = self;
	const int client = accept(r->listening, NULL, NULL), server = connect_port(r->to);
	int back[2] = {server, client};
	static unsigned char bytes[16 << 10];
	pthread_t other;

	pthread_create(&other, NULL, answers, back);
	while (recv(client, bytes, 16, MSG_WAITALL) == 16) {
		size_t left = 0;

		for (int i = 7; i >= 0; i--)
			left = left << 8 | bytes[8 + i];
		pass_time(r, r->delay_s);
		ck_assert_int_eq(send(server, bytes, 16, MSG_NOSIGNAL), 16);
		while (left) {
			const ssize_t n = recv(client, bytes, left < sizeof bytes ? left : sizeof bytes, 0);

			if (n <= 0)
				break;
			pass_time(r,
				  (double)n / r->Bps); /* before the last byte, which lets the answer come */
			if (send(server, bytes, (size_t)n, MSG_NOSIGNAL) != n)
				break;
			left -= (size_t)n;
		}
	}
	shutdown(server, SHUT_RDWR);
	pthread_join(other, NULL);
	close(server);
	close(client);
	return NULL;
}

START_TEST(a_shaped_rate_is_found)
{
	struct relay r = {.Bps = 40e6, .delay_s = 0.004, .lock = PTHREAD_MUTEX_INITIALIZER};
	const struct link_options o = {.limit_s = 3, .largest_B = 4 << 20, .now = relay_now, .now_self = &r};
	struct server s;
	struct sample_set set;
	struct link l;
	char port[16];
	pthread_t thread;

	server_start(&s);
	r.to = s.port;
	r.listening = listen_any(port);
	pthread_create(&thread, NULL, relay, &r);
	ck_assert_msg(measure_by(port, &o, &set) == 0, "%s", failure.msg);
	server_join(&s);
	pthread_join(thread, NULL);
	close(r.listening);
	l = load(&set);
	/* half of a round trip that is delayed one way */
	ck_assert_double_gt(l.latency.value, 0.99 * 0.002);
	ck_assert_double_lt(l.latency.value, 1.01 * 0.002);
	ck_assert_double_lt(l.bandwidth.value, 1.1 * r.Bps);
	ck_assert_double_gt(l.bandwidth.value, 0.9 * r.Bps);
}
END_TEST

START_TEST(strangers_do_not_stop_a_server)
{
	static const char *const say[] = {"", "GET / HTTP/1.1\r\n\r\n", "lmr1\x01",
					  "lmr1\x01\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff"};
	static const size_t len[] = {0, 18, 5, 16};
	struct server s;
	struct sample_set set;

	server_start(&s);
	for (size_t i = 0; i < ARRAY_LEN(say); i++) {
		const int fd = connect_port(s.port);

		ck_assert_int_eq(send(fd, say[i], len[i], MSG_NOSIGNAL), (ssize_t)len[i]);
		close(fd);
	}
	ck_assert_msg(measure(s.port, 1 << 10, &set) == 0, "%s", failure.msg);
	server_join(&s);
}
END_TEST

static void *hang_up(void *self)
{
	const int *listening = self, fd = accept(*listening, NULL, NULL);

	send(fd, "nonsense and more nonsense", 26, MSG_NOSIGNAL);
	close(fd);
	return NULL;
}

START_TEST(a_strange_server_is_an_error)
{
	struct sample_set set;
	char port[16];
	int listening = listen_any(port);
	pthread_t thread;

	pthread_create(&thread, NULL, hang_up, &listening);
	ck_assert_int_eq(measure(port, 0, &set), -1);
	ck_assert(failure.msg[0]);
	pthread_join(thread, NULL);
	close(listening);
	failure = (struct err)ERR_INIT;
	ck_assert_int_eq(measure(port, 0, &set), -1); /* nobody there */
	ck_assert(strstr(failure.msg, "cannot connect") && strstr(failure.hint, "--link serve"));
}
END_TEST

START_TEST(addresses)
{
	static const char *const bad[] = {":1", "host:", "", "[::1", "host:12345678901234567"};
	const struct link_options o = {0};
	struct sample_set set;

	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		failure = (struct err)ERR_INIT;
		ck_assert_int_eq(link_measure(&arena, bad[i], &o, &set, &failure), -1);
		ck_assert_msg(failure.msg[0], "%s", bad[i]);
	}
}
END_TEST

START_TEST(a_server_stops_when_told)
{
	struct server s;

	server_start(&s);
	s.stop = 1;
	server_join(&s);
}
END_TEST

START_TEST(too_few_samples_make_no_link)
{
	struct sample_set set = {0};
	struct str text = STR_INIT;

	ck_assert_int_eq(link_yaml(&set, "none", &text, &failure), -1);
	ck_assert_uint_eq(text.len, 0);
	ck_assert(failure.msg[0]);
}
END_TEST

Suite *suite_link(void)
{
	Suite *s = suite_create("link");
	TCase *t = tcase_create("tcp");

	tcase_add_checked_fixture(t, begin, end);
	tcase_add_test(t, loopback);
	tcase_add_test(t, a_shaped_rate_is_found);
	tcase_add_test(t, strangers_do_not_stop_a_server);
	tcase_add_test(t, a_strange_server_is_an_error);
	tcase_add_test(t, addresses);
	tcase_add_test(t, a_server_stops_when_told);
	tcase_add_test(t, too_few_samples_make_no_link);
	suite_add_tcase(s, t);
	return s;
}
