# csv_cells.awk - cells of a line of csv into f[], and how many; a comma inside quotes is text. For `awk -f`, or in front of a program's own text.
function cells(line,   part, n, i) {
	n = split(line, part, "\"")
	line = ""
	for (i = 1; i <= n; i++) { if (i % 2 == 0) gsub(/,/, "\001", part[i]); line = line part[i] }
	n = split(line, f, ",")
	for (i = 1; i <= n; i++) gsub(/\001/, ",", f[i])
	return n
}
