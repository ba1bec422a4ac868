#!/bin/sh
# embed.sh NAME FILE ... >sources.h: kernels as C strings, and NAME_source("stem of a file's name") to find them
set -eu
name=$1
shift
stem() { basename "${1%.*}"; }
echo "/* made by kernels/gpu/embed.sh: do not edit */"
echo '#include <string.h>'
for f in "$@"; do
	printf 'static const char source_%s[] =\n' "$(stem "$f")"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/	"/' -e 's/$/\\n"/' "$f"
	echo '	"";'
done
printf 'static const char *%s_source(const char *name)\n' "$name"
echo '{'
for f in "$@"; do
	printf '	if (!strcmp(name, "%s"))\n\t\treturn source_%s;\n' "$(stem "$f")" "$(stem "$f")"
done
printf '\treturn "";\n}\n'
