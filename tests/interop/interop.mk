# interop.mk - real clients against linnetd, and what linnetd has to bear from unreal ones (tests/abuse).

EXTRA_DIST += \
	tests/abuse/house.py \
	tests/abuse/wire.py

dist_check_SCRIPTS += \
	tests/interop/mosquitto.sh \
	$(interop_python)

interop_python = \
	tests/interop/haproxy.py \
	tests/interop/paho_clients.py \
	tests/interop/scram.py \
	tests/abuse/config.py \
	tests/abuse/drop.py \
	tests/abuse/emfile.py \
	tests/abuse/flood.py \
	tests/abuse/kill.py \
	tests/abuse/limits.py \
	tests/abuse/malformed.py \
	tests/abuse/proxy.py

TESTS += tests/interop/mosquitto.sh
if HAVE_PYTHON3
TESTS += $(interop_python)
# Reloads, takeovers and moves between workers: for ThreadSanitizer too.
LN_THREAD_TESTS += tests/abuse/kill.py
endif
