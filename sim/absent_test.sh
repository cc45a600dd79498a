#!/bin/sh
# absent_test: the bugs that are planted for the simulator are in its second program, and neither in
# the first nor in the server.
set -eu

nm "$3" | grep -q ' tt_planted$' || { echo "absent_test: sim_planted has no planted bugs"; exit 1; }
for program in "$1" "$2"; do
    if nm "$program" | grep ' tt_planted$'; then
        echo "absent_test: $program has planted bugs"
        exit 1
    fi
done
