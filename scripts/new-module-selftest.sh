#!/bin/sh
# new-module-selftest - lays a module out in a copy of what new-module touches, and compiles it. Prints TAP.
#
# It does not run autoconf again: that the two lines it adds are what configure understands is seen by the modules that stand there already.
# shellcheck disable=SC2317 # functions are called through expect
set -eu

source=${top_srcdir:-$(cd "$(dirname "$0")/.." && pwd)}
tree=$(mktemp -d)
trap 'rm -rf "$tree"' EXIT
number=0 status=0

# expect WHAT COMMAND...
expect() {
	what=$1
	shift
	number=$((number + 1))
	if "$@" >"$tree/out" 2>&1; then
		echo "ok $number - $what"
	else
		echo "not ok $number - $what"
		sed 's/^/# /' "$tree/out"
		status=1
	fi
}

refuses() { ! "$@"; }

compile() {
	# shellcheck disable=SC2086 # CC may hold flags
	${CC:-cc} -std=gnu11 -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Wcast-qual -Wformat=2 -Wvla -Werror \
		-D_GNU_SOURCE -DLN_VERSION='"0"' -I"$source/core/include" "$@"
}

exports_its_descriptor() {
	[ "$(nm -D --defined-only "$1" | awk '{ print $3 }')" = ln_module ]
}

mkdir -p "$tree/scripts" "$tree/modules"
cp "$source/scripts/new-module" "$tree/scripts/"
cp "$source/configure.ac" "$tree/"
cp "$source/modules/modules.mk" "$tree/modules/"
chmod -R u+w "$tree"
cd "$tree"

echo 1..10
expect 'lays a module out' scripts/new-module hello 'greets nobody'
expect 'configure.ac knows it' grep -qx 'LN_MODULE(\[hello\], \[shared\])' configure.ac
expect 'modules.mk includes it' grep -qx 'include modules/hello/module.mk' modules/modules.mk
expect 'no name is left open' refuses grep -rnE '@[A-Za-z]+@' modules tests conf.d
expect 'it compiles without a warning' compile -shared -fPIC -fvisibility=hidden -o hello.so modules/hello/hello.c modules/hello/name.c
expect 'it exports its descriptor alone' exports_its_descriptor hello.so
expect 'it compiles linked in' compile -c -DLN_STATIC_MODULE -o hello.o modules/hello/hello.c
if echo '#include <check.h>' | compile -fsyntax-only -xc - 2>/dev/null; then
	expect 'its unit test compiles' compile -c -o test.o -I"$source/tests/support" -Imodules tests/modules/hello/name.c
else
	number=$((number + 1))
	echo "ok $number - its unit test compiles # SKIP check.h is not installed"
fi
expect 'a second one of that name is refused' refuses scripts/new-module hello 'greets nobody'
expect 'a name that is no name is refused' refuses scripts/new-module 'Hello World' 'greets'
exit $status
