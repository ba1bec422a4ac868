# metal.mk - the Metal backend on macOS; included by the Makefile. Adds its objects to METAL_OBJ and the
# frameworks to METAL_LIBS; both are empty elsewhere. The kernels travel inside the program as text and are
# compiled by the system when it runs: Command Line Tools are enough, and no .metallib lies about.
ifeq ($(shell uname -s),Darwin)
METAL_SRC  := $(sort $(wildcard kernels/metal/*.metal))
METAL_OBJ  := $(addprefix $(OUT)/kernels/metal/,host.o gpu.o mac.o)
METAL_LIBS := -framework Foundation -framework CoreFoundation -framework CoreGraphics -framework IOKit \
	-framework Metal -framework MetalPerformanceShaders
METAL_MIN  ?= -mmacosx-version-min=14.0
METAL_OBJC := -std=gnu11 -fobjc-arc -ffp-contract=off -Wall -Wextra -Wunguarded-availability-new $(METAL_MIN)

$(OUT)/gen/kernels/metal/sources.h: kernels/gpu/embed.sh $(METAL_SRC)
	@mkdir -p $(@D)
	$(Q)sh kernels/gpu/embed.sh metal $(METAL_SRC) >$@
# -I$(OUT)/gen finds "kernels/metal/sources.h"
$(OUT)/kernels/metal/%.o: kernels/metal/%.m $(OUT)/gen/kernels/metal/sources.h kernels/metal/metal.mk
	@mkdir -p $(@D)
	$(Q)$(CC) $(METAL_OBJC) -I. -I$(OUT)/gen $(CFLAGS) -MMD -MP -c -o $@ $<
-include $(METAL_OBJ:.o=.d)
endif
.PHONY: check-metal
check-metal: ## the Metal kernels and their host, run on this machine's CPU (needs g++; the host: gobjc and GNUstep)
	@sh tests/metal/run.sh
