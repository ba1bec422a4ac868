#!/bin/sh
# modeline.sh FILE.yaml - the file as it is installed: behind it a line by which editors find its JSON Schema, as
# yaml-language-server reads it from any comment (src/languageservice/services/modelineUtil.ts of
# redhat-developer/yaml-language-server). It stands last, so that messages name the same lines as in a checkout.
set -eu
up=$(dirname "$1" | sed 's|[^/][^/]*|..|g')
case $1 in
scenarios/*) kind=scenario ;;
models/*) kind=model ;;
hardware/links/*) kind=link ;;
*) kind=$(sed -n 's/^kind: *\([a-z]*\) *$/\1/p' "$1") ;;
esac
cat "$1"
echo "# yaml-language-server: \$schema=$up/schema/${kind:-machine}.json"
