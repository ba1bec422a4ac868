#!/bin/sh
# scale.sh PROGRAM BENCH [--check FILE | --update FILE]: what evaluations cost and how that grows, as a table:
# instructions (valgrind), processor time and peak memory, beside what they were before they were worked on and what they are to
# be (tests/bench/goals). BENCH is tests/bench, which counts flows and measures a program's time and memory.
#
# FILE has the instructions that were counted once, and the memory, a line each. --check counts again and fails where they are more than a
# quarter more: what a compiler or a C library changes is less, what grows with a wrong power is more. Where they are a
# quarter fewer it asks for --update, which writes the file.
set -e
program=$1 bench=$2 mode=$3 expected=$4
margin=1.25
command -v valgrind >/dev/null || sh "$(dirname "$0")/install.sh" valgrind
command -v valgrind >/dev/null || { echo "bench: skipped: no valgrind"; [ -z "${CI:-}" ]; exit; }
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
trap 'exit 130' INT TERM
founding=scenarios/m5-vs-m4pro.yaml

# instructions that a command takes
instructions() {
	valgrind --tool=callgrind --callgrind-out-file=/dev/null "$@" 2>&1 >/dev/null | awk '/Collected/ { print $4 }'
}
# a row of the table: its name and what is measured now; before and goal are of rows in the same units
row() {
	awk -F'\t' -v name="$1" -v now="$2" '
		function units(text) { gsub(/[0-9.-]+ */, "", text); return text }
		$1 == name && (units($2) == units(now) || units($3) == units(now)) { before = $2; goal = $3 }
		END {
			n = split(goal, wanted, " ")
			split(now, is, " ")
			for (i = 1; i <= n; i++) if (wanted[i] ~ /^[0-9.]+$/) { said = 1; if (is[i] + 0 > wanted[i] + 0) missed = 1 }
			printf "%-54s %-25s %-22s %-20s %s\n", name, before, now, goal, said ? (missed ? "missed" : "met") : ""
		}' tests/bench/goals
}
millions() { awk -v x="$1" 'BEGIN { if (x < 1e6) printf "%.0f instructions", x; else printf "%.1f M instructions", x / 1e6 }'; }
ratio_of() { awk -v a="$1" -v b="$2" 'BEGIN { printf "%.1f times", a / b }'; }
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

# four equal stages of Llama 3.1 8B under GPipe, which holds every micro-batch
gpipe() {
	cat <<-END
		schema: lemursim/scenario/1
		title: 8B under GPipe
		model: llama-3.1-8b
		precision: {weights: f16, kv: f16, compute: f16}
		runtime: cuda
		machines: {m: {base: nvidia-dgx-spark-128gb, count: 4}}
		links: {lan: {base: ethernet-200g-connectx-7, switch: [m]}}
		workload:
		  train: {method: full, optimizer: adam8bit, recompute: full, tokens: 128 tok, micro_batches: $1, schedule: gpipe}
		assignments:
		  - name: stages
		    place: [{on: m0}, {layers: 8-15, on: m1}, {layers: 16-23, on: m2}, {layers: 24-31, on: m3}, {op: head, on: m3}]
	END
}

# a row of instructions; with --check or --update kept for the comparison
counted() {
	case $mode in
	--*) printf '%.0f %s\n' "$2" "$1" ;;
	*) row "$1" "$(millions "$2")" ;;
	esac
}
# a row of memory, in kB, likewise
weighed() {
	name=$1
	shift
	kB=$("$bench" cost "$@" | awk '{ printf "%.0f", $3 * 1000 }')
	case $mode in
	--*) printf '%s kB of memory: %s\n' "$kB" "$name" ;;
	*) row "$name" "$(awk -v x="$kB" 'BEGIN { printf "%.0f MB", x / 1000 }')" ;;
	esac
}
# instructions of a look at a candidate of the annealing: those of so many chains more, by the looks more that they are
looked_at() {
	for chains in "$2" "$3"; do
		valgrind --tool=callgrind --callgrind-out-file=/dev/null "$bench" looks "$1" "$chains" 2>&1 |
			awk '/looks/ && /each/ { looks = $1 } /Collected/ { print looks, $4 }'
	done | awk '{ n[NR] = $1; of[NR] = $2 } END { printf "%.0f", (of[2] - of[1]) / (n[2] - n[1]) }'
}
slope() { awk -v a="$1" -v b="$2" -v n="$3" 'BEGIN { printf "%.0f", (b - a) / n }'; }

