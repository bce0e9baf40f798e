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
	tests/unit/loop/loop \
	tests/unit/loop/mail \
	tests/unit/loop/rcu \
	tests/unit/loop/turn \
	tests/unit/loop/wheel \
	tests/unit/loop/worker \
	tests/unit/registry/conf \
	tests/unit/registry/conf_bind \
	tests/unit/registry/conf_read \
	tests/unit/registry/describe \
	tests/unit/registry/hook \
	tests/unit/registry/log \
	tests/unit/registry/module \
	tests/unit/registry/modules \
	tests/unit/registry/stat \
	tests/unit/broker/auth \
	tests/unit/broker/deliver \
	tests/unit/broker/exchange \
	tests/unit/broker/group \
	tests/unit/broker/map \
	tests/unit/broker/msg \
	tests/unit/broker/publish \
	tests/unit/broker/queue \
	tests/unit/broker/retain \
	tests/unit/broker/router \
	tests/unit/broker/session \
	tests/unit/broker/subscribe \
	tests/unit/broker/tags \
	tests/unit/broker/threads \
	tests/unit/broker/topic \
	tests/unit/broker/will \
	tests/unit/broker/window \
	tests/unit/net/addr \
	tests/unit/net/conn \
	tests/unit/net/conn_in \
	tests/unit/net/conn_move \
	tests/unit/net/conn_out \
	tests/unit/net/layer \
	tests/unit/net/limit \
	tests/unit/net/listeners \
	tests/unit/net/outq \
	tests/unit/net/port \
	tests/unit/net/unix \
	tests/unit/main/drop \
	tests/unit/main/notify \
	tests/unit/main/settings

# Those that start threads: what ThreadSanitizer is to see.
LN_UNIT_THREAD_TESTS = \
	tests/unit/loop/clock \
	tests/unit/loop/job \
	tests/unit/loop/mail \
	tests/unit/loop/rcu \
	tests/unit/loop/turn \
	tests/unit/loop/wheel \
	tests/unit/loop/worker \
	tests/unit/broker/auth \
	tests/unit/broker/deliver \
	tests/unit/broker/exchange \
	tests/unit/broker/group \
	tests/unit/broker/map \
	tests/unit/broker/msg \
	tests/unit/broker/publish \
	tests/unit/broker/queue \
	tests/unit/broker/retain \
	tests/unit/broker/router \
	tests/unit/broker/session \
	tests/unit/broker/subscribe \
	tests/unit/broker/threads \
	tests/unit/broker/topic \
	tests/unit/broker/will \
	tests/unit/broker/window

# Fakes and helpers several tests share.
EXTRA_LIBRARIES += tests/support/libln_support.a
tests_support_libln_support_a_SOURCES = \
	tests/support/broker.c \
	tests/support/broker_sink.c

# A unit test links what it calls, from the helpers, a module or whichever floor, and Check.
LDADD = tests/support/libln_support.a $(LN_MODULE_LIBS) $(LN_MODULE_NEEDS) $(LN_CORE_LIBS) $(CHECK_LIBS) $(EV_LIBS) $(URCU_LIBS) $(FYAML_LIBS)

EXTRA_DIST += \
	tests/support/broker.h \
	tests/support/broker_sink.h \
	tests/support/unit.h \
	tests/unit/net/bench.h \
	tests/unit/registry/conf_file.h \
	tests/unit/registry/fakes.h

# Modules for the loader to judge, one source for all.
LN_FAKE_MODULES = good major minor small tiny large nosymbol misnamed needy ring_a ring_b rival strange noself
check_DATA += tests/unit/registry/fakes/made
CLEANFILES += tests/unit/registry/fakes/*
EXTRA_DIST += tests/support/tsan.supp tests/unit/registry/fake_module.c

tests/unit/registry/fakes/made: tests/unit/registry/fake_module.c $(linnetinclude_HEADERS)
	$(AM_V_GEN)$(MKDIR_P) tests/unit/registry/fakes && \
	for name in $(LN_FAKE_MODULES); do \
		$(CC) -D_GNU_SOURCE -I$(top_srcdir)/core/include $(CPPFLAGS) $(module_cflags) $(CFLAGS) -fPIC -DFAKE_NAME=$$name \
			$(AM_LDFLAGS) $(LDFLAGS) -shared -o tests/unit/registry/fakes/$$name.so \
			$(srcdir)/tests/unit/registry/fake_module.c || exit 1; \
	done && touch $@

if HAVE_CHECK
LN_THREAD_TESTS += $(LN_UNIT_THREAD_TESTS)
check_PROGRAMS += $(LN_UNIT_TESTS) $(LN_MODULE_TESTS)
TESTS += $(LN_UNIT_TESTS) $(LN_MODULE_TESTS)
endif
