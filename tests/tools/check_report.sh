#!/bin/sh
# check_report.sh LEMURSIM [SHOTS] - reports in a headless Chromium: check_report.py says what is asked of them. SHOTS: a
# folder for pictures of each page at three widths, light and dark.
set -u
program=$(command -v chromium || command -v chromium-browser || command -v google-chrome || true)
if [ -z "$program" ]; then
	sh "$(dirname "$0")/install.sh" chromium fonts-dejavu-core python3
	program=$(command -v chromium || true)
fi
if [ -z "$program" ] || ! command -v python3 >/dev/null || ! command -v dot >/dev/null; then
	echo "report-pages: skipped: no chromium, python3 or dot"
	[ -z "${CI:-}" ]
	exit
fi
pages=$(mktemp -d) results=$(mktemp -d) # each file of the first is looked at
trap 'rm -rf "$pages" "$results"' EXIT
bad() { echo "report-pages: $*" >&2; exit 1; }

make_page() { # NAME ARGUMENT...
	page=$1; shift
	"$lemursim" report "$@" -o "$pages/$page.html" || bad "$page: no page"
	"$lemursim" report "$@" -o "$pages/again.html" && cmp -s "$pages/$page.html" "$pages/again.html" ||
		bad "$page: not the same bytes twice"
	rm "$pages/again.html"
}

lemursim=$1
make_page founding scenarios/m5-vs-m4pro.yaml --draws 8
make_page load scenarios/serve-m5-m4pro.yaml --draws 2 --set workload.serve.requests=100
make_page plan scenarios/plan-four-users-70b.yaml
make_page sweep scenarios/m5-vs-m4pro.yaml --draws 4 --over workload.generate.batch=1,2,4,8,16 --metric decode_tok_per_s --metric ttft_s
make_page heat scenarios/m5-vs-m4pro.yaml --draws 4 --over workload.generate.batch=1,8,64 --over "workload.generate.prompt=128 tok,1024 tok,4096 tok"
make_page compared scenarios/m5-vs-m4pro.yaml scenarios/layer-512.yaml --draws 4
make_page large tests/data/report/large.yaml --path . --draws 2
for batch in 1 8; do
	"$lemursim" simulate scenarios/m5-vs-m4pro.yaml --draws 4 --set workload.generate.batch=$batch -o "$results/$batch.json" || bad "no result"
done
make_page results "$results/1.json" "$results/8.json"
make_page hostile tests/data/report/hostile.yaml --path .
python3 "$(dirname "$0")/check_report.py" "$program" "$pages" ${2:+"$2"}