evaluations() {
	counted "simulate the founding case" "$(instructions "$program" simulate $founding -j 1)"
	counted "check the founding case" "$(instructions "$program" check $founding)"
	counted "list" "$(instructions "$program" list)"
	counted "ask about one machine" "$(instructions "$program" ask llama-3.1-8b --on m4-pro-24gb)"
	counted "optimize the founding case for training" \
		"$(instructions "$program" optimize $founding --goal train_tok_per_s --draws 2 -j 1)"
	one=$(instructions "$program" sweep $founding --over workload.generate.batch=1 -j 1)
	five=$(instructions "$program" sweep $founding --over workload.generate.batch=1,2,4,8,16 -j 1)
	counted "a cell of a sweep" "$(slope "$one" "$five" 4)"
	counted "a look at a candidate, GPT-3 on 64 GPUs" "$(looked_at tests/published/megatron-175b.yaml 1 3)"
	pipeline 16 64 >"$out/groups.yaml"
	set -- "$program" simulate "$out/groups.yaml" --path . --draws 2 -j 1
	counted "405B over 16 machines, 64 groups in flight" "$(instructions "$@")"
	weighed "405B over 16 machines, 64 groups in flight" "$@"
	set -- "$program" simulate tests/published/megatron-175b.yaml --set workload.train.micro_batches=4096 --draws 2 -j 1
	counted "GPT-3 on 64 GPUs, interleaved, 4096 micro-batches" "$(instructions "$@")"
	weighed "GPT-3 on 64 GPUs, interleaved, 4096 micro-batches" "$@"
	gpipe 4096 >"$out/gpipe.yaml"
	set -- "$program" simulate "$out/gpipe.yaml" --path . --draws 2 -j 1
	counted "8B over 4 machines, GPipe, 4096 micro-batches" "$(instructions "$@")"
	weighed "8B over 4 machines, GPipe, 4096 micro-batches" "$@"
}
per_step() { # of a list of events, so many pending
	some=$(instructions "$bench" hold "$1" "$2" 20000)
	slope "$some" "$(instructions "$bench" hold "$1" "$2" 120000)" 100000
}
served() { instructions "$program" simulate scenarios/serve-mac.yaml --set "workload.serve.requests=$1" --draws 2 -j 1; }
events() {
	for n in 1000 100000; do
		counted "an event taken and one put, $n pending" "$(per_step evq $n)"
	done
	if [ -z "$mode" ]; then
		for n in 1000 100000; do
			row "the same of a minimal 4-ary heap and ladder, $n pending" "$(per_step heap $n) $(per_step ladder $n)"
		done
	fi
	some=$(instructions "$bench" mm1 20000)
	counted "a customer of M/M/1" "$(slope "$some" "$(instructions "$bench" mm1 120000)" 100000)"
	ten=
	for n in 10 100 1000; do
		some=$(instructions "$bench" flows $n 2000)
		end=$(slope "$some" "$(instructions "$bench" flows $n 4000)" 2000)
		ten=${ten:-$end}
		counted "an end of a flow, $n at once" "$end"
	done
	case $mode in --*) ;; *) row "an end of a flow, 1000 by 10 at once" "$(ratio_of "$end" "$ten")" ;; esac
	counted "a request of a server" "$(slope "$(served 2000)" "$(served 6000)" 4000)"
}

