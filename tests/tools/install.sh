#!/bin/sh
# install.sh PACKAGE... - installs what a test of check-long uses, where CI is set and there is apt-get; elsewhere it does
# nothing, and the test says what it lacks.
[ -n "${CI:-}" ] && command -v apt-get >/dev/null || exit 0
as=; [ "$(id -u)" = 0 ] || as=sudo
{ $as apt-get update -qq && $as env DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends "$@"; } >/dev/null
