#!/bin/sh
# embed.sh stream.metal gemm.metal ... >sources.h: the kernels as C strings, and metal_source(name) to find them
set -eu
echo '/* made by kernels/metal/embed.sh from the .metal files: do not edit */'
echo '#include <string.h>'
for f in "$@"; do
	printf 'static const char source_%s[] =\n' "$(basename "$f" .metal)"
	sed -e 's/\\/\\\\/g' -e 's/"/\\"/g' -e 's/^/	"/' -e 's/$/\\n"/' "$f"
	echo '	"";'
done
echo 'static const char *metal_source(const char *name)'
echo '{'
for f in "$@"; do
	name=$(basename "$f" .metal)
	printf '	if (!strcmp(name, "%s"))\n\t\treturn source_%s;\n' "$name" "$name"
done
printf '\treturn "";\n}\n'
