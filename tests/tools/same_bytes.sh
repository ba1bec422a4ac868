#!/bin/sh
# same_bytes.sh - gcc and clang, debug and release must print and write the same bytes for the same input and seed.
set -e
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
trap 'exit 130' INT TERM
measured=hardware/measured
founding=scenarios/m5-vs-m4pro.yaml

# same NAME ARGUMENT...: what it says, its exit code, and what it writes to $out/new.*
same() {
	name=$1; shift
	rc=0
	mkdir -p "$out/$name"
	rm -f "$out/new".*
	"$lemursim" "$@" >"$out/$name/said" 2>&1 </dev/null || rc=$?
	case $rc in 0 | 3 | 4) ;; *) cat "$out/$name/said"; echo "same: $lemursim $*: exit $rc"; exit 1 ;; esac
	echo "exit $rc" >>"$out/$name/said"
	for f in "$out/new".*; do [ ! -e "$f" ] || mv "$f" "$out/$name/"; done
	if [ ! -d "$out/first/$name" ]; then
		mkdir -p "$out/first"
		mv "$out/$name" "$out/first/$name"
	else
		diff -r "$out/first/$name" "$out/$name" >"$out/diff" || { head -20 "$out/diff"; echo "same: $lemursim $*: other bytes"; exit 1; }
		rm -r "$out/$name"
	fi
	n=$((n + 1))
}

every_verb() {
	for s in scenarios/*.yaml; do
		name=$(basename "$s" .yaml)
		same "simulate-$name" simulate "$s" --format json
		same "schedule-$name" schedule "$s" -o "$out/new.dot" # of the first assignment, where it fits
		same "roofline-$name" roofline "$s" -o "$out/new.dot"
		same "show-$name" show "$s"
	done
	same trace schedule "$founding" --phase train -o "$out/new.trace.json"
	same sweep sweep "$founding" --over workload.generate.batch=1,8 --over "workload.generate.prompt=128 tok,8192 tok" --format json
	same sweep-train sweep scenarios/pipeline-schedules.yaml --over workload.train.micro_batches=4,9 --metric train_tok_per_s --format json
	same optimize optimize "$founding" --goal e2el_s --best 3 --format json -o "$out/new.yaml"
	same optimize-pareto optimize "$founding" --goal ttft_s --pareto tpot_s --format json
	same optimize-train optimize "$founding" --goal train_step_s --best 2 --format json
	for seed in 1 2 3; do # five machines: annealed; of sixteen layers, to be quick
		same "anneal-$seed" optimize tests/golden/optimize-anneal/five.yaml --path . --goal decode_tok_per_s --seed $seed \
			--set model.layers=16 --set model.parameters=null --set model.sizes=null --format json -o "$out/new.yaml"
	done
	for law in cuda-2024-05-geforce mlx-2025-12-apple-m5 mps-2026-01-apple-m5; do # the quick ones
		same "law-$law" calibrate --from $measured/$law.csv --family $measured/$law.law -o "$out/new.yaml"
	done
	for f in "$measured"/*.facts.csv; do
		name=$(basename "$f" .facts.csv)
		same "samples-$name" calibrate --from "$measured/$name.csv" --facts "$f" -o "$out/new.yaml"
	done
	same runs calibrate --from tests/golden/validate-machine/runs.csv --machine apple-m4-pro-16c-24gb --model mistral-7b --path . -o "$out/new.yaml"
	same validate validate "$founding" --from tests/golden/validate-scenario-json/runs.csv --format json
	same validate-outcomes validate scenarios/clusters-spark-studio.yaml --from $measured/outcomes/clusters-spark-studio.csv --format json
	same validate-rows validate --from $measured/llama.cpp-2026-02-apple-m5.csv --family $measured/llama.cpp-2026-02-apple-m5.law --format json
	for f in tests/data/configs/*.json; do
		name=$(basename "$f" .json)
		same "import-$name" import "$f" --facts "tests/data/configs/$name.facts.yaml" -o "$out/new.yaml"
	done
	same import-gguf import tests/golden/import-gguf/toy.gguf
	same list list --format json
	same list-table list
	find scenarios hardware models -name '*.yaml' | sort >"$out/files"
	same check check $(cat "$out/files")
	for h in simulate optimize scenario model machine link; do same "help-$h" help "$h"; done
}

for cc in gcc clang; do
	for build in debug release; do
		dir=build/same-$cc-$build
		MAKEFLAGS= make -s -j"$(getconf _NPROCESSORS_ONLN)" BUILD=$build OUT=$dir CC=$cc $dir/lemursim >/dev/null
		lemursim=$dir/lemursim n=0
		every_verb
	done
done
echo "same: identical bytes from gcc and clang, debug and release, in $n commands"
