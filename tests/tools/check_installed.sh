#!/bin/sh
# check_installed.sh PREFIX - manual pages, completions and schemas are where programs look for them, and work.
set -u
bad() { echo "installed: $*" >&2; exit 1; }
share=$1/share
[ -s "$share/man/man1/lemursim.1" ] && [ -s "$share/man/man1/lemursim-simulate.1" ] || bad "no manual pages"
if command -v groff >/dev/null; then
	for page in "$share"/man/man1/*.1; do
		said=$(groff -man -ww -Tascii "$page" 2>&1 >/dev/null)
		[ -z "$said" ] || bad "$page: $said"
	done
fi
for kind in scenario model machine link family server; do
	grep -q '"$schema"' "$share/lemursim/schema/$kind.json" || bad "no schema of a $kind"
done
for f in $(cd "$share/lemursim" && find hardware models scenarios -name '*.yaml'); do
	schema=$(sed -n '$s/^# yaml-language-server: $schema=//p' "$share/lemursim/$f")
	[ -s "$share/lemursim/$(dirname "$f")/${schema:-/}" ] || bad "$f names no schema"
done
bash=$share/bash-completion/completions/lemursim
PATH="$1/bin:$PATH" bash -c '
	. "$0"
	COMP_WORDS=(lemursim simulate --requ) COMP_CWORD=2; _lemursim
	[ "${COMPREPLY[*]}" = --requests ] || exit 1
	COMP_WORDS=(lemursim ask qwen3-30) COMP_CWORD=2; _lemursim
	case "${COMPREPLY[*]}" in *qwen3-30b-a3b*) ;; *) exit 1 ;; esac
' "$bash" || bad "completion of bash"
for shell in zsh:zsh/site-functions/_lemursim fish:fish/vendor_completions.d/lemursim.fish; do
	[ -s "$share/${shell#*:}" ] || bad "no completion of ${shell%%:*}"
	! command -v "${shell%%:*}" >/dev/null || "${shell%%:*}" -n "$share/${shell#*:}" || bad "completion of ${shell%%:*}"
done
echo "installed: manual, completion and schemas"
