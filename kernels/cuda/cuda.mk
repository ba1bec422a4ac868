# cuda.mk - the CUDA backend, everywhere but on macOS, which has no CUDA; included by the Makefile. Nothing of CUDA is
# needed to build: the kernels travel inside the program as text, and NVIDIA's libraries are looked for when it runs.
ifneq ($(shell uname -s),Darwin)
CUDA_SRC := kernels/cuda/device.h kernels/cuda/rows.h kernels/cuda/formats.h $(sort $(wildcard kernels/cuda/*.cu))
SRC      += $(sort $(wildcard kernels/cuda/*.c))

$(OUT)/gen/kernels/cuda/sources.h: kernels/gpu/embed.sh $(CUDA_SRC)
	@mkdir -p $(@D)
	$(Q)sh kernels/gpu/embed.sh cuda $(CUDA_SRC) >$@
# -I$(OUT)/gen finds "kernels/cuda/sources.h"
$(OUT)/kernels/cuda/gpu.o: $(OUT)/gen/kernels/cuda/sources.h
$(OUT)/kernels/cuda/gpu.o: EXTRA_CFLAGS += -I$(OUT)/gen
endif
