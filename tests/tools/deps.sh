#!/bin/sh
# deps.sh [--tests] - installs what the program needs and is missing, by apt-get or Homebrew; with --tests also what its
# tests use: compilers for the Metal kernels and their host, the formatter. What of those a system does not have is left
# out: the tests that need it say that they were skipped.
set -eu
tests=; [ "${1:-}" = --tests ] && tests=1

has_program_needs() {
	pkg-config --exists yaml-0.1 gsl check 2>/dev/null && command -v dot >/dev/null &&
		{ [ "$(uname -s)" = Darwin ] || ldconfig -p 2>/dev/null | grep -q libopenblas || [ ! -x /sbin/ldconfig ] || /sbin/ldconfig -p | grep -q libopenblas; }
}
as_root() { if [ "$(id -u)" = 0 ]; then "$@"; else sudo "$@"; fi; }
install() { as_root env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@" >/dev/null; }

if ! has_program_needs; then
	if command -v apt-get >/dev/null; then
		as_root apt-get update -qq
		install pkg-config libyaml-dev libgsl-dev graphviz check fonts-dejavu-core libopenblas0-pthread
	elif command -v brew >/dev/null; then
		brew install pkg-config libyaml gsl graphviz check
	else
		echo "deps: install pkg-config, libyaml, GSL, Graphviz and Check by hand" >&2
		exit 1
	fi
fi
[ -n "$tests" ] && command -v dpkg >/dev/null && command -v apt-get >/dev/null || exit 0

# a system that lacks one of them is asked once, not at every run
asked=build/deps-asked
missing=
for p in g++ gobjc libgnustep-base-dev clang clang-format-14; do
	dpkg -s "$p" >/dev/null 2>&1 || missing="$missing $p"
done
[ -n "$missing" ] && [ "$missing" != "$(cat $asked 2>/dev/null)" ] || exit 0
mkdir -p build
as_root apt-get update -qq || { echo "deps: without the network, not installed:$missing" >&2; exit 0; }
for p in $missing; do
	apt-cache show "$p" >/dev/null 2>&1 && install "$p" || echo "deps: this system has no package $p" >&2
done
echo "$missing" >$asked
