#!/bin/sh
# check_schema.sh LEMURSIM - runs check_schema.py over all YAML that ships, with the validator of the system's packages.
set -u
python=/usr/bin/python3 # the system's, which its packages are for
has() { $python -c 'import jsonschema, ruamel.yaml' 2>/dev/null; }
has || sh "$(dirname "$0")/install.sh" python3-jsonschema python3-ruamel.yaml
if ! has; then
	echo "schema: skipped: no python3-jsonschema and python3-ruamel.yaml"
	[ -z "${CI:-}" ]
	exit
fi
$python "$(dirname "$0")/check_schema.py" "$1" $(find models scenarios hardware -name '*.yaml' | LC_ALL=C sort)
