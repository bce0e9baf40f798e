# talks.mk - the plays, performed by one test. A new play is a new file: the folder is taken whole.

TESTS += tests/talks/run.sh
LN_THREAD_TESTS += tests/talks/run.sh

EXTRA_DIST += tests/talks

# The folder's namesake in the build tree is taken too, with what the test left there.
dist-hook:
	rm -f $(distdir)/tests/talks/run.log $(distdir)/tests/talks/run.trs
