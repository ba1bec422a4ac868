/*
 * mix_iq.h - which tensors of the file types of few bits have which format.
 *
 * Layer llm. The rules of llama.cpp's src/llama-quant.cpp at 3f545be (August 2026), for files made with an
 * importance matrix, as these are; used by mix.c alone.
 */
#ifndef SIM_LLM_MIX_IQ_H
#define SIM_LLM_MIX_IQ_H
#include "sim/llm/quant.h"

struct iq_about {
	enum tensor t;
	int64_t layer, layers;
	int64_t gqa;     /* query heads for each key head */
	int64_t experts; /* 0: none */
};

/* Is this a file type of IQ1 to IQ3, Q2_K_S or TQ? */
bool mix_iq_has(int mix);
/* The format it is named after. */
enum format_id mix_iq_base(int mix);
/* The format of a matrix in it, before rows are looked at. */
enum format_id mix_iq_format(int mix, const struct iq_about *x);

#endif
