#!/bin/sh
# pure: fails when the libraries given, with all that they link of base, want anything that reads
# the clock, the network, the disk, the environment or randomness, or anything of ours that is not
# among them. The list below is the definition of "pure"; adding to it is a review.
set -eu

libc='mem(chr|cmp|cpy|move|rchr|set)|explicit_bzero|str(chr|cmp|len|ncmp|nlen)'
libc="$libc|calloc|reallocarray|free"
# The forms that _FORTIFY_SOURCE makes of the functions above are these functions.
compiler='_GLOBAL_OFFSET_TABLE_|__stack_chk_fail|__mem(cpy|move|set)_chk|__explicit_bzero_chk'
# Only base/assert.c may write, and end the process: the last words of a bug.
last_words='stderr|fprintf|__fprintf_chk|fputs|fwrite|abort'

[ $# -gt 1 ] || { echo "usage: pure.sh LIBBASE LIBRARY..." >&2; exit 2; }
base=$1
symbols=$(nm -A "$@")
printf '%s\n' "$symbols" | awk -v base="$base" -v libc="^($libc|$compiler)\$" \
    -v words="^($last_words)\$" '
    NF < 2 { next }
    {
        object = $1
        sub(/:[0-9a-f]*$/, "", object)
    }
    $(NF - 1) == "U" { wants[object] = wants[object] " " $NF; next }
    $(NF - 1) ~ /^[A-Zuvw]$/ {
        definer[$NF] = object
        if (index(object, base) != 1 && !(object in linked)) {
            linked[object] = 1
            queue[++count] = object
        }
    }
    END {
        if (count == 0) { print "pure: nothing is defined in these libraries"; exit 1 }
        for (next_one = 1; next_one <= count; next_one++) {
            object = queue[next_one]
            names = split(wants[object], wanted, " ")
            for (i = 1; i <= names; i++) {
                name = wanted[i]
                if (name in definer) {
                    if (!(definer[name] in linked)) {
                        linked[definer[name]] = 1
                        queue[++count] = definer[name]
                    }
                } else if (name !~ libc && !(name ~ words && object ~ /assert\.c\.o/)) {
                    print "pure: " name " is wanted by " object
                    bad = 1
                }
            }
        }
        exit bad
    }'
