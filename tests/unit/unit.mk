# unit.mk - the unit tests. One program per file under test, of the same name; its one source is <program>.c: a new test is one more line.

LN_UNIT_TESTS = \
	tests/unit/base/buf \
	tests/unit/base/hash \
	tests/unit/base/list \
	tests/unit/base/mem \
	tests/unit/base/result \
	tests/unit/base/str \
	tests/unit/loop/clock \
	tests/unit/loop/job \
	tests/unit/loop/mail \
	tests/unit/loop/rcu \
	tests/unit/loop/turn \
	tests/unit/loop/wheel \
	tests/unit/loop/worker \
	tests/unit/registry/conf \
	tests/unit/registry/conf_bind \
	tests/unit/registry/conf_read \
	tests/unit/registry/hook \
	tests/unit/registry/log \
	tests/unit/registry/stat \
	tests/unit/broker/msg \
	tests/unit/broker/topic

# Those that start threads: what ThreadSanitizer is to see.
LN_UNIT_THREAD_TESTS = \
	tests/unit/loop/clock \
	tests/unit/loop/job \
	tests/unit/loop/mail \
	tests/unit/loop/rcu \
	tests/unit/loop/turn \
	tests/unit/loop/wheel \
	tests/unit/loop/worker \
	tests/unit/broker/msg \
	tests/unit/broker/topic

# A unit test links what it calls, from whichever floor, and Check.
LDADD = $(LN_CORE_LIBS) $(CHECK_LIBS) $(EV_LIBS) $(URCU_LIBS) $(FYAML_LIBS)

EXTRA_DIST += \
	tests/support/unit.h \
	tests/unit/registry/conf_file.h

if HAVE_CHECK
LN_THREAD_TESTS += $(LN_UNIT_THREAD_TESTS)
check_PROGRAMS += $(LN_UNIT_TESTS) $(LN_MODULE_TESTS)
TESTS += $(LN_UNIT_TESTS) $(LN_MODULE_TESTS)
endif
