# bench.mk - linnet-bench, the load generator users get too; what compares brokers with it, and its tests.

bin_PROGRAMS += linnet-bench

linnet_bench_SOURCES = \
	tests/bench/load/buf.h \
	tests/bench/load/clock.h \
	tests/bench/load/conn.c \
	tests/bench/load/conn.h \
	tests/bench/load/fail.c \
	tests/bench/load/fail.h \
	tests/bench/load/hist.c \
	tests/bench/load/hist.h \
	tests/bench/load/idle.c \
	tests/bench/load/load.c \
	tests/bench/load/load.h \
	tests/bench/load/loop.c \
	tests/bench/load/loop.h \
	tests/bench/load/main.c \
	tests/bench/load/modes.h \
	tests/bench/load/open.c \
	tests/bench/load/open.h \
	tests/bench/load/options.c \
	tests/bench/load/options.h \
	tests/bench/load/plan.c \
	tests/bench/load/plan.h \
	tests/bench/load/proc.c \
	tests/bench/load/proc.h \
	tests/bench/load/publisher.c \
	tests/bench/load/report.c \
	tests/bench/load/result.c \
	tests/bench/load/result.h \
	tests/bench/load/retained.c \
	tests/bench/load/storm.c \
	tests/bench/load/subscriber.c \
	tests/bench/load/track.c \
	tests/bench/load/track.h \
	tests/bench/load/value.def \
	tests/bench/load/wire.c \
	tests/bench/load/wire.h
linnet_bench_CPPFLAGS = -D_GNU_SOURCE
linnet_bench_LDADD =

EXTRA_DIST += tests/bench/run.py
dist_man_MANS += doc/man/linnet-bench.1

# --- tests ----------------------------------------------------------------------------------------

dist_check_SCRIPTS += tests/bench/selftest.sh
TESTS += tests/bench/selftest.sh

if HAVE_CHECK
check_PROGRAMS += tests/bench/pure
TESTS += tests/bench/pure
endif

tests_bench_pure_SOURCES = \
	tests/bench/pure.c \
	tests/bench/load/fail.c \
	tests/bench/load/hist.c \
	tests/bench/load/plan.c \
	tests/bench/load/track.c \
	tests/bench/load/wire.c

# --- instructions per message ---------------------------------------------------------------------

if MODULE_mqtt
if HAVE_CALLGRIND
check_PROGRAMS += tests/bench/instr/instr
endif
endif

tests_bench_instr_instr_SOURCES = \
	tests/bench/instr/house.c \
	tests/bench/instr/house.h \
	tests/bench/instr/instr.c
tests_bench_instr_instr_LDADD = $(fuzz_libs)

dist_check_SCRIPTS += tests/bench/instr/run.py
EXTRA_DIST += tests/bench/instr/budgets.json
# Not a test yet: QoS 2 still differs by more than its budget's tolerance from run to run.
