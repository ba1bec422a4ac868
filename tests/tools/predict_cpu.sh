#!/bin/sh
# predict_cpu.sh LEMURSIM TRANSFORMER [TIMES] [PLAN...] - calibrates this machine's CPU, predicts the small
# transformer's prefill at three lengths and decode at three depths, runs it, and compares; TIMES over. Exit 3
# where an error is above 10 %. THREADS in the environment: that many instead of all cores. Not a part of
# `make check`: a shared machine is no ruler.
set -eu
lemursim=$1 transformer=$2 times=${3:-1}
[ $# -gt 3 ] && shift 3 || shift $#
plan=${*:---quick}
threads=${THREADS:-$(getconf _NPROCESSORS_ONLN)}
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT INT TERM
mkdir -p "$dir/models" "$dir/hardware"

cat >"$dir/models/small.yaml" <<'EOF'
schema: lemursim/model/1
title: Small transformer of the tests
source: tests/transformer.c
layers: 8
hidden: 1024
vocabulary: 8192
attention: {heads: 8, kv_heads: 4, head_dim: 128}
ffn: {kind: swiglu, inner: 2816}
tied_head: false
EOF

# scenario PROMPT TOKENS
scenario() {
	cat >"$dir/scenario.yaml" <<EOF
schema: lemursim/scenario/1
title: Small transformer on this machine's CPU
model: small
precision: {weights: f32, kv: f32, compute: f32}
runtime: cblas
machines: {here: here}
workload: {generate: {prompt: $1 tok, tokens: $2 tok, batch: 1}}
assignments:
  - name: all here
    place: [{on: here}]
EOF
}

# metric NAME: its value out of the JSON of the scenario
metric() {
	"$lemursim" simulate --format json "$dir/scenario.yaml" | tr -d ' \n' |
		sed -n "s/.*\"$1\":{\"value\":\([-+0-9.eE]*\).*/\1/p"
}

missed=0
i=1
while [ "$i" -le "$times" ]; do
	"$transformer" -t "$threads" -r 5 >"$dir/before.csv"
	"$lemursim" calibrate --backend cpu --threads "$threads" $plan -f -o "$dir/hardware/here.yaml" >"$dir/log" ||
		{ cat "$dir/log"; exit 1; }
	"$transformer" -t "$threads" -r 5 >"$dir/after.csv"
	printf 'run %d: %s rejected of %s cases\n' "$i" "$(grep -c rejected: "$dir/log" || true)" "$(grep -c ' %, ' "$dir/log")"
	while IFS=, read -r kind prompt gen depth seconds rest; do
		[ "$kind" = kind ] && continue
		again=$(awk -F, -v k="$kind" -v p="$prompt" -v d="$depth" '$1 == k && $2 == p && $4 == d {print $5}' "$dir/after.csv")
		if [ "$kind" = pp ]; then
			scenario "$prompt" 2
			predicted=$(metric ttft_s)
		else
			scenario "$depth" $((gen + 1))
			predicted=$(metric tpot_s | awk -v n="$gen" '{print $1 * n}')
		fi
		# measured before and after the calibration: the mean; their difference shows the machine's own drift
		awk -v k="$kind" -v p="$prompt" -v d="$depth" -v b="$seconds" -v a="$again" -v s="$predicted" 'BEGIN {
			m = (a + b) / 2; e = s / m - 1
			printf "  %s %-6s measured %8.2f ms (%.2f, %.2f)  predicted %8.2f ms  error %+6.1f %%\n",
				k, k == "pp" ? p : "@ " d, 1e3 * m, 1e3 * b, 1e3 * a, 1e3 * s, 100 * e
			exit !(e < -0.1 || e > 0.1) }' && missed=$((missed + 1)) || :
	done <"$dir/before.csv"
	i=$((i + 1))
done
if [ "$missed" -gt 0 ]; then
	echo "$missed of $((6 * times)) above 10 %"
	exit 3
fi
echo "all within 10 %"
