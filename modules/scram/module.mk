# module.mk - what the module scram is made of, and the command linnet-scram.

scram_pure = \
	modules/scram/proof.c \
	modules/scram/proof.h

scram_files = \
	modules/scram/log.def \
	modules/scram/scram.c \
	modules/scram/users.c \
	modules/scram/users.h \
	$(scram_pure)

if MODULE_scram_SHARED
moduleexec_LTLIBRARIES += scram.la
scram_la_SOURCES = $(scram_files)
scram_la_CPPFLAGS = $(module_cppflags)
scram_la_CFLAGS = $(module_cflags)
scram_la_LDFLAGS = $(module_ldflags)
scram_la_LIBADD = $(CRYPTO_LIBS)
endif

if MODULE_scram
LN_CONF_FILES += conf.d/scram.conf

# Linked in when static; unit tests link it whatever the kind.
EXTRA_LIBRARIES += modules/libln_scram.a
modules_libln_scram_a_SOURCES = $(scram_files)
modules_libln_scram_a_CPPFLAGS = $(static_module_cppflags)
modules_libln_scram_a_CFLAGS = $(module_cflags)
LN_MODULE_LIBS += modules/libln_scram.a
LN_MODULE_NEEDS += $(CRYPTO_LIBS)

if MODULE_scram_STATIC
LN_STATIC_LIBS += modules/libln_scram.a
LN_STATIC_NEEDS += $(CRYPTO_LIBS)
endif

bin_PROGRAMS += linnet-scram
linnet_scram_SOURCES = modules/scram/linnet_scram.c $(scram_pure)
linnet_scram_LDADD = core/libln_base.a $(CRYPTO_LIBS)
dist_man_MANS += doc/man/linnet-scram.1

LN_MODULE_TESTS += \
	tests/modules/scram/proof \
	tests/modules/scram/users
endif

EXTRA_DIST += conf.d/scram.conf modules/scram/scram.md
