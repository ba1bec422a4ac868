#!/bin/sh
# usage: accuracy_serving.sh LEMURSIM   - a table in Markdown: servers under load, predicted against measured
# (hardware/measured/serving, README.md there; their settings are scenarios/measured). Run for run as measured, with the profiles as they are: nothing is fitted to a
# row below. Capacity is the highest of the measured rates at which the 95th percentile of TTFT stays below a bound.
set -eu
tool=$1
runs=hardware/measured/serving
settings=scenarios/measured
draws=20
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
trap 'exit 130' INT TERM

# NAME FILE [OPTION...]: the rows of one comparison, with the name before them
compare() {
	name=$1 scenario=$2 file=$3
	shift 3
	"$tool" validate "$scenario" --path . --draws $draws --format csv --from "$file" "$@" > "$work/one"
	sed "1d;s|^|\"$name\",|" "$work/one" >> "$work/rows"
}

# A model's rate sweep of the open loop: MODEL FORMAT. Many answers end early: they are drawn about the mean that each step had.
sweep() {
	sed 's/"[^"]*"$/-/' $runs/dgx_spark_vllm_open_loop.csv | awk -F, -v model="$1" -v format="$2" '
	NR == 1 {
		for (i = 1; i <= NF; i++) c[$i] = i
		print "rate,requests,burstiness,changes,ttft_ms_mean,ttft_ms_p95,tpot_ms_mean,itl_ms_p50,e2el_ms_mean,out_tok_per_s"
		next
	}
	$c["model"] == model && $c["format"] == format && $c["test"] ~ /^11-rate-sweep/ {
		printf "%s,%s,%s,\"workload.serve.output.uniform=[49 tok, %.0f tok];workload.serve.prompt.uniform=[400 tok, %.0f tok]\",%s,%s,%s,%s,%s,%s\n", $c["rate_req_per_s"], \
			$c["requests"], $c["burstiness"], 2 * $c["output_tokens_mean"] - 49, 2 * $c["prompt_tokens_mean"] - 400, $c["ttft_ms_mean"], \
			$c["ttft_ms_p95"], $c["tpot_ms_mean"], $c["itl_ms_p50"], $c["e2el_ms_mean"], $c["output_tok_per_s"]
	}'
}

