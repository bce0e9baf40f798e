# module.mk - what the module ws is made of. It needs wslay and OpenSSL's libcrypto.

# Bytes and structs only: no broker, no connection.
ws_pure = \
	modules/ws/answer.c \
	modules/ws/answer.h \
	modules/ws/frame.c \
	modules/ws/frame.h \
	modules/ws/request.c \
	modules/ws/request.h

ws_files = \
	modules/ws/layer.c \
	modules/ws/log.def \
	modules/ws/stat.def \
	modules/ws/ws.c \
	modules/ws/ws.h \
	$(ws_pure)

ws_needs = $(WSLAY_LIBS) $(CRYPTO_LIBS)

if MODULE_ws_SHARED
moduleexec_LTLIBRARIES += ws.la
ws_la_SOURCES = $(ws_files)
ws_la_CPPFLAGS = $(module_cppflags) $(CRYPTO_CFLAGS)
ws_la_CFLAGS = $(module_cflags)
ws_la_LDFLAGS = $(module_ldflags)
ws_la_LIBADD = $(ws_needs)
endif

if MODULE_ws
LN_CONF_FILES += conf.d/ws.conf

# Linked in when static; unit tests link it whatever the kind.
EXTRA_LIBRARIES += modules/libln_ws.a
modules_libln_ws_a_SOURCES = $(ws_files)
modules_libln_ws_a_CPPFLAGS = $(static_module_cppflags) $(CRYPTO_CFLAGS)
modules_libln_ws_a_CFLAGS = $(module_cflags)
LN_MODULE_LIBS += modules/libln_ws.a

if MODULE_ws_STATIC
LN_STATIC_LIBS += modules/libln_ws.a
LN_STATIC_NEEDS += $(ws_needs)
endif

LN_MODULE_TESTS += \
	tests/modules/ws/answer \
	tests/modules/ws/frame \
	tests/modules/ws/request
tests_modules_ws_answer_LDADD = $(LDADD) $(ws_needs)
tests_modules_ws_frame_LDADD = $(LDADD) $(ws_needs)
endif

EXTRA_DIST += conf.d/ws.conf modules/ws/ws.md
