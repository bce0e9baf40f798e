# parley.mk — the conversation tester, its man page and its own tests. Included by the top-level Makefile.am, which has
# set bin_PROGRAMS, check_PROGRAMS, TESTS, dist_man_MANS and dist_check_SCRIPTS before.

parley_codec_sources = \
	tests/parley/base.c tests/parley/base.h \
	tests/parley/decode.c \
	tests/parley/encode.c \
	tests/parley/fields.def \
	tests/parley/mqtt.def \
	tests/parley/packet.c tests/parley/packet.h \
	tests/parley/play.h \
	tests/parley/reader.c tests/parley/reader.h \
	tests/parley/show.c \
	tests/parley/value.c tests/parley/value.h

parley_ws_sources = tests/parley/ws.c tests/parley/ws.h
parley_scram_sources = \
	tests/parley/digest.c tests/parley/digest.h \
	tests/parley/scram.c tests/parley/scram.h

bin_PROGRAMS += parley
parley_SOURCES = $(parley_codec_sources) $(parley_ws_sources) $(parley_scram_sources) \
	tests/parley/act.h \
	tests/parley/act_bytes.c \
	tests/parley/act_expect.c \
	tests/parley/act_scram.c \
	tests/parley/act_send.c \
	tests/parley/act_ws.c \
	tests/parley/actor.c tests/parley/actor.h \
	tests/parley/broker.c tests/parley/broker.h \
	tests/parley/broker_log.c \
	tests/parley/broker_process.c \
	tests/parley/broker_stats.c \
	tests/parley/check.c tests/parley/check.h \
	tests/parley/command.c \
	tests/parley/conn.c tests/parley/conn.h \
	tests/parley/field.c tests/parley/field.h \
	tests/parley/lex.c tests/parley/lex.h \
	tests/parley/macro.c \
	tests/parley/main.c \
	tests/parley/parse.c \
	tests/parley/perform.c tests/parley/perform.h \
	tests/parley/receive.c \
	tests/parley/rules.c \
	tests/parley/stage.c tests/parley/stage.h
parley_CPPFLAGS = -D_GNU_SOURCE -I$(srcdir)/tests/parley
parley_LDFLAGS = $(AM_LDFLAGS) -pthread
parley_LDADD =

check_PROGRAMS += tests/parley/codec_test
tests_parley_codec_test_SOURCES = $(parley_codec_sources) tests/parley/codec_test.c
tests_parley_codec_test_CPPFLAGS = $(parley_CPPFLAGS)
tests_parley_codec_test_LDADD =

check_PROGRAMS += tests/parley/ws_test
tests_parley_ws_test_SOURCES = $(parley_codec_sources) $(parley_ws_sources) tests/parley/ws_test.c
tests_parley_ws_test_CPPFLAGS = $(parley_CPPFLAGS)
tests_parley_ws_test_LDADD =

check_PROGRAMS += tests/parley/scram_test
tests_parley_scram_test_SOURCES = $(parley_codec_sources) $(parley_scram_sources) tests/parley/scram_test.c
tests_parley_scram_test_CPPFLAGS = $(parley_CPPFLAGS)
tests_parley_scram_test_LDADD =

# selftest.sh finds the program in the build directory and the plays beside itself in the source directory.
TESTS += tests/parley/codec_test tests/parley/ws_test tests/parley/scram_test tests/parley/selftest.sh
dist_check_SCRIPTS += tests/parley/selftest.sh
dist_man_MANS += doc/man/parley.1
