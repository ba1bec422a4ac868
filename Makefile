# lemursim. `make help` lists what can be made.
BUILD   ?= release
OUT     := build/$(BUILD)
VERSION := 0.1.0
PREFIX  ?= /usr/local

CSTD    := -std=c11 -D_POSIX_C_SOURCE=200809L
WARN    := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings -Wpointer-arith
# one answer on x86-64 and arm64: clang fuses a*b+c by default, gcc -std=c11 does not
FP      := -ffp-contract=off
FLAGS.debug   := -O0 -g3
FLAGS.release := -O2 -g
FLAGS.san     := -O1 -g3 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
ifeq ($(FLAGS.$(BUILD)),)
$(error BUILD=$(BUILD): choose debug, release or san)
endif
PKGS    := yaml-0.1 gsl
PKGFLAGS = $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
CFLAGS  ?= $(FLAGS.$(BUILD)) $(if $(CI),-Werror)
ALL_CFLAGS = $(CSTD) $(FP) $(WARN) -I. $(CFLAGS) $(PKGFLAGS) $(EXTRA_CFLAGS)
LDLIBS  += $(shell pkg-config --libs $(PKGS) 2>/dev/null) -lm

MAIN    := $(OUT)/lemursim
SRC     := $(sort $(wildcard sim/*/*.c))
HDR     := $(sort $(wildcard sim/*/*.h))
OBJ     := $(SRC:%.c=$(OUT)/%.o)
TEST    := $(patsubst %.c,$(OUT)/%.o,$(sort $(wildcard tests/check_*.c)))

.PHONY: all
all: $(MAIN) ## build the program and leave the link ./lemursim (BUILD=debug|release|san)
	@ln -sfn $(MAIN) lemursim

$(MAIN): $(OUT)/sim/main.o $(OBJ)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(LDLIBS)
$(OUT)/tests/check: $(TEST) $(OBJ)
	$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs check) $(LDLIBS)
$(OUT)/%.o: %.c Makefile
	@mkdir -p $(@D)
	$(CC) $(ALL_CFLAGS) -DVERSION='"$(VERSION)"' -DSHARE='"$(PREFIX)/share/lemursim"' -MMD -MP -c -o $@ $<
-include $(OBJ:.o=.d) $(TEST:.o=.d) $(OUT)/sim/main.d
