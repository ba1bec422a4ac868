# lemursim. `make help` lists what can be made.
.DEFAULT_GOAL := all
BUILD   ?= release
OUT     ?= build/$(BUILD)
VERSION := 0.1.0
PREFIX  ?= /usr/local
SCENARIO := scenarios/m5-vs-m4pro.yaml

CSTD    := -std=c11 -D_POSIX_C_SOURCE=200809L
WARN    := -Wall -Wextra -Wshadow -Wconversion -Wstrict-prototypes -Wmissing-prototypes -Wvla -Wwrite-strings -Wpointer-arith
# one answer on x86-64 and arm64: clang fuses a*b+c by default, gcc -std=c11 does not
FP      := -ffp-contract=off
# the objects are those of the library too, which shows no name but what lemursim.h declares
PIC     := -fPIC -fvisibility=hidden
FLAGS.debug   := -O0 -g3
FLAGS.release := -O2
FLAGS.san     := -O1 -g3 -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
FLAGS.tsan    := -O1 -g -fsanitize=thread
FLAGS.fuzz    := -O1 -g3 -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all
ifeq ($(FLAGS.$(BUILD)),)
$(error BUILD=$(BUILD): choose debug, release or san)
endif
PKGS     := yaml-0.1 gsl
PKGFLAGS := $(shell pkg-config --cflags $(PKGS) 2>/dev/null)
# GSL's own CBLAS, and no other library with those names: kernels/cpu/blas.c loads the BLAS that is calibrated while the
# program runs, so that GSL's solvers, and what they fit, do not depend on the processor (check-blas)
PKGLIBS  := $(shell pkg-config --libs $(PKGS) 2>/dev/null)
ifeq ($(shell uname -s),Darwin)
CSTD     += -D_DARWIN_C_SOURCE
PKGLIBS  += -framework IOKit -framework CoreFoundation
else ifeq ($(shell uname -s),Linux)
PKGLIBS  += -ldl # dlopen() of C libraries before glibc 2.34
endif
# of `make MPI=1` alone: Open MPI, or MPICH where there is none
MPI_PKG   = $(shell pkg-config --exists ompi-c 2>/dev/null && echo ompi-c || echo mpich)
TESTLIBS  = $(shell pkg-config --libs check 2>/dev/null)
CFLAGS   ?= $(FLAGS.$(BUILD)) $(if $(CI),-Werror)
ALL_CFLAGS = $(CSTD) $(FP) $(PIC) $(WARN) -I. $(CFLAGS) $(PKGFLAGS) $(EXTRA_CFLAGS)
ALL_LIBS   = $(LDLIBS) $(PKGLIBS) $(METAL_LIBS) -lpthread -lm

# in place of mpi_none.c in a program with MPI
MPI_C   := sim/cli/mpi_ranks.c
SRC     := $(filter-out $(MPI_C),$(sort $(wildcard sim/*/*.c kernels/*.c kernels/cpu/*.c kernels/gpu/*.c)))
HDR     := $(sort $(wildcard sim/*/*.h kernels/*.h kernels/cpu/*.h kernels/gpu/*.h)) kernels/cuda/library.h kernels/cuda/gpu.h
include kernels/metal/metal.mk
include kernels/cuda/cuda.mk
# what is installed; and what `list` finds in a checkout, which is compiled in as trees: see sim/conf/shipped.h
LISTED  := $(sort $(shell find hardware models scenarios -name '*.yaml' ! -name '*.family.yaml'))
SHIPPED := $(foreach f,$(LISTED),$(if $(findstring /measured/,$f),,$f))
OBJ     := $(SRC:%.c=$(OUT)/%.o) $(METAL_OBJ) $(OUT)/gen/sim/conf/shipped_files.o
PROGRAMS := tests/bench.c tests/transformer.c # with a main of their own
TESTS_APART := $(wildcard tests/fuzz/*.c tests/metal/*.c tests/cuda/*.c tests/tools/*.c tests/data/*.c tests/golden/*.c tests/bad/*.c)
TEST    := $(patsubst %.c,$(OUT)/%.o,$(sort $(filter-out $(PROGRAMS) $(TESTS_APART),$(wildcard tests/*.c tests/*/*.c))))
FUZZ    := $(patsubst tests/fuzz/fuzz_%.c,%,$(sort $(wildcard tests/fuzz/fuzz_*.c)))
FORMAT  := $(shell command -v clang-format-14 2>/dev/null)

