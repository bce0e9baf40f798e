# interop.mk - real clients against linnetd, and what linnetd has to bear from unreal ones (tests/abuse).

EXTRA_DIST += \
	tests/abuse/house.py \
	tests/abuse/wire.py

dist_check_SCRIPTS += \
	tests/abuse/flood.py \
	tests/abuse/malformed.py

if HAVE_PYTHON3
TESTS += \
	tests/abuse/flood.py \
	tests/abuse/malformed.py
endif
