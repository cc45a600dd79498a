#!/bin/sh
# shrink_test: a run that fails by a planted bug is made small: few things are left that happen, the
# command line that is printed fails in the same way, and a chart shows it.
set -eu

planted=$1
out=$("$planted" shrink --seed 2 --mutant delivered-on-write --runs 400) && exit 1
echo "$out" | tail -1
left=$(echo "$out" | sed -n 's/^shrunk in [0-9]* runs to \([0-9]*\) things.*/\1/p')
[ -n "$left" ] || { echo "shrink_test: nothing was shrunk"; exit 1; }
[ "$left" -le 12 ] || { echo "shrink_test: $left things are left"; exit 1; }
echo "$out" | grep -q '^ *u[0-9]/d[0-9].*servers$' || { echo "shrink_test: no chart"; exit 1; }
command=$(echo "$out" | sed -n 's/^sim \(--seed .*\) --chart$/\1/p')
# shellcheck disable=SC2086 # these are several words
again=$("$planted" $command) && exit 1
echo "$again" | grep -q 'promise 3/4' || { echo "shrink_test: $again"; exit 1; }
