# coverage.awk - are intervals as wide as errors? awk -f coverage.awk ROWS, rows of `lemursim validate --format csv` without
# their heads, each with a last cell `run` or `outcome` (accuracy.sh): Markdown.
#
# An interval from P10 to P90 holds four of five rows. Rows of one model on one machine share most of their error, and without
# their chip those of one machine do, so that a set of them is inside or outside as a whole, and the share of its rows inside
# says less than their number. The correlation of errors within such a group is estimated over all sets: errors in standard
# deviations of their intervals, cut at 4, in an analysis of variance by one factor, whose mean is known to be 0. With it the chance of
# each number of rows inside follows under right widths: rows are normal with a part that those of a group have in common,
# over which is integrated, and groups are independent. A set is too narrow, or too wide, where so few rows inside, or so many, have a
# chance below 5 %. Expected are the numbers of sets below 70 %, between, and above 90 % that right widths would have.
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
# Cells of a line into f[]; a comma inside quotes is text.
function cells(line,   part, n, i) {
	n = split(line, part, "\"")
	line = ""
	for (i = 1; i <= n; i++) { if (i % 2 == 0) gsub(/,/, "\001", part[i]); line = line part[i] }
	n = split(line, f, ",")
	for (i = 1; i <= n; i++) gsub(/\001/, ",", f[i])
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
	c = s SUBSEP f[2] (h < 3 ? SUBSEP word[1] : "")
	if (!(c in size)) { of[s, ++clusters[s]] = c; all[h]++ }
	size[c]++; sum[c] += z; squares[h] += z * z
}
{
	cells($0)
	if (f[15] == 1 && f[9] != "") take(1, f[7], f[8])
	if (f[11] != "") take(2, f[22], f[23])
	if (f[13] != "") take(3, f[24], f[25])
}
# The part of the variance that rows of a group have in common.
function shared(h,   i, k, s, c, between, within) {
	between = 0
	for (i = 1; i <= sets[h]; i++) {
		s = h SUBSEP name[h, i]
		for (k = 1; k <= clusters[s]; k++) { c = of[s, k]; between += sum[c] * sum[c] / size[c] }
	}
	within = n[h] > all[h] ? (squares[h] - between) / (n[h] - all[h]) : 0
	between = max(0, (between - all[h] * within) / n[h])
	return between + within > 0 ? between / (between + within) : 0
}
# chance[0..m]: of m rows with that correlation so many inside
function of_cluster(m, r, chance,   u, w, total, q, i, k, at) {
	for (i = 0; i <= m; i++) chance[i] = 0
	total = 0
	for (u = -40; u <= 40; u++) {
		w = exp(-u * u / 200)
		total += w
		q = below((p90 - sqrt(r) * u / 10) / sqrt(1 - r)) - below((-p90 - sqrt(r) * u / 10) / sqrt(1 - r))
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
function of_set(s, r, chance,   k, m, i, j, one, next_) {
	chance[0] = 1
	done = 0
	for (k = 1; k <= clusters[s]; k++) {
		m = size[of[s, k]]
		of_cluster(m, r, one)
		for (i = 0; i <= done + m; i++) next_[i] = 0
		for (i = 0; i <= done; i++) for (j = 0; j <= m; j++) next_[i + j] += chance[i] * one[j]
		done += m
		for (i = 0; i <= done; i++) chance[i] = next_[i]
	}
}
# 1: below 70 %, 2: between, 3: above 90 %
function place(k, m) { return k < 0.7 * m ? 1 : k > 0.9 * m ? 3 : 2 }
function judge(h,   r, i, k, s, m, less, more, chance, expected, seen, can, had, total) {
	r = min(0.99, shared(h))
	for (i = 1; i <= sets[h]; i++) {
		s = h SUBSEP name[h, i]; m = rows[s]; total += inside[s]
		of_set(s, r, chance)
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
			missed[++misses] = sprintf("| %s | %s | %d | %d | %.0f %% | %s, %.1f %% |", name[h, i], hole[h], m, clusters[s], 100 * inside[s] / m, less < rare ? "too narrow" : "too wide", 100 * min(less, more))
		narrow[h] += less < rare; wide[h] += more < rare
	}
	printf "| %s | %d | %.0f %% | %.3f | %.2f | %d (%d) | %d + %d + %d | %.0f + %.0f + %.0f | %d + %d |\n", hole[h], n[h], 100 * total / n[h], score[h] / n[h], r, sets[h], can, \
		seen[1], seen[2], seen[3], expected[1], expected[2], expected[3], narrow[h], wide[h]
}
END {
	print "| rows | number | inside | score | shared | sets (of numbers that can be within 70 to 90 %) | below + within + above | of right widths | too narrow + too wide |"
	print "|---|---|---|---|---|---|---|---|---|"
	for (h = 1; h <= holes; h++) if (n[h]) judge(h)
	print "\n| set | rows | number | groups | inside | verdict, chance |"
	print "|---|---|---|---|---|---|"
	for (i = 1; i <= misses; i++) print missed[i]
}
