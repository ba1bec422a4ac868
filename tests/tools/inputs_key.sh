#!/bin/sh
# inputs_key.sh LEMURSIM - a key of all that predictions of hardware/measured rest on: the program, hardware and models. What was
# made from the same key need not be made again.
set -eu
find hardware models -type f '(' -name '*.yaml' -o -name '*.csv' ')' | LC_ALL=C sort | xargs cat "$1" | cksum
