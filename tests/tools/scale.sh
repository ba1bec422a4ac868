#!/bin/sh
# scale.sh PROGRAM BENCH [quick]: what evaluations cost and how that grows, as a table: instructions (valgrind), processor time
# and peak memory. BENCH is tests/bench, which counts flows and measures a program's time and memory. quick: without the
# sizes that take minutes.
set -e
program=$1 bench=$2 quick=$3
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
trap 'exit 130' INT TERM
founding=scenarios/m5-vs-m4pro.yaml

# instructions that a command takes
instructions() {
	valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 >/dev/null | awk '/Collected/ { print $4 }'
}
row() { printf '%-58s %s\n' "$1" "$2"; }
millions() { awk -v x="$1" 'BEGIN { printf "%.1f M instructions", x / 1e6 }'; }
# the slope between two counts, n items apart
each() { awk -v a="$1" -v b="$2" -v n="$3" 'BEGIN { printf "%.2f M instructions", (b - a) / n / 1e6 }'; }

# N machines in a mesh, a pipeline of equal stages of Llama 3.1 405B, so many groups of sequences in flight
pipeline() {
	awk -v n="$1" -v groups="$2" 'BEGIN {
		print "schema: lemursim/scenario/1\ntitle: 405B in a pipeline\nmodel: llama-3.1-405b"
		print "precision: {weights: f16, kv: f16, compute: f16}\nruntime: mps\nmachines:"
		for (i = 0; i < n; i++) print "  m" i ": apple-m3-ultra-80c"
		print "links:"
		for (i = 0; i < n; i++) for (k = i + 1; k < n; k++)
			print "  l" i "_" k ": {base: thunderbolt-5-rdma, between: [m" i ", m" k "]}"
		print "workload:\n  generate: {prompt: 871 tok, tokens: 256 tok, batch: " groups "}"
		print "assignments:\n  - name: pipeline\n    generate: {micro_batches: " groups "}\n    place:\n      - {on: m0}"
		for (i = 1; i < n; i++) print "      - {layers: " int(i * 126 / n) "-" int((i + 1) * 126 / n) - 1 ", on: m" i "}"
		print "      - {op: head, on: m" n - 1 "}"
	}'
}

row "simulate the founding case" "$(millions "$(instructions "$program" simulate $founding -j 1)")"
row "list" "$(millions "$(instructions "$program" list)")"
one=$(instructions "$program" sweep $founding --over workload.generate.batch=1 -j 1)
five=$(instructions "$program" sweep $founding --over workload.generate.batch=1,2,4,8,16 -j 1)
row "a cell of a sweep" "$(each "$one" "$five" 4)"
for n in 10 100 1000; do
	some=$(instructions "$bench" flows $n 2000)
	more=$(instructions "$bench" flows $n 4000)
	row "an end of a flow, $n at once" "$(each "$some" "$more" 2000)"
done
for n in 8 32 128 $([ "$quick" ] || echo 512); do
	row "training, 6 schedules, $n micro-batches" \
		"$("$bench" cost "$program" simulate scenarios/pipeline-schedules.yaml --set workload.train.micro_batches=$n --draws 2 -j 1)"
done
for n in 1 4 16 $([ "$quick" ] || echo 64); do
	pipeline 16 $n >"$out/groups.yaml"
	row "405B over 16 machines, $n groups in flight" \
		"$("$bench" cost "$program" simulate "$out/groups.yaml" --path . --draws 2 -j 1)"
done
