#!/bin/sh
# run.sh - performs all plays at once, several at a time, and prints TAP. Options go to parley: tests/talks/run.sh -v
#
# $PARLEY, $LINNETD and $LINNET_MODULES say with what; outside of make check, the ones in build/stage. $PLAYS: only these, separated by blanks
# (paths, or names without .parley).
set -u
here=$(cd "$(dirname "$0")" && pwd)
stage=$here/../../build/stage
parley=${PARLEY:-$stage/bin/parley}
: "${LINNETD:=$stage/sbin/linnetd}" "${LINNET_MODULES:=$stage/lib/linnet/modules}"
export LINNETD LINNET_MODULES

if [ -n "${PLAYS:-}" ]; then
	set -- "$@" --
	for play in $PLAYS; do
		[ -f "$play" ] || play=$here/$play.parley
		set -- "$@" "$play"
	done
else
	set -- "$@" -- "$here"/*.parley
fi

"$parley" --tap -j "${JOBS:-4}" "$@"
status=$?
# 1: a play failed, 77: all were skipped. Both stand in the TAP already.
case $status in
1 | 77) exit 0 ;;
esac
exit $status
