#!/bin/sh
# same_bytes.sh - the same input and seed must print and write the same bytes: from gcc and clang, debug and release;
# whatever processor OpenBLAS is told that it runs on, with however many threads; and whether the C library uses the
# processor's fused multiply-add in exp(), log() and pow() or not.
#
# Each of the four builds runs every verb. Then every type of core, with one of the numbers of threads, does so with gcc's
# or clang's release build, two at a time, and fits the whole catalogue, which must be what hardware/ has. So every type of
# core meets a fit of the catalogue, and every number of threads meets both compilers, but not every product of values
# is run: OpenBLAS is loaded by kernels/cpu alone (check_blas.sh shows it in each build), and no object of sim/ calls the
# library's exp() and the like (check_libm.sh).
set -e
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
trap 'exit 130' INT TERM
measured=hardware/measured
founding=scenarios/m5-vs-m4pro.yaml

# same NAME ARGUMENT...: the command, what it says, its exit code, and what it writes to $here/new.*, into $here/runs/NAME
same() {
	run=$here/runs/$1; shift
	rc=0
	mkdir -p "$run"
	"$lemursim" "$@" >"$here/said" 2>&1 </dev/null || rc=$?
	case $rc in 0 | 3 | 4) ;; *) cat "$here/said"; echo "same: $lemursim $*: exit $rc"; exit 1 ;; esac
	{ echo "lemursim $*"; cat "$here/said"; echo "exit $rc"; } | sed "s|$here|OUT|g" >"$run/said"
	for f in "$here/new".*; do [ ! -e "$f" ] || mv "$f" "$run/"; done
}