# MACHINE: its rows of the grid of mlx_lm.server, lengths and requests at once as they were. A chat's template adds 13 tokens to
# each prompt: output and total tok/s of docs/PERFORMANCE.md there differ by so much.
template=13
grid() {
	awk -v machine="$1" -v template=$template '
	NR == 1 {
		n = split($0, name, ",")
		for (i = 1; i <= n; i++) c[name[i]] = i
		print "concurrency,requests,changes,out_tok_per_s"
		next
	}
	{
		while (match($0, /"[^"]*"/)) $0 = substr($0, 1, RSTART - 1) "-" substr($0, RSTART + RLENGTH)
		split($0, f, ",")
		if (f[c["machine"]] == machine)
			printf "%s,%s,\"workload.serve.prompt=%s tok;workload.serve.output=%s tok\",%s\n", f[c["concurrency"]], f[c["requests"]], \
				f[c["isl"]] + template, f[c["osl"]], f[c["output_tok_per_s"]]
	}' $runs/mlx_server_escha_grids.csv
}

# NAME SCENARIO MACHINE: rows "name,prompt,answer,at once,wall measured,wall predicted": all answers are of one length, so
# that the wall time is that of requests * length tokens
walls() {
	grid "$3" > "$work/grid.csv"
	"$tool" validate "$2" --path . --draws 2 --format csv --from "$work/grid.csv" > "$work/one"
	awk -v name="$1" -v template=$template '
	NR == FNR {
		if (FNR == 1) next
		split($0, q, "\""); split($0, f, ","); split(q[2], l, /[= ]/)
		at[FNR] = f[1]; tokens[FNR] = f[2] * l[4]; prompt[FNR] = l[2] - template; answer[FNR] = l[4]
		next
	}
	FNR > 1 {
		split($0, q, "\""); split(q[3], v, ",")
		printf "%s,%d,%d,%d,%.1f,%.1f\n", name, prompt[FNR], answer[FNR], at[FNR], tokens[FNR] / v[2], tokens[FNR] / v[3]
	}' "$work/grid.csv" "$work/one" >> "$work/walls"
}

: > "$work/rows"
for run in "vLLM, RTX 4090, Llama 3.1 8B:rtx4090-vllm:vllm0190_rtx4090_llama-3.1-8b_sharegpt300" \
	"vLLM, RTX PRO 6000, Llama 3.1 8B:rtxpro6000-llama-vllm:vllm0190_rtxpro6000_llama-3.1-8b_sharegpt300" \
	"vLLM, two RTX PRO 6000, Qwen3 32B:rtxpro6000-vllm:vllm0190_rtxpro6000_qwen3-32b_sharegpt300"; do
	rest=${run#*:}
	compare "${run%%:*}" "$settings/${rest%%:*}.yaml" "$runs/${rest#*:}.csv"
done

slots=$runs/llamacpp-h200
# eight clients, each of which sends the next request when its last has ended
awk -F, -v OFS=, 'NR > 1 { $4 = 0; $5 = $6 = $7 = $8 = "" } { print }' $slots/closed_c8.csv > "$work/clients.csv"
compare "llama-server, H200, 3.1 requests/s" $settings/h200-llamacpp.yaml $slots/open_0.6.csv
compare "llama-server, H200, 8 clients" $settings/h200-llamacpp.yaml $slots/closed_c8.csv \
	--set "workload.serve.arrivals.trace=$work/clients.csv" --set workload.serve.max_in_flight=8

# gaps between tokens, which the logs do not have: RUN of summary.csv
gaps() {
	awk -F, -v run="mistral7b-f16_np8/$1" 'NR == 1 { for (i = 1; i <= NF; i++) c[$i] = i; print "itl_ms_p50,itl_ms_p90,itl_ms_p99" }
	$1 == run { print $c["itl_p50"] "," $c["itl_p90"] "," $c["itl_p99"] }' $slots/summary.csv
}
gaps open_0.6 > "$work/open.csv"
gaps closed_c8 > "$work/closed.csv"
compare "llama-server, H200, 3.1 requests/s" $settings/h200-llamacpp.yaml "$work/open.csv"
compare "llama-server, H200, 8 clients" $settings/h200-llamacpp.yaml "$work/closed.csv" \
	--set "workload.serve.arrivals.trace=$work/clients.csv" --set workload.serve.max_in_flight=8

for model in gpt-oss-20b:openai/gpt-oss-20b:mxfp4 granite-4.1-8b:ibm-granite/granite-4.1-8b:bf16 \
	ministral-3-3b:mistralai/Ministral-3-3B-Instruct-2512:bf16; do
	name=${model%%:*} rest=${model#*:}
	sweep "${rest%%:*}" "${rest#*:}" > "$work/$name.csv"
	compare "DGX Spark, $name" "$settings/spark-$name.yaml" "$work/$name.csv"
done

awk "$(cat "${0%/*}/csv_cells.awk")"'
BEGIN {
	target["vLLM ttft_s_mean"] = 5; target["vLLM tpot_s_mean"] = 5; target["vLLM e2el_s_mean"] = 3
	target["llama-server tpot_s_p50"] = 10; target["llama-server ttft_s_p50"] = 15; target["llama-server req_per_s"] = 7
	shown = " ttft_s_mean tpot_s_mean e2el_s_mean "
	print "| run | metric | measured | predicted | error | in P10-P90 | target |"
	print "|---|---|---|---|---|---|---|"
}
function abs(x) { return x < 0 ? -x : x }
function figure(x, unit) { return unit == "s" ? sprintf(x < 1 ? "%.1f ms" : "%.2f s", x < 1 ? 1000 * x : x) : sprintf("%.4g %s", x, unit) }
function step_of(rate) { return rate == "" ? "none" : rate }
function row(   t, kind) {
	kind = f[1]; sub(/,.*/, "", kind)
	t = target[kind " " f[5]]
	printf "| %s | %s | %s | %s | %+.1f %% | %s | %s |\n", f[1], f[5], figure(f[6], f[17]), figure(f[7], f[17]), 100 * f[10], \
		f[11] ? "yes" : "no", t ? sprintf("%d %%: %s", t, 100 * abs(f[10]) <= t ? "met" : "missed") : "-"
}
{
	cells($0)
	n++; within += f[11]
	if (f[1] !~ /^DGX/) {
		if (f[1] !~ /^llama/ ? index(shown, " " f[5] " ") : f[5] ~ /^(ttft_s_p50|tpot_s_p50|itl_s_p.*)$/ || (f[5] == "req_per_s" && f[1] ~ /clients/)) row()
		next
	}
	split(f[5], part, ", rate ")
	key = f[1] SUBSEP part[1]
	if (!(key in rows)) order[++keys] = key
	rows[key]++; error[key] += abs(f[10]); bias[key] += f[10]; inside[key] += f[11]
	if (part[1] == "ttft_s_p95") for (b = 2; b <= 10; b = b == 2 ? 5 : 2 * b) {
		last[f[1]] = part[2]
		if (f[6] < b && part[2] > held[f[1], b]) { held[f[1], b] = part[2]; held_at[f[1], b] = rows[key] }
		if (f[7] < b && part[2] > said[f[1], b]) { said[f[1], b] = part[2]; said_at[f[1], b] = rows[key] }
	}
}
END {
	print "\n| sweep of rates | metric | steps | mean error, size | mean error | in P10-P90 |\n|---|---|---|---|---|---|"
	for (i = 1; i <= keys; i++) {
		split(order[i], k, SUBSEP); r = rows[order[i]]
		printf "| %s | %s | %d | %.1f %% | %+.1f %% | %.0f %% |\n", k[1], k[2], r, 100 * error[order[i]] / r, \
			100 * bias[order[i]] / r, 100 * inside[order[i]] / r
	}
	print "\n| sweep of rates | TTFT p95 below | measured, requests/s | predicted | steps apart |\n|---|---|---|---|---|"
	for (i = 1; i <= keys; i++) {
		split(order[i], k, SUBSEP)
		if (k[2] != "ttft_s_p95") continue
		for (b = 2; b <= 10; b = b == 2 ? 5 : 2 * b) {
			apart = said_at[k[1], b] - held_at[k[1], b]; all++; near += abs(apart) <= 1; same += apart == 0
			open += held[k[1], b] == last[k[1]] && apart == 0
			printf "| %s | %d s | %s | %s | %+d |\n", k[1], b, step_of(held[k[1], b]), \
				step_of(said[k[1], b]), apart
		}
	}
	if (all) printf "\n%d of %d capacities are of the same step, %d within one: target 80 %%, %s. Of %d both are the end of the sweep, which says little.\n", same, all, near, (near >= 0.8 * all ? "met" : "missed"), open
	printf "\nOf %d numbers of these runs, all percentiles counted, %.0f %% lie within P10-P90: aim 70 to 90 %%.\n", n, 100 * within / n
	exit !n
}' "$work/rows"
for machine in m4-pro:apple-m4-pro-20c-48gb:"M4 Pro" m4:apple-m4-10c-24gb:M4; do
	rest=${machine#*:}
	walls "${rest#*:}" "$settings/${machine%%:*}-mlx-escha.yaml" "${rest%%:*}"
done
awk -F, '
function abs(x) { return x < 0 ? -x : x }
BEGIN {
	print "\n| mlx_lm.server, Qwen3.6 35B-A3B, wall time of a run | requests at once | runs | mean error, size | mean error | within 10 % |"
	print "|---|---|---|---|---|---|"
}
{
	kind = $4 == 1 ? "all: calibrated on" : $2 > $3 ? "prompts longer than answers" : "answers as long as prompts, or longer"
	key = $1 ", " kind "|" $4
	if (!(key in n)) order[++keys] = key
	e = $6 / $5 - 1
	n[key]++; size[key] += abs(e); bias[key] += e; near[key] += abs(e) <= 0.1
	if ($4 > 1) { all++; within += abs(e) <= 0.1 }
}
END {
	for (i = 1; i <= keys; i++) {
		k = order[i]; split(k, part, "|")
		printf "| %s | %s | %d | %.1f %% | %+.1f %% | %d |\n", part[1], part[2], n[k], 100 * size[k] / n[k], 100 * bias[k] / n[k], near[k]
	}
	printf "\nOf %d runs of several requests at once %d are within 10 %%: target all, %s.\n", all, within, within == all ? "met" : "missed"
	exit !all
}' "$work/walls"
