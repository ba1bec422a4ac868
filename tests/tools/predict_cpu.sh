#!/bin/sh
# predict_cpu.sh LEMURSIM TRANSFORMER [ROUNDS] [PLAN...] - calibrates this machine's CPU, predicts the small transformer's
# prefill at three lengths and decode at three depths, runs it, and compares, on all cores and on one.
#
# A round: the transformer, a calibration, the transformer again. Measured is the median of all runs of a case, predicted
# the median over the calibrations; "runs differ" is how far apart the slowest and the fastest run are: where that is
# more than 10 %, or a calibration rejected a tenth of its cases, something else ran on the machine, and it is said.
# Exit 3 where an error is above 10 %. THREADS="1 4" in the environment: these instead of all and one.
# Not a part of `make check`: a shared machine is no ruler.
set -eu
lemursim=$1 transformer=$2 rounds=${3:-3}
[ $# -gt 3 ] && shift 3 || shift $#
plan=${*:---quick}
cores=$(getconf _NPROCESSORS_ONLN)
[ "$cores" -gt 1 ] && both="$cores 1" || both=1
dir=$(mktemp -d)
trap 'rm -rf "$dir"' EXIT INT TERM
mkdir -p "$dir/models" "$dir/hardware"

cat >"$dir/models/small.yaml" <<'EOT'
schema: lemursim/model/1
title: Small transformer of the tests
source: tests/transformer.c
layers: 8
hidden: 1024
vocabulary: 8192
attention: {heads: 8, kv_heads: 4, head_dim: 128}
ffn: {kind: swiglu, inner: 2816}
tied_head: false
EOT

# predict KIND PROMPT GEN DEPTH: seconds
predict() {
	if [ "$1" = pp ]; then prompt=$2 tokens=2 metric=ttft_s times=1; else prompt=$4 tokens=$(($3 + 1)) metric=tpot_s times=$3; fi
	cat >"$dir/scenario.yaml" <<EOT
schema: lemursim/scenario/1
title: Small transformer on this machine's CPU
model: small
precision: {weights: f32, kv: f32, compute: f32}
runtime: cblas
machines: {here: here}
workload: {generate: {prompt: $prompt tok, tokens: $tokens tok, batch: 1}}
assignments:
  - name: all here
    place: [{on: here}]
EOT
	"$lemursim" simulate --format json "$dir/scenario.yaml" | tr -d ' \n' |
		sed -n "s/.*\"$metric\":{\"value\":\([-+0-9.eE]*\).*/\1/p" | awk -v n="$times" '{print $1 * n}'
}

# run THREADS: the transformer's rows, as "THREADS measured KIND PROMPT GEN DEPTH SECONDS"
run() {
	"$transformer" -t "$1" -r 5 >"$dir/runs.csv"
	awk -F, -v t="$1" 'NR > 1 {print t, "measured", $1, $2, $3, $4, $5}' "$dir/runs.csv" >>"$dir/rows"
}

# round THREADS
round() {
	run "$1"
	tries=3
	until "$lemursim" calibrate --backend cpu --threads "$1" $plan -f -o "$dir/hardware/here.yaml" >"$dir/log"; do
		tries=$((tries - 1))
		[ "$tries" -gt 0 ] || { cat "$dir/log"; exit 1; }
		echo "this machine was disturbed: calibrating again" >&2
	done
	echo "$1 rejected $(grep -c rejected: "$dir/log" || true) $(grep -c ' %, ' "$dir/log")" >>"$dir/rows"
	run "$1"
	awk -F, 'NR > 1 {print $1, $2, $3, $4}' "$dir/runs.csv" >"$dir/cases"
	while read -r kind prompt gen depth; do
		echo "$1 predicted $kind $prompt $gen $depth $(predict "$kind" "$prompt" "$gen" "$depth")" >>"$dir/rows"
	done <"$dir/cases"
}

i=1
while [ "$i" -le "$rounds" ]; do
	for threads in ${THREADS:-$both}; do
		echo "round $i of $rounds, $threads thread(s)" >&2
		round "$threads"
	done
	i=$((i + 1))
done

awk '
	function median(list, n, i, j, x, v) {
		n = split(list, v, " ")
		for (i = 2; i <= n; i++) {
			x = v[i] + 0
			for (j = i - 1; j >= 1 && v[j] + 0 > x; j--) v[j + 1] = v[j]
			v[j + 1] = x
		}
		least = v[1]; most = v[n]
		return n % 2 ? v[(n + 1) / 2] + 0 : (v[n / 2] + v[n / 2 + 1]) / 2
	}
	$2 == "rejected" { bad += $3; all += $4; next }
	{
		key = $1 " " $3 " " $4 " " $6
		if (!(key in measured) && !(key in predicted)) order[++n] = key
		if ($2 == "measured") measured[key] = measured[key] " " $7
		else predicted[key] = predicted[key] " " $7
	}
	END {
		printf "%-8s %-10s %12s %12s %9s %12s\n", "threads", "case", "predicted", "measured", "error", "runs differ"
		for (i = 1; i <= n; i++) {
			split(order[i], k, " ")
			p = median(predicted[order[i]]); m = median(measured[order[i]])
			apart = most / least - 1; error = p / m - 1
			printf "%-8s %-10s %9.2f ms %9.2f ms %+7.1f %% %10.1f %%\n", k[1], k[2] == "pp" ? "pp" k[3] : "tg @ " k[4],
				1e3 * p, 1e3 * m, 100 * error, 100 * apart
			size = error < 0 ? -error : error
			within += size <= 0.1
			if (size > worst) worst = size
			if (apart > 0.1) noisy++
		}
		printf "%d of %d within 10 %%, worst %.1f %%; the calibrations rejected %d of %d cases\n", within, n, 100 * worst, bad, all
		if (noisy || bad > 0.1 * all)
			printf "the machine was disturbed: %d of %d cases were measured more than 10 %% apart\n", noisy, n
		exit within == n ? 0 : 3
	}' "$dir/rows"
