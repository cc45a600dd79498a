#!/bin/sh
# pure: fails when the libraries given link anything that reads the clock, the network, the disk,
# the environment or randomness, or anything of ours that is not among them. The list below is the
# definition of "pure": memory, and the way to die. Adding to it is a review.
set -eu

libc='mem(chr|cmp|cpy|move|set)|strlen|strnlen|calloc|reallocarray|free|abort'
compiler='_GLOBAL_OFFSET_TABLE_|__stack_chk_fail'
# Only base/assert.c may write: the last words of a bug.
last_words='stderr|fprintf|__fprintf_chk|fputs|fwrite'

[ $# -gt 0 ] || { echo "usage: pure.sh LIBRARY..." >&2; exit 2; }
symbols=$(nm -A "$@")
printf '%s\n' "$symbols" | awk -v libc="^($libc|$compiler)\$" -v words="^($last_words)\$" '
    NF < 2 { next }
    $(NF - 1) == "U" { wanted[$NF] = wanted[$NF] " " $1; next }
    $(NF - 1) ~ /^[A-Zuvw]$/ { ours[$NF] = 1; defined++ }
    END {
        if (defined == 0) { print "pure: nothing is defined in these libraries"; exit 1 }
        for (name in wanted) {
            if (name in ours || name ~ libc)
                continue
            count = split(wanted[name], users, " ")
            for (i = 1; i <= count; i++) {
                if (name ~ words && users[i] ~ /assert\.c\.o/)
                    continue
                print "pure: " name " is wanted by " users[i]
                bad = 1
            }
        }
        exit bad
    }'
