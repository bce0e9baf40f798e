# module.mk - what the module probe is made of.

probe_files = \
	modules/probe/echo.c \
	modules/probe/echo.h \
	modules/probe/probe.c

if MODULE_probe_SHARED
moduleexec_LTLIBRARIES += probe.la
probe_la_SOURCES = $(probe_files)
probe_la_CPPFLAGS = $(module_cppflags)
probe_la_CFLAGS = $(module_cflags)
probe_la_LDFLAGS = $(module_ldflags)
endif

if MODULE_probe
LN_CONF_FILES += conf.d/probe.conf

# Linked in when static; unit tests link it whatever the kind.
EXTRA_LIBRARIES += modules/libln_probe.a
modules_libln_probe_a_SOURCES = $(probe_files)
modules_libln_probe_a_CPPFLAGS = $(static_module_cppflags)
modules_libln_probe_a_CFLAGS = $(module_cflags)
LN_MODULE_LIBS += modules/libln_probe.a

if MODULE_probe_STATIC
LN_STATIC_LIBS += modules/libln_probe.a
endif

LN_MODULE_TESTS += \
	tests/modules/probe/probe
endif

EXTRA_DIST += conf.d/probe.conf modules/probe/probe.md
