# coverage.awk - are intervals as wide as errors? awk -f csv_cells.awk -f coverage.awk ROWS, rows of `lemursim validate
# --format csv` without their heads, each with a last cell `run` or `outcome` (accuracy.sh): Markdown.
#
# An interval from P10 to P90 holds four of five rows. Rows of one machine share a part of their error, and those of one model on
# it a further part, so that a set of them is inside or outside as a whole, and the share of its rows inside says less than
# their number. How large those parts are is estimated over all sets: errors in standard deviations of their intervals, cut at 4, in
# a nested analysis of variance (rows in models in machines in sets), whose mean is known to be 0. With them the chance of each
# number of rows inside follows under right widths: errors are normal sums of the three parts, and over what rows share is
# integrated. A set is too narrow, or too wide, where so few rows inside, or so many, have a chance below 5 %. Expected are
# the numbers of sets below 70 %, between, and above 90 % that right widths would have.
# The score is the mean interval score of logarithms (Gneiting and Raftery, JASA 102, 2007, eq. 43, at 80 %): width, and ten times
# what a row is outside.
BEGIN {
	p90 = 1.2815515655446004; cut = 4; rare = 0.05
	holes = split("in no fit,model left out,chip left out", hole, ",")
}
function min(a, b) { return a < b ? a : b }
function max(a, b) { return a > b ? a : b }
# Abramowitz and Stegun, 26.2.17
function below(x,   t, y) {
	t = 1 / (1 + 0.2316419 * (x < 0 ? -x : x))
	y = exp(-x * x / 2) / sqrt(2 * 3.14159265358979) * t * (0.319381530 + t * (-0.356563782 + t * (1.781477937 + t * (-1.821255978 + t * 1.330274429))))
	return x < 0 ? y : 1 - y
}
function take(h, lo, hi,   s, z, half, off, word) {
	if (!(lo > 0) || !(hi > lo) || !(f[5] > 0)) return
	split(f[4], word, " ")
	s = h SUBSEP f[1]
	if (!(s in rows)) { name[h, ++sets[h]] = f[1] }
	rows[s]++; n[h]++
	half = log(hi / lo) / 2
	off = log(f[5]) - log(lo * hi) / 2
	z = off / half * p90
	inside[s] += z >= -p90 && z <= p90
	score[h] += 2 * half + 10 * max(0, (off < 0 ? -off : off) - half)
	z = max(-cut, min(cut, z))
	m = s SUBSEP f[2]
	c = m SUBSEP word[1]
	if (!(m in size)) { machine[s, ++machines[s]] = m; all_machines[h]++ }
	if (!(c in size)) { model[m, ++models[m]] = c; models_of[s]++; all_models[h]++ }
	size[m]++; size[c]++; sum[m] += z; sum[c] += z; squares[h] += z * z
}
{
	cells($0)
	if (f[15] == 1 && f[9] != "") take(1, f[7], f[8])
	if (f[11] != "") take(2, f[22], f[23])
	if (f[13] != "") take(3, f[24], f[25])
}
# of_machines[h], of_models[h]: the parts of the variance that rows of one machine, and of one model on it, have in common.
function share(h,   i, j, k, s, m, c, by_machine, by_model, uneven, left, model_part, machine_part, total) {
	for (i = 1; i <= sets[h]; i++) {
		s = h SUBSEP name[h, i]
		for (j = 1; j <= machines[s]; j++) {
			m = machine[s, j]
			by_machine += sum[m] * sum[m] / size[m]
			for (k = 1; k <= models[m]; k++) {
				c = model[m, k]
				by_model += sum[c] * sum[c] / size[c]
				uneven += size[c] * size[c] / size[m]
			}
		}
	}
	left = n[h] > all_models[h] ? (squares[h] - by_model) / (n[h] - all_models[h]) : 0
	model_part = n[h] > uneven ? max(0, (by_model - by_machine - (all_models[h] - all_machines[h]) * left) / (n[h] - uneven)) : 0
	machine_part = max(0, (by_machine - all_machines[h] * left - uneven * model_part) / n[h])
	total = max(left + model_part + machine_part, 1e-9)
	of_machines[h] = min(0.99, machine_part / total)
	of_models[h] = min(0.99 - of_machines[h], model_part / total)
}
# chance[0..m]: of m rows of a model so many inside, where the machine's part is `off`
function of_model(m, off, h, chance,   v, w, total, q, i, k, at, own, rest) {
	for (i = 0; i <= m; i++) chance[i] = 0
	own = sqrt(of_models[h]); rest = sqrt(1 - of_machines[h] - of_models[h])
	for (v = -20; v <= 20; v++) {
		w = exp(-v * v / 50)
		total += w
		q = below((p90 - off - own * v / 5) / rest) - below((-p90 - off - own * v / 5) / rest)
		at[0] = w
		for (i = 1; i <= m; i++) {
			at[i] = at[i - 1] * q
			for (k = i - 1; k > 0; k--) at[k] = at[k] * (1 - q) + at[k - 1] * q
			at[0] *= 1 - q
		}
		for (i = 0; i <= m; i++) chance[i] += at[i]
	}
	for (i = 0; i <= m; i++) chance[i] /= total
}
# to[0..a + b] = of the sum of two numbers; `to` may be the first
function add(first, a, second, b, to,   i, j, both) {
	for (i = 0; i <= a + b; i++) both[i] = 0
	for (i = 0; i <= a; i++) for (j = 0; j <= b; j++) both[i + j] += first[i] * second[j]
	for (i = 0; i <= a + b; i++) to[i] = both[i]
}
function of_machine(m, h, chance,   u, w, total, i, k, done, one, here) {
	for (i = 0; i <= size[m]; i++) chance[i] = 0
	for (u = -20; u <= 20; u++) {
		w = exp(-u * u / 50)
		total += w
		here[0] = w
		done = 0
		for (k = 1; k <= models[m]; k++) {
			of_model(size[model[m, k]], sqrt(of_machines[h]) * u / 5, h, one)
			add(here, done, one, size[model[m, k]], here)
			done += size[model[m, k]]
		}
		for (i = 0; i <= done; i++) chance[i] += here[i]
	}
	for (i = 0; i <= size[m]; i++) chance[i] /= total
}
function of_set(s, h, chance,   j, done, one) {
	chance[0] = 1
	for (j = 1; j <= machines[s]; j++) {
		of_machine(machine[s, j], h, one)
		add(chance, done + 0, one, size[machine[s, j]], chance)
		done += size[machine[s, j]]
	}
}
# 1: below 70 %, 2: between, 3: above 90 %
function place(k, m) { return k < 0.7 * m ? 1 : k > 0.9 * m ? 3 : 2 }
function judge(h,   i, k, s, m, less, more, chance, expected, seen, can, had, total) {
	share(h)
	for (i = 1; i <= sets[h]; i++) {
		s = h SUBSEP name[h, i]; m = rows[s]; total += inside[s]
		of_set(s, h, chance)
		less = more = had = 0
		for (k = 0; k <= m; k++) {
			expected[place(k, m)] += chance[k]
			if (k <= inside[s]) less += chance[k]
			if (k >= inside[s]) more += chance[k]
			if (place(k, m) == 2) had = 1
		}
		can += had
		seen[place(inside[s], m)]++
		if (less < rare || more < rare)
			missed[++misses] = sprintf("| %s | %s | %d | %d, %d | %.0f %% | %s, %.1f %% |", name[h, i], hole[h], m, machines[s], models_of[s], 100 * inside[s] / m, less < rare ? "too narrow" : "too wide", 100 * min(less, more))
		narrow[h] += less < rare; wide[h] += more < rare
	}
	printf "| %s | %d | %.0f %% | %.3f | %.2f + %.2f | %d (%d) | %d + %d + %d | %.0f + %.0f + %.0f | %d + %d |\n", hole[h], n[h], 100 * total / n[h], score[h] / n[h], of_machines[h], of_models[h], sets[h], can, \
		seen[1], seen[2], seen[3], expected[1], expected[2], expected[3], narrow[h], wide[h]
}
END {
	print "| rows | number | inside | score | shared by machine + model | sets (of numbers that can be within 70 to 90 %) | below + within + above | of right widths | too narrow + too wide |"
	print "|---|---|---|---|---|---|---|---|---|"
	for (h = 1; h <= holes; h++) if (n[h]) judge(h)
	print "\n| set | rows | number | machines, models on them | inside | verdict, chance |"
	print "|---|---|---|---|---|---|"
	for (i = 1; i <= misses; i++) print missed[i]
}
