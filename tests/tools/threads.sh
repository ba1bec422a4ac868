#!/bin/sh
# threads.sh PROGRAM [N...]: every verb that takes -j prints and writes the same bytes, and exits alike, with N threads (2, 4
# and 8 if not said) as with one.
# Built with -fsanitize=thread (make san-tsan) the program also exits with another code where two threads meet.
set -e
program=$1
shift
[ $# != 0 ] || set -- 2 4 8
more=$*
out=$(mktemp -d)
trap 'rm -rf "$out"' EXIT
trap 'exit 130' INT TERM
measured=hardware/measured
n=0

run() {
	rc=0
	"$program" "$@" >"$out/said" 2>&1 </dev/null || rc=$?
	{ cat "$out/said"; [ ! -e "$out/new.yaml" ] || cat "$out/new.yaml"; echo "exit $rc"; } | sed "s|$out|OUT|g"
	rm -f "$out/new.yaml"
}

same() {
	run "$@" -j 1 >"$out/one"
	case $(tail -n 1 "$out/one") in "exit 66" | "exit 1"*) cat "$out/one"; exit 1 ;; esac
	for threads in $more; do
		run "$@" -j $threads >"$out/more"
		cmp -s "$out/one" "$out/more" ||
			{ diff "$out/one" "$out/more" | head -40 | cut -c1-300; echo "threads: $* -j $threads: other bytes than with one thread"; exit 1; }
	done
	n=$((n + 1))
}

founding=scenarios/m5-vs-m4pro.yaml
served=scenarios/serve-m5-m4pro.yaml
short="--set workload.serve.requests=60 --set workload.serve.replications=3"
same simulate $founding --draws 40 --format json
same simulate $served $short --draws 4 --format json
same sweep $founding --over workload.generate.batch=1,2,4,8,16 --draws 20 --format json
same sweep $founding --over workload.generate.batch=1,2,0,3,-1 --draws 20 # the first cell that is wrong is told of
same sweep scenarios/pipeline-schedules.yaml --over workload.train.micro_batches=4,9 --draws 10 --format csv
same sweep $served $short --over workload.serve.arrivals.users=2,4 --draws 3 --format json
same plan scenarios/plan-batch.yaml --format json -o "$out/new.yaml"
same plan scenarios/plan-team-30.yaml --set "plan.machines={m5: apple-m5-max-40c-64gb}" --set plan.spare=0 --set "plan.slots=[4]" \
	--set workload.serve.arrivals.users=4 --format json # it holds: capacity, chance and calibration are searched
same plan scenarios/plan-four-users-70b.yaml --set "plan.machines={any: {kind: m4, price: \"<= 3000 USD\"}}" --set plan.runtimes=[llama.cpp] \
	--set plan.weights=[q3_K_M] --set workload.serve.requests=40 --format json # a catalogue is read by several threads
same optimize $founding --goal train_tok_per_s --draws 4 --format json # exact: candidates are run ahead of their turn
same optimize $founding --goal e2el_s --subject-to "ttft_s <= 1.5 s" --draws 2 --format json -o "$out/new.yaml"
same optimize $founding --goal decode_tok_per_s --pareto energy_J_per_tok --budget 40 --draws 2
same optimize tests/golden/optimize-anneal/five.yaml --path . --goal decode_tok_per_s --budget 60 --draws 2 --format json
same validate $founding --from tests/golden/validate-scenario-json/runs.csv --format json
same validate scenarios/clusters-spark-studio.yaml --from $measured/outcomes/clusters-spark-studio.csv --format json
same validate --from $measured/mps-2026-01-apple-m5.csv --family $measured/mps-2026-01-apple-m5.family.yaml --format json
same calibrate --from $measured/mps-2026-01-apple-m5.csv --family $measured/mps-2026-01-apple-m5.family.yaml -o "$out/new.yaml"
echo "threads: $n commands say the same with $more threads as with one"