METAL_C := $(sort $(wildcard kernels/metal/*.c kernels/metal/*.h tests/metal/*.c tests/cuda/*.c tests/cuda/*.h))
FORMATTED := $(SRC) $(MPI_C) $(HDR) $(METAL_C) sim/main.c sim/ship.c $(sort $(wildcard tests/*.c tests/*.h) $(filter-out tests/metal/% tests/cuda/% tests/data/%,$(wildcard tests/*/*.c tests/*/*.h)))

.PHONY: accuracy accuracy-cpu published metal cuda all lib demo check check-all check-long check-blas check-libm layers headers check-format format unit cases cases-long golden-update fuzz-replay fuzz
# make layers STRICT=1: headers that are reached through others count too (STRICT := 1 here makes it the rule)
STRICT   ?= 1
# as many jobs as cores, unless -j was given
JOBS     = $(if $(filter -j%,$(MAKEFLAGS)),,-j$(shell getconf _NPROCESSORS_ONLN))
# make V=1 shows the commands
Q        = $(if $(V),,@$(info $()  build $@))
DEFINED := $(patsubst %.c,$(OUT)/%.o,sim/main.c sim/cli/session.c sim/cli/calibrate_here.c sim/cli/manual.c sim/cli/sweep_cells.c sim/cli/sweep_mpi.c sim/cli/plan_shares.c $(wildcard sim/cli/cmd_*.c sim/lib/*.c))
DEFINES = -DVERSION='"$(VERSION)"' -DSHARE='"$(PREFIX)/share/lemursim"'


.PHONY: bench-expected bench-update unit-long check-readme-all long-parts threads shards san-gcc san-clang san-tsan fuzz-a-little programs installed uninstall schema report-pages dist package models FORCE catalogue check-catalogue check-catalogue-all beyond check-beyond readme check-readme same bench scale deps need install clean help

PROGRAM := $(OUT)/$(if $(MPI),mpi/)lemursim
all: need $(PROGRAM) ## build the program and leave the link ./lemursim (BUILD=debug|release|san; MPI=1: with `sweep --mpi`)
	@ln -sfn $(PROGRAM) lemursim

demo: deps ## install what is missing, build, and answer the founding case
	@$(MAKE) --no-print-directory $(JOBS) all
	./lemursim simulate $(SCENARIO)
	@mkdir -p out
	./lemursim roofline $(SCENARIO) -f -o out/roofline.svg
	./lemursim schedule $(SCENARIO) --assignment "prefill M5, decode M4 Pro" -f -o out/schedule.svg
	@echo; echo "pictures: out/roofline.svg out/schedule.svg"

# tests that cannot run on this system write why into this file, a line each
export SKIPPED := $(abspath $(OUT))/skipped

check: ## install what is missing, tests' tools included, then run the tests; the last line counts what had to be skipped
	@sh tests/tools/deps.sh --tests
	@mkdir -p $(OUT) && : >$(SKIPPED)
	@$(MAKE) --no-print-directory $(JOBS) check-all
	@awk '{ text = text (NR > 1 ? "; " : "") $$0 } END { printf "check: passed, skipped: %d%s\n", NR, NR ? " (" text ")" : "" }' $(SKIPPED)

check-all: all layers headers check-format check-blas check-libm check-catalogue check-readme cases fuzz-replay unit metal programs

LONG := unit-long cases-long schema report-pages check-catalogue-all check-beyond check-readme-all threads shards bench-expected cuda san-gcc san-clang check-metal same installed package fuzz-a-little
check-long: ## what takes minutes: all random cases, sanitizers with gcc and clang, the same bytes from any number of threads, the whole catalogue and all that the documents print, the same bytes from four builds, a little fuzzing
	@for p in $(LONG); do $(MAKE) $$p || { echo "check-long: '$$p' failed" >&2; exit 1; }; done
long-parts: # for .ci/run, which times them
	@echo $(LONG)
# The sanitizers of two compilers, over what `make check` tests. All random cases run once and without them: that takes a tenth
# of the time and finds what is computed wrong, while memory errors show in the first cases and under fuzzing. Freed memory is
# kept apart up to 16 MB, not 256: a quarter of the time went into pages that were touched for that alone.
san-gcc san-clang: export ASAN_OPTIONS := quarantine_size_mb=16
san-gcc san-clang:
	$(MAKE) BUILD=san OUT=build/$@ CC=$(@:san-%=%) unit cases fuzz-replay
threads: $(OUT)/lemursim ## fail where a verb says other things with 2, 4 or 8 threads than with one
	@sh tests/tools/threads.sh $<
san-tsan: ## fail where two threads meet without a lock, or say other things than one
	@$(MAKE) --no-print-directory BUILD=tsan OUT=build/$@ build/$@/lemursim
	@TSAN_OPTIONS="halt_on_error=1 exitcode=66" sh tests/tools/threads.sh build/$@/lemursim 4
shards: $(OUT)/lemursim ## fail where a sweep that mpirun or GNU parallel splits, with a process killed, is not that of one process
	@MAKE="$(MAKE)" sh tests/tools/shards.sh $<
# the same inputs each time: what is found by chance is found by make fuzz
fuzz-a-little: ## run each fuzz target on a few thousand inputs that a seed gives
	$(MAKE) fuzz FUZZING='-seed=1 -runs=$(RUNS)'
RUNS ?= 5000
programs: $(OUT)/tests/bench $(OUT)/tests/transformer # built, not run

unit: $(OUT)/tests/check ## unit tests; T=NAME: one suite, or the tests of one case
	@sh tests/tools/run_units.sh $< $(T)
unit-long: $(OUT)/tests/check ## the unit tests with all of their random cases
	@LONG=1 sh tests/tools/run_units.sh $<
cases: $(OUT)/lemursim $(OUT)/tests/tools/run_cases ## golden runs and bad input, each in an empty directory; C=NAME: one, or those of a pattern such as 'help-*'
	@$(OUT)/tests/tools/run_cases $(if $(C),-c '$(C)') $(abspath $<) tests/golden tests/bad
cases-long: $(OUT)/lemursim $(OUT)/tests/tools/run_cases ## the golden runs that take seconds each, which `cases` leaves out
	@for c in tests/golden/*/long; do \
		$(OUT)/tests/tools/run_cases -c "$$(basename "$${c%/long}")" $(abspath $<) tests/golden tests/bad || exit 1; done
golden-update: $(OUT)/lemursim $(OUT)/tests/tools/run_cases ## rewrite the expected output of golden runs and bad input (C=NAME: of one); review the diff
	@$(OUT)/tests/tools/run_cases --update $(if $(C),-c '$(C)') $(abspath $<) tests/golden tests/bad
schema: $(OUT)/lemursim # what ships is valid by the JSON Schemas that are printed, says a public validator
	@sh tests/tools/check_schema.sh $<
report-pages: $(OUT)/lemursim # pages of `report` in a real browser; SHOTS=DIR keeps pictures of them
	@sh tests/tools/check_report.sh $< $(SHOTS)
check-blas: $(OUT)/lemursim ## fail unless the linear algebra of GSL is bound to GSL's own library
	@sh tests/tools/check_blas.sh $<
check-libm: $(OUT)/lemursim ## fail where a number of the simulator comes from a function that C libraries round differently
	@sh tests/tools/check_libm.sh $(filter $(OUT)/sim/%,$(OBJ))
metal: ## the Metal kernels and their host on this machine's CPU; `make check-metal` adds the mutants
	@sh tests/metal/run.sh quick
cuda: ## the CUDA kernels and their host on this machine's CPU
	@sh tests/cuda/run.sh
layers: ## fail on what a file reaches beyond sim/LAYERS, on a grant that no file uses, and on a struct tag of two meanings
	@awk -f tests/tools/layers.awk -v strict=$(STRICT) sim/LAYERS $(SRC) $(MPI_C) $(HDR) $(filter kernels/%,$(METAL_C)) sim/main.c sim/ship.c
headers: ## fail where a header does not compile by itself
	@sh tests/tools/check_headers.sh '$(CC) $(ALL_CFLAGS)' $(HDR)
check-format: ## fail where clang-format 14 would change a line (skipped where it is not installed)
	@if [ -n "$(FORMAT)" ]; then $(FORMAT) --dry-run -Werror $(FORMATTED); \
	else echo "format: no clang-format-14" | tee -a $(SKIPPED); [ -z "$(CI)" ]; fi
CATALOGUE := $(patsubst hardware/measured/%.facts.csv,%,$(wildcard hardware/measured/*.facts.csv))
ALL_FAMILIES := $(sort $(patsubst hardware/measured/%.family.yaml,%,$(wildcard hardware/measured/*.family.yaml)))
# a family's fit may depend on another's: on the factors of its chips (chips_like), or by a ratio of two machines
FAMILIES := $(filter mps-%,$(ALL_FAMILIES)) $(filter-out mps-%,$(ALL_FAMILIES))
# those that 'make check' fits
QUICK_FAMILIES := cuda-2024-05-geforce mlx-2025-12-apple-m5 mps-2026-01-apple-m5
# begun first, since they take most of the time
DEAR_FAMILIES := cuda-2025-10-spark cuda-2025-10-geforce mlx-2025-10-apple-m3-m4 llama.cpp-2026-02-apple-m1-m2
catalogue: $(OUT)/lemursim ## make what of hardware/ is fitted again from hardware/measured
	@sh tests/tools/catalogue.sh $< $(OUT)/catalogue $(CATALOGUE) $(FAMILIES)
check-catalogue: $(OUT)/lemursim ## fail where hardware is not, byte for byte, what hardware/measured gives: the machines and three families, see check-catalogue-all
	@sh tests/tools/catalogue.sh --check $< $(OUT)/catalogue $(CATALOGUE) $(QUICK_FAMILIES)
check-catalogue-all: $(OUT)/lemursim ## the same of the whole catalogue
	@sh tests/tools/catalogue.sh --check $< $(OUT)/catalogue $(CATALOGUE) $(DEAR_FAMILIES) $(filter-out $(DEAR_FAMILIES),$(FAMILIES))
beyond: $(OUT)/lemursim ## make hardware/measured/beyond.csv again: how far off families are on kinds of runs that their fits had none of
	@sh tests/tools/beyond.sh $< $(FAMILIES)
check-beyond: $(OUT)/lemursim ## fail where it is not what the families' runs give
	@sh tests/tools/beyond.sh --check $< $(FAMILIES)
CONFIGS := $(patsubst tests/data/configs/%.json,%,$(wildcard tests/data/configs/*.json))
models: all ## make models/*.yaml again from tests/data/configs (a golden run checks that they are)
	@for n in $(CONFIGS); do ./lemursim import tests/data/configs/$$n.json --facts tests/data/configs/$$n.facts.yaml \
		-f -o models/$$n.yaml 2>/dev/null || exit 1; done
accuracy: all ## predicted against everything in hardware/measured: runs by set, with and without each machine in the fit; outcomes of scenarios; servers under load
	@sh tests/tools/accuracy.sh ./lemursim $(FAMILIES)
	@echo; sh tests/tools/accuracy_serving.sh ./lemursim
published: all ## predicted against published training steps: Megatron-LM, Llama 3, DGX H100 pods; and the rows of the fit behind them
	@sh tests/tools/published.sh ./lemursim
PRINTED := $(shell grep -lE '^<!-- prints(, check-long)?: ' $(wildcard *.md */*.md))
readme: all ## refresh what README.md and its like say the tool prints, and their pictures
	@sh tests/tools/readme.sh $(PRINTED)
	@mkdir -p scenarios/pictures
	./lemursim roofline $(SCENARIO) -f -o scenarios/pictures/roofline.svg
	./lemursim schedule $(SCENARIO) -a "prefill M5, decode M4 Pro" -f -o scenarios/pictures/handoff.svg
	./lemursim schedule $(SCENARIO) -a "FFN M5, attention and KV M4 Pro" --phase decode -f -o scenarios/pictures/ffn-split.svg
	@for a in 1F1B "interleaved 1F1B" ZB-H1 ZB-V; do n=$$(printf %s "$$a" | tr 'A-Z ' 'a-z-'); \
	./lemursim schedule scenarios/pipeline-schedules.yaml -a "$$a" --phase train -f -o scenarios/pictures/$$n.svg || exit 1; done
	./lemursim schedule scenarios/data-parallel.yaml -a "by speed, sent while backward runs" --phase train -f -o scenarios/pictures/data-parallel.svg
	./lemursim sweep scenarios/serve-m5-m4pro.yaml --over workload.serve.arrivals.users=1,2,4,6,8,12 --draws 8 -f -o scenarios/pictures/serve-users.svg
	./lemursim schedule scenarios/serve-m5-m4pro.yaml -a "prefill M5, decode M4 Pro" --set workload.serve.arrivals.users=8 -f -o scenarios/pictures/serve-pools.svg
check-readme: all ## fail where README.md or another document no longer says what the tool prints, see check-readme-all
	@sh tests/tools/readme.sh --check $(PRINTED)
check-readme-all: all ## the same of what takes seconds too: the tables of accuracy, sweeps of servers, plans
	@LONG=1 sh tests/tools/readme.sh --check $(PRINTED)

format: ## rewrite the sources as clang-format 14 does
	@clang-format-14 -i $(FORMATTED)
	@echo "format: $(words $(FORMATTED)) files are as clang-format 14 has them"
fuzz-replay: $(FUZZ:%=$(OUT)/tests/fuzz/%) ## replay the corpus of each fuzz target
	@for f in $(FUZZ); do $(OUT)/tests/fuzz/$$f tests/fuzz/corpus/$$f/* || exit 1; done
SECONDS ?= 60
FUZZING = -max_total_time=$(SECONDS)
fuzz: ## run each fuzz target for SECONDS with libFuzzer (needs clang)
	@for f in $(FUZZ); do $(MAKE) --no-print-directory BUILD=fuzz OUT=build/fuzz CC=clang build/fuzz/fuzz-$$f && mkdir -p build/fuzz/new/$$f && \
	build/fuzz/fuzz-$$f $(FUZZING) -timeout=120 -rss_limit_mb=2048 -artifact_prefix=build/fuzz/ -verbosity=0 build/fuzz/new/$$f tests/fuzz/corpus/$$f || exit 1; done
same: ## the same bytes from gcc and clang, debug and release, whatever processor and threads OpenBLAS is told of, with and without the C library's FMA
	@sh tests/tools/same_bytes.sh
accuracy-cpu: all $(OUT)/tests/transformer ## calibrate this CPU, predict a small transformer on it, run it; wants an idle machine
	sh tests/tools/predict_cpu.sh $(abspath $(OUT)/lemursim) $(abspath $(OUT)/tests/transformer) 3
bench: all $(OUT)/tests/bench ## ratios against a minimal reference in the same run
	$(OUT)/tests/bench $(OUT)/lemursim $(SCENARIO)

scale: all $(OUT)/tests/bench ## what evaluations cost, before, now and as a goal, as a table
	@sh tests/tools/scale.sh $(OUT)/lemursim $(OUT)/tests/bench

bench-expected: $(OUT)/lemursim $(OUT)/tests/bench ## fail where an evaluation costs a quarter more instructions than tests/bench/expected says
	@sh tests/tools/scale.sh $(OUT)/lemursim $(OUT)/tests/bench --check tests/bench/expected
bench-update: $(OUT)/lemursim $(OUT)/tests/bench ## rewrite tests/bench/expected; say in the commit why they changed
	@sh tests/tools/scale.sh $(OUT)/lemursim $(OUT)/tests/bench --update tests/bench/expected

deps: ## install what is missing: libyaml, GSL, Graphviz, Check, OpenBLAS (apt-get or Homebrew)
	@sh tests/tools/deps.sh
need:
	@pkg-config --exists $(PKGS) 2>/dev/null || { echo "libyaml or GSL is missing: 'make deps' installs them" >&2; exit 1; }

MAN1 = $(DESTDIR)$(PREFIX)/share/man/man1
COMPLETIONS = bash:bash-completion/completions/lemursim zsh:zsh/site-functions/_lemursim \
	fish:fish/vendor_completions.d/lemursim.fish
# the library: what the program has but its verbs, the search and what measures
ABI       := 0
LIBDIR    ?= $(PREFIX)/lib
LIB_OBJ   := $(filter-out $(OUT)/sim/cli/% $(OUT)/sim/measure/% $(OUT)/sim/search/% $(OUT)/kernels/%,$(OBJ))
ifeq ($(shell uname -s),Darwin)
SHARED    := liblemursim.$(VERSION).dylib
SHARED_AS := -dynamiclib -install_name "$(LIBDIR)/$(SHARED)"
SONAMES   := liblemursim.dylib
else
SHARED    := liblemursim.so.$(VERSION)
SHARED_AS := -shared -Wl,-soname,liblemursim.so.$(ABI) -Wl,-z,defs
SONAMES   := liblemursim.so.$(ABI) liblemursim.so
endif
LIBS      := $(OUT)/liblemursim.a $(OUT)/$(SHARED)
space     := $(subst ,, )
ifneq ($(filter san tsan fuzz,$(BUILD)),)
LIBS      := $(OUT)/liblemursim.a
SONAMES   :=
lib: without-shared
without-shared: # clang leaves the sanitizer's functions to the program that loads the library
	@echo "lib: no shared library of BUILD=$(BUILD), a sanitizer's; the static one is linked with the same flags"
.PHONY: without-shared
endif
lib: need $(LIBS) ## build the library: static, and shared for ctypes
$(OUT)/$(SHARED): $(LIB_OBJ)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) $(SHARED_AS) -o $@ $^ $(ALL_LIBS)
# One object whose hidden names are local, so that none of them meets a name of the program it is linked into.
$(OUT)/liblemursim.a: $(LIB_OBJ)
	$(Q)ld -r -o $(OUT)/liblemursim.o $^ && \
	{ ! command -v objcopy >/dev/null || objcopy --localize-hidden $(OUT)/liblemursim.o; } && \
	rm -f $@ && $(AR) rcs $@ $(OUT)/liblemursim.o

install: need $(OUT)/lemursim $(LIBS) ## install under PREFIX (DESTDIR is honoured): program, library, catalogue, manual, completion, schemas
	install -d "$(DESTDIR)$(LIBDIR)/pkgconfig" "$(DESTDIR)$(PREFIX)/include"
	install -m 644 sim/lib/lemursim.h "$(DESTDIR)$(PREFIX)/include/lemursim.h"
	install -m 644 $(LIBS) "$(DESTDIR)$(LIBDIR)"
	for n in $(SONAMES); do ln -sf $(SHARED) "$(DESTDIR)$(LIBDIR)/$$n" || exit 1; done
	sed -e 's|@PREFIX@|$(subst $(space),\\ ,$(PREFIX))|' -e 's|@LIBDIR@|$(subst $(space),\\ ,$(LIBDIR))|' -e 's|@VERSION@|$(VERSION)|' \
		packaging/lib/lemursim.pc.in >"$(DESTDIR)$(LIBDIR)/pkgconfig/lemursim.pc"
	install -d "$(DESTDIR)$(PREFIX)/bin" "$(DESTDIR)$(PREFIX)/share/lemursim/schema" "$(MAN1)"
	install -m 755 $(OUT)/lemursim "$(DESTDIR)$(PREFIX)/bin/lemursim"
	for f in $(SHIPPED); do \
		install -d "$(DESTDIR)$(PREFIX)/share/lemursim/$$(dirname $$f)" && \
		sh packaging/modeline.sh $$f >"$(DESTDIR)$(PREFIX)/share/lemursim/$$f" || exit 1; done
	$(OUT)/lemursim help --man -f -o "$(MAN1)/lemursim.1"
	for v in $$($(OUT)/lemursim help --verbs); do \
		$(OUT)/lemursim help $$v --man -f -o "$(MAN1)/lemursim-$$v.1" || exit 1; done
	for k in scenario model machine link family server; do \
		$(OUT)/lemursim help $$k --schema -f -o "$(DESTDIR)$(PREFIX)/share/lemursim/schema/$$k.json" || exit 1; done
	for c in $(COMPLETIONS); do \
		install -d "$$(dirname "$(DESTDIR)$(PREFIX)/share/$${c#*:}")" && \
		$(OUT)/lemursim help --completion $${c%%:*} -f -o "$(DESTDIR)$(PREFIX)/share/$${c#*:}" || exit 1; done
uninstall: ## remove what install put under PREFIX, and the folders that it leaves empty
	rm -f "$(DESTDIR)$(PREFIX)/include/lemursim.h" "$(DESTDIR)$(LIBDIR)/pkgconfig/lemursim.pc" "$(DESTDIR)$(LIBDIR)"/liblemursim.*
	rm -rf "$(DESTDIR)$(PREFIX)/bin/lemursim" "$(DESTDIR)$(PREFIX)/share/lemursim" "$(MAN1)/lemursim.1" "$(MAN1)"/lemursim-*.1
	for c in $(COMPLETIONS); do rm -f "$(DESTDIR)$(PREFIX)/share/$${c#*:}"; done
	-@cd "$(DESTDIR)$(PREFIX)" 2>/dev/null && for d in bin include share/man/man1 $(foreach c,$(COMPLETIONS),share/$(dir $(lastword $(subst :, ,$c)))); do \
		rmdir -p "$$d" 2>/dev/null; done; \
	for d in "$(DESTDIR)$(LIBDIR)/pkgconfig" "$(DESTDIR)$(LIBDIR)" "$(DESTDIR)$(PREFIX)"; do rmdir "$$d" 2>/dev/null; done; true
installed: # an installed program finds its hardware and models from anywhere; what is uninstalled leaves no file
	@rm -rf "build/in stalled" && $(MAKE) -s PREFIX="$(CURDIR)/build/in stalled" OUT=build/to-install install >/dev/null
	@mkdir -p build/elsewhere && cp $(SCENARIO) build/elsewhere && cd build/elsewhere && \
	"../in stalled/bin/lemursim" simulate $(notdir $(SCENARIO)) >/dev/null && echo "installed: it runs from elsewhere"
	@$(MAKE) -s OUT=build/to-install build/to-install/lemursim && cd / && \
	"$(CURDIR)/build/to-install/lemursim" ask llama-3.1-8b --on m4-pro-24gb >/dev/null && echo "not installed: it finds its checkout"
	@sh tests/tools/check_installed.sh "build/in stalled"
	@CC="$(CC)" sh tests/tools/check_library.sh "$(CURDIR)/build/in stalled"
	@$(MAKE) -s PREFIX="$(CURDIR)/build/in stalled" OUT=build/to-install uninstall
	@find "build/in stalled" -type f -o -type l 2>/dev/null | grep . && exit 1 || echo "installed: nothing is left after uninstall"
DIST := build/dist/lemursim-$(VERSION).tar.gz
DIST_URL ?= file://$(CURDIR)/$(DIST)
dist: ## the last commit as a tarball with its sha256, and a Homebrew formula of it: the same bytes each time
	@tag=$$(git describe --tags --exact-match --match 'v[0-9]*' 2>/dev/null) || exit 0; [ "$$tag" = v$(VERSION) ] || \
	{ echo "dist: the commit is tagged $$tag, and VERSION in the Makefile is $(VERSION)" >&2; exit 1; }
	@mkdir -p $(dir $(DIST))
	@git archive --format=tar --prefix=lemursim-$(VERSION)/ HEAD | gzip -9 -n >$(DIST)
	@cd $(dir $(DIST)) && { sha256sum $(notdir $(DIST)) 2>/dev/null || shasum -a 256 $(notdir $(DIST)); } >$(notdir $(DIST)).sha256
	@sed -e 's|@URL@|$(DIST_URL)|' -e 's|@VERSION@|$(VERSION)|' -e "s|@SHA256@|$$(cut -d' ' -f1 $(DIST).sha256)|" \
		packaging/homebrew/lemursim.rb.in >$(dir $(DIST))lemursim.rb
	@echo "dist: $(DIST)"
package: dist # that tarball as a package of Debian, by lintian's rules
	@MAKE="$(MAKE)" sh tests/tools/check_package.sh $(VERSION)
clean: ## remove what was built
	rm -rf build lemursim
help: ## this list
	@awk -F':.*## ' '/^[a-z-]+:.*## /{printf "  %-19s %s\n", $$1, $$2}' $(MAKEFILE_LIST)
	@echo; echo "one test by name: make unit T=calib (a suite), make unit T=fit (a case of tests), make cases C=check-bom,"
	@echo "make cases C='import-*'; those that need a change: make golden-update C=check-bom"

$(OUT)/lemursim: $(OUT)/sim/main.o $(OBJ)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)
# a library's headers are not held to our warnings
$(OUT)/$(MPI_C:.c=.o): EXTRA_CFLAGS += $(patsubst -I%,-isystem %,$(shell pkg-config --cflags $(MPI_PKG)))
$(OUT)/mpi/lemursim: $(OUT)/sim/main.o $(filter-out %/mpi_none.o,$(OBJ)) $(OUT)/$(MPI_C:.c=.o)
	@mkdir -p $(@D)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(shell pkg-config --libs $(MPI_PKG)) $(ALL_LIBS)
$(OUT)/tests/check: $(TEST) $(OBJ)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(TESTLIBS) $(ALL_LIBS)
$(OUT)/tests/bench: $(OUT)/tests/bench.o $(OBJ)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)
$(OUT)/ship: $(OUT)/sim/ship.o $(filter $(OUT)/sim/base/% $(OUT)/sim/conf/%,$(OBJ))
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)
$(OUT)/listed: FORCE
	@mkdir -p $(@D)
	@echo $(LISTED) | cmp -s - $@ || echo $(LISTED) >$@
$(OUT)/gen/sim/conf/shipped_files.c: $(OUT)/ship $(LISTED) $(OUT)/listed
	@mkdir -p $(@D)
	$(Q)$(OUT)/ship $(LISTED) >$@.new && mv $@.new $@
$(OUT)/gen/sim/conf/shipped_files.o: $(OUT)/gen/sim/conf/shipped_files.c $(OUT)/flags
	$(Q)$(CC) $(ALL_CFLAGS) -c -o $@ $<
# what a page carries along
ASSETS := sim/report/report_style.css sim/report/report_script.js
$(OUT)/gen/sim/report/assets.h: kernels/gpu/embed.sh $(ASSETS)
	@mkdir -p $(@D)
	$(Q)sh kernels/gpu/embed.sh assets $(ASSETS) >$@
$(OUT)/sim/report/report_page.o: $(OUT)/gen/sim/report/assets.h
$(OUT)/sim/report/report_page.o: EXTRA_CFLAGS += -I$(OUT)/gen
# what `init` writes
TEMPLATES := $(addprefix sim/cli/templates/,generate.yaml train.yaml serve.yaml plan.yaml)
$(OUT)/gen/sim/cli/templates.h: kernels/gpu/embed.sh $(TEMPLATES)
	@mkdir -p $(@D)
	$(Q)sh kernels/gpu/embed.sh templates $(TEMPLATES) >$@
$(OUT)/sim/cli/cmd_init.o: $(OUT)/gen/sim/cli/templates.h
$(OUT)/sim/cli/cmd_init.o: EXTRA_CFLAGS += -I$(OUT)/gen
# what tests do themselves is little: they are compiled in two thirds of the time
ifeq ($(BUILD),release)
$(OUT)/tests/%.o: EXTRA_CFLAGS += -O1
endif
# the kernels are measured as programs build theirs; what they compute is checked, not compared byte for byte
ifeq ($(BUILD),release)
$(OUT)/kernels/cpu/%.o: EXTRA_CFLAGS += -O3 -ffp-contract=fast
endif
$(OUT)/tests/tools/run_cases: $(OUT)/tests/tools/run_cases.o $(OUT)/sim/base/err.o $(OUT)/sim/base/mem.o $(OUT)/sim/base/nearest.o $(OUT)/sim/base/str.o $(OUT)/sim/base/utf8.o
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)
$(OUT)/tests/transformer: $(OUT)/tests/transformer.o $(OBJ)
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)
$(OUT)/tests/fuzz/%: $(OUT)/tests/fuzz/fuzz_%.o $(OUT)/tests/fuzz/replay.o $(OUT)/objects.a
	$(Q)$(CC) $(ALL_CFLAGS) $(LDFLAGS) -o $@ $^ $(ALL_LIBS)
# a program that uses a part of the objects is linked with that part
$(OUT)/objects.a: $(OBJ)
	$(Q)rm -f $@ && $(AR) rcs $@ $^
$(OUT)/fuzz-%: $(OUT)/tests/fuzz/fuzz_%.o $(OBJ)
	$(Q)$(CC) $(ALL_CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $^ $(ALL_LIBS)
$(OUT)/%.o: %.c $(OUT)/flags
	$(Q)$(CC) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<
# these say the version, or where the share directory is: built again when either changes
$(DEFINED): EXTRA_CFLAGS += $(DEFINES)
$(DEFINED): $(OUT)/defines
# how objects are compiled: all are built again when it changes; and the folders that they stand in
FOLDERS := $(sort $(dir $(SRC) $(wildcard sim/*.c tests/*.c tests/*/*.c kernels/*/*.[cm])))
$(OUT)/flags: FORCE
	@mkdir -p $(FOLDERS:%=$(OUT)/%)
	@echo '$(subst ','\'',$(filter-out ccache,$(CC)) $(CSTD) $(FP) $(PIC) $(WARN) $(CFLAGS) $(PKGFLAGS))' | cmp -s - $@ || echo '$(subst ','\'',$(filter-out ccache,$(CC)) $(CSTD) $(FP) $(PIC) $(WARN) $(CFLAGS) $(PKGFLAGS))' >$@
$(OUT)/defines: FORCE
	@mkdir -p $(@D)
	@echo "$(subst ",,$(DEFINES))" | cmp -s - $@ || echo "$(subst ",,$(DEFINES))" >$@
.SECONDARY:
-include $(OBJ:.o=.d) $(TEST:.o=.d) $(OUT)/sim/main.d $(OUT)/sim/ship.d $(OUT)/$(MPI_C:.c=.d) $(OUT)/tests/bench.d $(FUZZ:%=$(OUT)/tests/fuzz/fuzz_%.d)
