/*
 * server_said.h - which server answered a benchmark, as its own command and log above the results say.
 *
 * Layer validate. The client of a benchmark asks all servers alike ("openai"), so that only what the server printed, or how it
 * was started, tells whose kernels and scheduler ran. What a server was told beyond its defaults is a key of `serve`, or told.
 */
#ifndef SIM_VALIDATE_SERVER_SAID_H
#define SIM_VALIDATE_SERVER_SAID_H
#include <stdbool.h>

struct arena; /* base/mem.h */

struct server_said {
	const char *
		engine; /* "vllm", "sglang", "tensorrt-llm"; NULL: no command or log of a server stood there */
	int minor;      /* of vLLM 0.minor, or the newest there was when it ran; 0: neither is said */
	bool by_date;   /* the latter */
	const char *asked;   /* switches as keys of `serve`, "eager: true, prefix_cache: false"; NULL: none */
	const char *weights; /* what the server was told to make of the weights, "fp8"; NULL: nothing */
	const char *refused; /* the option of what is not predicted; NULL: none */
};

/* Adds what a line says. Of two that contradict each other the first stands. In the arena. */
void server_said_take(struct arena *a, const char *line, struct server_said *s);

/* The date of a run of vLLM, "20250604-185314" as its benchmark writes it, which no newer version can have made. A version that is
 * said stands. */
void server_said_date(const char *date, struct server_said *s);

/* The engine that a client's back end is of: "tensorrt-llm" of "trt", "sglang" of "sglang-oai"; "openai" says nothing of it. */
const char *server_said_engine(struct arena *a, const char *backend);

#endif
