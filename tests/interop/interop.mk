# interop.mk - real clients against linnetd, and what linnetd has to bear from unreal ones (tests/abuse).

EXTRA_DIST += \
	tests/abuse/house.py \
	tests/abuse/wire.py

abuse_tests = \
	tests/abuse/config.py \
	tests/abuse/drop.py \
	tests/abuse/emfile.py \
	tests/abuse/flood.py \
	tests/abuse/kill.py \
	tests/abuse/malformed.py

dist_check_SCRIPTS += $(abuse_tests)

if HAVE_PYTHON3
TESTS += $(abuse_tests)
endif
