#!/bin/sh
# fuzz_test: tool/fuzz is content only with targets that ran to their end and found nothing; played
# on targets that only pretend. The argument is tool/fuzz.
set -eu

dir=$(mktemp -d)
trap 'rm -r "$dir"' EXIT
mkdir -p "$dir/tool" "$dir/build/fuzz/test/fuzz"
cp "$1" "$dir/tool/fuzz"
echo 'build all: phony' >"$dir/build/fuzz/build.ninja"

# target NAME: the rest of it comes from stdin
target() {
    mkdir -p "$dir/test/fuzz/corpus/$1"
    { echo '#!/bin/sh' && cat; } >"$dir/build/fuzz/test/fuzz/fuzz_$1"
    chmod +x "$dir/build/fuzz/test/fuzz/fuzz_$1"
}

# expect CODE LAST TARGET...: how tool/fuzz ends with these targets, and its last line
expect() {
    want_code=$1
    want_last=$2
    shift 2
    code=0
    said=$("$dir/tool/fuzz" 1 "$@") || code=$?
    last=$(echo "$said" | tail -n 1)
    if [ "$code" -ne "$want_code" ] || [ "$last" != "$want_last" ]; then
        echo "fuzz_test: $*: exit code $code, not $want_code; '$last', not '$want_last'"
        echo "$said"
        exit 1
    fi
    rm -rf "$dir/build/fuzz/found"
}

target good <<'END'
printf '#7\tDONE   cov: 1\n'
END
target dies <<'END'
exit 1
END
target interrupted <<'END'
echo '#7 pulse'
END
target fails_late <<'END'
printf '#7\tDONE   cov: 1\n'
exit 77
END
target finds <<'END'
echo 'SUMMARY: libFuzzer: deadly signal'
touch build/fuzz/found/finds-crash-1
exit 77
END
# Once it only waits for the processor; called with the file alone, it is quick.
target waits <<'END'
case "$*" in *-max_total_time*) ;; *) exit 0 ;; esac
printf '#7\tDONE   cov: 1\n'
[ -f build/fuzz/waited ] && exit 0
touch build/fuzz/waited build/fuzz/found/waits-timeout-1
exit 70
END
expect 0 '0 found' good
expect 1 '0 found; not to the end: dies' good dies
expect 1 '0 found; not to the end: interrupted' interrupted good
expect 1 '0 found; not to the end: fails_late' fails_late
expect 1 '1 found; not to the end: finds' finds
expect 1 '0 found; not to the end: absent' absent
expect 0 '0 found' waits
expect 1 '1 found; not to the end: dies interrupted fails_late finds absent' \
    good dies interrupted fails_late finds waits absent
