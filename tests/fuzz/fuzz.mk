# fuzz.mk - fuzz targets. Each is tests/fuzz/<target>.c with libFuzzer's entry, and tests/fuzz/<target>_seeds.c, a program that writes the first
# inputs into a directory. make check replays seeds and corpus (tests/fuzz/corpus/<target>/) without a fuzzer; --enable-fuzz (clang) builds
# the targets for `./dev fuzz`.

LN_FUZZ_TARGETS =
fuzz_libs = $(LN_MODULE_LIBS) $(LN_MODULE_NEEDS) $(LN_CORE_LIBS) $(EV_LIBS) $(URCU_LIBS) $(FYAML_LIBS)

dist_check_SCRIPTS += tests/fuzz/corpus.sh
TESTS += tests/fuzz/corpus.sh

# --- mqtt_codec -----------------------------------------------------------------------------------

if MODULE_mqtt
LN_FUZZ_TARGETS += mqtt_codec
check_PROGRAMS += tests/fuzz/mqtt_codec_replay tests/fuzz/mqtt_codec_seeds
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/mqtt_codec
endif
endif

tests_fuzz_mqtt_codec_replay_SOURCES = tests/fuzz/mqtt_codec.c tests/fuzz/replay.c
tests_fuzz_mqtt_codec_replay_LDADD = $(fuzz_libs)
tests_fuzz_mqtt_codec_seeds_LDADD = $(fuzz_libs)
tests_fuzz_mqtt_codec_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_mqtt_codec_LDADD = $(fuzz_libs)

# --- topic: names and filters ---------------------------------------------------------------------

LN_FUZZ_TARGETS += topic
check_PROGRAMS += tests/fuzz/topic_replay tests/fuzz/topic_seeds
if ENABLE_FUZZ
noinst_PROGRAMS += tests/fuzz/topic
endif

tests_fuzz_topic_replay_SOURCES = tests/fuzz/topic.c tests/fuzz/replay.c
tests_fuzz_topic_replay_LDADD = $(LN_CORE_LIBS) $(EV_LIBS) $(URCU_LIBS) $(FYAML_LIBS)
tests_fuzz_topic_seeds_LDADD =
tests_fuzz_topic_LDFLAGS = $(AM_LDFLAGS) -fsanitize=fuzzer
tests_fuzz_topic_LDADD = $(tests_fuzz_topic_replay_LDADD)