# N equal machines on a switch, a model to place
fleet() {
	printf '%s\n' "schema: lemursim/scenario/1" "title: where to" "model: $2" "precision: {weights: $3, kv: f16, compute: f16}" "runtime: $4" \
		"machines: {m: {base: $5, count: $1}}" "topology: {switch: ethernet-10g}" "workload: {generate: {prompt: 512 tok, tokens: 64 tok}}"
}
# a row of a search: processor time and memory
searched() {
	fleet "$2" "$3" "$4" "$5" "$6" >"$out/fleet.yaml"
	row "optimize $1 on $2 machines" "$("$bench" cost "$program" optimize "$out/fleet.yaml" -p . --goal decode_tok_per_s -j 1)"
}

case $mode in
--*) ;;
*) printf '%-54s %-25s %-22s %-20s\n' "" "before (28 Nov 2026)" now goal ;;
esac
# counts do not depend on what else runs
events >"$out/events" & pid=$!
evaluations | tee "$out/counted"
wait $pid
tee -a "$out/counted" <"$out/events"
if [ "$mode" = --update ]; then
	mkdir -p "$(dirname "$expected")" && mv "$out/counted" "$expected"
	exit
elif [ "$mode" = --check ]; then
	awk -v margin=$margin -v expected="$expected" '
		NR == FNR { n = $1; $1 = ""; was[$0] = n; next }
		{ n = $1; $1 = ""; seen++ }
		!($0 in was) { print "bench:" $0 " is not in " expected; bad = 1; next }
		n > margin * was[$0] { printf "bench:%s: %.0f, %.0f are expected\n", $0, n, was[$0]; bad = 1 }
		n < was[$0] / margin { printf "bench:%s: %.0f, fewer than the expected %.0f: make bench-update\n", $0, n, was[$0]; bad = 1 }
		END { if (!bad) print "bench: " seen " counts of instructions and sizes are as expected"; exit bad || !seen }' "$expected" "$out/counted"
	exit
fi
few=
for n in 64 512 4096; do
	cost=$("$bench" cost "$program" simulate scenarios/pipeline-schedules.yaml --set workload.train.micro_batches=$n --draws 2 -j 1)
	few=${few:-$cost}
	row "training, 6 schedules, $n micro-batches" "$cost"
done
row "training, 6 schedules, 4096 by 64 micro-batches" "$(ratio_of "${cost%% *}" "${few%% *}")"
for n in 16 64; do
	row "405B on 1,024 GPUs, interleaved, $n micro-batches" \
		"$("$bench" cost "$program" simulate tests/published/llama3-405b.yaml --set workload.train.data_parallel=8 \
			--set "workload.train.micro_batches=$((8 * n))" --draws 2 -j 1)"
done
for n in 64 4096; do
	row "GPT-3 on 64 GPUs, interleaved, $n micro-batches" \
		"$("$bench" cost "$program" simulate tests/published/megatron-175b.yaml --set "workload.train.micro_batches=$n" --draws 2 -j 1)"
done
for n in 64 4096; do
	gpipe $n >"$out/gpipe.yaml"
	row "8B over 4 machines, GPipe, $n micro-batches" \
		"$("$bench" cost "$program" simulate "$out/gpipe.yaml" --path . --draws 2 -j 1)"
done
for n in 1 4 16 64; do
	pipeline 16 $n >"$out/groups.yaml"
	row "405B over 16 machines, $n groups in flight" \
		"$("$bench" cost "$program" simulate "$out/groups.yaml" --path . --draws 2 -j 1)"
done
searched 70B 4 llama-3.3-70b q4_0 mps apple-m4-pro-20c-64gb
searched Qwen3-30B-A3B 4 qwen3-30b-a3b q4_0 mps apple-m4-pro-20c-64gb
searched 405B 8 llama-3.1-405b q4_0 mps apple-m3-ultra-80c
searched 405B 16 llama-3.1-405b f16 mps apple-m3-ultra-80c
