# module.mk - what the module mqtt is made of.

# Bytes and structs only: no broker, no connection.
mqtt_pure = \
	modules/mqtt/codec.h \
	modules/mqtt/connect.c \
	modules/mqtt/decode.c \
	modules/mqtt/encode.c \
	modules/mqtt/filters.c \
	modules/mqtt/props.c \
	modules/mqtt/props.def \
	modules/mqtt/reason.def \
	modules/mqtt/wire.h

mqtt_files = \
	modules/mqtt/alias.c \
	modules/mqtt/auth.c \
	modules/mqtt/conn.c \
	modules/mqtt/in.c \
	modules/mqtt/judge.c \
	modules/mqtt/log.def \
	modules/mqtt/login.c \
	modules/mqtt/mqtt.c \
	modules/mqtt/mqtt.h \
	modules/mqtt/out.c \
	modules/mqtt/quirk.c \
	modules/mqtt/say.c \
	modules/mqtt/stat.def \
	modules/mqtt/sub.c \
	$(mqtt_pure)

if MODULE_mqtt_SHARED
moduleexec_LTLIBRARIES += mqtt.la
mqtt_la_SOURCES = $(mqtt_files)
mqtt_la_CPPFLAGS = $(module_cppflags)
mqtt_la_CFLAGS = $(module_cflags)
mqtt_la_LDFLAGS = $(module_ldflags)
endif

EXTRA_DIST += conf.d/mqtt.conf

if MODULE_mqtt
LN_CONF_FILES += conf.d/mqtt.conf

# Linked in when static; unit tests link it whatever the kind.
EXTRA_LIBRARIES += modules/libln_mqtt.a
modules_libln_mqtt_a_SOURCES = $(mqtt_files)
modules_libln_mqtt_a_CPPFLAGS = $(static_module_cppflags)
modules_libln_mqtt_a_CFLAGS = $(module_cflags)
LN_MODULE_LIBS += modules/libln_mqtt.a

if MODULE_mqtt_STATIC
LN_STATIC_LIBS += modules/libln_mqtt.a
endif

LN_MODULE_TESTS += \
	tests/modules/mqtt/connect \
	tests/modules/mqtt/decode \
	tests/modules/mqtt/encode \
	tests/modules/mqtt/filters \
	tests/modules/mqtt/props \
	tests/modules/mqtt/survive
endif

EXTRA_DIST += tests/modules/mqtt/packets.h