every_verb() {
	for s in scenarios/*.yaml; do
		name=$(basename "$s" .yaml)
		case $name in
		serve-*) # a load has no program to draw; one short run of it with few draws
			same "simulate-$name" simulate "$s" --draws 2 --set workload.serve.replications=1 --format json ;;
		plan-batch) # the quickest of those that search for machines
			same "$name" plan "$s" --format json -o "$here/new.yaml"
			continue ;;
		plan-*) continue ;;
		*)
			same "simulate-$name" simulate "$s" --format json
			same "schedule-$name" schedule "$s" -o "$here/new.dot" # of the first assignment, where it fits
			;;
		esac
		same "roofline-$name" roofline "$s" -o "$here/new.dot"
		same "show-$name" show "$s"
	done
	same trace schedule "$founding" --phase train -o "$here/new.trace.json"
	same sweep sweep "$founding" --over workload.generate.batch=1,8 --over "workload.generate.prompt=128 tok,8192 tok" --format json
	same sweep-train sweep scenarios/pipeline-schedules.yaml --over workload.train.micro_batches=4,9 --metric train_tok_per_s --format json
	same optimize optimize "$founding" --goal e2el_s --best 3 --format json -o "$here/new.yaml"
	same optimize-pareto optimize "$founding" --goal ttft_s --pareto tpot_s --format json
	same optimize-train optimize "$founding" --goal train_step_s --best 2 --format json
	for seed in 1 2 3; do # five machines: annealed; of sixteen layers, to be quick
		same "anneal-$seed" optimize tests/golden/optimize-anneal/five.yaml --path . --goal decode_tok_per_s --seed $seed \
			--set model.layers=16 --set model.parameters=null --set model.sizes=null --format json -o "$here/new.yaml"
	done
	for family in cuda-2024-05-geforce mlx-2025-12-apple-m5 mps-2026-01-apple-m5; do # the quick ones
		same "family-$family" calibrate --from $measured/$family.csv --family $measured/$family.family.yaml -o "$here/new.yaml"
	done
	for f in "$measured"/*.facts.csv; do
		name=$(basename "$f" .facts.csv)
		same "samples-$name" calibrate --from "$measured/$name.csv" --facts "$f" -o "$here/new.yaml"
	done
	same runs calibrate --from tests/golden/validate-machine/runs.csv --machine apple-m4-pro-16c-24gb --model mistral-7b --path . -o "$here/new.yaml"
	same validate validate "$founding" --from tests/golden/validate-scenario-json/runs.csv --format json
	same validate-outcomes validate scenarios/clusters-spark-studio.yaml --from $measured/outcomes/clusters-spark-studio.csv --format json
	same validate-rows validate --from $measured/llama.cpp-2026-02-apple-m5.csv --family $measured/llama.cpp-2026-02-apple-m5.family.yaml --format json
	for f in tests/data/configs/*.json; do
		name=$(basename "$f" .json)
		same "import-$name" import "$f" --facts "tests/data/configs/$name.facts.yaml" -o "$here/new.yaml"
	done
	same import-gguf import tests/golden/import-gguf/toy.gguf
	same ask ask "qwen3 30b" --on "m4 pro 48" --users 2 -o "$here/new.yaml"
	same ask-budget ask "gpt-oss-20b" --budget 2000 --at-least 20
	same explain explain tests/golden/validate-machine/runs.csv --on apple-m4-pro-16c-24gb --model mistral-7b
	same list list --format json
	same list-table list
	find scenarios hardware models -name '*.yaml' | sort >"$here/files"
	same check check $(cat "$here/files")
	for h in simulate optimize scenario model machine link; do same "help-$h" help "$h"; done
}

# run_all NAME PROGRAM: every verb, in a folder of its own
run_all() {
	here=$out/$1 lemursim=$2
	mkdir -p "$here"
	every_verb
	rm -f "$here/said" "$here/files"
}

# compare NAME TEXT: fails where a run's bytes are not the first build's; TEXT says what the run was
compare() {
	diff -r "$out/gcc-debug/runs" "$out/$1/runs" >"$out/$1/diff" ||
		{ head -20 "$out/$1/diff" | cut -c1-200; echo "same: other bytes: $2"; exit 1; }
	rm -r "$out/$1"
}

# wait_for PID...: fails where one of them does
wait_for() {
	for pid in "$@"; do wait "$pid" || exit 1; done
}

# built_in COMPILER BUILD: the folder of a build; where CC says that gcc made the release build, that one serves
built_in() {
	if [ "${CC:-} $*" = "gcc gcc release" ]; then echo build/release; else echo "build/same-$1-$2"; fi
}

for cc in gcc clang; do
	for build in debug release; do
		dir=$(built_in $cc $build)
		MAKEFLAGS= make -s -j"$(getconf _NPROCESSORS_ONLN)" BUILD=$build OUT=$dir CC=$cc $dir/lemursim check-libm >/dev/null
		sh tests/tools/check_blas.sh $dir/lemursim >/dev/null
	done
done
pids=
for cc in gcc clang; do
	(for build in debug release; do run_all $cc-$build "$(built_in $cc $build)/lemursim"; done) & pids="$pids $!"
done
wait_for $pids
for build in gcc-release clang-debug clang-release; do compare $build $build; done

# without AVX2 and FMA, as glibc sees the processor (names of glibc 2.26 to 2.32, then of later ones)
no_fma=glibc.cpu.hwcaps=-AVX2_Usable,-FMA_Usable,-FMA4_Usable,-AVX2,-FMA,-FMA4
# every verb and the catalogue on one type of core: CORE THREADS COMPILER
on_core() {
	case $1 in Prescott | Nehalem | Sandybridge) export GLIBC_TUNABLES=$no_fma ;; esac
	export OPENBLAS_CORETYPE=$1 OPENBLAS_NUM_THREADS=$2
	set -- "$1" "$3" "OPENBLAS_CORETYPE=$1 OPENBLAS_NUM_THREADS=$2 GLIBC_TUNABLES=${GLIBC_TUNABLES:-}, $3"
	dir=$(built_in "$2" release)
	run_all "$1" "$dir/lemursim"
	MAKEFLAGS= make -s OUT="$dir" CC="$2" check-catalogue-all >"$here/catalogue" ||
		{ cat "$here/catalogue"; echo "same: another catalogue: $3"; exit 1; }
	compare "$1" "$3"
}

# types of core without FMA have a C library that uses none
for pair in "Prescott 1 gcc:Haswell 1 clang" "Nehalem 2 clang:SkylakeX 2 gcc" "Sandybridge 4 gcc:Zen 4 clang"; do
	(on_core ${pair%:*}) & pids=$!
	(on_core ${pair#*:}) & pids="$pids $!"
	wait_for $pids
done
echo "same: identical bytes from gcc and clang, debug and release, for six types of core and 1, 2 and 4 threads, with and without the fused multiply-add of the C library, in $(ls "$out/gcc-debug/runs" | wc -l) commands, the catalogue included"
