#!/bin/sh
# corpus.sh - runs every fuzz target over its seeds and, where there is one, its corpus. Prints TAP: one line per target.
set -u
source=${top_srcdir:-.}/tests/fuzz
build=${top_builddir:-.}/tests/fuzz
dir=$(mktemp -d) || exit 99
trap 'rm -rf "$dir"' EXIT
number=0 status=0

for target in ${LN_FUZZ_TARGETS:-}; do
	number=$((number + 1))
	mkdir "$dir/$target"
	corpus=$source/corpus/$target
	[ -d "$corpus" ] || corpus=
	if "$build/${target}_seeds" "$dir/$target" >"$dir/out" 2>&1 &&
		"$build/${target}_replay" "$dir/$target" ${corpus:+"$corpus"} >>"$dir/out" 2>&1; then
		echo "ok $number - $target"
	else
		echo "not ok $number - $target"
		status=1
	fi
	sed 's/^/#   /' "$dir/out"
done
[ $number -gt 0 ] && echo "1..$number" || echo "1..0 # SKIP no module with a fuzz target is built"
exit $status
