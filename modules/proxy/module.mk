# module.mk - what the module proxy is made of.

# Bytes and structs only: no broker, no connection.
proxy_pure = \
	modules/proxy/proxy_header.c \
	modules/proxy/proxy_header.h \
	modules/proxy/trust.c \
	modules/proxy/trust.h

proxy_files = \
	modules/proxy/log.def \
	modules/proxy/proxy.c \
	modules/proxy/stat.def \
	$(proxy_pure)

if MODULE_proxy_SHARED
moduleexec_LTLIBRARIES += proxy.la
proxy_la_SOURCES = $(proxy_files)
proxy_la_CPPFLAGS = $(module_cppflags)
proxy_la_CFLAGS = $(module_cflags)
proxy_la_LDFLAGS = $(module_ldflags)
endif

if MODULE_proxy
LN_CONF_FILES += conf.d/proxy.conf

# Linked in when static; unit tests link it whatever the kind.
EXTRA_LIBRARIES += modules/libln_proxy.a
modules_libln_proxy_a_SOURCES = $(proxy_files)
modules_libln_proxy_a_CPPFLAGS = $(static_module_cppflags)
modules_libln_proxy_a_CFLAGS = $(module_cflags)
LN_MODULE_LIBS += modules/libln_proxy.a

if MODULE_proxy_STATIC
LN_STATIC_LIBS += modules/libln_proxy.a
endif

LN_MODULE_TESTS += \
	tests/modules/proxy/proxy_header \
	tests/modules/proxy/trust
endif

EXTRA_DIST += conf.d/proxy.conf modules/proxy/proxy.md
